"""Where time goes, as ratios within interleaved rounds: `python -m benchmarks`. See README.md in this folder."""

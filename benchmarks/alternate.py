"""What a snapshot of an alternate screen costs after a size change: its bytes, and seconds of a processor (S3).

    python -m benchmarks.alternate

Full-screen programs as they were recorded for the fidelity suite, each over a primary screen with a thousand lines of
scrollback, which a snapshot carries along: it is what the program gives back when it ends.
"""

import time

from termwall.screen.ghostty import GhosttyEngine
from tests.screen.fidelity.recordings import load

PROGRAMS = ("vim", "mc", "htop", "nano")
SCROLLBACK = 1_000
ROUNDS = 9
LOG = b"\r\n".join(b"line %d of a log with \x1b[32mcolours\x1b[m and some text behind it" % at for at in range(3_000))


def main() -> None:
    """Print a row for each program."""
    for recording in load():
        if recording.name not in PROGRAMS:
            continue
        engine = GhosttyEngine(recording.cols, recording.rows, SCROLLBACK)
        engine.feed(LOG)
        engine.feed(recording.raw[: next(cut for cut in recording.cuts() if cut > len(recording.raw) // 2)])
        assert engine.alternate
        engine.resize(recording.cols - 10, recording.rows - 4)
        spent = []
        for _ in range(ROUNDS):
            begun = time.process_time()
            taken = engine.snapshot(SCROLLBACK)
            spent.append(time.process_time() - begun)
        alone = len(engine.snapshot(0))
        print(f"{recording.name}: {len(taken)} bytes, {alone} without scrollback, {min(spent) * 1000:.1f} ms")


if __name__ == "__main__":
    main()

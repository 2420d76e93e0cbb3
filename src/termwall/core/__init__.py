"""The pure middle: state and commands in, state and events out. No I/O, no clock, no randomness."""

"""What a program asked its terminal for, as far as others than the terminal must know of it."""

from enum import IntFlag


class Modes(IntFlag):
    """Modes that are on, and whether the terminal is between two sequences."""

    FOCUS = 1
    """Focus reports (1004)."""
    SCHEME = 2
    """Reports of another colour scheme (2031)."""
    MOUSE = 4
    """Any reports of the mouse (9, 1000, 1002, 1003)."""
    GROUND = 8
    """The output ends outside of any sequence."""
    FRESH = 16
    """One of these modes was set since the newest mark of a shell's prompt."""

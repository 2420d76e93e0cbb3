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
    OWN_FOCUS = 16
    OWN_MOUSE = 32
    """The shell set such a mode itself, since the mark by which its last command ended."""

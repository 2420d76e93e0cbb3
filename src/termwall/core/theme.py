"""The colours that a program gets when it asks: those of whoever drives its session (S7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Scheme = Literal["dark", "light"]
PALETTE = 16
"""Colours of a theme's own; the other 240 are the same everywhere."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as `#rrggbb`, and whether they are light letters on a dark page or the other way round."""

    scheme: Scheme
    foreground: str
    background: str
    cursor: str
    palette: tuple[str, ...]

    def plain(self) -> list[Any]:
        """As JSON has it."""
        return [self.scheme, self.foreground, self.background, self.cursor, list(self.palette)]

    @classmethod
    def of(cls, plain: Sequence[Any]) -> "Theme":
        """From `plain`. Raises `ValueError` where it is no theme."""
        scheme, foreground, background, cursor, palette = plain
        theme = cls("light" if scheme == "light" else "dark", foreground, background, cursor, tuple(palette))
        for colour in (foreground, background, cursor, *theme.palette):
            rgb(colour)
        if len(theme.palette) != PALETTE:
            raise ValueError(f"{len(theme.palette)} colours")
        return theme


def rgb(colour: str) -> tuple[int, int, int]:
    """The parts of `#rrggbb`, 0 to 255. Raises `ValueError`."""
    if len(colour) != 7 or not colour.startswith("#"):
        raise ValueError(f"{colour[:16]!r} is not a colour")
    number = int(colour[1:], 16)
    return number >> 16, number >> 8 & 255, number & 255


DARK = Theme(
    "dark",
    foreground="#d3d6da",
    background="#0d0e10",
    cursor="#d3d6da",
    palette=(
        *("#282c32", "#ff7b72", "#63c98a", "#e2c25a", "#79b0ff", "#d59af5", "#5cc8d2", "#d3d6da"),
        *("#7b828c", "#ff9a93", "#8fdcab", "#efd88c", "#a3c8ff", "#e3bdf8", "#8fdbe2", "#f4f5f6"),
    ),
)
"""The page's dark colours: what a program gets while nobody has sent any."""

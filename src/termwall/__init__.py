"""A project's live terminals, in every browser, in sync.

For a program that embeds termwall: `create_app`, `Settings`, `TerminalService` and `TermwallError`, each imported when
it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from termwall.app import create_app
    from termwall.config import Settings
    from termwall.core.errors import TermwallError
    from termwall.hub.service import TerminalService

__all__ = ["Settings", "TerminalService", "TermwallError", "create_app"]

_PLACES = {
    "Settings": "termwall.config",
    "TermwallError": "termwall.core.errors",
    "TerminalService": "termwall.hub.service",
    "create_app": "termwall.app",
}


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module 'termwall' has no attribute {name!r}")
    return getattr(import_module(place), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]

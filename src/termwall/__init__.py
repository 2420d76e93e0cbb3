"""A project's live terminals, in every browser, in sync.

For a program that embeds termwall (docs/reference/python.md): the application, its settings, the service that it has,
and what that takes and gives. Each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from termwall.app import create_app
    from termwall.config import Settings, SettingsError
    from termwall.core.errors import ErrorCode, TermwallError
    from termwall.hub.service import TerminalService
    from termwall.protocol.bodies import InputBody, Project, SessionCreate
    from termwall.protocol.messages import FocusState, FocusUpdate, Session
    from termwall.protocol.recordings import Recording
    from termwall.screen.feed import Picture

_NAMES = {
    "termwall.app": ("create_app",),
    "termwall.config": ("Settings", "SettingsError"),
    "termwall.core.errors": ("TermwallError", "ErrorCode"),
    "termwall.hub.service": ("TerminalService",),
    "termwall.protocol.bodies": ("SessionCreate", "InputBody", "Project"),
    "termwall.protocol.messages": ("Session", "FocusState", "FocusUpdate"),
    "termwall.protocol.recordings": ("Recording",),
    "termwall.screen.feed": ("Picture",),
}
_PLACES = {name: place for place, names in _NAMES.items() for name in names}

__all__ = [
    "ErrorCode",
    "FocusState",
    "FocusUpdate",
    "InputBody",
    "Picture",
    "Project",
    "Recording",
    "Session",
    "SessionCreate",
    "Settings",
    "SettingsError",
    "TerminalService",
    "TermwallError",
    "create_app",
]


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module 'termwall' has no attribute {name!r}")
    return getattr(import_module(place), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]

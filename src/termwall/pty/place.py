"""Folders of the server as somebody outside names them: where one is, and whether programs can work in it (P1, P4).

Every path that a client gives comes by here. What the system says of it becomes a sentence that names the folder.
Standard library only.
"""

import os
import stat
from pathlib import Path

SHOWN = 200
"""Characters of a path that a sentence repeats."""


class NoPlace(Exception):
    """Why no program can work there, as a sentence."""


def shown(path: str) -> str:
    """A path as it stands in a sentence: a very long one is cut, and bytes that are no characters are marks."""
    text = path.encode("utf-8", "replace").decode()
    return f"`{text}`" if len(text) <= SHOWN else f"`{text[:SHOWN]}…`"


def resolve(path: str, within: str = "") -> str:
    """A folder's absolute path; `~` and `~name` are homes. Does not look whether it is there.

    Args:
        within: what a relative path begins at; without it only an absolute one will do.

    Raises:
        NoPlace: there cannot be one.
    """
    found = Path(within, _home(path))
    if not _is_text(str(found)):
        raise NoPlace(f"{shown(str(found))} is not UTF-8, so it cannot be shown to anybody; rename it.")
    if not found.is_absolute():
        raise NoPlace(f"{shown(path)} is not the absolute path of a folder on the server.")
    return str(found)


def enter(path: str) -> None:
    """Look whether the server's user may work in a folder.

    Raises:
        NoPlace: it is none, or may not be entered.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NoPlace(f"{shown(path)} is not a folder on the server.") from None
    except PermissionError:
        raise NoPlace(f"The server's user has no permission to look at {shown(path)}.") from None
    except OSError as error:
        raise NoPlace(f"{shown(path)} cannot be used: {error.strerror}.") from None
    except ValueError:  # A NUL, or what no byte stands for.
        raise NoPlace(f"{shown(path)} has a character that no path can have.") from None
    if not stat.S_ISDIR(found.st_mode):
        raise NoPlace(f"{shown(path)} is not a folder on the server.")
    if not os.access(path, os.X_OK):
        raise NoPlace(f"The server's user has no permission to enter {shown(path)}; grant it, or name another folder.")


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _home(path: str) -> str:
    if not path.startswith("~"):
        return path
    try:
        found = os.path.expanduser(path)
    except ValueError:
        raise NoPlace(f"{shown(path)} has a character that no path can have.") from None
    if found.startswith("~"):
        user = path[1:].partition("/")[0]
        raise NoPlace(f"There is no user {shown(user)} on the server." if user else "The server's user has no home.")
    return found

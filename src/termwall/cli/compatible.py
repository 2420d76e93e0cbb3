"""Whether this version of termwall can go on with what another one left: asked before a server is stopped (L8)."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from termwall.config import SettingsError
from termwall.ipc.memory import unread
from termwall.pty.rendezvous import HolderError, look
from termwall.pty.versions import differs, understood
from termwall.store.database import SCHEMA, newer, oldest_reader


def must_be_compatible(folder: Path) -> None:
    """Look at the holder, at what it holds, and at the store; nothing is changed.

    Raises:
        SettingsError: a server of this version would not start, or not see programs that run.
    """
    try:
        held = look(folder)
    except HolderError:  # It hangs, which says nothing of its version.
        held = None
    if held is not None and not understood(held):
        raise SettingsError(differs(held))
    hidden = hidden_programs(held)
    if hidden:
        raise SettingsError(
            f"{programs(sum(hidden.values()))} could not be shown by this version: {'; '.join(hidden)}. They would run "
            "on; `termwall down` and `termwall up` go over to it nevertheless."
        )
    path = folder / "termwall.sqlite"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            found = db.execute("PRAGMA user_version").fetchone()[0]
            if found > len(SCHEMA) and oldest_reader(db) > len(SCHEMA):
                raise SettingsError(newer(path))
    except sqlite3.Error:  # There is none, or the start sees to it.
        pass


def hidden_programs(held: dict[str, Any] | None) -> dict[str, int]:
    """Why programs of a holder cannot be shown, and how many; earlier holders do not say it."""
    layouts = {} if held is None else held.get("layouts", {})
    whys = {unread(int(layout)): count for layout, count in layouts.items()}
    return {why: count for why, count in whys.items() if why is not None}


def programs(count: int) -> str:
    """So many programs, in words."""
    return "1 program" if count == 1 else f"{count} programs"

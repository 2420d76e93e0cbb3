"""Puts `termwall` on the PATH of its own sessions: a folder in the data folder that holds nothing else (P1).

Not the folder that termwall is installed in: with a virtual environment, that one has a `python` too.
"""

import shlex
import sys
from pathlib import Path

FOLDER = "bin"


def write_launcher(data_dir: Path) -> str | None:
    """Write the command; returns its folder, or None where it cannot be written: then PATH stays as it is."""
    if not sys.executable:
        return None
    folder = data_dir.absolute() / FOLDER
    # -P: a file of the folder it is called in must not be taken for one of Python's modules.
    script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m termwall "$@"\n'
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        command = folder / "termwall"
        if not command.exists() or command.read_text() != script:
            fresh = folder / ".termwall"
            fresh.write_text(script)
            fresh.chmod(0o700)
            fresh.replace(command)
    except (OSError, UnicodeDecodeError):
        return None
    return str(folder)

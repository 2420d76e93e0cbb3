"""By which name the caretaker starts; what it does is tested with what outlives a server (tests/test_outlive.py)."""

import importlib
import sys
from pathlib import Path

from termwall.core.limits import Bounds
from termwall.hub import caretaker


def test_P5_the_caretaker_starts_by_the_name_that_holders_of_other_versions_know() -> None:
    """A holder starts what the last server named: an older one's command runs this version, and this one's an older."""
    command = caretaker.caretaker_command(Path("folder"), Bounds())
    assert command[:5] == [sys.executable, "-P", "-m", "termwall.keeper", "folder"]
    assert importlib.import_module("termwall.keeper").main is caretaker.main

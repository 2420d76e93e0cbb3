"""What holds up the event loop is reported (L6)."""

import asyncio
import time

import pytest

from termwall.system import lateness
from termwall.system.lateness import Lateness


async def test_case_hardening_L6_a_loop_that_was_held_up_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lateness, "LONG_SECONDS", 0.2)
    found = Lateness()
    assert (found.seconds, found.problem) == (0.0, None)
    found.begin(0.01)
    await asyncio.sleep(0)
    time.sleep(0.3)  # noqa: ASYNC251  As a disk that hangs under a write does.
    while not found.seconds:
        await asyncio.sleep(0)
    assert found.seconds > 0.25
    assert found.problem is not None
    assert "answered nobody" in found.problem

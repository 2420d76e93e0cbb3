"""What real agents said while they worked, asked for permission and were answered, and what that is taken for (S9).

Each recording is `{program, cols, rows, asked, answered, output: [[ms, text]]}`, the text as latin-1: the program ran
in termwall with a model on loopback; a prompt was sent at `asked`, its question answered at `answered`.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from termwall.core.osc import Notified, OscScanner, Progressed, Titled
from termwall.core.session.attention import Watch
from termwall.screen.ghostty import GhosttyEngine
from termwall.screen.progress import KnownRows

FOLDER = Path(__file__).parents[1] / "recordings/agents"
START = 1_000_000
STEP = 100
"""Milliseconds between two looks."""


class Moment(NamedTuple):
    at: int
    state: str
    reason: str


def recorded(name: str) -> dict[str, Any]:
    return dict(json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes())))


def moments(recording: dict[str, Any], rings: int | None = None) -> Iterator[Moment]:
    """What it is taken for from when it was asked to when it was answered. `rings`: when it rings the bell besides."""
    watch, scanner, known = Watch(START), OscScanner(), None
    engine = GhosttyEngine(recording["cols"], recording["rows"], 0)
    looked = 0
    for at, text in [*recording["output"], [1 << 40, ""]]:
        while looked < min(at, recording["answered"]):
            looked += STEP
            watch.ticked(START + looked)
            if rings is not None and looked >= rings:
                watch.rang(START + looked)
                rings = None
            if looked > recording["asked"]:
                yield Moment(looked, *watch.value[:2])
        if at > recording["answered"]:
            break
        data, now = text.encode("latin-1"), START + at
        engine.feed(data)
        watch.printed(now, judged=watch.doubted)
        for event in scanner.feed(data):
            match event:
                case Titled():
                    watch.titled(now, event.title)
                case Notified():
                    watch.notified(now, event.source, event.title, event.body)
                case Progressed():
                    watch.progressed(now, event.state, event.percent)
        if engine.take_bells():
            watch.rang(now)
        if watch.doubted:
            known = known or KnownRows()
            if known.has_new(engine.text(0)):
                watch.moved_on(now)
        else:
            known = None
    engine.close()


@pytest.mark.parametrize(("name", "says"), [("codex", "title: "), ("gemini", "title: ✋"), ("claude", "OSC 777")])
def test_case_agents_7_and_8_an_agent_that_asks_needs_input_until_it_is_answered(name: str, says: str) -> None:
    seen = list(moments(recorded(name)))
    calls = [one for one in seen if one.state == "needs input"]
    assert calls, "it asked"
    since = [one for one in seen if one.at >= calls[0].at]
    assert {one.state for one in since} == {"needs input"}, "however long it blinks, counts and draws"
    assert since[-1].at - since[0].at > 15_000
    assert calls[0].reason.startswith(says)
    assert {one.state for one in seen} <= {"working", "needs input"}, "at no time done"


def test_case_agents_7_a_call_holds_while_copilot_counts_seconds() -> None:
    recording = recorded("copilot")
    asks = next(at for at, text in recording["output"] if "Do you want to run this command?" in text)
    since = [one for one in moments(recording, rings=asks + 500) if one.at >= asks + 1_000]
    assert {one.state for one in since} == {"needs input"}
    assert since[-1].at - since[0].at > 15_000

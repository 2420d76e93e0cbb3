"""What a program said of itself: each event changes its own field, and a restart keeps all of it."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.osc import Asked, Copied, Marked, Moved, Notified, OscEvent, Progressed, Ran, Titled
from termwall.core.session.facts import NAMES, Facts, Mark, Notification, Progress, _restored, camel
from termwall.protocol.messages import Session, SessionUpdate
from tests.test_docs import tracked

TEXT = st.text(max_size=20)
EVENTS = st.one_of(
    st.builds(Titled, TEXT),
    st.builds(Moved, TEXT),
    st.builds(Notified, st.sampled_from(["OSC 9", "OSC 99"]), TEXT, TEXT),
    st.builds(
        Progressed,
        st.sampled_from([None, "normal", "error", "indeterminate", "paused"]),
        st.none() | st.integers(0, 100),
    ),
    st.builds(
        Marked,
        st.sampled_from(["prompt", "input", "running", "finished"]),
        st.none() | st.integers(0, 255),
        st.none() | TEXT,
    ),
    st.builds(Ran, TEXT),
    st.builds(Copied, TEXT),
    st.builds(Asked, TEXT, st.booleans()),
)


@pytest.mark.parametrize(
    ("event", "field", "value"),
    [
        (Titled("vim"), "title", "vim"),
        (Moved("/tmp"), "cwd", "/tmp"),
        (Notified("OSC 9", "Build", "failed"), "notification", Notification("Build", "failed", 7)),
        (Progressed("error", 40), "progress", Progress("error", 40)),
        (Progressed(None), "progress", None),
        (Marked("finished", 1), "mark", Mark("finished", 1, 7)),
        (Ran("make test"), "shell_command", "make test"),
    ],
)
def test_S7_an_event_changes_its_own_field(event: OscEvent, field: str, value: object) -> None:
    before = Facts("/home", progress=Progress("normal", 1))
    after = before.after(event, 7)
    assert getattr(after, field) == value
    assert [getattr(after, name) for name in NAMES if name != field] == [
        getattr(before, name) for name in NAMES if name != field
    ]


def test_S9_a_mark_may_bring_its_command_and_the_end_of_that_leaves_it() -> None:
    runs = Facts("/home").after(Marked("running", None, "make"), 7)
    assert (runs.mark, runs.shell_command) == (Mark("running", None, 7), "make")
    assert runs.after(Marked("finished", 2), 8).shell_command == "make"


@given(st.lists(EVENTS, max_size=12), st.none() | st.integers(0, 1 << 50))
def test_P5_what_was_said_is_kept_over_a_restart(events: list[OscEvent], bell: int | None) -> None:
    facts = Facts("/home", bell=bell)
    for event in events:
        facts = facts.after(event, 5)
    assert Facts.restore(facts.plain(), "/elsewhere") == facts


def test_P5_what_an_older_version_did_not_keep_begins_anew() -> None:
    assert Facts.restore({"title": "t"}, "/home") == Facts("/home", "t")
    assert Facts.restore({}, "/home") == Facts("/home")


def test_case_house_16_a_part_of_a_fact_that_an_older_version_did_not_know_has_its_default() -> None:
    @dataclass(frozen=True)
    class Grown:
        kind: str
        line: str | None = None

    assert _restored(Grown, {"kind": "prompt"}) == Grown("prompt")
    assert _restored(Grown, {"kind": "prompt", "line": "make"}) == Grown("prompt", "make")
    with pytest.raises(TypeError):
        _restored(Grown, {"kind": "prompt", "line": 5})


@pytest.mark.parametrize(
    "state",
    [
        {"title": 5},
        {"bell": "now"},
        {"bell": True},
        {"mark": {"kind": "nonsense", "exitCode": None, "timestamp": 1}},
        {"mark": {"kind": "prompt"}},
        {"progress": [1]},
        {"notification": "text"},
    ],
)
def test_L10_what_is_no_such_thing_is_an_error(state: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Facts.restore(state, "/home")


def test_case_house_16_a_field_is_written_in_facts_and_messages_only() -> None:
    # What `core/osc.py` hears is kept over a restart, and sent to clients and nodes, without its name.
    files = [file for file in tracked("src/*.py") if re.search(r"shell_?command", file.read_text(), re.IGNORECASE)]
    assert sorted(file.name for file in files) == ["facts.py", "messages.py"]


def test_S7_each_of_them_is_a_field_of_a_session_and_of_its_updates() -> None:
    for model in (Session, SessionUpdate):
        assert set(NAMES) <= model.model_fields.keys()
    assert camel("exit_code") == "exitCode"

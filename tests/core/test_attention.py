"""What a session wants from its user: the table in `core/attention.py`, and what holds whatever happens."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.attention import KEY, LONG, MAX_REASON, QUIET, SILENCE, STEADY, Watch

START = 1_000_000


def after(*happened: tuple[Any, ...]) -> Watch:
    """A watch after these: (milliseconds after the last one, method, arguments ...)."""
    watch, now = Watch(START), START
    for delay, method, *arguments in happened:
        now += delay
        while (deadline := watch.next_deadline()) is not None and deadline <= now:
            watch.ticked(deadline)
        getattr(watch, method)(now, *arguments)
    return watch


TOLD = ("told", "needs input", "Claude hook: Notification", "may I?")
RUN = (0, "marked", "running", None)


@pytest.mark.parametrize(
    ("happened", "state", "reason"),
    [
        ([], "working", "started"),
        ([(QUIET, "ticked")], "idle", "quiet"),
        ([(QUIET, "ticked"), (9, "printed")], "working", "output"),
        ([(QUIET, "ticked"), (9, "printed"), (QUIET - 1, "ticked")], "working", "output"),
        ([(9, "printed"), (QUIET, "ticked")], "idle", "quiet"),
        ([(9, "rang")], "needs input", "bell"),
        ([(9, "typed"), (KEY, "rang")], "working", "started"),
        ([(9, "typed"), (KEY + 1, "rang")], "needs input", "bell"),
        ([(9, "rang"), (9, "printed"), (QUIET * 9, "ticked")], "needs input", "bell"),
        ([(9, "rang"), (9, "typed")], "working", "output"),
        ([(9, "rang"), (QUIET, "typed")], "idle", "quiet"),
        ([(9, "rang"), *[(1000, "printed")] * 9], "needs input", "bell"),
        ([(9, "rang"), *[(1000, "printed")] * 10], "working", "output"),
        ([(9, "rang"), *[(QUIET + 1, "printed")] * 30], "needs input", "bell"),
        ([(9, *TOLD), *[(1000, "printed")] * 30], "needs input", "Claude hook: Notification: may I?"),
        ([(9, "notified", "OSC 9", "", "done?")], "needs input", "OSC 9: done?"),
        ([(9, "notified", "OSC 777", "Build", "failed")], "needs input", "OSC 777: Build"),
        ([(9, "notified", "OSC 9", "", "x" * 500)], "needs input", ("OSC 9: " + "x" * 500)[:MAX_REASON]),
        (
            [(9, *TOLD), (9, "told", "working", "Claude hook: UserPromptSubmit", "")],
            "working",
            "Claude hook: UserPromptSubmit",
        ),
        ([(9, "told", "working", "notify", ""), (SILENCE - 1, "ticked")], "working", "notify"),
        ([(9, "told", "working", "notify", ""), (SILENCE, "ticked")], "idle", "quiet"),
        (
            [(9, "told", "working", "notify", ""), (SILENCE - 1, "printed"), (SILENCE - 1, "ticked")],
            "working",
            "notify",
        ),
        ([(9, "told", "idle", "notify", ""), (9, "printed")], "idle", "notify"),
        ([(9, "told", "done", "notify", "built"), (9, "printed")], "done", "notify: built"),
        ([(9, "told", "done", "notify", "built"), (QUIET, "typed")], "idle", "quiet"),
        ([RUN, (QUIET * 9, "ticked")], "working", "a command runs"),
        ([RUN, (LONG - 1, "marked", "finished", 0)], "idle", "at its prompt"),
        ([RUN, (LONG, "marked", "finished", 2)], "done", "command finished after 5 s, exit code 2"),
        ([RUN, (LONG, "marked", "finished", None)], "done", "command finished after 5 s"),
        (
            [RUN, (LONG, "marked", "finished", 2), (9, "marked", "prompt", None), (9, "printed")],
            "done",
            "command finished after 5 s, exit code 2",
        ),
        ([RUN, (LONG, "marked", "finished", 2), RUN], "working", "a command runs"),
        ([RUN, (LONG, "marked", "prompt", None)], "idle", "at its prompt"),
        ([(9, "rang"), RUN], "working", "a command runs"),
        ([(9, "marked", "prompt", None), (9, "printed")], "idle", "at its prompt"),
        ([(9, "progressed", "normal", 40), (QUIET * 9, "ticked")], "working", "progress 40 %"),
        ([(9, "progressed", "indeterminate", None)], "working", "progress"),
        ([(9, "progressed", "normal", 40), (LONG, "progressed", None, None)], "done", "progress ended"),
        ([(QUIET, "progressed", "normal", 40), (LONG - 1, "progressed", None, None)], "idle", "quiet"),
        ([(9, "progressed", "error", 40)], "needs input", "progress: error"),
        ([(9, "progressed", "paused", None)], "needs input", "progress: paused"),
        ([(9, *TOLD), (9, "ended", "exit code 1")], "exited", "exit code 1"),
        (
            [(9, "ended", "exit code 1"), (9, "rang"), (9, "printed"), (9, "typed"), (QUIET, "ticked")],
            "exited",
            "exit code 1",
        ),
        ([(9, "lost", "the machine restarted")], "lost", "the machine restarted"),
        ([(9, "ended", "exit code 1"), (9, "restarted")], "working", "started"),
    ],
)
def test_S9_the_table_of_attention(happened: list[tuple[Any, ...]], state: str, reason: str) -> None:
    assert after(*happened).value[:2] == (state, reason)


def test_S9_since_is_when_the_state_began() -> None:
    assert after((9, "rang"), (50, "notified", "OSC 9", "", "again")).value[2] == START + 9
    assert after((7, "printed"), (QUIET + 500, "ticked")).value[2] == START + 7, "idle since its last output"


def test_S9_that_somebody_saw_it_is_a_flag_of_its_own() -> None:
    assert after((9, "rang")).value[3] is False
    assert after((9, "rang"), (9, "saw")).value == ("needs input", "bell", START + 9, True)
    assert after((9, "rang"), (9, "saw"), (9, "rang")).value[3] is False, "that is news"
    assert after((9, "rang"), (9, "saw"), (9, "typed"), (QUIET, "ticked")).value[3] is False
    assert after((9, "told", "done", "notify", ""), (9, "typed")).value[3] is True


def test_F3_a_session_that_waits_is_told_by_its_state() -> None:
    assert after((9, "rang")).waiting
    assert not after((9, "rang"), (9, "typed")).waiting
    assert not after((9, "rang"), (9, "ended", "exit code 0")).waiting


STEPS = st.one_of(
    st.sampled_from(
        [("printed",), ("rang",), ("typed",), ("saw",), ("ticked",), ("restarted",), ("ended", "x"), ("lost", "x")]
    ),
    st.tuples(st.just("notified"), st.just("OSC 9"), st.text(max_size=3), st.text(max_size=300)),
    st.tuples(
        st.just("progressed"),
        st.sampled_from([None, "normal", "error", "indeterminate", "paused"]),
        st.none() | st.integers(0, 100),
    ),
    st.tuples(
        st.just("marked"), st.sampled_from(["prompt", "input", "running", "finished"]), st.none() | st.integers(0, 255)
    ),
    st.tuples(
        st.just("told"),
        st.sampled_from(["working", "needs input", "done", "idle"]),
        st.just("notify"),
        st.text(max_size=200),
    ),
)


@given(st.lists(st.tuples(st.integers(0, 20_000), STEPS), max_size=40))
def test_S9_whatever_happens_the_state_has_evidence_and_time_ends_what_it_must(steps: list[tuple[int, Any]]) -> None:
    watch, now, looked = Watch(START), START, Watch(START)
    for delay, (method, *arguments) in steps:
        now += delay
        for one in (watch, looked):
            ticks = 0
            while (deadline := one.next_deadline()) is not None and deadline <= now:
                one.ticked(deadline)
                ticks += 1
                assert ticks <= 3, "a deadline passes by being told"
        before = watch.value
        getattr(watch, method)(now, *arguments)
        state, reason, since, seen = watch.value
        assert reason
        assert len(reason) <= MAX_REASON
        assert since <= now
        assert watch.waiting == (state == "needs input")
        if state == before[0] and method != "restarted":
            assert since == before[2]
        elif method not in ("typed", "saw"):
            assert not seen
        # Who looks changes nothing but the flag.
        looked.saw(now)
        getattr(looked, method)(now, *arguments)
        assert looked.value[:3] == watch.value[:3]


def test_S9_steady_output_counts_from_the_bell() -> None:
    watch = after(*[(1000, "printed")] * 20, (9, "rang"), (1000, "printed"))
    assert watch.value[0] == "needs input", "it printed for long before it rang, which says nothing"
    assert STEADY > QUIET

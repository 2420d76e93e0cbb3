"""What a session wants from its user: the table in `core/session/attention.py`, and what holds whatever happens."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.session.attention import (
    LASTING_MS,
    MAX_REASON,
    ONWARD_MS,
    PROVOKED_MS,
    QUIET_MS,
    SILENCE_MS,
    TYPED_MS,
    Watch,
)

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


REPORTED = ("reported", "needs input", "Claude hook: Notification", "may I?")
CALL = "Claude hook: Notification: may I?"
RUN = (0, "marked", "running", None)


@pytest.mark.parametrize(
    ("happened", "state", "reason"),
    [
        ([], "working", "started"),
        ([(QUIET_MS, "ticked")], "idle", "quiet"),
        ([(QUIET_MS, "ticked"), (9, "printed")], "working", "output"),
        ([(QUIET_MS, "ticked"), (9, "printed"), (QUIET_MS - 1, "ticked")], "working", "output"),
        ([(9, "printed"), (QUIET_MS, "ticked")], "idle", "quiet"),
        ([(9, "rang")], "needs input", "bell"),
        ([(9, "typed"), (TYPED_MS - 1, "rang")], "working", "started"),
        ([(9, "typed"), (TYPED_MS, "rang")], "needs input", "bell"),
        ([(9, "rang"), (9, "printed"), (QUIET_MS * 9, "ticked")], "needs input", "bell"),
        ([(9, "rang"), (9, "typed")], "idle", "quiet"),
        ([(9, "rang"), (9, "typed"), (9, "printed")], "working", "output"),
        ([(9, "rang"), (QUIET_MS, "typed")], "idle", "quiet"),
        ([(9, "rang"), *[(1000, "printed")] * 10], "needs input", "bell"),
        ([(9, "rang"), *[(1000, "printed")] * 11], "working", "output"),
        ([(9, "rang"), *[(1000, "printed")] * 8, (9, "rang"), *[(1000, "printed")] * 9], "needs input", "bell"),
        ([(9, "notified", "OSC 9", "", "m"), *[(1000, "printed")] * 30], "needs input", "OSC 9: m"),
        ([(9, "notified", "OSC 9", "", "m"), (9, "rang")], "needs input", "OSC 9: m"),
        ([(9, "rang"), (9, "notified", "OSC 9", "", "m")], "needs input", "OSC 9: m"),
        ([(9, "rang"), *[(QUIET_MS, "printed")] * 30], "needs input", "bell"),
        ([(9, *REPORTED), *[(1000, "printed")] * 30], "needs input", CALL),
        ([(9, "notified", "OSC 9", "", "done?")], "needs input", "OSC 9: done?"),
        ([(9, "notified", "OSC 777", "Build", "failed")], "needs input", "OSC 777: Build: failed"),
        ([(9, "notified", "OSC 9", "", "x" * 500)], "needs input", ("OSC 9: " + "x" * 500)[: MAX_REASON - 1] + "…"),
        (
            [(9, *REPORTED), (9, "reported", "working", "Claude hook: UserPromptSubmit", "")],
            "working",
            "Claude hook: UserPromptSubmit",
        ),
        ([(9, "reported", "working", "notify", ""), (SILENCE_MS - 1, "ticked")], "working", "notify"),
        ([(9, "reported", "working", "notify", ""), (SILENCE_MS, "ticked")], "idle", "quiet"),
        (
            [(9, "reported", "working", "notify", ""), (SILENCE_MS - 1, "printed"), (SILENCE_MS - 1, "ticked")],
            "working",
            "notify",
        ),
        ([(9, "reported", "idle", "notify", ""), (9, "printed")], "idle", "notify"),
        ([(9, "reported", "done", "notify", "built"), (9, "printed")], "done", "notify: built"),
        ([(9, "reported", "done", "notify", "built"), (QUIET_MS, "typed")], "idle", "quiet"),
        ([RUN, (QUIET_MS * 9, "ticked")], "working", "prompt mark"),
        ([RUN, (LASTING_MS - 1, "marked", "finished", 0)], "idle", "prompt mark"),
        ([RUN, (LASTING_MS, "marked", "finished", 2)], "done", "command finished, exit code 2 after 5 s"),
        ([RUN, (LASTING_MS, "marked", "finished", None)], "done", "command finished after 5 s"),
        (
            [RUN, (LASTING_MS, "marked", "finished", 2), (9, "marked", "prompt", None), (9, "printed")],
            "done",
            "command finished, exit code 2 after 5 s",
        ),
        ([RUN, (LASTING_MS, "marked", "finished", 2), RUN], "working", "prompt mark"),
        ([RUN, (LASTING_MS, "marked", "prompt", None)], "done", "command finished after 5 s"),
        ([RUN, (150_000, "marked", "finished", 0)], "done", "command finished, exit code 0 after 2 min"),
        ([RUN, (8_000_000, "marked", "finished", 0)], "done", "command finished, exit code 0 after 2 h"),
        ([RUN, (LASTING_MS, "marked", "finished", 0), (9, "typed"), (9, "printed")], "idle", "prompt mark"),
        ([RUN, (9, "rang"), (9, "marked", "finished", 0), (9, "marked", "prompt", None)], "needs input", "bell"),
        ([RUN, (9, "rang"), (9, "typed")], "working", "prompt mark"),
        ([RUN, (9, *REPORTED), (LASTING_MS, "marked", "finished", 0)], "needs input", CALL),
        ([RUN, (9, "reported", "working", "x", ""), (LASTING_MS - 10, "marked", "finished", 0)], "idle", "prompt mark"),
        ([RUN, (9, "reported", "working", "x", ""), (9, "typed")], "working", "prompt mark"),
        ([(9, *REPORTED), RUN], "working", "prompt mark"),
        ([(QUIET_MS, "marked", "finished", 0)], "idle", "quiet"),
        ([RUN, (9, "progressed", "normal", 3), (9, "marked", "prompt", None)], "idle", "prompt mark"),
        ([RUN, (9, "progressed", "error", 3), (9, "marked", "prompt", None)], "idle", "prompt mark"),
        ([RUN, (9, "progressed", "normal", 3), (9, "progressed", None, None)], "working", "prompt mark"),
        ([(9, "rang"), RUN], "working", "prompt mark"),
        ([RUN, (9, "marked", "prompt", None), (9, "printed")], "idle", "prompt mark"),
        ([(9, "marked", "prompt", None), (9, "printed")], "working", "output"),
        ([(9, "progressed", "normal", 40), (QUIET_MS * 9, "ticked")], "working", "progress 40 %"),
        ([(9, "progressed", "indeterminate", None)], "working", "progress"),
        ([(9, "progressed", "normal", 40), (LASTING_MS, "progressed", None, None)], "idle", "quiet"),
        ([(QUIET_MS, "progressed", "normal", 40), (LASTING_MS - 1, "progressed", None, None)], "idle", "quiet"),
        ([(9, "progressed", "normal", 1), (SILENCE_MS - 1, "ticked")], "working", "progress 1 %"),
        ([(9, "progressed", "normal", 1), (SILENCE_MS, "ticked")], "idle", "quiet"),
        (
            [(9, "progressed", "normal", 1), (LASTING_MS, "progressed", None, None), (9, "progressed", "normal", 2)],
            "working",
            "progress 2 %",
        ),
        ([(9, "progressed", "error", 40)], "needs input", "progress error 40 %"),
        ([(9, "progressed", "error", 40), *[(1000, "printed")] * 11], "working", "progress 40 %"),
        ([(9, "progressed", "error", 40), (9, "progressed", "normal", 41)], "working", "progress 41 %"),
        ([(9, "progressed", "error", 40), (LASTING_MS, "progressed", None, None)], "idle", "quiet"),
        ([(9, "progressed", "error", 40), (9, "progressed", None, None)], "working", "started"),
        ([(9, "progressed", "paused", None)], "needs input", "progress paused"),
        ([(9, *REPORTED), (9, "progressed", "normal", 40), (9, "rang")], "needs input", CALL),
        ([(9, "reported", "working", "x", ""), (9, "rang")], "working", "x"),
        ([(9, "reported", "working", "x", ""), (9, "notified", "OSC 9", "", "m")], "needs input", "OSC 9: m"),
        ([(9, "reported", "done", "x", ""), (9, "notified", "OSC 9", "", "m")], "done", "x"),
        ([(9, *REPORTED), (9, "ended", "exit code 1")], "exited", "exit code 1"),
        (
            [(9, "ended", "exit code 1"), (9, "rang"), (9, "printed"), (9, "typed"), (QUIET_MS, "ticked")],
            "exited",
            "exit code 1",
        ),
        ([(9, "lost", "the machine restarted")], "lost", "the machine restarted"),
        ([(9, "lost", "the machine restarted"), (9, "ended", "exit code 1")], "lost", "the machine restarted"),
        ([(9, "ended", "exit code 1"), (9, "restarted")], "working", "started"),
    ],
)
def test_S9_the_table_of_attention(happened: list[tuple[Any, ...]], state: str, reason: str) -> None:
    assert after(*happened).value[:2] == (state, reason)


BLINK = "[ ! ] Action Required | project"
HAND = "✋  Action Required (project)" + " " * 51


@pytest.mark.parametrize(
    ("happened", "state", "reason"),
    [
        ([(9, "titled", BLINK)], "needs input", f"title: {BLINK}"),
        ([(9, "titled", HAND)], "needs input", "title: ✋  Action Required (project)"),
        ([(9, "titled", "  ✋ asks")], "needs input", "title: ✋ asks"),
        ([(QUIET_MS, "titled", "◇  Ready (project)")], "idle", "quiet"),
        # Blinking and printing go on for as long as it asks.
        ([*[(1000, "titled", BLINK), (0, "printed")] * 60], "needs input", f"title: {BLINK}"),
        ([(9, "titled", BLINK), (9, "titled", "project"), (0, "printed")], "working", "output"),
        # It says so also where a hook said something before.
        ([(9, "reported", "working", "x", ""), (9, "titled", BLINK)], "needs input", f"title: {BLINK}"),
        ([(9, *REPORTED), (9, "titled", BLINK)], "needs input", CALL),
        ([(9, "notified", "OSC 9", "", "m"), (9, "titled", BLINK)], "needs input", "OSC 9: m"),
        # Enter answers; a program that did not take it for one says so again.
        ([(9, "titled", BLINK), (9, "typed")], "idle", "quiet"),
        ([(9, "titled", BLINK), (9, "typed"), (9, "titled", BLINK)], "needs input", f"title: {BLINK}"),
        # It was killed: the shell's mark, or the end, is stronger than what it left in the title.
        ([RUN, (9, "titled", BLINK), (9, "marked", "prompt", None)], "idle", "prompt mark"),
        ([(9, "titled", BLINK), (9, "ended", "exit code 1")], "exited", "exit code 1"),
        ([(9, "titled", BLINK), (9, "restarted")], "working", "started"),
    ],
)
def test_case_agents_7_a_title_that_asks(happened: list[tuple[Any, ...]], state: str, reason: str) -> None:
    assert after(*happened).value[:2] == (state, reason)


def test_case_agents_7_another_key_than_enter_does_not_answer_a_title_that_asks() -> None:
    watch = after((QUIET_MS, "titled", HAND))
    watch.typed(START + QUIET_MS + 9, entered=False)
    assert (watch.value.state, watch.value.seen) == ("needs input", True)


def test_case_agents_7_only_new_text_ends_a_bell() -> None:
    watch = after((9, "rang"))
    assert watch.doubted
    for second in range(60):
        watch.printed(START + 1000 * second, judged=True)  # A clock, a spinner, a title.
    assert watch.value.state == "needs input"
    for second in range(60, 72):
        watch.printed(START + 1000 * second, judged=True)
        watch.moved_on(START + 1000 * second)
    assert watch.value[:2] == ("working", "output")
    assert not watch.doubted


def test_case_agents_7_now_and_then_a_new_row_does_not_end_a_bell() -> None:
    watch = after((9, "rang"))
    for second in range(0, 60, 3):
        watch.moved_on(START + 1000 * second)
    assert watch.value.state == "needs input"


def test_case_agents_5_the_mouse_may_have_answered_a_sentence() -> None:
    call = (9, "notified", "OSC 9", "", "may I?")
    assert after(call, *[(1000, "printed")] * 20).value.state == "needs input"
    assert after(call, (9, "pressed")).value[0:4:3] == ("needs input", True)
    assert after(call, (9, "pressed"), *[(1000, "printed")] * 12).value.state == "working"


@pytest.mark.parametrize(
    ("happened", "state"),
    [
        ([(9, "provoked"), (9, "printed"), (PROVOKED_MS - 10, "printed")], "idle"),
        ([(9, "provoked"), (9, "printed"), (PROVOKED_MS, "printed")], "working"),
        ([*[(1000, "provoked"), (9, "printed")] * 20], "idle"),
        ([(9, "provoked"), (9, "typed"), (9, "printed")], "working"),
        # Who works goes on working.
        ([(9, "printed"), (9, "provoked"), (QUIET_MS - 1, "printed"), (QUIET_MS - 1, "ticked")], "working"),
    ],
)
def test_case_page_26_a_redraw_is_no_work(happened: list[tuple[Any, ...]], state: str) -> None:
    assert after((QUIET_MS, "ticked"), *happened).value.state == state


def test_case_agents_8_ended_progress_alone_is_not_done() -> None:
    asks = after((9, "progressed", "indeterminate", None), (60_000, "progressed", None, None))
    assert asks.value.state == "idle"
    printing = after((9, "progressed", "normal", 100), (6000, "printed"), (9, "progressed", None, None))
    assert printing.value.state == "working"


def test_what_an_older_server_kept_is_taken() -> None:
    state = after((9, "rang")).state()
    state["claim"]["rank"] = 0
    del state["asks"], state["provoked_until"], state["moved"]
    assert Watch.restore(state).value.state == "needs input"
    assert Watch.restore(after((9, "titled", BLINK)).state()).value.state == "needs input"


def test_S9_since_is_when_the_state_began() -> None:
    assert after((9, "rang"), (50, "notified", "OSC 9", "", "again")).value[2] == START + 9
    assert after((7, "printed"), (QUIET_MS + 500, "ticked")).value[2] == START + 7, "idle since its last output"


def test_S9_that_somebody_saw_it_is_a_flag_of_its_own() -> None:
    assert after((9, "rang")).value[3] is False
    assert after((9, "rang"), (9, "saw")).value == ("needs input", "bell", START + 9, True)
    assert after((9, "rang"), (9, "saw"), (9, "rang")).value[3] is False, "that is news"
    assert after((9, "rang"), (9, "typed"), (9, "ticked")).value[3] is True
    assert after((9, "rang"), (9, "saw"), (9, "typed"), (9, "printed")).value[3] is False, "another state"
    assert after((9, "reported", "done", "notify", ""), (9, "typed")).value[3] is True


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
        st.just("reported"),
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
    watch = after(*[(1000, "printed")] * 20, (9, "rang"), (ONWARD_MS - 1, "ticked"), (1, "printed"))
    assert watch.value[0] == "needs input", "it printed for long before it rang, which says nothing"


def test_S9_output_at_a_marked_prompt_is_an_echo() -> None:
    watch = after(RUN, (9, "marked", "prompt", None), (9, "rang"), *[(1000, "printed")] * 30)
    assert watch.value[:2] == ("needs input", "bell")
    assert after(RUN, (9, "marked", "input", None), (9, "typed"), (9, "printed")).value[:2] == ("idle", "prompt mark")


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 100_000), STEPS), max_size=40))
def test_S9_a_clock_that_is_set_back_changes_nothing(steps: list[tuple[int, int, Any]]) -> None:
    """The clock steps back by the second number and goes on; only then it stands still for one call."""
    steady, wild, now, behind = Watch(START), Watch(START), START, 0
    for delay, back, (method, *arguments) in steps:
        now += delay
        behind += back + delay
        wild.ticked(now - behind)
        behind -= delay
        getattr(steady, method)(now, *arguments)
        getattr(wild, method)(now - behind, *arguments)
        assert wild.value[:2] == steady.value[:2]
        assert wild.value.since == steady.value.since - behind
        assert wild.value.seen == steady.value.seen

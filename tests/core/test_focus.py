"""The stage, each rule alone, then any sequence of commands against a naive model."""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from termwall.core import focus
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.focus import Activity, FocusChange, Stage
from termwall.core.ids import SessionId

A, B, C, D, E = (SessionId(name) for name in "abcde")


def stage(*sessions: SessionId, version: int = 7, most: int = 4) -> Stage:
    return Stage(sessions, version, most)


def quiet(*sessions: SessionId) -> dict[SessionId, Activity]:
    """All alike, so that the order on the stage decides."""
    return dict.fromkeys(sessions, Activity(user=0, output=0, focused=0))


def must(change: FocusChange | None) -> FocusChange:
    assert change is not None
    return change


def test_F1_the_newest_is_appended() -> None:
    assert must(focus.focus(stage(A, B), C, quiet(A, B))).stage == stage(A, B, C, version=8)


def test_F1_a_batch_in_another_order_is_a_change() -> None:
    change = must(focus.focus_batch(stage(A, B), [B, A]))
    assert change.stage == stage(B, A, version=8)
    assert (change.added, change.removed, change.evicted) == ((), (), ())


def test_F1_an_id_named_twice_counts_once_at_its_first_place() -> None:
    assert must(focus.focus_batch(stage(most=2), [B, A, B, A])).stage.sessions == (B, A)


def test_F1_a_lowered_limit_makes_the_least_active_leave_in_one_version() -> None:
    activity = quiet(A, B, C) | {B: Activity(user=5, output=0, focused=0)}
    change = must(focus.limit(stage(A, B, C), 1, activity))
    assert change.stage == stage(B, version=8, most=1)
    assert change.evicted == change.removed == (A, C)


def test_F1_a_raised_limit_is_a_version_without_anybody_moving() -> None:
    change = must(focus.limit(stage(A), 9, quiet(A)))
    assert (change.stage, change.removed) == (stage(A, version=8, most=9), ())


def test_F2_what_alters_nothing_makes_no_version() -> None:
    now = stage(A, B)
    assert focus.focus(now, A, quiet(A, B)) is None
    assert focus.focus_batch(now, [A, B, A]) is None
    assert focus.blur(now, [C]) is None
    assert focus.blur(now, []) is None
    assert focus.limit(now, 4, quiet(A, B)) is None
    assert focus.remove(now, C) is None


def test_F3_a_full_stage_evicts_in_the_same_version() -> None:
    change = must(focus.focus(stage(A, B, most=2), C, quiet(A, B)))
    assert change == FocusChange(stage(B, C, version=8, most=2), C, True, (C,), (A,), (A,))


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (Activity(user=1, output=9, focused=9), Activity(user=2, output=0, focused=0), "oldest user activity"),
        (Activity(user=1, output=1, focused=9), Activity(user=1, output=2, focused=0), "then oldest output"),
        (Activity(user=1, output=1, focused=1), Activity(user=1, output=1, focused=2), "then longest focused"),
        (Activity(9, 9, 9), Activity(0, 0, 0, needs_input=True), "who waits for the user goes last"),
        (Activity(9, 9, 9, ended=True), Activity(0, 0, 0), "F10: the ended go first"),
        (Activity(9, 9, 9, ended=True, needs_input=True), Activity(0, 0, 0), "an ended one waits for nobody"),
    ],
)
def test_F3_who_leaves_first(first: Activity, second: Activity, why: str) -> None:
    for order in [(A, B), (B, A)]:
        change = must(focus.focus(stage(*order, most=2), C, {A: first, B: second}))
        assert change.evicted == (A,), why


def test_F3_a_session_that_waits_for_the_user_goes_last() -> None:
    now, asked = stage(A, B, C, most=3), []
    activity = {
        A: Activity(0, 0, 0, needs_input=True),
        B: Activity(9, 9, 9),
        C: Activity(5, 5, 5, ended=True, needs_input=True),
    }
    for _ in range(3):
        change = must(focus.focus(now, D, activity))
        asked.append(change.evicted)
        activity = {one: activity[one] for one in now.sessions if one not in change.evicted}
        now = stage(*activity, most=max(1, len(activity)))
    assert asked == [(C,), (B,), (A,)]


def test_F4_a_stale_version_is_refused_even_if_nothing_would_change() -> None:
    now = stage(A, B)
    commands: list[Callable[[], FocusChange | None]] = [
        lambda: focus.focus(now, A, quiet(A, B), expected_version=6),
        lambda: focus.focus_batch(now, [A, B], expected_version=8),
        lambda: focus.focus_batch(now, [A, B, C, D, E], expected_version=6),
        lambda: focus.blur(now, [C], expected_version=0),
    ]
    for command in commands:
        with pytest.raises(TermwallError) as refused:
            command()
        assert refused.value.code is ErrorCode.VERSION_CONFLICT


def test_F5_a_batch_replaces_the_stage_in_one_version() -> None:
    change = must(focus.focus_batch(stage(A, B, C), [C, D], expected_version=7))
    assert change == FocusChange(stage(C, D, version=8), None, True, added=(D,), removed=(A, B), evicted=())


def test_F3_F5_a_batch_names_as_evicted_only_those_that_had_to_make_room() -> None:
    change = must(focus.focus_batch(stage(A, B, C), [C, D, E]))
    assert (change.removed, change.evicted) == ((A, B), (A,))


def test_F5_an_empty_batch_clears_the_stage() -> None:
    assert must(focus.focus_batch(stage(A, B), [])).stage == stage(version=8)


def test_F5_too_many_are_refused_and_counted_without_repeats() -> None:
    with pytest.raises(TermwallError) as refused:
        focus.focus_batch(stage(most=2), [A, B, C])
    assert (refused.value.code, refused.value.field) == (ErrorCode.TOO_MANY_FOCUSED, "sessionIds")
    assert must(focus.focus_batch(stage(most=2), [A, B, A])).stage.sessions == (A, B)


def test_F5_a_batch_of_blurs_leaves_in_one_version() -> None:
    change = must(focus.blur(stage(A, B, C), [C, A, D, C]))
    assert change == FocusChange(stage(B, version=8), None, False, removed=(A, C))


def test_F10_a_removed_session_leaves_and_is_named() -> None:
    assert must(focus.remove(stage(A, B), A)) == FocusChange(stage(B, version=8), A, False, removed=(A,))


SESSIONS = [SessionId(name) for name in "abcdefgh"]
IDS = st.sampled_from(SESSIONS)
CLIENTS = st.integers(0, 2)
EXPECTED = st.sampled_from(["none", "seen", "seen", "current"])


def goes_before(one: Activity, other: Activity) -> bool:
    """F3 and F10 as sentences, one after the other: does `one` leave before `other`?"""
    if one.ended != other.ended:
        return one.ended
    if one.needs_input != other.needs_input:
        return other.needs_input
    if one.user != other.user:
        return one.user < other.user
    if one.output != other.output:
        return one.output < other.output
    return one.focused < other.focused


class StageMachine(RuleBasedStateMachine):
    """Three clients, each with the version it saw last, and a plain list as the model."""

    @initialize(most=st.integers(1, 5))
    def begin(self, most: int) -> None:
        self.stage = Stage((), 0, most)
        self.listed: list[SessionId] = []
        self.version, self.most, self.now = 0, most, 0
        self.seen = [0, 0, 0]
        self.activity = {one: Activity(0, 0, 0) for one in SESSIONS}

    def expected(self, client: int, how: str) -> int | None:
        return {"none": None, "seen": self.seen[client], "current": self.version}[how]

    def run(
        self,
        client: int,
        expected: int | None,
        wanted: list[SessionId] | ErrorCode,
        change: FocusChange | ErrorCode | None,
    ) -> None:
        """Hold a command's outcome against what the model wants the stage to be."""
        if expected is not None and expected != self.version:
            wanted = ErrorCode.VERSION_CONFLICT
        self.seen[client] = self.version
        if isinstance(wanted, ErrorCode):
            assert change is wanted
        elif wanted == self.listed:
            assert change is None, "F2: nothing changed"
        else:
            assert isinstance(change, FocusChange)
            self.follow(change, wanted)
            self.seen[client] = self.version

    def follow(self, change: FocusChange, wanted: list[SessionId]) -> None:
        assert change.stage.version == self.version + 1, "F2: one version each"
        assert list(change.stage.sessions) == wanted
        assert change.stage.max_focused == self.most
        assert list(change.added) == [one for one in wanted if one not in self.listed]
        assert list(change.removed) == [one for one in self.listed if one not in wanted]
        assert set(change.evicted) <= set(change.removed)
        for one in change.added:
            old = self.activity[one]
            self.now += 1
            self.activity[one] = Activity(old.user, old.output, self.now, old.ended, old.needs_input)
        self.stage, self.listed, self.version = change.stage, wanted, self.version + 1

    def pick(self, listed: list[SessionId], count: int) -> list[SessionId]:
        """Those that leave, one at a time: each time the one that goes before all others."""
        leaving: list[SessionId] = []
        for _ in range(count):
            worst = next(one for one in listed if one not in leaving)
            for one in listed:
                if one not in leaving and goes_before(self.activity[one], self.activity[worst]):
                    worst = one
            leaving.append(worst)
        return leaving

    @rule(one=IDS, what=st.sampled_from(["user", "output", "ended", "needs_input", "fresh"]))
    def happens(self, one: SessionId, what: str) -> None:
        """Something happens to a session; that alone never moves the stage."""
        self.now += 1
        old = self.activity[one]
        self.activity[one] = {
            "user": Activity(self.now, old.output, old.focused, old.ended, False),
            "output": Activity(old.user, self.now, old.focused, old.ended, old.needs_input),
            "ended": Activity(old.user, old.output, old.focused, True, old.needs_input),
            "needs_input": Activity(old.user, old.output, old.focused, old.ended, True),
            "fresh": Activity(0, 0, old.focused),
        }[what]

    @rule(client=CLIENTS, one=IDS, how=EXPECTED)
    def F3_focus(self, client: int, one: SessionId, how: str) -> None:
        expected = self.expected(client, how)
        wanted, leaving = list(self.listed), []
        if one not in wanted:
            leaving = self.pick(wanted, max(0, len(wanted) + 1 - self.most))
            wanted = [other for other in wanted if other not in leaving] + [one]
        change = outcome(lambda: focus.focus(self.stage, one, self.activity, expected_version=expected))
        self.run(client, expected, wanted, change)
        if isinstance(change, FocusChange):
            assert set(change.evicted) == set(change.removed) == set(leaving)
            assert (change.session_id, change.focused) == (one, True)

    @rule(client=CLIENTS, ids=st.lists(IDS, max_size=7), how=EXPECTED)
    def F5_batch(self, client: int, ids: list[SessionId], how: str) -> None:
        expected, before = self.expected(client, how), list(self.listed)
        wanted: list[SessionId] = []
        for one in ids:
            if one not in wanted:
                wanted.append(one)
        change = outcome(lambda: focus.focus_batch(self.stage, ids, expected_version=expected))
        self.run(client, expected, wanted if len(wanted) <= self.most else ErrorCode.TOO_MANY_FOCUSED, change)
        if isinstance(change, FocusChange):
            assert len(change.evicted) == max(0, len(before) + len(change.added) - self.most)
            assert (change.session_id, change.focused) == (None, True)

    @rule(client=CLIENTS, ids=st.lists(IDS, max_size=4), how=EXPECTED)
    def F5_blur(self, client: int, ids: list[SessionId], how: str) -> None:
        expected = self.expected(client, how)
        change = outcome(lambda: focus.blur(self.stage, ids, expected_version=expected))
        self.run(client, expected, [one for one in self.listed if one not in ids], change)
        if isinstance(change, FocusChange):
            assert (change.evicted, change.focused) == ((), False)

    @rule(most=st.integers(1, 5))
    def F1_limit(self, most: int) -> None:
        change = focus.limit(self.stage, most, self.activity)
        assert (change is None) is (most == self.most)
        if change is not None:
            leaving = self.pick(self.listed, max(0, len(self.listed) - most))
            self.most = most
            self.follow(change, [one for one in self.listed if one not in leaving])
            assert change.evicted == change.removed

    @rule(client=CLIENTS, one=IDS)
    def F10_remove(self, client: int, one: SessionId) -> None:
        self.run(client, None, [other for other in self.listed if other != one], focus.remove(self.stage, one))
        self.activity[one] = Activity(0, 0, 0)

    @invariant()
    def F1_bounded_and_unique(self) -> None:
        assert len(set(self.stage.sessions)) == len(self.stage.sessions) <= self.stage.max_focused


def outcome(command: Callable[[], FocusChange | None]) -> FocusChange | ErrorCode | None:
    """What a command gives, or the code that it is refused with."""
    try:
        return command()
    except TermwallError as refused:
        return refused.code


TestStage = StageMachine.TestCase
TestStage.settings = settings(max_examples=250, stateful_step_count=50, deadline=None)

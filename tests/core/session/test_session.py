"""A session as it decides: acts and what is heard go in, effects come out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import ClientId
from termwall.core.modes import Modes
from termwall.core.osc import Asked, Copied, Marked, Notified, Titled
from termwall.core.session.acts import (
    NOBODY,
    Claimed,
    Coloured,
    Held,
    Left,
    Person,
    Renamed,
    Reported,
    Reset,
    Resized,
    Saw,
    Typed,
)
from termwall.core.session.effects import Keep, Name, Print, Refused, Reply, Report, Show, Steer, Taken, Write
from termwall.core.session.inputs import InputLog
from termwall.core.session.session import RESET, Heard, Now, Session
from termwall.core.theme import DARK, Theme

MIA = Person(ClientId("mia"), "Mia")
KIM = Person(ClientId("kim"), "Kim", Theme("light", *["#ffffff"] * 3, tuple(["#ffffff"] * 16)))
NOW = Now(1_000, 5, 100)
BUSY = TermwallError(ErrorCode.INPUT_OVERFLOW, "The program does not read.")


def session() -> Session:
    one = Session("a", "/home", {"cols": 80, "rows": 24}, 0, theme=None, lost=None)
    one.inputs = InputLog(9)
    return one


def heard(*events: object, modes: Modes = Modes.GROUND, **more: object) -> Heard:
    return Heard(**{"events": list(events), "bells": 0, "replies": b"", "modes": modes, "new": False} | more)  # type: ignore[arg-type]


def test_I4_who_types_drives_and_its_size_comes_before_the_key() -> None:
    one = session()
    one.do(Claimed((80, 24)), MIA, NOW)
    assert one.do(Resized((100, 30)), KIM, NOW) == [Steer(False)]
    effects = one.do(Typed(b"x", seq=1), KIM, NOW)
    assert effects[-3:] == [Steer(True), Write(b"x", KIM.client_id, 1, "typed"), Taken(KIM.client_id)]
    assert Show(KIM.theme) in effects  # type: ignore[arg-type]
    assert (one.seat.driver, one.driver_name, one.seat.size) == ("kim", "Kim", (100, 30))


def test_I4_nobody_in_particular_does_not_come_to_drive() -> None:
    one = session()
    one.do(Claimed(), MIA, NOW)
    assert one.do(Typed(b"x"), NOBODY, NOW) == [Write(b"x", None, 0, "typed"), Taken(None)]
    assert one.do(Resized((90, 20)), NOBODY, NOW) == [Steer(True)]
    assert (one.seat.driver, one.seat.size) == ("mia", (90, 20))


def test_I1_I3_what_is_refused_takes_nothing_over() -> None:
    one = session()
    one.do(Claimed(), MIA, NOW)
    assert one.do(Typed(b"x", seq=2), KIM, NOW)[0].error.code is ErrorCode.INPUT_GAP  # type: ignore[union-attr]
    one.refusal = lambda count: BUSY
    assert one.do(Typed(b"x", seq=1), KIM, NOW) == [Refused(BUSY)]
    one.refusal = lambda count: None
    late = one.do(Typed(b"x", seq=1, until=99), KIM, NOW)
    assert late[0].error.code is ErrorCode.TOO_LATE  # type: ignore[union-attr]
    assert one.seat.driver == "mia"
    one.inputs.taken(KIM.client_id, 1)
    assert one.do(Typed(b"x", seq=1), KIM, NOW) == [Taken(KIM.client_id)], "it is there already"


@pytest.mark.parametrize("who", [MIA, NOBODY])
def test_S9_a_focus_report_answers_nobody_whichever_door_it_comes_through(who: Person) -> None:
    one = session()
    one.do(Reported("needs input", "Claude hook", "May I?"), NOBODY, NOW)
    for data, answers in ((b"\x1b[I", False), (b"y", True)):
        written = next(effect for effect in one.do(Typed(data), who, NOW) if isinstance(effect, Write))
        assert one.watch.waiting, "what is not written yet answers nothing"
        assert written.doing is not None
        one.wrote(written.data, written.doing, NOW)
        assert one.watch.waiting != answers


def test_S7_focus_and_colours_are_reported_once_to_a_program_that_asked() -> None:
    one = session()
    one.heard(heard(modes=Modes.GROUND | Modes.FOCUS | Modes.SCHEME), 1_000, newest=True)
    assert one.do(Held(True), MIA, NOW) == [Reply(b"\x1b[I"), Keep()]
    assert one.do(Held(True), KIM, NOW) == []
    assert one.do(Coloured(), KIM, NOW) == [], "only who drives has a say"
    one.do(Claimed(), KIM, NOW)
    assert one.surroundings.theme == KIM.theme
    assert one.do(Left(), KIM, NOW) == [Steer(True)]
    assert one.do(Left(), MIA, NOW) == [Reply(b"\x1b[O"), Keep(), Steer(False)]


def test_W7_another_name_is_written_down_and_the_same_one_is_nothing() -> None:
    one = session()
    assert one.do(Renamed("a"), MIA, NOW) == []
    assert one.do(Renamed("b"), MIA, NOW) == [Name("a"), Report()]
    assert one.name == "b"


def test_S1_a_reset_is_put_into_the_output_of_a_program_that_runs() -> None:
    one = session()
    assert one.do(Reset(), MIA, NOW) == [Print(RESET)]
    one.refusal = lambda count: BUSY
    assert one.do(Reset(), MIA, NOW) == [Refused(BUSY)]


def test_S9_what_is_heard_is_kept_as_facts_and_calls_the_user() -> None:
    one = session()
    effects = one.heard(heard(Titled("t"), Notified("OSC 9", "", "done"), bells=1, replies=b"ok"), 9, newest=True)
    assert effects == [Reply(b"ok"), Report()]
    assert (one.facts.title, one.facts.bell, one.watch.waiting) == ("t", 9, True)
    one.do(Saw(), MIA, NOW)
    assert one.watch.value.seen


def test_S7_a_program_reads_what_it_wrote_to_the_clipboard_last() -> None:
    one = session()
    one.heard(heard(Copied("text")), 1, newest=True)
    assert one.copied == "text"
    assert one.heard(heard(Asked("c", True)), 2, newest=True)[0] == Reply(b"\x1b]52;c;dGV4dA==\x07")
    one.restarted(3)
    assert one.heard(heard(Asked("c", True)), 4, newest=True)[0] == Reply(b"\x1b]52;c;\x07")


def test_S7_reports_that_a_program_left_on_end_at_the_next_prompt() -> None:
    one = session()
    left = Modes.GROUND | Modes.MOUSE
    one.heard(heard(Marked("running")), 1, newest=True)
    assert not one.attentive
    assert not any(
        isinstance(effect, Print) for effect in one.heard(heard(Marked("prompt"), modes=left), 2, newest=False)
    )
    assert one.attentive, "more is to be drawn"
    assert any(isinstance(effect, Print) for effect in one.heard(heard(modes=left), 3, newest=True))
    assert not one.attentive


@given(st.lists(st.sampled_from("rnkchst"), max_size=12))
def test_P5_the_next_server_goes_on_where_this_one_was(steps: list[str]) -> None:
    one = session()
    for at, step in enumerate(steps):
        now = Now(1_000 + at, at, at)
        match step:
            case "r":
                one.do(Resized((50 + at, 20)), MIA, now)
            case "n":
                one.do(Reported("needs input", "hook", str(at)), NOBODY, now)
            case "k":
                one.do(Held(at % 2 == 0), MIA, now)
            case "c":
                one.do(Claimed(), KIM, now)
            case "h":
                one.heard(heard(Titled(str(at)), Marked("finished", at)), now.date, newest=True)
            case "s":
                one.do(Saw(), MIA, now)
            case "t":
                one.do(Typed(b"x"), KIM, now)
                one.wrote(b"x", "typed", now)
    cols, rows = one.seat.size
    state = one.state() | {"cols": cols, "rows": rows}
    again = Session("a", "/home", state, 5_000, theme=None, lost=None)
    assert again.state() | {"cols": cols, "rows": rows} == state
    assert again.surroundings.theme == (KIM.theme if "c" in steps or "t" in steps else DARK)

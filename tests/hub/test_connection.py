"""One connection: its opening, its messages, its input and size, its limits, and that it leaves nothing behind."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any, Literal

import pytest
from pydantic import TypeAdapter

from termwall.core.clients import bound
from termwall.core.errors import ErrorCode, TermwallError
from termwall.protocol import commands, messages
from tests.support.wall import Line, Wall, until


async def test_W1_a_one_session_connection_carries_that_session_only(wall: Wall) -> None:
    wall.session("a")
    wall.session("b")
    line = wall.line(session="a")
    line.say("focus", sessionId="b", requestId="r")
    line.say("focus")
    assert (line.last("error")["code"], line.last("error")["requestId"]) == ("unknown_session", "r")
    assert line.last("focus_update")["focusedSessions"] == ["a"], "its own session may be left out (W7)"
    wall.service.rename_session("b", "other")
    assert not [m for m in line.of("session_update") if m["sessionId"] == "b"]
    assert [one["id"] for one in line.messages[0]["sessions"]] == ["a"]


async def test_W1_an_unknown_project_is_closed_at_once(wall: Wall) -> None:
    line = wall.line(project="nope")
    assert line.ended == (4404, "No such project")


async def test_W3_any_number_of_connections_and_one_closing_touches_no_other(wall: Wall) -> None:
    wall.session("a")
    await wall.service.set_session_focus("a")
    lines = [wall.line("same", session="a") for _ in range(3)] + [wall.line("same"), wall.line("other")]
    lines[0].say("drive", sessionId="a")
    lines[0].leave()
    assert wall.service.get_session("a").driver is not None, "its client has other connections"
    lines[4].leave()
    lines[1].say("input", sessionId="a", data="still\n")
    for line in lines[1:4]:
        await line.sees("a", "still")
        assert line.ended is None
    for line in lines[1:4]:
        line.leave()
    assert wall.service.get_session("a").driver is None


async def test_W4_connection_status_comes_first(wall: Wall) -> None:
    wall.session("a")
    await wall.service.set_session_focus("a")
    status = wall.line("me").messages[0]
    assert (status["type"], status["status"], status["clientId"]) == ("connection_status", "connected", "me")
    assert (status["focusedSessions"], status["version"], status["heartbeatInterval"]) == (["a"], 1, 30_000)
    assert status["limits"]["window"] == 65536


async def test_W5_a_session_that_comes_late_wakes_its_connection(wall: Wall) -> None:
    line = wall.line(session="late")
    assert [(m["status"], m["retryCount"]) for m in line.of("connection_status")] == [("connecting", 0)]
    line.say("input", data="early\n")
    line.say("heartbeat", timestamp=5)
    assert len(line.messages) == 1, "all else comes after connected (W4)"
    await until(lambda: line.last("connection_status")["retryCount"] >= 1)
    wall.session("late")
    kinds = [m["type"] for m in line.messages if m.get("status") != "connecting"]
    assert kinds[:2] == ["connection_status", "heartbeat"] or kinds[0] == "connection_status"
    assert line.last("heartbeat")["echo"] == 5
    await wall.service.set_session_focus("late")
    await line.sees("late", "early\r\nearly")


async def test_W5_a_session_that_never_comes_ends_its_connection(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(registration_delays=(10, 20, 10, 10))
    line = wall.line(session="never")
    await until(lambda: line.ended is not None)
    assert line.ended == (1008, "Session registration failed after retries")
    assert [m["retryCount"] for m in line.of("connection_status")] == [0, 1, 2, 3, 4]
    assert wall.service.connections == 0


async def test_W6_silence_ends_a_connection_and_a_sign_of_life_does_not(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(heartbeat_milliseconds=100)
    quiet, alive = wall.line(), wall.line()
    while quiet.ended is None:
        alive.say("heartbeat")
        await asyncio.sleep(0.02)
    assert quiet.ended[0] == 1001
    assert alive.ended is None
    assert wall.service.connections == 1


MALFORMED = [
    ("", "bad_message", None),
    ("{", "bad_message", None),
    ("[]", "bad_message", None),
    ("null", "bad_message", None),
    ('"focus"', "bad_message", None),
    (b"\xff\xfe", "bad_message", None),
    ("{}", "invalid", "type"),
    ('{"type": 7}', "invalid", "type"),
    ('{"type": "nope"}', "unknown_type", "type"),
    ('{"type": "focus", "sessionId": 7}', "invalid", "sessionId"),
    ('{"type": "focus", "sessionIds": "a"}', "invalid", "sessionIds"),
    ('{"type": "focus", "sessionId": "a", "expectedVersion": "1"}', "invalid", "expectedVersion"),
    ('{"type": "focus", "sessionId": "a", "expectedVersion": -1}', "version_conflict", None),
    ('{"type": "focus"}', "invalid", "sessionId"),
    ('{"type": "input", "sessionId": "a"}', "invalid", "data"),
    ('{"type": "input", "sessionId": "a", "data": {}}', "invalid", "data"),
    ('{"type": "input", "sessionId": "a", "data": "x", "seq": 1.5}', "invalid", "seq"),
    ('{"type": "resize", "sessionId": "a", "data": {"cols": 80}}', "invalid", "data.rows"),
    ('{"type": "resize", "sessionId": "a", "data": {"cols": 80, "rows": 1}}', "invalid", "data.rows"),
    ('{"type": "ack", "sessionId": "a"}', "invalid", "offset"),
    ('{"type": "ack", "sessionId": "nope", "offset": 1}', "unknown_session", "sessionId"),
    ('{"type": "sync_request", "offsets": []}', "invalid", "offsets"),
    ('{"type": "sync_request", "offsets": {"a": {"epoch": "e"}}}', "invalid", "offsets.a.offset"),
    ('{"type": "sync_request", "requestId": 7}', "invalid", "requestId"),
    ('{"type": "heartbeat", "timestamp": "now"}', "invalid", "timestamp"),
    ('{"type": "drive"}', "invalid", "sessionId"),
    ('{"type": "seen", "sessionId": ""}', "invalid", None),
    ("[" * 100_000, "bad_message", None),
    ('{"type": "input", "sessionId": "a", "data": "\\ud800"}', "invalid", "data"),
    ('{"type": "input", "sessionId": "\\udfff", "data": "x"}', None, None),
    ('{"type": "heartbeat", "timestamp": 1e999}', None, None),
    ('{"type": "heartbeat", "requestId": "\\ud800"}', None, None),
]


@pytest.mark.parametrize(("text", "code", "field"), MALFORMED)
async def test_W8_a_malformed_message_is_answered_and_the_connection_lives_on(
    wall: Wall, text: str | bytes, code: str | None, field: str | None
) -> None:
    wall.session("a")
    line, one = wall.line(), wall.line(session="a")
    assert line.connection is not None
    line.connection.received(text)
    said = line.messages[-1]
    if code is not None:
        assert (said["type"], said["code"]) == ("error", code), said
        assert isinstance(said["data"], str)
        assert said["data"]
        assert said.get("field") == field or field is None, said
    line.say("heartbeat", timestamp=1)
    assert line.last("heartbeat")["echo"] == 1
    assert line.ended is None
    assert wall.service.get_focus_version("wall") == 0
    assert [m["type"] for m in one.messages] == ["connection_status"], "nobody else hears of it"


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ({"type": "focus", "sessionId": "a"}, "focus_update"),
        ({"type": "blur", "sessionId": "a"}, "sync_complete"),
        ({"type": "sync_request"}, "sync_complete"),
        ({"type": "heartbeat"}, "heartbeat"),
        ({"type": "focus", "sessionId": "nope"}, "error"),
        ({"type": "focus"}, "error"),
        ({"type": "focus", "sessionId": "a", "sessionIds": ["a"]}, "error"),
        ({"type": "resize", "sessionId": "a"}, "error"),
        ({"type": "nope"}, "error"),
        ({"type": "preview", "sessionIds": ["a"]}, "error"),
        ({"type": "sync_request", "projectId": "other"}, "error"),
    ],
)
async def test_W7_the_direct_answer_repeats_the_request_id(wall: Wall, message: dict[str, Any], answer: str) -> None:
    wall.session("a")
    line, other = wall.line(), wall.line()
    line.say(**message, requestId="mine")
    assert line.messages[-1]["type"] in (answer, "frame") or answer == "focus_update"
    assert line.last(answer)["requestId"] == "mine"
    assert "timestamp" in line.last(answer)
    assert all(m.get("requestId") is None for m in other.messages)


async def test_I1_numbered_input_is_written_once_and_in_order(wall: Wall) -> None:
    wall.session("a", "sh", "-c", "stty raw -echo; echo READY; exec cat")
    await wall.service.set_session_focus("a")
    line = wall.line("page")
    await line.sees("a", "READY")
    for seq, data in ((1, "one "), (2, "two "), (2, "two "), (1, "one "), (3, "three ")):
        line.say("input", sessionId="a", data=data, seq=seq)
    line.say("input", sessionId="a", data="five", seq=5)
    assert [m["seq"] for m in line.of("input_ack")] == [1, 2, 2, 2, 3]
    assert (line.last("error")["code"], line.last("error")["expected"]) == ("input_gap", 4)
    line.leave()
    again = wall.line("page")
    again.say("input", sessionId="a", data="three ", seq=3)
    again.say("input", sessionId="a", data="four ", seq=4)
    assert [m["seq"] for m in again.of("input_ack")] == [3, 4], "the memory survives a reconnect"
    frame = b"\x10\x01a" + (5).to_bytes(4, "big") + b"\xff\x00five"
    assert again.connection is not None
    again.connection.received(frame, binary=True)
    await until(lambda: again.output["a"].endswith(b"five"))
    assert bytes(again.output["a"]).partition(b"READY\n")[2] == b"one two three four \xff\x00five"
    stranger = wall.line("other")
    stranger.say("input", sessionId="a", data="x", seq=2)
    assert stranger.last("error")["expected"] == 1, "numbers are each client's own"


async def test_I1_the_numbers_go_on_through_a_restart(wall: Wall) -> None:
    wall.session("a")
    line = wall.line("page")
    line.say("input", sessionId="a", data="x", seq=1)
    await wall.service.restart_session("a")
    line.say("input", sessionId="a", data="x", seq=1)
    line.say("input", sessionId="a", data="y", seq=2)
    line.say("input", sessionId="a", data="z", seq=4)
    assert [m["seq"] for m in line.of("input_ack")] == [1, 1, 2]
    assert line.last("error")["expected"] == 3


async def test_I1_without_a_client_id_there_is_no_memory_beyond_the_connection(wall: Wall) -> None:
    wall.session("a")
    first, second = wall.line(), wall.line()
    first.say("input", sessionId="a", data="x", seq=1)
    second.say("input", sessionId="a", data="y", seq=1)
    assert [m["seq"] for m in second.of("input_ack")] == [1]


async def test_I3_input_is_refused_whole_never_cut(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(input_bytes=4096)
    wall.session("deaf", "sh", "-c", "stty raw -echo; echo READY; exec sleep 60")
    wall.session("gone", "true")
    await wall.service.set_session_focus("deaf")
    line = wall.line()
    await line.sees("deaf", "READY")
    for _ in range(60):
        line.say("input", sessionId="deaf", data="x" * 4000)
    assert {m["code"] for m in line.of("error")} == {"input_overflow"}
    await until(lambda: wall.service.get_session("gone").status == "exited")
    line.say("input", sessionId="gone", data="x")
    assert line.last("error")["code"] == "session_ended"


def size(wall: Wall, id: str = "a") -> tuple[int, int]:
    """The session's size."""
    session = wall.service.get_session(id)
    return session.cols, session.rows


async def test_I4_the_size_follows_the_driver(wall: Wall) -> None:
    wall.session("a", "sh", "-c", "while read x; do stty size; done")
    await wall.service.set_session_focus("a")
    one, two = wall.line("one"), wall.line("two")
    assert size(wall) == (80, 24), "attaching changes nothing"
    one.say("resize", sessionId="a", data={"cols": 100, "rows": 30})
    assert size(wall) == (100, 30)
    assert two.last("session_update", "driver")["driver"]["clientId"] == "one"
    two.say("resize", sessionId="a", data={"cols": 60, "rows": 20})
    assert size(wall) == (100, 30), "another's resize changes nothing"
    two.say("input", sessionId="a", data="\n")
    assert size(wall) == (60, 20), "who types drives, with the size it last told"
    await two.sees("a", "20 60")
    one.say("drive", sessionId="a")
    assert size(wall) == (100, 30)
    wall.service.resize_session("a", 90, 25)
    assert size(wall) == (90, 25)
    assert wall.service.get_session("a").driver.client_id == "one", "HTTP makes nobody driver"
    one.leave()
    assert two.last("session_update", "driver")["driver"] is None
    two.say("resize", sessionId="a", data={"cols": 61, "rows": 21})
    assert size(wall) == (61, 21), "without a driver the next one that tells its size drives"
    for bad in ({"cols": 1, "rows": 24}, {"cols": 80, "rows": 1001}):
        two.say("resize", sessionId="a", data=bad)
        assert two.last("error")["code"] == "invalid"


async def test_I4_what_is_typed_is_answered_at_the_size_of_who_typed_it(wall: Wall) -> None:
    wall.session("a", "cat")
    await wall.service.set_session_focus("a")
    one, two = wall.line("one"), wall.line("two")
    one.say("resize", sessionId="a", data={"cols": 100, "rows": 30})
    two.say("resize", sessionId="a", data={"cols": 60, "rows": 20})
    order: list[str] = []
    process = wall.service._find("a")[1].process
    for name in ("resize", "write"):
        real = getattr(process, name)
        setattr(process, name, lambda *args, real=real, name=name: (order.append(name), real(*args)))
    two.say("input", sessionId="a", data="x")
    assert order == ["resize", "write"]


async def test_I4_input_that_is_refused_takes_nothing_over(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(input_bytes=4096)
    wall.session("a", "sleep", "60")
    one, two = wall.line("one"), wall.line("two")
    one.say("drive", sessionId="a", data={"cols": 100, "rows": 30})
    two.say("resize", sessionId="a", data={"cols": 60, "rows": 20})
    two.say("input", sessionId="a", data="x" * 5000)
    assert two.last("error")["code"] == "input_overflow"
    assert size(wall) == (100, 30)
    assert wall.service.get_session("a").driver.client_id == "one"


async def test_X3_a_viewer_may_watch_and_not_change(wall: Wall) -> None:
    wall.session("a")
    line = wall.line(role="view")
    for message in (
        {"type": "focus", "sessionId": "a"},
        {"type": "input", "sessionId": "a", "data": "x"},
        {"type": "resize", "sessionId": "a", "data": {"cols": 9, "rows": 9}},
        {"type": "drive", "sessionId": "a"},
        {"type": "seen", "sessionId": "a"},
    ):
        line.say(**message)
        assert line.last("error")["code"] == "forbidden"
    line.say("sync_request", requestId="r")
    assert line.last("sync_complete")["requestId"] == "r"
    assert wall.service.get_focus_version("wall") == 0


async def test_X3_who_may_type_may_change_the_stage_too(wall: Wall) -> None:
    wall.session("a")
    line = wall.line(role="type")
    assert line.messages[0]["role"] == "type"
    line.say("focus", sessionId="a")
    line.say("input", sessionId="a", data="x", seq=1)
    line.say("drive", sessionId="a", data={"cols": 90, "rows": 30})
    assert not line.of("error")
    assert wall.service.get_focused_sessions("wall") == ["a"]
    assert size(wall) == (90, 30)


async def test_X4_sessions_are_limited_and_one_that_went_makes_room(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(sessions=2)
    for name in ("a", "b"):
        wall.session(name)
    with pytest.raises(TermwallError) as caught:
        wall.session("c")
    assert caught.value.code is ErrorCode.LIMIT_REACHED
    await wall.service.delete_session("a")
    wall.session("c")
    assert [one.id for one in wall.service.list_sessions("wall")] == ["b", "c"]


async def test_W11_a_sync_answers_with_the_state_and_each_stream_before_its_bytes(wall: Wall) -> None:
    wall.session("a", "sh", "-c", "stty -echo; echo READY; exec cat")
    wall.session("b")
    await wall.service.set_session_focus("a")
    line = wall.line()
    await line.sees("a", "READY")
    epoch = wall.service.get_session("a").epoch
    line.messages.clear()
    offsets = {
        "a": {"epoch": epoch, "offset": 2},
        "gone": {"epoch": "x", "offset": 0},
        "b": {"epoch": "x", "offset": 9},
    }
    line.offsets["a"] = 2
    line.say("sync_request", offsets=offsets, requestId="s")
    answer = line.messages[0]
    assert (answer["type"], answer["requestId"]) == ("sync_complete", "s")
    assert (answer["focusedSessions"], answer["version"], answer["totalFocused"]) == (["a"], 1, 1)
    assert answer["streams"]["a"] == {"epoch": epoch, "offset": 2, "resume": "exact"}
    assert answer["streams"]["b"]["resume"] == "snapshot"
    assert "gone" not in answer["streams"]
    await until(lambda: line.offsets["a"] == wall.service.get_session("a").offset)
    assert all(m["sessionId"] == "a" for m in line.of("frame")), "only the stage is streamed"


async def test_X4_what_is_above_the_rate_is_not_read_on_and_far_above_it_refused(
    make_wall: Callable[..., Wall],
) -> None:
    wall = make_wall(messages_per_second=50)
    line, count = wall.line(), 0
    while line.reads:
        line.say("heartbeat", requestId=str(count))
        count += 1
        if not line.reads:
            await asyncio.sleep(0)  # The others' turn, if it owes nothing.
    assert count >= 48, "they may come at once"
    while not line.of("error"):
        line.say("heartbeat", requestId=str(count))
        count += 1
    answered = [m["requestId"] for m in line.of("heartbeat")]
    assert answered == [str(number) for number in range(count - 1)], "what came though nothing was read on is handled"
    assert count > 100, "for a second more"
    assert (line.last("error")["code"], line.last("error")["requestId"]) == ("rate_limited", str(count - 1))
    await until(lambda: line.reads, "its turn")


async def test_X4_connections_are_limited(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(connections=2)
    kept = [wall.line(), wall.line()]
    assert wall.line().ended == (1013, "Too many connections")
    kept[0].leave()
    assert wall.line().ended is None


async def test_X4_a_client_that_reads_too_slowly_is_let_go(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(outbox_bytes=1 << 20)
    wall.session("a")
    slow, quick = wall.line(), wall.line()
    slow.full = "stuffed"  # type: ignore[assignment]
    await wall.service.set_session_focus("a")
    assert slow.ended is not None
    assert slow.ended[0] == 1013
    assert quick.ended is None
    assert wall.service.connections == 1


async def test_500_connections_leave_nothing_in_the_service(wall: Wall) -> None:
    wall.session("a")
    await wall.service.set_session_focus("a")
    stay = wall.line()
    for number in range(500):
        line = wall.line(f"c{number % 7}", session="a" if number % 2 else None, resume=number % 3 == 0)
        line.say("resize", sessionId="a", data={"cols": 50 + number % 50, "rows": 20})
        line.say("input", sessionId="a", data="x")
        line.leave()
        line.leave()
    room = wall.service._rooms["wall"]  # type: ignore[index]
    session = room.sessions["a"]  # type: ignore[index]
    assert wall.service.connections == 1
    assert len(room.connections) == 1
    assert len(session.viewers) == 1
    assert session.core.seat.driver is None
    assert not session.core.seat._wanted
    stay.leave()
    assert (wall.service.connections, len(session.viewers)) == (0, 0)


async def test_S9_titles_and_activity_are_told_and_bounded(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(drawn=True)
    wall.session("a", "sh", "-c", r"printf '\033]0;first\007'; read x; printf '\033]2;second\033\\\\'; read x")
    line = wall.line()
    await until(lambda: any(m.get("title") == "first" for m in line.of("session_update")))
    wall.service.write_input("a", "\n")
    await until(lambda: any(m.get("title") == "second" for m in line.of("session_update")))
    assert wall.service.get_session("a").title == "second"


def described(line: Line) -> list[str]:
    """What a session went through, as a connection was told."""
    return [
        "new" if "session" in m else "removed" if m.get("removed") else m.get("status", "")
        for m in line.of("session_update")
        if "session" in m or "removed" in m or "status" in m
    ]


async def test_P2_a_sessions_life_is_told(wall: Wall) -> None:
    line = wall.line()
    wall.session("a", "sh", "-c", "exit 7")
    await until(lambda: "exited" in described(line))
    await wall.service.restart_session("a")
    await until(lambda: described(line) == ["new", "exited", "new", "exited"])
    await wall.service.delete_session("a")
    assert described(line)[-1] == "removed"
    exits = [m for m in line.of("session_update") if m.get("status") == "exited"]
    assert [(m["exitCode"], m["signal"]) for m in exits] == [(7, None)] * 2


async def test_S9_a_page_that_only_reports_its_focus_answers_nothing(wall: Wall) -> None:
    wall.session("a", "cat")
    wall.service.notify_session("a", "needs input", "may I?", "hook")
    line = wall.line()
    line.say("input", sessionId="a", data="\x1b[O")
    assert wall.service.get_session("a").attention.state == "needs input"
    line.say("input", sessionId="a", data="y")
    assert wall.service.get_session("a").attention.state != "needs input"


REPORTED = ["\x1b[I", "\x1b[O", "\x1b[<64;3;3M", "\x1b[<0;3;3M", "\x1b[24;80R", "\x1b]11;rgb:0/0/0\x07"]


@pytest.mark.parametrize("data", REPORTED)
async def test_case_agents_5_no_door_takes_a_report_for_typing(wall: Wall, data: str) -> None:
    wall.session("a")
    line = wall.line("page")
    wall.service.notify_session("a", "needs input", "may I?", "hook")
    wall.service.write_input("a", data)
    line.say("input", sessionId="a", data=data)
    described = wall.service.get_session("a")
    assert described.attention.state == "needs input"
    assert described.driver is None, "it claims no seat (I4)"
    wall.service.write_input("a", "y\n")
    assert wall.service.get_session("a").attention.state != "needs input"


async def test_case_page_18_a_spectators_mouse_takes_nothing_over(wall: Wall) -> None:
    wall.session("a")
    driver, other = wall.line("driver"), wall.line("other")
    driver.say("drive", sessionId="a", data={"cols": 100, "rows": 30})
    other.say("resize", sessionId="a", data={"cols": 60, "rows": 20})
    for data in ("\x1b[<64;3;3M", "\x1b[<0;3;3M", "\x1b[<0;3;3m", "\x1b[M !!"):
        other.say("input", sessionId="a", data=data)
    described = wall.service.get_session("a")
    assert (described.driver and described.driver.client_id, described.cols) == ("driver", 100)
    other.say("input", sessionId="a", data="x")
    described = wall.service.get_session("a")
    assert (described.driver and described.driver.client_id, described.cols) == ("other", 60)


async def test_case_page_26_another_size_makes_nobody_work(wall: Wall) -> None:
    script = "import signal, time; signal.signal(signal.SIGWINCH, lambda *_: print('drawn anew', flush=True))"
    wall.session("a", "python3", "-c", script + "; print('ready', flush=True)\nwhile 1: time.sleep(9)")
    line = wall.line("page")
    await wall.service.set_session_focus("a")
    await line.sees("a", "ready")
    await until(lambda: wall.service.get_session("a").attention.state == "idle")
    line.say("drive", sessionId="a", data={"cols": 100, "rows": 30})
    await line.sees("a", "drawn anew")
    assert wall.service.get_session("a").attention.state == "idle"


def untils(line: Line) -> tuple[int, int]:
    """A moment that is over on the server's clock, and one that is to come."""
    line.say("heartbeat", timestamp=0)
    now = line.last("heartbeat")["clock"]
    return now - 1, now + 60_000


async def test_case_page_29_what_comes_after_its_deadline_is_not_typed_nor_what_follows_it(wall: Wall) -> None:
    wall.session("a")
    line = wall.line("me", session="a")
    over, later = untils(line)
    line.say("input", data="rm ", seq=1, until=over)
    error = line.last("error")
    assert (error["code"], error["expected"], error["sessionId"]) == ("too_late", 1, "a")
    line.say("input", data="-r *\n", seq=2, until=later)
    error = line.last("error")
    assert (error["code"], error["expected"]) == ("input_gap", 1), "half a command is not typed"
    line.say("input", data="ls\n", seq=1, until=later)
    assert line.last("input_ack")["seq"] == 1
    line.say("focus")
    await line.sees("a", "ls\r\nls")
    assert "r *" not in line.text("a")


async def test_case_page_29_what_was_taken_in_time_is_acknowledged_however_late_it_comes_again(wall: Wall) -> None:
    wall.session("a")
    line = wall.line("me", session="a")
    over, later = untils(line)
    line.say("input", data="once\n", seq=1, until=later)
    again = wall.line("me", session="a")
    again.say("input", data="once\n", seq=1, until=over)
    assert again.last("input_ack")["seq"] == 1
    assert not again.of("error")


async def test_case_page_29_what_waits_for_a_program_that_does_not_read_is_in_time(wall: Wall) -> None:
    wall.session("a", "sh", "-c", "stty -icanon -echo; echo READY; until [ -e go ]; do sleep 0.01; done; exec cat")
    line = wall.line("me", session="a")
    line.say("focus")
    await line.sees("a", "READY")
    line.say("heartbeat", timestamp=0)
    soon = line.last("heartbeat")["clock"] + 100
    line.say("input", data="typed\n", seq=1, until=soon)
    assert line.last("input_ack")["seq"] == 1
    while line.last("heartbeat")["clock"] <= soon:
        await asyncio.sleep(0.01)
        line.say("heartbeat", timestamp=0)
    (wall.folder / "go").touch()
    await line.sees("a", "typed")


async def test_case_page_29_frames_have_deadlines_too_and_old_ones_none(wall: Wall) -> None:
    wall.session("a")
    line = wall.line("me")
    assert line.connection is not None
    over, later = untils(line)
    for seq, limit, data in ((1, over, b"late"), (1, later, b"soon"), (2, None, b" old\n")):
        kind = 16 if limit is None else 17
        dated = b"" if limit is None else limit.to_bytes(8, "big")
        line.connection.received(bytes((kind, 1)) + b"a" + seq.to_bytes(4, "big") + dated + data, binary=True)
    assert line.last("error")["code"] == "too_late"
    assert [one["seq"] for one in line.of("input_ack")] == [1, 2]
    line.say("focus", sessionId="a")
    await line.sees("a", "soon old\r\nsoon old")


async def test_case_page_29_a_connection_is_told_the_clock_and_how_often_a_page_in_view_may_beat(wall: Wall) -> None:
    line = wall.line()
    status = line.messages[0]
    assert status["visibleHeartbeatInterval"] == 2_500
    line.say("heartbeat", timestamp=0)
    assert line.last("heartbeat")["clock"] >= status["clock"] > 0


async def test_case_terminal_16_a_session_without_a_size_begins_with_the_last_known_panes(wall: Wall) -> None:
    wall.session("a")
    assert size(wall, "a") == (80, 24)
    one, two = wall.line("one"), wall.line("two")
    one.say("resize", sessionId="a", data={"cols": 132, "rows": 43})
    two.say("resize", sessionId="a", data={"cols": 51, "rows": 20})
    wall.session("b", "sh", "-c", "stty size; exec cat")
    assert size(wall, "b") == (132, 43), "the driver's, not that of who only looks"
    two.say("drive", sessionId="a", data={"cols": 100, "rows": 30})
    one.leave()
    two.leave()
    assert size(wall, wall.session("c")) == (100, 30), "also when nobody is there any more"
    assert size(wall, wall.session("d", cols=90)) == (90, 30), "what is asked for counts"


async def test_case_command_line_15_ended_sessions_do_not_fill_the_limit(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(sessions=4)
    for name in ("a", "b", "c"):
        wall.session(name, "true")
        await until(lambda n=name: wall.service.get_session(n).status == "exited")
    wall.session("d", "cat")
    await wall.service.set_session_focus("a")
    line = wall.line("one")

    def ids() -> list[str]:
        return [one.id for one in wall.service.list_sessions("wall")]

    for new, left in (("e", ["a", "c", "d", "e"]), ("f", ["a", "d", "e", "f"]), ("g", ["d", "e", "f", "g"])):
        wall.session(new, "cat")
        assert ids() == left, "the oldest that ended makes room, what is on the stage last"
    assert [m["sessionId"] for m in line.of("session_update") if m.get("removed")] == ["b", "c", "a"]
    with pytest.raises(TermwallError) as caught:
        wall.session("h", "cat")
    assert caught.value.code is ErrorCode.LIMIT_REACHED, "all of them run"


async def test_case_command_line_15_what_cannot_start_takes_no_place(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(sessions=1)
    wall.session("a", "true")
    await until(lambda: wall.service.get_session("a").status == "exited")
    with pytest.raises(TermwallError):
        wall.session("b", "/no/such/program")
    assert wall.service.get_session("a").status == "exited"
    wall.session("b", "cat")
    assert [one.id for one in wall.service.list_sessions("wall")] == ["b"]


async def test_case_terminal_11_reset_ends_what_a_killed_program_left_on(wall: Wall) -> None:
    wall.session("a", "sh", "-c", "printf '\\033[?1003;1006h\\033[?1004hleft on'; exec cat")
    await wall.service.set_session_focus("a")
    line = wall.line("one")
    await line.sees("a", "left on")
    wall.service.reset_session("a")
    await line.sees("a", "?9;1000;1001;1002;1003;")
    wall.session("b", "true")
    await until(lambda: wall.service.get_session("b").status == "exited")
    with pytest.raises(TermwallError) as caught:
        wall.service.reset_session("b")
    assert caught.value.code is ErrorCode.SESSION_ENDED


async def test_case_page_33_a_program_that_hides_what_is_typed_is_told_before_what_it_asks(wall: Wall) -> None:
    wall.session("a", "sh", "-c", "read x; stty -echo; printf 'Password: '; read y; stty echo; echo thanks; exec cat")
    line = wall.line()
    assert line.messages[0]["sessions"][0]["echo"] == "on"
    line.say("focus", sessionId="a")
    line.say("input", sessionId="a", data="go\n")
    await line.sees("a", "Password: ")
    updates = [one for one in line.messages if one.get("echo") or one.get("kind") == 1]
    hidden = next(index for index, one in enumerate(updates) if one.get("echo") == "off")
    assert any(one.get("kind") == 1 for one in updates[hidden:]), "the question comes after it"
    assert wall.line().messages[0]["sessions"][0]["echo"] == "off"
    line.say("input", sessionId="a", data="hunter2\n")
    await line.sees("a", "thanks")
    await until(lambda: [one["echo"] for one in line.of("session_update") if "echo" in one][-1] == "on")
    assert "hunter2" not in line.text("a")


async def test_case_page_33_a_program_that_asks_first_and_one_that_takes_each_key(wall: Wall) -> None:
    wall.session("a", "sh", "-c", "printf 'Password: '; sleep 0.5; stty -echo; read x; stty -icanon; exec cat")
    line = wall.line()
    await until(lambda: [one for one in line.of("session_update") if one.get("echo") == "off"], "the hint")
    line.say("input", sessionId="a", data="hunter2\n")
    await until(lambda: [one for one in line.of("session_update") if one.get("echo") == "unsure"], "that it is unsure")


async def test_case_page_33_a_shell_at_its_prompt_shows_what_is_typed(wall: Wall) -> None:
    wall.session("a", "bash", "--norc", env={"PS1": "READY "})
    line = wall.line()
    line.say("focus", sessionId="a")
    await line.sees("a", "READY ")
    assert wall.line().messages[0]["sessions"][0]["echo"] == "on"
    line.say("input", sessionId="a", data="read -s secret\n")
    await until(lambda: [one for one in line.of("session_update") if one.get("echo") == "off"], "the hint")


async def test_case_page_33_a_program_that_changes_its_mind_all_the_time_is_told_of_bounded(wall: Wall) -> None:
    script = "i=0; while [ $i -lt 200 ]; do stty -echo; echo a; stty echo; echo b; i=$((i+1)); done; exec cat"
    wall.session("a", "sh", "-c", script)
    line = wall.line()
    line.say("focus", sessionId="a")
    started = asyncio.get_running_loop().time()
    session = wall.service._find("a")[1]
    await until(lambda: session.ring.end >= 1200, "all of it", 60)
    told = [one for one in line.of("session_update") if one.get("echo")]
    assert len(told) <= 2 + 24 * (asyncio.get_running_loop().time() - started), "20 a second, and 4 with other news"


class Wave(commands.ClientMessage):
    """A message that was added to the wire and forgotten in the dispatcher."""

    type: Literal["wave"]


async def test_case_server_4_a_message_that_nobody_handles_is_answered(
    wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(commands.CLIENT_MESSAGES, "wave", TypeAdapter(Wave))
    line = wall.line()
    line.say("wave", requestId="r")
    error = line.last("error")
    assert (error["code"], error["field"], error["requestId"]) == ("internal", "type", "r")
    assert "`wave`" in error["data"]
    watching = wall.line(role="view")
    watching.say("wave")
    assert watching.last("error")["code"] == "forbidden", "what is new is not for links that may only watch"
    assert line.ended is None


BLACK = "#000000"
SMALLEST: dict[str, dict[str, Any]] = {
    "ack": {"offset": 0},
    "rename": {"name": "other"},
    "input": {"data": ""},
    "preview": {"sessionIds": []},
    "resize": {"data": {"cols": 80, "rows": 24}},
    "theme": {
        "data": {
            "scheme": "dark",
            **dict.fromkeys(("foreground", "background", "cursor"), BLACK),
            "palette": [BLACK] * 16,
        }
    },
}
"""What a message needs besides its type and its session."""


@pytest.mark.parametrize("kind", commands.CLIENT_MESSAGES)
async def test_case_server_4_every_message_of_the_wire_is_handled(wall: Wall, kind: str) -> None:
    wall.session("a")
    line = wall.line(session="a")
    line.say(kind, sessionId="a", requestId="r", **SMALLEST.get(kind, {}))
    assert not line.of("error")


async def test_case_command_line_3_and_19_a_session_is_never_shown_within_itself(wall: Wall) -> None:
    for name in ("a", "b", "c", "elsewhere"):
        wall.session(name)

    def attach(inside: str, session: str) -> Line:
        return wall.line(session=session, inside=inside)

    assert attach("a", "a").ended is not None, "itself"
    in_a = attach("a", "b")
    assert in_a.ended is None
    again = attach("a", "b")
    assert wall.service.get_session("a").attached == ["b"]
    code, why = attach("b", "a").ended or (0, "")
    assert code == 1008, "each other"
    assert "within itself" in why
    in_b = attach("b", "c")
    assert in_b.ended is None, "a chain is no loop"
    assert attach("c", "a").ended is not None, "a loop of three"
    assert attach("c", "elsewhere").ended is None
    assert attach("unknown-here", "a").ended is None, "a session of another server"
    in_a.leave()
    assert attach("c", "a").ended is not None, "the other one still shows it"
    again.leave()
    assert wall.service.get_session("a").attached == []
    assert attach("c", "a").ended is None, "the loop is open"


async def test_case_hardening_L6_another_tokens_client_of_the_same_id_is_another_client(wall: Wall) -> None:
    wall.session("a", "sh", "-c", "stty -echo; cat")
    await wall.service.set_session_focus("a")
    victim = wall.line("page", token="t1", role="type")
    stranger = wall.line("page", token="t2", role="type")
    owner = wall.line("page")
    for line, number in ((victim, 1), (stranger, 1), (stranger, 2), (victim, 2), (owner, 1)):
        name = {victim: "v", stranger: "s", owner: "o"}[line]
        line.say("input", sessionId="a", data=f"{name}{number}\n", seq=number)
        await owner.sees("a", f"{name}{number}")
        assert line.last("input_ack")["seq"] == number
    victim.say("drive", sessionId="a")
    ids = [line.last("session_update", "driver")["driver"]["clientId"] for line in (victim, stranger, owner)]
    assert ids[0] == "page", "it reads its own id as it gave it"
    assert ids[1] == ids[2] == bound("page", "t1")
    assert victim.messages[0]["clientId"] == "page"
    victim.leave()
    assert wall.service.get_session("a").driver is None, "the others of that id are other clients"
    kept = wall.service.find_own("a").state()
    assert kept["driver"] is None
    assert kept["boundClients"], "so that the next server does not take its numbers for those of names alone"
    stranger.say("focus", sessionIds=[])
    assert stranger.last("focus_update")["by"]["clientId"] == "page" != owner.last("focus_update")["by"]["clientId"]


async def test_case_hardening_L6_one_who_may_only_watch_keeps_no_seat(wall: Wall) -> None:
    wall.session("a")
    driver, watcher = wall.line("same"), wall.line("same", role="view")
    driver.say("drive", sessionId="a")
    driver.leave()
    assert wall.service.get_session("a").driver is None
    assert watcher.ended is None


async def test_case_hardening_L6_invented_ids_push_nobody_out(wall: Wall) -> None:
    wall.session("a", "sh", "-c", "stty -echo; cat > /dev/null")
    mia, jo = wall.line("mia"), wall.line("jo", token="t1", role="type")
    for line in (mia, jo):
        line.say("input", sessionId="a", data="x", seq=1)
    for token in (None, "t1", "t2"):
        for number in range(520):
            one = wall.line(f"invented-{number}", token=token, role="type")
            one.say("input", sessionId="a", data="x", seq=1)
            one.leave()
    for line in (mia, jo):
        line.say("input", sessionId="a", data="x", seq=1)
        line.say("input", sessionId="a", data="x", seq=2)
        assert [message["seq"] for message in line.of("input_ack")] == [1, 1, 2]
        assert not line.of("error")


async def test_X3_a_token_for_one_project_nests_nothing_in_others_sessions(wall: Wall) -> None:
    wall.service.create_project(path=str(wall.folder), id="other", name="other")
    wall.session("a")
    wall.session("b", project="other")
    wall.line(session="a", inside="b", token="t1", role="view", only_project="wall")
    assert not wall.service.find_own("b").attached
    assert wall.line(session="b", project="other", inside="a").ended is None
    assert wall.line(session="a", inside="b", token="t2", role="view").ended == (
        1008,
        "A session cannot be shown within itself, nor within one that it shows",
    )


async def test_W7_a_session_is_renamed_over_the_socket(wall: Wall) -> None:
    wall.session("a")
    line = wall.line()
    events: list[messages.Session] = []
    wall.service.subscribe("session_changed", events.append)
    line.say("rename", sessionId="a", name="other")
    assert wall.service.get_session("a").name == "other"
    assert line.last("session_update", "name")["name"] == "other"
    assert [event.name for event in events] == ["other"]
    line.say("rename", sessionId="a", name="other")
    assert len(events) == 1, "nothing changed"
    line.say("rename", sessionId="a", name="\x1b", requestId="r")
    assert (line.last("error")["code"], line.last("error")["requestId"]) == ("invalid", "r")
    wall.line(role="view").say("rename", sessionId="a", name="theirs")
    assert wall.service.get_session("a").name == "other"


async def test_S9_subscribers_are_called_for_each_change_and_the_end_whichever_door_it_came_through(wall: Wall) -> None:
    wall.session("a", "cat")
    line = wall.line()
    changed: list[messages.Session] = []
    removed: list[str] = []
    wall.service.subscribe("session_changed", changed.append)
    end = wall.service.subscribe("session_removed", lambda session: removed.append(session.id))
    line.say("drive", sessionId="a", data={"cols": 99, "rows": 20})
    await until(lambda: changed and changed[-1].cols == 99)
    wall.service.notify_session("a", "needs input", "May I?", "hook")
    assert changed[-1].attention.state == "needs input"
    line.say("input", sessionId="a", data="x")
    await until(lambda: changed[-1].attention.state != "needs input")
    line.say("ack", sessionId="a", offset=0)
    wall.service.rename_session("a", wall.service.get_session("a").name)
    told = [session.model_dump(exclude={"offset", "last_activity", "foreground"}) for session in changed]
    assert all(one != other for one, other in itertools.pairwise(told)), "a change is one"
    await wall.service.delete_session("a")
    assert removed == ["a"]
    end()
    with pytest.raises(ValueError, match="no event"):
        wall.service.subscribe("nonsense", removed.append)  # type: ignore[call-overload]

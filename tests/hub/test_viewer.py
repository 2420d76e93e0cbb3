"""Streams: what a viewer gets of a session's bytes, whatever it and the network do."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.wall import Line, Wall, until

ECHO = ("sh", "-c", "stty raw -echo; exec cat")
"""Gives back what it gets, byte for byte."""


async def echoing(wall: Wall, id: str = "a") -> str:
    """A session that echoes raw bytes, ready and on the stage."""
    wall.session(id, "sh", "-c", "stty raw -echo; echo READY; exec cat")
    await wall.service.set_session_focus(id)
    probe = wall.line()
    await probe.sees(id, "READY")
    probe.leave()
    return id


async def test_S2_only_focused_sessions_are_streamed(wall: Wall) -> None:
    wall.session("a", "echo", "hello a")
    wall.session("b", "echo", "hello b")
    line, one = wall.line(), wall.line(session="b")
    await wall.service.set_session_focus("a")
    await line.sees("a", "hello a")
    await until(lambda: wall.service.get_session("b").status == "exited")
    assert "b" not in line.output
    assert not one.output, "a one-session connection gets its own session's stream only"


async def test_S3_a_new_viewer_gets_a_snapshot_and_then_every_byte(wall: Wall) -> None:
    wall.session("a", "sh", "-c", "echo before; read x; echo after")
    await until(lambda: wall.service.get_session("a").offset > 0)
    await wall.service.set_session_focus("a")
    line = wall.line()
    kinds = [m["type"] for m in line.messages]
    assert kinds[0] == "connection_status"
    snapshot = next(m for m in line.messages if m["type"] == "frame" and m["kind"] == 2)
    assert (snapshot["reason"], snapshot["cols"], snapshot["rows"]) == (1, 80, 24)
    told = next(m for m in line.of("session_update") if "epoch" in m)
    assert line.messages.index(told) < line.messages.index(snapshot), "what is replay is told before it comes"
    await line.sees("a", "before")
    wall.service.write_input("a", "\n")
    await line.sees("a", "after")


async def test_S3_blur_and_focus_go_on_exactly_where_the_viewer_was(wall: Wall) -> None:
    name = await echoing(wall)
    line = wall.line()
    await line.sees(name, "READY")
    await wall.service.set_session_focus(name, False)
    wall.service.write_input(name, "while away\n")
    end = wall.service.get_session(name).offset + len("while away\n")
    await until(lambda: wall.service.get_session(name).offset == end)
    assert "while away" not in line.text(name)
    await wall.service.set_session_focus(name)
    await line.sees(name, "while away")
    assert len([m for m in line.of("frame") if m["kind"] == 2]) == 1, "no second snapshot"


@pytest.mark.parametrize("binary", [True, False])
async def test_S3_a_resume_gets_exactly_the_missing_bytes(wall: Wall, binary: bool) -> None:
    name = await echoing(wall)
    first = wall.line("page", binary=binary)
    await first.sees(name, "READY")
    epoch, place = wall.service.get_session(name).epoch, first.offsets[name]
    first.leave()
    wall.service.write_input(name, "missed ✓\n")
    await until(lambda: wall.service.get_session(name).offset == place + len("missed ✓\n".encode()))
    second = wall.line("page", binary=binary, resume=True)
    assert not second.of("stream") and not second.of("frame"), "W1: nothing before the sync_request"
    second.offsets[name], second.output[name] = place, bytearray()
    second.say("sync_request", offsets={name: {"epoch": epoch, "offset": place}})
    answer = second.last("sync_complete")["streams"][name]
    assert answer == {"epoch": epoch, "offset": place, "resume": "exact"}
    await second.sees(name, "missed ✓\n")
    assert second.text(name) == "missed ✓\n"
    assert second.messages.index(second.last("sync_complete")) < len(second.messages) - 1, "W11: told before the bytes"


@pytest.mark.parametrize("place", [{"epoch": "gone", "offset": 3}, {"offset": 10**9}])
async def test_S3_a_place_that_is_not_in_the_log_gets_a_snapshot(wall: Wall, place: dict[str, Any]) -> None:
    name = await echoing(wall)
    session = wall.service.get_session(name)
    line = wall.line(resume=True)
    line.say("sync_request", offsets={name: {"epoch": session.epoch, **place}})
    answer = line.last("sync_complete")["streams"][name]
    assert (answer["resume"], answer["epoch"], answer["offset"]) == ("snapshot", session.epoch, 0)
    await line.sees(name, "READY")
    snapshot = next(m for m in line.messages if m["type"] == "frame" and m["kind"] == 2)
    assert snapshot["reason"] == 3


async def test_W1_a_session_that_the_offsets_leave_out_starts_as_on_an_attach(wall: Wall) -> None:
    one, two = await echoing(wall, "a"), await echoing(wall, "b")
    session = wall.service.get_session(one)
    line = wall.line(resume=True)
    line.offsets[one], line.output[one] = session.offset, bytearray()
    line.say("sync_request", offsets={one: {"epoch": session.epoch, "offset": session.offset}})
    await line.sees(two, "READY")
    assert line.last("sync_complete")["streams"].keys() == {one}
    assert [m["sessionId"] for m in line.of("frame") if m["kind"] == 2] == [two]


async def test_S5_a_viewer_that_never_acks_is_limited_by_its_socket_alone(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(window_bytes=4096)
    name = await echoing(wall)
    line = wall.line()
    await line.sees(name, "READY")
    line.full = True
    wall.service.write_input(name, "x" * 3000)
    await until(lambda: wall.service.get_session(name).offset > 3000)
    before = line.offsets[name]
    await asyncio.sleep(0)
    assert line.offsets[name] == before
    line.full = False
    assert line.connection is not None
    line.connection.writable()
    await line.sees(name, "x" * 3000)


async def test_S5_a_viewer_that_acks_gets_at_most_its_window_ahead(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(window_bytes=4096)
    name = await echoing(wall)
    line, other = wall.line(), wall.line()
    await line.sees(name, "READY")
    start = line.offsets[name]
    line.say("ack", sessionId=name, offset=start)
    for _ in range(5):
        wall.service.write_input(name, "y" * 4000)
    await until(lambda: wall.service.get_session(name).offset == start + 20_000)
    await until(lambda: other.offsets[name] == start + 20_000)
    assert line.offsets[name] == start + 4096, "paused alone: the other viewer has it all"
    line.say("ack", sessionId=name, offset=start + 10_000)
    assert line.offsets[name] == start + 4096, "what was never sent cannot be acknowledged"
    for place in range(start + 4096, start + 20_000, 4096):
        line.say("ack", sessionId=name, offset=place)
    assert line.offsets[name] == start + 20_000


async def test_S5_a_viewer_that_falls_out_of_the_ring_gets_a_snapshot_and_is_told(
    make_wall: Callable[..., Wall],
) -> None:
    wall = make_wall(window_bytes=4096, ring_bytes=8192, replay_bytes=4096)
    name = await echoing(wall)
    slow, quick = wall.line(), wall.line()
    await slow.sees(name, "READY")
    slow.say("ack", sessionId=name, offset=slow.offsets[name])
    stands = slow.offsets[name] + 4096
    for number in range(40):
        wall.service.write_input(name, f"{number:04d} {'z' * 990}\n")
        await until(lambda n=number: wall.service.get_session(name).offset >= (n + 1) * 996)
    assert slow.offsets[name] == stands, "out of the ring, but it has not parsed what it was sent"
    slow.say("ack", sessionId=name, offset=slow.offsets[name])
    reasons = [m["reason"] for m in slow.of("frame") if m["kind"] == 2]
    assert reasons == [1, 4], "attach, then lagged"
    assert quick.offsets[name] == wall.service.get_session(name).offset


async def test_S1_a_restart_is_a_new_epoch_at_offset_0_told_before_its_first_byte(wall: Wall) -> None:
    wall.session("a", "sh", "-c", "echo run; read x; exit 3")
    await wall.service.set_session_focus("a")
    line, text = wall.line(), wall.line(binary=False)
    await line.sees("a", "run")
    old = wall.service.get_session("a")
    wall.service.write_input("a", "\n")
    await until(lambda: wall.service.get_session("a").status == "exited")
    assert wall.service.get_session("a").exit_code == 3
    mark = len(line.messages)
    again = await wall.service.restart_session("a")
    assert (again.id, again.status) == ("a", "running") and again.epoch != old.epoch
    await until(lambda: any(m["type"] == "frame" and m["bytes"] and m["kind"] == 1 for m in line.messages[mark:]))
    update, *rest = line.messages[mark:]
    assert (update["type"], update["epoch"], update["offset"]) == ("session_update", again.epoch, 0)
    snapshot = next(m for m in rest if m["type"] == "frame")
    assert (snapshot["kind"], snapshot["reason"], snapshot["offset"]) == (2, 5, 0)
    await text.sees("a", "run")
    assert text.last("stream")["epoch"] == again.epoch


async def test_S8_text_connections_get_whole_characters(wall: Wall) -> None:
    script = r"printf '\342'; sleep 0.05; printf '\202'; sleep 0.05; printf '\254!'; printf '\377'; read x"
    wall.session("a", "sh", "-c", script)
    await wall.service.set_session_focus("a")
    line = wall.line(binary=False)
    await line.sees("a", "€!\ufffd")
    for message in line.of("stream"):
        if not message.get("snapshot"):
            assert "\ufffd" not in message["data"].replace("\ufffd", "", 1) or message["offset"] > 3


async def test_S3_a_size_change_comes_in_its_place_between_the_bytes(wall: Wall) -> None:
    name = await echoing(wall)
    line = wall.line()
    await line.sees(name, "READY")
    wall.service.write_input(name, "before")
    await line.sees(name, "before")
    place = line.offsets[name]
    wall.service.resize_session(name, 100, 30)
    wall.service.write_input(name, "after")
    await line.sees(name, "after")
    update = next(m for m in line.of("session_update") if m.get("cols") == 100)
    assert (update["rows"], update["offset"]) == (30, place)
    index = line.messages.index(update)
    sizes = [m["offset"] for m in line.messages[:index] if m["type"] == "frame"]
    assert max(sizes) == place
    assert all(m["offset"] > place for m in line.messages[index:] if m["type"] == "frame")


async def test_S3_a_viewer_that_was_away_gets_old_bytes_in_their_old_size(wall: Wall) -> None:
    name = await echoing(wall)
    line = wall.line()
    await line.sees(name, "READY")
    await wall.service.set_session_focus(name, False)
    wall.service.write_input(name, "narrow")
    await until(lambda: wall.service.get_session(name).offset >= line.offsets[name] + 6)
    wall.service.resize_session(name, 120, 40)
    wall.service.write_input(name, "wide")
    mark = len(line.messages)
    await wall.service.set_session_focus(name)
    await line.sees(name, "narrowwide")
    told = [
        (m["cols"] if m["type"] == "session_update" else m["bytes"])
        for m in line.messages[mark:]
        if m["type"] == "frame" or m.get("cols")
    ]
    assert told[:4] == [80, 6, 120, 4]


async def test_S10_two_viewers_see_the_same_bytes_at_the_same_offsets(wall: Wall) -> None:
    name = await echoing(wall)
    one, two = wall.line(), wall.line(session=name)
    for number in range(50):
        wall.service.write_input(name, f"line {number}\n")
        await asyncio.sleep(0)
    end = wall.service.get_session(name).offset
    await until(lambda: one.offsets[name] == two.offsets[name] >= end and "line 49\n" in one.text(name))
    assert one.output[name] == two.output[name]


async def test_S10_a_flood_arrives_whole(wall: Wall) -> None:
    """20 MB through a viewer that acks, like a browser: every byte, whatever the batches (S3)."""
    script = (
        "import os,sys,tty; tty.setraw(1); os.write(1,b'READY'); sys.stdin.readline(); d=bytes(range(256))*256\n"
        "for i in range(320): os.write(1,d)"
    )
    wall.session("a", "python3", "-c", script)
    await wall.service.set_session_focus("a")
    line = wall.line()
    await line.sees("a", "READY")
    digest = hashlib.sha256()
    plain = line.send_binary

    def acking(data: bytes) -> None:
        plain(data)
        digest.update(line.output["a"])
        line.output["a"] = bytearray()
        offset = line.offsets["a"]
        asyncio.get_running_loop().call_soon(lambda: line.say("ack", sessionId="a", offset=offset))

    line.send_binary = acking  # type: ignore[method-assign]
    line.output["a"] = bytearray()
    wall.service.write_input("a", "\n")
    await until(lambda: wall.service.get_session("a").status == "exited")
    whole = wall.service.get_session("a").offset
    await until(lambda: line.offsets["a"] == whole)
    jumps = [m for m in line.of("frame") if m["kind"] == 2]
    assert len(jumps) == 1, "a viewer that keeps up is never made to jump"
    assert digest.digest() == hashlib.sha256(bytes(range(256)) * 256 * 320).digest()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 3), st.sampled_from(["print", "ack", "fill", "drain", "drop", "blur", "focus", "size"])
        ),
        max_size=40,
    )
)
def test_S3_any_mix_of_output_acks_drops_and_focus_keeps_every_viewer_exact(
    steps: list[tuple[int, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each viewer's bytes are the log's, or the log's with told jumps: `Line` checks the offsets of every frame."""

    async def play() -> None:
        wall = Wall(
            tmp_path_factory.mktemp("wall"), window_bytes=256, ring_bytes=4096, replay_bytes=512, close_seconds=0.5
        )
        try:
            name = await echoing(wall)
            log = bytearray(b"READY\n")
            lines: list[Line] = [wall.line(f"c{i}", binary=i % 2 == 0) for i in range(4)]
            for who, what in steps:
                line = lines[who]
                if what == "print":
                    text = f"{len(log)}:é\n".encode() * 12
                    log += text
                    wall.service.write_input(name, text.decode())
                    end = len(log)
                    await until(lambda end=end: wall.service.get_session(name).offset == end)
                elif what == "ack" and name in line.offsets:
                    line.say("ack", sessionId=name, offset=line.offsets[name])
                elif what in ("fill", "drain"):
                    line.full = what == "fill"
                    assert line.connection is not None
                    line.connection.writable()
                elif what == "drop":
                    place = line.offsets.get(name)
                    line.leave()
                    fresh = wall.line(f"c{who}", binary=who % 2 == 0, resume=True)
                    if place is not None:
                        fresh.offsets[name], fresh.output[name] = place, bytearray(line.output[name])
                        epoch = wall.service.get_session(name).epoch
                        fresh.say("sync_request", offsets={name: {"epoch": epoch, "offset": place}})
                    lines[who] = fresh
                elif what in ("blur", "focus"):
                    await wall.service.set_session_focus(name, what == "focus")
                elif what == "size":
                    wall.service.resize_session(name, 20 + len(log) % 80, 24)
            await wall.service.set_session_focus(name)
            for line in lines:
                line.full = False
                assert line.connection is not None
                if line.connection._peer.state == "resuming":
                    line.say("sync_request")
                line.connection.writable()
                while line.offsets[name] < len(log):
                    before = line.offsets[name]
                    line.say("ack", sessionId=name, offset=before)
                    assert line.offsets[name] > before, "credit is given, so bytes come"
                assert line.offsets[name] == len(log)
                assert bytes(log).endswith(bytes(line.output[name])), "the log's own end, nothing else"
        finally:
            await wall.service.close()

    asyncio.run(play())

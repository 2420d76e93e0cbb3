"""Nothing that a program prints holds back its reading, its screen or its restart for long (cases T1 and T2, S5)."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.session.session import Heard
from termwall.core.session.sizes import SizeLog
from termwall.hub import search as searching
from termwall.hub import sending
from termwall.hub.search import search
from termwall.ipc.memory import Memory
from termwall.protocol.bodies import InputBody
from termwall.screen import feed as feeds
from termwall.screen import screens as module
from termwall.screen.feed import MAX_CRASHES, Picture, ScreenFeed
from termwall.screen.worker import Drawn
from tests.screen.test_screens import shows, text
from tests.support.wall import Wall, until

STRINGS = {"OSC": r"\033]1337;File=:", "DCS": r"\033Pq", "APC": r"\033_G", "PM": r"\033^", "SOS": r"\033X"}
ENDS = {"BEL": r"\007", "ST": r"\033\\", "CAN": r"\030"}
CASES = [("OSC", "BEL"), ("DCS", "ST"), ("SOS", "CAN")]
LONG = "head -c 4000000 /dev/zero | tr '\\0' A; "


@pytest.mark.parametrize(("kind", "end"), CASES)
async def test_case_terminal_1_after_a_long_string_all_goes_on(drawn: Wall, kind: str, end: str) -> None:
    drawn.session("a", "sh", "-c", f"printf '{STRINGS[kind]}'; {LONG} printf '{ENDS[end]}'; echo AFTER; cat")
    assert (await shows(drawn, "a", "AFTER")).split() == ["AFTER"]
    assert drawn.service.get_session("a").screen == "exact"
    await drawn.service.restart_session("a")


async def test_case_terminal_1_in_a_string_that_never_ends_reading_picture_and_restart_go_on(drawn: Wall) -> None:
    drawn.session("a", "sh", "-c", f"echo BEFORE; printf '{STRINGS['DCS']}'; while :; do {LONG} done")
    await until(lambda: drawn.service.get_session("a").offset > 9_000_000, seconds=60)
    assert (await text(drawn, "a")).split() == ["BEFORE"]
    line = drawn.line()
    await drawn.service.set_session_focus("a")
    await line.sees("a", "BEFORE")
    session = await drawn.service.restart_session("a")
    assert session.status == "running"


async def held(wall: Wall) -> int:
    """A program that is held back because the worker does not go on; what that worker's process is."""
    wall.session("a", "sh", "-c", "echo READY; read x; yes | head -c 5000000; echo END; exec cat")
    await shows(wall, "a", "READY")
    assert wall.screens is not None
    assert wall.screens.pid is not None
    os.kill(wall.screens.pid, signal.SIGSTOP)
    wall.service.write_input("a", "\n")
    process = wall.service._find("a")[1].process
    await until(lambda: process._reader is None or process._reader.held or wall.service.get_session("a").offset > 1e6)
    return wall.screens.pid


async def test_S5_a_program_whose_screen_does_not_go_on_is_let_go(
    make_wall: Callable[..., Wall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 1000.0)
    monkeypatch.setattr(module, "HELD_SECONDS", 0.3)
    wall = make_wall(drawn=True, ring_bytes=1 << 20)
    worker = await held(wall)
    await until(lambda: wall.service.get_session("a").offset > 5_000_000)
    os.kill(worker, signal.SIGCONT)
    await until(lambda: wall.service.get_session("a").screen == "lost")
    assert len((await shows(wall, "a", "END")).split()) > 20, "what is there of its output is drawn (L2)"
    wall.service.write_input("a", "again\n")
    await shows(wall, "a", "again")


async def test_P2_a_restart_waits_for_no_screen(
    make_wall: Callable[..., Wall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 1000.0)
    wall = make_wall(drawn=True, ring_bytes=1 << 20)
    worker = await held(wall)
    async with asyncio.timeout(60):
        await wall.service.restart_session("a")
    os.kill(worker, signal.SIGCONT)
    await shows(wall, "a", "READY")
    assert wall.service.get_session("a").screen == "exact"


async def test_S6_who_asks_for_a_picture_is_answered_also_when_there_comes_none(
    drawn: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 1000.0)
    worker = await held(drawn)
    for _ in range(2):  # One that the worker was asked for, and one behind it.
        with monkeypatch.context() as impatient:
            impatient.setattr(module, "ASK_SECONDS", 0.3)
            asked = asyncio.ensure_future(text(drawn, "a"))
            with pytest.raises(TermwallError) as caught:
                await asyncio.wait_for(asked, 60)
        assert caught.value.code is ErrorCode.ENGINE_AWAY
    os.kill(worker, signal.SIGCONT)
    await shows(drawn, "a", "END")


async def test_case_hardening_C1_of_a_worker_that_hangs_nobody_waits_for_longer_than_was_said(
    drawn: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L1: a screen, a search and what is typed by a name of a key; while the worker is there and says nothing."""
    monkeypatch.setattr(module, "ANSWER_SECONDS", 1000.0)
    monkeypatch.setattr(module, "ASK_SECONDS", 1000.0)
    monkeypatch.setattr(searching, "SECONDS", 0.2)
    monkeypatch.setattr(sending, "STATE_SECONDS", 0.2)
    worker = await held(drawn)
    drawn.session("b", "cat")
    for asked in (
        drawn.service.show_session("a", "text", 0, seconds=0.2),
        search(drawn.service, "wall", "END", 10, True),
        search(drawn.service, "wall", "END", 10, False),
    ):
        with pytest.raises(TermwallError) as caught:
            await asyncio.wait_for(asked, 60)
        assert caught.value.code is ErrorCode.ENGINE_AWAY
    await asyncio.wait_for(drawn.service.send_input("b", InputBody(data="", mode="text", enter=True)), 60)
    os.kill(worker, signal.SIGCONT)
    await shows(drawn, "a", "END")


async def test_S5_a_worker_that_cannot_be_started_holds_nobody_back(
    make_wall: Callable[..., Wall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.sys, "executable", "/nowhere/python")
    monkeypatch.setattr(module, "HOLD_SECONDS", 0.3)
    wall = make_wall(drawn=True, ring_bytes=65536)
    wall.session("a", "sh", "-c", "yes")
    await until(lambda: wall.service.get_session("a").offset > 1_000_000)
    assert wall.service.get_session("a").screen == "rebuilding"


async def test_case_hardening_C1_without_a_worker_screen_and_search_are_refused_each_time(
    make_wall: Callable[..., Wall], monkeypatch: pytest.MonkeyPatch
) -> None:
    """L1: who asks for a picture is answered, each time, whether there is a worker or not."""
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    monkeypatch.setattr(module, "HOLD_SECONDS", 0.05)
    monkeypatch.setattr(module, "RESTART_SECONDS", (0.1,))
    wall = make_wall(drawn=True)
    wall.session("a", "sh", "-c", "echo NEEDLE; exec cat")
    wall.session("b")
    await until(lambda: wall.service.get_session("a").screen == "rebuilding")
    async with asyncio.timeout(10):
        for _ in range(3):
            for asked in (
                wall.service.show_session("a", "text", 0),
                wall.service.show_session("b", "runs", 10),
                search(wall.service, "wall", "NEEDLE", 10, True),
            ):
                with pytest.raises(TermwallError) as caught:
                    await asked
                assert caught.value.code is ErrorCode.ENGINE_AWAY
        await asyncio.gather(*(send(wall, "b", f"line {number}") for number in range(3)))
    monkeypatch.undo()
    await until(lambda: wall.service.get_session("a").screen == "exact", "a worker that can be started")
    await shows(wall, "a", "NEEDLE")
    assert len((await search(wall.service, "wall", "NEEDLE", 10, True)).matches) == 1


async def send(wall: Wall, session: str, text: str) -> None:
    await wall.service.send_input(session, InputBody(data=text, mode="text", enter=True))


async def test_case_terminal_2_a_screen_that_cannot_be_gone_on_from_begins_anew_and_says_so(drawn: Wall) -> None:
    drawn.session("a", "sh", "-c", "yes | head -c 3000000; echo READY; exec cat")
    drawn.session("b", "sh", "-c", "echo OTHER; exec cat")
    await shows(drawn, "a", "READY")
    await shows(drawn, "b", "OTHER")
    memory = drawn.service._find("a")[1].process.program.memory
    assert memory.base.length
    assert drawn.screens is not None
    assert drawn.screens.pid is not None
    worker = Path(f"/proc/{drawn.screens.pid}/stat")
    os.kill(drawn.screens.pid, signal.SIGSTOP)  # It writes no other one meanwhile.
    await until(lambda: worker.read_text().rpartition(")")[2].split()[0] == "T")
    for slot in (0, 1):  # The server may still come to hear of a newer one.
        os.pwrite(memory.descriptor, b"no checkpoint", (1 + slot) * (4 << 30))
    os.kill(drawn.screens.pid, signal.SIGKILL)
    # Where the checkpoint was of all output it is not looked at before somebody asks.
    assert len((await shows(drawn, "a", "READY")).split()) > 20, "what is there of its output is drawn (L2)"
    assert drawn.service.get_session("a").screen == "lost"
    drawn.service.write_input("a", "again\n")
    await shows(drawn, "a", "again")
    assert "OTHER" in await text(drawn, "b")
    assert (drawn.service.get_session("b").screen, drawn.screens.restarts) == ("exact", 1)


async def test_case_hardening_L2_a_screen_whose_whole_output_is_there_is_exact_after_a_damaged_checkpoint(
    make_wall: Callable[..., Wall],
) -> None:
    """From the ring alone, with all sizes; and nothing is heard or answered a second time."""
    wall = make_wall(drawn=True, ring_bytes=1 << 20)
    wall.session("a", "sh", "-c", "stty raw -echo; printf 'FIRST\\033[5n'; yes | head -c 600000; read x; cat")
    session = wall.service._find("a")[1]
    memory = session.process.program.memory
    await until(lambda: memory.base.length and wall.service.get_session("a").offset > 600_000)
    wall.service.resize_session("a", 60, 12)
    before = await text(wall, "a", 1000)
    assert wall.screens is not None
    assert wall.screens.pid is not None
    os.kill(wall.screens.pid, signal.SIGSTOP)  # It writes no other one meanwhile.
    os.pwrite(memory.descriptor, bytes(16), (1 + memory.base.slot) * (4 << 30))
    os.pwrite(memory.descriptor, bytes(16), (1 + memory.base.slot) * (4 << 30) + memory.base.length - 16)
    typed = session.core.inputs
    os.kill(wall.screens.pid, signal.SIGKILL)
    await until(lambda: wall.screens is not None and wall.screens.restarts == 1)
    assert (await text(wall, "a", 1000), wall.service.get_session("a").screen) == (before, "exact")
    assert session.core.inputs is typed
    assert memory.base.length, "the next one begins there"


def fed(feed_bytes: int, capacity: int) -> tuple[Memory, ScreenFeed]:
    """A feed with so much output, numbered lines of 16 bytes, and nothing drawn."""
    memory = Memory.create(capacity, 1 << 16)
    for number in range(feed_bytes // 16):
        memory.ring.append(b"line %09d\r\n" % number)
    feed = ScreenFeed(
        1,
        memory,
        SizeLog(80, 24, 16),
        100,
        heard=0,
        clipboard=0,
        news=lambda _: None,
        limit=lambda _: None,
        wake=lambda _: None,
    )
    return memory, feed


def drawn_text(memory: Memory, feed: ScreenFeed) -> str:
    """What the screen shows once all is drawn, by a worker's own part."""
    worker, seen = Drawn(feed.opening(), os.dup(memory.descriptor)), list[Picture | None]()
    feed.ask("text", 0, seen.append)
    while not seen:
        feed.answered(*worker.draw(feed.request()))
    worker.close()
    assert seen[0] is not None
    return seen[0].data.decode()


def test_case_hardening_L2_three_deaths_of_the_worker_leave_out_what_it_died_of_and_nothing_else() -> None:
    memory, feed = fed(32_000, 1 << 16)
    feed.ask("text", 0, lambda _: None, at=16_000)
    for _ in range(MAX_CRASHES):
        feed.rebase()
        assert not feed.lost
        assert feed.request()["to"] == 16_000
        feed.crashed()
    feed.rebase()
    assert (feed.lost, feed.position) == (True, 16_000)
    assert f"line {1999:09d}" in drawn_text(memory, feed)
    memory.close()


def test_case_hardening_L2_a_screen_that_was_overtaken_begins_where_its_output_is_there() -> None:
    """Also where the program prints nothing more; as much as was drawn in a second, where that is known."""
    memory, feed = fed(32_000, 1 << 16)
    feed.opening()
    for number in range(2000, 16_000):
        memory.ring.append(b"line %09d\r\n" % number)
    assert feed.overtaken
    feed.skip()
    assert (feed.lost, feed.ring.end - feed.position) == (True, (1 << 15) - 16), "half a ring, from a line's start"
    seen = drawn_text(memory, feed).split()
    assert seen[-1] == f"{15_999:09d}"
    assert len(seen) > 20
    feed._drawn, feed._seconds = 16_000, 2.0
    feed.skip()
    assert feed.ring.end - feed.position == 8_000 - 16
    memory.close()


def test_case_hardening_L2_a_picture_just_behind_where_a_screen_begins_anew_is_whole() -> None:
    """Whoever was to get it goes on with the bytes behind it, and would never see the rows above."""
    memory, feed = fed(32_000, 1 << 16)
    feed.opening()
    for number in range(2000, 16_000):
        memory.ring.append(b"line %09d\r\n" % number)
    seen: list[Picture | None] = []
    feed.position = feed.ring.end - (1 << 15)
    feed.ask("text", 0, seen.append, at=feed.ring.end - (1 << 15) + 32)
    feed.position = 0
    feed.skip()
    worker = Drawn(feed.opening(), os.dup(memory.descriptor))
    while not seen:
        feed.answered(*worker.draw(feed.request()))
    worker.close()
    assert seen[0] is not None
    assert len(seen[0].data.decode().split()) > 40
    memory.close()


def test_case_hardening_L2_a_picture_that_cannot_be_made_costs_no_screen() -> None:
    memory, feed = fed(32_000, 1 << 16)
    worker, seen = Drawn(feed.opening(), os.dup(memory.descriptor)), list[Picture | None]()
    feed.ask("text", 0, seen.append)
    worker.engine.text = None  # type: ignore[assignment, method-assign]
    while not seen:
        feed.answered(*worker.draw(feed.request()))
    assert (seen, feed.lost, feed.position) == ([None], False, 32_000)
    del worker.engine.text
    feed.ask("text", 0, seen.append)
    feed.answered(*worker.draw(feed.request()))
    assert seen[1] is not None
    assert f"line {1999:09d}" in seen[1].data.decode()
    worker.close()
    memory.close()


def test_case_hardening_L2_a_worker_that_was_only_starved_is_not_held_against_the_session() -> None:
    memory, feed = fed(32_000, 1 << 16)
    for _ in range(2 * MAX_CRASHES):
        feed.request()
        feed.crashed(blamed=False)
        feed.rebase()
    assert (feed.lost, feed.position) == (False, 0)
    assert f"line {1999:09d}" in drawn_text(memory, feed)
    memory.close()


async def test_S5_output_that_takes_too_long_to_draw_costs_the_screen_and_nothing_else(
    drawn: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "LATE_SECONDS", 0.5)
    drawn.session("b", "cat")
    drawn.session("a", "sh", "-c", "read x; yes $(printf '\\033#8') | head -c 400000; read x; cat")
    drawn.service.resize_session("a", 1000, 1000)
    drawn.service.write_input("a", "\n")
    await until(lambda: drawn.service.get_session("a").screen == "lost")
    drawn.service.write_input("b", "other\n")
    await shows(drawn, "b", "other")
    seen = ""
    while "again" not in seen:  # What is typed while the flood goes on may be drawn over, or left out with it.
        drawn.service.write_input("a", "\nagain\n")
        with contextlib.suppress(TermwallError):
            seen = await text(drawn, "a")
    assert drawn.screens is not None
    assert drawn.screens.restarts == 0


def test_S4_a_session_at_which_the_worker_dies_each_time_gets_a_new_screen() -> None:
    """Also where it draws something else before, and where it dies of the picture."""
    memory = Memory.create(1 << 16, 1 << 16)
    memory.ring.free()[:12] = b"heard before"
    memory.ring.commit(12)
    told: list[Heard] = []
    feed = ScreenFeed(
        1,
        memory,
        SizeLog(80, 24, 16),
        100,
        heard=5,
        clipboard=0,
        news=told.append,
        limit=lambda _: None,
        wake=lambda _: None,
    )
    feed.ask("text", 0, lambda picture: None)
    deaths = 0
    while not feed.lost:
        feed.rebase()
        if feed.lost:
            break
        worker = Drawn(feed.opening(), os.dup(memory.descriptor))
        while True:
            request = feed.request()
            if request["to"] == memory.ring.end:
                break
            feed.answered(*worker.draw(request))
        worker.close()
        feed.crashed()
        deaths += 1
        assert deaths <= MAX_CRASHES
    assert deaths == MAX_CRASHES
    memory.close()


async def test_P5_a_picture_asked_for_in_a_servers_last_moment_touches_no_memory(
    make_wall: Callable[..., Wall], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a worker the answer comes in the next turn, and by then the memory may be closed."""
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    monkeypatch.setattr(module, "HOLD_SECONDS", 0.05)
    wall = make_wall(drawn=True)
    wall.session("a", "cat")
    await until(lambda: wall.service.get_session("a").screen == "rebuilding")
    faults: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    session, answers = wall.service._find("a")[1], list[object]()
    session.show("text", 0, answers.append)
    session.leave()
    session.process.program.forget()
    await asyncio.sleep(0)
    await until(lambda: answers)
    assert (answers, faults) == ([None], [])

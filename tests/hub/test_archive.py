"""What a service keeps: refused whole where the disk is full, found again by the next one, also what somebody lost."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from termwall.core.errors import ErrorCode, TermwallError
from termwall.hub import lastscreens
from termwall.hub.record import Home, Launch, Record, dump, load
from termwall.pty.holder_client import HeldPrograms
from termwall.screen import screens
from termwall.store.projects import Store
from tests.hub.test_surroundings import LIGHT, probe, read
from tests.support.holder import end_holder
from tests.support.patience import until
from tests.support.wall import Wall

Next = Callable[[], Any]


@pytest.fixture
async def held(tmp_path: Path) -> AsyncIterator[Next]:
    """Makes services that come one after the other on one data folder, with programs that outlive them."""
    data = tmp_path / "data"
    data.mkdir()
    made: list[Wall] = []

    async def start(*, store: str = "db", reboot: bool = False) -> Wall:
        if made:
            await asyncio.wait_for(made[-1].service.close(), 10)
        if reboot:
            end_holder(data)
        programs = HeldPrograms(data, None)
        wall = Wall(tmp_path, store=Store(data / store), drawn=True, programs=programs, close_seconds=1.0)
        made.append(wall)
        await wall.service.open()
        return wall

    yield start
    await asyncio.wait_for(made[-1].service.close(), 10)
    end_holder(data)


def full(wall: Wall, is_full: bool) -> None:
    """The dial: SQLite's own limit, which answers as a full disk does."""
    db = wall.service.archive._store._db  # type: ignore[union-attr]
    pages = db.execute("PRAGMA page_count").fetchone()[0] if is_full else 1 << 30
    db.execute(f"PRAGMA max_page_count={pages}")


async def refused(call: Callable[[], object]) -> None:
    async def change() -> None:
        answer = call()
        if isinstance(answer, Awaitable):
            await answer

    with pytest.raises(TermwallError, match="is full; free some space") as caught:
        await change()
    assert caught.value.code is ErrorCode.ENGINE_AWAY
    assert str(caught.value).startswith("Nothing was changed")


async def test_P5_F7_on_a_full_disk_nothing_is_half_done(held: Next) -> None:
    wall: Wall = await held()
    service = wall.service
    await wall.start("a", name="first")
    line = wall.line()
    before = service.get_focus_state("wall")
    told = len(line.messages)
    full(wall, True)
    long = "n" * 20_000  # More than the pages that are there have room for.
    await refused(lambda: service.rename_session("a", long))
    await refused(lambda: service.update_project("wall", name=long))
    await refused(lambda: wall.start("b", "cat", env={"LONG": long}))
    await refused(lambda: service.create_project(path=str(wall.folder), id="other", name=long))
    assert [one.name for one in service.list_sessions("wall")] == ["first"]
    assert [(one.id, one.name) for one in service.list_projects()] == [("wall", "wall")]
    assert service.get_focus_version("wall") == before.version
    assert not [one for one in line.messages[told:] if one["type"] in ("focus_update", "session_update")]
    full(wall, False)
    await wall.start("b", name="second")
    await service.set_session_focus("b")
    assert service.get_focused_sessions("wall") == ["b"]


async def test_F7_a_focus_change_that_cannot_be_kept_is_refused(held: Next) -> None:
    wall: Wall = await held()
    service = wall.service
    for name in "abc":
        await wall.start(name)
    await service.set_session_focus("a")
    db = service.archive._store._db  # type: ignore[union-attr]
    db.execute("PRAGMA query_only=1")
    line = wall.line()
    for change in (
        service.set_session_focus("b"),
        service.set_project_focus("wall", ["b", "c"]),
        service.set_session_focus("a", False),
    ):
        with pytest.raises(TermwallError) as caught:
            await change
        assert caught.value.code is ErrorCode.ENGINE_AWAY
    assert service.get_focused_sessions("wall") == ["a"]
    line.say("focus", sessionId="b", requestId="r1")
    assert line.last("error")["code"] == "engine_away"
    assert not line.of("focus_update")
    db.execute("PRAGMA query_only=0")
    assert (await service.set_session_focus("b")).version == 2


async def test_P5_a_lost_store_takes_its_sessions_back_from_the_holder(held: Next) -> None:
    first: Wall = await held()
    await first.start("a", "cat", name="mine")
    epoch = first.service.get_session("a").epoch
    focus = first.service.get_focus_state("wall").epoch
    second: Wall = await held(store="another")
    found = second.service.get_session("a")
    assert (found.name, found.status, found.epoch, found.project_id) == ("mine", "running", epoch, "wall")
    assert second.service.get_focus_state("wall").epoch != focus, "F7: the store was lost, and that is told"


async def test_P5_a_restarted_session_is_the_new_run(held: Next) -> None:
    first: Wall = await held()
    await first.start("a", "sh", "-c", "echo $$; exec cat")
    await first.service.restart_session("a")
    described = first.service.get_session("a")
    second: Wall = await held()
    found = second.service.get_session("a")
    assert (found.epoch, found.offset, found.status) == (described.epoch, described.offset or found.offset, "running")
    assert len(second.service.list_sessions("wall")) == 1


async def test_P5_input_numbers_are_remembered_over_a_restart(held: Next) -> None:
    first: Wall = await held()
    await first.start("a", "sh", "-c", "stty raw -echo; echo READY; exec cat")
    await first.service.set_session_focus("a")
    line = first.line("robot")
    await line.sees("a", "READY")
    line.say("input", sessionId="a", data="once ", seq=1)
    await line.sees("a", "once ")
    second: Wall = await held()
    again = second.line("robot")
    again.say("input", sessionId="a", data="once ", seq=1)
    again.say("input", sessionId="a", data="twice ", seq=2)
    await again.sees("a", "twice ")
    assert again.text("a").count("once ") == 1
    assert again.last("input_ack")["seq"] == 2


async def test_I4_the_driver_keeps_its_seat_over_a_restart_if_it_comes_back(
    held: Next, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: Wall = await held()
    await first.start("a")
    first.line("ann").say("drive", sessionId="a", data={"cols": 91, "rows": 33})
    monkeypatch.setattr("termwall.hub.estate.ABSENT_SECONDS", 0.2)
    second: Wall = await held()
    stranger = second.line("bob")
    stranger.say("resize", sessionId="a", data={"cols": 20, "rows": 10})
    found = second.service.get_session("a")
    assert found.driver is not None
    assert (found.driver.client_id, found.cols) == ("ann", 91)
    await until(lambda: second.service.get_session("a").driver is None, "the seat to be free")
    stranger.say("resize", sessionId="a", data={"cols": 20, "rows": 10})
    assert second.service.get_session("a").cols == 20


def test_P5_what_is_kept_may_grow_and_nonsense_is_told() -> None:
    kept = Record("a", "A", Home("p", "P", "/p"), Launch("system", ("cat",), "/", {"A": "b"}), "e", 5, {"cols": 80})
    assert load(dump(kept)) == kept
    assert load(dump(kept).replace(b'"epoch"', b'"of a later version":1,"epoch"')) == kept
    for nonsense in (b"", b"[]", b"{}", b'{"id":1}', b"\xff", b'{"launch":3}'):
        with pytest.raises(ValueError, match=r"no session was kept|Expecting value|decode|can't"):
            load(nonsense)


async def test_case_agents_4_and_10_the_next_server_tells_nothing_twice_and_knows_the_colours(held: Next) -> None:
    wall: Wall = await held()
    line = await probe(wall, "a", "\\x1b[?1004h\\x1b[?2031h")
    await read(line, "a", b"\x1b[O")
    line.say("theme", data=LIGHT)
    line.say("drive", sessionId="a")
    line.say("keys", sessionId="a")
    await read(line, "a", b"\x1b[O", b"\x1b[?997;2n", b"\x1b[I")
    wall = await held()
    wall.service.write_input("a", "b")
    line = wall.line("page")
    await line.sees("a", "]11;rgb:ffff/ffff/fefe")
    line.say("keys", sessionId="a")
    line.say("theme", data=LIGHT)
    line.say("keys", sessionId="a", has=False)
    await read(line, "a", b"]11;rgb:ffff/ffff/fefe", b"\x1b[O")
    assert line.text("a").count("x1b[I") == 1
    assert line.text("a").count("997;2n") == 1


def kept(wall: Wall, session: str) -> bytes:
    """The last screen that the store has."""
    screen = wall.service.archive._store.screen(session)  # type: ignore[union-attr]
    return b"" if screen is None else screen.data


async def shown(wall: Wall, session: str) -> str:
    return (await wall.service.show_session(session, "text", 0)).data.decode()


async def test_P5_the_last_screen_is_kept_without_anybody_who_draws(
    held: Next, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop waits for no screen worker: output since the last snapshot, or all of it, is kept as it is."""
    monkeypatch.setattr(lastscreens, "LOOK_SECONDS", 0.02)
    wall: Wall = await held()
    await wall.start("a", "sh", "-c", "echo first; read x; printf 'then \\033[31mred\\033[m\\007'; exec cat")
    await until(lambda: b"first" in kept(wall, "a"), "a snapshot")
    assert wall.screens is not None and wall.screens.pid is not None
    os.kill(wall.screens.pid, signal.SIGSTOP)
    await wall.start("b", "sh", "-c", "printf 'all of it'; exec cat")
    wall.service.write_input("a", "\n")
    find = wall.service._find
    ring = find("a")[1].ring
    await until(lambda: ring.end > 7 and b"\007" in ring.read(0, ring.end) and find("b")[1].ring.end, "more output")
    wall = await held(reboot=True)
    assert [wall.service.get_session(one).status for one in "ab"] == ["lost", "lost"]
    assert (await shown(wall, "a")).split() == ["first", "then", "red"]
    assert (await shown(wall, "b")).strip() == "all of it"
    assert wall.service.get_session("a").bell is None, "it is not heard again"


async def test_P5_a_screen_is_kept_once_its_program_has_come_to_rest_or_ended(
    held: Next, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lastscreens, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(lastscreens, "NEXT_SECONDS", 0.02)
    monkeypatch.setattr(lastscreens, "REST_SECONDS", 0.05)
    monkeypatch.setattr(lastscreens, "AGAIN_SECONDS", 0.05)
    wall: Wall = await held()
    await wall.start("a", "sh", "-c", "printf '\\033]2;named\\007'; echo first; read x; echo second; exec cat")
    await until(lambda: b"first" in kept(wall, "a"), "a snapshot")
    assert wall.service.archive._store.screen("a").title == "named"  # type: ignore[union-attr]
    wall.service.write_input("a", "\n")
    await until(lambda: b"second" in kept(wall, "a"), "another one, at rest")
    monkeypatch.setattr(lastscreens, "AGAIN_SECONDS", 1000.0)
    wall.service.write_input("a", "the last words\n\x04")
    await until(lambda: b"the last words" in kept(wall, "a"), "the last one, at its end")
    assert wall.service.get_session("a").status == "exited"


async def test_P5_a_screen_that_could_not_be_drawn_is_not_taken_as_kept(
    held: Next, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lastscreens, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(lastscreens, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(screens, "ANSWER_SECONDS", 1000.0)
    wall: Wall = await held()
    assert wall.screens is not None
    wall.screens.start()
    assert wall.screens.pid is not None
    os.kill(wall.screens.pid, signal.SIGSTOP)
    with monkeypatch.context() as impatient:
        impatient.setattr(screens, "ASK_SECONDS", 0.02)
        await wall.start("a", "sh", "-c", "echo words; exec cat")
        archived = wall.service.archive._screens
        assert archived is not None
        await until(lambda: archived._not_before, "a failure")
    os.kill(wall.screens.pid, signal.SIGCONT)
    await until(lambda: b"words" in kept(wall, "a"), "the screen")

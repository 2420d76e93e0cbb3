"""What one message may cost (L7, L11): sizes come once a frame, and nothing is serialised or told for each message."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from termwall.core.limits import Bounds
from termwall.hub import anysession
from termwall.hub.budgets import Budgets, Meter
from termwall.hub.record import dump
from termwall.hub.steering import FRAMES_AT_ONCE, FRAMES_PER_SECOND
from tests.support.patience import until
from tests.support.wall import Line, Wall

DRAWS = "trap 'stty size' WINCH; echo READY; while :; do sleep 1000 & wait; done"
"""Prints at each new size, so that no two are at one place of its output."""
UNLIMITED: dict[str, Any] = {"messages_per_second": 1_000_000, "token_messages_per_second": 1_000_000}


@pytest.fixture
async def make_wall(tmp_path: Path) -> AsyncIterator[Callable[..., Wall]]:
    """Makes a wall; it is closed."""
    walls: list[Wall] = []

    def make(**options: Any) -> Wall:
        walls.append(Wall(tmp_path, **options))
        return walls[-1]

    yield make
    for wall in walls:
        await wall.service.close()


def sizes_told(line: Line) -> list[tuple[int, int]]:
    """To somebody who views the stream."""
    return [(m["cols"], m["rows"]) for m in line.of("session_update") if "cols" in m]


async def storm(line: Line, type: str, count: int) -> tuple[int, int]:
    """Sizes without a pause; the last one."""
    for number in range(count):
        size = {"cols": 40 + number % 100, "rows": 10 + number % 20}
        line.say(type, sessionId="a", data=size)
        if number % 20 == 0:
            await asyncio.sleep(0)
    return size["cols"], size["rows"]


@pytest.mark.parametrize("type", ["drive", "resize"])
async def test_case_hardening_L3_L11_a_storm_of_sizes_is_one_a_frame_and_loses_no_screen(
    make_wall: Callable[..., Wall], type: str
) -> None:
    wall = make_wall(drawn=True, **UNLIMITED)
    wall.session("a", "sh", "-c", DRAWS)
    await wall.service.set_session_focus("a")
    line, other = wall.line("page"), wall.line("other", session="a")
    await line.sees("a", "READY")
    begun = asyncio.get_running_loop().time()
    last = await storm(line, type, 1_500)
    await until(lambda: sizes_told(line)[-1:] == [last], lambda: f"{last} of {sizes_told(line)[-3:]}")
    seconds = asyncio.get_running_loop().time() - begun
    assert len(sizes_told(line)) <= FRAMES_AT_ONCE + FRAMES_PER_SECOND * seconds + 1
    assert sizes_told(other)[-1] == last
    await line.sees("a", f"{last[1]} {last[0]}")
    picture = await wall.service.show_session("a", "text", 0)
    assert (picture.cols, picture.rows) == last
    assert wall.service.get_session("a").screen == "exact"
    assert wall.screens is not None
    assert wall.screens.restarts == 0
    session = wall.service.find_own("a")
    assert session is not None
    assert len(session.sizes.marks) <= Bounds().size_marks
    assert len(dump(session._kept(session.state()))) < 4_096, "what is kept does not grow with the sizes"


async def test_case_hardening_L3_L11_drivers_that_take_turns_are_told_once_a_frame(
    make_wall: Callable[..., Wall],
) -> None:
    wall = make_wall(**UNLIMITED)
    wall.session("a")
    one, two, watcher = wall.line("one"), wall.line("two"), wall.line("watcher")
    begun = asyncio.get_running_loop().time()
    for _ in range(500):
        one.say("drive", sessionId="a")
        two.say("drive", sessionId="a")
        await asyncio.sleep(0)
    one.say("drive", sessionId="a")

    def drivers() -> list[object]:
        return [one["driver"] for one in watcher.of("session_update") if "driver" in one]

    await until(lambda: drivers()[-1:] == [{"clientId": "one", "name": None}])
    seconds = asyncio.get_running_loop().time() - begun
    assert len(watcher.of("session_update")) <= FRAMES_AT_ONCE + FRAMES_PER_SECOND * seconds + 1


async def test_case_hardening_L3_L11_what_is_kept_for_the_next_server_is_not_written_for_each_message(
    make_wall: Callable[..., Wall],
) -> None:
    wall = make_wall(drawn=True, **UNLIMITED)
    wall.session("a")
    session = wall.service.find_own("a")
    assert session is not None
    kept = itertools.count()
    session._keeping._action = lambda: next(kept)  # type: ignore[assignment]
    line = wall.line("page")
    line.say("drive", sessionId="a")
    colours = {"scheme": "dark", "background": "#000000", "cursor": "#ffffff", "palette": ["#111111"] * 16}
    begun = asyncio.get_running_loop().time()
    for number in range(500):
        line.say("theme", data={**colours, "foreground": f"#{number:06x}"})
        line.say("keys", sessionId="a", has=number % 2 == 0)
        line.say("seen", sessionId="a")
    seconds = asyncio.get_running_loop().time() - begun
    assert next(kept) <= 4 + 20 * seconds + 2


async def test_L7_a_message_costs_what_it_makes_the_server_tell(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(messages_per_second=100)
    wall.session("a")
    alone = wall.line("alone")
    count = 0
    while alone.reads:
        alone.say("blur", sessionId="a")
        count += 1
    few = count
    watchers = [wall.line() for _ in range(64)]
    among, count = wall.line("among"), 0
    while among.reads:
        among.say("blur", sessionId="a")
        count += 1
    assert count < few, (few, count)
    assert all(watcher.reads for watcher in watchers), "who watches does not pay"


async def test_L7_acks_of_output_that_was_sent_cost_nothing(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(messages_per_second=20, window_bytes=1 << 20)
    wall.session("a", "sh", "-c", "yes | head -c 1500000; sleep 60")
    await wall.service.set_session_focus("a")
    line = wall.line("page")
    await until(lambda: line.of("frame"))
    acked = 0
    async with asyncio.timeout(20):
        while acked < 1_400_000:
            if line.offsets["a"] - acked >= 16 << 10:
                acked = min(line.offsets["a"], acked + (16 << 10))
                line.say("ack", sessionId="a", offset=acked)
            else:
                await asyncio.sleep(0.001)
    assert not line.of("error"), "86 acks, where 20 messages a second may come"


async def test_L7_who_owes_is_read_from_again_and_its_token_shares(make_wall: Callable[..., Wall]) -> None:
    bounds = Bounds(messages_per_second=1_000, token_messages_per_second=1_000)
    budgets, reads = Budgets(bounds), dict.fromkeys(range(4), True)
    meters = [
        Meter(bounds, budgets.share("theirs" if n < 3 else None), lambda wanted, n=n: reads.update({n: wanted}))
        for n in range(4)
    ]
    for _ in range(40):
        for meter in meters:
            meter.spend(10)
        await asyncio.sleep(0)
        assert reads[3], "another token's connection does not wait for them"
    assert not any(reads[n] for n in range(3)), "together they sent more than one may"
    await until(lambda: all(reads.values()), "everybody's turn")
    for meter in meters:
        meter.close()


async def test_L7_a_connection_that_is_not_read_from_is_not_taken_for_silent(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(heartbeat_milliseconds=100, messages_per_second=10)
    line = wall.line()
    for _ in range(18):
        line.say("seen", sessionId="nope")  # It owes 0.8 s; silence of 0.25 s ends a connection.
    assert not line.reads
    await until(lambda: line.reads, "its turn")
    assert line.ended is None


async def test_L7_a_size_is_put_into_words_once_for_all_who_view_the_session(
    make_wall: Callable[..., Wall], monkeypatch: pytest.MonkeyPatch
) -> None:
    wall, built = make_wall(), list[object]()
    wall.session("a")
    await wall.service.set_session_focus("a")
    lines = [wall.line(f"page{number}") for number in range(20)]
    await until(lambda: all(line.of("frame") for line in lines))
    encode = anysession.encode
    monkeypatch.setattr(anysession, "encode", lambda message: built.append(message) or encode(message))  # type: ignore[func-returns-value]
    lines[0].say("drive", sessionId="a", data={"cols": 91, "rows": 33})
    await until(lambda: all(sizes_told(line)[-1:] == [(91, 33)] for line in lines))
    assert len(built) == 1

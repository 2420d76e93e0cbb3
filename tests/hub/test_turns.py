"""What takes a millisecond and comes many at once is done one in each turn of the loop (L6, L7)."""

import asyncio
from collections import Counter

from termwall.hub.paced import Paced
from termwall.hub.turns import Turns
from tests.support.patience import until


class Loop:
    """Counts the turns of the running loop."""

    def __init__(self) -> None:
        self.turn = 0
        self._next()

    def _next(self) -> None:
        self.turn += 1
        self._handle = asyncio.get_running_loop().call_soon(self._next)

    def stop(self) -> None:
        """Count no more."""
        self._handle.cancel()


async def test_case_hardening_L6_what_comes_at_once_is_begun_one_in_a_turn() -> None:
    turns, loop, done = Turns(), Loop(), list[tuple[int, int]]()
    at_once = [turns.come(lambda n=n: done.append((n, loop.turn))) for n in range(9)]  # type: ignore[misc]
    assert at_once == [True] + [False] * 8
    await until(lambda: len(done) == 9)
    loop.stop()
    assert [n for n, _ in done] == list(range(9)), "in the order in which they came"
    assert len({turn for _, turn in done}) == 9
    assert turns.come(lambda: None), "nobody waits any more"


async def test_L7_L11_sizes_of_many_sessions_that_are_due_together_come_one_in_a_turn() -> None:
    turns, loop, done = Turns(), Loop(), Counter[int]()

    def settle() -> None:
        done[loop.turn] += 1

    frames = [Paced(settle, rate=50, burst=1, turns=turns) for _ in range(8)]
    for frame in frames:
        frame()
    assert done.total() == 8, "the first ones are done at once: a size comes before the key (I4)"
    done.clear()
    for frame in frames:
        frame()
    await until(lambda: done.total() == 8)
    loop.stop()
    assert set(done.values()) == {1}, "all were due in one moment"


async def test_L7_a_session_that_is_gone_while_it_waits_for_its_turn_is_not_sized() -> None:
    turns, done = Turns(), list[str]()
    frames = {name: Paced(lambda name=name: done.append(name), rate=50, burst=1, turns=turns) for name in "ab"}  # type: ignore[misc]
    for frame in (*frames.values(), *frames.values()):
        frame()
    turns.come(lambda: None)
    frames["b"].cancel()
    await until(lambda: len(done) == 3)
    await asyncio.sleep(0.05)
    assert done == ["a", "b", "a"]

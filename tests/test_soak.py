"""A test of the soak's own test: what is lost, doubled or changed on the way is found, and nothing else is."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak.checker import Printed, Task, Viewing, Watcher
from tests.soak.footprint import Figures, grown, look_at
from tests.soak.program import FAULT_BYTES
from tests.soak.stand import Stand, Verdict
from tests.soak.text import Ledger
from tests.soak.turns import Turns

PLANTED = ("lost", "doubled", "changed", "last")


@pytest.fixture(scope="module")
def soaked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stand, Verdict]]:
    """One short soak: each fault in a session of its own, and two programs without any."""
    stand = Stand(tmp_path_factory.mktemp("soak"), grace=0.5, cuts=(0.05, 0.2))
    stand.server.start()
    try:
        project = stand.project("wall", 8)
        for fault in PLANTED:
            stand.add(project, "print", "--rate", "20000", "--plant", fault)
        stand.add(project, "flood", "--ahead", "20000")
        typed = stand.add(project, "echo")
        stand.focus()
        stand.check(
            [
                Viewing("first", project, "steady", [typed.id]),
                Viewing("second", project, "reconnecting", slot=1),
            ]
        )
        stand.watch_turns(project)
        for one in stand.printed.values():
            stand.reached(one, 100 if one is typed else 10_000)
        yield stand, stand.settle()
    finally:
        stand.end()


def sessions(stand: Stand, kind: str) -> list[str]:
    return [name for name, one in stand.kinds.items() if one == kind]


def test_what_is_planted_is_found(soaked: tuple[Stand, Verdict]) -> None:
    stand, verdict = soaked
    lost, doubled, changed, last = sessions(stand, "print")
    assert verdict.shifts == {lost: FAULT_BYTES, doubled: -FAULT_BYTES, last: 1}
    assert (verdict.lost, verdict.doubled) == (FAULT_BYTES + 1, FAULT_BYTES)
    for client in ("first", "second"):
        for session in (lost, doubled, changed, last):
            assert any(fault.startswith(f"{client}, session {session} at ") for fault in verdict.faults)
    assert any(fault.startswith(f"session {lost}: the screen of offset") for fault in verdict.faults)


def test_what_is_right_is_let_pass(soaked: tuple[Stand, Verdict]) -> None:
    stand, verdict = soaked
    for session in (*sessions(stand, "flood"), *sessions(stand, "echo")):
        assert not [fault for fault in verdict.faults if session in fault]
    assert verdict.sum("checked") > 100_000
    assert verdict.sum("cuts") > 0


def test_case_hardening_soak_a_snapshot_is_a_fault_only_where_the_ring_still_had_the_place(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "ledger"))
    ledger.written = 1 << 20
    ring = 256 << 10
    printed, viewing = Printed("s", "p", 0, "e", ""), Viewing("one", "p", "stalled")
    watcher = Watcher(Task("", "", 1, [printed], [viewing], ring=ring), viewing, {}, {"s": ledger})
    gone = ledger.written - ring - 1
    watcher.places["s"] = "e", gone
    watcher._jumped("s", "snapshot")
    assert (watcher.jumps, watcher.overtaken) == ([], 1)
    watcher.places["s"] = "e", gone + ring // 2
    watcher._jumped("s", "snapshot")
    assert watcher.jumps == [("s", f"snapshot at {gone + ring // 2} of {1 << 20}")]


def test_case_hardening_soak_memory_that_grows_is_found() -> None:
    """By the whole of a process (RSS at most 1.15 times that of minute 5), and by what is its own."""
    before = {"server": Figures(100_000, 60_000, 70_000, 300)}
    assert grown(before, {"server": Figures(114_000, 68_000, 90_000, 316)}) == []
    assert grown(before, {"server": Figures(116_000, 60_000, 70_000, 300)}) == [
        "the server has 116000 KB resident after 100000 KB"
    ]
    assert grown(before, {"server": Figures(100_000, 70_000, 70_000, 317)}) == [
        "the server has 70000 KB of its own after 60000 KB",
        "the server has 317 descriptors after 300",
    ]
    assert grown(before, {}) == ["nobody saw the server"]
    seen = look_at(0.0, "this test", os.getpid())
    assert seen is not None
    assert seen.figures.resident > seen.figures.own > 1_000


def turns(server: float, bare: float) -> Turns:
    """A hundred quick answers of each, and of each two that took so many seconds."""
    return Turns([0.001] * 100 + [server] * 2, [0.0005] * 100 + [bare] * 2)


def test_L6_turns_are_judged_beside_a_bare_loop_and_only_where_that_was_quick() -> None:
    assert turns(0.15, 0.01).judge() == "one answer in a hundred took more than 150 ms, and one of a bare loop 10 ms"
    assert turns(0.09, 0.01).judge() is None
    assert turns(3.0, 0.5).judge() is None, "the machine was busy"
    assert Turns([9.0], [0.001]).judge() is None, "too few"


def test_L6_the_servers_loop_and_a_bare_one_are_asked_in_turn(soaked: tuple[Stand, Verdict]) -> None:
    measured = soaked[0].turned()
    assert measured.server
    assert measured.bare

"""What a viewer sees after a snapshot is what it would see had it been there from the start (S4).

Real programs' output is cut at many points, inside of sequences and characters too. What xterm.js shows of a snapshot
taken there is compared with what another one shows of the bytes themselves, cell by cell, with cursor, modes,
scrollback and title; then both get the rest of the output and are compared again. Exact is what is equal both times.
"""

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.screen.fidelity.fuzz import SIZE, stream
from tests.screen.fidelity.recordings import Recording, Step, load
from tests.screen.fidelity.xterm import MISSING, Differences, Xterm, XtermError, snapshot

pytestmark = pytest.mark.skipif(MISSING, reason="needs Node and the page's packages (npm ci in web)")

FUZZED = 120
LEAST_EXACT_FUZZED = 110
"""Of sequences thrown together, on which the two terminals disagree at times; see `fidelity/known_misses.md`."""
RECORDINGS = load()


@pytest.fixture(scope="module")
def xterm() -> Iterator[Xterm]:
    with Xterm() as running:
        yield running


def compare(xterm: Xterm, recording: Recording, cut: int) -> tuple[bool, Differences]:
    """Whether a size change came before this cut, and what differs. Both terminals go on to the next size change."""
    steps = recording.steps(0, cut)
    taken, _ = snapshot((recording.cols, recording.rows), steps)
    sizes: list[Step] = [step for step in steps if isinstance(step, tuple)]
    rest = recording.raw[cut : recording.until_resize(cut)]
    found = xterm.compare((recording.cols, recording.rows), [*sizes, taken], steps, [rest])
    return bool(sizes), found


def test_S4_a_snapshot_of_a_real_program_is_exact(xterm: Xterm) -> None:
    count: Counter[bool] = Counter()
    exact: Counter[bool] = Counter()
    for recording in RECORDINGS:
        for cut in recording.cuts():
            resized, (first, then) = compare(xterm, recording, cut)
            count[resized] += 1
            exact[resized] += not (first or then)
            if first or then:
                print(f"{recording.name} at {cut}{' after a resize' if resized else ''}: {first[:2]} then {then[:2]}")
    print(f"exact: {exact[False]} of {count[False]} cut points; after a resize: {exact[True]} of {count[True]}")
    assert count[False] > 400
    assert exact == count


def test_S4_a_snapshot_is_exact_in_a_terminal_that_showed_something_else(xterm: Xterm) -> None:
    chance = random.Random(4)
    odd = b"\x1b[20h\x1b[?25l\x1b[?6h\x1b[2;5r\x1b[4h\x1b[?7l\x1b(0\x1b[?1003;1006h\x1b[3g\x1b]2;other\x07"
    for recording in RECORDINGS:
        cut = chance.choice(recording.cuts()[:4])
        if cut > recording.until_resize(0):
            continue
        other = chance.choice(RECORDINGS)
        before = (
            other.raw[: chance.randrange(len(other.raw))]
            + odd
            + chance.choice([b"", b"\x1b]2;half", b"\x1b[3", b"\xe6"])
        )
        size = recording.cols, recording.rows
        taken, _ = snapshot(size, [recording.raw[:cut]])
        rest = recording.raw[cut : recording.until_resize(cut)]
        first, then = xterm.compare(size, [before, taken], [recording.raw[:cut]], [rest])
        assert [line for line in first + then if " wrap of " not in line] == [], (recording.name, cut, other.name)


def test_S4_raw_output_as_its_own_snapshot_is_exact(xterm: Xterm) -> None:
    """The comparison itself finds no difference where there is none."""
    for recording in RECORDINGS:
        chance = random.Random(recording.name)
        cut = chance.choice(recording.cuts())
        steps = recording.steps(0, cut)
        rest = [recording.raw[cut : recording.until_resize(cut)]]
        assert xterm.compare((recording.cols, recording.rows), steps, steps, rest) == ([], []), recording.name


def test_S4_the_comparison_sees_a_wrong_cell(xterm: Xterm) -> None:
    first, then = xterm.compare((20, 4), [b"\x1b[31mred"], [b"\x1b[32mred"], [b"\x1b[2J"])
    assert "screen: look at 0,0" in " ".join(first)
    assert not [line for line in then if line.startswith("screen")]


def test_S4_most_snapshots_of_sequences_thrown_together_are_exact(xterm: Xterm) -> None:
    exact = count = 0
    for seed in range(FUZZED):
        raw = stream(seed)
        cut = random.Random(seed).randrange(1, len(raw))
        taken, _ = snapshot(SIZE, [raw[:cut]])
        try:
            first, then = xterm.compare(SIZE, [taken], [raw[:cut]], [raw[cut:]])
        except XtermError as error:
            print(f"seed {seed}: {error}")
            continue
        count += 1
        exact += not (first or then)
        if first or then:
            print(f"seed {seed} at {cut}: {first[:2]} then {then[:2]}")
    print(f"exact: {exact} of {count} streams of sequences thrown together")
    assert exact >= LEAST_EXACT_FUZZED

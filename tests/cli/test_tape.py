"""A9: a recording is wound to any moment, to exactly the screen of it, in every version of the format."""

import gzip
import json
import random
from pathlib import Path

import pytest

from termwall.cli import tape as module
from termwall.cli.tape import Tape
from termwall.core.asciicast import CastError
from termwall.screen.ghostty import GhosttyEngine
from termwall.store.castfile import cast_lines

SIZES = {60: (40, 10), 130: (100, 30), 200: (80, 24)}


def happened() -> list[tuple[float, str, str]]:
    """Of a program that colours, moves, changes screens and modes, and cuts its sequences in two."""
    events = []
    pieces = ["\x1b[31mred ", "\x1b[5;5Hfar\x1b[1;3", "2mgreen", "\x1b[?1049h\x1b[2Jfull", "\x1b[?1049l", "\r\nline é "]
    for number in range(240):
        if number in SIZES:
            events.append((number * 0.5, "r", "{}x{}".format(*SIZES[number])))
        events.append((number * 0.5, "o", pieces[number % len(pieces)] + f"{number} "))
    return events


def written(path: Path, version: int) -> Path:
    """As a file of this version."""
    events = happened()
    if version == 1:
        times = [0.0, *(time for time, code, _ in events if code == "o")]
        frames = [event for event in events if event[1] == "o"]
        stdout = [[time - before, data] for (time, _, data), before in zip(frames, times, strict=False)]
        path.write_text(json.dumps({"version": 1, "width": 80, "height": 24, "stdout": stdout}))
        return path
    header = {"version": version} | (
        {"width": 80, "height": 24} if version == 2 else {"term": {"cols": 80, "rows": 24}}
    )
    lines, before = [json.dumps(header), "# nothing"][: version - 1], 0.0
    for time, code, data in events:
        lines.append(json.dumps([time - before if version == 3 else time, code, data]))
        before = time
    path.write_text("\n".join(lines) + "\n")
    return path


def screen_at(moment: float, sizes: bool) -> bytes:
    """What stands there then."""
    engine = GhosttyEngine(80, 24, 0)
    for time, code, data in happened():
        if time > moment:
            break
        if code == "r" and sizes:
            cols, _, rows = data.partition("x")
            engine.resize(int(cols), int(rows))
        elif code == "o":
            engine.feed(data.encode())
    return engine.snapshot(0)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_A9_any_moment_of_a_recording_is_exact(tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MARK_BYTES", 200)
    file = written(tmp_path / "a.cast", version)
    tape = Tape(lambda: cast_lines(file))
    chance = random.Random(version)
    for _ in range(12):
        assert tape.take().code in ("o", "r")
    for moment in [0.0, *(chance.uniform(0, 125) for _ in range(25)), 119.4, 59.5, 1e9, 60.0]:
        assert tape.wind(moment).encode() == screen_at(moment, version > 1)
        following = tape.peek()
        assert following is None or following.time > moment >= tape.time
        if following is not None:
            assert following == tape.take(), "it goes on from there"
    tape.close()


def test_A9_marks_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MARK_BYTES", 1)
    monkeypatch.setattr(module, "MARKS_BYTES", 100_000)
    file = tmp_path / "a.cast.gz"
    file.write_bytes(gzip.compress(written(tmp_path / "a.cast", 2).read_bytes()))
    tape = Tape(lambda: cast_lines(file))
    tape.wind(0)
    tape.wind(200)
    assert sum(len(mark.state) for mark in tape._marks) <= 100_000
    assert tape.wind(7.2).encode() == screen_at(7.2, True)
    tape.close()


def test_A9_a_damaged_place_is_reported_where_it_is_come_to(tmp_path: Path) -> None:
    file = written(tmp_path / "a.cast", 2)
    file.write_text(file.read_text().replace("[110.0,", "[nothing,"))
    tape = Tape(lambda: cast_lines(file))
    tape.wind(100)
    with pytest.raises(CastError, match="line"):
        tape.wind(115)
    tape.close()


def test_A9_sizes_are_bounded(tmp_path: Path) -> None:
    file = tmp_path / "a.cast"
    file.write_text('{"version":2,"width":10000,"height":1}\n[1,"r","99999x0"]\n[2,"o","x"]\n')
    tape = Tape(lambda: cast_lines(file))
    tape.wind(5)
    assert tape._size == (1000, 2)
    tape.close()

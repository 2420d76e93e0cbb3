"""Recordings and search with real programs: whole, bounded, over restarts; and what a full disk does."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from termwall.core.asciicast import read_cast
from termwall.core.errors import ErrorCode, TermwallError
from termwall.hub.search import search
from termwall.screen.ghostty import GhosttyEngine
from termwall.store.castfile import cast_lines
from tests.support.patience import until
from tests.support.wall import Wall

READY = "stty raw -echo; echo READY; exec cat"


@pytest.fixture
async def recorded(tmp_path: Path) -> AsyncIterator[Wall]:
    wall = Wall(tmp_path, drawn=True, close_seconds=1.0, recordings=tmp_path / "recordings", recording_bytes=1 << 20)
    yield wall
    await asyncio.wait_for(wall.service.close(), 10)


def played(path: Path) -> tuple[str, list[str]]:
    """What a terminal shows at the end of a file, and its events other than output."""
    header, events = read_cast(cast_lines(path))
    engine = GhosttyEngine(header.cols, header.rows, 1000)
    others: list[str] = []
    for event in events:
        if event.code == "o":
            engine.feed(event.data.encode())
        else:
            others.append(f"{event.code} {event.data}")
            if event.code == "r":
                engine.resize(*map(int, event.data.split("x")))
    text = engine.text(1000)
    engine.close()
    return text, others


async def shown(wall: Wall, session: str) -> str:
    return (await wall.service.show_session(session, "text", 1000)).data.decode()


async def test_a_recording_played_shows_what_the_session_shows(recorded: Wall) -> None:
    service = recorded.service
    recorded.session("a", "sh", "-c", READY)
    await until(lambda: service.get_session("a").offset > 0, "the program")
    service.write_input("a", "before \x1b[31mred\x1b[m ")
    await until(lambda: service.get_session("a").offset > 20, "the echo")
    made = service.start_recording("a")
    assert service.get_session("a").recording == made.id
    path = recorded.folder / "recordings" / made.id / "1.cast"
    await until(path.exists, "the first picture")
    service.write_input("a", "é日本".encode()[:4].decode("latin-1", "ignore") + "after\r\n")
    service.resize_session("a", 60, 20)
    service.write_input("a", "日本語 wide \x1b[5;5Hplaced")
    await until(
        lambda: "placed" in bytes(service._find("a")[1].ring.read(0, service.get_session("a").offset)).decode(), "it"
    )
    ended = service.stop_recording("a")
    assert ended.ended_at is not None
    assert ended.bytes == path.stat().st_size
    assert service.get_session("a").recording is None
    text, others = played(path)
    assert text == await shown(recorded, "a")
    assert others == ["r 60x20"]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_P5_what_waits_to_be_written_is_not_kept_as_written(recorded: Wall) -> None:
    """A kill would lose it: the next server goes on from the kept offset (found by a kill under full output)."""
    recorded.session("a", "sh", "-c", "stty -echo; " + READY)
    made = recorded.service.start_recording("a")
    path = recorded.folder / "recordings" / made.id / "1.cast"
    await until(path.exists, "the first picture")
    session = recorded.service._find("a")[1]
    recorder = session.recorder
    assert recorder is not None
    begin = recorder.state()["offset"]
    waited = False
    for index in range(100):
        end = session.ring.end
        recorded.service.write_input("a", f"{index} some words\r\n")
        await until(lambda end=end: session.ring.end > end)  # type: ignore[misc]
        state = recorder.state()
        events = [json.loads(line) for line in path.read_bytes()[: state["bytes"]].decode().splitlines()[2:]]
        assert len("".join(event[2] for event in events)) == state["offset"] - begin
        waited |= bool(recorder._waiting)
    assert waited


async def test_a_recording_stopped_before_its_first_picture_is_still_one(recorded: Wall) -> None:
    service = recorded.service
    recorded.session("a", "cat")
    made = service.start_recording("a")
    ended = service.stop_recording("a")
    assert ended.bytes > 0
    assert played(recorded.folder / "recordings" / made.id / "1.cast")[1] == []


async def test_a_long_recording_goes_on_in_parts_that_play_alone(
    recorded: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = recorded.service
    monkeypatch.setattr(service.recordings, "_bounds", replace(service.bounds, recording_parts=3))
    recorded.session(
        "a",
        "sh",
        "-c",
        "read x; i=0; while [ $i -lt 6 ]; do i=$((i+1)); seq 200000 350000; sleep 0.3; done; echo END; read x",
    )
    made = service.start_recording("a")
    folder = recorded.folder / "recordings" / made.id
    await until((folder / "1.cast").exists, "the first picture")
    service.write_input("a", "\n")
    session = service._find("a")[1]
    await until(
        lambda: b"END" in session.ring.read(max(session.ring.start, session.ring.end - 50), session.ring.end), "its end"
    )
    ended = service.stop_recording("a")
    assert ended.parts == 3, ended
    assert ended.first_part > 1
    assert sorted(path.name for path in folder.glob("*.cast")) == sorted(
        f"{ended.first_part + n}.cast" for n in range(3)
    )
    text, _ = played(folder / f"{ended.first_part + 2}.cast")
    assert text == await shown(recorded, "a")
    for part in range(2):
        played(folder / f"{ended.first_part + part}.cast")
    with pytest.raises(TermwallError) as caught:
        service.recordings.part(made.id, 1)
    assert caught.value.code is ErrorCode.UNKNOWN_RECORDING


async def test_a_recording_ends_with_its_program_or_session_and_stays_listed(recorded: Wall) -> None:
    service = recorded.service
    recorded.session("a", "sh", "-c", "echo READY; read x; echo BYE")
    one = service.start_recording("a")
    with pytest.raises(TermwallError) as caught:
        service.start_recording("a")
    assert caught.value.code is ErrorCode.ALREADY_EXISTS
    with pytest.raises(TermwallError):
        service.recordings.delete(one.id)
    path = service.recordings._place(one.id) / "1.cast"
    await until(path.exists, "the first picture")
    service.write_input("a", "\n")
    await until(lambda: service.recordings.get(one.id).ended_at is not None, "its end")
    assert "BYE" in played(path)[0]
    recorded.session("b", "cat")
    two = service.start_recording("b")
    await service.delete_session("b")
    found = service.recordings.of_project("wall")
    assert {one.id for one in found} == {one.id, two.id}
    assert all(one.ended_at is not None for one in found)
    service.recordings.delete(one.id)
    assert not path.parent.exists()
    await service.delete_project("wall")
    assert not list((recorded.folder / "recordings").iterdir())


async def test_a_recording_that_cannot_be_written_ends_with_why_and_the_session_goes_on(recorded: Wall) -> None:
    service = recorded.service
    recorded.session("a", "sh", "-c", READY)
    made = service.start_recording("a")
    place = service.recordings._place(made.id)
    await until((place / "1.cast").exists, "the first picture")
    (place / "1.cast").unlink()
    (place / "1.cast").mkdir()
    service.write_input("a", "hello")
    await until(lambda: service.recordings.get(made.id).ended_at is not None, "its end")
    assert "could not be written" in (service.recordings.get(made.id).error or "")
    assert service.get_session("a").recording is None
    service.write_input("a", "still here")
    await until(lambda: service.get_session("a").offset >= 21, "the echo")


async def test_a_search_finds_the_newest_line_of_each_session_and_recordings(recorded: Wall) -> None:
    service = recorded.service
    recorded.session(
        "a", "sh", "-c", "echo first needle; echo other; echo 'second Needle here'; seq 3; exec cat", name="A"
    )
    recorded.session("b", "sh", "-c", "read x; printf 'a nee\\033[1mdle\\033[m in colour\\n'; read x", name="B")
    made = service.start_recording("b")
    await until((service.recordings._place(made.id) / "1.cast").exists, "the first picture")
    service.write_input("b", "\n")
    session = service._find("b")[1]
    await until(lambda: b"colour" in session.ring.read(0, session.ring.end), "the line")
    service.stop_recording("b")
    await until(lambda: service.get_session("a").offset > 40, "the lines")
    found = await search(service, "wall", "needle", 100, True)
    texts = [(one.session_name, one.text.strip(), one.lines_from_end is None) for one in found.matches]
    assert texts == [
        ("A", "second Needle here", False),
        ("A", "first needle", False),
        ("B", "a needle in colour", False),
        ("B", "a needle in colour", True),
    ]
    for one in found.matches:
        assert one.text[one.start : one.end].lower() == "needle"
    lines = (await shown(recorded, "a")).split("\n")
    first = found.matches[0]
    assert first.lines_from_end is not None
    assert "second Needle" in lines[len(lines) - 1 - first.lines_from_end]
    assert (await search(service, "wall", "Needle", 100, False)).matches[0].text.strip() == "second Needle here"
    assert (await search(service, "wall", "needle", 2, True)).truncated
    assert (await search(service, "wall", "not there at all", 100, True)).matches == []


NFD = "e\u0301te\u0301"


async def test_case_terminal_5_R7_text_that_wraps_is_found_where_it_is(recorded: Wall) -> None:
    service = recorded.service
    needle = "NEEDLE-ACROSS-THE-WRAP"
    script = f"stty raw -echo; read x; printf '{'x' * 70}{needle} {'日' * 70} {NFD}\\r\\nsecond\\r\\nREADY'; read x"
    recorded.session("a", "sh", "-c", script)
    made = service.start_recording("a")
    await until((service.recordings._place(made.id) / "1.cast").exists, "the first picture")
    service.write_input("a", "\n")
    session = service._find("a")[1]
    await until(lambda: b"READY" in session.ring.read(0, session.ring.end), "the lines")
    service.stop_recording("a")
    rows = (await shown(recorded, "a")).split("\n")
    for query, there, row in (
        (needle, needle, "xxNEEDLE-A"),
        ("needle-across", "NEEDLE-ACROSS", "xxNEEDLE-A"),
        ("THE-WRAP 日日", "THE-WRAP 日日", "THE-WRAP"),
        ("日日 été", f"日日 {NFD}", NFD),
        ("日日 e\u0301te\u0301", f"日日 {NFD}", NFD),
        ("second", "second", "second"),
    ):
        screen, recording = (await search(service, "wall", query, 100, True)).matches
        for found in (screen, recording):
            assert found.text[found.start : found.end] == there
        assert screen.lines_from_end is not None
        assert row in rows[len(rows) - 1 - screen.lines_from_end], query


async def test_case_terminal_5_R7_what_stands_in_two_parts_is_found_once(recorded: Wall) -> None:
    service = recorded.service
    service.recordings._bounds = replace(service.bounds, recording_bytes=65_536)
    recorded.session("a", "sh", "-c", f"stty raw -echo; read x; awk 'BEGIN {{ {FILL} }}'; read x")
    made = service.start_recording("a")
    await until((service.recordings._place(made.id) / "1.cast").exists, "the first picture")
    service.write_input("a", "\n")
    await until(lambda: service.recordings.get(made.id).parts > 2, "some parts")
    session = service._find("a")[1]
    await until(lambda: b"needle 4999 " in session.ring.read(max(0, session.ring.end - 99), session.ring.end), "it")
    parts = service.stop_recording("a").parts
    for number in range(0, 5000, 250):
        found = await search(service, "wall", f"needle {number} across", 100, True)
        assert len([one for one in found.matches if one.recording_id]) == 1, number
    assert {one.part for one in found.matches if one.recording_id} <= set(range(1, parts + 1))


FILL = 'for (i = 0; i < 5000; i++) printf "needle %d across all parts of it\\r\\n", i; printf "needle 4999 "'


def test_a_file_that_is_cut_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    from termwall.hub.search import _lines

    path = tmp_path / "1.cast"
    path.write_text('{"version":2,"width":80,"height":24}\n[0.5,"o","whole\\r\\nrest"]\n[0.6,"o","cu')
    assert [(at, line.text) for _, at, line in _lines([(1, path)])] == [(0.5, "whole"), (0.5, "rest")]
    path.write_text(json.dumps("nonsense"))
    assert [line.text for _, _, line in _lines([(1, path)]) if line.text] == []

"""What is recorded, byte for byte, and what recordings may take: with real programs, floods and full disks."""

import asyncio
import resource
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from termwall.core.asciicast import Event, joined, read_cast
from termwall.core.errors import ErrorCode, TermwallError
from termwall.hub.frames import frame_before, list_frames
from termwall.protocol.recordings import Recording
from termwall.screen.ghostty import GhosttyEngine
from termwall.store.castfile import cast_lines
from tests.support.patience import until
from tests.support.wall import Wall

Walls = Callable[..., Wall]


@pytest.fixture
async def walls(tmp_path: Path) -> AsyncIterator[Walls]:
    """Makes a wall that records, with the bounds that it is given."""
    made: list[Wall] = []

    def make(**bounds: int) -> Wall:
        made.append(Wall(tmp_path, drawn=True, close_seconds=1.0, recordings=tmp_path / "recordings", **bounds))
        return made[-1]

    yield make
    for wall in made:
        await asyncio.wait_for(wall.service.close(), 10)


def place(wall: Wall, id: str) -> Path:
    return wall.folder / "recordings" / id


def parts_of(wall: Wall, one: Recording) -> list[Path]:
    return [place(wall, one.id) / f"{part}.cast" for part in range(one.first_part, one.first_part + one.parts)]


def holds(wall: Wall, one: Recording, text: bytes) -> bool:
    """Whether its last part has a text; False also while parts come and go."""
    try:
        return text in parts_of(wall, one)[-1].read_bytes()
    except FileNotFoundError:
        return False


def printed(events: Iterator[Event]) -> str:
    return "".join(event.data for event in events if event.code == "o")


async def recorded(wall: Wall, script: str, id: str = "a") -> Recording:
    """A recording of all that a script prints, once it was typed to."""
    wall.session(id, "sh", "-c", f"stty raw -echo; read x; {script}")
    made = wall.service.start_recording(id)
    await until((place(wall, made.id) / "1.cast").exists, "the first picture")
    wall.service.write_input(id, "\n")
    await until(lambda: wall.service.recordings.get(made.id).ended_at is not None, "its end")
    return wall.service.recordings.get(made.id)


async def test_case_command_line_18_R2_each_line_once_and_in_order_over_all_parts(walls: Walls) -> None:
    """Lines stood in two parts, and parts grew far beyond their bound, while the picture of the next one was drawn."""
    wall = walls(recording_bytes=200_000, recording_parts=100)
    line = "x" * 4000
    one = await recorded(wall, f"awk 'BEGIN {{ for (i = 0; i < 1250; i++) printf \"%05d {line}\\r\\n\", i }}'")
    assert (one.first_part, one.error, one.exit_code) == (1, None, 0)
    assert one.parts > 20
    files = parts_of(wall, one)
    whole = printed(joined([read_cast(cast_lines(path)) for path in files]).events)
    assert whole.endswith("".join(f"{number:05d} {line}\r\n" for number in range(1250)))
    assert whole.count("00000 x") == 1
    assert one.bytes == sum(path.stat().st_size for path in files)
    for path in files:
        rows = path.read_bytes().splitlines(keepends=True)
        assert sum(map(len, rows[:-1])) < 200_000, "the bound, and one event more"
        assert len(rows[-1]) < 100_000


async def test_case_command_line_18_R2_each_part_plays_alone_and_goes_on_exactly(walls: Walls) -> None:
    """Of full-screen output in colours: the picture that a part begins with is how the one before it ended."""
    wall = walls(recording_bytes=65_536, recording_parts=100)
    draw = r'printf "\033[%d;%dH\033[3%dm日é%d \033[K\n", i % 24 + 1, i % 70 + 1, i % 8, i'
    one = await recorded(wall, f"awk 'BEGIN {{ for (i = 0; i < 12000; i++) {draw} }}'")
    assert one.parts > 5
    before: GhosttyEngine | None = None
    for path in parts_of(wall, one):
        header, events = read_cast(cast_lines(path))
        alone = GhosttyEngine(header.cols, header.rows, 0)
        for number, event in enumerate(events):
            alone.feed(event.data.encode())
            if before is not None and number == 0:
                assert alone.snapshot(0) == before.snapshot(0)
        before = alone


async def test_case_command_line_11_R2_a_recording_may_begin_inside_a_character(walls: Walls) -> None:
    wall = walls()
    for name, head, rest, whole in (
        ("a", r"\303", r"\251", "é"),
        ("b", r"\346\227", r"\245", "日"),
        ("c", r"\360\237\230", r"\200", "\U0001f600"),
    ):
        wall.session(name, "sh", "-c", f"stty raw -echo; printf 'begin {head}'; read x; printf '{rest} end'; read x")
        session = wall.service._find(name)[1]
        await until(lambda s=session: s.ring.end > 6, "half a character")  # type: ignore[misc]
        made = wall.service.start_recording(name)
        path = place(wall, made.id) / "1.cast"
        await until(path.exists, "the first picture")
        wall.service.write_input(name, "\n")
        await until(lambda s=session: b"end" in s.ring.read(0, s.ring.end), "the rest")  # type: ignore[misc]
        wall.service.stop_recording(name)
        text = printed(read_cast(cast_lines(path)).events)
        assert "\ufffd" not in text
        assert text.endswith(f"{whole} end")


async def test_case_command_line_11_R2_without_a_picture_it_begins_where_a_replay_would(tmp_path: Path) -> None:
    """And with a whole character: no screen worker is there, so what was printed is the only way to the screen."""
    wall = Wall(tmp_path, close_seconds=1.0, recordings=tmp_path / "recordings")
    wall.session("a", "sh", "-c", r"stty raw -echo; printf 'before \346\227'; read x; printf '\245'; read x")
    await until(lambda: wall.service.get_session("a").offset == 9, "half a character")
    made = wall.service.start_recording("a")
    path = place(wall, made.id) / "1.cast"
    await until(path.exists, "its beginning")
    wall.service.write_input("a", "\n")
    await until(lambda: wall.service.get_session("a").offset == 10, "the rest")
    wall.service.stop_recording("a")
    assert printed(read_cast(cast_lines(path)).events) == "\x1bcbefore 日"
    await asyncio.wait_for(wall.service.close(), 10)


async def test_R2_without_a_picture_it_begins_with_a_line_of_the_last_replay(tmp_path: Path) -> None:
    wall = Wall(tmp_path, close_seconds=1.0, recordings=tmp_path / "recordings", ring_bytes=4096, replay_bytes=100)
    wall.session("a", "sh", "-c", "stty -echo; seq 1000 2999; read x")
    await until(lambda: wall.service.get_session("a").offset == 12_000, "the numbers")
    made = wall.service.start_recording("a")
    path = place(wall, made.id) / "1.cast"
    await until(path.exists, "its beginning")
    wall.service.stop_recording("a")
    assert printed(read_cast(cast_lines(path)).events) == "\x1bc" + "".join(f"{n}\r\n" for n in range(2984, 3000))
    await asyncio.wait_for(wall.service.close(), 10)


async def test_case_command_line_9_R3_a_clock_that_is_set_back_does_not_change_times(
    walls: Walls, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = walls()
    wall.session("a", "sh", "-c", "stty raw -echo; exec cat")
    made = wall.service.start_recording("a")
    path = place(wall, made.id) / "1.cast"
    await until(path.exists, "the first picture")
    began = time.monotonic()
    real = time.time
    session = wall.service._find("a")[1]
    for number in range(4):
        monkeypatch.setattr(time, "time", lambda number=number: real() - 30 * number)
        end = session.ring.end
        wall.service.write_input("a", f"{number}")
        await until(lambda end=end: session.ring.end > end, "the echo")  # type: ignore[misc]
    ended = wall.service.stop_recording("a")
    took = time.monotonic() - began
    times = [event.time for event in read_cast(cast_lines(path)).events]
    assert times == sorted(times)
    assert len(set(times[1:])) == len(times[1:]) == 4
    assert times[-1] <= took + 1
    assert ended.seconds >= times[-1]


async def test_case_command_line_7_R4_what_is_on_disk_counts(walls: Walls) -> None:
    """277 KB on disk were counted as 8.6 MB: a small recording went, and the next one was refused all the same."""
    wall = walls(recording_bytes=100_000, recording_parts=2, recordings_bytes=2_000_000)
    small = await recorded(wall, "echo small", "small")
    busy = await recorded(wall, "for i in $(seq 8); do seq 1 40000; done", "busy")
    assert (busy.parts, busy.error) == (2, None)
    assert busy.first_part > 10
    assert busy.bytes == sum(path.stat().st_size for path in parts_of(wall, busy)) < 300_000
    assert len(list(place(wall, busy.id).glob("*.cast"))) == 2
    third = await recorded(wall, "echo third", "third")
    assert [one.id for one in wall.service.recordings.of_project("wall")] == [third.id, busy.id, small.id]


async def test_case_command_line_7_R4_what_ended_longest_ago_makes_room_and_nothing_goes_in_vain(walls: Walls) -> None:
    # Each of the two takes one and a half parts, or a quarter more where a busy machine reads them in small pieces.
    wall = walls(recording_bytes=200_000, recording_parts=9, recordings_bytes=790_000)
    wall.session("long", "sh", "-c", "stty raw -echo; exec cat")
    long = wall.service.start_recording("long")
    first = await recorded(wall, "seq 1 44500", "first")
    second = await recorded(wall, "seq 1 44500", "second")
    wall.service.stop_recording("long")
    assert {one.id for one in wall.service.recordings.of_project("wall")} == {long.id, first.id, second.id}
    third = await recorded(wall, "echo third", "third")
    # The one that began first ended last.
    assert [one.id for one in wall.service.recordings.of_project("wall")] == [third.id, second.id, long.id]
    assert not place(wall, first.id).exists()
    wall.session("runs", "sh", "-c", "stty raw -echo; read x; seq 1 200000; echo END; read x")
    runs = wall.service.start_recording("runs")
    await until((place(wall, runs.id) / "1.cast").exists, "the first picture")
    wall.service.write_input("runs", "\n")
    await until(lambda: holds(wall, wall.service.recordings.get(runs.id), b"END"), "all of it")
    assert wall.service.recordings.get(runs.id).first_part > 1, "its own oldest part makes room"
    used = sum(path.stat().st_size for path in (wall.folder / "recordings").rglob("*.cast"))
    assert used < 1_090_000
    left = {one.id for one in wall.service.recordings.of_project("wall")}
    wall.session("more", "cat")
    wall.service.recordings._bounds = replace(wall.service.bounds, recordings_bytes=200_000)
    with pytest.raises(TermwallError) as caught:
        wall.service.start_recording("more")
    assert caught.value.code is ErrorCode.LIMIT_REACHED
    assert {one.id for one in wall.service.recordings.of_project("wall")} == left, "it would have made no room"


@pytest.fixture
def file_limit() -> Iterator[Callable[[int], None]]:
    """Sets how long files may get, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_case_command_line_8_R5_a_full_disk_leaves_whole_events_and_why(
    walls: Walls, file_limit: Callable[[int], None]
) -> None:
    wall = walls(recording_bytes=1 << 20)
    wall.session("a", "sh", "-c", "stty raw -echo; read x; seq 1 100000; exec cat")
    made = wall.service.start_recording("a")
    path = place(wall, made.id) / "1.cast"
    await until(path.exists, "the first picture")
    file_limit(100_000)
    wall.service.write_input("a", "\n")
    await until(lambda: wall.service.get_session("a").recording is None, "its end")
    one = wall.service.recordings.get(made.id)
    assert one.error is not None
    assert "could not be written: a file would get larger than allowed" in one.error
    assert wall.service.get_session("a").recording_error == one.error
    data = path.read_bytes()
    assert data.endswith(b"]\n")
    assert 1000 < len(data) == one.bytes <= 100_000
    assert len(list(read_cast(cast_lines(path)).events)) == data.count(b"\n") - 1
    again = Wall(wall.folder, recordings=wall.folder / "recordings")
    assert again.service.recordings.get(made.id).error == one.error
    file_limit(resource.RLIM_INFINITY)
    wall.service.start_recording("a")
    assert wall.service.get_session("a").recording_error is None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB where the recordings are."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_case_command_line_8_R5_a_disk_without_any_room_left(small_disk: Path, walls: Walls) -> None:
    wall = walls()
    wall.session("a", "sh", "-c", "stty raw -echo; exec cat")
    made = wall.service.start_recording("a")
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    await until(lambda: wall.service.get_session("a").recording is None, "its end")
    one = wall.service.recordings.get(made.id)
    assert "could not be written: the disk is full; free some space" in (one.error or "")
    assert (one.parts, one.bytes) == (0, 0)
    assert wall.service.recordings.files(made.id) == []
    # The description was written over its old self: there is no room for a new one.
    again = Wall(wall.folder, recordings=small_disk)
    assert again.service.recordings.get(made.id) == one
    with pytest.raises(TermwallError) as caught:
        wall.service.start_recording("a")
    assert "free some space" in caught.value.message
    assert [path.name for path in small_disk.iterdir() if path.name != made.id] == ["filler"]
    filler.unlink()
    assert wall.service.stop_recording(wall.service.start_recording("a").session_id).error is None


async def test_case_command_line_8_R5_a_disk_that_gets_full_under_a_flood(small_disk: Path, walls: Walls) -> None:
    wall = walls()
    wall.session("a", "sh", "-c", "stty raw -echo; read x; seq 1 100000; exec cat")
    made = wall.service.start_recording("a")
    path = place(wall, made.id) / "1.cast"
    await until(path.exists, "the first picture")
    wall.service.write_input("a", "\n")
    await until(lambda: wall.service.get_session("a").recording is None, "its end")
    one = Wall(wall.folder, recordings=small_disk).service.recordings.get(made.id)
    assert one == wall.service.recordings.get(made.id)
    assert "the disk is full" in (one.error or "")
    events = list(read_cast(cast_lines(path)).events)
    assert path.read_bytes().endswith(b"]\n")
    assert one.seconds >= events[-1].time
    numbers = printed(iter(events[1:])).split()
    assert numbers[:-1] == [str(number + 1) for number in range(len(numbers) - 1)]


async def test_case_command_line_8_R5_what_a_lost_machine_left_is_cut_to_whole_events(walls: Walls) -> None:
    wall = walls()
    wall.session("a", "cat")
    made = wall.service.start_recording("a")
    path = place(wall, made.id) / "1.cast"
    await until(path.exists, "the first picture")
    size = path.stat().st_size
    kept = (place(wall, made.id) / "recording.json").read_bytes()
    wall.service.stop_recording("a")
    (place(wall, made.id) / "recording.json").write_bytes(kept)
    path.write_bytes(path.read_bytes()[:size] + b'[1.5,"o","ha')
    found = Wall(wall.folder, recordings=wall.folder / "recordings").service.recordings
    found.close_open(set())
    assert path.stat().st_size == size
    one = found.get(made.id)
    assert one.ended_at is not None
    assert one.started_at <= one.ended_at <= one.started_at + one.seconds * 1000


async def test_case_command_line_12_R6_key_frames_show_the_exact_screen_of_their_place(walls: Walls) -> None:
    wall = walls()
    draw = r'printf "\033[%d;%dH\033[3%dm日é%d \033[K\r\n%s", i % 24 + 1, i % 70 + 1, i % 8, i, substr(x, 1, i % 900)'
    script = f'awk \'BEGIN {{ x = sprintf("%900s", ""); gsub(" ", "z", x); for (i = 0; i < 12000; i++) {draw} }}\''
    one = await recorded(wall, script)
    (path,) = parts_of(wall, one)
    frames = list(list_frames(path))
    assert len(frames) >= 4
    data = path.read_bytes()
    for frame in frames:
        spot = frame.spot
        header, events = read_cast(data[: spot.at].decode().splitlines(keepends=True))
        truth, shown = GhosttyEngine(header.cols, header.rows, 1000), GhosttyEngine(spot.cols, spot.rows, 1000)
        for event in events:
            truth.feed(event.data.encode())
            last = event.time
        found = frame_before(path, spot.time)
        assert found is not None
        assert last <= found[0].spot.time
        shown.feed(found[1].encode())
        assert shown.text(100) == truth.text(100)
        assert shown.snapshot(0) == truth.snapshot(0)
    assert frame_before(path, -1.0) is None

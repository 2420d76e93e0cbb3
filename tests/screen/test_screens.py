"""The screen worker and what depends on it, with real programs: pictures, answers, and what happens when it dies."""

import asyncio
import contextlib
import os
import random
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from termwall.core.errors import ErrorCode, TermwallError
from termwall.screen import screens as module
from termwall.screen.ghostty import GhosttyEngine
from tests.support.descriptors import descriptors
from tests.support.wall import Line, Wall, until

RAW = "stty raw -echo; "
MENU = r"printf '\033[?1049h\033[2J\033[5;10HMENU\033[?1h'"
COUNT = "stty -echo; echo READY; i=0; while :; do i=$((i+1)); echo line $i; done"


PIECES = ["text ", "\r\n", "\r\n", "\x1b[31m", "\x1b[m", "\x1b[5;9H", "\x1b[K", "\x1b[2J", "é", "日本", "\t", "x" * 90]
PIECES += ["\x1b[?1049h", "\x1b[?1049l", "\x1b[3;9r", "\x1b[r", "\x1b[4h", "\x1b[4l", "\x1b[2L", "\x1b7", "\x1b8"]


async def text(wall: Wall, session_id: str, lines: int = 0) -> str:
    """What a person would see."""
    return (await wall.service.show_session(session_id, "text", lines)).data.decode()


async def shows(wall: Wall, session_id: str, what: str) -> str:
    """Waits until the screen has it, on a busy machine for longer than one call does."""
    seen = ""
    async with asyncio.timeout(120):
        while what not in seen:
            await asyncio.sleep(0.01)
            with contextlib.suppress(TermwallError):
                seen = await text(wall, session_id)
    return seen


def screen_of(line: Line, session_id: str, cols: int = 80, rows: int = 24) -> str:
    """What a viewer's terminal shows, from all that it was sent since its last snapshot."""
    engine = GhosttyEngine(cols, rows, 1000)
    engine.feed(bytes(line.output[session_id]))
    shown = engine.text(0)
    engine.close()
    return shown


async def test_S4_a_viewer_that_comes_late_gets_the_picture_and_then_the_bytes(drawn: Wall) -> None:
    drawn.session(
        "a", "sh", "-c", RAW + r"printf '\033[?1049h\033[2J\033[5;10HMENU\033[?1h'; read x; printf ' DONE'; read x"
    )
    await drawn.service.set_session_focus("a")
    await shows(drawn, "a", "MENU")
    end = drawn.service.get_session("a").offset
    line = drawn.line()
    await until(lambda: "a" in line.output)
    snapshot = next(m for m in line.messages if m["type"] == "frame")
    assert (snapshot["kind"], snapshot["offset"], snapshot["reason"]) == (2, end, 1)
    assert b"\x1b[?1049h" in line.output["a"]
    drawn.service.write_input("a", "\n")
    await line.sees("a", " DONE")
    assert screen_of(line, "a").splitlines()[4] == " " * 9 + "MENU DONE"


async def test_S3_the_told_offset_of_a_resume_is_the_snapshots(drawn: Wall) -> None:
    drawn.session("a", "sh", "-c", COUNT)
    await drawn.service.set_session_focus("a")
    await shows(drawn, "a", "line 1")
    line = drawn.line(resume=True)
    line.say("sync_request", offsets={"a": {"epoch": "gone", "offset": 5}})
    told = line.last("sync_complete")["streams"]["a"]
    assert told["resume"] == "snapshot"
    await until(lambda: "a" in line.output)
    snapshot = next(m for m in line.messages if m["type"] == "frame")
    assert (snapshot["kind"], snapshot["offset"], snapshot["reason"]) == (2, told["offset"], 3)


async def test_S3_after_a_resize_the_primary_screen_is_drawn_anew_and_the_alternate_too(drawn: Wall) -> None:
    drawn.session("a", "sh", "-c", RAW + r"echo READY; read x; printf '\033[?1049h ALT'; read x")
    await drawn.service.set_session_focus("a")
    line = drawn.line()
    await line.sees("a", "READY")
    line.say("drive", sessionId="a", data={"cols": 60, "rows": 20})
    await until(lambda: any(m.get("reason") == 6 for m in line.of("frame")))
    snapshot = line.of("frame")[-1]
    assert (snapshot["cols"], snapshot["rows"]) == (60, 20)
    sized = next(m for m in line.of("session_update") if m.get("cols") == 60)
    assert line.messages.index(sized) < line.messages.index(snapshot), "in its place, before the picture of it"
    drawn.service.write_input("a", "\n")
    await line.sees("a", "ALT")
    line.say("resize", sessionId="a", data={"cols": 50, "rows": 20})
    await until(lambda: line.of("frame")[-1].get("cols") == 50)
    assert line.of("frame")[-1]["reason"] == 6
    assert screen_of(line, "a").split() == ["ALT"]


QUERIES = [
    (r"\033[c", rb"\x1b\[\?[0-9;]+c"),
    (r"\033[>c", rb"\x1b\[>[0-9;]+c"),
    (r"\033[5n", rb"\x1b\[0n"),
    (r"\033[3;7H\033[6n", rb"\x1b\[3;7R"),
    (r"\033[?2004$p", rb"\x1b\[\?2004;[0-4]\$y"),
    (r"\033[>q", rb"\x1bP>\|termwall.*\x1b\\"),
    (r"\033]11;?\007", rb"\x1b\]11;rgb:[0-9a-f/]+\x07"),
]


@pytest.mark.parametrize(("query", "answer"), QUERIES)
async def test_S7_a_query_is_answered_once_whoever_looks(drawn: Wall, query: str, answer: bytes) -> None:
    # The answer is what `cat` gives back, made visible; a second one would follow it.
    drawn.session("a", "sh", "-c", RAW + f"echo READY; printf '{query}'; sleep 0.2; printf END; exec cat -v")
    await drawn.service.set_session_focus("a")
    lines = [drawn.line() for _ in range(3)]
    session = drawn.service._find("a")[1]
    written: list[bytes] = []
    write = session.process.write
    session.process.write = lambda data: (written.append(data), write(data))[1]  # type: ignore[method-assign]
    await lines[0].sees("a", "END")
    await until(lambda: written)
    late = drawn.line()
    await until(lambda: "a" in late.output)
    await shows(drawn, "a", "END")
    assert len(written) == 1
    assert re.fullmatch(answer, written[0], re.DOTALL), written


async def test_case_terminal_10_an_answer_is_typed_though_who_asked_has_ended_as_xterm_does(drawn: Wall) -> None:
    """XTerm(379): a shell that reads after `printf '\\033]11;?\\a'` has ended reads the answer."""
    asks = r"/usr/bin/printf '\033]11;?\a'; echo ENDED; exec cat -v"
    drawn.session("a", "sh", "-c", RAW + asks)
    seen = await shows(drawn, "a", "^G")
    assert seen.split() == ["ENDED", "^[]11;rgb:0d0d/0e0e/1010^G"]


async def test_case_terminal_18_a_size_that_the_worker_missed_is_reported_once_it_is_back(drawn: Wall) -> None:
    drawn.session("a", "sh", "-c", RAW + r"printf 'READY\033[?2048h\r\n'; exec cat -v")
    await shows(drawn, "a", "READY")
    drawn.service.resize_session("a", 90, 25)
    await shows(drawn, "a", "[48;25;90;")
    assert drawn.screens is not None
    for cols in (70, 60):
        session, restarts = drawn.service._find("a")[1], drawn.screens.restarts
        assert session.feed is not None
        await until(lambda feed=session.feed: not feed.behind)  # type: ignore[misc]
        assert drawn.screens.pid is not None
        os.kill(drawn.screens.pid, signal.SIGKILL)
        drawn.service.resize_session("a", cols, 20)
        await until(lambda r=restarts: drawn.screens is not None and drawn.screens.restarts > r)  # type: ignore[misc]
        seen = await shows(drawn, "a", f"[48;20;{cols};")
    assert [seen.count(f"[48;{size};") for size in ("25;90", "20;70", "20;60")] == [1, 1, 1]
    assert drawn.service.get_session("a").screen == "exact"


async def test_S7_a_replay_asks_nothing_again(drawn: Wall) -> None:
    drawn.session("a", "sh", "-c", RAW + r"printf 'READY\033[6n'; exec cat >/dev/null")
    session = drawn.service._find("a")[1]
    written: list[bytes] = []
    session.process.write = written.append  # type: ignore[method-assign]
    await shows(drawn, "a", "READY")
    assert written == [b"\x1b[1;6R"]
    assert drawn.screens is not None
    for _ in range(3):
        restarts = drawn.screens.restarts
        assert drawn.screens.pid is not None
        os.kill(drawn.screens.pid, signal.SIGSEGV)
        await until(lambda r=restarts: drawn.screens is not None and drawn.screens.restarts > r)  # type: ignore[misc]
        assert "READY" in await text(drawn, "a")
    assert written == [b"\x1b[1;6R"]


async def test_S9_what_a_program_says_of_itself_is_told(drawn: Wall) -> None:
    says = r"printf '\033]0;my title\007\033]7;file://host/tmp/x%%20y\007\033]9;4;1;40\007\033]133;A\007'"
    drawn.session(
        "a", "sh", "-c", RAW + says + r"; printf '\033]633;E;ls -l\007\033]777;notify;Build;failed\007\007'; read x"
    )
    line = drawn.line()
    await until(lambda: drawn.service.get_session("a").bell is not None)
    session = drawn.service.get_session("a")
    assert (session.title, session.cwd) == ("my title", "/tmp/x y")
    assert session.progress is not None
    assert (session.progress.state, session.progress.percent) == ("normal", 40)
    assert session.notification is not None
    assert (session.notification.title, session.notification.body) == ("Build", "failed")
    assert session.mark is not None
    assert session.mark.kind == "prompt"
    assert session.attention.state == "needs input"
    await until(lambda: any(m.get("attention", {}).get("state") == "needs input" for m in line.of("session_update")))
    told: dict[str, Any] = {}
    for message in line.of("session_update"):
        told |= message
    assert told["title"] == "my title"
    assert told["shellCommand"] == session.shell_command == "ls -l"
    assert told["progress"] == {"state": "normal", "percent": 40}


async def test_S6_a_preview_comes_on_change_and_is_bounded(drawn: Wall) -> None:
    drawn.session("a", "sh", "-c", RAW + r"printf '\033[31mred\033[0m plain'; read x; while :; do echo flood; done")
    await shows(drawn, "a", "plain")
    line = drawn.line()
    line.say("preview", sessionIds=["a"])
    await until(lambda: line.of("preview"))
    preview = line.last("preview")
    assert preview["lines"][0] == [{"text": "red", "fg": 1}, {"text": " plain"}]
    assert (preview["cols"], preview["rows"], len(preview["lines"])) == (80, 24, 24)
    assert preview["cursor"] == {"x": 9, "y": 0, "visible": True}
    drawn.service.write_input("a", "\n")
    started = asyncio.get_running_loop().time()
    await until(lambda: len(line.of("preview")) >= 5)
    assert asyncio.get_running_loop().time() - started >= 0.7, "at most 4 in a second"
    line.say("preview", sessionIds=[])
    count = len(line.of("preview"))
    offset = drawn.service.get_session("a").offset
    await until(lambda: drawn.service.get_session("a").offset > offset + 100_000)
    assert len(line.of("preview")) == count


async def test_S6_a_client_that_reads_nothing_gets_the_newest_later(drawn: Wall) -> None:
    drawn.session("a", "cat")
    line = drawn.line()
    line.say("preview", sessionIds=["a"])
    await until(lambda: line.of("preview"))
    line.full = True
    for word in ("one", "two", "three"):
        drawn.service.write_input("a", word)
        await shows(drawn, "a", word)
    assert len(line.of("preview")) == 1
    line.full = False
    await until(lambda: "onetwothree" in str(line.last("preview")["lines"]))
    assert len(line.of("preview")) == 2


async def test_A2_the_screen_for_programs(drawn: Wall) -> None:
    drawn.session("a", "sh", "-c", RAW + r"printf '\033]2;t\007one\r\n\033[1mtwo'; read x")
    await shows(drawn, "a", "two")
    ansi = await drawn.service.show_session("a", "ansi", 0)
    assert b";1mtwo" in ansi.data
    assert ansi.title == "t"
    assert ansi.offset == drawn.service.get_session("a").offset


async def test_S3_the_worker_killed_under_load_costs_nothing(drawn: Wall) -> None:
    screens = drawn.screens
    assert screens is not None
    for name in ("a", "b", "c"):
        drawn.session(name, "sh", "-c", COUNT)
        await drawn.service.set_session_focus(name)
    drawn.session("full", "sh", "-c", RAW + r"printf '\033[?1049h\033[9;9HMENU'; read x")
    lines = [drawn.line() for _ in range(2)]
    await until(lambda: all(drawn.service.get_session(name).offset > 100_000 for name in "abc"))
    pids = set()
    for _ in range(8):
        pid = await until(lambda: screens.pid not in pids and screens.pid, "another worker")
        pids.add(pid)
        os.kill(pid, signal.SIGSEGV)
        offsets = {name: drawn.service.get_session(name).offset for name in "abc"}
        await until(lambda o=offsets: all(drawn.service.get_session(n).offset > o[n] + 1_000_000 for n in "abc"))  # type: ignore[misc]
    assert len(pids) == 8
    assert screens.restarts == 8
    for name in ("a", "b", "c", "full"):
        session = drawn.service.get_session(name)
        assert (session.status, session.screen) == ("running", "exact")
    assert "MENU" in await text(drawn, "full")
    for name in "abc":
        seen = [int(n) for n in re.findall(r"line (\d+)\n", await text(drawn, name, 500))]
        assert seen == list(range(seen[0], seen[0] + len(seen))), "the screen itself missed nothing"
    late = drawn.line()
    await until(lambda: all(name in late.output for name in "abc"))
    for line in lines:
        assert line.ended is None


async def test_S4_a_stuck_worker_is_replaced(drawn: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    screens = drawn.screens
    drawn.session("a", "cat")
    await text(drawn, "a")
    assert screens is not None
    assert screens.pid is not None
    os.kill(screens.pid, signal.SIGSTOP)
    with monkeypatch.context() as patience:  # The next one gets all of it: the machine may be busy.
        patience.setattr(module, "ANSWER_SECONDS", 0.3)
        drawn.service.write_input("a", "hello")
        await until(lambda: screens.restarts == 1)
    await shows(drawn, "a", "hello")
    assert screens.restarts == 1


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the system does not say how long one waited")
async def test_case_hardening_L3_a_worker_that_waits_for_a_processor_is_not_taken_for_stuck(
    drawn: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    screens = drawn.screens
    drawn.session("a", "cat")
    await text(drawn, "a")
    assert screens is not None
    assert screens.pid is not None
    processor = min(os.sched_getaffinity(0))
    os.sched_setaffinity(screens.pid, {processor})
    os.sched_setscheduler(screens.pid, os.SCHED_IDLE, os.sched_param(0))
    loop = (
        f"import os, time; os.sched_setaffinity(0, {{{processor}}})\n"
        "until = time.monotonic() + 0.6\nwhile time.monotonic() < until: pass"
    )
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)
    busy = [await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", loop) for _ in range(2)]
    drawn.service.write_input("a", "hello")
    await shows(drawn, "a", "hello")
    await asyncio.gather(*(one.wait() for one in busy))
    assert screens.restarts == 0


async def test_S3_without_an_engine_the_sessions_live_on(
    make_wall: Callable[..., Wall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    monkeypatch.setattr(module, "HOLD_SECONDS", 0.3)
    wall = make_wall(drawn=True, ring_bytes=65536)
    wall.session("a", "sh", "-c", COUNT)
    await wall.service.set_session_focus("a")
    line = wall.line()
    await until(lambda: wall.service.get_session("a").offset > 1_000_000)
    await line.sees("a", "line")
    assert wall.service.get_session("a").screen == "rebuilding"
    with pytest.raises(TermwallError) as caught:
        await wall.service.show_session("a", "text", 0)
    assert caught.value.code is ErrorCode.ENGINE_AWAY
    line.say("preview", sessionIds=["a"], requestId="p")
    assert (line.last("error")["code"], line.last("error")["requestId"]) == ("engine_away", "p")
    monkeypatch.undo()
    await until(lambda: wall.service.get_session("a").screen == "lost")
    await shows(wall, "a", "line")
    line.say("preview", sessionIds=["a"])
    await until(lambda: line.of("preview"))


async def test_S5_the_screen_alone_holds_a_program_back_and_by_a_ring(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(drawn=True, ring_bytes=1 << 20)
    wall.session("a", "sh", "-c", "stty -echo; echo READY; read x; yes | head -c 5000000; echo END; read x")
    await shows(wall, "a", "READY")
    assert wall.screens is not None
    assert wall.screens.pid is not None
    os.kill(wall.screens.pid, signal.SIGSTOP)
    wall.service.write_input("a", "\n")
    session = wall.service._find("a")[1]
    await until(lambda: session.process._reader.held)
    assert session.ring.end == 1 << 20
    assert session.ring.start == 0, "nothing that the screen has not seen is overwritten"
    os.kill(wall.screens.pid, signal.SIGCONT)
    await shows(wall, "a", "END")
    assert session.ring.end > 5_000_000


async def test_P3_a_closed_service_leaves_no_worker(make_wall: Callable[..., Wall]) -> None:
    wall = make_wall(drawn=True)
    wall.session("first", "cat")  # What the loop itself opens once, such as its signal pipe, is no leak.
    await text(wall, "first")
    await wall.service.delete_session("first")
    await until(lambda: not wall.service._closing)
    before = descriptors()
    for turn in range(5):
        wall.session(f"s{turn}", "cat")
        await text(wall, f"s{turn}")
        await wall.service.restart_session(f"s{turn}")
        await text(wall, f"s{turn}")
    assert wall.screens is not None
    pid = wall.screens.pid
    assert pid is not None
    await wall.service.close()
    assert wall.screens.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert descriptors() <= before


async def test_P3_a_worker_that_takes_long_to_die_is_reaped_by_the_next(
    make_wall: Callable[..., Wall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("termwall.screen.screens.END_SECONDS", 0.0)
    monkeypatch.setattr("termwall.screen.screens._reap", lambda: None)
    first, second = make_wall(drawn=True), make_wall(drawn=True)
    workers = []
    for wall in (first, second):
        assert wall.screens is not None
        wall.session("a", "cat")
        await text(wall, "a")
        workers.append(wall.screens.pid)
    await first.service.close()
    assert [process.pid for process in module._killed] == workers[:1]
    monkeypatch.undo()
    await second.service.close()
    assert module._killed == []
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


STEPS = ["print", "print", "ack", "fill", "drain", "drop", "blur", "focus", "kill"]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(STEPS)), max_size=25), seed=st.integers(0, 1 << 30))
def test_S3_any_mix_of_output_acks_drops_and_crashes_leaves_the_same_screens(
    steps: list[tuple[int, str]], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What each viewer was sent since its last snapshot draws the log's own screen; `Line` checks every offset."""

    async def play() -> None:
        chance = random.Random(seed)
        wall = Wall(tmp_path_factory.mktemp("wall"), drawn=True, window_bytes=1024, ring_bytes=16384, close_seconds=0.5)
        try:
            wall.session("a", "sh", "-c", RAW + "echo READY; exec cat")
            await wall.service.set_session_focus("a")
            await shows(wall, "a", "READY")
            log = bytearray(b"READY\n")
            lines: list[Line] = [wall.line(f"c{i}", binary=i != 1) for i in range(3)]
            for who, what in steps:
                line = lines[who]
                if what == "print":
                    piece = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 400))).encode()
                    log += piece
                    wall.service.write_input("a", piece.decode())
                    end = len(log)
                    await until(lambda end=end: wall.service.get_session("a").offset == end)  # type: ignore[misc]
                elif what == "ack" and "a" in line.offsets:
                    line.say("ack", sessionId="a", offset=line.offsets["a"])
                elif what in ("fill", "drain"):
                    line.full = what == "fill"
                    assert line.connection is not None
                    line.connection.writable()
                elif what == "drop":
                    place = line.offsets.get("a")
                    line.leave()
                    fresh = wall.line(f"c{who}", binary=who != 1, resume=True)
                    offsets = {}
                    if place is not None:
                        fresh.offsets["a"], fresh.output["a"] = place, bytearray(line.output["a"])
                        offsets["a"] = {"epoch": wall.service.get_session("a").epoch, "offset": place}
                    fresh.say("sync_request", offsets=offsets)
                    lines[who] = fresh
                elif what in ("blur", "focus"):
                    await wall.service.set_session_focus("a", what == "focus")
                elif what == "kill" and wall.screens is not None and wall.screens.pid is not None:
                    os.kill(wall.screens.pid, signal.SIGSEGV)
            await wall.service.set_session_focus("a")
            wanted = GhosttyEngine(80, 24, 1000)
            wanted.feed(bytes(log))
            for line in lines:
                line.full = False
                assert line.connection is not None
                line.connection.writable()

                def caught_up(line: Line = line) -> bool:
                    if "a" in line.offsets:
                        line.say("ack", sessionId="a", offset=line.offsets["a"])
                    return line.offsets.get("a") == len(log)

                await until(caught_up)
                assert screen_of(line, "a") == wanted.text(0)
            assert wall.service.get_session("a").screen == "exact"
            assert await text(wall, "a") == wanted.text(0)
            wanted.close()
        finally:
            await wall.service.close()

    asyncio.run(play())

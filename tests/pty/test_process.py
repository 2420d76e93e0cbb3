"""Programs on real PTYs, on both event loops: how they start, are fed, end, and leave nothing behind."""

import asyncio
import hashlib
import itertools
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from termwall.core.errors import ErrorCode, TermwallError
from termwall.pty.environment import Outfit
from termwall.pty.pace import Pace
from termwall.pty.process import PtyProcess, is_interactive_shell
from termwall.pty.programs import ExitStatus, LocalPrograms, Order
from termwall.system.descriptors import RESERVE, SESSION
from tests.support.descriptors import descriptors
from tests.support.patience import at_once

_keys = itertools.count()
Play = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


@pytest.fixture(params=["uvloop", "asyncio"])
def play(request: pytest.FixtureRequest) -> Play:
    """Runs a test's coroutine on a loop of each kind."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(asyncio.wait_for(main(), 120))

    return run


class Run:
    """A program, and what it printed."""

    def __init__(self, *command: str, cwd: str = "/", cols: int = 80, rows: int = 24, **options: Any) -> None:
        self.exits: list[ExitStatus] = []
        self.outputs = 0
        order = Order(
            key=f"run{next(_keys)}",
            command=command,
            cwd=cwd,
            env=Outfit().environment(os.environ, options.pop("env", {})),
            cols=cols,
            rows=rows,
            ring_bytes=options.pop("ring_bytes", 1 << 20),
            input_bytes=options.pop("input_bytes", 1 << 20),
        )
        program = at_once((options.pop("programs", None) or LocalPrograms()).start(order))
        self.ring = program.memory.ring
        self.process = PtyProcess(
            program,
            shell=is_interactive_shell(command),
            close_seconds=options.pop("close_seconds", 5.0),
            on_output=self._output,
            on_exit=self.exits.append,
            pace=Pace(),
            watched=lambda: True,
        )

    def _output(self) -> None:
        self.outputs += 1

    @property
    def text(self) -> bytes:
        """What the ring holds."""
        return self.ring.read(self.ring.start, self.ring.end)

    async def sees(self, text: bytes) -> None:
        """Waits for output."""
        while text not in self.text:
            await asyncio.sleep(0.005)

    async def ended(self) -> ExitStatus:
        """Waits for the end."""
        while not self.exits:
            await asyncio.sleep(0.005)
        return self.exits[0]


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_P1_a_program_has_its_own_terminal_session_group_and_surroundings(play: Play, tmp_path: Path) -> None:
    script = (
        "import os,sys; print(os.getpid()==os.getsid(0)==os.getpgrp()==os.tcgetpgrp(0), os.getcwd(), "
        "os.environ['TERM'], os.environ['COLORTERM'], os.environ['GIVEN'], os.get_terminal_size(), os.ttyname(0)!='')"
    )

    async def main() -> None:
        run = Run(sys.executable, "-c", script, cwd=str(tmp_path), cols=101, rows=33, env={"GIVEN": "yes"})
        assert await run.ended() == ExitStatus(0, None)
        want = f"True {tmp_path} xterm-256color truecolor yes os.terminal_size(columns=101, lines=33) True"
        assert want.encode() in run.text.replace(b"\r\n", b"")

    play(main)


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exit 0", ExitStatus(0, None)),
        ("exit 7", ExitStatus(7, None)),
        ("kill -TERM $$", ExitStatus(None, "SIGTERM")),
        ("kill -KILL $$", ExitStatus(None, "SIGKILL")),
    ],
)
def test_P2_an_end_has_a_code_or_a_signal_and_comes_after_all_output(
    play: Play, script: str, status: ExitStatus
) -> None:
    async def main() -> None:
        run = Run("sh", "-c", f"echo last words; {script}")
        assert await run.ended() == status
        assert run.text == b"last words\r\n"
        await run.process.wait_closed()
        assert len(run.exits) == 1
        assert not alive(run.process.pid)

    play(main)


def test_P2_a_child_that_keeps_the_terminal_does_not_hide_the_end(play: Play) -> None:
    async def main() -> None:
        run = Run("sh", "-c", "trap '' HUP; sleep 30 & echo $!; exit 2")
        assert await run.ended() == ExitStatus(2, None)
        child = int(run.text)
        assert alive(child)
        os.kill(child, signal.SIGKILL)

    play(main)


@pytest.mark.parametrize(
    "script", ["echo READY; exec sleep 60", "trap '' HUP TERM INT; echo READY; while :; do sleep 0.05; done"]
)
def test_P3_close_hangs_up_and_then_kills(play: Play, script: str) -> None:
    async def main() -> None:
        run = Run("sh", "-c", script, close_seconds=0.3)
        await run.sees(b"READY")
        run.process.close()
        run.process.close()
        await run.process.wait_closed()
        stubborn = "trap" in script
        assert run.exits == [ExitStatus(None, "SIGKILL" if stubborn else "SIGHUP")]
        assert not alive(run.process.pid)

    play(main)


def test_P3_a_stubborn_job_in_the_foreground_goes_too(play: Play) -> None:
    async def main() -> None:
        run = Run("bash", "--norc", "-i", close_seconds=0.3, env={"PS1": "> "})
        await run.sees(b"> ")
        run.process.write(b"sh -c 'trap \"\" HUP; echo PID=$$=; while :; do sleep 0.05; done'\r")
        await run.sees(b"=\r\n")
        pid = int(run.text.rpartition(b"PID=")[2].partition(b"=")[0])
        assert run.process.foreground() == "sh"
        run.process.close()
        await run.process.wait_closed()
        assert not alive(pid)

    play(main)


@pytest.mark.parametrize(
    "script",
    [
        "set -m; sleep 1000 & echo PID=$!=; exec cat",
        "set -m; (trap '' HUP; while :; do sleep 0.05; done) & echo PID=$!=; exec cat",
        "set -m; sleep 1000 & echo PID=$!=; kill -STOP $!; exec cat",
        "set -m; sleep 1000 & echo PID=$!=; trap 'exit 0' HUP; while :; do sleep 0.05; done",
    ],
    ids=["a job", "a stubborn job", "a stopped job", "a job of a shell that ends first"],
)
def test_case_terminal_12_a_close_ends_every_group_of_the_session(play: Play, script: str) -> None:
    async def main() -> None:
        run = Run("sh", "-c", script, close_seconds=0.3)
        await run.sees(b"=\r\n")
        job = int(run.text.partition(b"PID=")[2].partition(b"=")[0])
        assert os.getpgid(job) == job != run.process.pid
        run.process.close()
        await run.process.wait_closed()
        assert not alive(job)

    play(main)


def test_case_terminal_12_what_left_the_session_stays(play: Play) -> None:
    async def main() -> None:
        run = Run("sh", "-c", "setsid sleep 1000 & echo PID=$!=; exec cat", close_seconds=0.3)
        await run.sees(b"=\r\n")
        left = int(run.text.partition(b"PID=")[2].partition(b"=")[0])
        while os.getsid(left) != left:
            await asyncio.sleep(0.005)
        run.process.close()
        await run.process.wait_closed()
        assert alive(left)
        os.kill(left, signal.SIGKILL)

    play(main)


def test_P3_hundreds_of_programs_leave_nothing_behind(play: Play) -> None:
    async def main() -> None:
        def left() -> set[object]:
            children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
            return {*descriptors(), *children}

        await one()
        before = left()
        for _ in range(10):
            await asyncio.gather(*(one() for _ in range(25)))
        assert left() <= before

    async def one() -> None:
        run = Run("cat", ring_bytes=4096, close_seconds=2.0)
        run.process.write(b"x\n")
        run.process.close()
        await run.process.wait_closed()
        run.process.program.forget()
        assert run.exits

    play(main)  # 250 on each loop.


@pytest.mark.parametrize(
    ("command", "cwd", "field"),
    [
        (["no-such-program"], "/", "command"),
        (["/no/such/program"], "/", "command"),
        (["/etc/passwd"], "/", "command"),
        (["cat"], "/no/such/folder", "cwd"),
        (["cat", "a\0b"], "/", None),
    ],
)
def test_P4_what_cannot_start_says_why_and_leaves_nothing(
    play: Play, command: list[str], cwd: str, field: str | None
) -> None:
    async def main() -> None:
        before = descriptors()
        with pytest.raises(TermwallError) as caught:
            Run(*command, cwd=cwd)
        assert (caught.value.code, caught.value.field) == (ErrorCode.CANNOT_START, field)
        assert caught.value.message.endswith(".")
        assert descriptors() <= before

    play(main)


def test_P4_a_script_whose_interpreter_is_missing_says_so(play: Play, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)

    async def main() -> None:
        with pytest.raises(TermwallError, match="first line") as caught:
            Run(str(script))
        assert caught.value.code is ErrorCode.CANNOT_START

    play(main)


def test_P4_without_free_descriptors_a_program_starts_or_says_why(play: Play) -> None:
    async def main() -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        used = max(int(name) for name in os.listdir("/proc/self/fd"))
        # Other tests leave holes between the numbers: fill them, so that the limit says what is free.
        fillers = [os.open(os.devnull, os.O_RDONLY)]
        while fillers[-1] < used:
            fillers.append(os.open(os.devnull, os.O_RDONLY))
        used = max(used, fillers[-1])
        before = descriptors()
        started, refused = 0, 0
        # What is kept in reserve (L4) and a few more, one after the other.
        for free in (*range(1, 14), RESERVE + SESSION - 1, RESERVE + SESSION + 1, RESERVE + SESSION + 4):
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + free, hard))
            try:
                run = Run("cat")
            except TermwallError as error:
                assert error.code is ErrorCode.CANNOT_START
                refused += 1
                continue
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            started += 1
            run.process.write(b"alive\n")
            await run.sees(b"alive")
            run.process.close()
            await run.process.wait_closed()
            run.process.program.forget()
            assert run.exits == [ExitStatus(None, "SIGHUP")]
        assert started > 0
        assert refused > 0
        assert descriptors() <= before
        for filler in fillers:
            os.close(filler)

    play(main)


def test_I1_every_byte_arrives_unchanged_and_in_order(play: Play) -> None:
    size = 900_000
    script = (
        "import hashlib,os,tty; tty.setraw(0); os.write(1,b'READY'); d=hashlib.sha256(); n=0\n"
        f"while n<{size}: b=os.read(0,65536); d.update(b); n+=len(b)\n"
        "os.write(1,b'DIGEST='+d.hexdigest().encode())"
    )

    async def main() -> None:
        run = Run(sys.executable, "-c", script)
        await run.sees(b"READY")
        data = (bytes(range(256)) * (size // 256 + 1))[:size]
        for start in range(0, size, 70_000):
            run.process.write(data[start : start + 70_000])
        await run.ended()
        assert run.text.endswith(b"DIGEST=" + hashlib.sha256(data).hexdigest().encode())

    play(main)


def test_I3_too_much_waiting_input_is_refused_whole_and_the_rest_arrives(play: Play) -> None:
    script = (
        "import os,sys,tty,time; tty.setraw(0); os.write(1,b'READY')\n"
        "while not os.path.exists(sys.argv[1]): time.sleep(0.01)\n"
        "while True: os.write(1, os.read(0,65536))"
    )

    async def main() -> None:
        flag = Path(os.environ.get("TMPDIR", "/tmp")) / f"termwall-test-{os.getpid()}"
        run = Run(sys.executable, "-c", script, str(flag), input_bytes=8192)
        await run.sees(b"READY")
        taken = b""
        refused = 0
        for number in range(60):
            piece = b"%04d" % number * 500
            try:
                run.process.write(piece)
                taken += piece
            except TermwallError as error:
                assert error.code is ErrorCode.INPUT_OVERFLOW
                refused += 1
        assert refused > 0
        flag.touch()
        try:
            await run.sees(taken)
            run.process.write(b"again")
            await run.sees(taken + b"again")
        finally:
            flag.unlink()
        run.process.close()
        await run.process.wait_closed()
        with pytest.raises(TermwallError) as caught:
            run.process.write(b"x")
        assert caught.value.code is ErrorCode.SESSION_ENDED

    play(main)


def test_one_sessions_flood_does_not_stop_anothers_keys(play: Play) -> None:
    async def main() -> None:
        flood = Run("yes", "the quick brown fox")
        echo = Run("sh", "-c", "stty raw -echo; echo READY; exec cat")
        await echo.sees(b"READY")
        for number in range(50):
            key = b"<%d>" % number
            before = flood.ring.end
            echo.process.write(key)
            await echo.sees(key)
            while flood.ring.end == before:
                await asyncio.sleep(0)
        assert flood.ring.end / max(1, flood.outputs) > 4096, "a flood is told in batches"
        for run in (flood, echo):
            run.process.close()
            await run.process.wait_closed()

    play(main)


def test_a_resize_reaches_the_program(play: Play) -> None:
    async def main() -> None:
        run = Run("sh", "-c", "trap 'stty size' WINCH; echo READY; while :; do sleep 0.02; done", close_seconds=0.5)
        await run.sees(b"READY")
        run.process.resize(77, 11)
        await run.sees(b"11 77")
        run.process.close()
        await run.process.wait_closed()

    play(main)


def test_a_shell_at_its_prompt_is_no_work() -> None:
    assert is_interactive_shell(["/bin/bash"])
    assert is_interactive_shell(["zsh", "-l"])
    assert is_interactive_shell(["bash", "--norc", "-i"])
    assert not is_interactive_shell(["sh", "-c", "make"])
    assert not is_interactive_shell(["bash", "build.sh"])
    assert not is_interactive_shell(["python3"])


def test_case_hardening_C6_a_programs_name_may_be_any_bytes(play: Play, tmp_path: Path) -> None:
    # Linux keeps 15 bytes of a name: of these the eighth letter is cut in half.
    for name, seen in (("ä" * 9, "ä" * 7 + "\ufffd"), (os.fsdecode(b"caf\xe9"), "caf\ufffd")):
        script = tmp_path / name
        script.write_text("#!/bin/sh\necho READY\nread line\n")
        script.chmod(0o755)

        async def main(command: str = str(script), seen: str = seen) -> None:
            run = Run(command)
            await run.sees(b"READY")
            assert run.process.foreground() == seen
            run.process.close()
            await run.process.wait_closed()

        play(main)

"""The contract of `Programs`, which both kinds pass, and what only the holder does. Real programs throughout."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from termwall.core.errors import ErrorCode, TermwallError
from termwall.pty.environment import Outfit
from termwall.pty.holder_client import HeldPrograms
from termwall.pty.pace import Pace
from termwall.pty.process import PtyProcess
from termwall.pty.programs import ExitStatus, LocalPrograms, Order, Program, Programs
from termwall.pty.rendezvous import HolderError, look
from termwall.pty.versions import PROTOCOL
from tests.support.descriptors import descriptors
from tests.support.holder import end_holder, gone
from tests.support.patience import until


def order(key: str, *command: str, **more: Any) -> Order:
    given: dict[str, Any] = {
        "cwd": "/",
        "env": Outfit().environment(os.environ, {}),
        "cols": 80,
        "rows": 24,
        "ring_bytes": 1 << 18,
        "input_bytes": 1 << 16,
        **more,
    }
    return Order(key=key, command=command, **given)


class Run:
    """A program that this process owns."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.exits: list[ExitStatus] = []
        self.process = PtyProcess(
            program,
            shell=False,
            close_seconds=1.0,
            on_output=lambda: None,
            on_exit=self.exits.append,
            pace=Pace(),
            watched=lambda: True,
        )

    @property
    def text(self) -> bytes:
        ring = self.program.memory.ring
        return ring.read(ring.start, ring.end)

    async def sees(self, text: bytes) -> None:
        await until(lambda: text in self.text, lambda: f"{text!r} in {self.text[-300:]!r}")

    async def ends(self) -> ExitStatus:
        await until(lambda: self.exits, "the end")
        return self.exits[0]

    async def close(self) -> None:
        self.process.close()
        await self.process.wait_closed()
        self.program.forget()


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    """A data folder whose holder is ended with the test."""
    yield tmp_path
    end_holder(tmp_path)


@pytest.fixture(params=["local", "held"])
async def programs(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Programs]:
    if request.param == "local":
        yield LocalPrograms()
        return
    held = HeldPrograms(folder, None)
    assert await held.open() == []
    yield held
    await held.close()


# ---- the contract


async def test_P1_a_program_runs_on_a_terminal_of_its_own(programs: Programs) -> None:
    script = "import os; print(os.getpid()==os.getsid(0)==os.tcgetpgrp(0), os.get_terminal_size(), os.environ['GIVEN'])"
    env = Outfit().environment(os.environ, {"GIVEN": "yes"})
    run = Run(await programs.start(order("a", sys.executable, "-c", script, cols=91, rows=33, env=env)))
    assert await run.ends() == ExitStatus(0, None)
    assert b"True os.terminal_size(columns=91, lines=33) yes" in run.text
    await run.close()


@pytest.mark.parametrize(
    ("script", "status"), [("exit 7", ExitStatus(7, None)), ("kill -TERM $$", ExitStatus(None, "SIGTERM"))]
)
async def test_P2_the_end_has_a_code_or_a_signal(programs: Programs, script: str, status: ExitStatus) -> None:
    run = Run(await programs.start(order("a", "sh", "-c", script)))
    assert await run.ends() == status
    await run.close()


async def test_P3_closing_hangs_up_and_leaves_no_process(programs: Programs) -> None:
    run = Run(
        await programs.start(
            order("a", "sh", "-c", "trap 'echo HUNG UP; exit 3' HUP; echo READY; while :; do sleep 0.01; done")
        )
    )
    await run.sees(b"READY")
    pid = run.program.pid
    run.process.close()
    assert await run.ends() == ExitStatus(3, None)
    assert b"HUNG UP" in run.text
    await run.close()
    await until(lambda: gone(pid), "the process to be gone")


async def test_P4_what_cannot_start_says_why_and_leaves_nothing(programs: Programs) -> None:
    with pytest.raises(TermwallError) as caught:
        await programs.start(order("a", "no-such-program"))
    assert (caught.value.code, caught.value.field) == (ErrorCode.CANNOT_START, "command")
    assert "not found on the server's PATH" in str(caught.value)
    with pytest.raises(TermwallError) as caught:
        await programs.start(order("b", "true", cwd="/nowhere/at/all"))
    assert caught.value.field == "cwd"


async def test_P1_ignored_signals_are_not_inherited(programs: Programs) -> None:
    """A holder must survive a hang-up, and `nohup` ignores it for a server; a program must not."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run = Run(await programs.start(order("a", "sh", "-c", "grep SigIgn /proc/$$/status")))
    finally:
        signal.signal(signal.SIGHUP, before)
    await run.ends()
    masks = [int(word, 16) for word in run.text.split() if len(word) == 16]
    assert len(masks) == 1
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
        assert not any(mask >> (number - 1) & 1 for mask in masks), number
    await run.close()


# ---- the holder


@pytest.fixture
async def owner(folder: Path) -> AsyncIterator[Callable[[], Any]]:
    """Makes owners of one data folder, as servers that come one after the other."""
    made: list[HeldPrograms] = []

    async def make() -> tuple[HeldPrograms, list[Any]]:
        programs = HeldPrograms(folder, None)
        made.append(programs)
        return programs, await programs.open()

    yield make
    for programs in made:
        await programs.close()


async def test_P5_a_program_outlives_its_owner_and_the_next_one_goes_on_with_it(
    owner: Callable[[], Any],
) -> None:
    first, _ = await owner()
    run = Run(await first.start(order("a", "cat", kept=b"mine")))
    run.process.write(b"one\n")
    await run.sees(b"one\r\none\r\n")
    run.process.leave()
    await first.close()

    second, found = await owner()
    assert [(one.kept, one.program.pid) for one in found] == [(b"mine", run.process.pid)]
    again = Run(found[0].program)
    assert again.text == b"one\r\none\r\n"
    again.process.write(b"two\n")
    await again.sees(b"two\r\ntwo\r\n")
    await again.close()
    assert second.outlive


async def test_P5_output_while_nobody_owns_it_is_read_as_far_as_the_limit(owner: Callable[[], Any]) -> None:
    first, _ = await owner()
    free = Run(await first.start(order("free", "sh", "-c", "read x; seq 1 20000; echo END")))
    bound = Run(await first.start(order("bound", "sh", "-c", "read x; seq 1 200000; echo END")))
    bound.process.limit(5000)
    for run in (free, bound):
        run.process.write(b"\n")
        run.process.leave()
    await first.close()
    _, found = await owner()
    again = {one.program.key: one.program for one in found}
    run = Run(again["free"])
    await run.sees(b"END")
    lines = run.text.split()[:-1]
    assert [int(line) for line in lines] == list(range(20001 - len(lines), 20001))
    waiting = Run(again["bound"])
    assert waiting.program.memory.ring.end <= 5000, "it waits, as on any terminal"
    waiting.process.limit(None)
    await waiting.sees(b"END")
    for one in (run, waiting):
        await one.close()


async def test_P5_how_a_program_ended_meanwhile_is_remembered(owner: Callable[[], Any]) -> None:
    first, _ = await owner()
    run = Run(await first.start(order("a", "sh", "-c", "read x; echo BYE; exit 5")))
    run.process.write(b"\n")
    run.process.leave()
    await first.close()
    pid = run.process.pid
    await until(lambda: gone(pid), "the program's end")
    _, found = await owner()
    again = Run(found[0].program)
    if again.process.ended is None:
        assert await again.ends() == ExitStatus(5, None)
    assert again.process.ended == ExitStatus(5, None)
    assert b"BYE" in again.text
    await again.close()


async def test_P5_a_second_owner_is_waited_for_and_one_that_hangs_is_ended(folder: Path) -> None:
    """Two that read one terminal would mix its output."""
    script = (
        "import asyncio, sys, signal; from pathlib import Path; from termwall.pty.holder_client import HeldPrograms\n"
        "async def main():\n"
        "    held = HeldPrograms(Path(sys.argv[1]), None); await held.open(); print('OWNS', flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())"
    )
    source = str(Path(__file__).parents[2] / "src")
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": source}
    )
    try:
        assert process.stdout is not None
        line = await asyncio.to_thread(process.stdout.readline)
        assert line == b"OWNS\n"
        process.send_signal(signal.SIGSTOP)
        second = HeldPrograms(folder, None)
        await second.open()
        assert await asyncio.to_thread(process.wait, 5) == -signal.SIGKILL
        await second.close()
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


async def test_P5_a_caretaker_that_comes_late_leaves_the_server_alone(owner: Callable[[], Any], folder: Path) -> None:
    """Found once: a server that started at the same moment was taken for the one that does not let go."""
    first, _ = await owner()
    run = Run(await first.start(order("a", "cat")))
    left: list[bool] = []
    first.on_leave = lambda: left.append(True)
    late = HeldPrograms(folder, None, yields=True)
    with pytest.raises(HolderError, match="Another process has the sessions"):
        await late.open()
    assert not left
    run.process.write(b"still mine\n")
    await run.sees(b"still mine\r\nstill mine")
    await run.close()


async def test_P5_a_killed_holder_is_replaced_and_the_programs_go_on(owner: Callable[[], Any], folder: Path) -> None:
    first, _ = await owner()
    run = Run(await first.start(order("a", "cat", kept=b"mine")))
    holder = first.pid
    os.kill(holder, signal.SIGKILL)
    await until(lambda: first.pid != holder and first.outlive, "another holder")
    run.process.write(b"still here\n")
    await run.sees(b"still here\r\nstill here")
    run.process.leave()
    await first.close()
    _, found = await owner()
    again = Run(found[0].program)
    assert found[0].kept == b"mine"
    again.process.write(b"\x04")
    assert await again.ends() == ExitStatus(None, None), "nobody saw how: told, not guessed"
    await again.close()


async def test_P5_a_holder_ends_with_its_last_session_and_owner(folder: Path) -> None:
    programs = HeldPrograms(folder, None)
    await programs.open()
    pid = programs.pid
    run = Run(await programs.start(order("a", "cat")))
    await run.close()
    assert look(folder) is not None
    await programs.close()
    await until(lambda: gone(pid), "the holder's end")
    assert look(folder) is None


async def test_P5_the_holder_tells_what_it_has(owner: Callable[[], Any], folder: Path) -> None:
    programs, _ = await owner()
    run = Run(await programs.start(order("a", "cat")))
    found = look(folder)
    assert found is not None
    assert (found["version"], found["sessions"], found["running"], found["owner"]) == (PROTOCOL, 1, 1, os.getpid())
    await run.close()


async def test_P5_the_socket_is_the_owners_only(owner: Callable[[], Any], folder: Path) -> None:
    await owner()
    assert (folder / "holder.sock").stat().st_mode & 0o777 == 0o600


async def test_P5_nonsense_ends_a_connection_and_not_the_holder(owner: Callable[[], Any], folder: Path) -> None:
    import socket

    programs, _ = await owner()
    run = Run(await programs.start(order("a", "cat")))
    for nonsense in (b"\xff" * 64, b"\0\0\0\2\0\0\0\0[]", json.dumps({"op": "own"}).encode(), b"\0\0\0\2\0\0\0\0{}"):
        with socket.socket(socket.AF_UNIX) as channel:
            channel.connect(str(folder / "holder.sock"))
            channel.sendall(nonsense)
            channel.settimeout(0.3)
            try:
                assert channel.recv(100) == b""
            except TimeoutError:
                pass  # It waits for the rest of a frame.
    run.process.write(b"alive\n")
    await run.sees(b"alive\r\nalive")
    assert programs.outlive
    await run.close()


async def test_P3_a_thousand_held_programs_leave_nothing_behind(owner: Callable[[], Any], folder: Path) -> None:
    programs, _ = await owner()

    def left() -> set[object]:
        children = Path(f"/proc/{programs.pid}/task/{programs.pid}/children").read_text().split()
        return {*descriptors(), *(("holder", *one) for one in descriptors(programs.pid)), *children}

    async def one(number: int) -> None:
        run = Run(await programs.start(order(f"a{number}", "cat")))
        run.process.write(b"x\n")
        await run.close()

    await one(0)
    await until(lambda: look(folder)["sessions"] == 0, "it to be forgotten")  # type: ignore[index]
    before = left()
    for batch in range(40):
        await asyncio.gather(*(one(1 + 25 * batch + number) for number in range(25)))
    await until(lambda: look(folder)["sessions"] == 0, "all to be forgotten")  # type: ignore[index]
    await until(lambda: left() <= before, lambda: f"{left() - before} to be gone")

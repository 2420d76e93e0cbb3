"""The holder gone, hung or hidden: nothing waits for it without a bound, and its repair never gives up (L1, L2)."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from termwall.core.errors import ErrorCode, TermwallError
from termwall.ipc.frames import pack
from termwall.pty import holder_client as module
from termwall.pty import rendezvous
from termwall.pty.holder_client import HeldPrograms
from termwall.pty.programs import ExitStatus
from termwall.pty.rendezvous import SOCKET, HolderError, HolderSilent, look, meet, peer_of
from termwall.pty.versions import SPOKEN
from tests.pty.test_programs import Run, order
from tests.support.holder import end_holder, gone
from tests.support.patience import until

Owner = Callable[[], Any]


@pytest.fixture
async def owner(tmp_path: Path) -> AsyncIterator[Owner]:
    """Makes owners of one data folder that come one after the other."""
    made: list[HeldPrograms] = []

    async def make() -> Any:
        made.append(HeldPrograms(tmp_path, None))
        return made[-1], await made[-1].open()

    yield make
    for programs in made:
        await programs.close()
    end_holder(tmp_path)


async def killed(programs: HeldPrograms) -> None:
    """Its holder is killed, and the end is known here."""
    os.kill(programs.pid, signal.SIGKILL)
    await until(lambda: not programs.outlive, "the holder's end")


async def test_case_hardening_L2_any_number_of_deaths_is_mended(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MEND_SECONDS", (0.0, 0.01))
    programs, _ = await owner()
    run = Run(await programs.start(order("a", "cat", kept=b"mine")))
    for number in range(6):
        await killed(programs)
        await until(lambda: programs.outlive, "another holder")
        run.process.write(b"%d\n" % number)
        await run.sees(b"%d\r\n%d\r\n" % (number, number))
    run.process.leave()
    await programs.close()
    _, (found,) = await owner()
    assert (found.kept, found.program.pid) == (b"mine", run.process.pid)
    await Run(found.program).close()


async def test_case_hardening_L2_while_there_is_no_holder_programs_run_and_their_ends_are_seen(
    owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's stop waited for the end of programs that nobody could report."""
    monkeypatch.setattr(module, "MEND_SECONDS", (1000.0,))
    monkeypatch.setattr(module, "THERE_SECONDS", 0.05)
    monkeypatch.setattr(module, "WANTED_SECONDS", 1000.0)
    programs, _ = await owner()
    run, other = [Run(await programs.start(order(key, "cat"))) for key in "ab"]
    await killed(programs)
    with pytest.raises(TermwallError) as caught:
        await programs.start(order("c", "cat"))
    assert caught.value.code is ErrorCode.ENGINE_AWAY
    run.process.write(b"\x04")
    assert await run.ends() == ExitStatus(None, None), "nobody saw how: told, not guessed"
    other.process.write(b"here\n")
    await other.sees(b"here\r\nhere")
    monkeypatch.setattr(module, "WANTED_SECONDS", 0.0)
    monkeypatch.setattr(module, "THERE_SECONDS", 10.0)
    third = Run(await programs.start(order("c", "cat")))  # Who wants a program does not wait for the next attempt.
    assert (look(tmp_path) or {})["sessions"] == 2
    for one in (other, third):
        await one.close()


async def test_L2_a_repair_goes_on_while_no_holder_can_be_started(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MEND_SECONDS", (0.01,))
    programs, _ = await owner()
    run = Run(await programs.start(order("a", "cat")))
    with monkeypatch.context() as broken:
        broken.setattr(rendezvous.sys, "executable", "/nowhere/python")
        await killed(programs)
        await until(lambda: caplog.text.count("cannot be started") >= 3, "several attempts")
    await until(lambda: programs.outlive, "another holder")
    await run.close()


async def test_case_hardening_L7_a_holder_whose_socket_was_removed_is_found_again(owner: Owner, tmp_path: Path) -> None:
    first, _ = await owner()
    run = Run(await first.start(order("a", "cat", kept=b"mine")))
    holder = first.pid
    run.process.leave()
    await first.close()
    (tmp_path / SOCKET).unlink()
    second, (found,) = await owner()
    assert (second.pid, found.kept, found.program.pid) == (holder, b"mine", run.process.pid)
    # In the place of the socket is something else, while somebody owns the programs.
    (tmp_path / SOCKET).unlink()
    (tmp_path / SOCKET).write_text("no socket")
    assert (look(tmp_path, 10.0) or {})["pid"] == holder
    assert (tmp_path / SOCKET).stat().st_mode & 0o777 == 0o600
    await Run(found.program).close()


async def test_case_hardening_L7_a_caretaker_starts_no_holder_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(HolderError, match="No process holds"):
        await HeldPrograms(tmp_path, None, yields=True).open()
    assert look(tmp_path) is None


async def test_case_hardening_C4_a_holder_that_hangs_holds_up_nothing_but_starts(
    owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L1, L4: the loop goes on, a start is refused, and what it was to start does not run later."""
    programs, _ = await owner()
    run = Run(await programs.start(order("a", "cat")))
    os.kill(programs.pid, signal.SIGSTOP)
    monkeypatch.setattr(module, "START_SECONDS", 0.3)
    starting = asyncio.ensure_future(programs.start(order("b", "sleep", "1000")))
    run.process.write(b"meanwhile\n")
    await run.sees(b"meanwhile\r\nmeanwhile")
    assert not starting.done(), "keys and output wait for no start"
    with pytest.raises(TermwallError) as caught:
        await starting
    assert caught.value.code is ErrorCode.ENGINE_AWAY
    with pytest.raises(HolderSilent) as silent:
        look(tmp_path, 0.1)
    assert silent.value.pid == programs.pid
    # An end that the holder cannot report, because it hangs.
    run.process.close()
    os.kill(run.process.pid, signal.SIGKILL)
    assert await run.process.closed_within(20)
    run.program.forget()
    os.kill(programs.pid, signal.SIGCONT)
    monkeypatch.setattr(module, "START_SECONDS", 10.0)
    again = Run(await programs.start(order("c", "cat")))
    await until(lambda: (look(tmp_path) or {})["sessions"] == 1, "what came too late to be gone")
    children = Path(f"/proc/{programs.pid}/task/{programs.pid}/children")
    await until(lambda: children.read_text().split() == [str(again.process.pid)], "its process too")
    await again.close()


async def test_case_hardening_C4_a_holder_that_hangs_for_good_is_replaced(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PING_SECONDS", 0.05)
    monkeypatch.setattr(module, "SILENT_PINGS", 40)  # Long enough for one that is only slow on a busy machine.
    programs, _ = await owner()
    run = Run(await programs.start(order("a", "cat")))
    hung = programs.pid
    os.kill(hung, signal.SIGSTOP)
    await until(lambda: programs.outlive and programs.pid != hung, "another holder")
    assert gone(hung)
    run.process.write(b"still\n")
    await run.sees(b"still\r\nstill")
    await run.close()


HASTY = """
import sys
from termwall.pty import holder
holder.PING_SECONDS, holder.KEEPER_DELAYS = 0.05, (0.05,)
holder.main()
"""
KEEPER = """
import asyncio, sys
from pathlib import Path
from termwall.pty.holder_client import HeldPrograms
async def main():
    caretaker = HeldPrograms(Path(sys.argv[1]), None, yields=True)
    await caretaker.open()
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_L1_a_caretaker_that_hangs_is_replaced(tmp_path: Path) -> None:
    """Nobody would read what programs print: they would wait for it for ever."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / SOCKET))
        listener.listen()
        holder = subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, "-c", HASTY, str(listener.fileno())], pass_fds=[listener.fileno()]
        )
    try:
        server = HeldPrograms(tmp_path, [sys.executable, "-c", KEEPER, str(tmp_path)])
        await server.open()
        run = Run(await server.start(order("a", "cat")))
        run.process.leave()
        await server.close()

        def caretaker() -> int:
            return (look(tmp_path, 30.0) or {})["owner"] or 0

        hung = await until(caretaker, "a caretaker", 30)
        await asyncio.sleep(0.3)
        assert caretaker() == hung, "one that answers stays"
        os.kill(hung, signal.SIGSTOP)
        await until(lambda: caretaker() not in (0, hung), "another caretaker", 30)
    finally:
        end_holder(tmp_path)
        holder.wait(30)


async def test_L1_what_a_hung_holder_is_to_keep_costs_bounded_memory(owner: Owner) -> None:
    programs, _ = await owner()
    run = Run(await programs.start(order("a", "cat")))
    os.kill(programs.pid, signal.SIGSTOP)
    for number in range(200):
        run.program.keep(b"%d" % number * 50_000)
    assert programs._channel is not None
    outbox = programs._channel.outbox
    assert len(outbox) <= 2
    os.kill(programs.pid, signal.SIGCONT)
    await until(lambda: not outbox, "all to be sent")
    run.process.leave()
    await programs.close()
    _, (found,) = await owner()
    assert found.kept == b"199" * 50_000, "the newest"
    await Run(found.program).close()


async def test_L1_a_holder_that_was_just_started_may_take_its_time(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OPEN_SECONDS", 0.0)
    programs, _ = await owner()
    assert programs.outlive


async def test_case_hardening_L12_L2_no_second_holder_comes_into_a_folder_that_was_just_removed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    programs = HeldPrograms(folder, None)
    await programs.open()
    run = Run(await programs.start(order("a", "cat")))
    run.process.leave()
    await programs.close()
    first = (look(folder) or {})["pid"]
    os.kill(first, signal.SIGSTOP)
    shutil.rmtree(folder)
    folder.mkdir()
    coming = asyncio.ensure_future(asyncio.to_thread(meet, folder, start=True))
    await asyncio.wait((coming,), timeout=0.3)
    assert not (folder / SOCKET).exists()
    os.kill(first, signal.SIGCONT)
    with await coming as channel:
        assert peer_of(channel) == first
    end_holder(folder)


@pytest.mark.parametrize("fate", ["removed", "moved"])
async def test_case_hardening_L12_a_holder_is_found_after_its_folder_was(fate: str, tmp_path: Path) -> None:
    folder, moved = tmp_path / "some" / "data", tmp_path / "moved"
    folder.mkdir(parents=True)
    programs = HeldPrograms(folder, None)
    await programs.open()
    run = Run(await programs.start(order("a", "cat", kept=b"mine")))
    run.process.leave()
    await programs.close()
    if fate == "removed":
        shutil.rmtree(folder.parent)
    else:
        folder.rename(moved)
        (moved / SOCKET).unlink()
    there, other = (folder, moved) if fate == "removed" else (moved, folder)
    await until(lambda: (there / SOCKET).exists(), "its socket", 20)
    assert not other.exists()
    again = HeldPrograms(there, None)
    (found,) = await again.open()
    assert found.program.pid == run.process.pid
    await again.close()
    end_holder(there)


DEEP = b"[" * 200_000
ADOPTED = {"op": "adopt", "id": "x", "pid": (1 << 31) - 1, "ring": 4096, "input": 4096}
"""Of a process that has ended."""
BAD_FRAMES = {
    "no-object": pack([]),  # type: ignore[arg-type]
    "deep": len(DEEP).to_bytes(4, "big") + bytes(4) + DEEP,
    "no-op": pack({}),
    "no-id": pack({"op": "keep"}),
    "an-id-that-is-a-list": pack({"op": "keep", "id": []}),
    "wishes": pack({"op": "own", **SPOKEN, "environ": 7, "seconds": "x"}),
    "start": pack({"op": "start", "number": 1, "id": "x", "files": "x"}),
    "no-descriptors": pack(ADOPTED),
    "too-few-descriptors": pack({**ADOPTED, "descriptors": 9}),
    "no-number-of-descriptors": pack({**ADOPTED, "descriptors": "x"}),
    "no-sizes": pack({"op": "adopt", "id": "x", "pid": 1}),
    "sizes": pack({**ADOPTED, "ring": 1 << 70}),
    "process": pack({**ADOPTED, "pid": 1 << 70}),
    "process-that-is-text": pack({**ADOPTED, "pid": "x"}),
}


async def test_case_hardening_L1_whatever_an_owner_says_the_holder_and_its_programs_live(tmp_path: Path) -> None:
    """Each by an owner of its own, with one descriptor, which a message that is refused gives back."""
    programs = HeldPrograms(tmp_path, None)
    await programs.open()
    run = Run(await programs.start(order("a", "cat")))
    run.process.leave()
    await programs.close()
    held = look(tmp_path) or {}
    open_files = Path(f"/proc/{held['pid']}/fd")
    before, given = None, os.memfd_create("given")
    try:
        for name, frame in BAD_FRAMES.items():
            with meet(tmp_path, start=False) as channel:
                channel.settimeout(30)
                channel.sendall(pack({"op": "own", **SPOKEN}))
                channel.recv(1 << 16)
                socket.send_fds(channel, [frame], [given])
                with contextlib.suppress(ConnectionError):
                    channel.sendall(pack({"op": "look"}))
                    while channel.recv(1 << 16):
                        channel.shutdown(socket.SHUT_WR)
            found = look(tmp_path, 20)
            assert found is not None, name
            assert (found["pid"], found["running"]) == (held["pid"], 1), name
            count = len(list(open_files.iterdir()))
            before = count if before is None else before
            assert count <= before + 2, f"{name}: {count} files are open after {before}"
    finally:
        os.close(given)
        end_holder(tmp_path)

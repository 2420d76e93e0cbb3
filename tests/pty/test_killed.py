"""The owner of a program is killed while it reads at full speed: no byte is missing, none comes twice (P5).

`TERMWALL_KILLS=300 pytest tests/pty/test_killed.py` kills as often as that.
"""

import asyncio
import os
import random
import select
import signal
import subprocess
import sys
import tty
from pathlib import Path

import pytest

from termwall.core.ids import ClientId
from termwall.ipc.memory import Memory
from termwall.pty.holder_client import HeldPrograms
from tests.pty.test_programs import Run, order
from tests.support.holder import end_holder
from tests.support.patience import until

KILLS = int(os.environ.get("TERMWALL_KILLS", "12"))
RING = 64 << 20
OWNER = """
import asyncio, sys
from pathlib import Path
from termwall.core.errors import TermwallError
from termwall.core.ids import ClientId
from termwall.pty.holder_client import HeldPrograms
from termwall.pty.pace import Pace
from termwall.pty.process import PtyProcess

async def main():
    programs = HeldPrograms(Path(sys.argv[1]), None)
    (found,) = await programs.open()
    process = PtyProcess(found.program, shell=False, close_seconds=1.0, on_output=lambda: None, on_exit=print,
                         pace=Pace(), watched=lambda: True)
    print("READS", flush=True)
    while sys.argv[2] == "types":
        await asyncio.sleep(0)
        try:
            for number in range(found.program.memory.journal.log.last(ClientId("ann")) + 1, 1 << 62):
                process.write(b"%d\\n" % number, ClientId("ann"), number)
        except TermwallError:  # Too much waits.
            pass
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody counts what the program took")
@pytest.mark.parametrize("taken", [0, 3, 9])
def test_case_hardening_I1_an_owner_killed_at_its_write_types_each_key_once(taken: int) -> None:
    """Right before it, or after the program took a part or all, and before that could be noted."""
    memory = Memory.create(1 << 16, 1 << 16)
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        memory.journal.append(b"before")
        memory.journal.wrote(os.sendfile(master, memory.descriptor, None, len(memory.journal.next())))
        memory.journal.append(b"keys, all")
        assert memory.journal.next() == b"keys, all"
        if taken:
            assert os.sendfile(master, memory.descriptor, None, taken) == taken
        following = Memory(os.dup(memory.descriptor), 1 << 16, 1 << 16)
        while data := following.journal.next():
            following.journal.wrote(os.sendfile(master, following.descriptor, None, len(data)))
        following.close()
        typed = b""
        while len(typed) < len(b"beforekeys, all"):
            typed += os.read(slave, 100)
        assert (typed, select.select([slave], [], [], 0)[0]) == (b"beforekeys, all", [])
    finally:
        memory.close()
        os.close(master)
        os.close(slave)


async def killed_at(moments: random.Random, data_dir: Path, *, types: bool) -> None:
    """An owner that reads at full speed, and types, if it does, is killed at some moment."""
    owner = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", OWNER, str(data_dir), "types" if types else "reads"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    )
    assert owner.stdout is not None
    assert await asyncio.to_thread(owner.stdout.readline) == b"READS\n"
    await asyncio.sleep(moments.uniform(0.001, 0.12))
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()


async def left_to_owners(data_dir: Path, script: str) -> None:
    """A program that nobody owns."""
    first = HeldPrograms(data_dir, None)
    await first.open()
    run = Run(await first.start(order("a", "sh", "-c", f"stty raw -echo; {script}", ring_bytes=RING)))
    await until(lambda: run.text, "the program")
    run.process.leave()
    await first.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody counts what the program took")
async def test_case_hardening_I1_an_owner_killed_while_it_types_at_full_speed_loses_no_key(tmp_path: Path) -> None:
    moments = random.Random(20261128)
    await left_to_owners(tmp_path, "echo; exec cat")
    try:
        for _ in range(KILLS // 4):
            await killed_at(moments, tmp_path, types=True)
        programs = HeldPrograms(tmp_path, None)
        (found,) = await programs.open()
        run, journal = Run(found.program), found.program.memory.journal
        last = journal.log.last(ClientId("ann"))
        await until(lambda: run.text.endswith(b"\n%d\n" % last), "the last key", 60)
        typed = [int(line) for line in run.text.split()]
        assert (typed, last > 100) == (list(range(1, last + 1)), True)
        run.process.leave()
        await programs.close()
    finally:
        end_holder(tmp_path)


async def test_P5_an_owner_killed_while_it_reads_at_full_speed_loses_no_byte(tmp_path: Path) -> None:
    moments = random.Random(20261123)
    await left_to_owners(tmp_path, "i=0; while :; do i=$((i+1)); echo $i; done")
    checked, expected, rest = 0, 1, b""
    try:
        for _ in range(KILLS):
            await killed_at(moments, tmp_path, types=False)
            programs = HeldPrograms(tmp_path, None)
            (found,) = await programs.open()
            ring = found.program.memory.ring
            assert ring.end - checked <= RING, "the test's ring is too small"
            *lines, rest = (rest + ring.read(checked, ring.end)).split(b"\n")
            assert [int(line) for line in lines] == list(range(expected, expected + len(lines)))
            checked, expected = ring.end, expected + len(lines)
            await programs.close()
        assert expected > KILLS * 100
    finally:
        end_holder(tmp_path)

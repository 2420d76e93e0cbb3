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

from termwall.memory import Memory
from termwall.pty.held import HeldPrograms
from tests.pty.test_programs import Run, order
from tests.support.holder import end_holder

KILLS = int(os.environ.get("TERMWALL_KILLS", "12"))
RING = 64 << 20
OWNER = """
import asyncio, sys
from pathlib import Path
from termwall.pty.held import HeldPrograms
from termwall.pty.pace import Pace
from termwall.pty.process import PtyProcess

async def main():
    programs = HeldPrograms(Path(sys.argv[1]), None)
    (found,) = await programs.open()
    PtyProcess(found.program, shell=False, close_seconds=1.0, on_output=lambda: None, on_exit=print,
               pace=Pace(), watched=lambda: True)
    print("READS", flush=True)
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


async def test_P5_an_owner_killed_while_it_reads_at_full_speed_loses_no_byte(tmp_path: Path) -> None:
    moments = random.Random(20261123)
    source = str(Path(__file__).parents[2] / "src")
    first = HeldPrograms(tmp_path, None)
    await first.open()
    counting = "i=0; while :; do i=$((i+1)); echo $i; done"
    run = Run(await first.start(order("a", "sh", "-c", f"stty raw -echo; {counting}", ring_bytes=RING)))
    run.process.leave()
    await first.close()
    checked, expected, rest = 0, 1, b""
    try:
        for _ in range(KILLS):
            owner = subprocess.Popen(  # noqa: ASYNC220
                [sys.executable, "-c", OWNER, str(tmp_path)],
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": source},
            )
            assert owner.stdout is not None
            assert await asyncio.to_thread(owner.stdout.readline) == b"READS\n"
            await asyncio.sleep(moments.uniform(0.001, 0.12))
            owner.send_signal(signal.SIGKILL)
            owner.wait()
            owner.stdout.close()
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

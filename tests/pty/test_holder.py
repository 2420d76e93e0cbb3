"""The holder when several things are ready at once: their order must not matter."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

from termwall.pty.holder_client import HeldPrograms
from termwall.pty.rendezvous import SOCKET
from tests.pty.test_programs import Run, order
from tests.support.holder import end_holder, gone
from tests.support.patience import until

UNLUCKY = """
import os, selectors, sys, time
from termwall.pty import holder

class Unlucky(selectors.DefaultSelector):
    # Connections come before terminals, and the holder is slow between the two.
    def select(self, timeout=None):
        for key, events in sorted(super().select(timeout), key=lambda one: os.isatty(one[0].fd)):
            if os.isatty(key.fd):
                time.sleep(0.01)
            yield key, events

selectors.DefaultSelector = Unlucky
holder.main()
"""
HANDED_OUT = 20


async def test_P5_what_is_handed_out_is_not_read_any_more(tmp_path: Path) -> None:
    """Once a read was lost whose terminal became ready together with the connection of its new owner."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / SOCKET))
        listener.listen()
        holder = subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, "-c", UNLUCKY, str(listener.fileno())], pass_fds=[listener.fileno()]
        )
    counting = "stty raw -echo; i=0; while :; do i=$((i+1)); echo $i; done"
    try:
        first = HeldPrograms(tmp_path, None)
        await first.open()
        run = Run(await first.start(order("a", "sh", "-c", counting, ring_bytes=64 << 20)))
        for _ in range(HANDED_OUT):
            end = run.program.memory.ring.end
            await until(lambda r=run, e=end: r.program.memory.ring.end > e + 20_000)  # type: ignore[misc]
            run.process.leave()
            await first.close()
            await asyncio.sleep(0.02)  # It is read by the holder meanwhile.
            first = HeldPrograms(tmp_path, None)
            (found,) = await first.open()
            run = Run(found.program)
        run.process.leave()
        *lines, _ = run.text.split(b"\n")
        assert [int(line) for line in lines] == list(range(1, 1 + len(lines)))
        await first.close()
    finally:
        end_holder(tmp_path)
        holder.wait(10)


async def test_case_terminal_12_the_holders_end_ends_every_group_of_its_sessions(tmp_path: Path) -> None:
    programs = HeldPrograms(tmp_path, None)
    await programs.open()
    run = Run(await programs.start(order("a", "sh", "-c", "set -m; sleep 1000 & echo PID=$!=; exec cat")))
    await run.sees(b"=\r\n")
    job = int(run.text.partition(b"PID=")[2].partition(b"=")[0])
    run.process.leave()
    await programs.close()
    end_holder(tmp_path)
    assert gone(job)

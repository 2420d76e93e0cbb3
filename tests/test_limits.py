"""What runs out is never taken for a death (L4): descriptors, terminals, processes, memory."""

import asyncio
import os
import resource
import socket
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import httpx2
import pytest

from termwall.core.errors import ErrorCode, TermwallError
from termwall.ipc.passing import Passed, receive
from termwall.pty.held_program import HeldProgram
from termwall.pty.holder_client import HeldPrograms
from termwall.pty.programs import LocalPrograms
from termwall.pty.rendezvous import HolderError, look
from termwall.pty.spawn import CannotStart, _within, spawn
from termwall.system import descriptors
from tests.pty.test_programs import Run, order
from tests.support.holder import end_holder
from tests.support.patience import until, wait_for
from tests.support.server import running
from tests.support.wall import Wall

SESSIONS = 40
PATIENCE = 60.0
"""Seconds for what a busy machine may take long for."""


@contextmanager
def files_of(pid: int, files: int) -> Iterator[None]:
    """A process may have so many files open, for the length of a block."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE, (files, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def opened(pid: int) -> int:
    """How many it has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def holds(folder: Path) -> int:
    """How many sessions the holder has; -1 while it does not say, on a machine that is busy."""
    try:
        found = look(folder)
    except HolderError:
        return -1
    return -1 if found is None else int(found["sessions"])


@asynccontextmanager
async def held(folder: Path) -> AsyncIterator[HeldPrograms]:
    """Programs of a holder, which ends with the block."""
    programs = HeldPrograms(folder, None)
    try:
        await programs.open()
        yield programs
    finally:
        await programs.close()
        end_holder(folder)


async def test_case_hardening_L1_a_holder_without_descriptors_says_so_and_lives(tmp_path: Path) -> None:
    async with held(tmp_path) as programs:
        first = Run(await programs.start(order("a", "cat")))
        with files_of(programs.pid, opened(programs.pid) + 2):
            for number in range(4):
                with pytest.raises(TermwallError, match=r"files open.*`ulimit -n`") as caught:
                    await programs.start(order(f"b{number}", "cat"))
                assert caught.value.code is ErrorCode.CANNOT_START
            first.process.write(b"alive\n")
            await first.sees(b"alive")
        again = Run(await programs.start(order("c", "cat")))
        for run in (first, again):
            run.process.leave()


async def test_case_hardening_L1_a_program_that_a_new_holder_has_no_room_for_is_held_later(tmp_path: Path) -> None:
    """As after a holder's death: what its successor has no room for stays with the server, which asks again."""
    async with held(tmp_path) as programs:
        first = Run(await programs.start(order("a", "cat")))
        mine = await LocalPrograms().start(order("b", "cat"))
        program = HeldProgram(programs, "b", mine.pid, mine.master, mine.memory, None)
        programs._programs["b"] = program
        with files_of(programs.pid, opened(programs.pid) + 1):  # Of its two descriptors one comes through.
            programs._hand_over(program)
            await until(lambda: "b" in programs._unheld, "that there is no room")
            assert programs.outlive, "no death"
            first.process.write(b"alive\n")
            await first.sees(b"alive")
        await until(lambda: holds(tmp_path) == 2, "the second try", PATIENCE)
        first.process.leave()
        await programs.close()
        again = HeldPrograms(tmp_path, None)
        found = {one.program.key: Run(one.program) for one in await again.open()}  # type: ignore[attr-defined]
        assert set(found) == {"a", "b"}
        found["b"].process.write(b"alive\n")
        await found["b"].sees(b"alive")
        for run in found.values():
            await run.close()
        await again.close()


async def test_case_hardening_L1_programs_that_cannot_be_taken_over_run_on(tmp_path: Path) -> None:
    async with held(tmp_path) as programs:
        runs = [Run(await programs.start(order(f"s{number}", "cat"))) for number in range(SESSIONS)]
        for run in runs:
            run.process.leave()
        await programs.close()
        poor = HeldPrograms(tmp_path, None)
        before = opened(os.getpid())
        with files_of(os.getpid(), before + SESSIONS), pytest.raises(HolderError, match=r"run on.*`ulimit -n`"):
            await poor.open()
        await poor.close()
        assert opened(os.getpid()) <= before, "nothing is left open"
        command = [
            "prlimit",
            "--nofile=120",
            sys.executable,
            "-m",
            "termwall",
            "serve",
            "--check",
            "--data-dir",
            tmp_path,
        ]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, env=WITH_SOURCE)
        assert done.returncode == 1, "a restart does not stop a server that could not be started again"
        assert "take 147 open files, and a server may have 120 here" in done.stderr
        again = HeldPrograms(tmp_path, None)
        found = [Run(one.program) for one in await again.open()]
        assert [run.process.ended for run in found] == [None] * SESSIONS
        for run in found:
            run.process.write(b"alive\n")
            await run.sees(b"alive")
            run.process.leave()
        await again.close()


def test_case_hardening_L1_descriptors_cut_off_by_the_kernel_are_seen() -> None:
    def main() -> None:
        ours, theirs = socket.socketpair()
        passed = Passed()
        highest = max(map(int, os.listdir("/proc/self/fd")))
        while (last := os.dup(0)) < highest:  # No holes between the numbers.
            pass
        highest = max(highest, last)
        before = opened(os.getpid())
        for free in (1, 0, 2):
            socket.send_fds(theirs, [b"frame"], [0, 1])
            with files_of(os.getpid(), highest + 1 + free):
                assert receive(ours, passed) == b"frame"
                given = passed.take(2)
                assert len(given) == (2 if free == 2 else 0), "all or nothing"
            for one in given:
                os.close(one)
        assert opened(os.getpid()) == before

    assert in_child(main) == 0


def test_case_hardening_L1_the_limit_is_raised_and_programs_get_the_starters_own(tmp_path: Path) -> None:
    with running(tmp_path / "data", within=("prlimit", "--nofile=200:400")) as server:
        project = server.project(tmp_path / "work")
        session = server.session(project, "sh", "-c", "ulimit -Sn; ulimit -Hn; exec cat")
        holder = look(server.data_dir)
        assert holder is not None
        for pid in (server.pid, holder["pid"]):
            assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (400, 400)
        screen = f"/api/sessions/{session}/screen?format=text"
        shown = wait_for(lambda: server.call("GET", screen).text.split(), "the screen", PATIENCE)
        assert shown == ["200", "400"]


def test_case_hardening_L1_too_few_files_to_start_are_named(tmp_path: Path) -> None:
    command = [
        "prlimit",
        "--nofile=20",
        sys.executable,
        "-m",
        "termwall",
        "serve",
        "--port",
        "0",
        "--data-dir",
        tmp_path,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=WITH_SOURCE)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("termwall: the server cannot run: too many files are open"), done.stderr
    assert "`ulimit -n`" in done.stderr


def test_case_hardening_L1_strangers_and_sessions_up_to_the_limit_end_nothing(tmp_path: Path) -> None:
    """The case itself: 256 files, 40 sessions, strangers take the rest, and somebody who is there makes four more."""
    within = ("prlimit", "--nofile=256")
    with running(tmp_path / "data", within=within) as server, ExitStack() as stack:
        project = server.project(tmp_path / "work")
        ids = [server.session(project, "sh", "-c", "echo hello; exec cat") for _ in range(SESSIONS)]
        headers = {"authorization": f"Bearer {server.token}"}
        client = stack.enter_context(httpx2.Client(base_url=server.base, headers=headers, timeout=15, trust_env=False))
        sessions = f"/api/projects/{project}/sessions"

        def running_now() -> list[str]:
            answer = client.get(sessions)
            assert answer.status_code == 200, answer.text
            return [one["id"] for one in answer.json()["sessions"] if one["status"] == "running"]

        assert set(running_now()) == set(ids)
        holder = look(server.data_dir)
        for _ in range(250):
            stranger = stack.enter_context(socket.socket())
            stranger.setblocking(False)
            stranger.connect_ex(("127.0.0.1", server.port))
        refused: list[httpx2.Response] = []
        while len(refused) < 4:
            answer = client.post(sessions, json={"command": ["cat"]})
            if answer.status_code == 201:
                ids.append(answer.json()["id"])
            else:
                refused.append(answer)
        for answer in refused:
            assert (answer.status_code, answer.json()["code"]) == (422, "cannot_start"), answer.text
            assert "files open" in answer.json()["error"]
        assert set(running_now()) == set(ids)
        assert opened(server.pid) <= 256 - 32 + descriptors.LEFT, "the reserve is not for sessions"
        text = server.call("GET", f"/api/sessions/{ids[0]}/screen?format=text")  # Over another connection.
        assert (text.status_code, text.text.split()) == (200, ["hello"])
        for one in ids[SESSIONS:]:
            assert client.delete(f"/api/sessions/{one}").status_code == 204
        wait_for(lambda: client.post(sessions, json={"id": "again", "command": ["cat"]}).status_code == 201)
        assert look(server.data_dir) is not None
        assert look(server.data_dir)["pid"] == holder["pid"]  # type: ignore[index]
        server.kill()
        server.start()
        client = stack.enter_context(httpx2.Client(base_url=server.base, headers=headers, timeout=15, trust_env=False))
        assert set(running_now()) == {*ids[:SESSIONS], "again"}


@pytest.mark.parametrize("cheap", [True, False])
def test_case_hardening_L1_the_reserve_is_never_given_away(cheap: bool) -> None:
    """Also where the system only has a list of what is open (Linux before 6.2, macOS), which is not made each time."""

    def main() -> None:
        descriptors._COUNTED = cheap and descriptors._COUNTED
        resource.setrlimit(resource.RLIMIT_NOFILE, (600, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        while not descriptors.short():
            for _ in range(descriptors.SESSION):
                os.dup(0)
        assert 600 - descriptors.RESERVE - descriptors.SESSION <= opened(os.getpid()) <= 600 - descriptors.RESERVE + 1
        os.closerange(100, 600)
        assert not descriptors.short(), "it is found out that there is room again"

    assert in_child(main) == 0


@pytest.mark.parametrize(
    ("files", "most", "given"),
    [((256, 4096), 4096, (256, 4096)), ((256, 1 << 20), 4096, (256, 4096)), ((8192, 1 << 20), 4096, (4096, 4096))],
)
def test_case_hardening_L1_a_limit_above_the_holders_is_cut(
    files: tuple[int, int], most: int, given: tuple[int, int]
) -> None:
    """A holder of a login with a lower limit starts programs for a server with a higher one."""
    assert _within(files, most) == given


async def test_case_hardening_L1_a_screen_worker_without_descriptors_draws_later(drawn: Wall) -> None:
    first = drawn.session("first", "sh", "-c", "echo hello; exec cat")

    async def text(session: str) -> str:
        return (await drawn.service.show_session(session, "text", 0)).data.decode()

    async def shows(session: str) -> bool:
        try:
            return "hello" in await text(session)
        except TermwallError as error:
            assert error.code is ErrorCode.ENGINE_AWAY
            return False

    while not await shows(first):
        await asyncio.sleep(0.02)
    assert drawn.screens is not None
    worker = drawn.screens.pid
    assert worker is not None
    for more in (0, 1):  # Of its descriptor nothing comes through; then there is no room to map it.
        with files_of(worker, opened(worker) + more):
            other = drawn.session(f"other-{more}", "sh", "-c", "echo hello; exec cat")
            with pytest.raises(TermwallError) as caught:
                await text(other)
            assert caught.value.code is ErrorCode.ENGINE_AWAY
            assert await shows(first), "the others go on"
        while not await shows(other):
            await asyncio.sleep(0.02)
        assert drawn.service.get_session(other).screen == "exact"
    assert (drawn.screens.pid, drawn.screens.restarts) == (worker, 0), "no death"


def test_case_hardening_L1_no_further_process_is_named_and_ends_nothing() -> None:
    """A limit on processes does not bind root, who is another user for it: of a number that has no process."""

    def main() -> None:
        if os.getuid() == 0:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        environment = {"PATH": os.environ["PATH"]}
        first, master = spawn(["cat"], "/", environment, 80, 24)
        before = opened(os.getpid())
        soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
        resource.setrlimit(resource.RLIMIT_NPROC, (1, hard))
        for _ in range(3):
            with pytest.raises(CannotStart, match=r"`cat` could not be started: no further process.*`ulimit -u`"):
                spawn(["cat"], "/", environment, 80, 24)
        assert first.poll() is None
        assert opened(os.getpid()) == before, "nothing is left open"
        resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))
        again, another = spawn(["cat"], "/", environment, 80, 24)
        for child, terminal in ((first, master), (again, another)):
            os.close(terminal)
            child.wait(10)

    assert in_child(main) == 0


def test_case_hardening_L1_no_free_terminal_is_named_and_ends_nothing() -> None:
    """In a room of its own that has three terminals, where one may make such a room."""
    mount = "mount -t devpts -o newinstance,ptmxmode=0666,max=3 none /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx"
    room = ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"]
    made = subprocess.run([*room, "true"], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"nothing can be mounted here: {made.stderr.strip()}")
    done = subprocess.run(
        [*room, sys.executable, "-c", THREE_TERMINALS], capture_output=True, text=True, check=False, env=WITH_SOURCE
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("The machine has no free terminal: all that it may have are in use") == 3


THREE_TERMINALS = """
import os
from termwall.pty.spawn import CannotStart, spawn
def start():
    return spawn(["cat"], "/", {"PATH": os.environ["PATH"]}, 80, 24)
running = [start() for _ in range(3)]
for _ in range(3):
    try:
        start()
    except CannotStart as error:
        print(error)
assert [child.poll() for child, _ in running] == [None] * 3
os.close(running[0][1])
running[0][0].wait(10)
running[0] = start()
for child, master in running:
    os.close(master)
    child.wait(10)
"""
WITH_SOURCE = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
NOBODY = 54_321


async def test_case_hardening_L1_no_memory_is_named_and_ends_no_holder(tmp_path: Path) -> None:
    async with held(tmp_path) as programs:
        first = Run(await programs.start(order("a", "cat")))
        mapped = int(Path(f"/proc/{programs.pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        before = resource.prlimit(programs.pid, resource.RLIMIT_AS)
        resource.prlimit(programs.pid, resource.RLIMIT_AS, (mapped + (1 << 20), before[1]))
        for number in range(3):
            with pytest.raises(TermwallError, match="no memory left") as caught:
                await programs.start(order(f"b{number}", "cat", ring_bytes=16 << 20))
            assert caught.value.code is ErrorCode.CANNOT_START
        mine = await LocalPrograms().start(order("c", "cat", ring_bytes=16 << 20))
        program = HeldProgram(programs, "c", mine.pid, mine.master, mine.memory, None)
        programs._programs["c"] = program
        programs._hand_over(program)
        await until(lambda: "c" in programs._unheld, "that there is no room")
        resource.prlimit(programs.pid, resource.RLIMIT_AS, before)
        await until(lambda: holds(tmp_path) == 2, "the second try", PATIENCE)
        first.process.write(b"alive\n")
        await first.sees(b"alive")
        for run in (first, Run(program)):
            await run.close()


def in_child(work: Callable[[], None]) -> int:
    """Do it in a process of its own; returns its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

"""The event loop of a real server under a day's work: no turn is long, and nothing that waits is called on it (L6)."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_to
from websockets.sync.client import connect

from tests.support.holder import end_holder
from tests.support.patience import until, wait_for
from tests.support.server import Server
from tests.support.watchdog import watching

ROOT = Path(__file__).parent.parent
SESSIONS = 8
MANY, CLIENTS, VIEWERS = 50, 60, 4
FORMS = ("json", "text", "ansi", "lines")
FLOOD = "seq 1 60000; exec cat"


def watched(tmp_path: Path, loop: str = "uvloop", **dials: str) -> Server:
    """A server of which `report` says how its loop did."""
    env = {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "TERMWALL_WATCHED": str(tmp_path / "watched.json")}
    env |= {"TERMWALL_WATCHED_LOOP": loop, **dials}
    return Server(tmp_path / "data", within=(sys.executable, "-m", "tests.support.watched"), env=env)


def test_L6_no_turn_of_a_days_work_is_long_and_nothing_waits_on_the_loop(tmp_path: Path) -> None:
    server = watched(tmp_path, "asyncio").start()
    try:
        project = server.project(tmp_path / "work", id="wall")
        ids = [server.session(project, "sh", "-c", "read x; exec cat") for _ in range(SESSIONS - 2)]
        ids += [server.session(project, "sh", "-c", FLOOD) for _ in range(2)]
        server.focus(project, *ids[-4:])
        headers = {"Authorization": f"Bearer {server.token}"}
        url = f"ws://127.0.0.1:{server.port}/ws/terminal?projectId={project}"
        with connect(url, additional_headers=headers, max_size=None, proxy=None) as ws:
            ws.send(json.dumps({"type": "preview", "sessionIds": ids}))
            for number in range(60):
                size = {"cols": 60 + number, "rows": 20 + number % 20}
                ws.send(json.dumps({"type": "drive", "sessionId": ids[-1], "data": size}))
                ws.send(json.dumps({"type": "input", "sessionId": ids[number % 6], "data": "some text\n"}))
            for session in ids[:3]:
                assert server.call("POST", f"/api/sessions/{session}/recording").status_code in (200, 201)
            for form in ("json", "text", "ansi", "lines"):
                screen = f"/api/sessions/{ids[-1]}/screen?format={form}&scrollback=5000"
                wait_for(lambda path=screen: server.call("GET", path).is_success, "a picture", 60)  # type: ignore[misc]
            for path in (
                "/api/projects",
                "/api/projects/wall/sessions",
                "/api/projects/wall/search?q=19999",
                "/api/projects/wall/recordings",
                "/api/openapi.json",
                "/metrics",
                "/api/profiles",
                "/api/tokens",
            ):
                wait_for(lambda path=path: server.call("GET", path).is_success, path, 60)  # type: ignore[misc]
            restarted = server.call("POST", f"/api/sessions/{ids[0]}/restart")
            assert restarted.status_code == 200, restarted.text
            for session in ids[:2]:
                assert server.call("DELETE", f"/api/sessions/{session}").status_code == 204
        # What hangs and what dies.
        held = server.data_dir
        found = wait_for(lambda: _holder(held), "the holder")
        os.kill(found, signal.SIGSTOP)
        try:
            server.call("POST", "/api/projects/wall/sessions", {"command": ["cat"]}, timeout=0.3)
        except httpx2.TimeoutException:
            pass
        os.kill(found, signal.SIGCONT)
        os.kill(found, signal.SIGKILL)
        wait_for(lambda: _holder(held) not in (0, found), "another holder", 30)
        assert server.call("DELETE", "/api/projects/wall").status_code == 204
        assert server.stop() == 0
    finally:
        server.kill()
        end_holder(server.data_dir)
    judge(tmp_path, "asyncio.")


def judge(tmp_path: Path, loop: str) -> None:
    """What a server wrote that has ended."""
    seen = json.loads((tmp_path / "watched.json").read_text())
    assert seen["loop"].startswith(loop)
    assert seen["turns"] > 100
    assert seen["faults"] == [], seen["longest"]


async def test_L6_fifty_sessions_and_sixty_clients_make_no_turn_long(tmp_path: Path) -> None:
    """Starts, a crowd, output that pours, recordings in parts, large input, looks at everything, a kill: on uvloop."""
    report = tmp_path / "watched.json"
    server = watched(tmp_path, TERMWALL_RECORDING_BYTES="65536", TERMWALL_HANDSHAKE_SECONDS="300").start()
    try:
        ids = await asyncio.to_thread(_start, server, tmp_path)
        async with crowd(server) as clients:
            await asyncio.to_thread(server.focus, "wall", *ids[-4:])
            await asyncio.gather(*(hear(one, "focus_update") for one in clients))
        async with crowd(server, VIEWERS) as clients:
            reading = [asyncio.create_task(hear(one, "never")) for one in clients]
            await clients[0].send(json.dumps({"type": "preview", "sessionIds": ids}))
            for name in ids[-4:]:
                await clients[0].send(json.dumps({"type": "input", "sessionId": name, "data": "\n"}))
            for _ in range(10):
                large = "a line of large input\n" * 2_000
                await clients[1].send(json.dumps({"type": "input", "sessionId": ids[0], "data": large}))
            await asyncio.to_thread(_look, server, ids)
            for one in reading:
                one.cancel()
        os.kill(server.pid, signal.SIGUSR2)
        await until(report.exists, "the report", 60)
        judge(tmp_path, "uvloop")
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        async with crowd(server):
            found = (await asyncio.to_thread(server.call, "GET", "/api/projects/wall/sessions", timeout=60)).json()
        assert [one["status"] for one in found["sessions"]] == ["running"] * MANY
        assert await asyncio.to_thread(server.stop) == 0
        judge(tmp_path, "uvloop")
    finally:
        await asyncio.to_thread(server.kill)
        end_holder(server.data_dir)


@contextlib.asynccontextmanager
async def crowd(server: Server, count: int = CLIENTS) -> AsyncIterator[list[ClientConnection]]:
    """Clients that come at once and have all that there is to see."""
    url = f"ws://127.0.0.1:{server.port}/ws/terminal?projectId=wall"
    headers = {"Authorization": f"Bearer {server.token}"}
    options: dict[str, Any] = {"compression": None, "proxy": None, "max_size": None, "open_timeout": 120}
    async with contextlib.AsyncExitStack() as stack:
        coming = [
            stack.enter_async_context(connect_to(url, additional_headers=headers, **options)) for _ in range(count)
        ]
        clients = await asyncio.gather(*coming)
        for one in clients:
            await one.send(json.dumps({"type": "sync_request", "offsets": {}}))
        await asyncio.gather(*(hear(one, "sync_complete") for one in clients))
        yield clients


async def hear(client: ClientConnection, kind: str) -> None:
    """Read until a message of this kind."""
    async with asyncio.timeout(120):
        async for data in client:
            if isinstance(data, str) and json.loads(data)["type"] == kind:
                return


def _start(server: Server, tmp_path: Path) -> list[str]:
    """Sessions, the last of which pour once somebody presses Enter; half of those are recorded."""
    project = server.project(tmp_path / "work", id="wall")
    ids = [server.session(project, "sh", "-c", "stty raw -echo; exec cat > /dev/null")]
    ids += [server.session(project, "cat") for _ in range(MANY - 5)]
    ids += [server.session(project, "sh", "-c", f"read x; {FLOOD}") for _ in range(4)]
    for name in ids[-2:]:
        assert server.call("POST", f"/api/sessions/{name}/recording").status_code in (200, 201)
    return ids


def _look(server: Server, ids: list[str]) -> None:
    """At all there is, ten at a time."""
    paths = [f"/api/sessions/{name}/screen?format={form}&scrollback=10000" for name in ids[-4:] for form in FORMS]
    paths += ["/api/projects/wall/search?q=19999", "/api/projects/wall/recordings", "/metrics", "/api/problems"]
    paths += ["/api/projects/wall/sessions"] * 20
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda path: server.call("GET", path, timeout=60).status_code, paths))
    assert set(answers) <= {200, 503}


def _holder(folder: Path) -> int:
    from termwall.pty.rendezvous import look

    return int((look(folder, 30.0) or {"pid": 0})["pid"])


async def test_the_watchdog_sees_long_turns_and_what_waits() -> None:
    """A test of the test: as the product, for it judges by where the code is."""
    source = "def burn(until, clock):\n    while clock() < until: pass\ndef nap(wait):\n    wait(0.001)\n"
    code: dict[str, object] = {}
    exec(compile(source, str(ROOT / "src/termwall/example.py"), "exec"), code)
    with watching() as dog:
        loop = asyncio.get_running_loop()
        loop.call_soon(code["burn"], time.thread_time() + 0.15, time.thread_time)  # type: ignore[arg-type]
        await asyncio.sleep(0)
        loop.call_soon(code["nap"], time.sleep)  # type: ignore[arg-type]
        await asyncio.sleep(0.01)
    assert len(dog.faults) == 2, dog.faults
    assert "ms of processor time" in dog.faults[0]
    assert "time.sleep, which waits" in dog.faults[1]
    assert "termwall/example.py:4" in dog.faults[1]

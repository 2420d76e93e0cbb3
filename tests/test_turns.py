"""The event loop of a real server under a day's work: no turn is long, and nothing that waits is called on it (L6)."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import httpx2
from websockets.sync.client import connect

from tests.support.holder import end_holder
from tests.support.patience import wait_for
from tests.support.server import Server
from tests.support.watchdog import watching

ROOT = Path(__file__).parent.parent
SESSIONS = 8
FLOOD = "seq 1 200000; exec cat"


def watched(tmp_path: Path) -> Server:
    env = {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "TERMWALL_WATCHED": str(tmp_path / "watched.json")}
    return Server(tmp_path / "data", within=(sys.executable, "-m", "tests.support.watched"), env=env)


def test_L6_no_turn_of_a_days_work_is_long_and_nothing_waits_on_the_loop(tmp_path: Path) -> None:
    server = watched(tmp_path).start()
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
    seen = json.loads((tmp_path / "watched.json").read_text())
    assert seen["turns"] > 500
    assert seen["faults"] == []


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

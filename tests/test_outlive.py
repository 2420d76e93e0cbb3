"""Sessions outlive the server (P5): killed, stopped, upgraded, at any moment; nothing is lost, doubled or left behind.

`TERMWALL_KILLS=300 pytest tests/test_outlive.py` kills as often as that; by default the number is small.
"""

import asyncio
import contextlib
import json
import os
import random
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from termwall.pty.rendezvous import look
from termwall.store.folder import find_running
from tests.support.client import Client
from tests.support.holder import gone
from tests.support.patience import PATIENCE, until
from tests.support.server import Server

KILLS = int(os.environ.get("TERMWALL_KILLS", "3"))
SEED = 20261123
COUNTING = (
    "stty -echo; i=0; while :; do n=$((i+500)); while [ $i -lt $n ]; do i=$((i+1)); "
    "echo line $i of a program that must not miss one; done; sleep 0.01; done"
)
ECHOING = "stty raw -echo; echo READY; exec cat"
ROOM = {"TERMWALL_RING_BYTES": str(128 << 20), "TERMWALL_CLOSE_SECONDS": "1"}
"""So that what is printed while no server is there stays in the ring, and each resume can be exact."""


@pytest.fixture
async def outlived(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path / "data", env=ROOM)
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.end)
    assert not server.tracebacks(), server.tracebacks()


@asynccontextmanager
async def connected(server: Server, project: str) -> AsyncIterator[Client]:
    client = Client(server, project)
    task = asyncio.create_task(client.run())
    try:
        await until(lambda: client.connected or task.done(), "the connection")
        yield client
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def numbers(client: Client, session: str) -> list[int]:
    """The lines that a client got since its first picture, whole ones only."""
    lines = bytes(client.output[session]).split(b"\r\n")[1:-1]
    return [int(found[1]) for line in lines if (found := re.search(rb"line (\d+) of a program that must", line))]


def shown(server: Server, session: str) -> str:
    """What a person would see of it."""
    return str(server.call("GET", f"/api/sessions/{session}/screen?format=text").text)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_P5_S3_I1_a_server_killed_at_any_moment_costs_no_line_and_no_key(
    outlived: Server, tmp_path: Path, how: signal.Signals
) -> None:
    random_moments = random.Random(SEED)
    project = outlived.project(tmp_path / "work")
    counting = outlived.session(project, "sh", "-c", COUNTING)
    echoing = outlived.session(project, "sh", "-c", ECHOING)
    state = outlived.focus(project, counting, echoing)
    pids = {one: outlived.call("GET", f"/api/sessions/{one}").json()["epoch"] for one in (counting, echoing)}
    typed = 0
    async with connected(outlived, project) as client:
        await until(lambda: b"READY" in client.pictures.get(echoing, b"") + client.output[echoing], "the program")
        for _ in range(KILLS):
            ending = asyncio.get_running_loop().time() + random_moments.uniform(0.02, 0.5)
            while asyncio.get_running_loop().time() < ending:
                typed += 1
                await client.type(echoing, f"<{typed}>")
                await asyncio.sleep(0.002)
            if how is signal.SIGKILL:
                await asyncio.to_thread(outlived.kill)
            else:
                assert await asyncio.to_thread(outlived.stop) == 0
            for _ in range(3):
                typed += 1
                await client.type(echoing, f"<{typed}>")
            await asyncio.sleep(random_moments.choice([0, 1.4]))  # With and without a caretaker in between.
            await asyncio.to_thread(outlived.start)
            await until(lambda: client.connected, "the connection")
        last = f"<{typed}>".encode()
        await until(lambda: last in client.output[echoing], "the last key")
        await until(lambda: client.unacknowledged == 0, "the acknowledgements")
        seen = numbers(client, counting)
        assert seen == list(range(seen[0], seen[-1] + 1))
        keys = re.findall(rb"<(\d+)>", bytes(client.output[echoing]))
        assert [int(key) for key in keys] == list(range(1, typed + 1))
        assert not client.jumps
        if how is signal.SIGTERM:
            assert set(client.closes) == {1012}, f"a restart is told (W9): {client.closes}"
    after = outlived.call("GET", f"/api/terminal/focus?projectId={project}").json()
    assert (after["version"], after["focusedSessions"], after["epoch"]) == (
        state["version"],
        state["focusedSessions"],
        state["epoch"],
    ), "F7"
    assert {one: outlived.call("GET", f"/api/sessions/{one}").json()["epoch"] for one in pids} == pids


async def test_P5_F7_everything_about_a_session_is_as_it_was(outlived: Server, tmp_path: Path) -> None:
    project = outlived.project(tmp_path / "work")
    script = r"printf '\033]0;my title\007\033]9;look here\007'; cat"
    session = outlived.session(project, "sh", "-c", script, name="told", cols=91, rows=27)
    other = outlived.session(project, "cat", name="other")
    ended = outlived.session(project, "sh", "-c", "echo last words; exit 3", name="ended")

    def facts() -> list[dict[str, object]]:
        found = outlived.call("GET", f"/api/projects/{project}/sessions").json()["sessions"]
        return [{name: one[name] for name in one if name != "lastActivity"} for one in found]

    def settled() -> bool:
        states = [one["attention"]["state"] for one in facts()]  # type: ignore[index]
        return states == ["needs input", "idle", "exited"]

    await until(settled, "the sessions")
    outlived.focus(project, other, session)
    before = facts()
    # What was heard is handed to the holder four times a second; a kill before that lets the next server hear it again.
    await asyncio.sleep(1.0)
    for stop in (outlived.kill, outlived.stop):
        stop()
        await asyncio.sleep(0.1)
        outlived.start()
        assert facts() == before
    assert "last words" in shown(outlived, ended)


async def test_P5_while_there_is_no_server_screens_are_drawn_queries_answered_and_calls_noted(
    outlived: Server, tmp_path: Path
) -> None:
    project = outlived.project(tmp_path / "work")
    go = tmp_path / "go"
    script = (
        f"stty raw -echo; echo READY; while [ ! -e {go} ]; do sleep 0.02; done; seq 1 400000; printf '\\033[6n'; "
        "dd bs=1 count=4 2>/dev/null | od -c; printf '\\033]2;while away\\007\\007'; echo FINISHED; exec cat"
    )
    session = outlived.session(project, "sh", "-c", script)
    await until(lambda: "READY" in shown(outlived, session), "the program")
    outlived.kill()
    go.touch()
    # More output than a ring: who holds the program back without a screen would stop it for good.
    await until(lambda: caretaker_of(outlived) is not None, "the caretaker")
    await asyncio.sleep(2.5)
    outlived.start()

    def told() -> dict[str, object]:
        return dict(outlived.call("GET", f"/api/sessions/{session}").json())

    await until(lambda: told()["title"] == "while away", lambda: str(told()))
    screen = shown(outlived, session)
    assert "FINISHED" in screen
    assert "033" in screen, "the query was answered"
    assert "400000" in screen
    assert told()["attention"]["state"] == "needs input"  # type: ignore[index]
    assert told()["screen"] == "exact"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_case_hardening_L6_after_a_restart_too_a_client_is_who_its_token_says(
    outlived: Server, tmp_path: Path, how: signal.Signals
) -> None:
    project = outlived.project(tmp_path / "work")
    session = outlived.session(project, "sh", "-c", ECHOING)
    tokens = [outlived.call("POST", "/api/tokens", {"name": n, "role": "type"}).json()["token"] for n in ("Mia", "Jo")]

    def opened(token: str) -> connect:
        url = f"ws://127.0.0.1:{outlived.port}/ws/terminal?projectId={project}&sessionId={session}&clientId=page"
        return connect(url, additional_headers={"Authorization": f"Bearer {token}"}, proxy=None)

    async def types(ws: ClientConnection, data: str, seq: int) -> dict[str, Any]:
        await ws.send(json.dumps({"type": "input", "data": data, "seq": seq}))
        while (found := json.loads(await ws.recv()))["type"] not in ("input_ack", "error"):
            pass
        return dict(found)

    async def driver_seen(ws: ClientConnection) -> str:
        while (found := json.loads(await ws.recv())).get("status") != "connected":
            pass
        return str(found["sessions"][0]["driver"]["clientId"])

    async with asyncio.timeout(3 * PATIENCE), opened(tokens[0]) as mia, opened(tokens[1]) as jo:
        for ws, data, seq in ((mia, "m1", 1), (jo, "j1", 1), (jo, "j2", 2), (jo, "j3", 3), (mia, "m2", 2)):
            assert (await types(ws, data, seq))["seq"] == seq
        await asyncio.sleep(0.1)  # What is kept for the next server is, so long after (L11).
        await asyncio.to_thread(outlived.kill if how == signal.SIGKILL else outlived.stop)
    outlived.start()
    async with asyncio.timeout(3 * PATIENCE), opened(tokens[1]) as jo, opened(tokens[0]) as mia:
        drivers = [await driver_seen(ws) for ws in (mia, jo)]
        assert drivers[0] == "page" != drivers[1], "the seat is kept (P5), and it is Mia's"
        assert (await types(mia, "m4", 4))["expected"] == 3
        assert (await types(jo, "j3", 3))["seq"] == 3, "typed already"
        assert (await types(mia, "m3", 3))["seq"] == 3
        assert (await types(jo, "j4", 4))["seq"] == 4
        await until(lambda: shown(outlived, session).split("READY")[1].strip() == "m1j1j2j3m2m3j4", "each once")


def caretaker_of(server: Server) -> int | None:
    found = look(server.data_dir)
    return None if found is None else found["owner"]


async def test_P5_a_caretaker_that_is_killed_is_started_again(outlived: Server, tmp_path: Path) -> None:
    project = outlived.project(tmp_path / "work")
    session = outlived.session(project, "sh", "-c", COUNTING)
    outlived.kill()
    first = await until(lambda: caretaker_of(outlived), "a caretaker")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: caretaker_of(outlived) not in (None, first), "another one")
    outlived.start()
    offset = outlived.call("GET", f"/api/sessions/{session}").json()["offset"]
    await until(lambda: outlived.call("GET", f"/api/sessions/{session}").json()["offset"] > offset, "more output")
    assert outlived.call("GET", f"/api/sessions/{session}").json()["screen"] == "exact"


async def test_P3_P5_a_session_that_was_being_removed_is_removed_by_the_next_server(
    outlived: Server, tmp_path: Path
) -> None:
    project = outlived.project(tmp_path / "work")
    session = outlived.session(project, "sh", "-c", "trap '' HUP; echo $$; while :; do sleep 0.02; done")
    await until(lambda: shown(outlived, session).strip(), "its id")
    pid = int(shown(outlived, session))
    assert outlived.call("DELETE", f"/api/sessions/{session}").status_code == 204
    outlived.kill()
    assert not gone(pid), "it resists, and its server is gone"
    outlived.start()
    assert outlived.call("GET", f"/api/sessions/{session}").status_code == 404
    await until(lambda: gone(pid), "its end")


async def test_P5_the_worker_and_the_server_are_killed_together(outlived: Server, tmp_path: Path) -> None:
    project = outlived.project(tmp_path / "work")
    session = outlived.session(project, "sh", "-c", COUNTING)
    outlived.focus(project, session)
    async with connected(outlived, project) as client:
        for _ in range(2):
            await asyncio.sleep(0.3)
            for worker in workers(outlived):
                os.kill(worker, signal.SIGSEGV)
            await asyncio.to_thread(outlived.kill)
            await asyncio.to_thread(outlived.start)
            await until(lambda: client.connected, "the connection")
        await asyncio.sleep(0.3)
        seen = numbers(client, session)
        assert seen == list(range(seen[0], seen[-1] + 1))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
async def test_case_hardening_L2_no_screen_worker_is_left_to_write_into_the_next_ones_checkpoint(
    outlived: Server, tmp_path: Path
) -> None:
    """Of a server that was killed, on a machine where its worker has no turn meanwhile."""
    session = outlived.session(outlived.project(tmp_path / "work"), "cat")
    (worker,) = workers(outlived)
    assert outlived.call("GET", f"/api/sessions/{session}/screen").status_code == 200, "it has begun"
    os.kill(worker, signal.SIGSTOP)
    await asyncio.to_thread(outlived.kill)
    try:
        await until(lambda: gone(worker), "its end")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def workers(server: Server) -> list[int]:
    """Its screen workers."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [int(one) for one in children if "screen.worker" in Path(f"/proc/{one}/cmdline").read_text()]


async def test_P5_a_killed_holder_is_told_and_nothing_hangs(outlived: Server, tmp_path: Path) -> None:
    project = outlived.project(tmp_path / "work")
    session = outlived.session(project, "sh", "-c", ECHOING, name="echo")
    holder = look(outlived.data_dir)
    assert holder is not None
    # While the server lives it has the terminals, and another holder takes them.
    os.kill(holder["pid"], signal.SIGKILL)
    await until(lambda: (look(outlived.data_dir) or {}).get("pid") not in (None, holder["pid"]), "another holder")
    await until(lambda: (look(outlived.data_dir) or {}).get("running") == 1, "it has the program")
    assert outlived.call("GET", f"/api/sessions/{session}").json()["status"] == "running"
    # While nobody else has them, its programs end with it.
    outlived.kill()
    second = look(outlived.data_dir)
    assert second is not None
    os.kill(second["pid"], signal.SIGKILL)
    await until(lambda: gone(second["pid"]), "its end")
    outlived.start()
    found = outlived.call("GET", f"/api/sessions/{session}").json()
    assert (found["status"], found["attention"]["state"], found["name"]) == ("lost", "lost", "echo")
    answer = outlived.call("POST", f"/api/sessions/{session}/restart")
    assert answer.status_code == 200
    assert answer.json()["status"] == "running"


async def test_P5_after_a_reboot_sessions_are_lost_with_their_last_screen_and_start_again(
    outlived: Server, tmp_path: Path
) -> None:
    project = outlived.project(tmp_path / "work")
    script = r"printf '\033]0;its title\007\033[31mred words\033[m\r\n'; exec cat"
    session = outlived.session(project, "sh", "-c", script, name="agent")
    outlived.focus(project, session)
    await until(lambda: "red words" in shown(outlived, session), "the words")
    await until(lambda: outlived.call("GET", f"/api/sessions/{session}").json()["title"], "the title")
    # What a reboot does: a clean stop, then everything is gone.
    outlived.end()
    outlived.start()
    found = outlived.call("GET", f"/api/sessions/{session}").json()
    assert (found["status"], found["name"], found["title"]) == ("lost", "agent", "its title")
    assert found["command"][:2] == ["sh", "-c"]
    screen = outlived.call("GET", f"/api/sessions/{session}/screen?format=json").json()
    runs = [run for line in screen["lines"] for run in line]
    assert any("red words" in run["text"] and run.get("fg") for run in runs)
    assert outlived.call("GET", f"/api/terminal/focus?projectId={project}").json()["focusedSessions"] == [session]
    answer = outlived.call("POST", f"/api/sessions/{session}/input", {"data": "x"})
    assert answer.json()["code"] == "session_ended"
    assert outlived.call("POST", f"/api/sessions/{session}/restart").json()["status"] == "running"
    await until(lambda: "red words" in shown(outlived, session), "it again")
    outlived.call("DELETE", f"/api/sessions/{session}")


async def test_P5_a_lost_session_of_a_profile_with_a_resume_command_runs_that(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "termwall.toml").write_text(
        '[profiles.agent]\ncommand = ["sh", "-c", "echo began; exec cat"]\n'
        'resume = ["sh", "-c", "echo resumed; exec cat"]\n'
    )
    server = Server(data).start()
    try:
        project = server.project(tmp_path / "work")
        session = server.session(project, type="agent")
        await until(lambda: "began" in shown(server, session), "the beginning")
        server.end()
        server.start()
        server.call("POST", f"/api/sessions/{session}/restart")
        await until(lambda: "resumed" in shown(server, session), "the resume")
        # Once it runs, a restart is a restart.
        server.call("POST", f"/api/sessions/{session}/restart")
        await until(lambda: "began" in shown(server, session), "the beginning")
    finally:
        server.end()


async def test_P5_where_nothing_runs_nothing_stays_behind(outlived: Server, tmp_path: Path) -> None:
    project = outlived.project(tmp_path / "work")
    session = outlived.session(project, "sh", "-c", "echo the end; exit 4")
    await until(lambda: outlived.call("GET", f"/api/sessions/{session}").json()["status"] == "exited", "its end")
    holder = look(outlived.data_dir)
    assert holder is not None
    outlived.stop()
    await until(lambda: look(outlived.data_dir) is None, "the holder's end")
    assert find_running(outlived.data_dir) is None
    outlived.start()
    found = outlived.call("GET", f"/api/sessions/{session}").json()
    assert (found["status"], found["exitCode"]) == ("exited", 4)
    assert "the end" in shown(outlived, session)


async def test_case_house_16_an_added_osc_field_survives_a_restart_by_itself(outlived: Server, tmp_path: Path) -> None:
    # `shellCommand` stands in core/osc.py, core/session/facts.py and protocol/messages.py, and nowhere else.
    project = outlived.project(tmp_path / "work")
    says = r"printf '\033]633;E;make test\\x3b echo\007\033]133;C\007\033]133;D;2\007'; exec cat"
    session = outlived.session(project, "sh", "-c", says)

    def known() -> tuple[Any, Any]:
        found = outlived.call("GET", f"/api/sessions/{session}").json()
        return found["shellCommand"], (found["mark"] or {}).get("exitCode")

    await until(lambda: known() == ("make test; echo", 2), "its command line")
    outlived.stop()
    outlived.start()
    assert known() == ("make test; echo", 2), "at once, from what was noted"
    outlived.kill()
    outlived.start()
    await until(lambda: known() == ("make test; echo", 2), "it again, from the note or from the output")


async def test_P5_programs_end_with_a_server_that_was_told_so(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--no-outlive").start()
    project = server.project(tmp_path / "work")
    session = server.session(project, "sh", "-c", "echo $$; exec cat")
    await until(lambda: shown(server, session).strip(), "its id")
    pid = int(shown(server, session).split()[0])
    assert look(server.data_dir) is None
    assert server.stop() == 0
    await until(lambda: gone(pid), "the program's end")


async def test_P5_an_upgrade_that_replaces_every_file_touches_no_program(tmp_path: Path) -> None:
    """Two installed versions: the first is gone, with all its files, before the second starts."""
    source = Path(__file__).parents[1] / "src" / "termwall"
    first, second = tmp_path / "first", tmp_path / "second"
    for place, version in ((first, "1"), (second, "2")):
        shutil.copytree(source, place / "termwall", ignore=shutil.ignore_patterns("__pycache__", "static"))
        (place / f"termwall-{version}.dist-info").mkdir()
        (place / f"termwall-{version}.dist-info" / "METADATA").write_text(f"Name: termwall\nVersion: {version}\n")
    server = Server(tmp_path / "data", env={"PYTHONPATH": str(first)})
    await asyncio.to_thread(server.start)
    try:
        project = server.project(tmp_path / "work")
        session = server.session(project, "sh", "-c", ECHOING)
        server.focus(project, session)
        async with connected(server, project) as client:
            await client.type(session, "before ")
            await until(lambda: b"before " in client.output[session], "the echo")
            assert server.call("GET", "/api/health").json()["version"] == "1"
            assert await asyncio.to_thread(server.stop) == 0
            shutil.rmtree(first)
            server.env["PYTHONPATH"] = str(second)
            await asyncio.to_thread(server.start)
            assert server.call("GET", "/api/health").json()["version"] == "2"
            await client.type(session, "after ")
            await until(lambda: b"after " in client.output[session], "the echo")
            assert not client.jumps
        # What the new version asks of the old holder works: another program, and the end of all.
        again = server.session(project, "sh", "-c", "echo READY; exec cat")
        await until(lambda: "READY" in shown(server, again), "a program that the old holder started")
    finally:
        await asyncio.to_thread(server.end)
    assert not server.tracebacks(), server.tracebacks()


async def test_P5_a_recording_goes_on_over_a_kill_without_a_gap(outlived: Server, tmp_path: Path) -> None:
    project = outlived.project(tmp_path / "work")
    session = outlived.session(project, "sh", "-c", "stty -echo; read x; " + COUNTING.removeprefix("stty -echo; "))
    made = outlived.call("POST", f"/api/sessions/{session}/recording").json()["id"]
    cast = f"/api/recordings/{made}/cast"
    await until(lambda: outlived.call("GET", cast).status_code == 200, "the first picture")
    outlived.call("POST", f"/api/sessions/{session}/input", {"data": "\n"})
    for pause in (0.0, 1.6):
        await asyncio.sleep(0.7)
        await asyncio.to_thread(outlived.kill)
        await asyncio.sleep(pause)
        await asyncio.to_thread(outlived.start)
    await asyncio.sleep(0.3)
    assert outlived.call("GET", f"/api/sessions/{session}").json()["recording"] == made
    ended = outlived.call("DELETE", f"/api/sessions/{session}/recording").json()
    assert (ended["error"], ended["parts"]) == (None, 1)
    lines = outlived.call("GET", cast).text.splitlines()
    events = [json.loads(line) for line in lines[1:]]
    assert [event[0] for event in events] == sorted(event[0] for event in events)
    text = "".join(event[2] for event in events if event[1] == "o")
    seen = [int(number) for number in re.findall(r"line (\d+) of a program that must not miss one\r\n", text)]
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) > 1000
    assert not [event for event in events if event[1] == "m"]

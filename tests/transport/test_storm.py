"""Many real WebSocket clients against a real server, with random commands and conflicts: one truth for all (F1-F8)."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.support.server import Server

CLIENTS = 24
COMMANDS = 40
"""Commands of each client."""


async def listen(ws: ClientConnection, heard: list[dict[str, Any]], answered: set[str]) -> None:
    """Keeps what is about the stage, and which commands were answered."""
    async for data in ws:
        if isinstance(data, str):
            message = json.loads(data)
            if "requestId" in message:
                answered.add(message["requestId"])
            if message["type"] in ("connection_status", "focus_update", "error"):
                heard.append(message)


async def test_F8_all_clients_of_a_storm_see_the_same_contiguous_versions(server: Server, tmp_path: Path) -> None:
    project = server.project(tmp_path / "work")
    ids = [server.session(project, "sleep", "600") for _ in range(7)]
    seed = random.Random(20261123)
    heard: list[list[dict[str, Any]]] = [[] for _ in range(CLIENTS)]
    headers = {"Authorization": f"Bearer {server.token}"}
    sockets = []
    for number in range(CLIENTS):
        own = f"&sessionId={ids[number % 7]}" if number % 4 == 0 else ""
        url = f"ws://127.0.0.1:{server.port}/ws/terminal?projectId={project}&clientId=c{number}{own}"
        sockets.append(await connect(url, additional_headers=headers, compression=None, proxy=None, max_size=None))
    answered: list[set[str]] = [set() for _ in range(CLIENTS)]
    listeners = [asyncio.create_task(listen(ws, heard[n], answered[n])) for n, ws in enumerate(sockets)]

    async def storm(number: int) -> None:
        ws = sockets[number]
        for count in range(COMMANDS):
            known = max((m["version"] for m in heard[number] if "version" in m), default=0)
            message: dict[str, Any] = {"type": seed.choice(["focus", "blur"]), "requestId": str(count)}
            if number % 4 == 0:
                message["sessionId"] = ids[number % 7]
            elif seed.random() < 0.3:
                message["sessionIds"] = seed.sample(ids, seed.randrange(5))
            else:
                message["sessionId"] = seed.choice(ids)
            if seed.random() < 0.5:
                message["expectedVersion"] = max(0, known - seed.choice([0, 0, 1]))
            await ws.send(json.dumps(message))
            await asyncio.sleep(seed.random() * 0.02)
        async with asyncio.timeout(60):  # Else what is asked for next may not be the last version.
            while len(answered[number]) < COMMANDS:
                await asyncio.sleep(0.01)

    await asyncio.gather(*(storm(number) for number in range(CLIENTS)))
    final = await asyncio.to_thread(lambda: server.call("GET", f"/api/terminal/focus?projectId={project}").json())
    async with asyncio.timeout(10):
        for mine in heard:
            while max(m["version"] for m in mine if "version" in m) < final["version"]:
                await asyncio.sleep(0.01)
    for ws in sockets:
        await ws.close()
    await asyncio.gather(*listeners)

    truth: dict[int, list[str]] = {}
    conflicts = 0
    for mine in heard:
        states = [m for m in mine if m["type"] != "error"]
        versions = [m["version"] for m in states]
        assert versions == list(range(versions[0], final["version"] + 1)), "contiguous, each once"
        for message in states:
            assert truth.setdefault(message["version"], message["focusedSessions"]) == message["focusedSessions"]
            assert len(message["focusedSessions"]) <= 4
        errors = [m for m in mine if m["type"] == "error"]
        assert {m["code"] for m in errors} <= {"version_conflict"}
        assert all(truth[m["version"]] == m["focusedSessions"] for m in errors), "a conflict has the whole state"
        conflicts += len(errors)
    assert truth[final["version"]] == final["focusedSessions"]
    assert final["version"] > 100
    assert conflicts > 10

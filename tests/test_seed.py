"""A client that knows only the seed's messages, byte for byte as in its listings, over a real socket (W2, W7)."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.support.server import Server


class SeedClient:
    """The seed's XTermViewV2 without its terminal: what it keeps of what it hears."""

    def __init__(self, ws: ClientConnection) -> None:
        self.ws = ws
        self.screen = ""
        self.status = "connecting"
        self.focused: list[str] = []
        self.version = -1
        self.heartbeats = 0
        self.syncs = 0
        self.errors: list[str] = []

    def hear(self, data: str | bytes) -> None:
        """`handleWebSocketMessage`, with the fields that it reads; types it does not know are only warned about."""
        assert isinstance(data, str), "the seed's client knows no binary frames"
        message: dict[str, Any] = json.loads(data)
        assert isinstance(message["timestamp"], int | float)
        match message["type"]:
            case "stream":
                assert isinstance(message["data"], str)
                self.screen += message["data"]
            case "focus_update":
                assert message["totalFocused"] == len(message["focusedSessions"])
                assert message["maxFocused"] == 4
                assert message["projectId"] == "wall"
                assert isinstance(message["focused"], bool)
                self.keep(message)
            case "connection_status":
                assert message["sessionId"] == "a"
                self.status = message["status"]
                if message.get("focusedSessions") is not None:
                    self.keep(message)
            case "sync_complete":
                assert message["sessionId"] == "a"
                self.syncs += 1
                self.keep(message)
            case "heartbeat":
                assert message["sessionId"] == "a"
                self.heartbeats += 1
            case "error":
                assert isinstance(message["data"], str)
                self.errors.append(message["data"])

    def keep(self, message: dict[str, Any]) -> None:
        """`onFocusUpdate(focusedSessions, version)`."""
        self.focused, self.version = message["focusedSessions"], message["version"]

    async def until(self, condition: Any) -> None:
        """Listens until the condition holds."""
        async with asyncio.timeout(10):
            while not condition():
                self.hear(await self.ws.recv())


@pytest.mark.parametrize("both", [False, True], ids=["one socket", "a second tab"])
async def test_W2_a_client_written_from_the_seed_works_unchanged(server: Server, tmp_path: Any, both: bool) -> None:
    server.project(tmp_path / "work", id="wall")
    for session in ("a", "b"):
        server.session("wall", "sh", "-c", "echo READY; while read x; do echo got $x; stty size; done", id=session)
    url = f"ws://127.0.0.1:{server.port}/ws/terminal?projectId=wall&sessionId=a"
    options: Any = {"additional_headers": {"Authorization": f"Bearer {server.token}"}, "proxy": None}
    async with connect(url, **options) as ws:
        client = SeedClient(ws)
        await client.until(lambda: client.status == "connected")
        assert (client.focused, client.version) == ([], 0)
        if both:  # The seed's server gave the second socket the first one's place.
            other = await connect(url, **options)
            await other.close()
        await ws.send('{"type":"sync_request","sessionId":"a","timestamp":1700000000000}')
        await client.until(lambda: client.syncs == 1)
        await ws.send('{"type":"focus","sessionId":"a"}')
        await client.until(lambda: client.focused == ["a"] and client.version == 1)
        await client.until(lambda: "READY" in client.screen)
        await ws.send('{"type":"resize","sessionId":"a","data":{"cols":100,"rows":30}}')
        await ws.send('{"type":"input","sessionId":"a","data":"hello\\r"}')
        await client.until(lambda: "got hello" in client.screen and "30 100" in client.screen)
        await ws.send('{"type":"heartbeat","sessionId":"a","timestamp":1700000000000}')
        await client.until(lambda: client.heartbeats == 1)
        # The container's PUT, with the version it knows; then once more, which must conflict.
        body = {"sessionId": "b", "projectId": "wall", "focused": True, "expectedVersion": client.version}
        assert server.call("PUT", "/api/terminal/focus", body).json()["success"] is True
        answer = server.call("PUT", "/api/terminal/focus", {**body, "sessionId": "a", "focused": False})
        assert answer.json()["success"] is False
        assert isinstance(answer.json()["error"], str)
        await client.until(lambda: client.focused == ["a", "b"] and client.version == 2)
        await ws.send('{"type":"blur","sessionId":"a","projectId":"wall","expectedVersion":2,"timestamp":1}')
        await client.until(lambda: client.focused == ["b"] and client.version == 3)
        await ws.send('{"type":"focus","sessionId":"a","projectId":"wall","expectedVersion":1,"timestamp":1}')
        await client.until(lambda: client.errors)
        assert client.version == 3

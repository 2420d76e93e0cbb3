"""A client as good as the page's: it reconnects, goes on by `epoch:offset`, and sends again what was not acknowledged.

It keeps all output of its sessions and lets nothing pass: a byte that is missing or comes twice fails the test.
"""

import asyncio
import contextlib
import json
from collections import defaultdict
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

RETRY_SECONDS = 0.05
ACK_BYTES = 8 << 10
"""Of output between two acks: older versions refuse more than 1,000 messages in a second."""


class Reached(Protocol):
    """Where a server is, and the token for it."""

    base: str
    token: str


class Client:
    """One client of one project. `run` until cancelled."""

    def __init__(self, server: Reached, project: str, name: str = "robot") -> None:
        self._server = server
        self._project = project
        self._name = name
        self.output: defaultdict[str, bytearray] = defaultdict(bytearray)
        """The bytes of the log that came."""
        self.pictures: dict[str, bytes] = {}
        """The last snapshot of each session."""
        self.places: dict[str, tuple[str, int]] = {}
        """Epoch and offset of each session."""
        self.jumps: list[tuple[str, str]] = []
        """Of each stream that did not go on where it was: (session, how that was told)."""
        self._announced: set[str] = set()
        """Sessions whose snapshot was told in `sync_complete` and has not come yet."""
        self.statuses: list[dict[str, Any]] = []
        self.closes: list[int] = []
        self.stage: tuple[int, list[str]] = (0, [])
        """The newest version of the stage, and what is on it."""
        self.stages: dict[int, list[str]] = {}
        """All versions that it was told."""
        self.refused: list[str] = []
        """What was typed and was told not to have been."""
        self._sent: list[tuple[str, int, str]] = []
        self._acked: dict[str, int] = {}
        self._seq: dict[str, int] = {}
        self._ws: ClientConnection | None = None
        self._failed: Exception | None = None

    @property
    def connected(self) -> bool:
        """Whether it is in sync at the moment."""
        return self._ws is not None

    @property
    def unacknowledged(self) -> int:
        """How many inputs the server has not taken yet."""
        return len(self._sent)

    def describe(self) -> str:
        """For messages of failures."""
        state = f"connected {self.connected}, not acknowledged {self._sent[:5]}, closed {self.closes}"
        return f"{self._name}: {state}, failed: {self._failed!r}"

    async def type(self, session: str, text: str) -> None:
        """Type; if the connection is away, as soon as it is back."""
        seq = self._seq[session] = self._seq.get(session, 0) + 1
        self._sent.append((session, seq, text))
        if self._ws is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._input(self._ws, session, seq, text)

    async def run(self) -> None:
        """Stay connected."""
        while True:
            query = f"projectId={self._project}&clientId={self._name}&resume=1"
            url = f"{self._server.base.replace('http', 'ws', 1)}/ws/terminal?{query}"
            try:
                async with connect(
                    url,
                    additional_headers={"Authorization": f"Bearer {self._server.token}"},
                    subprotocols=["termwall.v1"],  # type: ignore[list-item]
                    compression=None,
                    proxy=None,
                    max_size=None,
                    open_timeout=5,
                ) as ws:
                    await self._talk(ws)
            except (OSError, InvalidHandshake, ConnectionClosed, EOFError, TimeoutError):
                pass
            except Exception as error:
                self._failed = error
                raise
            finally:
                if self._ws is not None:
                    self.closes.append(self._ws.close_code or 0)
                self._ws = None
            await asyncio.sleep(RETRY_SECONDS)

    async def _talk(self, ws: ClientConnection) -> None:
        self._announced.clear()
        offsets = {name: {"epoch": epoch, "offset": offset} for name, (epoch, offset) in self.places.items()}
        await ws.send(json.dumps({"type": "sync_request", "offsets": offsets}))
        async for data in ws:
            if isinstance(data, bytes):
                await self._frame(ws, data)
            else:
                await self._message(ws, json.loads(data))

    async def _message(self, ws: ClientConnection, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_status":
                self.statuses.append(message)
                self._staged(message)
                epochs = {one["id"]: one["epoch"] for one in message.get("sessions") or ()}
                for name, epoch in epochs.items():
                    kept, offset = self.places.get(name, (epoch, 0))
                    self.places[name] = (epoch, offset if kept == epoch else 0)
            case "sync_complete":
                self._staged(message)
                for name, stream in (message.get("streams") or {}).items():
                    if stream["resume"] != "exact":
                        self._jumped(name, stream["resume"])
                        self._announced.add(name)
                self._ws = ws
                for session, seq, text in tuple(self._sent):
                    await self._input(ws, session, seq, text)
            case "focus_update":
                assert message["version"] == self.stage[0] + 1, f"{self.stage} is followed by {message}"
                self._staged(message)
            case "input_ack":
                session, seq = message["sessionId"], message["seq"]
                self._sent = [one for one in self._sent if one[0] != session or one[1] > seq]
            case "error" if message["code"] == "engine_away" and message.get("sessionId"):
                lost = [one for one in self._sent if one[0] == message["sessionId"]]
                self.refused += [text for _, _, text in lost]
                self._sent = [one for one in self._sent if one not in lost]
            case "error" if message["code"] == "input_gap":
                await self._renumber(ws, message["sessionId"], message["expected"])
            case "error":
                raise AssertionError(message)

    def _staged(self, message: dict[str, Any]) -> None:
        version, sessions = message["version"], message["focusedSessions"]
        assert version >= self.stage[0], f"{self.stage} is followed by {message}"
        assert self.stages.setdefault(version, sessions) == sessions, f"another stage of version {version}"
        self.stage = version, sessions

    async def _renumber(self, ws: ClientConnection, session: str, expected: int) -> None:
        """What came before was refused: number anew what was typed since, once for each gap."""
        since = [one for one in self._sent if one[0] == session]
        if since and since[0][1] == expected:
            return
        numbered = [(session, expected + index, text) for index, (_, _, text) in enumerate(since)]
        self._sent = [one for one in self._sent if one[0] != session] + numbered
        self._seq[session] = expected + len(numbered) - 1
        for _, seq, text in numbered:
            await self._input(ws, session, seq, text)

    async def _frame(self, ws: ClientConnection, data: bytes) -> None:
        start = 2 + data[1]
        name = data[2:start].decode()
        offset = int.from_bytes(data[start : start + 8], "big")
        epoch, place = self.places[name]
        if data[0] == 2:
            if name in self.pictures and name not in self._announced:
                self._jumped(name, "snapshot")
            self._announced.discard(name)
            self._pictured(name, offset, data[start + 13 :])
        else:
            payload = data[start + 8 :]
            assert offset - len(payload) == place, f"{name}: {place} is followed by {offset - len(payload)}"
            self._took(name, place, payload)
        self.places[name] = epoch, offset
        if data[0] == 2 or not 0 <= offset - self._acked.get(name, 0) < ACK_BYTES:
            self._acked[name] = offset
            await self._ack(ws, name, offset)

    def _jumped(self, name: str, how: str) -> None:
        """A stream does not go on where it was; `places` has where that is."""
        self.jumps.append((name, how))

    def _pictured(self, name: str, offset: int, picture: bytes) -> None:
        """A snapshot came."""
        self.pictures[name] = picture

    def _took(self, name: str, offset: int, payload: bytes) -> None:
        """The bytes of the log from an offset came."""
        self.output[name] += payload

    async def _ack(self, ws: ClientConnection, name: str, offset: int) -> None:
        await ws.send(json.dumps({"type": "ack", "sessionId": name, "offset": offset}))

    async def _input(self, ws: ClientConnection, session: str, seq: int, text: str) -> None:
        await ws.send(json.dumps({"type": "input", "sessionId": session, "data": text, "seq": seq}))

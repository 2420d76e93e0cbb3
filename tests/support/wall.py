"""A whole service in the test's own loop, and connections to it without a network: real parts, with dials.

A `Line` is an outlet as good as a socket: it takes messages, can be made full, and closes.
"""

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

from termwall.core.clients import bound
from termwall.core.ids import SessionId
from termwall.core.limits import Bounds
from termwall.hub.connection import Connection
from termwall.hub.hello import Hello
from termwall.hub.profiles import ProfileSpec
from termwall.hub.service import TerminalService
from termwall.protocol.bodies import SessionCreate
from termwall.screen.screens import Screens
from termwall.store.projects import Store
from tests.support.patience import at_once, until

_ids = itertools.count()
"""Ids are never the same twice, as a real server's."""


class Line:
    """What one client receives, and what it may send."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.output: dict[str, bytearray] = {}
        self.offsets: dict[str, int] = {}
        self.ended: tuple[int, str] | None = None
        self.full = False
        self.connection: Connection | None = None
        self.reads = True

    # ---- the outlet

    @property
    def unsent(self) -> int:
        """As much as fills any window, or nothing: the test's dial."""
        return 1 << 30 if self.full == "stuffed" else 1 << 20 if self.full else 0

    def send_text(self, data: bytes) -> None:
        """A text message."""
        message = json.loads(data)
        if message["type"] == "stream":
            self._take(message["sessionId"], message["offset"], message["data"].encode(), message.get("snapshot"))
        self.messages.append(message)

    def send_binary(self, data: bytes) -> None:
        """A binary message."""
        start = 2 + data[1]
        name = data[2:start].decode()
        offset = int.from_bytes(data[start : start + 8], "big")
        snapshot = data[0] == 2
        payload = data[start + (13 if snapshot else 8) :]
        message = {"type": "frame", "kind": data[0], "sessionId": name, "offset": offset, "bytes": len(payload)}
        if snapshot:
            message["cols"] = int.from_bytes(data[start + 8 : start + 10], "big")
            message["rows"] = int.from_bytes(data[start + 10 : start + 12], "big")
            message["reason"] = data[start + 12]
        self.messages.append(message)
        self._take(name, offset, payload, snapshot)

    def _take(self, name: str, offset: int, payload: bytes, snapshot: object) -> None:
        if snapshot:
            assert payload.startswith(b"\x1bc"), "a snapshot begins by resetting the terminal (S4)"
            self.output[name] = bytearray(payload[2:])
            self.offsets[name] = offset
            return
        if "\ufffd".encode() not in payload:  # Its three bytes stand for one byte of the log.
            assert offset - len(payload) == self.offsets[name], "a byte is missing or doubled (S3)"
        self.output[name] += payload
        self.offsets[name] = offset

    def read(self, wanted: bool) -> None:
        """Whether anything is to be read."""
        self.reads = wanted

    def close(self, code: int, reason: str) -> None:
        """The end."""
        self.ended = (int(code), reason)

    # ---- the client

    def say(self, type: str, **fields: Any) -> None:
        """Send a message."""
        assert self.connection is not None
        self.connection.received(json.dumps({"type": type, **fields}))

    def of(self, type: str) -> list[dict[str, Any]]:
        """All messages of a type so far."""
        return [message for message in self.messages if message["type"] == type]

    def last(self, type: str, field: str | None = None) -> dict[str, Any]:
        """The newest message of a type; the newest that says this: another change of a session may come any moment."""
        return [one for one in self.of(type) if field is None or field in one][-1]

    def text(self, session_id: str) -> str:
        """A session's output since its last snapshot."""
        return bytes(self.output.get(session_id, b"")).decode("utf-8", "replace")

    async def sees(self, session_id: str, text: str) -> None:
        """Waits for output."""
        await until(lambda: text in self.text(session_id), lambda: f"{text!r} in {self.text(session_id)[-200:]!r}")

    def leave(self) -> None:
        """The socket is gone."""
        assert self.connection is not None
        self.connection.closed()


class Wall:
    """A service with one project, `wall`, in a folder of its own. `drawn`: with a screen worker."""

    def __init__(
        self,
        folder: Path,
        *,
        store: Store | None = None,
        drawn: bool = False,
        programs: Any = None,
        recordings: Path | None = None,
        project: bool = True,
        **bounds: Any,
    ) -> None:
        self.folder = folder
        limits = Bounds(**bounds)
        screens = Screens(scrollback=limits.scrollback_lines, clipboard=limits.clipboard_bytes) if drawn else None
        self.screens = screens
        self.service = TerminalService(
            bounds=Bounds(**bounds),
            store=store,
            profiles={"system": ProfileSpec("Shell", ("sh",)), "cat": ProfileSpec("Cat", ("cat",))},
            clock=lambda: int(asyncio.get_running_loop().time() * 1000),
            new_id=lambda: f"id{next(_ids)}",
            screens=self.screens,
            programs=programs,
            recordings=recordings,
        )
        if project and not self.service.list_projects():
            self.service.create_project(path=str(folder), id="wall", name="wall")

    def session(self, id: str, *command: str, project: str = "wall", **fields: Any) -> str:
        """A new session; `cat` unless told otherwise."""
        return at_once(self.start(id, *command, project=project, **fields))

    async def start(self, id: str, *command: str, project: str = "wall", **fields: Any) -> str:
        """The same where programs run in a holder."""
        request = SessionCreate(id=id, command=list(command) or ["cat"], **fields)
        return (await self.service.create_session(project, request)).id

    def line(
        self,
        client: str = "",
        *,
        session: str | None = None,
        binary: bool = True,
        resume: bool = False,
        role: Any = "own",
        project: str = "wall",
        inside: str | None = None,
        token: str | None = None,
        only_project: str | None = None,
    ) -> Line:
        """A new connection; `token`: the id of a token given to somebody."""
        line = Line()
        hello = Hello(
            client_id=bound(client or self.service.new_id(), token),
            token_id=token,
            only_project=only_project,
            session_id=None if session is None else SessionId(session),
            resume=resume,
            binary=binary,
            role=role,
            inside=None if inside is None else SessionId(inside),
        )
        line.connection = self.service.connect(project, hello, line)
        return line

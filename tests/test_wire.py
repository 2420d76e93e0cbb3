"""The server's side of the golden conversations (tests/wire/README.md): a client's part is played to a real server."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from termwall.core.ids import ClientId
from termwall.hub.connection import Connection
from termwall.hub.hello import Hello
from tests.support.wall import Wall, until

CONVERSATIONS = sorted((Path(__file__).parent / "wire").glob("*.json"))
NOT_COMPARED = {"timestamp", "createdAt", "lastActivity", "since", "latency"}
ANY_TIME = {"type", "sessionId", "projectId", "timestamp", "attention", "lastActivity", "title", "status"}
STREAM_KIND = 1


class Tape:
    """An outlet that keeps what it is given, in order."""

    unsent = 0

    def __init__(self) -> None:
        self.said: list[dict[str, Any] | bytes] = []

    def send_text(self, data: bytes) -> None:
        """A text message; those that may come at any time are left out."""
        message = json.loads(data)
        if message["type"] != "session_update" or not message.keys() <= ANY_TIME:
            self.said.append(message)

    def send_binary(self, data: bytes) -> None:
        """A frame; output that goes on is one frame, however it was cut."""
        head = 10 + data[1]
        last = self.said[-1] if self.said else None
        if isinstance(last, bytes) and data[0] == last[0] == STREAM_KIND and data[1 : head - 8] == last[1 : head - 8]:
            self.said[-1] = data[:head] + last[head:] + data[head:]
        else:
            self.said.append(bytes(data))

    def read(self, wanted: bool) -> None:
        """Whether anything is to be read."""
        self.reads = wanted

    def close(self, code: int, reason: str) -> None:
        """The server ended it."""
        self.said.append({"type": "closed", "code": int(code)})


class Play:
    """One conversation with a service."""

    def __init__(self, wall: Wall, folder: Path, conversation: dict[str, Any]) -> None:
        self.wall = wall
        self.folder = folder
        self.names: dict[str, str] = {}
        self.tape = Tape()
        self.connection: Connection | None = None
        for session in conversation["sessions"]:
            pipe = folder / session
            os.mkfifo(pipe)
            wall.session(session, "sh", "-c", f"stty raw -echo; exec cat '{pipe}'", name=session)
        for session in conversation["focused"]:
            wall.service.room("wall").focus(session, None, lambda result: None)
        # Opened after stty, because both ends wait for each other: what is printed comes out as it is.
        self.programs = {session: os.open(folder / session, os.O_WRONLY) for session in conversation["sessions"]}

    async def step(self, step: dict[str, Any]) -> None:
        """One step of the table in tests/wire/README.md."""
        match step:
            case {"connect": query}:
                self.tape = Tape()
                hello = Hello(
                    client_id=ClientId(query["clientId"]),
                    session_id=query.get("sessionId"),
                    resume=query.get("resume") == "1",
                    binary=query.get("protocol") == "termwall.v1",
                )
                self.connection = self.wall.service.connect("wall", hello, self.tape)
            case {"from": "client", "text": text}:
                self._connection.received(json.dumps(self._fill(text)))
            case {"from": "client", "hex": frame}:
                self._connection.received(bytes.fromhex(frame), binary=True)
            case {"from": "server", "text": text}:
                said = await until(lambda: self.tape.said and self.tape.said[0], f"{text}")
                assert isinstance(said, dict), f"a frame came before {text}"
                self._compare(text, said, text["type"])
                self.tape.said.pop(0)
            case {"from": "server", "hex": wanted}:
                frame = bytes.fromhex(wanted)
                await until(lambda: self.tape.said and self.tape.said[0] == frame, f"{wanted} in {self.tape.said}")
                self.tape.said.pop(0)
            case {"program": session, "prints": text}:
                os.write(self.programs[session], text.encode())
                ring = self.wall.service._find(session)[1].ring
                end = ring.end + len(text.encode())
                await until(lambda: ring.end >= end, "the output")
            case {"lost": _}:
                self._connection.closed()
            case {"user": _} | {"shows": _}:
                pass  # The client's affair.
            case _:
                raise AssertionError(f"what is {step}?")

    def close(self) -> None:
        """The programs end."""
        for descriptor in self.programs.values():
            os.close(descriptor)

    @property
    def _connection(self) -> Connection:
        assert self.connection is not None, "a conversation begins with `connect`"
        return self.connection

    def _fill(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._fill(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._fill(one) for one in value]
        return self.names.get(value, value) if isinstance(value, str) else value

    def _compare(self, wanted: Any, said: Any, where: str) -> None:
        if isinstance(wanted, dict):
            assert isinstance(said, dict), where
            for key, value in wanted.items():
                key = self._fill(key)
                assert key in said, f"{where}.{key} is missing"
                if key in NOT_COMPARED:
                    assert isinstance(said[key], int | float), f"{where}.{key}"
                else:
                    self._compare(value, said[key], f"{where}.{key}")
        elif isinstance(wanted, list):
            assert isinstance(said, list), where
            assert len(said) == len(wanted), where
            for index, (one, other) in enumerate(zip(wanted, said, strict=True)):
                self._compare(one, other, f"{where}[{index}]")
        elif isinstance(wanted, str) and wanted.startswith("$"):
            assert self.names.setdefault(wanted, said) == said, where
        else:
            assert wanted == said, where


@pytest.mark.parametrize("path", CONVERSATIONS, ids=lambda path: path.stem)
async def test_W7_the_server_keeps_to_the_golden_conversation(path: Path, tmp_path: Path) -> None:
    conversation = json.loads(path.read_text())
    wall = Wall(tmp_path)
    try:
        play = Play(wall, tmp_path, conversation)
        try:
            for step in conversation["steps"]:
                await play.step(step)
        finally:
            play.close()
        assert play.tape.said == [], "the server said more"
    finally:
        await wall.service.close()


def test_there_are_conversations() -> None:
    assert len(CONVERSATIONS) >= 6

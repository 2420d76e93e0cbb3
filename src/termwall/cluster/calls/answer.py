"""The answer to a call of another node, on its way there: cut into pieces with credit, after signs of life."""

import asyncio
from contextlib import suppress
from typing import Any

from starlette.types import Message

from termwall.cluster.bus.contract import Bus, BusError
from termwall.cluster.bus.parcel import pack
from termwall.core.errors import ERRORS, ErrorCode
from termwall.protocol.bodies import ErrorAnswer

WORKING_SECONDS = 5.0
"""Between two signs of life of the node that answers."""
TAKEN_SECONDS = 60.0
"""A client that takes nothing of its answer for so long is let go, so that its file is closed here."""
PIECE_BYTES = 64 << 10
SPARE_BYTES = 4096
"""Of a message, for what is said of a piece, and for the answer's headers."""
MOST_PIECES = 8
"""Of one answer that were sent and not taken: 512 KiB, as much as of a session's output."""


class AskerGone(Exception):
    """Nobody takes the answer any more."""


class Answer:
    """One, as what an application sends; no more pieces are under way than its taker has room for."""

    def __init__(self, bus: Bus, gateway: str, id: str) -> None:
        self.gateway = gateway
        self.id = id
        self.ended = asyncio.Event()
        self._bus = bus
        self._status = 500
        self._headers: list[list[str]] = []
        self._sent = self._took = 0
        self._room = asyncio.Event()

    def took(self, pieces: int, ended: bool) -> None:
        """So many pieces were passed on; or nobody takes any more."""
        self._took = max(self._took, pieces)
        if ended:
            self.ended.set()
        self._room.set()

    async def send(self, message: Message) -> None:
        """ASGI's. Raises `AskerGone` and `BusError`."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in message["headers"]]
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        most = min(PIECE_BYTES, self._bus.max_bytes - SPARE_BYTES)
        for begin in range(0, len(body), most):
            end = begin + most
            await self._send(body[begin:end], more or end < len(body))
        if not body and not more:
            await self._send(b"", False)

    async def refuse(self, code: ErrorCode, sentence: str) -> None:
        """The application does not answer, or failed: say so, unless its answer has begun. It raises nothing."""
        if self._sent == 0:
            self._status, self._headers = ERRORS[code].status, [["content-type", "application/json"]]
            with suppress(AskerGone, BusError):
                await self._send(error_body(code, sentence), False)

    async def work(self) -> None:
        """Signs of life until the first piece."""
        while True:
            await asyncio.sleep(WORKING_SECONDS)
            if self._sent or self.ended.is_set():
                return
            with suppress(BusError):
                await self._bus.publish(f"answer.{self.gateway}", pack({"id": self.id}))

    async def _send(self, piece: bytes, more: bool) -> None:
        while self._sent - self._took >= MOST_PIECES and not self.ended.is_set():
            self._room.clear()
            try:
                await asyncio.wait_for(self._room.wait(), TAKEN_SECONDS)
            except TimeoutError:
                raise AskerGone(f"nothing of it was taken for {TAKEN_SECONDS:g} s") from None
        if self.ended.is_set():
            raise AskerGone("its client is gone")
        header: dict[str, Any] = {"id": self.id, "piece": self._sent, "more": more}
        if self._sent == 0:
            header |= {"status": self._status, "headers": self._headers}
        self._sent += 1
        await self._bus.publish(f"answer.{self.gateway}", pack(header, piece))


def error_body(code: ErrorCode, sentence: str) -> bytes:
    """An error as A3 has it."""
    return ErrorAnswer(code=code, error=sentence).model_dump_json(exclude_none=True).encode()

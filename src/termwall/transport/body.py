"""A request's body, which has a size and a time: little of both before sign-in (X4, X8)."""

import asyncio
from collections.abc import Mapping

from starlette.types import Message, Receive

from termwall.core.errors import ErrorCode
from termwall.core.limits import Bounds


class BodyRefused(Exception):
    """The body is over a limit; raised where it is read."""


class LimitedBody:
    """What a request's `receive` becomes.

    Args:
        receive: of the request.
        bounds: the limits.
        stranger: whether nobody is signed in: then the whole body has one deadline, else each of its pieces.
    """

    def __init__(self, receive: Receive, bounds: Bounds, *, stranger: bool) -> None:
        self._receive = receive
        self.most = most_bytes(bounds, stranger=stranger)
        self._seconds = bounds.handshake_seconds if stranger else bounds.body_seconds
        self._until = asyncio.get_running_loop().time() + self._seconds if stranger else None
        self._seen = 0
        self._more = True
        self.refused: tuple[ErrorCode, str] | None = None
        """Why it was not read to its end."""

    async def __call__(self) -> Message:
        """The next message. Raises `BodyRefused`."""
        if not self._more:
            return await self._receive()  # Which waits until the client is gone.
        until = self._until if self._until is not None else asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(until):
                message = await self._receive()
        except TimeoutError:
            raise self._refuse(ErrorCode.BAD_MESSAGE, "The request's body did not arrive in time.") from None
        if message["type"] == "http.request":
            self._more = message.get("more_body", False)
            self._seen += len(message.get("body", b""))
            if self._seen > self.most:
                raise self._refuse(ErrorCode.TOO_LARGE, f"A request may have {self.most} bytes.")
        return message

    def _refuse(self, code: ErrorCode, sentence: str) -> BodyRefused:
        self.refused = code, sentence
        return BodyRefused(sentence)


def most_bytes(bounds: Bounds, *, stranger: bool) -> int:
    """The largest body."""
    return min(bounds.stranger_bytes, bounds.message_bytes) if stranger else bounds.message_bytes


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether a body follows a request's head."""
    return headers.get("content-length", "0") not in ("", "0") or "transfer-encoding" in headers

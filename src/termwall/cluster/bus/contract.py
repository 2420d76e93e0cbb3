"""What a node needs of an engine between the nodes. `nats` is one; the tests have another, within a process.

One suite holds both. The bus never interprets what it carries. Subjects are tokens parted by dots; those that begin
with `document`, `presence` or `who` are the bus's own.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from termwall.core.replica import Document as Document


class BusError(Exception):
    """Something between the nodes failed; the message is a sentence."""


class BusAway(BusError):
    """The engine cannot be reached: nothing was sent."""


class BusFails(BusAway):
    """The engine is reached, and does not do it: it is full, or this node may not. The message says what to do."""


class NobodyThere(BusError):
    """Nobody serves that subject: the request was not handled."""


class NoAnswer(BusError):
    """No answer in time: it may have been handled or not."""


class OutcomeUnknown(BusError):
    """A compare-and-set without an answer: look for its operation id."""


class TooLarge(BusError):
    """More bytes than the engine carries in one message."""


class BusRefused(BusError):
    """The engine will not do: too old, no JetStream, wrong credentials. The message says what to do."""


class Conflict(BusError):
    """Something was stored since the expected version."""

    def __init__(self, current: Document | None) -> None:
        version = current.version if current is not None else 0
        super().__init__(f"The document has changed since: it is at version {version}.")
        self.current = current


@dataclass(frozen=True, slots=True)
class Member:
    """A node that is there."""

    node: str
    run: str
    """The id of one run of the node's process."""
    about: dict[str, Any]


class Subscription(Protocol):
    """Something that goes on until it is ended. The handler is not called any more once `end()` was called."""

    async def end(self) -> None:
        """End it. A second time does nothing."""


class Bus(Protocol):
    """One node's end of the bus. Every handler and callback is called by the event loop, never in a caller's stack."""

    node: str
    max_bytes: int
    """The most bytes of one message; known for sure once it is open."""

    @property
    def up(self) -> bool:
        """Whether the engine is reached at the moment."""

    async def open(self) -> None:
        """Join; to be tried again if it failed. What is heard, served and watched may be set up before.

        Raises:
            BusAway: the engine was not reached in some seconds.
            BusRefused: it was, and will not do, or a node of this name is there.
        """

    async def close(self) -> None:
        """Say goodbye and leave nothing behind. It raises nothing."""

    @property
    def trouble(self) -> str | None:
        """Why the engine does not do its work, where it says so; None while it does, and where it is just away."""

    def on_state(self, callback: Callable[[bool], None]) -> Callable[[], None]:
        """Call back when `up` changes; what is returned ends that."""

    async def publish(self, subject: str, data: bytes) -> None:
        """Send to all subscribers: at most once, first in first out for each publisher and subject.

        Raises:
            BusAway, TooLarge
        """

    async def subscribe(
        self, subject: str, handler: Callable[[str, bytes], None], *, budget: int, lagged: Callable[[], None]
    ) -> Subscription:
        """Hear a subject; `*` stands for one token and `>` for the rest. It goes on by itself after an outage.

        `budget` bytes at most wait for the handler. What comes beyond is dropped, and `lagged()` is called once until
        all that waited was handled.
        """

    async def request(self, subject: str, data: bytes, *, seconds: float) -> bytes:
        """Ask whoever serves the subject.

        Raises:
            BusAway, NobodyThere, NoAnswer, TooLarge
        """

    async def serve(self, subject: str, handler: Callable[[bytes], Awaitable[bytes]]) -> Subscription:
        """Answer the requests of a subject one after the other, in the order they came.

        At most 1024 wait. More are dropped, and so is one whose handler raises: the asker gets NoAnswer. One member
        serves a subject; with several, one of them answers.
        """

    async def get(self, key: str) -> Document | None:
        """The newest version: linearizable, never a stale replica's.

        Raises:
            BusAway, NoAnswer
        """

    async def compare_and_set(self, key: str, expected: Document | None, value: dict[str, Any]) -> Document:
        """Store version `expected.version + 1` (1 for None) if nothing was stored since `expected`.

        Raises:
            Conflict, OutcomeUnknown, BusAway, TooLarge
        """

    async def watch(
        self,
        handler: Callable[[Document], None],
        *,
        ready: Callable[[], None],
        lost: Callable[[], None] = lambda: None,
    ) -> Subscription:
        """Hear of all documents: the newest of each key, then `ready()` once, then every stored version in order.

        An outage loses none while the engine's history (256 versions of a key) reaches back; else the reader sees the
        version jump forward. A version that comes again has another `token`: it was stored twice, the first one counts,
        and the next compare-and-set names the second. Where the engine itself lost what it had stored, `lost()` is
        called first, then the newest of each key that there still is. It may be called before the bus is open.
        """

    def announce(self, about: dict[str, Any]) -> None:
        """What others see in `Member.about` from the next heartbeat on."""

    def members(self) -> dict[str, Member]:
        """Who is there, this node too."""

    def clock(self, node: str) -> float | None:
        """What another node's own clock shows now, in its seconds: never ahead, and late by its newest heartbeat's way.

        None while the node is not heard of.
        """

    def on_member(self, callback: Callable[[Member, bool], None]) -> Callable[[], None]:
        """Call back with who came (True, and again when its `about` changed) and who went (False)."""

"""How much a connection, and all connections of a token together, may send; how much a token may call (L7, X4).

Nothing piles up here. Who has sent too much is not read from until that is paid off: what else it sends waits in its
own socket. What several connections of a token owe together they pay off one after the other, in the order in which
they sent. A call waits in the same way, and is refused where it would have to wait for too long.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from termwall.core.bucket import Allowance, Bucket
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.limits import Bounds
from termwall.hub.turns import Turns
from termwall.protocol import limits, wire

TURN = 10.0
"""What one connection may have handled before the others get a turn: about a millisecond's work."""
PAUSE_SECONDS = 0.01
"""Who owes anything is not read from for so long at least: what waits comes in portions, not with a timer for each."""
PATIENCE_SECONDS = 1.0
"""A call that would have to wait longer is refused: at most so many seconds' calls of a token wait."""
SEARCHES = 2
OPENS_PER_SECOND = 100.0
OPENS_AT_ONCE = 2_000.0
"""Connections of a token: as many come back at once when a server is there again."""
DESCRIBED = 1 / 32
"""Of a connection, for each session that it is sent."""
CALLS_SECONDS = 4.0
"""Of so many seconds a token's calls may come at once."""


@dataclass(slots=True)
class Tally:
    """What all clients of the server sent, and what of that the budgets touched: `/metrics` has it."""

    messages: int = 0
    """Messages and other frames."""
    messages_price: float = 0.0
    """What they counted as."""
    messages_delayed: int = 0
    """How often a connection was not read from, for it or its token owed something."""
    messages_refused: int = 0
    """Messages that got `rate_limited`."""
    calls: int = 0
    calls_delayed: int = 0
    calls_refused: int = 0
    """Calls that got 429."""


class Meter:
    """What one connection sends.

    Args:
        share: what all connections of its token may send together.
        reads: called with False when nothing more is to be read of it, and with True when it may go on.
        tally: where it is counted.
    """

    def __init__(
        self, bounds: Bounds, share: Allowance, reads: Callable[[bool], None], tally: Tally | None = None
    ) -> None:
        self._tally = Tally() if tally is None else tally
        self._loop = asyncio.get_running_loop()
        self._own = Allowance(
            bounds.messages_per_second, bounds.bytes_per_second, bounds.message_bytes, self._loop.time()
        )
        self._share = share
        self._reads = reads
        self._timer: asyncio.Handle | None = None
        self._until = 0.0
        self._spent = 0.0
        """Since the others had a turn."""
        self.paused = False
        """Whether nothing is read of it, for no fault of the other side."""

    def spend(self, messages: float, size: int = 0) -> bool:
        """Something came. False if so much is owed already that it is not to be handled, whatever it costs."""
        now = self._loop.time()
        late = self._own.exhausted(now)
        delay = self._own.spend(messages, size, now)
        shared = self._share.spend(messages, size, now)
        delay = delay if delay > shared else shared
        self._spent += messages
        tally = self._tally
        tally.messages += 1
        tally.messages_price += messages
        tally.messages_refused += late
        if delay:
            delay = delay if delay > PAUSE_SECONDS else PAUSE_SECONDS
            self._until = max(self._until, now + delay)
        if not self.paused and (delay or self._spent >= TURN):
            self.paused = True
            tally.messages_delayed += delay > 0
            self._reads(False)
            self._timer = self._loop.call_later(delay, self._look) if delay else self._loop.call_soon(self._look)
        return not late

    def close(self) -> None:
        """The connection is gone."""
        self.paused = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer, self._spent = None, 0.0
        now = self._loop.time()
        if now < self._until:  # It had sent more by then.
            self._timer = self._loop.call_later(max(self._until - now, PAUSE_SECONDS), self._look)
        else:
            self.paused = False
            self._reads(True)


class Budgets:
    """Of all tokens; the owner's is None. Bounded by the tokens."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.tally = Tally()
        self._shares: dict[str | None, Allowance] = {}
        self._calls: dict[str | None, Bucket] = {}
        self._opens: dict[str | None, Bucket] = {}
        self.turns = Turns()
        """Of calls: not more wait than the budgets of the tokens let through."""
        self.searches = asyncio.Semaphore(SEARCHES)
        """Searches at a time: each reads for seconds, perhaps."""

    def share(self, token_id: str | None) -> Allowance:
        """What all connections of a token may send together."""
        share = self._shares.get(token_id)
        if share is None:
            bounds, now = self._bounds, asyncio.get_running_loop().time()
            rates = bounds.token_messages_per_second, bounds.token_bytes_per_second
            share = self._shares[token_id] = Allowance(*rates, bounds.message_bytes, now)
        return share

    def opens(self, token_id: str | None, sessions: int) -> bool:
        """Whether a token may open one more connection now, which is sent so many sessions."""
        now = asyncio.get_running_loop().time()
        bucket = self._opens.get(token_id)
        if bucket is None:
            bucket = self._opens[token_id] = Bucket(OPENS_PER_SECOND, OPENS_AT_ONCE, now)
        return bucket.take(1 + sessions * DESCRIBED, now)

    async def call(self, token_id: str | None, price: float = 1.0) -> None:
        """A call came: wait for its turn.

        Raises:
            TermwallError: `rate_limited`; too many of the token's calls wait already.
        """
        now = asyncio.get_running_loop().time()
        bucket = self._calls.get(token_id)
        if bucket is None:
            rate = self._bounds.calls_per_second
            bucket = self._calls[token_id] = Bucket(rate, rate * CALLS_SECONDS, now)
        self.tally.calls += 1
        if bucket.wait(now) > PATIENCE_SECONDS:
            self.tally.calls_refused += 1
            most = self._bounds.calls_per_second
            raise TermwallError(
                ErrorCode.RATE_LIMITED,
                f"More than {most} calls a second with this token; this one was not handled. Try again in a second.",
            )
        bucket.spend(price, now)
        if delay := bucket.wait(now):
            self.tally.calls_delayed += 1
            await asyncio.sleep(delay)
        await self.turns.wait()

    def forget(self, token_id: str) -> None:
        """A token was revoked."""
        self._shares.pop(token_id, None)
        self._calls.pop(token_id, None)
        self._opens.pop(token_id, None)


def limits_of(bounds: Bounds) -> limits.Limits:
    """The limits that a connection is sent and has to keep to (W4)."""
    return limits.Limits(
        window=bounds.window_bytes,
        ring=bounds.ring_bytes,
        message_bytes=bounds.message_bytes,
        messages_per_second=bounds.messages_per_second,
        bytes_per_second=bounds.bytes_per_second,
        token_messages_per_second=bounds.token_messages_per_second,
        token_bytes_per_second=bounds.token_bytes_per_second,
        input_bytes=bounds.input_bytes,
        name_length=wire.MAX_NAME,
        sessions=bounds.sessions,
    )

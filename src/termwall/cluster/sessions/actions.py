"""What a node's clients do to other nodes' sessions: each once, in order, or refused with a sentence (I1-I4)."""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from termwall.cluster.bus import chores
from termwall.cluster.bus.chores import Chores
from termwall.cluster.bus.contract import Bus, BusAway, BusError, NobodyThere, TooLarge
from termwall.cluster.bus.parcel import BadParcel, pack, unpack
from termwall.cluster.sessions.distant import DistantSession
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.session.acts import Act, Person, Typed, plain
from termwall.hub.anysession import ActAnswer
from termwall.system import clock

log = logging.getLogger("termwall.cluster")

ANSWER_SECONDS = 2.0
AGAIN_SECONDS = 0.25
"""Until what had no answer is tried again."""
TYPED_SECONDS = 5.0
"""What was typed is tried for so long; then its client is notified, and holds it no longer either (I2)."""
MOST_WAITING = 16_384
"""Actions on one session. More input is refused as more bytes are (X4); of the rest nothing more is done."""
BATCH = 256
"""Actions that go together, as far as they fit into one message."""
SPARE_BYTES = 4096
"""Of a message, for what is said of the batch itself."""
NUMBER_BYTES = 64
"""Of a message, for each action: its number, once it has one, its time, and what stands between two."""

_Outcome = int | TermwallError | None


@dataclass(slots=True)
class _Action:
    header: dict[str, Any]
    data: bytes
    answer: ActAnswer
    unnumbered: bool
    """Input that its client gave no number: it gets one of its line's."""
    until: float
    bytes: int
    """Of a message, at most."""


@dataclass(slots=True)
class _Line:
    """What clients do to one session, in order; there for as long as the session is known."""

    name: str
    """No other line's, nor one's of another run. The session's node counts unnumbered input as this client's."""
    taken: int = 0
    """The last number of unnumbered input that the node took, by what it said last."""
    batch: int = 0
    """The number of the last batch."""
    waiting: deque[_Action] = field(default_factory=deque)
    bytes: int = 0
    carried: bool = False


class Actions:
    """Carries them to the sessions' nodes.

    Args:
        bus: open.
        run: the id of this run of the process.
        most_bytes: of input that waits for one session (X4).
    """

    def __init__(self, bus: Bus, run: str, most_bytes: int) -> None:
        self._bus = bus
        self._run = run
        self._most_bytes = most_bytes
        self._lines: WeakKeyDictionary[DistantSession, _Line] = WeakKeyDictionary()
        self._serials = itertools.count(1)
        self._chores = Chores(log)

    async def close(self) -> None:
        """Carry nothing more."""
        await self._chores.stop()

    def act(
        self,
        session: DistantSession,
        act: Act,
        who: Person,
        answer: ActAnswer,
    ) -> None:
        """Have something done to a session, but not after its `until` on this node's clock (milliseconds)."""
        data, until = (act.data, act.until) if isinstance(act, Typed) else (b"", None)
        line = self._lines.get(session)
        if line is None:
            line = self._lines[session] = _Line(self._new_name())
        if line.bytes + len(data) > self._most_bytes or len(line.waiting) >= MOST_WAITING:
            answer(TermwallError(ErrorCode.INPUT_OVERFLOW, f"`{session.name}` takes no more input at the moment."))
            return
        header = plain(act) | {"client": who.client_id, "name": who.name, "bytes": len(data)}
        if who.theme is not None:
            header["theme"] = who.theme.plain()
        unnumbered = isinstance(act, Typed) and act.seq is None
        if isinstance(act, Typed):
            header["log"] = line.name if unnumbered else who.client_id
        size = len(pack(header)) + NUMBER_BYTES + len(data)
        limit = clock.seconds() + TYPED_SECONDS if until is None else min(clock.seconds() + TYPED_SECONDS, until / 1000)
        line.waiting.append(_Action(header, data, answer, unnumbered, limit, size))
        line.bytes += len(data)
        if not line.carried:
            line.carried = True
            self._chores.start(self._carry(session, line))

    def _new_name(self) -> str:
        return f"{self._bus.node}/{self._run}/{next(self._serials)}"

    async def _carry(self, session: DistantSession, line: _Line) -> None:
        """One batch at a time, and the next one only when it is known what became of it."""
        try:
            while line.waiting:
                batch = self._next_batch(line)
                _settle(line, batch, await self._carry_batch(session, line, batch))
        finally:
            line.carried = False

    def _next_batch(self, line: _Line) -> list[_Action]:
        """What fits into one message. What does not fit even alone goes alone, and is refused by the bus."""
        room = self._bus.max_bytes - SPARE_BYTES
        batch: list[_Action] = []
        number = line.taken
        now = clock.seconds()
        for action in itertools.islice(line.waiting, BATCH):
            room -= action.bytes
            # What was late when it came goes alone: of that the node is only asked whether it has it.
            if batch and (room < 0 or (action.until <= now) != (batch[0].until <= now)):
                break
            if action.unnumbered:
                number += 1
                action.header |= {"log": line.name, "seq": number}
            batch.append(action)
        return batch

    async def _carry_batch(self, session: DistantSession, line: _Line, batch: list[_Action]) -> list[_Outcome]:
        """The same batch again until there is an answer: the node does what comes again no second time."""
        line.batch += 1
        if batch[0].until <= clock.seconds():  # It may have been done, over another connection of its client.
            return await self._resolve(session, line, batch, _late)
        sent = False
        while batch[0].until > clock.seconds():
            try:
                return await self._have_done(session, line, self._limited(session, batch), batch)
            except (BusAway, NobodyThere):
                pass
            except TooLarge as error:
                if not sent:
                    return [TermwallError(ErrorCode.INPUT_OVERFLOW, f"Nothing was typed. {error}")] * len(batch)
                break  # It fitted before: the engine is another one by now.
            except BadParcel as error:
                log.warning("%s", error, extra={"session": session.id, "peer": session.node})
                sent = True
                break  # The same would come again.
            except BusError:
                sent = True
            await asyncio.sleep(AGAIN_SECONDS)
        if sent:
            return await self._resolve(session, line, batch, _not_typed)
        return [_not_typed(session)] * len(batch)

    def _limited(self, session: DistantSession, batch: list[_Action]) -> list[dict[str, Any]]:
        """With the time on its node's clock from which each is not done any more: a node that hangs may get it late."""
        theirs = self._bus.clock(session.node)
        if theirs is None:
            raise NobodyThere(f"Node {session.node} is not heard of.")
        now = clock.seconds()
        return [{**action.header, "until": theirs + action.until - now} for action in batch]

    async def _resolve(
        self,
        session: DistantSession,
        line: _Line,
        batch: list[_Action],
        why_not: Callable[[DistantSession], TermwallError],
    ) -> list[_Outcome]:
        """It took too long to be typed now, but some may have been: the node says how far, once it is back.

        Once it was asked it does nothing of the batch any more, if that comes only then.
        """
        logs = list(dict.fromkeys(action.header["log"] for action in batch if "log" in action.header))
        asks = [{"do": "last", "client": log, "log": log} for log in logs]
        line.batch += 1
        while not session.forgotten:
            try:
                said = await self._have_done(session, line, asks, [])
            except BadParcel:
                line.name, line.taken = self._new_name(), 0  # With which number the other one goes on is not known.
                why = f"Node {session.node} does not say in a known way whether this was typed."
                return [TermwallError(ErrorCode.INTERNAL, why)] * len(batch)
            except BusError:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            last = dict(zip(logs, said, strict=True))
            refusal = why_not(session)
            return [_became(action, last.get(action.header.get("log", "")), refusal) for action in batch]
        return [_not_typed(session)] * len(batch)

    async def _have_done(
        self, session: DistantSession, line: _Line, actions: list[dict[str, Any]], batch: list[_Action]
    ) -> list[_Outcome]:
        header = {
            "gateway": self._bus.node,
            "session": session.id,
            "line": line.name,
            "batch": line.batch,
            "actions": actions,
        }
        body = b"".join(action.data for action in batch)
        answer = await self._bus.request(f"host.{session.node}.do", pack(header, body), seconds=ANSWER_SECONDS)
        return _outcomes(unpack(answer)[0], len(actions))


def _outcomes(header: dict[str, Any], count: int) -> list[_Outcome]:
    """What a node says became of so many actions. Raises `BadParcel`."""
    try:
        outcomes = [_outcome(result) for result in header["results"]]
    except (KeyError, TypeError, ValueError) as error:
        raise BadParcel(f"What another node did cannot be read: {error!r}.") from None
    if len(outcomes) != count:
        raise BadParcel(f"Another node did {len(outcomes)} of {count} things.")
    return outcomes


def _outcome(result: Any) -> _Outcome:
    if result is None or isinstance(result, int):
        return result
    known = result["code"] in set(ErrorCode)  # A newer node may know more.
    code = ErrorCode(result["code"]) if known else ErrorCode.INTERNAL
    return TermwallError(code, str(result["message"]), field=result["field"], details=dict(result["details"]))


def _became(action: _Action, last: _Outcome, refusal: TermwallError) -> _Outcome:
    """`last`: the last number that its log has at the node, or why there is none."""
    if isinstance(last, TermwallError):
        return last
    return last if last is not None and action.header["seq"] <= last else refusal


def _settle(line: _Line, batch: list[_Action], outcomes: list[_Outcome]) -> None:
    """Answer what was done.

    Unnumbered input after one that was refused in its batch is refused likewise: its number left one out. If none was
    refused, the node has forgotten the line's log, and these go again with the numbers that it expects.
    """
    refusal: TermwallError | None = None
    again: list[_Action] = []
    for action, outcome in zip(batch, outcomes, strict=True):
        line.waiting.popleft()
        result = outcome
        if action.unnumbered and isinstance(outcome, TermwallError):
            expected = outcome.details.get("expected") if outcome.code == ErrorCode.INPUT_GAP else None
            if isinstance(expected, int) and refusal is None:
                line.taken = expected - 1
                again.append(action)
                continue
            result = refusal = refusal or outcome
        elif action.unnumbered and isinstance(outcome, int):
            line.taken, result = outcome, None
        line.bytes -= len(action.data)
        chores.call(log, action.answer, result)
    line.waiting.extendleft(reversed(again))


def _not_typed(session: DistantSession) -> TermwallError:
    why = session.away or f"node {session.node} does not answer"
    return TermwallError(ErrorCode.ENGINE_AWAY, f"Nothing was typed: {why}.")


def _late(_: DistantSession) -> TermwallError:
    return TermwallError(ErrorCode.ENGINE_AWAY, "Nothing was typed: it came too late.")

"""What a node's clients do to other nodes' sessions: each once, in order, or refused with a sentence (I1-I4)."""

import asyncio
import itertools
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from termwall.cluster.bus import Bus, BusAway, BusError, NobodyThere
from termwall.cluster.chores import Chores
from termwall.cluster.distant import DistantSession
from termwall.cluster.parcel import pack, unpack
from termwall.core.errors import ErrorCode, TermwallError
from termwall.hub.anysession import InputAnswer, Person

log = logging.getLogger("termwall.cluster")

ANSWER_SECONDS = 2.0
AGAIN_SECONDS = 0.25
"""Until what had no answer is tried again."""
TYPED_SECONDS = 5.0
"""What was typed is tried for so long; then its client is told, and holds it no longer either (I2)."""
MOST_NUMBERED = 10_000
"""Sessions whose last input without a number of its own is remembered; the one that was typed into longest ago goes."""
BATCH = 256
"""Actions that go together."""


@dataclass(slots=True)
class _Action:
    header: dict[str, Any]
    data: bytes
    answer: InputAnswer | None
    sequenced: bool
    until: float


@dataclass(slots=True)
class _Line:
    """What clients do to one session, in order."""

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
        self._lines: dict[DistantSession, _Line] = {}
        self._numbers: dict[str, int] = {}
        """The last number of each session's input that its clients gave none."""
        self._chores = Chores(log)

    async def close(self) -> None:
        """Carry nothing more."""
        await self._chores.stop()

    def act(
        self,
        session: DistantSession,
        header: dict[str, Any],
        who: Person,
        data: bytes = b"",
        answer: InputAnswer | None = None,
    ) -> None:
        """Have something done to a session."""
        line = self._lines.setdefault(session, _Line())
        if line.bytes + len(data) > self._most_bytes:
            if answer is not None:
                answer(TermwallError(ErrorCode.INPUT_OVERFLOW, f"`{session.name}` takes no more input at the moment."))
            return
        header |= {"client": who.client_id, "name": who.name, "bytes": len(data)}
        sequenced = header.get("seq") is not None
        if header["do"] == "input":
            header["log"] = who.client_id if sequenced else f"{self._bus.node}/{self._run}"
            if not sequenced:
                header["seq"] = self._numbers[session.id] = self._numbers.pop(session.id, 0) + 1
                if len(self._numbers) > MOST_NUMBERED:
                    del self._numbers[next(iter(self._numbers))]
        line.waiting.append(_Action(header, data, answer, sequenced, _now() + TYPED_SECONDS))
        line.bytes += len(data)
        if not line.carried:
            line.carried = True
            self._chores.start(self._carry(session, line))

    async def _carry(self, session: DistantSession, line: _Line) -> None:
        """One batch at a time; the same batch again until there is an answer: the host drops what it had."""
        try:
            while line.waiting:
                batch = list(itertools.islice(line.waiting, BATCH))
                outcome = await self._carry_batch(session, batch)
                for action, result in zip(batch, outcome, strict=True):
                    line.waiting.popleft()
                    line.bytes -= len(action.data)
                    _answer(action, result)
        finally:
            self._lines.pop(session, None)

    async def _carry_batch(self, session: DistantSession, batch: list[_Action]) -> list[Any]:
        sent = False
        while batch[0].until > _now():
            try:
                return await self._have_done(session, [action.header for action in batch], batch)
            except (BusAway, NobodyThere):
                pass
            except BusError:
                sent = True
            await asyncio.sleep(AGAIN_SECONDS)
        if sent:
            return await self._resolve(session, batch)
        return [_not_typed(session)] * len(batch)

    async def _resolve(self, session: DistantSession, batch: list[_Action]) -> list[Any]:
        """It took too long to be typed now, but some may have been: the node says how far, once it is back."""
        logs = list(dict.fromkeys(action.header["log"] for action in batch if "log" in action.header))
        asks = [{"do": "last", "client": log, "log": log} for log in logs]
        while not session.forgotten:
            try:
                last = dict(zip(logs, await self._have_done(session, asks, []), strict=True))
            except BusError:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            return [
                last[action.header["log"]]
                if "log" in action.header and action.header["seq"] <= last[action.header["log"]]
                else _not_typed(session)
                for action in batch
            ]
        return [_not_typed(session)] * len(batch)

    async def _have_done(
        self, session: DistantSession, actions: list[dict[str, Any]], batch: list[_Action]
    ) -> list[Any]:
        header = {"gateway": self._bus.node, "session": session.id, "actions": actions}
        body = b"".join(action.data for action in batch)
        answer = await self._bus.request(f"host.{session.node}.do", pack(header, body), seconds=ANSWER_SECONDS)
        results: list[Any] = unpack(answer)[0]["results"]
        return results


def _answer(action: _Action, result: Any) -> None:
    if action.answer is None:
        return
    if isinstance(result, dict):
        error = TermwallError(
            ErrorCode(result["code"]), result["message"], field=result["field"], details=result["details"]
        )
        action.answer(error)
    else:
        action.answer(result if action.sequenced else None)


def _not_typed(session: DistantSession) -> dict[str, Any]:
    why = session.away or f"node {session.node} does not answer"
    return {"code": "engine_away", "message": f"Nothing was typed: {why}.", "field": None, "details": {}}


def _now() -> float:
    return asyncio.get_running_loop().time()

"""A document that many nodes change, as one node sees it: what it proposes, what was stored, what became of a command.

The store keeps a log of each document: version 1, 2, 3 ... It stores a proposal only if nothing was stored since the
version that it was made from (compare-and-set), so of many proposals for a version at most one is stored. Rules:

    ask       decided on the newest version; what alters nothing, or is refused, is answered at once; else proposed.
              One proposal at a time; the others wait in line
    seen      a version came from the log. Accepted iff it is the next one: whoever was second at the same number is
              ignored by all (first wins), but for its token, from which the store counts. A jump is accepted too: the
              log no longer reached back
              if it is ours, its command is answered; if another took the place of ours, ours is decided again
    refused   the store had a newer version: ours is decided again when that was seen
    unknown   nobody knows whether it was stored: the same is proposed again, from the same version; at most one of the
              two can be stored, so nothing is guessed and nothing happens twice
    away      nothing was sent: answered with `engine_away`
    lost      the store lost its log: what comes next begins anew, and what was not answered is decided again
    tick      what takes too long is answered with `engine_away` and the truth: it may still come

A command is answered as done only once its version was seen in the log (F2, F4).
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from termwall.core.errors import ErrorCode, TermwallError

Value = Mapping[str, Any]
Decide = Callable[["Value | None"], "Value | None"]
"""Makes the next value of the newest; None alters nothing. Raises `TermwallError` to refuse."""

AGAIN_SECONDS = 0.5
"""Until what nobody knows is proposed again."""
PATIENCE_SECONDS = 10.0
"""Until a command is answered whatever became of it."""
MOST_WAITING = 256
"""Commands in line for one document at one node; one more is refused."""
RECENT_OPERATIONS = 16
"""Operations that a document remembers, so that one who missed versions still finds its own."""


@dataclass(frozen=True, slots=True)
class Document:
    """One stored version.

    `token` is the store's own number for it, which the next compare-and-set names.
    """

    key: str
    version: int
    value: Value
    token: int = 0

    @property
    def operations(self) -> Sequence[str]:
        """The newest operations, the one that made this version last."""
        return tuple(self.value.get("operations", ()))


@dataclass(frozen=True, slots=True)
class Propose:
    """Store this version after `after`; then call `refused`, `unknown` or `away` with this, or nothing if it was."""

    operation: str
    after: Document | None
    value: Value


@dataclass(frozen=True, slots=True)
class Accepted:
    """There is a new version; `jumped` if others before it were never seen."""

    document: Document
    operation: str | None
    jumped: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a command: its version, None if it altered nothing, or why it was refused."""

    operation: str
    outcome: Document | TermwallError | None


Effect = Propose | Accepted | Answered


@dataclass(slots=True)
class _Asked:
    operation: str
    decide: Decide
    until: float
    proposed: Propose | None = None
    again_at: float | None = None
    """When it is proposed again, if nobody knows what became of it."""
    unsure: bool = False
    """Whether a try of this proposal may have been stored: what becomes of a later one does not show it."""


class Replica:
    """One document at one node. Methods return what is to be done, in order; times are seconds of one clock."""

    def __init__(self) -> None:
        self.document: Document | None = None
        self._line: deque[_Asked] = deque()

    @property
    def _first(self) -> _Asked | None:
        return self._line[0] if self._line else None

    @property
    def waiting(self) -> int:
        """Commands that were not answered yet."""
        return len(self._line)

    def ask(self, operation: str, decide: Decide, now: float) -> list[Effect]:
        """A command. `operation` is its own id, never used before."""
        if len(self._line) >= MOST_WAITING:
            busy = TermwallError(ErrorCode.RATE_LIMITED, f"{MOST_WAITING} changes wait already; try again.")
            return [Answered(operation, busy)]
        self._line.append(_Asked(operation, decide, now + PATIENCE_SECONDS))
        return self.go() if len(self._line) == 1 else []

    def seen(self, document: Document) -> list[Effect]:
        """A version came from the log. Carry the effects out, then call `go`: what waits is decided on it."""
        current = self.document.version if self.document is not None else 0
        if self.document is not None and document.version == current and document.token > self.document.token:
            self.document = replace(self.document, token=document.token)
        if document.version <= current:
            return []
        jumped = current > 0 and document.version > current + 1
        self.document = document
        operations = document.operations
        effects: list[Effect] = [Accepted(document, operations[-1] if operations else None, jumped)]
        first = self._first
        if first is not None and first.operation in operations:
            self._line.popleft()
            return [*effects, Answered(first.operation, document)]
        if first is None or first.proposed is None:
            return effects
        if document.version - current > RECENT_OPERATIONS:
            self._line.popleft()
            return [*effects, Answered(first.operation, _unknown())]
        first.proposed, first.unsure = None, False  # Another took its place in the log: it can no longer be stored.
        return effects

    def lost(self) -> list[Effect]:
        """The store lost what it had: whatever comes of the log from now on counts, from version 1 on."""
        self.document = None
        first = self._first
        effects: list[Effect] = []
        if first is not None and first.unsure:
            self._line.popleft()
            effects.append(Answered(first.operation, _unknown()))
        elif first is not None:
            first.proposed = first.again_at = None
        return effects + self.go()

    def refused(self, proposal: Propose) -> list[Effect]:
        """The store had a newer version than the one it was made from: perhaps the same, proposed before."""
        first = self._is_first(proposal)
        if first is not None:
            first.again_at = None  # Its place in the log is taken, and the log will show by whom.
        return []

    def unknown(self, proposal: Propose, now: float) -> list[Effect]:
        """No answer came to a proposal."""
        first = self._is_first(proposal)
        if first is not None:
            first.again_at, first.unsure = now + AGAIN_SECONDS, True
        return []

    def away(self, proposal: Propose, why: str = "the other nodes cannot be reached now.") -> list[Effect]:
        """The proposal could not be sent, or was not stored. What became of an earlier try is still unknown."""
        first = self._is_first(proposal)
        if first is None or first.unsure:
            return []
        self._line.popleft()
        gone = TermwallError(ErrorCode.ENGINE_AWAY, f"Nothing was changed: {why}")
        return [Answered(first.operation, gone), *self.go()]

    def _is_first(self, proposal: Propose) -> _Asked | None:
        first = self._first
        return first if first is not None and first.proposed is proposal else None

    def next_deadline(self) -> float | None:
        """When `tick` is wanted."""
        first = self._first
        if first is None:
            return None
        return min(one.until for one in self._line) if first.again_at is None else min(first.until, first.again_at)

    def tick(self, now: float) -> list[Effect]:
        """Propose again, and answer what takes too long."""
        late = [one for one in self._line if one.until <= now]
        effects: list[Effect] = []
        for one in late:
            self._line.remove(one)
            error = _unknown() if one.proposed is not None else _late()
            effects.append(Answered(one.operation, error))
        first = self._first
        if first is not None and first.proposed is not None:
            if first.again_at is not None and first.again_at <= now:
                first.again_at = now + AGAIN_SECONDS
                effects.append(first.proposed)
            return effects
        return effects + self.go()

    def go(self) -> list[Effect]:
        """Decide whoever is first in line, on the newest version."""
        effects: list[Effect] = []
        while (first := self._first) is not None and first.proposed is None:
            before = self.document
            try:
                value = first.decide(None if before is None else before.value)
            except TermwallError as error:
                self._line.popleft()
                effects.append(Answered(first.operation, error))
                continue
            if value is None:
                self._line.popleft()
                effects.append(Answered(first.operation, None))
                continue
            recent = () if before is None else before.operations[1 - RECENT_OPERATIONS :]
            made = {**value, "operations": [*recent, first.operation]}
            first.proposed, first.again_at = Propose(first.operation, before, made), None
            effects.append(first.proposed)
        return effects


def _unknown() -> TermwallError:
    return TermwallError(
        ErrorCode.ENGINE_AWAY,
        "The other nodes did not answer in time: the change may still come; look before you retry.",
    )


def _late() -> TermwallError:
    return TermwallError(ErrorCode.ENGINE_AWAY, "Nothing was changed: the other nodes did not answer in time.")

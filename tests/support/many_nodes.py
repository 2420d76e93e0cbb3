"""A wall of hundreds of nodes and thousands of clients in virtual time, on a network that a seed makes bad.

Real are the decisions: `core.replica` and `core.focus`. `Store`, `Node` and `Client` stand for the engine, for what
`cluster.stages` and `hub.room` do around those decisions, and for the pages; each checks what it is told at once.
"""

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from termwall.core import focus
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.focus import Activity, FocusChange, Stage
from termwall.core.ids import SessionId
from termwall.core.replica import (
    MOST_WAITING,
    PATIENCE_SECONDS,
    RECENT_OPERATIONS,
    Accepted,
    Answered,
    Document,
    Effect,
    Propose,
    Replica,
    Value,
)
from tests.support.timeline import Timeline

CALL_SECONDS = 2.0
"""Until a compare-and-set without an answer is given up, as in `cluster.nats`."""
SESSIONS = [SessionId(f"s{number}") for number in range(24)]
Apply = Callable[[Stage], FocusChange | None]


@dataclass(frozen=True)
class Weather:
    """How bad the network is: chances for each proposal, and how often nodes fail, in seconds between two."""

    lost: float = 0.02
    late: float = 0.05
    repeated: float = 0.05
    unanswered: float = 0.05
    cut_each: float = 0.6
    kill_each: float = 0.8
    drain_each: float = 2.0
    failover_each: float = float("inf")
    slow_nodes: float = 0.05
    """Nodes that hear of what was stored up to 8 s later."""
    forgotten: float = 0.02
    """Conflicts after which the engine is gone before it can be asked for the newest version."""


BAD = Weather()
ROUGH = Weather(lost=0.1, late=0.3, repeated=0.05, unanswered=0.3, cut_each=0.3, slow_nodes=0.3, forgotten=0.2)
SLOW = Weather(late=0.5, unanswered=0.5, slow_nodes=1.0, forgotten=0.5)
CALM = Weather(lost=0.0, late=0.0, repeated=0.0, unanswered=0.0, slow_nodes=0.0, forgotten=0.0)


class Store:
    """One log of all documents. It stores by compare-and-set, and keeps the newest `history` versions of each."""

    def __init__(self, history: int) -> None:
        self.log: list[Document] = []
        self.kept: list[bool] = []
        self.newest: dict[str, Document] = {}
        self.forgets = False
        """Whether it takes, once, what was made from the version before the newest: a failover of replicas may."""
        self._before: dict[str, int] = {}
        self._places: dict[str, deque[int]] = {}
        self._history = history

    def put(self, key: str, proposal: Propose) -> bool:
        """Store it, unless something was stored since the version that it was made from."""
        newest = self.newest.get(key)
        expected = 0 if proposal.after is None else proposal.after.token
        if expected not in (0 if newest is None else newest.token, self._before.get(key) if self.forgets else None):
            return False
        if newest is not None and expected != newest.token:
            self.forgets = False
        self._before[key] = 0 if newest is None else newest.token
        version = 1 if proposal.after is None else proposal.after.version + 1
        document = self.newest[key] = Document(key, version, proposal.value, len(self.log) + 1)
        self.log.append(document)
        self.kept.append(True)
        places = self._places.setdefault(key, deque())
        places.append(len(self.log) - 1)
        if len(places) > self._history:
            self.kept[places.popleft()] = False
        return True


@dataclass
class Command:
    """Something that a client wants of a stage, and what became of it."""

    operation: str
    key: str
    apply: Apply
    node: "Node"
    client: "Client | None"
    connection: int
    asked: float
    expected: int | None = None
    knew: int = 0
    """The version that the node had when it was asked."""
    outcomes: list[Document | TermwallError | None] = field(default_factory=list)

    def decide(self, value: Value | None) -> Value | None:
        stage = stage_of(value)
        change = self.apply(stage)
        return None if change is None else fields_of(change.stage)


def stage_of(value: Value | None) -> Stage:
    return Stage((), 0, 4) if value is None else Stage(value["sessions"], value["version"], value["limit"])


def fields_of(stage: Stage) -> dict[str, Any]:
    return {"sessions": stage.sessions, "version": stage.version, "limit": stage.max_focused}


class Call:
    """One compare-and-set on its way: it ends once, whatever comes later."""

    def __init__(self, node: "Node", key: str, proposal: Propose) -> None:
        self.node, self.key, self.proposal = node, key, proposal
        self._over = False

    def end(self, how: str) -> None:
        node, replica = self.node, self.node.replicas[self.key]
        if self._over or not node.alive:
            return
        self._over = True
        del node.calls[self]
        match how:
            case "refused":
                node.do(self.key, replica.refused(self.proposal))
            case "away":
                node.do(self.key, replica.away(self.proposal))
            case "unknown":
                node.do(self.key, replica.unknown(self.proposal, node.wall.time.now))


class Node:
    """One run of one node. `up`: it reaches the store."""

    def __init__(self, wall: "ManyNodes", name: str) -> None:
        self.wall, self.name = wall, name
        self.alive = self.up = True
        self.ready = self.draining = False
        self.replicas = {key: Replica() for key in wall.keys}
        self.clients: dict[str, dict[Client, None]] = {key: {} for key in wall.keys}
        self.calls: dict[Call, None] = {}
        self.timers: dict[str, float] = {}
        self.lag = 8.0 if wall.random.random() < wall.weather.slow_nodes else 0.1
        self._place = len(wall.store.log)
        self._waking = False
        picture = sorted(wall.store.newest.values(), key=lambda document: document.token)
        wall.time.later(wall.random.random() * self.lag, self._begin, picture)

    def _begin(self, picture: list[Document]) -> None:
        for document in picture:
            self._see(document)
        self.ready = True
        self.wake()

    # ---- the log

    def wake(self) -> None:
        """There may be something new in the log."""
        if not self._waking and self.alive and self.up and self.ready and self._place < len(self.wall.store.log):
            self._waking = True
            self.wall.time.later(self.wall.random.random() * self.lag, self._follow)

    def _follow(self) -> None:
        self._waking = False
        if not self.alive or not self.up:
            return
        log, kept = self.wall.store.log, self.wall.store.kept
        for _ in range(self.wall.random.randint(1, 200)):
            while self._place < len(log) and not kept[self._place]:
                self._place += 1
            if self._place == len(log):
                return
            self._place += 1
            self._see(log[self._place - 1])
        self.wake()

    def _see(self, document: Document) -> None:
        replica = self.replicas[document.key]
        self.do(document.key, replica.seen(document))
        self.do(document.key, replica.go())

    # ---- commands

    def ask(self, command: Command) -> None:
        self.wall.commands[command.operation] = command
        replica = self.replicas[command.key]
        command.knew = 0 if replica.document is None else replica.document.version
        if not self.up:
            command.outcomes.append(TermwallError(ErrorCode.ENGINE_AWAY, "Nothing was changed: away."))
            return
        full = replica.waiting >= MOST_WAITING
        self.do(command.key, replica.ask(command.operation, command.decide, self.wall.time.now))
        assert replica.waiting <= MOST_WAITING
        assert full == any(
            isinstance(one, TermwallError) and one.code is ErrorCode.RATE_LIMITED for one in command.outcomes
        )

    def do(self, key: str, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Propose():
                    self._propose(key, effect)
                case Accepted(document, operation, jumped):
                    assert operation == document.operations[-1]
                    self._accept(document, jumped)
                case Answered(operation, outcome):
                    self.wall.answered(self.wall.commands[operation], outcome)
        deadline = self.replicas[key].next_deadline()
        if deadline is not None and deadline != self.timers.get(key):
            self.timers[key] = deadline
            self.wall.time.later(max(0.0, deadline - self.wall.time.now), self._tick, key, deadline)

    def _tick(self, key: str, deadline: float) -> None:
        if self.alive and self.timers.get(key) == deadline:
            del self.timers[key]
            self.do(key, self.replicas[key].tick(self.wall.time.now))

    def _propose(self, key: str, proposal: Propose) -> None:
        assert len(proposal.value["operations"]) <= RECENT_OPERATIONS
        call = Call(self, key, proposal)
        self.calls[call] = None
        if self.up:
            self.wall.time.later(CALL_SECONDS, call.end, "unknown")
            self.wall.carry(call)
        else:
            self.wall.time.later(0.0, call.end, "away")

    def _accept(self, document: Document, jumped: bool) -> None:
        first = self.wall.accepted.setdefault((document.key, document.version), document)
        assert first is document, f"version {document.version} is two different stages"
        clients = self.clients[document.key]
        if jumped:
            self.wall.jumps += 1
            for client in list(clients):
                client.sent_away()
            return
        for client in clients:
            assert client.version in (0, document.version - 1), "a version was left out, or came twice"
            client.version = document.version
            client.known = max(client.known, document.version)

    # ---- what happens to it

    def cut(self) -> None:
        self.up = False
        for call in list(self.calls):
            call.end("unknown")
        self._scatter(0.5)

    def join(self) -> None:
        self.up = True
        self.wake()

    def kill(self) -> None:
        self.alive = False
        self._scatter(1.0)

    def drain(self) -> None:
        self.draining = True
        self._scatter(1.0)

    def _scatter(self, share: float) -> None:
        for clients in self.clients.values():
            for client in list(clients):
                if self.wall.random.random() < share:
                    client.sent_away()


class Client:
    """A page: it shows one project, over one connection at a time, and remembers the newest version (F9)."""

    def __init__(self, wall: "ManyNodes", key: str) -> None:
        self.wall, self.key = wall, key
        self.node: Node | None = None
        self.version = self.known = 0
        """Of this connection, and the newest of all."""
        self.connection = 0
        self.sent_away_times = 0

    def connect(self) -> None:
        """To any node that takes clients; a page does not know which are cut off."""
        node = self.wall.nodes[self.wall.random.randrange(len(self.wall.nodes))]
        if not node.alive or not node.ready or node.draining:
            self.wall.time.later(0.1 + self.wall.random.random(), self.connect)
            return
        document = node.replicas[self.key].document
        self.node, self.version = node, 0 if document is None else document.version
        self.known = max(self.known, self.version)
        node.clients[self.key][self] = None

    def sent_away(self) -> None:
        assert self.node is not None
        del self.node.clients[self.key][self]
        self.node = None
        self.connection += 1
        self.wall.time.later(self.wall.random.random() * 2, self.connect)

    def command(self) -> None:
        if self.node is not None:
            expected = self.version - 1 if self.version and self.wall.random.random() < 0.35 else None
            self.node.ask(self.wall.command(self.node, self.key, self, expected))


class ManyNodes:
    """All of it.

    Args:
        seed: of the one source of chance.
        history: versions of a document that the store keeps.
    """

    def __init__(
        self, seed: int, weather: Weather, *, history: int, nodes: int, clients: int, projects: int, seconds: float
    ) -> None:
        self.random = random.Random(seed)
        self.time = Timeline()
        self.weather = weather
        self.seconds = seconds
        self.keys = [f"p{number}" for number in range(projects)]
        self.store = Store(history)
        self.store_away = self.store_hangs = False
        self.commands: dict[str, Command] = {}
        self.jumps = self.doubles = 0
        self.accepted: dict[tuple[str, int], Document] = {}
        self.activity: Mapping[SessionId, Activity] = {
            one: Activity(self.random.random(), 0, 0, needs_input=self.random.random() < 0.1) for one in SESSIONS
        }
        self.last_words: list[Command] = []
        self.nodes = [Node(self, f"n{number}") for number in range(nodes)]
        self.clients = [Client(self, self.keys[number % projects]) for number in range(clients)]
        for client in self.clients:
            self.time.later(1 + self.random.random(), client.connect)
        for node in self.nodes[:10]:
            for key in self.keys:
                self.time.later(self.random.random(), self.make, node, key)

    # ---- what clients want

    def make(self, node: Node, key: str) -> None:
        """As a node does that knows a project: the first one stores it."""
        command = self.command(node, key, None, None)
        command.decide = lambda value: fields_of(stage_of(None)) if value is None else None  # type: ignore[method-assign]
        node.ask(command)

    def command(self, node: Node, key: str, client: Client | None, expected: int | None) -> Command:
        chance = self.random
        some = chance.sample(SESSIONS, chance.randint(1, 5))
        activity, kind = self.activity, chance.random()
        apply: Apply
        if kind < 0.45:
            apply = lambda stage: focus.focus(stage, some[0], activity, expected_version=expected)  # noqa: E731
        elif kind < 0.6:
            apply = lambda stage: focus.focus_batch(stage, some, expected_version=expected)  # noqa: E731
        elif kind < 0.8:
            apply = lambda stage: focus.blur(stage, some, expected_version=expected)  # noqa: E731
        elif kind < 0.9:
            apply, expected = (lambda stage: focus.limit(stage, len(some) + 1, activity)), None
        else:
            apply, expected = (lambda stage: focus.remove(stage, some[0])), None
        operation = f"o{len(self.commands)}"
        connection = 0 if client is None else client.connection
        return Command(operation, key, apply, node, client, connection, self.time.now, expected)

    def answered(self, command: Command, outcome: Document | TermwallError | None) -> None:
        """Each answer must be true at the moment when it is given."""
        command.outcomes.append(outcome)
        assert len(command.outcomes) == 1, "answered twice"
        assert self.time.now <= command.asked + PATIENCE_SECONDS + 1e-6, "answered too late"
        node, client = command.node, command.client
        current = node.replicas[command.key].document
        match outcome:
            case Document():
                assert self.accepted.get((command.key, outcome.version)) is outcome, "answered before it was seen"
                assert command.operation in outcome.operations
                if client is not None and client.connection == command.connection and client.node is node:
                    assert client.version >= outcome.version, "answered before it was told"
            case None:
                assert command.decide(None if current is None else current.value) is None
            case TermwallError(code=ErrorCode.VERSION_CONFLICT):
                assert command.expected is not None
                assert current is not None
                assert current.value["version"] != command.expected, "there is no conflict"
                assert current.version >= command.knew

    # ---- the network

    def carry(self, call: Call) -> None:
        """A proposal goes to the store: lost, late, twice, or as it should."""
        chance, weather = self.random, self.weather
        if chance.random() < weather.lost or self.store_hangs:
            return
        copies = 2 if chance.random() < weather.repeated else 1
        for copy in range(copies):
            seconds = chance.random() * (6.0 if chance.random() < weather.late else 0.03)
            self.time.later(seconds, self._arrive, call, copy == 0, copies == 1)

    def _arrive(self, call: Call, answers: bool, alone: bool) -> None:
        if self.store_away:
            if not alone:
                return
            how = "away"
        elif self.store.put(call.key, call.proposal):
            how = "stored"
            for node in self.nodes:
                node.wake()
        else:
            # The store tells of a conflict; the newest version is asked for, and that may fail.
            how = "away" if alone and self.random.random() < self.weather.forgotten else "refused"
        if answers and self.random.random() >= self.weather.unanswered:
            late = 1.5 if self.random.random() < self.weather.late else 0.03
            self.time.later(self.random.random() * late, call.end, how)

    # ---- the course of things

    def storm(self, commands: int, flood: int = 0) -> None:
        """Clients want things and everything fails, for `seconds`; then all heals, and it runs until nothing waits."""
        later, chance, weather, seconds = self.time.later, self.random, self.weather, self.seconds
        for number in range(commands):
            # Half of them in bursts, when several want something at once.
            at = chance.random() * seconds if number % 2 else (number * 16 // commands) * seconds / 16 + chance.random()
            later(3 + at, chance.choice(self.clients).command)
        for _ in range(int(seconds / weather.cut_each)):
            later(chance.random() * seconds, self._cut, 1, 0.3 + chance.random() * 12)
        later(seconds * 0.4, self._cut, len(self.nodes) // 3, 4.0)
        for _ in range(int(seconds / weather.kill_each)):
            later(chance.random() * seconds, self._kill)
        for _ in range(int(seconds / weather.drain_each)):
            later(chance.random() * seconds, self._drain)
        for name, at, during in (("store_away", 0.2, 2.0), ("store_hangs", 0.6, 3.0), ("store_hangs", 0.8, 12.0)):
            later(seconds * at, setattr, self, name, True)
            later(seconds * at + during, setattr, self, name, False)
        for _ in range(int(seconds / weather.failover_each)):
            later(chance.random() * seconds, self._failover)
        if flood:
            later(seconds * 0.62, self._flood, flood)
        later(seconds + 15, self._heal)
        for key in self.keys:
            later(seconds + 40, self._last_word, key)
        self.time.run()

    def _cut(self, count: int, during: float) -> None:
        for node in self.random.sample(self.nodes, count):
            if node.alive and node.up and node.ready:
                node.cut()
                self.time.later(during, node.join)

    def _failover(self) -> None:
        self.store.forgets = True
        self.time.later(1.0, setattr, self.store, "forgets", False)

    def _kill(self) -> None:
        place = self.random.randrange(len(self.nodes))
        node = self.nodes[place]
        if node.alive:
            node.kill()
            self.time.later(0.5 + self.random.random() * 5, self._start, place)

    def _start(self, place: int) -> None:
        node = self.nodes[place] = Node(self, self.nodes[place].name)
        for key in self.keys:
            self.make(node, key)

    def _drain(self) -> None:
        node = self.random.choice(self.nodes)
        if node.alive and not node.draining:
            node.drain()
            self.time.later(4.0, setattr, node, "draining", False)

    def _flood(self, count: int) -> None:
        """Far more commands at one node than may wait."""
        node = next(node for node in self.nodes if node.alive and node.up and node.ready)
        for _ in range(count):
            node.ask(self.command(node, self.keys[0], None, None))

    def _heal(self) -> None:
        self.weather = CALM
        for node in self.nodes:
            node.lag = 0.1

    def _last_word(self, key: str) -> None:
        """Once all is well, a change is done."""
        node = self.random.choice(self.nodes)
        command = self.command(node, key, None, None)
        command.apply = lambda stage: focus.limit(stage, stage.max_focused % 8 + 1, self.activity)
        node.ask(command)
        self.last_words.append(command)

    # ---- what must be true in the end

    def check(self) -> None:
        """After a storm."""
        places: dict[str, list[Document]] = {}
        before: dict[str, Document | None] = dict.fromkeys(self.keys)
        for document in self.store.log:
            command, last = self.commands[document.operations[-1]], before[document.key]
            if last is not None and document.version <= last.version:
                self.doubles += 1  # Stored second at one number: it counts for nobody.
                continue
            value = command.decide(None if last is None else last.value)
            assert value is not None
            assert document.version == (1 if last is None else last.version + 1)
            assert {**document.value, "operations": None} == {**value, "operations": None}, "not what it was made from"
            if command.expected is not None:
                assert last is not None
                assert last.value["version"] == command.expected
            places.setdefault(command.operation, []).append(document)
            before[document.key] = document
        for key in self.keys:
            for node in self.nodes:
                assert node.alive
                replica = node.replicas[key]
                assert replica.document == self.store.newest[key], f"{node.name} has another stage"
                assert (replica.waiting, replica.next_deadline()) == (0, None)
        for command in self.last_words:
            assert isinstance(command.outcomes[0], Document), "a change is still not possible"
        for client in self.clients:
            assert client.node is not None
            assert client.known <= client.version == self.store.newest[client.key].version
        for operation, command in self.commands.items():
            self._check(command, places.get(operation, []))

    def _check(self, command: Command, stored: list[Document]) -> None:
        assert len(stored) <= 1, "carried out twice"
        if not command.outcomes:
            assert not command.node.alive, "never answered"
            return
        (outcome,) = command.outcomes
        if isinstance(outcome, Document):
            assert stored, "confirmed, and lost"
        elif not (isinstance(outcome, TermwallError) and "may still come" in str(outcome)):
            assert not stored, f"{outcome} was answered, and it was carried out"

    def counts(self) -> dict[str, int]:
        """How often each kind of answer was given."""
        found: dict[str, int] = {}
        for command in self.commands.values():
            for one in command.outcomes:
                match one:
                    case None:
                        name = "nothing"
                    case Document():
                        name = "done"
                    case TermwallError(code=ErrorCode.ENGINE_AWAY):
                        name = "may still come" if "may still come" in str(one) else "away"
                    case _:
                        name = str(one.code)
                found[name] = found.get(name, 0) + 1
        return found

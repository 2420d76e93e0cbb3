"""The sessions of the other nodes, as a node knows them.

Each node has the list of every other node's sessions, by news with serial numbers: a gap asks for the whole list, and
so does a heartbeat that knows of newer ones. What changes often comes only of projects that somebody here looks at
(`news`); of the rest it may be old, until somebody asks (`fresh`). Of two sessions with one id the one that was known
first is shown.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from termwall.cluster.bus.chores import Chores, moment
from termwall.cluster.bus.contract import Bus, BusError, Member, Subscription
from termwall.cluster.bus.parcel import BadParcel, others, pack, read_header, understands, unpack
from termwall.cluster.sessions.distant import DistantSession
from termwall.hub.estate import Estate
from termwall.hub.room import Room
from termwall.protocol import messages

log = logging.getLogger("termwall.cluster")

BUDGET_BYTES = 16 << 20
"""News that wait; more are dropped, and the whole lists asked for."""
ANSWER_SECONDS = 2.0
AGAIN_SECONDS = 0.25
"""Until a list that did not come is asked for again."""
SETTLE_SECONDS = 3.0
"""Who is there was heard of by then, once the bus is up: as long as it takes until one that is silent is away."""
START_SECONDS = 10.0
"""How long a start waits at most for the others' sessions; those that answer nothing come when they come."""
LOOK_SECONDS = 5.0
"""How often the others are sent which projects somebody here looks at."""
LINGER_SECONDS = 60.0
"""Who asked for a project once, without a connection, looks at it for so long."""


class Follower(Protocol):
    """Follows the output of sessions, and does things to them."""

    def made(self, node: str, shown: messages.Session) -> DistantSession:
        """A session as its clients see it."""

    def again(self, session: DistantSession) -> None:
        """It can be reached again, or is another one: follow it anew if somebody looks."""

    def forgotten(self, session: DistantSession) -> None:
        """It is gone."""


class Roster:
    """One node's.

    Args:
        bus: the others.
        service: has the rooms.
        follower: of their output.
    """

    def __init__(self, bus: Bus, service: Estate, follower: Follower) -> None:
        self._bus = bus
        self._service = service
        self._follower = follower
        self._sessions: dict[str, DistantSession] = {}
        self._known: dict[str, tuple[str, int]] = {}
        """Of each node the run and the serial up to which nothing was missed."""
        self._newest: dict[str, tuple[str, int]] = {}
        """Of each node the run and the serial of the last news."""
        self._heard_of: dict[str, tuple[str, dict[str, int]]] = {}
        """Of each node the run, and for each project the moment up to which nothing sent about it was missed."""
        self._listing: dict[tuple[str, str | None], asyncio.Task[None]] = {}
        """Lists that are being asked for: a node's whole one, or that of one project."""
        self._up_since: float | None = None
        self._learned = asyncio.Event()
        """Set whenever there is one more session, or a list came."""
        self._looked: dict[str, float] = {}
        """Projects that somebody here looks at, and when somebody last did."""
        self._subscriptions: list[Subscription] = []
        self._unsubscribe: list[Callable[[], None]] = []
        self._chores = Chores(log)

    async def open(self) -> None:
        """Begin to hear."""
        node, bus = self._bus.node, self._bus
        self._subscriptions = [
            await bus.subscribe("news.*", self._news, budget=BUDGET_BYTES, lagged=self._list_all),
            await bus.subscribe(f"stir.{node}", self._stir, budget=BUDGET_BYTES, lagged=self._list_all),
        ]
        self._unsubscribe = [bus.on_member(self._member), bus.on_state(self._state)]
        for member in bus.members().values():
            self._member(member, True)
        self._chores.start(self._keep_looking())

    async def settle(self) -> None:
        """At the start: wait, not long, until the others' sessions are known, at least those on the stages.

        A client that comes back sooner would find its terminals gone, and could not go on where it was.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while not self.settled and (self._listing or self._misses_staged()):
                    self._learned.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._learned.wait(), AGAIN_SECONDS)

    @property
    def settled(self) -> bool:
        """Whether a session that is not known here is nobody's, as far as nodes are reached."""
        up = self._up_since is not None and moment() - self._up_since >= SETTLE_SECONDS
        return up and not any(project is None for _, project in self._listing)

    def _misses_staged(self) -> bool:
        return any(set(room.stage.sessions) - room.sessions.keys() for room in self._service.rooms())

    async def known(self, session_id: str) -> None:
        """Until a session of another node is known here, or `ANSWER_SECONDS` have passed."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while session_id not in self._sessions:
                    self._learned.clear()
                    await self._learned.wait()
        except TimeoutError:
            log.info("`%s` of another node is not known here yet", session_id, extra={"session": session_id})

    async def _listed(self) -> None:
        if self._listing:
            await asyncio.wait(self._listing.values(), timeout=ANSWER_SECONDS)

    async def close(self) -> None:
        """Hear no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for subscription in self._subscriptions:
            await subscription.end()
        await self._chores.stop()

    def find(self, session_id: str) -> DistantSession | None:
        """A session of another node."""
        return self._sessions.get(session_id)

    # ---- what somebody here looks at

    def looks(self, room: Room) -> bool:
        """Somebody looks at a project. True if nobody did: it is listed anew."""
        new = room.id not in self._looked
        self._looked[room.id] = moment()
        if new:
            self.list_room(room)
        return new

    async def fresh(self, room: Room) -> None:
        """Have a project's sessions as their nodes show them now, as far as those answer in time."""
        if self.looks(room):
            await self._listed()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = moment()
            for project, at in list(self._looked.items()):
                room = self._service.find_room(project)
                if room is not None and room.connections:
                    self._looked[project] = now
                elif room is None or now - at > LINGER_SECONDS:
                    del self._looked[project]
                    for _, known in self._heard_of.values():
                        known.pop(project, None)
            for node in self._hosts() if self._looked else ():
                known = self._heard_of.get(node, ("", {}))[1]
                projects = {project: known.get(project, -1) for project in self._looked}
                said = pack({"gateway": self._bus.node, "projects": projects})
                self._chores.publish(self._bus, f"host.{node}.look", said)

    # ---- which nodes there are

    def _hosts(self) -> list[str]:
        """Those that may have sessions; a gateway has none."""
        members = self._bus.members()
        return [node for node in others(self._bus) if members[node].about.get("role") != "gateway"]

    def _member(self, member: Member, here: bool) -> None:
        node = member.node
        if node == self._bus.node:
            return
        run, serial = self._known.get(node, ("", 0))
        if not here:
            for known in (self._known, self._newest, self._heard_of):
                known.pop(node, None)
            self._lose(node, f"node {node} is away")
        elif not understands(member):
            if "protocol" in member.about:  # A first heartbeat may say nothing yet.
                self._known.pop(node, None)
                self._lose(node, f"node {node} has another version of termwall, {member.about.get('version')}")
        elif node in self._hosts() and (run != member.run or serial < member.about.get("serial", 0)):
            if run != member.run:
                log.info("node %s is there", node, extra={"peer": node})
            self._list_soon(node)

    def _state(self, up: bool) -> None:
        self._up_since = moment() if up else None
        if up:
            self._list_all()
        else:
            self._known.clear()
            for node in {session.node for session in self._sessions.values()}:
                self._lose(node, f"node {node} cannot be reached: the nodes' bus is away")

    def _lose(self, node: str, why: str) -> None:
        log.info("%s", why, extra={"peer": node})
        for session in self._of(node):
            if session.away != why:
                session.away, session.away_since = why, self._service.clock()
                self._report(session, ["status", "attention", "away"])

    def _of(self, node: str) -> list[DistantSession]:
        return [session for session in self._sessions.values() if session.node == node]

    # ---- whole lists

    def list_room(self, room: Room) -> None:
        """Have the others' sessions of one project."""
        for node in self._hosts():
            self._list_soon(node, room)

    def _list_all(self) -> None:
        for node in self._hosts():
            self._list_soon(node)

    def _list_soon(self, node: str, room: Room | None = None) -> None:
        key = node, None if room is None else room.id
        if key not in self._listing:
            self._listing[key] = self._chores.start(self._list(key, room))

    async def _list(self, key: tuple[str, str | None], room: Room | None) -> None:
        """Have the list, until it is had."""
        node = key[0]
        try:
            while node in self._bus.members():
                try:
                    if await self._list_once(node, room):
                        return
                except (BusError, BadParcel) as error:
                    log.info("the sessions of node %s are not known yet: %s", node, error, extra={"peer": node})
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._listing.pop(key, None)
            self._learned.set()

    async def _list_once(self, node: str, room: Room | None) -> bool:
        """Page for page. False if there were news meanwhile, which a late page may have undone."""
        project = None if room is None else room.id
        looks = [one for one in self._looked if project in (None, one)]
        found: set[str] = set()
        page = first = await self._ask(node, project, None, looks)
        while True:
            for entry in page["sessions"]:
                found.add(entry["session"]["id"])
                self._learn(node, {**entry, "run": page["run"], "moment": page["moment"]}, fields=None)
            if not page["more"]:
                break
            page = await self._ask(node, project, page["sessions"][-1]["session"]["id"], [])
        run, serial = first["run"], first["serial"]
        newest_run, newest = self._newest.get(node, (run, serial))
        if page["run"] != run or (newest_run == run and newest > serial):
            return False
        for session in self._of(node):
            if project in (None, session.project_id) and session.id not in found:
                self._forget(session)
        if room is None:
            self._known[node] = run, serial
        self._heard(node, run).update(first["told"])
        return True

    async def _ask(self, node: str, project: str | None, after: str | None, looks: list[str]) -> dict[str, Any]:
        asked = {"project": project, "after": after, "gateway": self._bus.node, "looks": looks}
        return unpack(await self._bus.request(f"host.{node}.list", pack(asked), seconds=ANSWER_SECONDS))[0]

    # ---- news

    def _news(self, subject: str, data: bytes) -> None:
        node = subject.rpartition(".")[2]
        header = read_header(data) if node in self._hosts() else None
        if header is None:
            return
        self._newest[node] = header["run"], header["serial"]
        run, serial = self._known.get(node, ("", 0))
        if header["run"] != run or header["serial"] > serial + 1:
            self._list_soon(node)  # Something was missed.
        if header["run"] == run and header["serial"] <= serial:
            return
        if header["run"] == run:
            self._known[node] = run, header["serial"]
        if header.get("removed"):
            session = self._sessions.get(header["id"])
            if session is not None and session.node == node:
                self._forget(session)
        else:
            self._learn(node, header, fields=None if header["whole"] else header["fields"])

    def _stir(self, subject: str, data: bytes) -> None:
        header = read_header(data)
        if header is None:
            return
        node, project = header["node"], header["project"]
        heard, room = self._heard(node, header["run"]), self._service.find_room(project)
        missed = heard.get(project, -1) < header["told"] if "told" in header else heard.get(project) != header["before"]
        if missed and room is not None and project in self._looked:
            self._list_soon(node, room)
        if "told" in header:
            return
        if not missed:
            heard[project] = header["moment"]
        if header["session"]["id"] in self._sessions:
            self._learn(node, header, fields=None if header["whole"] else header["fields"])

    def _heard(self, node: str, run: str) -> dict[str, int]:
        known = self._heard_of.get(node)
        if known is None or known[0] != run:
            known = self._heard_of[node] = run, {}
        return known[1]

    def _is_anothers(self, node: str, shown: messages.Session) -> bool:
        """Whether the id is taken: of all projects, and by a node that is there (A2)."""
        session = self._sessions.get(shown.id)
        if session is None:
            return any(shown.id in room.sessions for room in self._service.rooms())
        return session.project_id != shown.project_id or (session.node != node and session.away is None)

    def _learn(self, node: str, one: dict[str, Any], fields: list[str] | None) -> None:
        before = self._sessions.get(one["session"]["id"])
        attached = set() if before is None else set(before.attached)
        self._take(node, one, fields)
        session = self._sessions.get(one["session"]["id"])
        if session is not None and not set(session.attached) <= attached:
            self._service.nesting.look_again()

    def _take(self, node: str, one: dict[str, Any], fields: list[str] | None) -> None:
        shown = messages.Session.model_validate(one["session"])
        room = self._service.find_room(shown.project_id)
        if room is None:
            return
        if self._is_anothers(node, shown):
            about = {"session": shown.id, "project": room.id, "peer": node}
            log.warning("node %s has a session `%s` too; it is not shown here", node, shown.id, extra=about)
            return
        session = self._sessions.get(shown.id)
        if session is None:
            session = self._follower.made(node, shown)
            session.reported_at = one["run"], one["moment"]
            session.learn(shown, one["recency"])
            self._sessions[shown.id] = session
            room.add(session)
            self._learned.set()
            for connection in tuple(room.connections):
                if session.id in room.stage.sessions and not connection.views(session):
                    connection.stage_changed([session.id], [])
            return
        run, moment = session.reported_at
        back = session.away is not None
        if one["run"] == run and one["moment"] <= moment and not back:
            return
        session.reported_at, session.away, session.node = (one["run"], one["moment"]), None, node
        if session.learn(shown, one["recency"]):
            room.restarted_elsewhere(session)
            self._follower.again(session)
        elif fields is None or back:
            self._report(session, None)
            self._follower.again(session)
        else:
            self._report(session, fields)

    def _forget(self, session: DistantSession) -> None:
        del self._sessions[session.id]
        session.forgotten = True
        self._follower.forgotten(session)
        room = self._service.find_room(session.project_id)
        if room is not None:
            room.drop(session)

    def gone(self, room: Room) -> None:
        """A project is no more, and so are its sessions here."""
        self._looked.pop(room.id, None)
        for session in [session for session in self._sessions.values() if session.project_id == room.id]:
            self._forget(session)

    def _report(self, session: DistantSession, fields: list[str] | None) -> None:
        room = self._service.find_room(session.project_id)
        if room is None:
            return
        shown = room.describe(session)
        if fields is None:
            room.report_session(session, session=shown)
            return
        if "driver" in fields:
            room.report_driver(session)
        room.stirred_elsewhere()
        rest = {name: getattr(shown, name) for name in fields if name not in ("driver", "cols", "rows", "offset")}
        if rest:
            room.report_session(session, **rest)

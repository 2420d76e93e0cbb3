"""What a server has: rooms, sessions, connections; how they come, hear of each other, and go. Decides nothing.

`TerminalService` is this with its commands.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, assert_never

from termwall.core.errors import CloseCode, ErrorCode, TermwallError
from termwall.core.focus import Stage
from termwall.core.ids import ProjectId, SessionId
from termwall.core.limits import Bounds
from termwall.core.session.acts import Left, Person
from termwall.core.session.session import Now
from termwall.core.theme import Theme
from termwall.hub.anysession import AnySession
from termwall.hub.archive import Archive
from termwall.hub.budgets import Budgets
from termwall.hub.connection import Connection
from termwall.hub.hello import Hello
from termwall.hub.nesting import WITHIN_ITSELF, Nesting
from termwall.hub.nodes import Cluster
from termwall.hub.outlet import Outlet
from termwall.hub.profiles import ProfileSpec
from termwall.hub.record import Record
from termwall.hub.recordings import Recordings
from termwall.hub.room import Room, not_heard
from termwall.hub.sending import Sender
from termwall.hub.session import LiveSession, Machine, Occasion
from termwall.hub.stages import OwnStages, Stages
from termwall.hub.starting import Starting
from termwall.hub.turns import Turns
from termwall.protocol.bodies import EngineState, Project
from termwall.protocol.codec import encode
from termwall.protocol.messages import FocusUpdate, NodesUpdate, Session
from termwall.protocol.parts import WallNode
from termwall.pty.environment import Outfit
from termwall.pty.holder_client import HeldPrograms
from termwall.pty.pace import Pace
from termwall.pty.process import close_all
from termwall.pty.programs import LocalPrograms, Program
from termwall.screen.screens import Screens
from termwall.store.projects import Store
from termwall.system import clock, descriptors
from termwall.system.lateness import Lateness

log = logging.getLogger("termwall.service")

SessionEvent = Literal["session_changed", "session_removed"]

SWEEP_SECONDS = 0.25
"""How often titles, activity and quietness are reported while something prints (S9)."""
CLOSE_SECONDS = 5.5
"""For all of a service's end but the worker's end and the last words to the holder, which have 1 s each."""
END_SECONDS = 4.0
"""Until SIGKILL for programs that end with the server, where `close_seconds` is not less."""
SECURE_SECONDS = 2.0
"""To have a holder again, where there is none in the moment that a server stops."""
ABSENT_SECONDS = 15.0
"""After a restart of the server, who drove a session has so long to come back."""


class Estate:
    """All rooms of one server; the arguments are `TerminalService`'s."""

    def __init__(
        self,
        *,
        bounds: Bounds,
        store: Store | None,
        profiles: Mapping[str, ProfileSpec],
        max_focused: int = 4,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        screens: Screens | None = None,
        programs: HeldPrograms | LocalPrograms | None = None,
        recordings: Path | None = None,
    ) -> None:
        self.bounds = bounds
        self.screens = screens
        self.programs = programs or LocalPrograms()
        self._pace = Pace()
        self._turns = Turns()
        self.outfit = Outfit()
        """How programs' environments are made."""
        self.environment: dict[str, str] = {}
        """What each session's program finds in its environment, besides its own ids."""
        if screens is not None:
            screens.changed = self._screens_changed
        self.profiles = profiles
        self.archive = Archive(store, clock)
        self.recordings = Recordings(recordings, bounds, clock, new_id)
        self.recordings.changed = self._recorded
        self.max_focused = max_focused
        """Size of a new project's stage."""
        self.node: str | None = None
        """This node's name, where there are several."""
        self.runs_programs = True
        self.cluster: Cluster | None = None
        self.draining = False
        """Whether clients are sent to other nodes."""
        self._added: Callable[[Room], None] = lambda room: None
        self.stages: Stages = OwnStages(self.archive.keep_stage, self.archive.keep_project)
        self.clock = clock
        self.new_id = new_id
        self._ticks = 0
        self._rooms: dict[ProjectId, Room] = {}
        self._homes: dict[SessionId, Room] = {}
        self._connections: set[Connection] = set()
        self.budgets = Budgets(bounds)
        self.lateness = Lateness()
        self._sender = Sender()
        self._starting = Starting()
        self.nesting = Nesting(self._anywhere, lambda session: self._happened(session, "changed"))
        self._closing: set[asyncio.Task[None]] = set()
        self._focus_changed: dict[object, Callable[[FocusUpdate], None]] = {}
        self._session_events: dict[SessionEvent, dict[object, Callable[[Session], None]]] = {
            "session_changed": {},
            "session_removed": {},
        }
        self._sweeper: asyncio.TimerHandle | None = None
        self._soon = False
        """Whether it comes as soon as it ever does: asked with each key and each output, who needs no more."""
        self._closed = False
        for stored in self.archive.projects():
            project = Project(
                id=stored.id,
                name=stored.name,
                path=stored.path,
                max_focused=stored.max_focused,
                created_at=stored.created_at,
            )
            on_stage = tuple(dict.fromkeys(map(SessionId, stored.stage)))[: stored.max_focused]
            stage = Stage(on_stage, stored.version, stored.max_focused)
            room = self._add_room(project, stage, stored.epoch or self.new_id())
            if not stored.epoch:
                self.keep_shared(room)

    # ---- connections

    def connect(self, project_id: str, hello: Hello, outlet: Outlet) -> Connection | None:
        """A WebSocket whose handshake is done. None if it was refused, and closed with the reason (W1, X4)."""
        room = self._rooms.get(ProjectId(project_id))
        if room is None:
            outlet.close(CloseCode.UNKNOWN_PROJECT, "No such project")
            return None
        if self.draining:
            outlet.close(CloseCode.RESTART, "This node is being drained; come again")
            return None
        many = len(self._connections) >= self.bounds.connections
        if self._closed or many or not self.budgets.opens(hello.token_id, len(room.sessions)):
            outlet.close(CloseCode.TRY_LATER, "Too many connections")
            return None
        if descriptors.spare() < descriptors.LEFT:
            log.warning("a WebSocket was refused: %s", descriptors.short(descriptors.LEFT))
            outlet.close(CloseCode.TRY_LATER, "The server may have no more files open; close terminals or pages")
            return None
        if self.nesting.loops(hello):
            outlet.close(CloseCode.POLICY, WITHIN_ITSELF)
            return None
        connection = Connection(
            room,
            hello,
            outlet,
            self.bounds,
            share=self.budgets.share(hello.token_id),
            tally=self.budgets.tally,
            clock=self.clock,
            opened=self._opened,
            gone=self._gone,
        )
        self._connections.add(connection)
        self.nesting.came(connection)
        if self.cluster is not None:
            self.cluster.looked_at(room)
        connection.begin()
        return connection

    def _gone(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.discard(connection)
            self.nesting.left(connection)

    def _anywhere(self, session_id: SessionId) -> AnySession | None:
        return next((room.sessions[session_id] for room in self._rooms.values() if session_id in room.sessions), None)

    def end_connections(self, opened_by: str, why: str) -> None:
        """A token was revoked, or a browser was signed out: its connections end (X1, X5)."""
        self.budgets.forget(opened_by)
        for connection in tuple(self._connections):
            if opened_by in (connection.hello.token_id, connection.hello.browser_id):
                connection.close(CloseCode.UNAUTHORIZED, why)

    def drain(self, draining: bool) -> None:
        """Send all clients away, and take no new ones: before an upgrade. Programs are not touched."""
        self.draining = draining
        if draining:
            for connection in tuple(self._connections):
                connection.close(CloseCode.RESTART, "This node is being drained; come again")

    @property
    def engine(self) -> EngineState:
        """Whether the other nodes are reached."""
        return "none" if self.cluster is None else "up" if self.cluster.up else "down"

    def send_nodes(self) -> None:
        """Which nodes are there is different: every client is sent them (N7)."""
        text = self._nodes_text()
        if text is not None:
            for connection in tuple(self._connections):
                connection.send(text)

    def _opened(self, connection: Connection) -> None:
        text = self._nodes_text()
        if text is not None:
            connection.send(text)

    def _nodes_text(self) -> bytes | None:
        if self.cluster is None:
            return None
        nodes = [
            WallNode(name=node.name, here=node.here, role=node.role, draining=node.draining)
            for node in self.cluster.nodes()
        ]
        engine: Literal["up", "down"] = "up" if self.cluster.up else "down"
        return encode(NodesUpdate(engine=engine, nodes=nodes, timestamp=self.clock()))

    @property
    def connections(self) -> int:
        """How many WebSockets are open."""
        return len(self._connections)

    def stops(self) -> None:
        """The server was asked to stop: who is sent away keeps a seat, and programs that end may do so now."""
        for room in self._rooms.values():
            room.closing = True
        if not isinstance(self.programs, HeldPrograms):
            close_all([session.process for session in self._all()], END_SECONDS)

    async def close(self) -> None:
        """Let go of connections (W9), and of the programs, which end with the server unless they are held (P3, P5).

        Returns when nothing is left to do, or after `CLOSE_SECONDS`, whatever hangs (L3).
        """
        until = time.monotonic() + CLOSE_SECONDS
        self._closed = True
        self.stops()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in tuple(self._connections):
            connection.close(CloseCode.RESTART, "The server restarts")
        sessions = self._all()
        held = isinstance(self.programs, HeldPrograms) and await self.programs.secure(SECURE_SECONDS)
        if not held:
            close_all([session.process for session in sessions], END_SECONDS)
        saved = await self.archive.save_all(sessions)
        for session in sessions:
            self._rest_recording(session, goes_on=held and session.ended is None)
        for session in sessions:
            self._keep_session(session)
        # Where nothing runs any more, what was saved is enough: no process has to stay behind for it.
        if held and not (saved and all(session.ended and not session.process.program.sealed for session in sessions)):
            for session in sessions:
                session.leave()
        else:
            for session in sessions:
                self.end_soon(session)
        if self._closing:  # What is not over then the next server ends, or nobody can.
            await asyncio.wait(tuple(self._closing), timeout=max(0.0, until - time.monotonic()))
        if self.screens is not None:
            await self.screens.close()
        if isinstance(self.programs, HeldPrograms):
            await self.programs.close()
        self.archive.close()

    async def fresh(self, project_id: str) -> None:
        """Let `list_sessions` and the like be as new as the sessions' nodes are; nothing where there are no others.

        While clients look at a project it is always so.
        """
        room = self.find_room(project_id)
        if room is not None and self.cluster is not None:
            await self.cluster.fresh(room)

    # ---- parts

    def admit(self, room: Room, session: LiveSession) -> None:
        """A session of an earlier server."""
        self._homes[session.id] = room
        room.add(session)
        log.info("session `%s` goes on", session.name, extra=about(session))
        self._keep_session(session)

    # ---- projects that other nodes have too

    def share(self, stages: Stages, added: Callable[[Room], None]) -> None:
        """Decide stages together with other nodes from now on; `added` gets every room, also those that come later."""
        self.stages, self._added = stages, added
        for room in self._rooms.values():
            room.stages = stages
            added(room)
            stages.made(room)

    def rooms(self) -> list[Room]:
        """All rooms."""
        return list(self._rooms.values())

    def find_own(self, session_id: str) -> LiveSession | None:
        """A session whose program runs here."""
        room = self._homes.get(SessionId(session_id))
        session = None if room is None else room.sessions.get(SessionId(session_id))
        return session if isinstance(session, LiveSession) else None

    def find_room(self, project_id: str) -> Room | None:
        """A project's room, if it is known here."""
        return self._rooms.get(ProjectId(project_id))

    def adopt(self, project: Project, stage: Stage, epoch: str) -> Room:
        """A project that another node made."""
        room = self._add_room(project, stage, epoch)
        self.keep_shared(room)
        return room

    def abandon(self, project_id: str) -> None:
        """A project that another node deleted: its sessions here end."""
        room = self.room(project_id)
        try:
            self.archive.forget_project(room.id)
        except TermwallError as error:
            log.warning("%s", error)
        self.end_room(room)

    def keep_shared(self, room: Room) -> None:
        """Remember the newest stage and name, for a start without the other nodes."""
        try:
            self.archive.keep_project(room, room.project)
        except TermwallError as error:
            log.warning("%s", error)

    def end_room(self, room: Room) -> None:
        """End a project's programs and connections."""
        log.info("project `%s` is gone", room.project.name, extra={"project": room.id})
        del self._rooms[room.id]
        room.closing = True
        if self.cluster is not None:
            self.cluster.gone(room)
        for session in room.own:
            if session.recorder is not None:
                self.recordings.stop(session)
        self.recordings.delete_project(room.id)
        for connection in tuple(room.connections):
            connection.close(CloseCode.UNKNOWN_PROJECT, "The project was deleted")
        close_all([session.process for session in room.own])
        for session in room.own:
            self._end(room, session)

    def _all(self) -> list[LiveSession]:
        return [session for room in self._rooms.values() for session in room.own]

    def _drop_absent(self) -> None:
        """Who drove before the restart and did not come back drives no more (I4)."""
        if self._closed:
            return
        for room in self._rooms.values():
            for session in room.own:
                driver = session.core.seat.driver
                if driver is not None and not room.present(driver, session.id):
                    session.do(Left(), Person(driver))
                session.settle()

    def make(self, kept: Record, program: Program, lost: str | None = None, theme: Theme | None = None) -> LiveSession:
        """A session of this service, with a new program or the one it has."""
        machine = Machine(
            bounds=self.bounds,
            date=self.clock,
            now=self._now,
            programs=self.programs,
            outfit=self.outfit,
            screens=self.screens,
            pace=self._pace,
            turns=self._turns,
            happened=self._happened,
        )
        session = LiveSession(kept, program, machine, theme=theme, lost=lost)
        session.node = self.node
        return session

    def _add_room(self, project: Project, stage: Stage, epoch: str) -> Room:
        room = Room(
            project,
            stage,
            epoch,
            clock=self.clock,
            tick=self._tick,
            stages=self.stages,
            changed=self._stage_changed,
            reported=self._reported,
            wake=self._wake_sweeper,
        )
        self._rooms[room.id] = room
        log.info("project `%s` is here", project.name, extra={"project": project.id})
        self._added(room)
        return room

    def room(self, project_id: str) -> Room:
        """Raises `unknown_project`."""
        room = self._rooms.get(ProjectId(project_id))
        if room is None:
            raise TermwallError(
                ErrorCode.UNKNOWN_PROJECT, f"There is no project `{project_id[:64]}`.", field="projectId"
            )
        return room

    def _room_of(self, session_id: str) -> Room:
        """The project of a session, whichever node has it. Raises `unknown_session`, `engine_away`."""
        for room in self._rooms.values():
            if SessionId(session_id) in room.sessions:
                return room
        return self._find(session_id)[0]

    def _find(self, session_id: str) -> tuple[Room, LiveSession]:
        room = self._homes.get(SessionId(session_id))
        if room is None:
            if any(one.expected(SessionId(session_id)) for one in self._rooms.values()):
                raise not_heard(session_id, "sessionId")
            raise TermwallError(
                ErrorCode.UNKNOWN_SESSION, f"There is no session `{session_id[:64]}`.", field="sessionId"
            )
        session = room.sessions[SessionId(session_id)]
        assert isinstance(session, LiveSession), "only sessions of this server have a home here"
        return room, session

    def _end(self, room: Room, session: LiveSession) -> None:
        log.info("session `%s` is closed", session.name, extra=about(session))
        del self._homes[session.id]
        room.drop(session)
        self.end_soon(session)

    def end_soon(self, session: LiveSession) -> None:
        """Close its program and give everything back, without anybody waiting for it."""
        self._rest_recording(session, goes_on=False)
        session.process.close()  # At once, so that a kill of the server leaves nothing that nobody ends.
        task = asyncio.get_running_loop().create_task(session.end())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _now(self) -> Now:
        # A tick is milliseconds where time allows it, so that ticks of several nodes can be compared.
        date = self.clock()
        self._ticks = max(self._ticks + 1, date)
        return Now(date, self._ticks, clock.milliseconds())

    def _tick(self) -> int:
        return self._now().tick

    def _keep_session(self, session: LiveSession) -> None:
        """Where nothing depends on it: what cannot be kept now is kept when the server goes."""
        try:
            self.archive.keep_session(session)
        except TermwallError as error:
            log.warning("%s", error)

    def _stage_changed(self, room: Room, update: FocusUpdate) -> None:
        for callback in tuple(self._focus_changed.values()):
            callback(update)

    def _reported(self, room: Room, session: AnySession, fields: Mapping[str, Any]) -> None:
        """Something was reported of a session: its subscribers are called too."""
        if fields.keys() <= {"last_activity"}:
            return
        event: SessionEvent = "session_removed" if "removed" in fields else "session_changed"
        for callback in tuple(self._session_events[event].values()):
            callback(room.describe(session))

    def _happened(self, session: LiveSession, what: Occasion) -> None:
        if what == "ended":
            self.recordings.finish(session)
        room = self._home(session)
        if room is None:
            return
        match what:
            case "printed":
                room.printed(session)
            case "changed":
                room.touch(session)
            case "steered":
                room.report_driver(session)
            case "echo":
                room.report_echo(session)
            case "named":
                self.archive.keep_session(session)
                room.report_session(session, name=session.name)
            case "ended":
                self._keep_session(session)
                room.ended(session)
                log.info("session `%s` has ended: %s", session.name, session.attention().reason, extra=about(session))
            case _:
                assert_never(what)

    def _screens_changed(self) -> None:
        for room in self._rooms.values():
            for session in room.own:
                room.touch(session)

    def _home(self, session: LiveSession) -> Room | None:
        """Its room, unless it was removed; another session may have its id by now."""
        room = self._homes.get(session.id)
        return room if room is not None and room.sessions.get(session.id) is session else None

    def _recorded(self, session: LiveSession) -> None:
        session.keep_now()
        self._happened(session, "changed")

    def _rest_recording(self, session: LiveSession, *, goes_on: bool) -> None:
        if session.recorder is not None and not goes_on:
            self.recordings.stop(session)
        elif session.recorder is not None:
            session.recorder.rest()

    def _wake_sweeper(self, seconds: float = SWEEP_SECONDS) -> None:
        """Sweep in so many seconds, or before that if it is planned."""
        if self._soon or self._closed:
            return
        loop = asyncio.get_running_loop()
        if self._sweeper is not None:
            if self._sweeper.when() <= loop.time() + seconds:
                return
            self._sweeper.cancel()
        self._sweeper = loop.call_later(seconds, self._sweep)
        self._soon = seconds <= SWEEP_SECONDS

    def _sweep(self) -> None:
        self._sweeper, self._soon = None, False
        wanted = [at for room in self._rooms.values() if (at := room.sweep()) is not None]
        if wanted:
            self._wake_sweeper(max(SWEEP_SECONDS, (min(wanted) - self.clock()) / 1000))


def about(session: LiveSession) -> dict[str, str]:
    """What a log record about a session carries."""
    return {"session": session.id, "project": session.project_id}

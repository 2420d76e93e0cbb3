"""The authoritative service: projects, sessions, the stage, and their events. termwall's public Python API.

The seed's `InMemoryTerminalService`, its names in snake_case. It runs on one asyncio loop; its methods must be called
there. It opens no port: the transports, or a program that embeds termwall, call it.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, overload

from termwall.core.errors import CloseCode, ErrorCode, TermwallError
from termwall.core.focus import Stage
from termwall.core.ids import ProjectId, SessionId
from termwall.core.limits import Bounds
from termwall.hub.archive import Archive
from termwall.hub.connection import Connection, Hello
from termwall.hub.inheritance import inherit
from termwall.hub.kept import Home, Kept, Launch
from termwall.hub.outlet import Outlet
from termwall.hub.profiles import ProfileSpec
from termwall.hub.room import Room
from termwall.hub.session import LiveSession
from termwall.protocol.bodies import NotifyState, Project, SessionCreate
from termwall.protocol.messages import FocusState, FocusUpdate, Session
from termwall.pty.held import HeldPrograms
from termwall.pty.pace import Pace
from termwall.pty.programs import LocalPrograms, Program
from termwall.screen.feed import Picture
from termwall.screen.screens import Screens
from termwall.store.projects import Store

log = logging.getLogger("termwall.service")

SWEEP_SECONDS = 0.25
"""How often titles, activity and quietness are told while something prints (S9)."""
DEFAULT_SIZE = (80, 24)
ABSENT_SECONDS = 15.0
"""After a restart of the server, who drove a session has so long to come back."""


class TerminalService:
    """All projects of one server.

    Args:
        bounds: every limit.
        store: what survives a restart; None keeps nothing.
        profiles: the kinds of session by `type`; the first is the default.
        max_focused: size of a new project's stage, where it does not say.
        clock: milliseconds since 1970.
        new_id: a new id each call, short and unguessable enough not to collide.
        screens: draws the sessions; the service ends it. None: no previews and pictures, and snapshots are replays.
        programs: where they run; the service closes it. None: as this process's children.
    """

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
    ) -> None:
        self.bounds = bounds
        self.screens = screens
        self.programs = programs or LocalPrograms()
        self._pace = Pace()
        self.environment: dict[str, str] = {}
        """What each session's program finds in its environment, besides its own ids."""
        if screens is not None:
            screens.changed = self._screens_changed
        self.profiles = profiles
        self.archive = Archive(store, clock)
        self._max_focused = max_focused
        self.clock = clock
        self.new_id = new_id
        self._ticks = 0
        self._rooms: dict[ProjectId, Room] = {}
        self._homes: dict[SessionId, Room] = {}
        self._connections: set[Connection] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._focus_changed: dict[object, Callable[[FocusUpdate], None]] = {}
        self._session_changed: dict[object, Callable[[Session], None]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        for stored in self.archive.projects():
            project = Project(
                id=stored.id,
                name=stored.name,
                path=stored.path,
                max_focused=stored.max_focused,
                created_at=stored.created_at,
            )
            self._add_room(
                project, Stage(tuple(map(SessionId, stored.sessions)), stored.version, stored.max_focused), stored.epoch
            )

    async def open(self) -> None:
        """Take over what runs since before this server, and what it kept of the rest (P5, F7).

        Raises:
            HolderError: the process that holds the programs cannot be had.
        """
        found = await self.programs.open() if isinstance(self.programs, HeldPrograms) else []
        inherit(self, found)
        for room in self._rooms.values():
            # Stages were kept with their sessions; one that is gone nevertheless leaves by the rules (F10).
            for session_id in room.stage.sessions:
                if session_id not in room.sessions:
                    room.leave_stage(session_id)
        self._ticks = max((session.recency.newest for session in self._all()), default=0)
        self.archive.save_now_and_then(self._all)
        asyncio.get_running_loop().call_later(ABSENT_SECONDS, self._drop_absent)
        self._wake_sweeper()

    # ---- projects

    def create_project(
        self, *, path: str, id: str | None = None, name: str | None = None, max_focused: int | None = None
    ) -> Project:
        """A new project for a folder.

        Raises:
            TermwallError: `invalid` where there is no such folder, `already_exists`, `limit_reached`.
        """
        folder = Path(path).expanduser()
        if not folder.is_absolute() or not folder.is_dir():
            raise TermwallError(
                ErrorCode.INVALID, f"`{path}` is not the absolute path of a folder on the server.", field="path"
            )
        if len(self._rooms) >= self.bounds.projects:
            raise TermwallError(
                ErrorCode.LIMIT_REACHED, f"There are {self.bounds.projects} projects, the most allowed."
            )
        if id is not None and id in self._rooms:
            raise TermwallError(ErrorCode.ALREADY_EXISTS, f"A project `{id}` exists.", field="id")
        project = Project(
            id=id or self._id_from(name or folder.name),
            name=name or folder.name or str(folder),
            path=str(folder),
            max_focused=max_focused or self._max_focused,
            created_at=self.clock(),
        )
        room = self._add_room(project, Stage((), 0, project.max_focused), self.new_id())
        try:
            self.archive.keep_project(room)
        except TermwallError:
            del self._rooms[room.id]
            raise
        return project

    def get_project(self, project_id: str) -> Project:
        """Raises `unknown_project`."""
        return self.room(project_id).project

    def list_projects(self) -> list[Project]:
        """All projects, the oldest first."""
        return [room.project for room in self._rooms.values()]

    def update_project(self, project_id: str, *, name: str | None = None, max_focused: int | None = None) -> Project:
        """Rename it, or change how many sessions its stage holds (F1)."""
        room = self.room(project_id)
        if name is not None:
            room.project = room.project.model_copy(update={"name": name})
        if max_focused is not None:
            room.limit(max_focused)
        self.archive.keep_project(room)
        return room.project

    async def delete_project(self, project_id: str) -> None:
        """End its programs and connections, and forget it."""
        room = self.room(project_id)
        self.archive.forget_project(room.id)
        del self._rooms[room.id]
        for connection in tuple(room.connections):
            connection.close(CloseCode.UNKNOWN_PROJECT, "The project was deleted")
        for session in tuple(room.sessions.values()):
            self._end(room, session)

    # ---- sessions

    def create_session(self, project_id: str, request: SessionCreate) -> Session:
        """Start a program on a PTY of its own (P1).

        Raises:
            TermwallError: `unknown_project`, `already_exists`, `limit_reached`, `cannot_start`, `invalid`.
        """
        room = self.room(project_id)
        if len(room.sessions) >= self.bounds.sessions:
            raise TermwallError(
                ErrorCode.LIMIT_REACHED, f"`{room.project.name}` has {self.bounds.sessions} sessions, the most allowed."
            )
        kind = request.type or next(iter(self.profiles))
        profile = self.profiles.get(kind)
        if profile is None:
            known = ", ".join(f"`{name}`" for name in self.profiles)
            raise TermwallError(ErrorCode.INVALID, f"There is no profile `{kind}`; there are {known}.", field="type")
        session_id = SessionId(request.id or self.new_id())
        if session_id in self._homes:
            raise TermwallError(ErrorCode.ALREADY_EXISTS, f"A session `{session_id}` exists.", field="id")
        command = list(request.command or profile.command)
        if not command[0]:
            raise TermwallError(ErrorCode.INVALID, "The command is empty.", field="command")
        folder = Path(room.project.path)
        launch = Launch(
            type=kind,
            command=tuple(command),
            cwd=str(folder / Path(request.cwd).expanduser()) if request.cwd else str(folder),
            env={
                **self.environment,
                **profile.env,
                **(request.env or {}),
                "TERMWALL_SESSION_ID": session_id,
                "TERMWALL_PROJECT_ID": room.id,
            },
        )
        cols, rows = request.cols or DEFAULT_SIZE[0], request.rows or DEFAULT_SIZE[1]
        session = self.make(
            Kept(
                id=session_id,
                name=request.name or self._name_for(room, kind),
                home=room.home,
                launch=launch,
                epoch=self.new_id(),
                created_at=self.clock(),
                state={"cols": cols, "rows": rows},
            )
        )
        try:
            self.archive.keep_session(session)
        except TermwallError:
            self.end_soon(session)
            raise
        self._homes[session_id] = room
        room.add(session)
        session.recency.output = self._tick()
        session.keep()
        self._wake_sweeper()
        return self._announce(room, session)

    def get_session(self, session_id: str) -> Session:
        """Raises `unknown_session`."""
        room, session = self._find(session_id)
        return room.describe(session)

    def list_sessions(self, project_id: str) -> list[Session]:
        """The project's sessions, the oldest first."""
        room = self.room(project_id)
        return [room.describe(session) for session in room.sessions.values()]

    def rename_session(self, session_id: str, name: str) -> Session:
        """Give a session another name."""
        room, session = self._find(session_id)
        if name != session.name:
            before, session.name = session.name, name
            try:
                self.archive.keep_session(session)
            except TermwallError:
                session.name = before
                raise
            session.keep()
            room.tell_session(session, name=name)
        return self._announce(room, session)

    async def restart_session(self, session_id: str) -> Session:
        """Run its command again under the same id, in a new epoch; a running program is closed first (P2, S1).

        Raises:
            TermwallError: `unknown_session`, `cannot_start`.
        """
        room, session = self._find(session_id)
        session.process.close()
        await session.process.wait_closed()
        room, session = self._find(session_id)
        if session.ended is None:  # Somebody else restarted it meanwhile.
            return room.describe(session)
        session.restart(self.new_id(), self.clock())
        self._keep_session(session)
        room.restarted(session)
        self._wake_sweeper()
        return self._announce(room, session)

    async def delete_session(self, session_id: str) -> None:
        """Close the program and forget the session; it leaves the stage at once (P3, F10)."""
        room, session = self._find(session_id)
        self.archive.forget_session(session_id)
        self._end(room, session)

    def write_input(self, session_id: str, data: str) -> None:
        """Type into a session; makes nobody its driver (I1, I3, I4)."""
        _, session = self._find(session_id)
        session.write(data.encode())
        session.recency.user = self._tick()
        session.watch.typed(self.clock())
        self._heard(session)

    def notify_session(self, session_id: str, state: NotifyState, message: str, source: str) -> Session:
        """An agent or a script says what it wants from its user (S9)."""
        room, session = self._find(session_id)
        session.told(state, source, message)
        room.tell_facts(session)
        self._wake_sweeper()
        return self._announce(room, session)

    async def show_session(self, session_id: str, kind: Literal["runs", "ansi", "text"], lines: int) -> Picture:
        """What a person would see of a session now, with at most so many lines above the screen (A2).

        Raises:
            TermwallError: `unknown_session`; `engine_away` while no screen can be drawn.
        """
        _, session = self._find(session_id)
        answer: asyncio.Future[Picture | None] = asyncio.get_running_loop().create_future()

        def drawn(picture: Picture | None) -> None:
            if not answer.done():
                answer.set_result(picture)

        session.show(kind, lines, drawn)
        picture = await answer
        if picture is None:
            raise TermwallError(ErrorCode.ENGINE_AWAY, "No screen can be drawn at the moment; try again.")
        return picture

    def resize_session(self, session_id: str, cols: int, rows: int) -> Session:
        """Set the size once (I4)."""
        room, session = self._find(session_id)
        if session.set_size(cols, rows):
            room.tell_driver(session)
        return self._announce(room, session)

    # ---- the stage

    def set_session_focus(
        self,
        session_id: str,
        focused: bool = True,
        *,
        project_id: str | None = None,
        expected_version: int | None = None,
    ) -> FocusState:
        """Put a session on its project's stage, or take it away (F2-F4).

        Raises:
            TermwallError: `unknown_session`, also where it is another project's (F6); `version_conflict`.
        """
        if project_id is None:
            room, _ = self._find(session_id)
        else:
            room = self.room(project_id)
        if focused:
            room.focus(session_id, expected_version)
        else:
            room.blur([session_id], expected_version, single=True)
        return room.state()

    def set_project_focus(
        self, project_id: str, session_ids: Sequence[str], *, focused: bool = True, expected_version: int | None = None
    ) -> FocusState:
        """Make these sessions the whole stage, or take them all from it, in one version (F5)."""
        room = self.room(project_id)
        if focused:
            room.focus_batch(session_ids, expected_version)
        else:
            room.blur(session_ids, expected_version, single=False)
        return room.state()

    def get_focus_state(self, project_id: str) -> FocusState:
        """The stage of a project."""
        return self.room(project_id).state()

    def get_focused_sessions(self, project_id: str) -> list[str]:
        """The ids on the stage, in its order."""
        return list(self.room(project_id).stage.sessions)

    def get_focus_version(self, project_id: str) -> int:
        """The version of the stage (F2, F7)."""
        return self.room(project_id).stage.version

    # ---- events

    @overload
    def subscribe(
        self, event: Literal["focus_changed"], callback: Callable[[FocusUpdate], None]
    ) -> Callable[[], None]: ...
    @overload
    def subscribe(
        self, event: Literal["session_changed"], callback: Callable[[Session], None]
    ) -> Callable[[], None]: ...
    def subscribe(
        self,
        event: Literal["focus_changed", "session_changed"],
        callback: Callable[[FocusUpdate], None] | Callable[[Session], None],
    ) -> Callable[[], None]:
        """Call back on each change of a stage (exactly one event a version, F2), or of a session.

        `session_changed` comes when a session is made, renamed, resized, restarted or ends.

        Returns:
            What ends the subscription.
        """
        key = object()
        if event == "focus_changed":
            self._focus_changed[key] = callback  # type: ignore[assignment]
            return lambda: void(self._focus_changed.pop(key, None))
        if event == "session_changed":
            self._session_changed[key] = callback  # type: ignore[assignment]
            return lambda: void(self._session_changed.pop(key, None))
        raise ValueError(f"there is no event {event!r}")

    # ---- connections

    def connect(self, project_id: str, hello: Hello, outlet: Outlet) -> Connection | None:
        """A WebSocket whose handshake is done. None if it was refused, and closed with the reason (W1, X4)."""
        room = self._rooms.get(ProjectId(project_id))
        if room is None:
            outlet.close(CloseCode.UNKNOWN_PROJECT, "No such project")
            return None
        if self._closed or len(self._connections) >= self.bounds.connections:
            outlet.close(CloseCode.TRY_LATER, "Too many connections")
            return None
        connection = Connection(room, hello, outlet, self.bounds, clock=self.clock, gone=self._connections.discard)
        self._connections.add(connection)
        connection.begin()
        return connection

    def end_token(self, token_id: str) -> None:
        """A token was revoked: its connections end (X1)."""
        for connection in tuple(self._connections):
            if connection.token_id == token_id:
                connection.close(CloseCode.UNAUTHORIZED, "Your link was revoked")

    @property
    def connections(self) -> int:
        """How many WebSockets are open."""
        return len(self._connections)

    async def close(self) -> None:
        """Let go of connections (W9), and of the programs, which end with the server unless they are held (P3, P5).

        Returns when nothing is left to do.
        """
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in tuple(self._connections):
            connection.close(CloseCode.RESTART, "The server restarts")
        sessions = self._all()
        saved = await self.archive.save_all(sessions)
        for session in sessions:
            self._keep_session(session)
        held = isinstance(self.programs, HeldPrograms) and self.programs.held
        # Where nothing runs any more, what was saved is enough: no process has to stay behind for it.
        if held and not (saved and all(session.ended for session in sessions)):
            for session in sessions:
                session.leave()
        else:
            await asyncio.gather(*(session.end() for session in sessions), return_exceptions=True)
        await asyncio.gather(*self._closing, return_exceptions=True)
        if self.screens is not None:
            await self.screens.close()
        if isinstance(self.programs, HeldPrograms):
            await self.programs.close()
        self.archive.close()

    # ---- parts

    def admit(self, room: Room, session: LiveSession) -> None:
        """A session of an earlier server."""
        self._homes[session.id] = room
        room.add(session)
        self._keep_session(session)

    def room_for(self, home: Home) -> Room:
        """A session's project; made again where the store has lost it."""
        room = self._rooms.get(ProjectId(home.id))
        if room is None:
            self.create_project(path=home.path, id=home.id, name=home.name)
            room = self._rooms[ProjectId(home.id)]
        return room

    def _all(self) -> list[LiveSession]:
        return [session for room in self._rooms.values() for session in room.sessions.values()]

    def _drop_absent(self) -> None:
        """Who drove before the restart and did not come back drives no more (I4)."""
        if self._closed:
            return
        for room in self._rooms.values():
            for session in room.sessions.values():
                driver = session.seat.driver
                if driver is not None and not room.present(driver, session.id) and session.left(driver):
                    room.tell_driver(session)

    def make(self, kept: Kept, program: Program | None = None, lost: str | None = None) -> LiveSession:
        """A session of this service, with a new program or the one it has."""
        return LiveSession(
            kept,
            bounds=self.bounds,
            clock=self.clock,
            programs=self.programs,
            screens=self.screens,
            pace=self._pace,
            on_output=self._printed,
            on_heard=self._heard,
            on_exit=self._exited,
            program=program,
            lost=lost,
        )

    def _add_room(self, project: Project, stage: Stage, epoch: str) -> Room:
        room = Room(
            project,
            stage,
            epoch,
            clock=self.clock,
            tick=self._tick,
            keep=self.archive.keep_stage,
            changed=self._stage_changed,
            wake=self._wake_sweeper,
        )
        self._rooms[room.id] = room
        return room

    def room(self, project_id: str) -> Room:
        """Raises `unknown_project`."""
        room = self._rooms.get(ProjectId(project_id))
        if room is None:
            raise TermwallError(
                ErrorCode.UNKNOWN_PROJECT, f"There is no project `{project_id[:64]}`.", field="projectId"
            )
        return room

    def _find(self, session_id: str) -> tuple[Room, LiveSession]:
        room = self._homes.get(SessionId(session_id))
        if room is None:
            raise TermwallError(
                ErrorCode.UNKNOWN_SESSION, f"There is no session `{session_id[:64]}`.", field="sessionId"
            )
        return room, room.sessions[SessionId(session_id)]

    def _end(self, room: Room, session: LiveSession) -> None:
        del self._homes[session.id]
        room.drop(session)
        self.end_soon(session)

    def end_soon(self, session: LiveSession) -> None:
        """Close its program and give everything back, without anybody waiting for it."""
        task = asyncio.get_running_loop().create_task(session.end())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _tick(self) -> int:
        self._ticks += 1
        return self._ticks

    def _id_from(self, name: str) -> str:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._").lower()[:48] or "project"
        candidate, count = plain, 1
        while ProjectId(candidate) in self._rooms:
            count += 1
            candidate = f"{plain}-{count}"
        return candidate

    def _name_for(self, room: Room, kind: str) -> str:
        names = {session.name for session in room.sessions.values()}
        candidate, count = kind, 1
        while candidate in names:
            count += 1
            candidate = f"{kind} {count}"
        return candidate

    def _keep_session(self, session: LiveSession) -> None:
        """Where nothing depends on it: what cannot be kept now is kept when the server goes."""
        try:
            self.archive.keep_session(session)
        except TermwallError as error:
            log.warning("%s", error)

    def _stage_changed(self, room: Room, update: FocusUpdate) -> None:
        for callback in tuple(self._focus_changed.values()):
            callback(update)

    def _announce(self, room: Room, session: LiveSession) -> Session:
        described = room.describe(session)
        for callback in tuple(self._session_changed.values()):
            callback(described)
        return described

    def _printed(self, session: LiveSession) -> None:
        room = self._home(session)
        if room is not None:
            room.printed(session)

    def _heard(self, session: LiveSession) -> None:
        room = self._home(session)
        if room is not None:
            room.touch(session)

    def _screens_changed(self) -> None:
        for room in self._rooms.values():
            for session in room.sessions.values():
                room.touch(session)

    def _home(self, session: LiveSession) -> Room | None:
        """Its room, unless it was removed; another session may have its id by now."""
        room = self._homes.get(session.id)
        return room if room is not None and room.sessions.get(session.id) is session else None

    def _exited(self, session: LiveSession) -> None:
        room = self._home(session)
        if room is not None:
            self._keep_session(session)
            room.ended(session)
            self._announce(room, session)

    def _wake_sweeper(self, seconds: float = SWEEP_SECONDS) -> None:
        """Sweep in so many seconds, or before that if it is planned."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        if self._sweeper is not None:
            if self._sweeper.when() <= loop.time() + seconds:
                return
            self._sweeper.cancel()
        self._sweeper = loop.call_later(seconds, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        wanted = [at for room in self._rooms.values() if (at := room.sweep()) is not None]
        if wanted:
            self._wake_sweeper(max(SWEEP_SECONDS, (min(wanted) - self.clock()) / 1000))


def void(_: object) -> None:
    """Drops a value where a callback must return nothing."""

"""The authoritative service: projects, sessions, the stage, and their events. termwall's public Python API.

The seed's `InMemoryTerminalService`, its names in snake_case. It runs on one asyncio loop; its methods must be called
there. It opens no port: the transports, or a program that embeds termwall, call it.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

from termwall.core.caption import caption
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.focus import Stage
from termwall.core.ids import ProjectId, SessionId
from termwall.core.session.acts import NOBODY, Act, Renamed, Reported, Reset, Resized, Typed
from termwall.hub.anysession import raised
from termwall.hub.audience import Asked
from termwall.hub.estate import ABSENT_SECONDS, Estate, SessionEvent, about, log
from termwall.hub.inheritance import inherit
from termwall.hub.record import Launch, Record, must_fit
from termwall.hub.room import Room
from termwall.hub.sealed import must_be_open
from termwall.hub.session import LiveSession
from termwall.hub.stages import StageAnswer
from termwall.hub.starting import order_for
from termwall.protocol.bodies import InputBody, NotifyState, Project, SessionCreate
from termwall.protocol.messages import FocusState, FocusUpdate, Session
from termwall.protocol.parts import Changer
from termwall.protocol.recordings import Recording
from termwall.pty.held_program import discard
from termwall.pty.holder_client import HeldPrograms
from termwall.pty.place import NoPlace, enter, resolve
from termwall.screen.feed import Picture

OVER_HTTP = Asked(None, None, Changer(client_id="http"))

DEFAULT_SIZE = (80, 24)
CLOSE_SPARE_SECONDS = 3.0
"""For a program that was killed to be gone, besides `close_seconds`."""
PICTURE_SECONDS = 10.0
"""How long one picture is waited for: less than the patience of our own commands, which is 15 s."""


class TerminalService(Estate):
    """All projects of one server.

    Args:
        bounds: every limit.
        store: what survives a restart; None keeps nothing.
        profiles: the kinds of session by `type`; the first is the default.
        max_focused: size of a new project's stage, where it does not say.
        clock: milliseconds since 1970.
        new_id: a new id each call, short and unguessable enough not to collide.
        screens: draws the sessions; the service ends it. None: no previews and pictures, and snapshots are replays.
        recordings: the folder for recordings; None records nothing.
        programs: where they run; the service closes it. None: as this process's children.
    """

    async def open(self) -> None:
        """Take over what runs since before this server, and what it kept of the rest (P5, F7).

        Raises:
            HolderError: the process that holds the programs cannot be had.
        """
        found = await self.programs.open() if isinstance(self.programs, HeldPrograms) else []
        resting = inherit(self, found)
        self.recordings.close_open(resting | {one.recorder.id for one in self._all() if one.recorder is not None})
        if self.node is None:  # With several nodes, who is not here may be on another one.
            for room in self._rooms.values():
                # Stages were kept with their sessions; one that is gone nevertheless leaves by the rules (F10).
                for session_id in room.stage.sessions:
                    if session_id not in room.sessions:
                        room.leave_stage(session_id)
        self._ticks = max((session.recency.newest for session in self._all()), default=0)
        self.archive.save_now_and_then(self._all)
        asyncio.get_running_loop().call_later(ABSENT_SECONDS, self._drop_absent)
        self._wake_sweeper()
        self.lateness.begin()

    def may_have(self, project_id: str, session_id: str) -> bool:
        """Whether a project has a session, or may have it at a node that was not heard of (N5)."""
        room = self._rooms.get(ProjectId(project_id))
        return room is not None and (session_id in room.sessions or room.expected(SessionId(session_id)))

    # ---- projects

    def create_project(
        self, *, path: str, id: str | None = None, name: str | None = None, max_focused: int | None = None
    ) -> Project:
        """A new project for a folder.

        Args:
            path: the absolute path of a folder; `~` is the user's.
            id: letters, digits, `.`, `_` and `-`; else made from the name.
            name: what people call it; else the folder's name.
            max_focused: how many sessions its stage holds, 1 to 64; else the setting.

        Raises:
            TermwallError: `invalid` where there is no such folder, `already_exists`, `limit_reached`.
        """
        try:
            folder = Path(resolve(path))
            enter(str(folder))
        except NoPlace as error:
            raise TermwallError(ErrorCode.INVALID, str(error), field="path") from None
        if len(self._rooms) >= self.bounds.projects:
            raise TermwallError(
                ErrorCode.LIMIT_REACHED, f"There are {self.bounds.projects} projects, the most allowed."
            )
        if id is not None and id in self._rooms:
            raise TermwallError(ErrorCode.ALREADY_EXISTS, f"A project `{id}` exists.", field="id")
        project = Project(
            id=id or self._id_from(name or folder.name),
            name=name or caption(folder.name or str(folder)) or "project",
            path=str(folder),
            max_focused=max_focused or self.max_focused,
            created_at=self.clock(),
        )
        room = self._add_room(project, Stage((), 0, project.max_focused), self.new_id())
        try:
            self.archive.keep_project(room, project)
        except TermwallError:
            del self._rooms[room.id]
            raise
        self.stages.made(room)
        return project

    def get_project(self, project_id: str) -> Project:
        """One project. Raises `unknown_project`."""
        return self.room(project_id).project

    def list_projects(self) -> list[Project]:
        """All projects, the oldest first."""
        return [room.project for room in self._rooms.values()]

    async def update_project(
        self, project_id: str, *, name: str | None = None, max_focused: int | None = None
    ) -> Project:
        """Rename it, or change how many sessions its stage holds (F1).

        Raises:
            TermwallError: `unknown_project`; `engine_away` where other nodes have to agree and cannot be reached.
        """
        room = self.room(project_id)
        if max_focused is not None:
            await _answered(lambda answer: room.limit(max_focused, answer))
        if name is not None:
            await _answered(lambda answer: self.stages.rename(room, name, answer))
        return room.project

    async def delete_project(self, project_id: str) -> None:
        """End its programs and connections, and forget it.

        Raises:
            TermwallError: `unknown_project`; `engine_away` where other nodes have to agree and cannot be reached.
        """
        room = self.room(project_id)
        await _answered(lambda answer: self.stages.remove(room, answer))
        if self._rooms.get(room.id) is room:  # With other nodes, their word ended it already.
            self.archive.forget_project(room.id)
            self.end_room(room)

    # ---- sessions

    async def create_session(self, project_id: str, request: SessionCreate) -> Session:
        """Start a program on a PTY of its own (P1).

        Args:
            request: `SessionCreate()` starts the first profile's command in the project's folder, in 80x24 cells or the
                project's usual size.

        Raises:
            TermwallError: `unknown_project`, `already_exists`, `limit_reached`, `cannot_start`, `invalid`;
                `engine_away` where what starts programs does not answer, or nothing can be kept.
        """
        room = self.room(project_id)
        kept = self._planned(room, request)
        with self._starting.begin(kept):
            program = await self.programs.start(order_for(kept, self.outfit, self.bounds))
        if self._closed or self._rooms.get(room.id) is not room:
            discard(program)
            if self._closed:
                raise TermwallError(ErrorCode.ENGINE_AWAY, "The server is stopping; try again.")
            self.room(project_id)
        session = self.make(kept, program, theme=room.theme)
        try:
            oldest = self._oldest_over_limit(room)
            self.archive.keep_session(session)
        except TermwallError:
            self.end_soon(session)
            raise
        if oldest is not None:
            self.archive.forget_session(oldest.id)
            self._end(room, oldest)
        self._homes[session.id] = room
        log.info("session `%s` is started", session.name, extra=about(session))
        room.add(session)
        session.recency.output = self._tick()
        session.keep()
        self._wake_sweeper()
        return room.describe(session)

    def _planned(self, room: Room, request: SessionCreate) -> Record:
        """What is asked for, if it may be."""
        if request.node not in (None, self.node):
            raise TermwallError(ErrorCode.INVALID, f"There is no node `{request.node}` here.", field="node")
        if not self.runs_programs:
            raise TermwallError(
                ErrorCode.INVALID,
                "This node runs no programs; name the `node` to run it on.",
                field="node",
            )
        self._oldest_over_limit(room)
        kind = request.type or next(iter(self.profiles))
        profile = self.profiles.get(kind)
        if profile is None:
            known = ", ".join(f"`{name}`" for name in self.profiles)
            raise TermwallError(ErrorCode.INVALID, f"There is no profile `{kind}`; there are {known}.", field="type")
        session_id = SessionId(request.id or self.new_id())
        if session_id in self._starting or any(session_id in one.sessions for one in self._rooms.values()):
            raise TermwallError(ErrorCode.ALREADY_EXISTS, f"A session `{session_id}` exists.", field="id")
        command = list(request.command or profile.command)
        if not command[0]:
            raise TermwallError(ErrorCode.INVALID, "The command is empty.", field="command")
        try:
            cwd = resolve(request.cwd or "", within=room.project.path)
        except NoPlace as error:
            raise TermwallError(ErrorCode.CANNOT_START, str(error), field="cwd") from None
        launch = Launch(
            type=kind,
            command=tuple(command),
            cwd=cwd,
            env={
                **self.environment,
                **profile.env,
                **(request.env or {}),
                "TERMWALL_SESSION_ID": session_id,
                "TERMWALL_PROJECT_ID": room.id,
            },
        )
        usual = room.usual_size or DEFAULT_SIZE
        cols, rows = request.cols or usual[0], request.rows or usual[1]
        kept = Record(
            id=session_id,
            name=request.name or self._name_for(room, kind),
            home=room.home,
            launch=launch,
            epoch=self.new_id(),
            created_at=self.clock(),
            state={"cols": cols, "rows": rows},
        )
        must_fit(kept)
        return kept

    def _oldest_over_limit(self, room: Room) -> LiveSession | None:
        """The ended session that one more needs the place of, if it needs one. Raises `limit_reached` where all run."""
        if len(room.sessions) + len(self._starting.of(room.id)) < self.bounds.sessions:
            return None
        oldest = room.oldest_ended
        if oldest is None:
            raise TermwallError(
                ErrorCode.LIMIT_REACHED,
                f"`{room.project.name}` has {self.bounds.sessions} sessions that run, the most allowed.",
            )
        return oldest

    def get_session(self, session_id: str) -> Session:
        """One session, as it is now. Raises `unknown_session`."""
        room = self._room_of(session_id)
        return room.describe(room.find(session_id))

    def list_sessions(self, project_id: str) -> list[Session]:
        """The project's sessions, the oldest first. Raises `unknown_project`."""
        room = self.room(project_id)
        return [room.describe(session) for session in room.sessions.values()]

    def rename_session(self, session_id: str, name: str) -> Session:
        """Give a session another name. Raises `unknown_session`, `other_version`."""
        return self._act(session_id, Renamed(name))

    async def restart_session(self, session_id: str) -> Session:
        """Run its command again under the same id, in a new epoch; a running program is closed first (P2, S1).

        Raises `unknown_session`, `cannot_start`, `engine_away`, `other_version`.
        """
        _, session = self._find(session_id)
        must_be_open(session.name, session.process.program)
        session.process.close()
        if not await session.process.closed_within(self.bounds.close_seconds + CLOSE_SPARE_SECONDS):
            raise TermwallError(
                ErrorCode.CANNOT_START,
                f"Process {session.process.pid} does not end, though it was killed: it waits for a disk or a device.",
            )
        async with session.restarting:
            room, same = self._find(session_id)
            if same is not session or session.ended is None:  # Somebody else restarted it meanwhile.
                return room.describe(same)
            self._rest_recording(session, goes_on=False)
            epoch = self.new_id()
            program = await self.programs.start(session.order(epoch))
            if self._closed or self._home(session) is not room:
                discard(program)
                self._find(session_id)
                raise TermwallError(ErrorCode.ENGINE_AWAY, "The server is stopping; try again.")
            session.restart(program, epoch, self.clock())
        self._keep_session(session)
        room.restarted(session)
        self._wake_sweeper()
        return room.describe(session)

    async def delete_session(self, session_id: str) -> None:
        """Close the program and forget the session; it leaves the stage at once (P3, F10). Raises `unknown_session`."""
        room, session = self._find(session_id)
        self.archive.forget_session(session_id)
        self._end(room, session)

    def write_input(self, session_id: str, data: str) -> None:
        """Type into a session; makes nobody its driver (I1, I3, I4).

        Args:
            data: sent as UTF-8, unchanged; Enter is a carriage return.

        Raises:
            TermwallError: `unknown_session`, `session_ended`; `input_overflow` where the program does not read: then
                nothing is typed.
        """
        self._find(session_id)[1].do(Typed(data.encode()), answer=raised)

    async def send_input(self, session_id: str, body: InputBody) -> None:
        """Type into a session as a person would: text and Enter apart, keys by their names (A7).

        Raises:
            TermwallError: those of `write_input`; `invalid` for a key that has no name, `too_late` after `until`.
        """
        _, session = self._find(session_id)
        await self._sender.send(session, body)

    def notify_session(self, session_id: str, state: NotifyState, message: str, source: str) -> Session:
        """Report what an agent or a script wants from its user (S9).

        Args:
            state: what the session's `attention` becomes.
            message: shown as its notification, where not empty.
            source: who says so, for `attention.reason`.

        Raises:
            TermwallError: `unknown_session`.
        """
        return self._act(session_id, Reported(state, source, message))

    async def show_session(
        self,
        session_id: str,
        kind: Literal["runs", "ansi", "text", "lines"],
        lines: int,
        *,
        seconds: float = PICTURE_SECONDS,
    ) -> Picture:
        """What a person would see of a session now (A2).

        Args:
            kind: what `Picture.data` is, in UTF-8: `text`; `ansi`, with colours as a terminal takes it; or JSON:
                `runs`, a list of styled runs for each row; `lines`, a list of the rows it takes for each line.
            lines: at most so many lines above the screen.
            seconds: how long the picture is waited for (L1).

        Raises:
            TermwallError: `unknown_session`; `engine_away` while no screen can be drawn.
        """
        _, session = self._find(session_id)
        answer: asyncio.Future[Picture | None] = asyncio.get_running_loop().create_future()

        def drawn(picture: Picture | None) -> None:
            if not answer.done():
                answer.set_result(picture)

        session.show(kind, lines, drawn)
        await asyncio.wait((answer,), timeout=seconds)
        picture = answer.result() if answer.done() else None
        if picture is None:
            raise TermwallError(ErrorCode.ENGINE_AWAY, "No screen can be drawn at the moment; try again.")
        return picture

    def resize_session(self, session_id: str, cols: int, rows: int) -> Session:
        """Set the size once (I4).

        Args:
            cols: cells, 2 to 1000, as are `rows`; that is not checked here.

        Raises:
            TermwallError: `unknown_session`.
        """
        return self._act(session_id, Resized((cols, rows)))

    def reset_session(self, session_id: str) -> Session:
        """Put the modes of a session's terminal back that a program which is gone may have left on (S1, S4).

        Raises:
            TermwallError: `unknown_session`; `session_ended`.
        """
        return self._act(session_id, Reset())

    def _act(self, session_id: str, act: Act) -> Session:
        """Do something to a session, as nobody in particular; how it is then. Raises why it was refused."""
        room, session = self._find(session_id)
        session.do(act, NOBODY, raised)
        room.report_facts(session)
        return room.describe(session)

    # ---- recordings

    def start_recording(self, session_id: str) -> Recording:
        """Record a session from now on.

        Raises `unknown_session`, `already_exists`, `session_ended`, `limit_reached`, `engine_away`.
        """
        _, session = self._find(session_id)
        return self.recordings.start(session)

    def stop_recording(self, session_id: str) -> Recording:
        """End a session's recording. Raises `unknown_session`, `unknown_recording`."""
        _, session = self._find(session_id)
        return self.recordings.stop(session)

    # ---- the stage

    async def set_session_focus(
        self,
        session_id: str,
        focused: bool = True,
        *,
        project_id: str | None = None,
        expected_version: int | None = None,
    ) -> FocusState:
        """Put a session on its project's stage, or take it away (F2-F4).

        Args:
            expected_version: refuse the change where the stage has another version.

        Raises:
            TermwallError: `unknown_session`, also where it is another project's (F6); `version_conflict`.
        """
        room = self._room_of(session_id) if project_id is None else self.room(project_id)
        await self.fresh(room.id)
        if focused:
            await _answered(lambda answer: room.focus(session_id, expected_version, answer, OVER_HTTP))
        else:
            await _answered(lambda answer: room.blur([session_id], expected_version, answer, OVER_HTTP, single=True))
        return room.state()

    async def set_project_focus(
        self, project_id: str, session_ids: Sequence[str], *, focused: bool = True, expected_version: int | None = None
    ) -> FocusState:
        """Make these sessions the whole stage, or take them all from it, in one version (F5).

        Raises `unknown_project`, `unknown_session`, `too_many_focused`, `version_conflict`.
        """
        room = self.room(project_id)
        await self.fresh(room.id)
        if focused:
            await _answered(lambda answer: room.focus_batch(session_ids, expected_version, answer, OVER_HTTP))
        else:
            await _answered(lambda answer: room.blur(session_ids, expected_version, answer, OVER_HTTP, single=False))
        return room.state()

    def get_focus_state(self, project_id: str) -> FocusState:
        """The stage of a project. Raises `unknown_project`, as the next two do."""
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
    def subscribe(self, event: SessionEvent, callback: Callable[[Session], None]) -> Callable[[], None]: ...
    def subscribe(
        self,
        event: Literal["focus_changed"] | SessionEvent,
        callback: Callable[[FocusUpdate], None] | Callable[[Session], None],
    ) -> Callable[[], None]:
        """Call back on each change of a stage (exactly one event a version, F2), or of a session.

        `session_changed` comes whenever clients are sent something else of a session than that it printed, also where
        it is new; `session_removed` once it is gone for good, with how it was.

        Callbacks run on the event loop, one after another: they may change the stage again, and must not block.

        Returns:
            What ends the subscription.

        Raises:
            ValueError: there is no such event.
        """
        known: Mapping[Any, dict[object, Any]] = {"focus_changed": self._focus_changed, **self._session_events}
        if event not in known:
            raise ValueError(f"there is no event {event!r}")
        key, callbacks = object(), known[event]
        callbacks[key] = callback
        return lambda: void(callbacks.pop(key, None))

    def _id_from(self, name: str) -> str:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._").lower()[:48] or "project"
        candidate, count = plain, 1
        while ProjectId(candidate) in self._rooms:
            count += 1
            candidate = f"{plain}-{count}"
        return candidate

    def _name_for(self, room: Room, kind: str) -> str:
        names = {session.name for session in room.sessions.values()}
        names |= {kept.name for kept in self._starting.of(room.id)}
        candidate, count = kind, 1
        while candidate in names:
            count += 1
            candidate = f"{kind} {count}"
        return candidate


async def _answered(command: Callable[[StageAnswer], None]) -> None:
    """Give a command and wait for what became of it; raises why it was refused."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answer(result: FocusUpdate | TermwallError | None) -> None:
        if done.done():
            return
        if isinstance(result, TermwallError):
            done.set_exception(result)
        else:
            done.set_result(None)

    command(answer)
    await done


def void(_: object) -> None:
    """Drops a value where a callback must return nothing."""

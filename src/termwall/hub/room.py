"""A project while the server runs: its stage, its sessions and its connections.

A courier: `core.focus` decides, this file carries the command in and the one event out, to every connection in order
(F2, F8). All of it runs on the event loop without waiting, so what a client is sent is never older than what it asked.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from termwall.core import focus
from termwall.core.bucket import Bucket
from termwall.core.errors import CloseCode, ErrorCode, TermwallError
from termwall.core.focus import Activity, FocusChange, Stage
from termwall.core.ids import ClientId, ProjectId, SessionId
from termwall.core.theme import Theme
from termwall.hub.anysession import AnySession
from termwall.hub.audience import Asked, Listener
from termwall.hub.previews import Previews
from termwall.hub.record import Home
from termwall.hub.session import LiveSession
from termwall.hub.stages import Decide, StageAnswer, Stages
from termwall.protocol.bodies import Project
from termwall.protocol.codec import encode
from termwall.protocol.messages import Clipboard, FocusState, FocusUpdate, Session, SessionUpdate
from termwall.protocol.parts import Changer

GONE = Activity(0, 0, 0, ended=True)
"""A session that nobody here knows, because its node is away."""
LEAVE_MILLISECONDS = 1_000
"""Until a session that is gone, and could not be taken from the stage, is taken from it again (F10)."""
log = logging.getLogger("termwall.room")

LOOKS_PER_SECOND, LOOKS_AT_ONCE = 4.0, 16.0
"""How often the first picture of a preview is drawn at once; else it comes up to 250 ms later (S6)."""
ACTIVITY_MILLISECONDS = 1_000
"""A session's time of last output is sent at most this often (S6: the cost does not grow with the output)."""


def not_heard(session_id: str, field: str) -> TermwallError:
    """Nobody here can say whether there is such a session (N5)."""
    return TermwallError(
        ErrorCode.ENGINE_AWAY,
        f"`{session_id[:64]}` is not known here yet, and not all nodes were heard: try again in a few seconds.",
        field=field,
    )


class Room:
    """One project.

    `stages` decides changes, `changed` is the event (F2), `reported` is called with what clients were sent of a
    session, `wake` asks for a `sweep` soon.
    """

    def __init__(
        self,
        project: Project,
        stage: Stage,
        epoch: str,
        *,
        clock: Callable[[], int],
        tick: Callable[[], int],
        stages: Stages,
        changed: Callable[["Room", FocusUpdate], None],
        reported: Callable[["Room", AnySession, Mapping[str, Any]], None],
        wake: Callable[[], None],
    ) -> None:
        self.project = project
        self.id = ProjectId(project.id)
        self.stage = stage
        self.epoch = epoch
        self.sessions: dict[SessionId, AnySession] = {}
        self.connections: set[Listener] = set()
        self.closing = False
        """Whether the server goes: who drives then keeps the seat for when it is back (I4). Or the project does."""
        self._clock = clock
        self.tick = tick
        self.stages = stages
        self._changed = changed
        self._reported = reported
        self._wake = wake
        self.previews = Previews(clock)
        self.to_nodes: Callable[[AnySession, Mapping[str, Any]], None] = lambda session, fields: None
        """The same for other nodes."""
        self.elsewhere: Callable[[str, SessionId], bool] = lambda client, session_id: False
        """Whether a client is connected to another node and does something to this session."""
        self.guests: Callable[[SessionId], Iterable[ClientId]] = lambda session_id: ()
        """Those clients."""
        self.copied_elsewhere: Callable[[LiveSession, str, str], None] = lambda session, client, text: None
        """A client that is connected to another node is to have this text on its clipboard."""
        self.theme: Theme | None = None
        """The colours that a client sent last: of sessions that nobody drove yet."""
        self.expected: Callable[[SessionId], bool] = lambda session_id: False
        """Whether another node, which was not heard yet, may have this session that is not known here."""
        self.unknown = GONE
        """What is assumed of a session of the stage that is not known here (F3)."""
        self.pane: tuple[int, int] | None = None
        """The size that a client which drives sent last: what a new session without a size begins with."""
        self._leaving: set[SessionId] = set()
        """Sessions that are gone, and still on the stage because that could not be changed (F10)."""
        self._leave_at = 0
        self._stirred: set[LiveSession] = set()
        self._touched: set[LiveSession] = set()
        self._sent_activity: dict[LiveSession, int] = {}
        self._looks: Bucket | None = None
        """Of what is drawn at once for clients that begin to watch; else it comes with the next `sweep`."""

    @property
    def home(self) -> Home:
        """What a session keeps of its project."""
        return Home(self.project.id, self.project.name, self.project.path)

    # ---- the stage

    @property
    def own(self) -> list[LiveSession]:
        """Those whose programs run here."""
        return [session for session in self.sessions.values() if isinstance(session, LiveSession)]

    @property
    def usual_size(self) -> tuple[int, int] | None:
        """The newest size of a pane of this project: the last one that was sent, or else of the session used last."""
        used = max(self.own, key=lambda session: session.recency.user, default=None)
        return self.pane or (used.size if used is not None and used.recency.user else None)

    @property
    def oldest_ended(self) -> LiveSession | None:
        """What makes room for a new session: of those that ended the oldest, last what is on the stage or was lost."""

        def order(session: LiveSession) -> tuple[bool, bool, int]:
            return session.id in self.stage.sessions, session.lost is not None, session.core.watch.value.since

        return min((session for session in self.own if session.over), key=order, default=None)

    def find(self, session_id: str, field: str = "sessionId") -> AnySession:
        """A session of this project.

        Raises:
            TermwallError: `unknown_session` (F6); `engine_away` while another node may have it (N5).
        """
        session = self.sessions.get(SessionId(session_id))
        if session is not None:
            return session
        if self.expected(SessionId(session_id)):
            raise not_heard(session_id, field)
        raise TermwallError(
            ErrorCode.UNKNOWN_SESSION, f"`{self.project.name}` has no session `{session_id[:64]}`.", field=field
        )

    def _find_or_staged(self, session_id: str, field: str) -> SessionId:
        """The id of one that is known, or at least on the stage, with its node not heard yet (N5)."""
        if session_id in self.stage.sessions:
            return SessionId(session_id)
        return self.find(session_id, field).id

    def focus(
        self, session_id: str, expected_version: int | None, answer: StageAnswer, asked: Asked | None = None
    ) -> None:
        """Put one session on the stage (F2-F4, F6)."""
        session = self.find(session_id)
        self._change(
            lambda stage: focus.focus(stage, session.id, self._activity(stage), expected_version=expected_version),
            self._used([session], answer),
            asked,
        )

    def focus_batch(
        self,
        session_ids: Sequence[str],
        expected_version: int | None,
        answer: StageAnswer,
        asked: Asked | None = None,
    ) -> None:
        """Make these sessions the whole stage, in this order (F5)."""
        ids = [self._find_or_staged(session_id, "sessionIds") for session_id in session_ids]
        sessions = [session for session_id in ids if (session := self.sessions.get(session_id)) is not None]
        self._change(
            lambda stage: focus.focus_batch(stage, ids, expected_version=expected_version),
            self._used(sessions, answer),
            asked,
        )

    def _used(self, sessions: Sequence[AnySession], answer: StageAnswer) -> StageAnswer:
        """Who asks for sessions uses them (F3), once it is decided that they may be there."""

        def answered(result: FocusUpdate | TermwallError | None) -> None:
            if not isinstance(result, TermwallError):
                for session in sessions:
                    session.recency.user = self.tick()
            answer(result)

        return answered

    def blur(
        self,
        session_ids: Sequence[str],
        expected_version: int | None,
        answer: StageAnswer,
        asked: Asked | None = None,
        *,
        single: bool,
    ) -> None:
        """Take these sessions from the stage in one version (F5). `single`: the command named one, not a list."""
        ids = [self._find_or_staged(session_id, "sessionId" if single else "sessionIds") for session_id in session_ids]
        named = ids[0] if single else None
        self._change(
            lambda stage: focus.blur(stage, ids, named=named, expected_version=expected_version), answer, asked
        )

    def limit(self, max_focused: int, answer: StageAnswer) -> None:
        """Change how many may be on the stage (F1)."""
        self._change(lambda stage: focus.limit(stage, max_focused, self._activity(stage)), answer, None)

    def leave_stage(self, session_id: SessionId) -> None:
        """A session is gone (F10). What cannot be changed now is tried again, until it is off or there again."""

        def left(result: FocusUpdate | TermwallError | None) -> None:
            if isinstance(result, TermwallError) and session_id in self.stage.sessions:
                about = {"session": session_id, "project": self.id}
                log.info("a session that is gone stays on the stage for now: %s", result, extra=about)
                self._leaving.add(session_id)
                self._wake()

        self._change(lambda stage: focus.remove(stage, session_id), left, None)

    def state(self) -> FocusState:
        """The stage as everybody sees it (A1)."""
        return FocusState(**self._state_fields())

    def _state_fields(self) -> dict[str, Any]:
        return {
            "project_id": self.id,
            "focused_sessions": list(self.stage.sessions),
            "total_focused": len(self.stage.sessions),
            "max_focused": self.stage.max_focused,
            "version": self.stage.version,
            "epoch": self.epoch,
            "timestamp": self._clock(),
        }

    def _change(self, decide: Decide, answer: StageAnswer, asked: Asked | None) -> None:
        def decided(stage: Stage) -> FocusChange | None:
            try:
                return decide(stage)
            except TermwallError as error:
                if error.code is ErrorCode.VERSION_CONFLICT:
                    error.details = self.state().model_dump()
                raise

        self.stages.change(self, decided, asked, answer)

    def _activity(self, stage: Stage) -> dict[SessionId, Activity]:
        return {
            session_id: self.unknown if (session := self.sessions.get(session_id)) is None else session.activity
            for session_id in stage.sessions
        }

    def apply(self, change: FocusChange, request: Asked | None, by: Changer | None = None) -> FocusUpdate:
        """The next version of the stage: send it to everybody (F2, F8). `by`: who asked, perhaps at another node."""
        self.stage = change.stage
        if self.project.max_focused != change.stage.max_focused:
            self.project = self.project.model_copy(update={"max_focused": change.stage.max_focused})
        for session_id in change.added:
            session = self.sessions.get(session_id)
            if session is not None:
                session.recency.user = session.recency.focused = self.tick()
                session.keep()
        update = FocusUpdate(
            **self._state_fields(),
            session_id=change.session_id,
            focused=change.focused,
            added=list(change.added),
            removed=list(change.removed),
            evicted=list(change.evicted),
            by=by if request is None else request.by,
        )
        self._send_focus(update, request)
        for connection in tuple(self.connections):
            connection.stage_changed(change.added, change.removed)
        # Last, because a subscriber may change the stage again: everybody has this version by then (F8).
        self._changed(self, update)
        return update

    def replace(self, stage: Stage, epoch: str) -> None:
        """The stage is another one, and what was between is not known: every client comes anew, to the whole of it."""
        self.stage, self.epoch = stage, epoch
        self.project = self.project.model_copy(update={"max_focused": stage.max_focused})
        for connection in tuple(self.connections):
            connection.close(CloseCode.RESTART, "The stage was changed elsewhere; come again")

    def _send_focus(self, update: FocusUpdate, request: Asked | None) -> None:
        text = encode(update)
        for connection in tuple(self.connections):
            if request is not None and request.request_id is not None and connection is request.connection:
                connection.send(encode(update.model_copy(update={"request_id": request.request_id})))
            else:
                connection.send(text)

    # ---- sessions

    def add(self, session: AnySession) -> None:
        """A new session: everybody is sent it, and whoever waits for it is woken (W5)."""
        self.sessions[session.id] = session
        if isinstance(session, LiveSession):
            self._sent_activity[session] = self._clock()
            session.news()
            session.core.inputs.connected = lambda: self._typists(session)
        self.report_session(session, session=self.describe(session))
        for connection in tuple(self.connections):
            connection.session_added(session)

    def drop(self, session: AnySession) -> None:
        """A session is gone: it leaves the stage by the same rules (F10)."""
        del self.sessions[session.id]
        self.previews.dropped(session)
        if isinstance(session, LiveSession):
            self._stirred.discard(session)
            self._touched.discard(session)
            self._sent_activity.pop(session, None)
            if not self.closing:
                self.leave_stage(session.id)
        self.report_session(session, removed=True)
        for connection in tuple(self.connections):
            connection.session_dropped(session)

    def describe(self, session: AnySession) -> Session:
        """A session as everybody sees it (A2)."""
        return session.describe(session.id in self.stage.sessions)

    def report_session(self, session: AnySession, /, **fields: Any) -> None:
        """These fields changed: the one place that sends them to all who carry the session, here and elsewhere.

        Those that view its stream get its size in its place there (S3).
        """
        self.to_nodes(session, fields)
        place: dict[str, Any] = {"session_id": session.id, "project_id": self.id, "timestamp": self._clock()}
        text = in_stream = encode(SessionUpdate(**place, **fields))
        if "cols" in fields:
            unsized = {name: value for name, value in fields.items() if name not in ("cols", "rows")}
            in_stream = encode(SessionUpdate(**place, **unsized))
        for connection in tuple(self.connections):
            if connection.carries(session.id):
                connection.send(in_stream if connection.views(session) else text)
        self._reported(self, session, fields)

    def report_driver(self, session: AnySession) -> None:
        """Who drives, and the size."""
        cols, rows = session.size
        self.report_session(session, driver=session.driver(), cols=cols, rows=rows)

    def touch(self, session: LiveSession) -> None:
        """Something about a session may be different: `sweep` will see (S9)."""
        self._touched.add(session)
        self._wake()

    def watch(self, connection: Listener, sessions: Iterable[AnySession]) -> None:
        """A connection wants previews of these sessions and no others (S6)."""
        self.previews.watch(connection, sessions)
        now = asyncio.get_running_loop().time()
        self._looks = self._looks or Bucket(LOOKS_PER_SECOND, LOOKS_AT_ONCE, now)
        if self._looks.take(1, now):
            self.previews.sweep()
        self._wake()

    def printed(self, session: LiveSession) -> None:
        """A session printed something. What that changes is reported by `sweep`."""
        self._stirred.add(session)
        self.touch(session)

    def sweep(self) -> int | None:
        """Tell what changed since the last sweep: a bounded number of messages, however much was printed.

        Returns:
            When another one is wanted though nothing is printed: ms since 1970.
        """
        now = self._clock()
        wanted: list[int] = []
        for session in self.own:
            watch = session.core.watch
            deadline = watch.next_deadline()
            if deadline is not None and deadline <= now:
                watch.ticked(now)
                self._touched.add(session)
                deadline = watch.next_deadline()
            if deadline is not None:
                wanted.append(deadline)
        touched, self._touched = self._touched, set()
        for session in touched | self._stirred:
            fields: dict[str, Any] = {}
            sent = self._sent_activity[session]
            if session in self._stirred:
                if now - sent >= ACTIVITY_MILLISECONDS:
                    self._stirred.discard(session)
                    self._sent_activity[session] = now
                    fields["last_activity"] = session.last_output
                else:
                    wanted.append(sent + ACTIVITY_MILLISECONDS)
            self.report_facts(session, **fields)
            if session.core.copied is not None:
                self.send_copied(session)
        if self.previews.sweep():
            wanted.append(now)
        if self._leaving:
            if now >= self._leave_at:
                self._leave_at = now + LEAVE_MILLISECONDS
                leaving, self._leaving = self._leaving - self.sessions.keys(), set()
                for session_id in leaving:
                    self.leave_stage(session_id)
            wanted.append(self._leave_at)
        return min(wanted, default=None)

    def report_facts(self, session: LiveSession, /, **more: Any) -> None:
        """What is different about a session since it was last reported, and `more`."""
        fields = session.news() | more
        if fields:
            session.keep()
            self.report_session(session, **fields)

    def send_copied(self, session: LiveSession) -> None:
        """What a program put on the clipboard last, for its driver alone (S7)."""
        text, session.core.copied = session.core.copied, None
        driver = session.core.seat.driver
        if text is None or driver is None:
            return
        if not self.hand_over(session, driver, text):
            self.copied_elsewhere(session, driver, text)

    def hand_over(self, session: AnySession, client: str, text: str) -> bool:
        """Tell a client what a program that it drives put on the clipboard. False if it has no connection here."""
        message = Clipboard(session_id=session.id, project_id=self.id, timestamp=self._clock(), data=text)
        lines = [c for c in self.connections if c.client_id == client and c.may_type and c.carries(session.id)]
        encoded = encode(message) if lines else b""
        for connection in lines:
            connection.send(encoded)
        return bool(lines)

    def report_echo(self, session: LiveSession) -> None:
        """How its program takes what is typed, if that was not reported: before what is printed next is sent."""
        if fields := session.news_of_echo():
            self.report_session(session, **fields)

    def ended(self, session: LiveSession) -> None:
        """A program ended: the session stays, with its last screen (P2, F10)."""
        status = session.ended
        assert status is not None
        self.report_facts(session, status="exited", exit_code=status.code, signal=status.signal)

    def restarted(self, session: LiveSession) -> None:
        """A new epoch of a session: sent before its first byte (S1)."""
        session.news()
        session.core.inputs.connected = lambda: self._typists(session)
        self.restarted_elsewhere(session)

    def stirred_elsewhere(self) -> None:
        """Sessions of other nodes may look different: `sweep` will see."""
        self._wake()

    def restarted_elsewhere(self, session: AnySession) -> None:
        """A session of another node has a new epoch."""
        self.report_session(session, session=self.describe(session), epoch=session.epoch, offset=0)
        for viewer in tuple(session.viewers):
            viewer.restart()

    def present(self, client: str, session_id: SessionId) -> bool:
        """Whether a client still has a connection that carries this session, and with which it may type."""
        here = any(c.client_id == client and c.may_type and c.carries(session_id) for c in self.connections)
        return here or self.elsewhere(client, session_id)

    def _typists(self, session: AnySession) -> Iterable[ClientId]:
        """The clients that may type into a session and are connected, here or to another node."""
        yield from (c.client_id for c in self.connections if c.may_type and c.carries(session.id))
        yield from self.guests(session.id)

    def carried(self, connection: Listener) -> Iterable[AnySession]:
        """The sessions that a connection carries."""
        return [session for session in self.sessions.values() if connection.carries(session.id)]

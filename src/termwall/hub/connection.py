"""One WebSocket of a client, from its first status to its cleaning. It dispatches messages and decides nothing itself:
`protocol.peer` knows the connection's states, the room knows the project.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Never

from termwall.core.bucket import Allowance
from termwall.core.clients import Reader
from termwall.core.errors import ERRORS, CloseCode, ErrorCode, TermwallError
from termwall.core.ids import SessionId
from termwall.core.limits import Bounds
from termwall.core.session.acts import Act, Claimed, Coloured, Held, Left, Person, Renamed, Resized, Saw, Typed
from termwall.core.theme import Theme
from termwall.hub.anysession import AnySession
from termwall.hub.audience import Asked
from termwall.hub.budgets import Meter, Tally, limits_of
from termwall.hub.hello import Hello
from termwall.hub.outlet import Outlet
from termwall.hub.prices import FRAME, REFUSED, price, price_of_ack, price_of_text
from termwall.hub.room import Room
from termwall.hub.viewer import Viewer
from termwall.protocol import commands, messages, parts
from termwall.protocol.codec import InputFrame, Refused, decode_binary, decode_text, encode, error_message
from termwall.protocol.peer import GiveUp, Peer, Resume, Retry, Silent
from termwall.system import clock

if TYPE_CHECKING:
    from termwall.hub.viewer import Reason

log = logging.getLogger("termwall.connection")

GIVE_UP_REASON = "Session registration failed after retries"
EARLY_MESSAGES = 64
"""Messages kept while a session is waited for; a client that sends more gets an error for each."""

_MAY_VIEW = (
    commands.SyncRequest,
    commands.Heartbeat,
    commands.Ack,
    commands.PreviewRequest,
)
"""What a link that may only watch may send (X3); whatever is not named here needs more."""


class Connection:
    """The server's side of one WebSocket. The edge feeds it and reports its end; it answers through its outlet."""

    def __init__(
        self,
        room: Room,
        hello: Hello,
        outlet: Outlet,
        bounds: Bounds,
        *,
        share: Allowance,
        tally: Tally,
        clock: Callable[[], int],
        opened: Callable[["Connection"], None],
        gone: Callable[["Connection"], None],
    ) -> None:
        self.room = room
        self.client_id = hello.client_id
        self.hello = hello
        self._person = Person(hello.client_id, hello.name)
        self._outlet = outlet
        self._reader = Reader(hello.token_id)
        self._bounds = bounds
        self._clock = clock
        self._opened = opened
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._meter = Meter(bounds, share, outlet.read, tally)
        self.with_keys: SessionId | None = None
        self._viewers: dict[SessionId, Viewer] = {}
        self._early: deque[commands.AnyClientMessage | InputFrame] = deque()
        self._open = False
        self._ended = False
        waiting = hello.session_id is not None and hello.session_id not in room.sessions
        self._peer = Peer(self._loop.time(), bounds, waiting=waiting, resume=hello.resume)
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """The handshake is done: say the first word (W4)."""
        self.room.connections.add(self)
        if self._peer.state == "waiting":
            self._send_waiting(0)
        else:
            self._connected()
        self._arm()

    # ---- what the edge calls

    def received(self, data: bytes | str, *, binary: bool = False) -> None:
        """One whole message came. If it cannot be handled, its sender gets an error and the connection goes on (W8)."""
        if self._ended:
            return
        try:
            self._received(data, binary)
        except Exception:
            log.exception("a message of a client was not handled")
            self._refuse(TermwallError(ErrorCode.INTERNAL, ERRORS[ErrorCode.INTERNAL].meaning))

    def _received(self, data: bytes | str, binary: bool) -> None:
        self._peer.heard(self._loop.time())
        size = len(data)
        reading = 0.0 if binary else price_of_text(size)
        try:
            message = decode_binary(data) if binary and isinstance(data, bytes) else decode_text(data)
        except Refused as error:
            over = not self._meter.spend(reading + REFUSED, size)
            self._refuse(self._too_fast() if over else error, request_id=error.request_id)
            return
        if isinstance(message, commands.Ack) and (news := self._acknowledged(message)):
            self._meter.spend(price_of_ack(news), size)
            return
        request_id = None if isinstance(message, InputFrame) else message.request_id
        if not self._meter.spend(reading + price(message, len(self.room.connections)), size):
            self._refuse(self._too_fast(), request_id=request_id, session_id=message.session_id)
        elif self._peer.state != "waiting":
            self._handle(message)
        elif len(self._early) < EARLY_MESSAGES:
            self._early.append(message)
        else:
            problem = TermwallError(ErrorCode.RATE_LIMITED, "The session is not here yet; wait for `connected`.")
            self._refuse(problem, request_id=request_id)

    def beside(self, size: int) -> None:
        """A frame of so many bytes came that is no message: it counts all the same (L7)."""
        if not self._ended:
            self._peer.heard(self._loop.time())
            self._meter.spend(FRAME, size)

    def writable(self) -> None:
        """The socket has taken what it was given: streams may go on."""
        for viewer in tuple(self._viewers.values()):
            viewer.pump()

    def closed(self) -> None:
        """The socket has ended, for whatever reason: leave nothing behind. May be called again."""
        if self._ended:
            return
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._meter.close()
        room = self.room
        room.connections.discard(self)
        room.previews.left(self)
        for session_id in list(self._viewers):
            self._drop_viewer(session_id)
        self._early.clear()
        for session in () if room.closing else room.sessions.values():
            gone = self._carries_id(session.id) and not room.present(self.client_id, session.id)
            if gone:
                session.do(Left(), self._person)
            elif session.id == self.with_keys and not self._keys_elsewhere(session.id):
                session.do(Held(False), self._person)
        self._gone(self)

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection from this side."""
        self._outlet.close(code, reason)
        self.closed()

    # ---- what the room calls

    def carries(self, session_id: SessionId) -> bool:
        """Whether messages about this session belong on this connection now (W1)."""
        return self._open and self._carries_id(session_id)

    def views(self, session: AnySession) -> bool:
        """Whether this connection gets the session's stream at the moment (S2)."""
        viewer = self._viewers.get(session.id)
        return viewer is not None and viewer.live

    def send(self, text: bytes) -> None:
        """Send a control message. A client that has not taken the ones before is let go, to start anew (W9)."""
        if not self._open or self._ended:
            return
        self._outlet.send_text(self._reader.reads(text))
        if self._outlet.unsent > self._bounds.outbox_bytes:
            self.close(CloseCode.TRY_LATER, "This connection reads too slowly")

    @property
    def may_type(self) -> bool:
        """Whether its link may do more than watch (X3)."""
        return self.hello.role != "view"

    @property
    def keeps_up(self) -> bool:
        """Whether the client takes what it is sent: else what may be skipped is (S6)."""
        return self._outlet.unsent < self._bounds.window_bytes

    def stage_changed(self, added: Iterable[SessionId], removed: Iterable[SessionId]) -> None:
        """The stage is another one: streams start and stop (S2, S3)."""
        for session_id in removed:
            viewer = self._viewers.get(session_id)
            if viewer is not None:
                viewer.park()
        if self._peer.state != "open" or not self._open:
            return
        for session_id in added:
            session = self.room.sessions.get(session_id)  # None where its node is not known here yet.
            if session is not None and self._carries_id(session_id):
                self._viewer(session).start("focus")

    def session_added(self, session: AnySession) -> None:
        """A session appeared; a connection that waits for it is woken at once (W5)."""
        if self._peer.state == "waiting" and session.id == self.hello.session_id:
            self._found()

    def session_dropped(self, session: AnySession) -> None:
        """A session is gone for good."""
        self._drop_viewer(session.id)

    # ---- states

    def _found(self) -> None:
        self._peer.found(self._loop.time())
        self._connected()
        while self._early and not self._ended:
            self._handle(self._early.popleft())
        self._arm()

    def _connected(self) -> None:
        room = self.room
        one = self.hello.session_id
        for own in room.own:
            room.report_echo(own)  # So that what this one is sent now is what all know.
        self._open = True
        sessions = [room.describe(session) for session in room.carried(self)]
        bounds = self._bounds
        status: dict[str, Any] = {
            **room.state().model_dump(by_alias=False),
            "status": "connected",
            "client_id": self.client_id,
            "role": self.hello.role,
            "sessions": sessions,
            "heartbeat_interval": bounds.heartbeat_milliseconds,
            "visible_heartbeat_interval": min(bounds.visible_heartbeat_milliseconds, bounds.heartbeat_milliseconds),
            "clock": clock.milliseconds(),
            "limits": limits_of(bounds),
        }
        if one is not None:
            status["session_id"] = one
        self.send(encode(messages.ConnectionStatus(**status)))
        self._opened(self)
        if self._peer.state == "open":
            self._start_streams("attach")

    def _start_streams(self, reason: "Reason") -> None:
        for session_id in self.room.stage.sessions:
            session = self.room.sessions.get(session_id)
            if session is not None and self._carries_id(session_id):
                viewer = self._viewer(session)
                if not viewer.live:
                    viewer.start(reason)

    def _send_waiting(self, count: int) -> None:
        status = messages.ConnectionStatus(
            status="connecting",
            project_id=self.room.id,
            session_id=self.hello.session_id,
            retry_count=count,
            timestamp=self._clock(),
        )
        self._outlet.send_text(encode(status))

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if self._ended else self._loop.call_at(self._peer.deadline, self._tick)

    def _tick(self) -> None:
        if self._meter.paused:
            self._peer.heard(self._loop.time())  # It may say much; nobody listens at the moment.
        while not self._ended and (event := self._peer.tick(self._loop.time())) is not None:
            match event:
                case Retry(count):
                    self._send_waiting(count)
                case GiveUp():
                    self.close(CloseCode.POLICY, GIVE_UP_REASON)
                case Resume():
                    self._start_streams("attach")
                case Silent():
                    self.close(CloseCode.GOING_AWAY, "Nothing was heard for too long")
        self._arm()

    # ---- messages

    def _handle(self, message: commands.AnyClientMessage | InputFrame) -> None:
        request_id = None if isinstance(message, InputFrame) else message.request_id
        try:
            if not self.may_type and not isinstance(message, _MAY_VIEW):
                raise TermwallError(ErrorCode.FORBIDDEN, "Your link only allows watching this project.")
            if not isinstance(message, InputFrame) and message.project_id not in (None, self.room.id):
                raise TermwallError(
                    ErrorCode.UNKNOWN_PROJECT, "This connection belongs to another project.", field="projectId"
                )
            self._dispatch(message)
        except TermwallError as error:
            self._refuse(error, request_id=request_id, session_id=message.session_id or self.hello.session_id)

    def _note_pane(self, session: AnySession, size: tuple[int, int] | None) -> None:
        driver = session.driver()
        if size is not None and driver is not None and driver.client_id == self.client_id:
            self.room.pane = size

    def _dispatch(self, message: commands.AnyClientMessage | InputFrame) -> None:
        match message:
            case InputFrame():
                self._do(self._session(message.session_id), Typed(message.data, message.seq, message.until))
            case commands.Input():
                act = Typed(message.data.encode(), message.seq, message.until)
                self._do(self._session(message.session_id), act, message.request_id)
            case commands.Rename():
                self._do(self._session(message.session_id), Renamed(message.name), message.request_id)
            case commands.Ack():
                self._session(message.session_id)
            case commands.Heartbeat():
                self._answer_heartbeat(message)
            case commands.Focus() | commands.Blur():
                self._focus(message)
            case commands.Resize():
                session = self._session(message.session_id)
                size = (message.data.cols, message.data.rows)
                self._do(session, Resized(size))
                self._note_pane(session, size)
            case commands.Drive():
                session = self._session(message.session_id)
                claimed = None if message.data is None else (message.data.cols, message.data.rows)
                self._do(session, Claimed(claimed))
                self._note_pane(session, claimed)
            case commands.SyncRequest():
                self._sync(message)
            case commands.Keys():
                self._keys(self._session(message.session_id), message.has)
            case commands.ClientTheme():
                self._themed(message.data)
            case commands.Seen():
                self._do(self._session(message.session_id), Saw())
            case commands.PreviewRequest():
                self._preview([self._session(session_id, "sessionIds") for session_id in message.session_ids])
            case _:
                raise _forgotten(message)

    def _keys(self, session: AnySession, has: bool) -> None:
        before = self.with_keys
        if has:
            self.with_keys = session.id
        elif before == session.id:
            self.with_keys = None
        if before not in (None, self.with_keys) and not self._keys_elsewhere(before):
            left = self.room.sessions.get(before)
            if left is not None:
                left.do(Held(False), self._person)
        if has:
            session.do(Held(True), self._person)

    def _keys_elsewhere(self, session_id: SessionId | None) -> bool:
        """Whether another connection of this client has the session's keys."""
        others = (c for c in self.room.connections if c is not self and c.client_id == self.client_id)
        return any(other.with_keys == session_id for other in others)

    def _themed(self, colours: parts.Colours) -> None:
        palette = tuple(colours.palette)
        theme = Theme(colours.scheme, colours.foreground, colours.background, colours.cursor, palette)
        self._person = replace(self._person, theme=theme)
        self.room.theme = theme
        for session in self.room.carried(self):
            driver = session.driver()
            if driver is not None and driver.client_id == self.client_id:
                session.do(Coloured(), self._person)

    def _preview(self, sessions: list[AnySession]) -> None:
        if not all(session.drawn for session in sessions):
            raise TermwallError(ErrorCode.ENGINE_AWAY, "No screen can be drawn at the moment; try again.")
        self.room.watch(self, sessions)

    def _acknowledged(self, message: commands.Ack) -> int:
        session_id = message.session_id or self.hello.session_id
        viewer = None if session_id is None else self._viewers.get(SessionId(session_id))
        return 0 if viewer is None else viewer.ack(message.offset)

    def _do(self, session: AnySession, act: Act, request_id: str | None = None) -> None:
        """Have it done as this client; whoever asked learns why not."""

        def answer(result: int | TermwallError | None) -> None:
            if isinstance(result, TermwallError):
                self._refuse(result, request_id=request_id, session_id=session.id)
            elif result is not None:
                self.send(
                    encode(
                        messages.InputAck(
                            session_id=session.id, project_id=self.room.id, seq=result, timestamp=self._clock()
                        )
                    )
                )

        session.do(act, self._person, answer)

    def _focus(self, message: commands.Focus | commands.Blur) -> None:
        if message.session_id is not None and message.session_ids is not None:
            raise TermwallError(
                ErrorCode.INVALID, "Give either `sessionId` or `sessionIds`, not both.", field="sessionIds"
            )
        asked = Asked(self, message.request_id, parts.Changer(client_id=self.client_id, name=self._person.name))

        def answer(result: messages.FocusUpdate | TermwallError | None) -> None:
            if isinstance(result, TermwallError):
                about = message.session_id or self.hello.session_id
                self._refuse(result, request_id=message.request_id, session_id=about)
            elif result is None:
                self._send_sync(message.request_id, None)

        wants = isinstance(message, commands.Focus) and message.focused
        room, version = self.room, message.expected_version
        if message.session_ids is not None:
            ids = [self._own(session_id, "sessionIds") for session_id in message.session_ids]
            if wants:
                room.focus_batch(ids, version, answer, asked)
            else:
                room.blur(ids, version, answer, asked, single=False)
        else:
            session_id = self._own(message.session_id)
            if wants:
                room.focus(session_id, version, answer, asked)
            else:
                room.blur([session_id], version, answer, asked, single=True)

    def _sync(self, message: commands.SyncRequest) -> None:
        if message.session_id is not None:
            self._session(message.session_id)
        streams: dict[str, parts.StreamResume] | None = None
        touched = []
        if message.offsets is not None:
            streams = {}
            for session_id, place in message.offsets.items():
                session = self.room.sessions.get(SessionId(session_id))
                if session is None or not self._carries_id(session.id):
                    continue  # Gone while the client was away: it learns that from the list of sessions.
                viewer = self._viewer(session)
                staged = session.id in self.room.stage.sessions
                offset, resume = viewer.seek(place.epoch, place.offset, staged=staged)
                streams[session_id] = parts.StreamResume(epoch=session.epoch, offset=offset, resume=resume)
                touched.append(viewer)
        held = self._peer.synced()
        self._send_sync(message.request_id, streams)
        for viewer in touched:
            if viewer.session.id in self.room.stage.sessions:
                viewer.start("resume")
        if held:
            self._start_streams("attach")
            self._arm()

    def _send_sync(self, request_id: str | None, streams: dict[str, parts.StreamResume] | None) -> None:
        fields: dict[str, Any] = self.room.state().model_dump(by_alias=False)
        if self.hello.session_id is not None:
            fields["session_id"] = self.hello.session_id
        if request_id is not None:
            fields["request_id"] = request_id
        if streams is not None:
            fields["streams"] = streams
        self.send(encode(messages.SyncComplete(**fields)))

    def _answer_heartbeat(self, message: commands.Heartbeat) -> None:
        fields: dict[str, Any] = {"timestamp": self._clock(), "clock": clock.milliseconds()}
        if message.timestamp is not None:
            fields["echo"] = message.timestamp
        session_id = message.session_id or self.hello.session_id
        if session_id is not None:
            fields["session_id"] = session_id
        if message.request_id is not None:
            fields["request_id"] = message.request_id
        self.send(encode(messages.HeartbeatAnswer(**fields)))

    # ---- parts

    def _session(self, session_id: str | None, field: str = "sessionId") -> AnySession:
        return self.room.find(self._own(session_id, field), field)

    def _own(self, session_id: str | None, field: str = "sessionId") -> str:
        """The session that a message names, or else the one that this connection carries."""
        own = self.hello.session_id
        if not session_id:
            if own is None:
                raise TermwallError(ErrorCode.INVALID, "Say which session: `sessionId` is missing.", field=field)
            session_id = own
        if own is not None and session_id != own:
            raise TermwallError(ErrorCode.UNKNOWN_SESSION, f"This connection carries `{own}` only.", field=field)
        return session_id

    def _carries_id(self, session_id: SessionId) -> bool:
        return self.hello.session_id is None or self.hello.session_id == session_id

    def _viewer(self, session: AnySession) -> Viewer:
        viewer = self._viewers.get(session.id)
        if viewer is None:
            viewer = Viewer(
                session,
                self._outlet,
                binary=self.hello.binary,
                window=self._bounds.window_bytes,
                clock=self._clock,
                scrollback=self.hello.scrollback,
            )
            self._viewers[session.id] = viewer
            session.viewers.add(viewer)
        return viewer

    def _drop_viewer(self, session_id: SessionId) -> None:
        viewer = self._viewers.pop(session_id, None)
        if viewer is not None:
            viewer.park()
            viewer.session.viewers.discard(viewer)

    def _refuse(self, error: TermwallError, *, request_id: str | None = None, session_id: str | None = None) -> None:
        message = error_message(error, self._clock(), request_id=request_id, session_id=session_id)
        if self._open:
            self.send(encode(message))
        elif not self._ended:
            self._outlet.send_text(encode(message))

    def _too_fast(self) -> TermwallError:
        most = self._bounds.messages_per_second
        return TermwallError(
            ErrorCode.RATE_LIMITED, f"Far more than {most} messages in a second; this one was not handled."
        )


def _forgotten(message: Never) -> TermwallError:
    """A message of the wire that nobody handles: the type checker finds it, and its sender gets an error."""
    return TermwallError(ErrorCode.INTERNAL, f"This server does nothing with `{message.type}` messages.", field="type")

"""A session in the terminal of whoever calls `termwall attach`: raw bytes both ways over one WebSocket."""

import asyncio
import base64
import codecs
import contextlib
import json
import os
import secrets
import shutil
import signal
import sys
from collections import deque
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidHandshake
from websockets.typing import Subprotocol

from termwall.cli.dialing import connect
from termwall.cli.terminal import ANSWER_SECONDS, BorrowedTerminal, borrowed
from termwall.cli.tls import trusted_by
from termwall.core.caller import Caller
from termwall.core.session.inputs import TYPED_MILLISECONDS
from termwall.core.typed import Typed, in_pixels
from termwall.protocol.codec import BINARY_SUBPROTOCOL, DATED_INPUT_KIND, INPUT_KIND, SNAPSHOT_KIND, STREAM_KIND
from termwall.system import clock

AGAIN = (1000, 1001, 1005, 1006, 1012, 1013)
"""Close codes after which the server may be back soon."""
PATIENCE_SECONDS = 30.0
RETRY_SECONDS = 0.25
ACK_BYTES = 16 << 10
SENT_SECONDS = 1.0
"""How long what was typed before the key that leaves has to reach the server."""
CLOSE_SECONDS = 1.0


class AttachError(Exception):
    """The session cannot be shown; the message says why."""


def attach_terminal(url: str, token: str, project_id: str, session_id: str) -> str:
    """Until the session ends or the user leaves. A server that restarts is waited for.

    Returns:
        Why it ended, as a few words.

    Raises:
        AttachError: the server refused or is gone.
    """
    client = f"attach-{secrets.token_hex(6)}"
    query = {"projectId": project_id, "sessionId": session_id, "name": "termwall attach", "clientId": client}
    # The alternate screen has no scrollback.
    query |= {"resume": "1", "scrollback": "0"}
    if inside := os.environ.get("TERMWALL_SESSION_ID"):
        query["inside"] = inside
    address = f"{url.replace('http', 'ws', 1)}/ws/terminal?{urlencode(query)}"
    attached = _Attached(url, address, token, session_id)
    with borrowed(attached.caller, raw=True, resumed=attached.resumed) as terminal:
        return asyncio.run(attached.run(terminal))


class _Attached:
    def __init__(self, url: str, address: str, token: str, session_id: str) -> None:
        self.caller = Caller(attached=True)
        self._url = url
        self._address = address
        self._token = token
        self._session = session_id
        self._name = session_id.encode()
        self._epoch: str | None = None
        self._offset = 0
        self._acked = 0
        self._seq = 0
        self._unacknowledged: deque[tuple[int, bytes, int]] = deque()
        """Number, bytes, and when they were typed."""
        self._server_clock = clock.Remote()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._keyboard = Typed()
        self._keyboard.asked()
        self._held: asyncio.TimerHandle | None = None
        self._outgoing: asyncio.Queue[str | bytes] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._blank = False
        """The screen is not as the output before left it: only a picture may be shown."""
        self._asked = False
        """A picture was asked for."""
        self._drawn = True
        """Whether the server has pictures; else it answers with output that was shown already."""

    async def run(self, terminal: BorrowedTerminal) -> str:
        self._terminal = terminal
        self._loop = loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[str] = loop.create_future()
        self._sent = asyncio.Event()
        descriptor = sys.stdin.fileno()
        loop.add_reader(descriptor, self._readable)
        loop.add_signal_handler(signal.SIGWINCH, self._resized)
        loop.call_later(ANSWER_SECONDS, self._keyboard.late)
        talk = asyncio.create_task(self._stay())
        try:
            await asyncio.wait([talk, self._ended], return_when=asyncio.FIRST_COMPLETED)
            loop.remove_reader(descriptor)
            if talk.done():
                return talk.result()
            if self._unacknowledged and self._outgoing is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._sent.wait(), SENT_SECONDS)
            return self._ended.result()
        finally:
            terminal.give_back()
            loop.remove_reader(descriptor)
            loop.remove_signal_handler(signal.SIGWINCH)
            talk.cancel()
            await asyncio.gather(talk, return_exceptions=True)

    def resumed(self) -> None:
        """The process goes on after it was stopped, with an empty screen. May be called in a signal's handler."""
        self._blank = True
        self._keyboard.asked()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._redraw)

    def _redraw(self) -> None:
        asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._keyboard.late)
        self._resized()
        self._ask_picture()

    def _ask_picture(self) -> None:
        """No place of the output is this one, so the server answers with a picture (W11)."""
        self._asked = True
        place = {"epoch": "none", "offset": 0}
        self._put(json.dumps({"type": "sync_request", "offsets": {self._session: place}}))

    async def _stay(self) -> str:
        """Connect, and again while the server is away for a moment."""
        until = 0.0
        while True:
            try:
                async with connect(
                    self._address,
                    additional_headers={"Authorization": f"Bearer {self._token}"},
                    subprotocols=[Subprotocol(BINARY_SUBPROTOCOL)],
                    compression=None,
                    max_size=None,
                    close_timeout=CLOSE_SECONDS,
                    proxy=None,
                    ssl=trusted_by(self._address),
                ) as socket:
                    until = 0.0
                    return await self._talk(socket)
            except (OSError, InvalidHandshake) as error:
                why = f"{self._url} does not answer: {error}"
            except ConnectionClosed as error:
                code = error.rcvd.code if error.rcvd else None
                why = (error.rcvd.reason if error.rcvd else "") or "the connection broke"
                if code is not None and code not in AGAIN:
                    raise AttachError(why) from None
            now = asyncio.get_running_loop().time()
            if self._epoch is None or (until and now >= until):
                raise AttachError(why)
            if not until:
                until = now + PATIENCE_SECONDS
                self._terminal.write("\a")
            await asyncio.sleep(RETRY_SECONDS)

    async def _talk(self, socket: ClientConnection) -> str:
        outgoing: asyncio.Queue[str | bytes] = asyncio.Queue(maxsize=256)
        known = self._epoch and not (self._asked or self._blank)
        offsets = {self._session: {"epoch": self._epoch, "offset": self._offset}} if known else {}
        outgoing.put_nowait(json.dumps({"type": "sync_request", "offsets": offsets}))
        self._outgoing = outgoing
        self._server_clock.forget()
        self._resized("drive" if self._epoch is None else "resize")
        self._tell_focus()

        async def send() -> str:
            while True:
                await socket.send(await outgoing.get())

        async def beat() -> str:
            while True:
                await asyncio.sleep(20)
                await socket.send('{"type":"heartbeat"}')

        tasks = [asyncio.create_task(part) for part in (self._receive(socket), send(), beat())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(one.result() for one in done)
        finally:
            self._outgoing = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _put(self, message: str | bytes) -> None:
        if self._outgoing is None:
            return
        try:
            self._outgoing.put_nowait(message)
        except asyncio.QueueFull:
            self._leave("the server takes no input; some of it was not sent")

    def _readable(self) -> None:
        try:
            data = os.read(sys.stdin.fileno(), 65536)
        except OSError:  # EIO: the terminal's window was closed.
            data = b""
        if not data:
            self._leave("the terminal is gone; the session goes on running")
            return
        if self._held is not None:
            self._held.cancel()
            self._held = None
        encoded = self.caller.encodes_keys
        focused = self._keyboard.focused
        data, left = self._keyboard.feed(data, encoded=encoded)
        self.caller.style = self._keyboard.style or 0
        self._terminal.answers = self._terminal.answers or self._keyboard.answered
        if self._keyboard.focused != focused:
            self._tell_focus()
        self._typed(data)
        if left:
            self._leave("left; it goes on running")
        elif self._keyboard.holds:
            self._held = asyncio.get_running_loop().call_later(self._keyboard.hold_seconds, self._release)

    def _release(self) -> None:
        """It was a key of its own, such as Escape."""
        self._held = None
        self._typed(self._keyboard.flush())

    def _typed(self, data: bytes) -> None:
        if not data:
            return
        if self._outgoing is None:
            # Never typed later, when what it was meant for may be gone (I2).
            self._terminal.write("\a")
            return
        self._seq += 1
        data = in_pixels(data) if self.caller.pixels else data
        at = clock.milliseconds()
        self._unacknowledged.append((self._seq, data, at))
        self._sent.clear()
        self._input(self._seq, data, at)

    def _tell_focus(self) -> None:
        """The server reports it to the program, merged with other viewers' (S7)."""
        self._put(json.dumps({"type": "keys", "has": self._keyboard.focused}))

    def _input(self, seq: int, data: bytes, at: int) -> None:
        """Send what was typed then: it may be typed for `TYPED_MILLISECONDS`, on the server's clock (I1)."""
        until = self._server_clock.at(at + TYPED_MILLISECONDS)
        kind = INPUT_KIND if until is None else DATED_INPUT_KIND
        dated = b"" if until is None else max(0, until).to_bytes(8, "big")
        self._put(bytes((kind, len(self._name))) + self._name + seq.to_bytes(4, "big") + dated + data)

    def _input_again(self) -> None:
        """On a new connection: the server drops what it has. One that knows no deadlines gets nothing late."""
        now = clock.milliseconds()
        for seq, data, at in self._unacknowledged:
            if self._server_clock.at(now) is not None or now - at <= TYPED_MILLISECONDS:
                self._input(seq, data, at)

    def _resized(self, kind: str = "resize") -> None:
        cols, rows = shutil.get_terminal_size()
        size = {"cols": max(2, min(cols, 1000)), "rows": max(2, min(rows, 1000))}
        self._put(json.dumps({"type": kind, "data": size}))

    def _leave(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    async def _receive(self, socket: ClientConnection) -> str:
        async for message in socket:
            if isinstance(message, str):
                ended = self._hear(json.loads(message))
                if ended is not None:
                    return ended
                continue
            start = 2 + message[1]
            offset = int.from_bytes(message[start : start + 8], "big")
            skip = {STREAM_KIND: 8, SNAPSHOT_KIND: 13}.get(message[0])
            if skip is None:
                continue
            self._offset = offset
            self._show(message[start + skip :], picture=message[0] == SNAPSHOT_KIND)
            if offset - self._acked >= ACK_BYTES or message[0] == SNAPSHOT_KIND:
                self._acked = offset
                self._put(json.dumps({"type": "ack", "offset": offset}))
        raise ConnectionClosedOK(socket.protocol.close_rcvd, socket.protocol.close_sent)

    def _show(self, data: bytes, *, picture: bool) -> None:
        if picture:
            self._decoder.reset()
            self._terminal.write(self.caller.snapshot())
            self._blank = self._asked = self.caller.wants_picture = False
        if self._blank:
            return
        self._terminal.write(self.caller.feed(self._decoder.decode(data)))
        if picture:
            self.caller.wants_picture = False  # It ends on the screen that the program is on.
        elif self.caller.wants_picture and self._drawn and not self._asked:
            self._ask_picture()

    def _hear(self, message: dict[str, Any]) -> str | None:
        """A text message. Why the session ended, if it did."""
        match message["type"]:
            case "connection_status":
                if message.get("clock") is not None:
                    self._server_clock.heard(message["clock"])
                if message["status"] == "connected":
                    self._input_again()
                for one in message.get("sessions") or ():
                    if one["id"] == self._session:
                        if one["status"] in ("exited", "lost"):
                            return str(one["attention"]["reason"])
                        self._drawn = one["screen"] != "rebuilding"
                        self._begin(one["epoch"])
            case "input_ack":
                while self._unacknowledged and self._unacknowledged[0][0] <= message["seq"]:
                    self._unacknowledged.popleft()
                if not self._unacknowledged:
                    self._sent.set()
            case "heartbeat" if message.get("clock") is not None:
                self._server_clock.heard(message["clock"])
            case "error" if message["code"] == "too_late":
                # What was typed behind it is not typed either: half a command is worse than none.
                self._unacknowledged.clear()
                self._sent.set()
                self._seq = message.get("expected", self._seq + 1) - 1
                self._terminal.write("\a")
            case "clipboard":
                data = base64.b64encode(message["data"].encode()).decode()
                self._terminal.write(f"\x1b]52;c;{data}\x1b\\")
            case "session_update":
                if message.get("removed"):
                    return "closed"
                if message.get("epoch"):
                    self._begin(message["epoch"])
                if message.get("screen"):
                    self._drawn = message["screen"] != "rebuilding"
                if message.get("status") in ("exited", "lost"):
                    return str(message["attention"]["reason"])
            case _:  # What later versions send is not for this one (W8).
                pass
        return None

    def _begin(self, epoch: str) -> None:
        if epoch != self._epoch:
            self._epoch, self._offset, self._acked = epoch, 0, 0

"""Input over HTTP as a person would type it: text and Enter apart, keys by name, or bytes as they are (A7, I1, I4)."""

import asyncio
import json
from weakref import WeakKeyDictionary

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.keys import KeyState, UnknownKey, encode_key, encode_keys, typed_text
from termwall.core.session.acts import Typed
from termwall.core.session.inputs import too_late
from termwall.hub.anysession import raised
from termwall.hub.session import LiveSession
from termwall.protocol.bodies import InputBody
from termwall.screen.feed import Picture
from termwall.system import clock

ENTER_SECONDS = 0.2
"""Between a text and Enter: Codex takes Enter for a part of what came 0.12 s before."""
READ_SECONDS = 5.0
"""How long a program has to read a text before Enter is written behind it all the same."""
AFTER_SECONDS = 0.2
"""How long it has to read the rest before the next input of another may come."""
STATE_SECONDS = 8.0
"""How long a busy screen worker has to say what the program asked for; then it counts as nothing."""
LOOK_SECONDS = 0.01
MOST_WAITING = 64
"""Inputs of one session that wait for one another; one more is refused."""


class Sender:
    """Sends one input after the other to each session: what belongs together is not torn apart."""

    def __init__(self) -> None:
        self._lines: WeakKeyDictionary[LiveSession, _Line] = WeakKeyDictionary()

    async def send(self, session: LiveSession, body: InputBody) -> None:
        """Returns when all of it was written, or waits for the program to read it.

        Raises:
            TermwallError: `invalid`, `session_ended`, `input_overflow` or `too_late`; nothing was written, or all but
                Enter.
        """
        line = self._lines.setdefault(session, _Line())
        if line.waiting >= MOST_WAITING:
            raise TermwallError(ErrorCode.INPUT_OVERFLOW, f"{MOST_WAITING} inputs wait for `{session.name}` already.")
        line.waiting += 1
        try:
            async with line.turn:
                await _send(session, body)
        finally:
            line.waiting -= 1


class _Line:
    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.waiting = 0


async def _send(session: LiveSession, body: InputBody) -> None:
    data = body.bytes
    if body.mode == "raw" and not body.keys and not body.enter:
        session.do(Typed(data, until=body.until), answer=raised)
        return
    if (refusal := session.refusal(len(data))) is not None:
        raise refusal
    state = await _state_of(session)
    if body.keys:
        try:
            data = encode_keys(body.keys, state)
        except UnknownKey as error:
            raise TermwallError(ErrorCode.INVALID, str(error), field="keys") from None
    elif body.mode != "raw":
        data = typed_text(data, state, paste=body.mode == "paste")
    _in_time(body)
    if data:
        session.do(Typed(data), answer=raised)
    if body.enter:
        if data:
            await _read(session, READ_SECONDS)
            await asyncio.sleep(ENTER_SECONDS)
        session.do(Typed(encode_key("Enter", state)), answer=raised)
    await _read(session, AFTER_SECONDS)


def _in_time(body: InputBody) -> None:
    """Raises `too_late`. The last moment to ask: Enter behind a text that was typed belongs to it."""
    if body.until is not None and clock.milliseconds() > body.until:
        raise too_late(None)


async def _state_of(session: LiveSession) -> KeyState:
    """What the program asked for by now; as in a new terminal while there is no screen worker."""
    answer: asyncio.Future[Picture | None] = asyncio.get_running_loop().create_future()

    def drawn(picture: Picture | None) -> None:
        if not answer.done():
            answer.set_result(picture)

    session.show("keys", 0, drawn)
    try:
        picture = await asyncio.wait_for(answer, STATE_SECONDS) if session.drawn else None
    except TimeoutError:
        picture = None
    return KeyState() if picture is None else KeyState(**json.loads(picture.data))


async def _read(session: LiveSession, seconds: float) -> None:
    """Until the program has read what was typed, but no longer than this."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while session.process.unread() and session.ended is None and loop.time() < until:
        await asyncio.sleep(LOOK_SECONDS)

"""Waits until a session is in some state or shows some text: `termwall wait` (A5).

It connects first and looks then, so nothing that happens in between is missed; a broken connection is made again. For
a text it looks at each new picture of the screen: the screen and 1,000 lines above it, searched here, so that a bad
pattern never troubles the server. A text that scrolled by more than that between two looks can be missed.
"""

import asyncio
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize
from urllib.parse import quote, urlencode

import httpx2
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from termwall.cli.dialing import connect
from termwall.cli.tls import trusted_by
from termwall.core.errors import CLOSE_CODES, CloseCode
from termwall.protocol.codec import JSON_SUBPROTOCOL

STATES = {"idle": "idle", "needs-input": "needs input", "done": "done", "working": "working"}
"""Goals that are states, as they are written on the command line."""
SCROLLBACK = 1000
"""Lines above the screen in which a text is searched."""
RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 4.11)
"""Most seconds before each try to connect again; the last one goes on (W10)."""
LOOK_AGAIN_SECONDS = 0.5
"""After the server could draw no screen."""

Session = dict[str, Any]

_ABOUT = {"type", "sessionId", "projectId", "timestamp", "session", "offset"}
"""What a `session_update` says that is no field of the session."""


class GoalError(Exception):
    """A goal is not written as one; the message says why."""


class WaitError(Exception):
    """The server refused, so that waiting is of no use; the message says why."""


class EndedFirst(Exception):
    """The session ended or was removed before any goal was met. `session` is how it was last."""

    def __init__(self, reason: str, session: Session | None) -> None:
        super().__init__(reason)
        self.session = session


@dataclass(frozen=True, slots=True)
class Goals:
    """What is waited for: any of these."""

    states: frozenset[str]
    texts: tuple[re.Pattern[str], ...]
    exit: bool

    @classmethod
    def parse(cls, words: Sequence[str]) -> "Goals":
        """From the command line: `idle`, `needs-input`, `done`, `working`, `exit`, `text=RE`.

        Raises:
            GoalError: one of them is none of these.
        """
        states, texts = set(), []
        for word in words:
            if word in STATES:
                states.add(STATES[word])
            elif word.startswith("text="):
                try:
                    texts.append(re.compile(normalize("NFC", word.removeprefix("text=")), re.MULTILINE))
                except (re.error, RecursionError, OverflowError) as error:
                    raise GoalError(f"`{word[:256]}` is not a regular expression: {error}") from None
            elif word != "exit":
                raise GoalError(f"`{word}` is not one of {', '.join(STATES)}, exit and text=RE.")
        return cls(frozenset(states), tuple(texts), "exit" in words)

    def found(self, lines: Sequence[Sequence[str]]) -> bool:
        """Whether a text is there: in a line, or in one of the rows that a line takes where it wraps."""
        whole = ("".join(rows) for rows in lines)
        rows = (row.rstrip(" ") for line in lines for row in line)
        return any(
            text.search(shown)
            for shown in (normalize("NFC", "\n".join(one)) for one in (whole, rows))
            for text in self.texts
        )


class Waiting:
    """Waits for one session. Run it once."""

    def __init__(self, url: str, token: str, project_id: str, session_id: str, goals: Goals) -> None:
        query = urlencode({"projectId": project_id, "sessionId": session_id, "name": "termwall wait"})
        self._address = f"{url.replace('http', 'ws', 1)}/ws/terminal?{query}"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._id = session_id
        self._goals = goals
        self._screen = f"{url}/api/sessions/{quote(session_id, safe='')}/screen"
        self._session: Session | None = None

    async def run(self) -> Session:
        """Until a goal is met.

        Returns:
            The session as it was then.

        Raises:
            EndedFirst, WaitError: that will not happen.
        """
        tries = 0
        trust = trusted_by(self._address)
        verify = trust or False
        async with httpx2.AsyncClient(headers=self._headers, timeout=15, trust_env=False, verify=verify) as self._http:
            while True:
                before = self._session
                try:
                    async with connect(
                        self._address,
                        additional_headers=self._headers,
                        subprotocols=[Subprotocol(JSON_SUBPROTOCOL)],
                        compression=None,
                        max_size=None,
                        proxy=None,
                        ssl=trust,
                    ) as socket:
                        return await self._follow(socket)
                except InvalidStatus as error:
                    if error.response.status_code < 500:
                        raise WaitError(f"the server answered {error.response.status_code}") from None
                except ConnectionClosed as error:
                    if self._gone(error):
                        return {**(self._session or {}), "removed": True}
                except (OSError, InvalidHandshake, httpx2.HTTPError):
                    pass
                tries = 0 if self._session is not before else tries + 1
                # Full jitter, so that many who wait do not come back together.
                await asyncio.sleep(random.uniform(0, RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]))  # noqa: S311

    def _gone(self, error: ConnectionClosed) -> bool:
        """Whether the session is there no more, and no goal says so. False where trying again can help."""
        code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "")
        kind = next((kind for known, kind in CLOSE_CODES.items() if known.value == code), None)
        if kind is None or kind.retry:
            return False
        if code != CloseCode.POLICY or self._session is None:
            raise WaitError(reason or kind.meaning)
        if not self._goals.exit:
            raise EndedFirst("it is there no more", self._session)
        return True

    async def _follow(self, socket: ClientConnection) -> Session:
        beat: asyncio.Task[None] | None = None
        acknowledged = False
        try:
            while True:
                message = await socket.recv()
                if isinstance(message, bytes):
                    continue
                update = json.loads(message)
                if update["type"] == "stream":
                    # From the first ack on no more than a window comes: whoever waits needs no stream.
                    if not acknowledged:
                        await socket.send(json.dumps({"type": "ack", "offset": update["offset"]}))
                    acknowledged = True
                    continue
                look = self._learn(update)
                if update["type"] == "connection_status" and update["status"] == "connected":
                    beat = asyncio.create_task(_beat(socket, update["heartbeatInterval"] / 1000))
                    if self._goals.texts:
                        await socket.send(json.dumps({"type": "preview", "sessionIds": [self._id]}))
                if (session := await self._met(look)) is not None:
                    return session
        finally:
            if beat is not None:
                beat.cancel()

    def _learn(self, update: dict[str, Any]) -> bool:
        """Keep what a message says. True if the screen may have changed."""
        match update["type"]:
            case "connection_status":
                if update["status"] != "connected":
                    return False
                self._session = update["sessions"][0]
                return True
            case "session_update" if update["sessionId"] == self._id:
                if update.get("removed"):
                    self._session = {**(self._session or {}), "removed": True}
                    return False
                news = {name: value for name, value in update.items() if name not in _ABOUT}
                self._session = update.get("session") or {**(self._session or {}), **news}
                return "status" in update
            case "preview":
                return True
            case _:  # What later versions send is not for this one (W8).
                return False

    async def _met(self, look: bool) -> Session | None:
        session = self._session
        if session is None:
            return None
        ended = session.get("removed") or session["status"] in ("exited", "lost")
        if (ended and self._goals.exit) or session["attention"]["state"] in self._goals.states:
            return session
        if look and self._goals.texts and await self._shows():
            return session
        if ended:
            how = "it was closed" if session.get("removed") else f"it has ended ({session['attention']['reason']})"
            raise EndedFirst(how, session)
        return None

    async def _shows(self) -> bool:
        while True:
            answer = await self._http.get(self._screen, params={"format": "lines", "scrollback": SCROLLBACK})
            if answer.is_success:
                return self._goals.found(answer.json()["lines"])
            if answer.status_code < 500:
                return False
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def _beat(socket: ClientConnection, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        await socket.send('{"type":"heartbeat"}')

"""The caretaker: what owns the sessions while there is no server (P5).

The holder starts it a second after the server went, and it lets go as soon as a server comes. It does with each session
what the server would do if nobody looked: its screen goes on being drawn, so that no program ever has to wait for a
server; queries are answered, titles, bells and calls for the user are noted, input that waits is typed. It opens no
port and no file. `termwall.keeper` runs it.
"""

import asyncio
import dataclasses
import json
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from termwall.core.limits import Bounds
from termwall.core.session.session import Now
from termwall.hub.estate import ABSENT_SECONDS
from termwall.hub.inheritance import FOUND, note_of
from termwall.hub.record import load
from termwall.hub.recordings import Recordings
from termwall.hub.session import LiveSession, Machine, Occasion
from termwall.hub.turns import Turns
from termwall.pty.environment import Outfit
from termwall.pty.holder_client import Found, HeldPrograms
from termwall.pty.pace import Pace
from termwall.pty.rendezvous import HolderError
from termwall.screen.screens import Screens
from termwall.system.clock import Dates, milliseconds
from termwall.system.descriptors import raise_limit

log = logging.getLogger("termwall.caretaker")

TELL_SECONDS = 0.25
"""How often what was heard is handed to the holder, which outlives this process."""


class Caretaker:
    """All sessions of one data folder, until a server wants them or their programs have ended."""

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        self._bounds = bounds
        self._screens = Screens(scrollback=bounds.scrollback_lines, clipboard=bounds.clipboard_bytes)
        self._programs = HeldPrograms(folder, caretaker_command(folder, bounds), yields=True)
        self._pace = Pace()
        self._turns = Turns()
        self._recordings = Recordings(folder / "recordings", bounds, _now, lambda: "")
        self._recordings.changed = lambda session: session.keep_now()
        self._sessions: list[LiveSession] = []
        self._heard: set[LiveSession] = set()
        self._done = asyncio.Event()

    async def run(self) -> None:
        """Own the sessions, and let go."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._over)
        self._programs.on_leave = self._over
        for found in await self._programs.open():
            self._take(found)
        loop.call_later(ABSENT_SECONDS, self._settle)
        while not self._done.is_set() and self._wanted():
            try:
                await asyncio.wait_for(self._done.wait(), TELL_SECONDS)
            except TimeoutError:
                self._keep()
        for session in self._sessions:
            if session.recorder is not None:
                session.recorder.rest()
            session.leave()
        # First the holder: a server waits for it, and nobody for the worker.
        await self._programs.close()
        await self._screens.close()

    def _take(self, found: Found) -> None:
        if found.program.sealed is not None:
            return
        try:
            load(found.kept)
        except ValueError:  # A server knows more of it; until then the holder reads it.
            self._programs.send("unread", found.program.key)
            return
        kept, _ = note_of(found, None, FOUND)
        machine = Machine(
            bounds=self._bounds,
            date=_now,
            now=lambda: Now(now := _now(), now, milliseconds()),
            programs=self._programs,
            outfit=Outfit(),
            screens=self._screens,
            pace=self._pace,
            turns=self._turns,
            happened=self._happened,
        )
        session = LiveSession(kept, found.program, machine)
        self._sessions.append(session)
        recording = kept.state.get("recording")
        if recording is not None:
            self._recordings.resume(session, recording)
            if session.ended is not None:
                self._recordings.finish(session)

    def _happened(self, session: LiveSession, what: Occasion) -> None:
        if what == "ended":
            self._recordings.finish(session)
        if what in ("ended", "changed"):
            self._heard.add(session)

    def _keep(self) -> None:
        heard, self._heard = self._heard, set()
        for session in heard:
            session.keep()

    def _settle(self) -> None:
        """Nobody has the keys of anything while there is no server (S7)."""
        for session in self._sessions:
            session.settle()

    def _wanted(self) -> bool:
        """Whether anything is left to draw."""
        return any(
            session.ended is None or session.recorder is not None or (session.feed and session.feed.behind)
            for session in self._sessions
        )

    def _over(self) -> None:
        self._done.set()


_now = Dates()


def caretaker_command(folder: Path, bounds: Bounds) -> Sequence[str]:
    """What the holder runs, under the name that all versions know: it may be older than this server, and outlive it."""
    return [sys.executable, "-P", "-m", "termwall.keeper", str(folder), json.dumps(dataclasses.asdict(bounds))]


def main() -> None:
    """Keep until a server comes."""
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    raise_limit()
    folder, bounds = Path(sys.argv[1]), json.loads(sys.argv[2])
    known = {field.name for field in dataclasses.fields(Bounds)}

    async def run() -> None:
        await Caretaker(folder, Bounds(**{name: value for name, value in bounds.items() if name in known})).run()

    try:
        asyncio.run(run())
    except HolderError as error:
        log.warning("%s", error)

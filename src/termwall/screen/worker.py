"""The screen worker: a process that draws every session's output into a terminal emulator.

It reads the rings in shared memory, holds the engines, and answers one request after the other on its socket. It keeps
nothing that the server could not give it again: when native code crashes here, the server starts another one and hands
it each session's last checkpoint. It ends when its socket does. Run as `python -m termwall.screen.worker DESCRIPTOR`.
"""

import json
import os
import re
import signal
import socket
import sys
import time
from collections import deque
from typing import Any

from termwall.core.modes import Modes
from termwall.core.osc import Copied, Marked, OscEvent, OscScanner, encode_events
from termwall.core.theme import Theme
from termwall.memory import Base, clear_checkpoint, map_ring, read_checkpoint, write_checkpoint
from termwall.protocol.frames import Frame, Unpacker, pack
from termwall.screen.engine import EngineError
from termwall.screen.ghostty import GhosttyEngine
from termwall.screen.progress import KnownRows
from termwall.screen.skim import SKIM_BYTES, skim

RECEIVE_BYTES = 256 << 10
MAX_DESCRIPTORS = 64
"""Descriptors taken with one receive; a session's comes with its `open`."""
EXTRA_LINES = 700
"""The engine keeps whole pages of scrollback, so up to this many lines more than it was asked for."""
LOOK_SECONDS = 0.25
"""Between two looks for new text on a screen."""
_SETS_REPORTS = re.compile(rb"\x1b\[\?(?:[0-9]+;)*(?:9|100[0-6]|101[56])(?:;[0-9]+)*h")
_MARK = re.compile(rb"\x1b\][16]33;")
MAX_EVENTS = 256
"""Events told of one request: of more, which only a flood made to annoy has, the newest."""


class Drawn:
    """One session: its ring, its terminal, and how far it is drawn."""

    def __init__(self, header: dict[str, Any], descriptor: int) -> None:
        self._memory = descriptor
        capacity: int = header["capacity"]
        self.ring = map_ring(descriptor, capacity)
        self._base = Base(slot=header["slot"], length=header["length"])
        self._stale = Base()
        self.ring.end = self.position = header["at"]
        self.scrollback: int = header["scrollback"]
        self._checkpoint_bytes = capacity // 2
        self._checkpoint_at: int = header["at"]
        self._scanner = OscScanner(header["clipboard"])
        self._at_prompt = self._fresh = False
        """Whether a shell's prompt was marked, and then set modes by which a terminal reports."""
        self._known: KnownRows | None = None
        self._looked = 0.0
        size = header["cols"], header["rows"]
        if self._base.length:
            checkpoint = read_checkpoint(descriptor, self._base)
            self.engine = GhosttyEngine.restore(checkpoint, *size, self.scrollback)
        else:
            self.engine = GhosttyEngine(*size, self.scrollback)
        self.engine.promises_clipboard(header["clipboard"] > 0)
        self.engine.set_theme(Theme.of(header["theme"]))

    def close(self) -> None:
        """Free the terminal."""
        self.engine.close()
        self.ring.release()
        os.close(self._memory)

    def draw(self, header: dict[str, Any]) -> Frame:
        """Draw up to an offset, with the size changes on the way, and answer with what came of it."""
        engine = self.engine
        # The server has seen the newest checkpoint by now, so nobody begins at the one before any more.
        clear_checkpoint(self._memory, self._stale)
        self._stale = Base()
        quiet: bool = header["quiet"]
        engine.muted = quiet
        if "theme" in header:
            engine.set_theme(Theme.of(header["theme"]))
        events: list[OscEvent] = []
        for offset, cols, rows in header["sizes"]:
            events += self._feed(offset)
            engine.resize(cols, rows)
        events += self._feed(header["to"])
        bells, replies = engine.take_bells(), engine.take_replies()
        answer: dict[str, Any] = {"id": header["id"], "to": self.position}
        if not quiet:
            answer["bells"] = bells
            answer["replies"] = replies.decode("latin-1")
            answer["events"] = encode_events(_bounded(events))
        answer["modes"] = int(engine.modes | (Modes.FRESH if self._fresh else 0))
        answer["new"] = self._looks() if header.get("look") else self._looks_away()
        answer["checkpoint"] = 0
        if self.position - self._checkpoint_at >= self._checkpoint_bytes:
            checkpoint = engine.checkpoint() or b""
            if checkpoint:
                self._checkpoint_at = self.position
                self._stale, slot = self._base, 1 - self._base.slot
                write_checkpoint(self._memory, slot, checkpoint)
                self._base = Base(slot=slot, length=len(checkpoint))
                answer.update(checkpoint=len(checkpoint), slot=slot)
        return answer, self._show(header, answer)

    def _looks(self) -> bool:
        """Whether there is text that there was not since the first look."""
        now = time.monotonic()
        if self._known is not None and now - self._looked < LOOK_SECONDS:
            return False
        self._known, self._looked = self._known or KnownRows(), now
        try:
            return self._known.has_new(self.engine.text(0))
        except EngineError:
            return False

    def _looks_away(self) -> bool:
        self._known = None
        return False

    def _feed(self, to: int) -> list[OscEvent]:
        ring, engine, start = self.ring, self.engine, self.position
        ring.end = max(ring.end, to)
        self.position = to
        if to - start >= SKIM_BYTES and not self._scanner.waiting and engine.scrolls_plainly:
            column = engine.cursor[0]
            at = column if column < engine.cols - 1 else None
            less = skim(ring.read(start, to), engine.rows + self.scrollback + EXTRA_LINES, engine.cols, at)
            if less is not None:
                engine.feed(less)
                return []
        for view in ring.views(start, to):
            engine.feed(view)
        if not self._scanner.waiting and not ring.holds(b"\x1b]", start, to):
            if self._at_prompt and not self._fresh and ring.holds(b"\x1b[?", start, to):
                self._fresh = _SETS_REPORTS.search(ring.read(start, to)) is not None
            return []
        data = ring.read(start, to)
        events = self._scanner.feed(data)
        marks = [event.kind for event in events if isinstance(event, Marked)]
        begin = 0
        if marks:
            if "running" in marks or not self._at_prompt:
                # What a command set is before the first mark that follows it; what the shell sets is behind that.
                command = max(data.rfind(b"\x1b]133;C"), data.rfind(b"\x1b]633;C"))
                follows = _MARK.search(data, command + 1)
                begin, self._fresh = len(data) if follows is None else follows.end(), False
            self._at_prompt = marks[-1] != "running"
        if self._at_prompt and not self._fresh:
            self._fresh = _SETS_REPORTS.search(data, begin) is not None
        return events

    def _show(self, header: dict[str, Any], answer: dict[str, Any]) -> bytes:
        want = header.get("want")
        if want is None:
            return b""
        engine, lines = self.engine, header["lines"]
        x, y, visible = engine.cursor
        answer.update(cols=engine.cols, rows=engine.rows, title=engine.title, alternate=engine.alternate)
        answer["cursor"] = {"x": x, "y": y, "visible": visible}
        try:
            if want == "snapshot":
                return engine.snapshot(lines)
            if want == "runs":
                return _json(engine.runs(lines))
            if want == "lines":
                return _json(engine.lines(lines))
            if want == "ansi":
                return engine.ansi(lines)
            return engine.text(lines).encode("utf-8", "replace")
        except EngineError as error:
            answer["error"] = str(error)
            return b""


def _bounded(events: list[OscEvent]) -> list[OscEvent]:
    """The newest, and of texts for the clipboard only the last, as only that one stays there."""
    newest = events[-MAX_EVENTS:]
    copied = [event for event in newest if isinstance(event, Copied)]
    return [event for event in newest if not isinstance(event, Copied) or event is copied[-1]]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def serve(channel: socket.socket) -> None:
    """Answer requests until the server closes its end."""
    unpacker = Unpacker()
    descriptors: deque[int] = deque()
    sessions: dict[int, Drawn] = {}
    channel.sendall(pack({"op": "ready"}))
    while True:
        data, given, _, _ = socket.recv_fds(channel, RECEIVE_BYTES, MAX_DESCRIPTORS)
        descriptors.extend(given)
        if not data:
            return
        for header, _ in unpacker.feed(data):
            match header["op"]:
                case "open":
                    sessions[header["id"]] = Drawn(header, descriptors.popleft())
                case "close":
                    sessions.pop(header["id"]).close()
                case "draw":
                    channel.sendall(pack(*sessions[header["id"]].draw(header)))
                case other:
                    raise ValueError(f"the server asks for `{other}`, which this worker does not know")


def main() -> None:
    """Serve the socket that the parent gave."""
    # Ctrl+C in the server's terminal goes to its whole group; the server ends this process by its socket.
    os.nice(10)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        try:
            serve(channel)
        except (BrokenPipeError, ConnectionResetError):
            pass


if __name__ == "__main__":
    main()

"""The screen worker: a process that draws every session's output into a terminal emulator.

It reads the rings in shared memory, holds the engines, and answers one request after the other on its socket. It keeps
nothing that the server could not give it again: when native code crashes here, the server starts another one and hands
it each session's last checkpoint. It ends when its socket does. Run as `python -m termwall.screen.worker DESCRIPTOR`.
"""

import ctypes
import json
import os
import re
import signal
import socket
import sys
import time
from typing import Any

from termwall.core.modes import Modes
from termwall.core.osc import Copied, Marked, OscEvent, OscScanner, encode_events, titled
from termwall.core.theme import Theme
from termwall.ipc.frames import Unpacked, Unpacker, pack
from termwall.ipc.memory import Base, clear_checkpoint, map_ring, read_checkpoint, write_checkpoint
from termwall.ipc.passing import Passed, receive
from termwall.screen.ghostty import GhosttyEngine
from termwall.screen.progress import KnownRows
from termwall.screen.skim import SKIM_BYTES, skim
from termwall.system import descriptors, shortage

OPEN_DESCRIPTORS = 1
"""What a session takes beside the one that comes with its `open`: the mapping of its ring."""
EXTRA_LINES = 700
"""The engine keeps whole pages of scrollback, so up to this many lines more than it was asked for."""
SLICE_SECONDS = 0.25
"""A request that takes longer is answered as far as it came, so that no session waits long behind another one."""
PIECE_BYTES = 64 << 10
"""Parsed between two looks at the time. Of a screen with many cells less: one that erases all of them, with each of a
piece's sequences, would take minutes."""
FIRST_PIECE_BYTES = 4 << 10
CHECKPOINT_SIZES = 32
"""Sizes after which a checkpoint is made, however little was printed: what comes after the last one can be drawn again
with the size changes that are kept (`Bounds.size_marks`)."""
CELL_BYTES = 1 << 30
LOOK_SECONDS = 0.25
"""Between two looks for new text on a screen."""
PR_SET_PDEATHSIG = 1
"""`prctl`: a signal for a process whose parent ended."""
_SETS = re.compile(rb"\x1b\[\?([0-9;]+)h")
_OWN = {b"1004": Modes.OWN_FOCUS} | dict.fromkeys(b"9 1000 1001 1002 1003".split(), Modes.OWN_MOUSE)
_MARK = re.compile(rb"\x1b\][16]33;")
MAX_EVENTS = 256
"""Events reported of one request: of more, which only a flood made to annoy has, the newest."""


class Drawn:
    """One session: its ring, its terminal, and how far it is drawn."""

    def __init__(self, header: dict[str, Any], descriptor: int) -> None:
        self._memory = descriptor
        capacity: int = header["capacity"]
        self.ring = map_ring(descriptor, capacity)
        """The first that may fail: then nothing is left behind."""
        self._base = Base(slot=header["slot"], length=header["length"])
        self._stale = Base()
        self.ring.end = self.position = header["at"]
        self.scrollback: int = header["scrollback"]
        self._checkpoint_bytes = capacity // 2
        self._checkpoint_at: int = header["at"]
        self._sizes = 0
        """Since the last checkpoint."""
        self._scanner = OscScanner(header["clipboard"])
        self._at_prompt = False
        """Whether a shell is at its prompt, as it marks it."""
        self._own = Modes(0)
        """What it has set there itself."""
        self._known: KnownRows | None = None
        self._looked = 0.0
        self._piece = FIRST_PIECE_BYTES
        self._clipboard: int = header["clipboard"]
        self._theme = Theme.of(header["theme"])
        size = header["cols"], header["rows"]
        try:
            checkpoint = read_checkpoint(descriptor, self._base)
            self._use(
                GhosttyEngine.restore(checkpoint, *size, self.scrollback) if self._base.length else self._new(*size)
            )
        except BaseException:
            self.ring.release()
            raise

    def _new(self, cols: int, rows: int) -> GhosttyEngine:
        return GhosttyEngine(cols, rows, self.scrollback)

    def _use(self, engine: GhosttyEngine) -> None:
        self.engine = engine
        engine.promises_clipboard(self._clipboard > 0)
        engine.set_theme(self._theme)

    def close(self) -> None:
        """Free the terminal."""
        self.engine.close()
        self.ring.release()
        os.close(self._memory)

    def draw(self, header: dict[str, Any]) -> Unpacked:
        """Draw up to an offset, with the size changes on the way, and answer with what came of it.

        Whatever goes wrong holds back neither this session nor another one: it goes on with a new screen, and says so.
        """
        if "theme" in header:
            self._theme = Theme.of(header["theme"])
            self.engine.set_theme(self._theme)
        try:
            return self._draw(header)
        except Exception as error:  # noqa: BLE001 - it is reported, and must not end the other sessions' screens
            return self._begin_anew(header, f"{type(error).__name__}: {error}")

    def _draw(self, header: dict[str, Any]) -> Unpacked:
        engine, began = self.engine, time.process_time()
        # The server has seen the newest checkpoint by now, so nobody begins at the one before any more.
        clear_checkpoint(self._memory, self._stale)
        self._stale = Base()
        engine.muted = header["quiet"]
        events: list[OscEvent] = []
        until = time.monotonic() + SLICE_SECONDS
        serial, resizing = header["serial"], 0.0
        for offset, cols, rows, mark in header["sizes"]:
            events += self._feed(offset, until)
            if self.position < offset or time.monotonic() >= until:
                break
            before = time.process_time()
            engine.resize(cols, rows)
            resizing += time.process_time() - before
            self._sizes += 1
            serial = mark
        else:
            events += self._feed(header["to"], until)
        answer = self._answer(header, serial, events)
        # What a new size costs says nothing of the output: no screen is given up for it (L11).
        answer["seconds"] = time.process_time() - began - resizing
        done = self.position == header["to"] and serial == (header["sizes"][-1][-1] if header["sizes"] else serial)
        if self.position - self._checkpoint_at >= self._checkpoint_bytes or self._sizes >= CHECKPOINT_SIZES:
            answer |= self._keep()
        return self._pictured(header, answer | {"done": done}) if done else (answer | {"done": False}, b"")

    def _answer(self, header: dict[str, Any], serial: int, events: list[OscEvent]) -> dict[str, Any]:
        engine = self.engine
        bells, replies = engine.take_bells(), engine.take_replies()
        answer: dict[str, Any] = {"id": header["id"], "to": self.position, "serial": serial, "checkpoint": 0}
        answer |= {"cols": engine.cols, "rows": engine.rows}
        if not header["quiet"]:
            answer["bells"] = bells
            answer["replies"] = replies.decode("latin-1")
            answer["events"] = encode_events(_bounded(events))
        answer["modes"] = int(engine.modes | self._own)
        answer["new"] = self._looks() if header.get("look") else self._looks_away()
        return answer

    def _begin_anew(self, header: dict[str, Any], why: str) -> Unpacked:
        sizes = header["sizes"]
        cols, rows, serial = sizes[-1][1:] if sizes else (self.engine.cols, self.engine.rows, header["serial"])
        self.engine.close()
        self._use(self._new(cols, rows))
        self._scanner = OscScanner(self._clipboard)
        self._at_prompt, self._own = False, Modes(0)
        self.position = header["to"]
        self.ring.end = max(self.ring.end, self.position)
        answer = self._answer(header, serial, []) | {"seconds": 0.0, "anew": why, "done": True} | self._keep()
        return self._pictured(header, answer)

    def _pictured(self, header: dict[str, Any], answer: dict[str, Any]) -> Unpacked:
        """With the picture that is wanted; one that cannot be made costs nothing but itself."""
        try:
            return answer, self._show(header, answer)
        except Exception as error:  # noqa: BLE001 - it is reported
            return answer | {"unseen": f"{type(error).__name__}: {error}"}, b""

    def _keep(self) -> dict[str, Any]:
        """Make a checkpoint; the part of the answer that says so."""
        checkpoint = self.engine.checkpoint()
        self._checkpoint_at, self._sizes = self.position, 0
        slot = 1 - self._base.slot
        try:
            write_checkpoint(self._memory, slot, checkpoint)
        except OSError:  # No memory is left for it: the last one stays, and another is tried after as much output.
            return {}
        self._stale = self._base
        self._base = Base(slot=slot, length=len(checkpoint))
        return {"checkpoint": len(checkpoint), "slot": slot}

    def _looks(self) -> bool:
        """Whether there is text that there was not since the first look."""
        now = time.monotonic()
        if self._known is not None and now - self._looked < LOOK_SECONDS:
            return False
        self._known, self._looked = self._known or KnownRows(), now
        return self._known.has_new(self.engine.text(0))

    def _looks_away(self) -> bool:
        self._known = None
        return False

    def _feed(self, to: int, until: float) -> list[OscEvent]:
        """Draw up to an offset, or as far as it goes until then."""
        ring, engine, start = self.ring, self.engine, self.position
        ring.end = max(ring.end, to)
        if to - start >= SKIM_BYTES and not self._scanner.waiting and engine.scrolls_plainly:
            column = engine.cursor[0]
            at = column if column < engine.cols - 1 else None
            less = skim(ring.read(start, to), engine.rows + self.scrollback + EXTRA_LINES, engine.cols, at)
            if less is not None:
                self.position = to
                engine.feed(less)
                return []
        self._parse(to, until)
        events = self._scan(start, self.position)
        if engine.take_popped():
            events.append(titled(engine.title.encode("utf-8", "replace")))
        return events

    def _parse(self, to: int, until: float) -> None:
        ring, engine = self.ring, self.engine
        most = min(PIECE_BYTES, max(1, CELL_BYTES // (engine.cols * engine.rows)))
        now = time.monotonic()
        while self.position < to and now < until:
            end = min(to, self.position + min(self._piece, most))
            for view in ring.views(self.position, end):
                engine.feed(view)
            self.position = end
            before, now = now, time.monotonic()
            # So that even of the slowest output a piece takes a fraction of a slice.
            self._piece = min(4 * self._piece, PIECE_BYTES) if now - before < SLICE_SECONDS / 32 else FIRST_PIECE_BYTES

    def _scan(self, start: int, to: int) -> list[OscEvent]:
        """What the program said of itself in this part."""
        ring = self.ring
        if not self._scanner.waiting and not ring.holds(b"\x1b]", start, to):
            if self._at_prompt and ring.holds(b"\x1b[?", start, to):
                self._own |= _own(ring.read(start, to))
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
                begin, self._own = len(data) if follows is None else follows.end(), Modes(0)
            self._at_prompt = marks[-1] != "running"
        if self._at_prompt:
            self._own |= _own(data[begin:])
        return events

    def _show(self, header: dict[str, Any], answer: dict[str, Any]) -> bytes:
        want = header.get("want")
        if want is None:
            return b""
        engine, lines = self.engine, header["lines"]
        x, y, visible = engine.cursor
        answer.update(title=engine.title, alternate=engine.alternate)
        answer["cursor"] = {"x": x, "y": y, "visible": visible}
        if want == "snapshot":
            return engine.snapshot(lines)
        if want == "runs":
            return _json(engine.runs(lines))
        if want == "lines":
            return _json(engine.lines(lines))
        if want == "ansi":
            return engine.ansi(lines)
        if want == "keys":
            return _json(engine.keys)
        return engine.text(lines).encode("utf-8", "replace")


def _own(data: bytes) -> Modes:
    """Which reports it sets."""
    numbers = {number for found in _SETS.finditer(data) for number in found[1].split(b";")}
    return Modes(sum({_OWN[number] for number in numbers & _OWN.keys()}))


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
    passed = Passed()
    sessions: dict[int, Drawn | dict[str, str]] = {}
    channel.sendall(pack({"op": "ready"}))
    while True:
        data = receive(channel, passed)
        if not data:
            return
        for header, _ in unpacker.feed(data):
            match header["op"]:
                case "open":
                    sessions[header["id"]] = _open(header, passed)
                case "close":
                    if isinstance(drawn := sessions.pop(header["id"]), Drawn):
                        drawn.close()
                case "draw":
                    drawn = sessions[header["id"]]
                    answer = drawn.draw(header) if isinstance(drawn, Drawn) else ({"id": header["id"], **drawn},)
                    channel.sendall(pack(*answer))
                case other:
                    raise ValueError(f"the server asks for `{other}`, which this worker does not know")


def _open(header: dict[str, Any], passed: Passed) -> Drawn | dict[str, str]:
    """A session, or why there is none: `short` of something, that is asked for again and costs the others nothing (L4);
    or its checkpoint is `broken`, then it is opened where its output begins.
    """
    given, lacking = passed.take(1), descriptors.short(OPEN_DESCRIPTORS)
    if given and not lacking:
        try:
            return Drawn(header, given[0])
        except (OSError, MemoryError) as error:
            lacking = shortage.why(error)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a checkpoint, the others' screens go on
            os.close(given[0])
            return {"broken" if header["length"] else "short": f"{type(error).__name__}: {error}"}
    for descriptor in given:
        os.close(descriptor)
    return {"short": lacking or "its memory could not be passed on, for too many files are open"}


def _end_with_server() -> None:
    """Be killed together with the server, where the system can do that: on a busy machine a worker of a server that was
    killed may else go on for seconds, and write its checkpoint over one of the worker that the next server has.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Serve the socket that the parent gave."""
    _end_with_server()
    os.nice(10)
    descriptors.raise_limit()
    # Ctrl+C in the server's terminal goes to its whole group; the server ends this process by its socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        try:
            serve(channel)
        except (BrokenPipeError, ConnectionResetError):
            pass


if __name__ == "__main__":
    main()

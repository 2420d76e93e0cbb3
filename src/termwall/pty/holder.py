"""The holder: a process that owns the programs, so that they outlive the server (P5). Standard library only.

It starts them, keeps their PTYs' masters and their memory, reaps them and remembers how they ended. To the one owner
that is connected (a server, or a caretaker while there is none) it hands out the descriptors, and then leaves the
terminals alone: the owner reads and writes them itself. Only while nobody owns them it reads the output into the rings,
as far as each one's limit; then the program waits, as on any terminal. Nothing is dropped.

It is started with `python -m termwall.pty.holder LISTENER FOLDER LOCK`: the descriptor of a listening Unix socket, the
data folder, and the descriptor of that folder with its lock, which is held for as long as this process lives. A socket
that somebody removes is made anew, and so is the folder. It ends by itself when it has no program and no connection.
What it says is in `docs/reference/holder.md`.
"""

import contextlib
import errno
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from termwall.core.ring import MARGIN_BYTES
from termwall.ipc.frames import BadFrame
from termwall.ipc.memory import LAYOUT, Memory, MemoryFault, UnreadMemory, layout_of, unread
from termwall.ipc.passing import SHORT, receive
from termwall.pty.groups import signal_groups
from termwall.pty.holding import Held, Peer
from termwall.pty.home import Home
from termwall.pty.rendezvous import listen, place_of, reach
from termwall.pty.spawn import CannotStart, spawn
from termwall.pty.versions import SPOKEN, differs, understood
from termwall.system import descriptors, shortage

KEPT_BYTES = 1 << 20
"""Most that is kept of a session for its next owner."""
PIDS = range(1, 1 << 31)
CONNECTIONS = 64
MOST_UNSENT = 64
"""Answers that wait for one that does not own the sessions; more are left out."""
LEAVE_SECONDS = 2.0
"""How long an owner may take to let go before it is killed: two that read one terminal would mix its output."""
CARETAKER_DELAYS = (1.0, 1.0, 2.0, 5.0, 15.0, 60.0)
"""Until a caretaker is started: a server that restarts is back before the first."""
END_SECONDS = 5.0
"""From SIGHUP to SIGKILL when everything is ended."""
LOOK_SECONDS = 0.05
"""Between two looks whether what was asked to end has ended."""
ALONE_SECONDS = 10.0
"""How long it waits for its first owner."""
AGAIN_SECONDS = 0.1
"""Until something is tried again that the system had no room for."""
PLACE_SECONDS = 1.0
"""Between two looks whether its socket is still where others look for it; longer each time it cannot be put there."""
MOST_PLACE_SECONDS = 60.0
PING_SECONDS = 10.0
SILENT_PINGS = 3
"""A caretaker that answered none of so many hangs, and is ended: nobody else would read what programs print."""


class Holder:
    """The whole of it. `run` returns when there is nothing left to hold.

    Args:
        listener: listens in `folder`.
        home: of the folder where; None: the socket is not looked after.
    """

    def __init__(self, listener: socket.socket, home: Home | None = None) -> None:
        self.selector = selectors.DefaultSelector()
        self.listener = listener
        self.home = home
        self.place = None if home is None else place_of(home.folder)
        self.place_seconds = PLACE_SECONDS
        self.sessions: dict[str, Held] = {}
        self.peers: set[Peer] = set()
        self.owner: Peer | None = None
        self.waiting: deque[tuple[Peer, dict[str, Any]]] = deque()
        """Who wants to own, while the present owner lets go."""
        self.caretaker: dict[str, Any] | None = None
        self.caretaker_child: subprocess.Popen[bytes] | None = None
        self.caretaker_starts = 0
        self.drained: set[str] = set()
        """Sessions that are read here."""
        self.timers: dict[str, tuple[float, Callable[[], None]]] = {}
        self.silent = 0
        self.ending = self.over = False
        self.greeted = False
        listener.setblocking(False)
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        wake, wakes = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self.end())
        self.selector.register(wake, selectors.EVENT_READ, lambda: self._woken(wake))
        self._in(ALONE_SECONDS, "alone", lambda: None)
        if home is not None:
            self._in(PLACE_SECONDS, "place", self._look_for_place)

    def run(self) -> None:
        """Until there is nothing left to hold."""
        while not self._idle():
            now = time.monotonic()
            soonest = min((when for when, _ in self.timers.values()), default=None)
            for key, _ in self.selector.select(None if soonest is None else max(0.0, soonest - now)):
                _try(key.data)
            now = time.monotonic()
            for name, (when, action) in tuple(self.timers.items()):
                if when <= now:
                    self.timers.pop(name, None)
                    _try(action)

    def _idle(self) -> bool:
        if self.ending:
            gone = [held.status is not None and not held.groups for held in self.sessions.values()]
            return self.over or all(gone)
        return not self.sessions and not self.peers and (self.greeted or "alone" not in self.timers)

    def _in(self, seconds: float, name: str, action: Callable[[], None]) -> None:
        self.timers[name] = time.monotonic() + seconds, action

    # ---- connections

    def _look_for_place(self) -> None:
        """Put the socket back where others look for it, if it is gone from there."""
        assert self.home is not None
        try:
            self.home.secure()
            if self.place is None or place_of(self.home.folder) != self.place:
                self._take_place(self.home.folder)
            self.place_seconds = PLACE_SECONDS
        except OSError as error:  # Its disk is full, or another holder is where the folder was.
            if self.place_seconds == PLACE_SECONDS:
                _log(f"the socket is gone, and cannot be made again now: {error}")
            self.place_seconds = min(2 * self.place_seconds, MOST_PLACE_SECONDS)
        self._in(self.place_seconds, "place", self._look_for_place)

    def _take_place(self, folder: str) -> None:
        try:
            other = reach(folder, LOOK_SECONDS)
        except TimeoutError:
            return
        if other is not None:  # An older termwall, which knows no lock, started another holder.
            other.close()
            return
        listener = listen(folder)
        listener.setblocking(False)
        if self.timers.pop("accept", None) is None:
            self.selector.unregister(self.listener)
        self.listener.close()
        self.listener, self.place = listener, place_of(folder)
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        _log("the socket was gone; there is another one")

    def _accept(self) -> None:
        try:
            channel, _ = self.listener.accept()
        except OSError as error:
            if shortage.is_shortage(error) and not isinstance(error, BlockingIOError):
                # Who wants to come stays in the queue; looking at it all the time would not help.
                self.selector.unregister(self.listener)
                self._in(AGAIN_SECONDS, "accept", self._listen)
            return
        peer = Peer(channel)
        if peer.uid != os.getuid() or len(self.peers) >= CONNECTIONS:
            peer.close()
            return
        channel.setblocking(False)
        try:
            self.selector.register(channel, selectors.EVENT_READ, lambda: self._receive(peer))
        except OSError:
            peer.close()
            raise
        self.peers.add(peer)
        self.greeted = True

    def _listen(self) -> None:
        self.selector.register(self.listener, selectors.EVENT_READ, self._accept)

    def _receive(self, peer: Peer) -> None:
        try:
            if peer.outbox:
                self._flush(peer)
            data = receive(peer.channel, peer.passed)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._gone(peer)
            return
        peer.heard = time.monotonic()
        try:
            for header, body in peer.unpacker.feed(data):
                self._handle(peer, header, body)
        except (BadFrame, LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            _log(f"a connection of process {peer.pid} is closed: {error!r}")
            self._gone(peer)

    def _gone(self, peer: Peer) -> None:
        if peer not in self.peers:
            return
        self.peers.discard(peer)
        self.selector.unregister(peer.channel)
        peer.close()
        self.waiting = deque(one for one in self.waiting if one[0] is not peer)
        if peer is not self.owner:
            return
        self.owner = None
        self.timers.pop("leave", None)
        for held in self.sessions.values():
            if held.readable is not None and not held.left:
                held.readable.ring.take_over()
        if self.waiting:
            self._own(*self.waiting.popleft())
        elif not self.ending:
            for held in self.sessions.values():
                self._drain(held)
            self._plan_caretaker()

    def _send(self, peer: Peer, header: dict[str, Any], body: bytes = b"", given: tuple[int, ...] = ()) -> None:
        if peer is not self.owner and len(peer.outbox) >= MOST_UNSENT:
            return  # It asks and does not read.
        header["descriptors"] = len(given)
        idle = not peer.outbox
        # Those of sessions are there as long as it may ask for them.
        peer.outbox.put(header, body, given=(lambda: given) if given else None)
        if idle:
            self._flush(peer)

    def _flush(self, peer: Peer) -> None:
        writes = selectors.EVENT_WRITE
        try:
            if peer.outbox.flush(peer.channel):
                writes = 0
        except OSError as error:
            writes = 0
            if error.errno in SHORT:
                self._in(AGAIN_SECONDS, f"flush {id(peer)}", lambda: self._flush(peer))
            else:
                peer.outbox.clear()  # It is gone, which its end of the connection reports.
        if peer in self.peers and self.selector.get_key(peer.channel).events != selectors.EVENT_READ | writes:
            self.selector.modify(peer.channel, selectors.EVENT_READ | writes, lambda: self._receive(peer))

    # ---- what is asked

    def _handle(self, peer: Peer, header: dict[str, Any], body: bytes) -> None:
        op = header["op"]
        if op == "look":
            running = sum(held.status is None for held in self.sessions.values())
            facts = {"sessions": len(self.sessions), "running": running, "owner": self.owner and self.owner.pid}
            layouts = Counter(layout_of(held.memory.descriptor) for held in self.sessions.values())
            self._send(peer, {"op": "look", **SPOKEN, "pid": os.getpid(), **facts, "layouts": layouts})
        elif op == "own" and not understood(header):
            self._send(peer, {"op": "refused", **SPOKEN, "error": differs(header)})
        elif op == "own" and header.get("yields") and (self.owner is not None or self.waiting):
            # A caretaker that was started while a server came: it is not needed any more.
            self._send(peer, {"op": "refused", "error": "another one owns the sessions"})
        elif op == "own":
            self.waiting.append((peer, header))
            if self.owner is None:
                self._own(*self.waiting.popleft())
            elif self.owner is not peer:
                self._send(self.owner, {"op": "leave"})
                self._in(LEAVE_SECONDS, "leave", self.owner.kill)
        elif op == "pong":
            pass  # That it was heard is all.
        elif peer is not self.owner:
            self._send(peer, {"op": "refused", "error": "another one owns the sessions"})
        elif op == "start":
            self._start(peer, header, body)
        elif op == "adopt":
            self._adopt(peer, header, body)
        elif (held := self.sessions.get(header["id"])) is not None:
            if op == "keep" and len(body) > KEPT_BYTES:
                _log(f"{len(body)} bytes are not kept of process {held.pid}: {KEPT_BYTES} are the most")
            elif op == "keep":
                held.kept = body
            elif op == "closing":
                held.closing = True
            elif op == "drained":
                held.close_master()
            elif op == "unread":
                held.left = True
                self._drain(held)
            elif op == "forget":
                self._forget(held)

    def _own(self, peer: Peer, header: dict[str, Any]) -> None:
        """Hand everything out; from now on nothing is read here."""
        for held in self.sessions.values():
            self._undrain(held)
            held.left = False
        self.timers.pop("caretaker", None)
        self.owner = peer
        if header.get("keeper") is not None:
            self.caretaker, self.caretaker_starts = header["keeper"], 0
        peer.answers, self.silent = bool(header.get("answers")), 0
        if peer.answers:
            self._in(PING_SECONDS, "ping", lambda: self._ping(peer, time.monotonic()))
        self._send(peer, {"op": "own", **SPOKEN, "layout": LAYOUT, "pid": os.getpid(), "count": len(self.sessions)})
        for held in self.sessions.values():
            given = (held.memory.descriptor, *((held.master,) if held.master >= 0 else ()))
            facts = {"id": held.id, "pid": held.pid, "status": held.status, "closing": held.closing}
            sizes = {"ring": held.memory.ring_bytes, "input": held.memory.input_bytes}
            self._send(peer, {**held.facts, "op": "session", **facts, **sizes}, held.kept, given)

    def _ping(self, peer: Peer, since: float) -> None:
        """See whether the caretaker goes on. A holder that stood still itself has counted one silence at most."""
        if peer is not self.owner or self.ending:
            return
        self.silent = 0 if peer.heard >= since else self.silent + 1
        if self.silent >= SILENT_PINGS:
            _log(f"the caretaker, process {peer.pid}, does not answer; it is replaced")
            peer.kill()
        else:
            self._send(peer, {"op": "ping"})
        now = time.monotonic()
        self._in(PING_SECONDS, "ping", lambda: self._ping(peer, now))

    def _start(self, peer: Peer, header: dict[str, Any], kept: bytes) -> None:
        answer: dict[str, Any] = {"op": "started", "number": header["number"], "id": header["id"]}
        try:
            memory = Memory.create(header["ring"], header["input"])
        except MemoryFault as error:
            self._send(peer, {**answer, "error": str(error), "field": None})
            return
        try:
            limits: tuple[int, int] = tuple(header["files"])
            child, master = spawn(
                header["command"], header["cwd"], header["env"], header["cols"], header["rows"], limits
            )
        except CannotStart as error:
            memory.close()
            self._send(peer, {**answer, "error": str(error), "field": error.field})
            return
        held = Held(header["id"], child.pid, master, memory)
        held.child, held.kept = child, kept
        self.sessions[held.id] = held
        self._send(peer, {**answer, "pid": held.pid}, b"", (memory.descriptor, master))

    def _adopt(self, peer: Peer, header: dict[str, Any], kept: bytes) -> None:
        """A program of a holder that was killed: it is nobody's child here, so how it ends stays unknown.

        What there is no room for stays with its owner, which hears so and asks again (L4).
        """
        key, pid, sizes = str(header["id"]), int(header["pid"]), (int(header["ring"]), int(header["input"]))
        given, why = peer.passed.take(header.get("descriptors", 2)), descriptors.short(descriptors.HELD)
        known = key in self.sessions  # Only the connection to its owner was lost.
        try:
            if known or why or not given or pid not in PIDS:
                raise MemoryFault(why or "Its descriptors did not come, or it is no process.")
            kind = UnreadMemory if unread(layout_of(given[0])) else Memory
            memory = kind(given.pop(0), *sizes)
        except MemoryFault as error:
            for descriptor in given:
                os.close(descriptor)
            if not known:
                self._send(peer, {"op": "unheld", "id": key, "error": str(error)})
            return
        held = Held(key, pid, given[0] if given else -1, memory)
        held.kept, held.closing, held.status = kept, header.get("closing", False), header.get("status")
        held.note_facts(header)
        self.sessions[held.id] = held
        if held.status is None:
            self._watch(peer, held)

    def _watch(self, peer: Peer, held: Held) -> None:
        try:
            held.pidfd = os.pidfd_open(held.pid)
            self.selector.register(held.pidfd, selectors.EVENT_READ, lambda: self._ended(held, "unknown"))
        except (AttributeError, OSError) as error:
            if shortage.is_shortage(error):
                del self.sessions[held.id]
                self._let_go(held)
                self._send(peer, {"op": "unheld", "id": held.id, "error": shortage.why(error)})
            else:
                self._ended(held, "unknown")

    def _forget(self, held: Held) -> None:
        del self.sessions[held.id]
        self._undrain(held)
        self._let_go(held)

    def _let_go(self, held: Held) -> None:
        held.close_master()
        held.memory.close()
        self._unwatch(held)

    def _unwatch(self, held: Held) -> None:
        if held.pidfd >= 0:
            with contextlib.suppress(KeyError):
                self.selector.unregister(held.pidfd)
            os.close(held.pidfd)
            held.pidfd = -1

    # ---- what happens to programs

    def _woken(self, wake: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(wake, 4096)
        for held in tuple(self.sessions.values()):
            if held.status is None and held.child is not None and held.child.poll() is not None:
                self._ended(held, held.child.returncode)
        if self.caretaker_child is not None and self.caretaker_child.poll() is not None:
            self.caretaker_child = None
            if self.owner is None:
                self._plan_caretaker()

    def _ended(self, held: Held, status: int | str) -> None:
        held.status = status
        self._unwatch(held)
        if self.owner is not None:
            self._send(self.owner, {"op": "ended", "id": held.id, "status": status})

    def _drain(self, held: Held) -> None:
        if held.master >= 0 and held.readable is not None and held.id not in self.drained:
            try:
                self.selector.register(held.master, selectors.EVENT_READ, lambda: self._read(held))
            except OSError as error:  # Its next owner reads it; until then it waits, as on any terminal.
                _log(f"a terminal cannot be read for now: {shortage.why(error)}")
                return
            self.drained.add(held.id)

    def _undrain(self, held: Held) -> None:
        if held.id in self.drained:
            self.drained.discard(held.id)
            self.selector.unregister(held.master)

    def _read(self, held: Held) -> None:
        memory = held.readable
        if held.id not in self.drained or memory is None:
            return  # It was handed out by what was ready at the same moment; its owner may read already.
        ring = memory.ring
        room = min(memory.limit - ring.end, MARGIN_BYTES)
        if room <= 0:
            self._undrain(held)
            return
        try:
            count = os.readv(held.master, (ring.free()[:room],))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            if error.errno != errno.EIO:  # What there is stays in the terminal until its next owner reads it.
                self._undrain(held)
                raise
            count = 0
        if count:
            ring.commit(count)
        else:
            self._undrain(held)
            held.close_master()

    # ---- the caretaker

    def _plan_caretaker(self) -> None:
        if self.caretaker is None or self.ending or "caretaker" in self.timers or self.caretaker_child is not None:
            return
        if any(held.master >= 0 for held in self.sessions.values()):
            delay = CARETAKER_DELAYS[min(self.caretaker_starts, len(CARETAKER_DELAYS) - 1)]
            self._in(delay, "caretaker", self._start_caretaker)

    def _start_caretaker(self) -> None:
        assert self.caretaker is not None
        self.caretaker_starts += 1
        try:
            self.caretaker_child = subprocess.Popen(
                self.caretaker["command"],
                env=self.caretaker["env"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            _log(f"the caretaker cannot be started: {error}")
            self._plan_caretaker()

    # ---- the end of everything

    def end(self) -> None:
        """End all programs: SIGHUP, and SIGKILL to those that stay."""
        if self.ending:
            return
        self.ending = True
        self.timers.pop("caretaker", None)
        for held in self.sessions.values():
            if held.status is None:
                held.signal(signal.SIGHUP)
                held.signal(signal.SIGCONT)
                self._drain_all(held)
        self._in(END_SECONDS, "kill", self._kill)
        self._look()

    def _look(self) -> None:
        """Which groups are still there; nobody reports those whose leader is no child."""
        for held in self.sessions.values():
            held.groups = signal_groups(held.groups, 0)
        self._in(LOOK_SECONDS, "look", self._look)

    def _drain_all(self, held: Held) -> None:
        """Nobody reads any more: what it says on its way out must not block it."""
        if held.readable is not None and (self.owner is None or held.left):
            held.readable.limit = (1 << 64) - 1
            self._drain(held)

    def _kill(self) -> None:
        for held in self.sessions.values():
            held.signal(signal.SIGKILL)
        self._in(1.0, "over", self._over)

    def _over(self) -> None:
        self.over = True


def _log(sentence: str) -> None:
    with contextlib.suppress(OSError):  # The disk is full.
        print(time.strftime("%Y-%m-%d %H:%M:%S"), sentence, file=sys.stderr, flush=True)


def _try(action: Callable[[], None]) -> None:
    """What the system has no room for costs that one thing, never the programs."""
    try:
        action()
    except (OSError, MemoryError) as error:
        _log(f"something could not be done: {shortage.why(error)}")
        time.sleep(AGAIN_SECONDS)  # What could not be read is ready again at once: no storm of attempts, nor of lines.


def main() -> None:
    """Hold until there is nothing left."""
    for number in (signal.SIGINT, signal.SIGHUP):
        # A handler and not SIG_IGN, which the programs would inherit.
        signal.signal(number, lambda *_: None)
    home = None
    if len(sys.argv) > 3:
        lock = int(sys.argv[3])
        os.set_inheritable(lock, False)
        home = Home(sys.argv[2], lock)
    os.chdir("/")
    descriptors.raise_limit()
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        os.set_inheritable(listener.fileno(), False)
        listener.listen()  # So that who connects sees this process at the other end, and not the one that made it.
        Holder(listener, home).run()


if __name__ == "__main__":
    main()

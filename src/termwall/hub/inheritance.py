"""How a server takes over what an earlier one left: programs that run, and sessions that are only kept (P5, F7).

Nothing that it finds keeps it from starting (L10), and nothing is left out: a program whose note is bad goes on by what
the store has of it, else under a name that says so; one that is not understood is sealed (L9).
"""

import logging
import termios
from dataclasses import replace
from pathlib import Path

from termwall.core.focus import Stage
from termwall.core.session.acts import Reported
from termwall.hub.estate import Estate
from termwall.hub.record import Home, Launch, Record, load
from termwall.hub.room import Room
from termwall.hub.sealed import SIZE, UNKNOWN, noticed
from termwall.hub.sound import FAULTS, SIZES, sound
from termwall.ipc.memory import Memory, MemoryFault
from termwall.protocol.bodies import Project
from termwall.pty.held_program import discard
from termwall.pty.holder_client import Found
from termwall.pty.programs import ExitStatus, Program
from termwall.store.rows import Fault
from termwall.store.sessions import StoredSession

log = logging.getLogger("termwall.service")

FOUND = Home("found", "Found programs", str(Path.home()))
"""The project of programs that belong nobody knows where."""


def inherit(estate: Estate, found: list[Found]) -> set[str]:
    """Make all sessions of earlier servers, in their order.

    Returns:
        The recordings of those that are sealed: whoever reads them goes on with these.
    """
    stored = estate.archive.sessions()
    held = _by_session(estate, found, {one.epoch: one for one in stored})
    for one in stored:
        if one.id in held:
            kept, program = held[one.id]
            _adopt(estate, replace(kept, name=one.name), program)
        else:
            _restore(estate, one)
    for kept, program in held.values():
        if kept.id not in {one.id for one in stored}:
            # Of a server that was killed between starting it and writing it down, or whose store was lost.
            _adopt(estate, kept, program)
    for fault in estate.archive.unreadable():
        if fault.kind == "session" and estate.find_own(fault.id) is None:
            _show_unreadable(estate, fault)
    sealed = [kept for kept, program in held.values() if program.sealed is not None]
    return {str(recording["id"]) for kept in sealed if isinstance(recording := kept.state.get("recording"), dict)}


def note_of(one: Found, stored: StoredSession | None, project: Home) -> tuple[Record, list[str]]:
    """What is known of a held program, and what of its note is bad.

    Args:
        stored: what the store has of it.
        project: where it belongs, if its note does not say.
    """
    program = one.program
    bad: list[str] = []
    try:
        kept = load(one.kept)
    except ValueError as error:
        bad.append(str(error))
        kept = _unnoted(program, stored, project)
    if stored is not None and kept.id != stored.id:  # The name of the run, which the holder has, says what it is.
        bad.append(f"it names another session, `{kept.id}`")
        kept = replace(_unnoted(program, stored, project), state=kept.state)
    kept = replace(kept, epoch=getattr(program, "key", kept.epoch))
    if program.sealed is not None:
        return kept, bad
    size = (stored.cols, stored.rows) if stored is not None else _size_of(program.master)
    kept, pieces = sound(kept, size, program.memory.ring.end)
    return kept, bad + pieces


def _unnoted(program: Program, stored: StoredSession | None, project: Home) -> Record:
    if stored is not None:
        launch = Launch(stored.type, stored.command, stored.cwd, stored.env)
        state = {"driver": stored.driver, "driverName": stored.driver_name}
        return Record(stored.id, stored.name, project, launch, stored.epoch, stored.created_at, state)
    return Record(f"found-{program.pid}", f"process {program.pid}", project, _launch_of(program.pid), "", 0, {})


def _launch_of(pid: int) -> Launch:
    """What a process runs, as far as the system says it (Linux)."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
        return replace(UNKNOWN, command=tuple(words) or UNKNOWN.command, cwd=str(Path(f"/proc/{pid}/cwd").readlink()))
    except OSError:
        return UNKNOWN


def _size_of(master: int) -> tuple[int, int]:
    if master < 0:
        return SIZE
    try:
        rows, cols = termios.tcgetwinsize(master)
    except (OSError, termios.error):
        return SIZE
    return (cols, rows) if cols in SIZES and rows in SIZES else SIZE


def _home_of(estate: Estate, stored: StoredSession) -> Home:
    room = estate.find_room(stored.project_id)
    return Home(stored.project_id, stored.project_id, stored.cwd) if room is None else room.home


def _room_for(estate: Estate, home: Home) -> Room:
    """A session's project; made again where the store has lost it."""
    room = estate.find_room(home.id)
    if room is None:
        most = estate.max_focused
        project = Project(id=home.id, name=home.name, path=home.path, max_focused=most, created_at=estate.clock())
        room = estate.adopt(project, Stage((), 0, most), estate.new_id())
    return room


def _by_session(
    estate: Estate, found: list[Found], stored: dict[str, StoredSession]
) -> dict[str, tuple[Record, Program]]:
    """What is held of each session. A server that was killed while it restarted one left two runs: one is ended."""
    held: dict[str, tuple[Record, Program]] = {}
    for one in found:
        row = stored.get(getattr(one.program, "key", ""))
        kept, bad = note_of(one, row, FOUND if row is None else _home_of(estate, row))
        if bad:
            about = {"session": kept.id, "project": kept.home.id}
            log.error("a note of `%s`, process %d, is bad: %s", kept.name, one.program.pid, ", ".join(bad), extra=about)
        _add(held, kept, one.program, stored)
    return held


def _add(
    held: dict[str, tuple[Record, Program]], kept: Record, program: Program, stored: dict[str, StoredSession]
) -> None:
    if kept.id not in held:
        held[kept.id] = kept, program
        return
    other = held[kept.id]
    newer = kept.epoch in stored or other[1].ended is not None
    first, second = ((kept, program), other) if newer else (other, (kept, program))
    held[kept.id] = first
    if second[1].sealed is not None and second[1].ended is None:
        # Not understood, so not ended here.
        name = f"{kept.id}-{second[1].pid}"
        held[name] = replace(second[0], id=name), second[1]
    else:
        discard(second[1])


def _adopt(estate: Estate, kept: Record, program: Program) -> None:
    about = {"session": kept.id, "project": kept.home.id}
    removed = program.closing and all(one.id != kept.id for one in estate.archive.sessions())
    room = _room_for(estate, kept.home)
    if program.sealed is not None:
        kept = noticed(kept, program, estate.new_id())
    try:
        session = estate.make(kept, program)
    except FAULTS as error:
        log.error("what was kept of `%s` is left out: %r", kept.name, error, extra=about)
        size = {"cols": kept.state["cols"], "rows": kept.state["rows"]}
        session = estate.make(replace(kept, state=size), program)
    if removed:
        # It was being removed when its server was killed: that goes on.
        estate.end_soon(session)
        return
    if "boundClients" not in kept.state:
        session.core.inputs.name_only()  # So that no key is typed twice over an upgrade to this version.
    estate.admit(room, session)
    if program.sealed is not None:
        session.do(Reported("needs input", "termwall", program.sealed))
    recording = kept.state.get("recording")
    if recording is not None:
        estate.recordings.resume(session, recording)
    if session.ended is not None:
        estate.recordings.finish(session)
        room.ended(session)


def _restore(estate: Estate, stored: StoredSession) -> None:
    about = {"session": stored.id, "project": stored.project_id}
    room = _room_for(estate, _home_of(estate, stored))
    try:
        kept, program, lost = estate.archive.without_program(stored, room.home, estate.new_id())
    except MemoryFault as error:
        log.error("the session %s is not shown: %s", stored.id, error, extra=about)
        return
    session = estate.make(kept, program, lost)
    profile = estate.profiles.get(stored.type)
    if profile is not None and profile.resume and stored.command == tuple(profile.command):
        session.resume = profile.resume
    estate.admit(room, session)
    if lost is None:
        room.ended(session)


def _show_unreadable(estate: Estate, fault: Fault) -> None:
    """A session whose command the store does not have: it is listed, and can be closed."""
    room = estate.find_room(fault.project_id) or _room_for(estate, FOUND)
    try:
        program = Program(0, -1, Memory.create(1 << 12, 1 << 12), ExitStatus(None, None))
    except MemoryFault as error:
        log.error("%s, and it is not shown: %s", fault, error)
        return
    program.sealed = fault.why
    kept = Record(fault.id, fault.name or fault.id, room.home, UNKNOWN, "", estate.clock(), {})
    estate.admit(room, estate.make(noticed(kept, program, estate.new_id()), program, fault.why))

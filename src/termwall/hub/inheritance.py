"""How a server takes over what an earlier one left: programs that run, and sessions that are only kept (P5, F7)."""

import logging
from typing import TYPE_CHECKING

from termwall.hub.kept import Kept, load
from termwall.memory import MemoryFault
from termwall.pty.held import Found
from termwall.pty.held_program import discard
from termwall.pty.programs import Program
from termwall.store.sessions import StoredSession

if TYPE_CHECKING:
    from termwall.hub.estate import Estate

log = logging.getLogger("termwall.service")


def inherit(estate: "Estate", found: list[Found]) -> None:
    """Make all sessions of earlier servers, in their order."""
    stored = estate.archive.sessions()
    held = _by_session(found, {one.id: one.epoch for one in stored})
    for one in stored:
        if one.id in held:
            _adopt(estate, *held.pop(one.id), name=one.name)
        else:
            _restore(estate, one)
    for kept, program in held.values():
        # Of a server that was killed between starting it and writing it down, or whose store was lost.
        _adopt(estate, kept, program, name=kept.name)


def _by_session(found: list[Found], epochs: dict[str, str]) -> dict[str, tuple[Kept, Program]]:
    """What is held of each session. A server that was killed while it restarted one left two runs: one is ended."""
    held: dict[str, tuple[Kept, Program]] = {}
    for one in found:
        try:
            kept = load(one.kept)
        except ValueError as error:
            log.error("a held program, process %d, is left alone: %s", one.program.pid, error)
            continue
        if kept.id in held:
            other = held[kept.id]
            newer = kept.epoch == epochs.get(kept.id) or other[1].ended is not None
            held[kept.id], ended = ((kept, one.program), other[1]) if newer else (other, one.program)
            discard(ended)
        else:
            held[kept.id] = kept, one.program
    return held


def _adopt(estate: "Estate", kept: Kept, program: Program, name: str) -> None:
    removed = program.closing and all(one.id != kept.id for one in estate.archive.sessions())
    room = estate.room_for(kept.home)
    session = estate.make(kept, program)
    if removed:
        # It was being removed when its server was killed: that goes on.
        estate.end_soon(session)
        return
    session.name = name
    estate.admit(room, session)
    recording = kept.state.get("recording")
    if recording is not None:
        estate.recordings.resume(session, recording)
    if session.ended is not None:
        estate.recordings.finish(session)
        room.ended(session)


def _restore(estate: "Estate", stored: StoredSession) -> None:
    room = estate.room(stored.project_id)
    try:
        kept, program, lost = estate.archive.without_program(stored, room.home, estate.new_id())
    except MemoryFault as error:
        about = {"session": stored.id, "project": stored.project_id}
        log.error("the session %s is not shown: %s", stored.id, error, extra=about)
        return
    session = estate.make(kept, program, lost)
    profile = estate.profiles.get(stored.type)
    if profile is not None and profile.resume and stored.command == tuple(profile.command):
        session.resume = profile.resume
    estate.admit(room, session)
    if lost is None:
        room.ended(session)

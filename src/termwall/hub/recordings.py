"""All recordings of a server: which there are, how much room they may take, and those that run."""

import logging
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.limits import Bounds
from termwall.hub.export import check_part, last_moment
from termwall.hub.recorder import Recorder, cut_torn
from termwall.hub.sealed import must_be_open
from termwall.hub.session import LiveSession
from termwall.protocol.recordings import Recording
from termwall.store.disk import read_plain
from termwall.store.rows import Fault
from termwall.system import shortage

log = logging.getLogger("termwall.recordings")

DESCRIPTION_BYTES = 4096
"""A `recording.json` is padded to a multiple of this, so that how it ended can be written over it on a full disk."""
SOUND_PARTS = 1_024
"""So many parts are remembered to be sound."""
MOST_PARTS = 1_000_000
"""No recording has more: it would take months and the disk of a data centre."""


class Recordings:
    """The recordings below one folder, a folder each with a `recording.json`. Without a folder nothing is recorded."""

    def __init__(
        self, folder: Path | None, bounds: Bounds, clock: Callable[[], int], new_id: Callable[[], str]
    ) -> None:
        self._folder = folder
        self._bounds = bounds
        self._clock = clock
        self._new_id = new_id
        self._all: dict[str, Recording] = {}
        self.node: str | None = None
        """This node's name, where there are several."""
        self.changed: Callable[[LiveSession], None] = lambda session: None
        """Called when a session's recording began, was written on, or ended."""
        self.faults: list[Fault] = []
        """Of those that cannot be read (L10): they are left out, and their files are left alone."""
        if folder is not None and folder.is_dir():
            for path in sorted(folder.glob("*/recording.json")):
                name = path.parent.name
                try:
                    self._all[name] = _described(name, read_plain(path))
                except (OSError, ValueError) as error:
                    log.warning("%s is left out: %s", path, error)
                    self.faults.append(Fault("recording", name, "its `recording.json` cannot be read"))
        self._sizes: dict[str, int] = {}
        """Bytes on disk of those that have ended, once they were counted."""
        self._sound: dict[Path, tuple[int, int]] = {}
        """Size and time of parts that were read whole; begun anew at `SOUND_PARTS`."""

    def of_project(self, project_id: str) -> list[Recording]:
        """A project's, the newest first."""
        found = [one for one in self._all.values() if one.project_id == project_id]
        return sorted(map(self._shown, found), key=lambda one: one.started_at, reverse=True)

    def has(self, id: str) -> bool:
        """Whether it is here."""
        return id in self._all

    def get(self, id: str) -> Recording:
        """Raises `unknown_recording`."""
        if id not in self._all:
            raise self.unknown(id)
        return self._shown(self._all[id])

    @staticmethod
    def unknown(id: str) -> TermwallError:
        """That there is no such recording."""
        return TermwallError(ErrorCode.UNKNOWN_RECORDING, f"There is no recording `{id[:64]}`.", field="recordingId")

    def part(self, id: str, part: int) -> Path:
        """The file of a part.

        Raises:
            TermwallError: `unknown_recording`; the part was deleted, or there is none yet.
        """
        self.get(id)
        path = self._place(id) / f"{part}.cast"
        if not path.exists():
            raise TermwallError(ErrorCode.UNKNOWN_RECORDING, f"The recording has no part {part}.", field="part")
        return path

    def files(self, id: str) -> list[tuple[int, Path]]:
        """The parts that are there, with their numbers."""
        one = self.get(id)
        return [(part, self._place(id) / f"{part}.cast") for part in range(one.first_part, one.first_part + one.parts)]

    def check(self, id: str, part: int, path: Path) -> None:
        """Look whether a part can be given out as it is, in a thread; of one that is written its beginning counts.

        Raises:
            CastError: no; the message says why.
        """
        one = self._all.get(id)
        runs = one is not None and one.ended_at is None and part == one.first_part + one.parts - 1
        stamp = _stamp(path)
        if self._sound.get(path) == stamp:
            return
        check_part(part, path, whole=not runs)
        if not runs:
            if len(self._sound) >= SOUND_PARTS:
                self._sound.clear()
            self._sound[path] = stamp

    def start(self, session: "LiveSession") -> Recording:
        """Record a session from now on.

        Raises:
            TermwallError: `already_exists`, `session_ended`, `limit_reached`; `engine_away` if nothing can be written.
        """
        if session.recorder is not None:
            raise TermwallError(ErrorCode.ALREADY_EXISTS, f"`{session.name}` is being recorded.")
        must_be_open(session.name, session.process.program)
        if session.ended is not None:
            raise TermwallError(ErrorCode.SESSION_ENDED, f"`{session.name}` has ended; restart it to record it.")
        self._make_room()
        cols, rows = session.size
        recording = Recording(
            id=self._new_id(),
            project_id=session.project_id,
            session_id=session.id,
            session_name=session.name,
            command=list(session.launch.command),
            started_at=self._clock(),
            ended_at=None,
            bytes=0,
            first_part=1,
            parts=1,
            cols=cols,
            rows=rows,
            error=None,
        )
        try:
            self._begin(self._place(recording.id))
            self._keep(recording)
        except OSError as error:
            shutil.rmtree(self._place(recording.id), ignore_errors=True)
            raise TermwallError(
                ErrorCode.ENGINE_AWAY, f"Nothing can be recorded: {shortage.why(error)}. Put that right and try again."
            ) from None
        self._record(session, recording.id, None)
        return self._shown(recording)

    def resume(self, session: "LiveSession", state: dict[str, Any]) -> None:
        """Go on with a recording that an earlier server began."""
        found = self._all.get(state["id"])
        if found is not None and found.ended_at is None:
            self._record(session, found.id, state)

    def stop(self, session: "LiveSession") -> Recording:
        """End a session's recording.

        Raises:
            TermwallError: `unknown_recording` if there is none.
        """
        recorder = session.recorder
        if recorder is None:
            raise TermwallError(ErrorCode.UNKNOWN_RECORDING, f"`{session.name}` is not being recorded.")
        recorder.end()
        if session.recorder is None:  # Its end could not be written.
            return self.get(recorder.id)
        return self._finish(recorder, None)

    def finish(self, session: "LiveSession") -> None:
        """The program has ended: end its recording once all of its output is in there."""
        if session.recorder is not None:
            session.recorder.finish(self._finished)

    def close_open(self, running: "set[str]") -> None:
        """Those that nobody goes on with ended with their session, when they were last written: say so."""
        for one in tuple(self._all.values()):
            if one.ended_at is not None or one.id in running:
                continue
            files = self.files(one.id)
            try:
                if not cut_torn(files[-1][1]):
                    files.pop()
            except (OSError, IndexError):
                pass
            seconds = max(one.seconds, last_moment(files))
            how = {"ended_at": one.started_at + int(seconds * 1000), "seconds": seconds, "parts": len(files)}
            how["bytes"] = sum(_size(path) for _, path in files)
            self._keep_if_possible(one.model_copy(update=how))

    def delete(self, id: str) -> None:
        """Forget a recording and its files. One that runs must be stopped first.

        Raises:
            TermwallError: `unknown_recording`, `invalid` while it runs.
        """
        if self.get(id).ended_at is None:
            raise TermwallError(ErrorCode.INVALID, "The recording still runs; stop it first.", field="recordingId")
        self._forget(id)

    def delete_project(self, project_id: str) -> None:
        """Forget all of a project's."""
        for one in self.of_project(project_id):
            self._forget(one.id)

    # ---- inside

    def _forget(self, id: str) -> None:
        shutil.rmtree(self._place(id), ignore_errors=True)
        del self._all[id]
        self._sizes.pop(id, None)

    def _shown(self, recording: Recording) -> Recording:
        """As others see it. Its file says nothing of a node, whose name may change."""
        return recording.model_copy(update={"node": self.node})

    def _begin(self, place: Path) -> None:
        """A recording's folder; never a data folder that is gone, because it was moved while this server runs."""
        place.parent.mkdir(mode=0o700, exist_ok=True)
        place.mkdir(mode=0o700)

    def _place(self, id: str) -> Path:
        if self._folder is None:
            raise TermwallError(ErrorCode.ENGINE_AWAY, "This server has no folder for recordings.")
        return self._folder / id

    def _record(self, session: "LiveSession", id: str, state: dict[str, Any] | None) -> None:
        session.recorder = Recorder(
            session,
            id,
            self._place(id),
            part_bytes=self._bounds.recording_bytes,
            room=self._room_for_part,
            changed=self._written,
            failed=self._failed,
        )
        session.recording_error = None
        session.recorder.begin(state)
        self.changed(session)

    def _written(self, recorder: Recorder[LiveSession]) -> None:
        recording = self._all[recorder.id]
        first = max(recording.first_part, recorder.part - self._bounds.recording_parts + 1)
        self._drop_parts(recording, first)
        parts = recorder.part - first + 1
        others = sum(_size(self._place(recorder.id) / f"{part}.cast") for part in range(first, recorder.part))
        now = {"first_part": first, "parts": parts, "bytes": others + recorder.bytes, "seconds": recorder.seconds}
        self._all[recorder.id] = recording.model_copy(update=now)
        if recorder.part != recording.first_part + recording.parts - 1 or first != recording.first_part:
            self._keep_if_possible(self._all[recorder.id])
        self.changed(recorder.session)

    def _drop_parts(self, recording: Recording, first: int) -> None:
        for part in range(recording.first_part, first):
            for suffix in ("cast", "frames"):
                (self._place(recording.id) / f"{part}.{suffix}").unlink(missing_ok=True)

    def _failed(self, recorder: Recorder[LiveSession], why: str) -> None:
        session = recorder.session
        about = {"session": session.id, "project": session.project_id}
        log.warning("a recording of `%s` has ended: %s", session.name, why, extra=about)
        self._finish(recorder, why)

    def _finished(self, recorder: Recorder[LiveSession]) -> None:
        self._finish(recorder, None)

    def _finish(self, recorder: Recorder[LiveSession], error: str | None) -> Recording:
        session = recorder.session
        session.recorder, session.recording_error = None, error
        recording = self._all[recorder.id]
        parts = max(0, recorder.part - recording.first_part + 1)
        if not recorder.bytes:
            parts = 0
        last = recording.first_part + parts - 1
        size = sum(_size(self._place(recorder.id) / f"{part}.cast") for part in range(recording.first_part, last + 1))
        how = {"ended_at": self._clock(), "error": error, "parts": parts, "bytes": size, "seconds": recorder.seconds}
        how["exit_code"] = _exit_code(session)
        ended = recording.model_copy(update=how)
        self._keep_if_possible(ended)
        self.changed(session)
        return self._shown(ended)

    def _keep(self, recording: Recording) -> None:
        path = self._place(recording.id) / "recording.json"
        text = recording.model_dump_json(by_alias=True).encode()
        text += b" " * (-len(text) % DESCRIPTION_BYTES)
        new = path.with_suffix(".new")
        try:
            with open(new, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(text)
            new.replace(path)
        except OSError:
            new.unlink(missing_ok=True)
            if _size(path) < len(text):
                raise
            # The disk is full: the place that the old one has is enough.
            with open(path, "r+b") as file:
                file.write(text)
        self._all[recording.id] = recording

    def _keep_if_possible(self, recording: Recording) -> None:
        self._all[recording.id] = recording
        try:
            self._keep(recording)
        except OSError as error:
            log.warning("what is known of recording %s is not written: %s", recording.id, error.strerror)

    # ---- room

    def _make_room(self) -> None:
        """Delete what ended longest ago, as far as that makes room for another part; else nothing.

        Raises:
            TermwallError: `limit_reached`.
        """
        most = self._bounds.recordings_bytes
        sizes = {one.id: self._on_disk(one) for one in self._all.values()}
        missing = sum(sizes.values()) + self._bounds.recording_bytes - most
        ended = sorted(
            (one for one in self._all.values() if one.ended_at is not None),
            key=lambda one: one.ended_at or 0,
        )
        if missing > sum(sizes[one.id] for one in ended):
            raise TermwallError(
                ErrorCode.LIMIT_REACHED,
                f"Recordings may have {most} bytes (`recordings_bytes`), and those that run take too much of that.",
            )
        for one in ended:
            if missing <= 0:
                break
            missing -= sizes[one.id]
            log.info("recording %s is deleted: another one needs its room", one.id)
            self._forget(one.id)

    def _room_for_part(self, recorder: Recorder[LiveSession]) -> str | None:
        """A recording that runs needs another part. Where nothing else makes room its own oldest part does."""
        recording = self._all[recorder.id]
        try:
            self._make_room()
        except TermwallError as error:
            first = recording.first_part + 1
            if first > recorder.part:
                return str(error)
            self._drop_parts(recording, first)
            self._all[recorder.id] = recording.model_copy(update={"first_part": first, "parts": recording.parts - 1})
        return None

    def _on_disk(self, recording: Recording) -> int:
        if recording.id in self._sizes:
            return self._sizes[recording.id]
        try:
            with os.scandir(self._place(recording.id)) as found:
                size = sum(entry.stat().st_size for entry in found)
        except OSError:
            size = 0
        if recording.ended_at is not None:
            self._sizes[recording.id] = size
        return size


def _described(id: str, text: bytes) -> Recording:
    """What a `recording.json` says.

    Raises:
        ValueError: nothing that can be so.
    """
    found = Recording.model_validate_json(text)
    if found.id != id or found.first_part < 1 or not 0 <= found.parts <= MOST_PARTS:
        raise ValueError("it is another one's, or has impossible parts")
    return found


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _exit_code(session: "LiveSession") -> int | None:
    """How its program ended, as a shell says it."""
    ended = session.ended
    if ended is None:
        return None
    known = ended.signal is not None and ended.signal in signal.Signals.__members__
    return 128 + signal.Signals[ended.signal or ""] if known else ended.code

"""All recordings of a server: which there are, how much room they may take, and those that run."""

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.limits import Bounds
from termwall.hub.recorder import Recorder
from termwall.protocol.bodies import Recording

if TYPE_CHECKING:
    from termwall.hub.session import LiveSession

log = logging.getLogger("termwall.recordings")


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
        if folder is not None and folder.is_dir():
            for path in sorted(folder.glob("*/recording.json")):
                try:
                    found = Recording.model_validate_json(path.read_bytes())
                except ValueError as error:
                    log.warning("%s is left out: %s", path, error)
                else:
                    self._all[found.id] = found

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
            raise TermwallError(ErrorCode.UNKNOWN_RECORDING, f"There is no recording `{id[:64]}`.", field="recordingId")
        return self._shown(self._all[id])

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

    def start(self, session: "LiveSession") -> Recording:
        """Record a session from now on.

        Raises:
            TermwallError: `already_exists`, `session_ended`, `limit_reached`; `engine_away` if nothing can be written.
        """
        if session.recorder is not None:
            raise TermwallError(ErrorCode.ALREADY_EXISTS, f"`{session.name}` is being recorded.")
        if session.ended is not None:
            raise TermwallError(ErrorCode.SESSION_ENDED, f"`{session.name}` has ended; restart it to record it.")
        self._make_room()
        cols, rows = session.seat.size
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
            self._place(recording.id).mkdir(mode=0o700, parents=True)
            self._keep(recording)
        except OSError as error:
            raise TermwallError(
                ErrorCode.ENGINE_AWAY, f"Nothing can be recorded: {error.strerror}. Free some space and try again."
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
        return self._finish(recorder, None)

    def close_open(self, running: "set[str]") -> None:
        """Those that nobody goes on with ended with their session: say so."""
        for one in tuple(self._all.values()):
            if one.ended_at is None and one.id not in running:
                self._keep_if_possible(one.model_copy(update={"ended_at": self._clock()}))

    def delete(self, id: str) -> None:
        """Forget a recording and its files. One that runs must be stopped first.

        Raises:
            TermwallError: `unknown_recording`, `invalid` while it runs.
        """
        if self.get(id).ended_at is None:
            raise TermwallError(ErrorCode.INVALID, "The recording still runs; stop it first.", field="recordingId")
        shutil.rmtree(self._place(id), ignore_errors=True)
        del self._all[id]

    def delete_project(self, project_id: str) -> None:
        """Forget all of a project's."""
        for one in self.of_project(project_id):
            shutil.rmtree(self._place(one.id), ignore_errors=True)
            del self._all[one.id]

    # ---- inside

    def _shown(self, recording: Recording) -> Recording:
        """As others see it. Its file says nothing of a node, whose name may change."""
        return recording.model_copy(update={"node": self.node})

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
            changed=self._written,
            failed=self._failed,
            state=state,
        )
        self.changed(session)

    def _written(self, recorder: Recorder) -> None:
        recording = self._all[recorder.id]
        first = max(recording.first_part, recorder.part - self._bounds.recording_parts + 1)
        size = recorder.whole
        for part in range(recording.first_part, first):
            (self._place(recorder.id) / f"{part}.cast").unlink(missing_ok=True)
        parts = recorder.part - first + 1
        self._all[recorder.id] = recording.model_copy(update={"first_part": first, "parts": parts, "bytes": size})
        if recorder.part != recording.first_part + recording.parts - 1 or first != recording.first_part:
            self._keep_if_possible(self._all[recorder.id])
        self.changed(recorder.session)

    def _failed(self, recorder: Recorder, why: str) -> None:
        session = recorder.session
        about = {"session": session.id, "project": session.project_id}
        log.warning("a recording of `%s` has ended: %s", session.name, why, extra=about)
        self._finish(recorder, why)

    def _finish(self, recorder: Recorder, error: str | None) -> Recording:
        recorder.session.recorder = None
        ended = self._all[recorder.id].model_copy(update={"ended_at": self._clock(), "error": error})
        self._keep_if_possible(ended)
        self.changed(recorder.session)
        return self._shown(ended)

    def _keep(self, recording: Recording) -> None:
        path = self._place(recording.id) / "recording.json"
        new = path.with_suffix(".new")
        with open(new, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(recording.model_dump_json(by_alias=True))
        new.replace(path)
        self._all[recording.id] = recording

    def _keep_if_possible(self, recording: Recording) -> None:
        self._all[recording.id] = recording
        try:
            self._keep(recording)
        except OSError as error:
            log.warning("what is known of recording %s is not written: %s", recording.id, error.strerror)

    def _make_room(self) -> None:
        """Delete the oldest that have ended, so that another one has room."""
        while self._used() + self._bounds.recording_bytes > self._bounds.recordings_bytes:
            ended = [one for one in self._all.values() if one.ended_at is not None]
            if not ended:
                raise TermwallError(
                    ErrorCode.LIMIT_REACHED, f"Recordings have {self._bounds.recordings_bytes} bytes, the most allowed."
                )
            self.delete(min(ended, key=lambda one: one.started_at).id)

    def _used(self) -> int:
        return sum(one.bytes for one in self._all.values())

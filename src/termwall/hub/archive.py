"""What a service keeps in its store, so that a restart or a reboot finds it again (P5, F7).

A change that cannot be kept is refused before anything has happened. What is kept of a program's last screen is the
stream of a snapshot: a session that was lost begins a log of its own with it, so that everybody sees it as any other.
"""

from collections.abc import Callable

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.focus import Stage
from termwall.hub.lastscreens import LastScreens
from termwall.hub.record import Home, Launch, Record
from termwall.hub.session import LiveSession
from termwall.hub.stages import Staged
from termwall.ipc.memory import Memory
from termwall.protocol.bodies import Project
from termwall.pty.programs import ExitStatus, Program
from termwall.store.database import StoreUnavailable
from termwall.store.projects import Store, StoredProject
from termwall.store.rows import Fault
from termwall.store.sessions import StoredSession


class Archive:
    """One service's. Without a store it keeps nothing."""

    def __init__(self, store: Store | None, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._screens = None if store is None else LastScreens(store, clock)

    # ---- projects and stages

    def projects(self) -> list[StoredProject]:
        """All that were kept, the oldest first."""
        return [] if self._store is None else self._store.projects()

    def keep_project(self, room: "Staged", project: Project) -> None:
        """A new project, or its changes: `project` is what it will be."""
        stage = room.stage
        stored = StoredProject(
            id=project.id,
            name=project.name,
            path=project.path,
            max_focused=project.max_focused,
            created_at=project.created_at,
            version=stage.version,
            epoch=room.epoch,
            stage=tuple(stage.sessions),
        )
        self._write(lambda store: store.put_project(stored))

    def keep_stage(self, room: "Staged", stage: Stage) -> None:
        """The stage's next version (F7)."""
        self._write(lambda store: store.put_stage(room.id, stage.version, stage.sessions, stage.max_focused))

    def forget_project(self, project_id: str) -> None:
        """With all that was kept of it."""
        self._write(lambda store: store.delete_project(project_id))

    # ---- sessions

    def sessions(self) -> list[StoredSession]:
        """All that were kept, in their order."""
        return [] if self._store is None else self._store.sessions()

    def unreadable(self) -> list[Fault]:
        """What of the store cannot be read, as far as that is known by now (L10)."""
        return [] if self._store is None else list(self._store.faults.values())

    def keep_session(self, session: "LiveSession") -> None:
        """A new session, or its changes; nothing of one that is sealed, for it would take the place of what is kept."""
        if session.process.program.sealed is not None:
            return
        launch, ended = session.launch, session.ended
        cols, rows = session.size
        stored = StoredSession(
            id=session.id,
            project_id=session.project_id,
            name=session.name,
            type=launch.type,
            command=tuple(launch.command),
            cwd=launch.cwd,
            env=dict(launch.env),
            cols=cols,
            rows=rows,
            epoch=session.epoch,
            created_at=session.created_at,
            # What was lost stays so: how it ended is not known.
            ended=ended is not None and session.lost is None,
            exit_code=None if ended is None else ended.code,
            signal=None if ended is None else ended.signal,
            driver=session.core.seat.driver,
            driver_name=session.core.driver_name,
        )
        self._write(lambda store: store.put_session(stored))

    def forget_session(self, session_id: str) -> None:
        """It was removed."""
        self._write(lambda store: store.delete_session(session_id))

    def without_program(self, stored: StoredSession, home: Home, epoch: str) -> tuple[Record, Program, str | None]:
        """A session that has no program any more: what is known of it, its last screen, and why it is lost if it is.

        Raises:
            MemoryFault: there is none for it.
        """
        screen = None if self._store is None else self._store.screen(stored.id)
        picture = b"" if screen is None else screen.data
        memory = Memory.create(max(len(picture), 1 << 16), 1 << 12)
        memory.ring.append(picture)
        cols, rows = (stored.cols, stored.rows) if screen is None else (screen.cols, screen.rows)
        state = {
            "cols": cols,
            "rows": rows,
            "title": "" if screen is None else screen.title,
            "cwd": stored.cwd if screen is None else screen.cwd,
            # What it says of itself was heard when it was printed.
            "heard": len(picture),
        }
        kept = Record(
            id=stored.id,
            name=stored.name,
            home=home,
            launch=Launch(stored.type, stored.command, stored.cwd, stored.env),
            # Another log than the program's own.
            epoch=epoch,
            created_at=stored.created_at,
            state=state,
        )
        program = Program(0, -1, memory, ExitStatus(stored.exit_code, stored.signal))
        return kept, program, None if stored.ended else "its program ended while no server was there to see it"

    # ---- screens

    def save_now_and_then(self, sessions: Callable[[], list["LiveSession"]]) -> None:
        """From now on, save the screens of sessions that changed."""
        if self._screens is not None:
            self._screens.begin(sessions)

    async def save_all(self, sessions: list["LiveSession"]) -> bool:
        """Before the server goes. False if not all could be saved exactly."""
        return self._screens is not None and await self._screens.keep_all(sessions)

    def close(self) -> None:
        """Close the store."""
        if self._screens is not None:
            self._screens.stop()
        if self._store is not None:
            self._store.close()

    def _write(self, change: Callable[[Store], object]) -> None:
        if self._store is None:
            return
        try:
            change(self._store)
        except StoreUnavailable as error:
            raise TermwallError(ErrorCode.ENGINE_AWAY, f"Nothing was changed: {error}") from None

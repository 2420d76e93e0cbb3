"""What may go wrong with the file: a full disk, no rights, an old version, a kill between any two steps (P5, F7)."""

import errno
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from termwall.store.database import LOCKED_MILLISECONDS, SCHEMA, Database, StoreError, StoreUnavailable
from termwall.store.projects import Store, StoredProject, StoredToken
from tests.store.test_sessions import SCREEN, SESSION, WALL

Change = Callable[[Store], object]

CHANGES: list[Change] = [
    lambda store: store.put_project(WALL),
    lambda store: store.put_session(SESSION),
    lambda store: store.put_stage("wall", 1, ("s1",)),
    lambda store: store.put_screen(SCREEN),
    lambda store: store.put_token(StoredToken("t1", b"1", "Mia", "own", "wall", 1)),
    lambda store: store.put_session(replace(SESSION, id="s2", name="second")),
    lambda store: store.put_stage("wall", 2, ("s1", "s2")),
    lambda store: store.delete_session("s1"),
    lambda store: store.put_stage("wall", 3, ("s2",)),
    lambda store: store.put_screen(replace(SCREEN, session_id="s2", data=b"x" * 100_000)),
    lambda store: store.delete_token("t1"),
    lambda store: store.delete_project("wall"),
]


def everything(store: Store) -> object:
    """All that is in it."""
    screens = [store.screen(name) for name in ("s1", "s2")]
    return store.projects(), store.sessions(), screens, store.tokens()


def child(work: Callable[[], None]) -> int:
    """Runs it in a process of its own; how that ended, as `os.waitpid` has it."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitpid(pid, 0)[1]


def test_P5_killed_between_any_two_steps_a_change_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    states, model = [], Store(tmp_path / "model")
    states.append(everything(model))
    for change in CHANGES:
        change(model)
        states.append(everything(model))
    model.close()

    def run(path: Path, kill: int) -> None:
        store = Store(path)
        steps = 0

        def step(_: str) -> None:
            nonlocal steps
            steps += 1
            if steps == kill:
                os.kill(os.getpid(), signal.SIGKILL)

        store._db.set_trace_callback(step)
        for change in CHANGES:
            change(store)

    reached = -1
    for kill in range(1, 200):
        path = tmp_path / f"db{kill}"
        status = child(lambda path=path, kill=kill: run(path, kill))  # type: ignore[misc]
        store = Store(path)
        later = [number for number, state in enumerate(states) if number >= reached and state == everything(store)]
        store.close()
        assert later, f"killed at step {kill}: no state between two changes, or an earlier one than {reached}"
        reached = later[0]
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            assert reached == len(CHANGES)
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
    else:
        raise AssertionError("the series has no end")


@contextmanager
def no_more_pages(store: Store) -> Iterator[None]:
    """SQLite's own limit: it answers as for a full disk."""
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count={pages}")
    yield
    store._db.execute("PRAGMA max_page_count=1073741823")


def test_P5_a_full_disk_refuses_a_change_whole_and_goes_on_when_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path / "db")
    store.put_project(WALL)
    store.put_session(SESSION)
    before = everything(store)
    large = replace(SCREEN, data=b"x" * 200_000)
    with no_more_pages(store):
        with pytest.raises(StoreUnavailable, match="is full; free some space") as caught:
            store.put_screen(large)
        with pytest.raises(StoreUnavailable):
            store.put_screen(large)
        assert str(tmp_path) not in str(caught.value), "clients read it"
        assert [str(tmp_path / "db") in record.getMessage() for record in caplog.records] == [True], "once a minute"
        assert everything(store) == before
        assert store.delete_token("none") is False, "what needs no room still works"
    store.put_screen(large)
    assert store.screen("s1") == large
    store.close()


def fill(path: Path) -> None:
    """Writes until there is no more room."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, b"x" * 4096)
    except OSError as error:
        assert error.errno == errno.ENOSPC
    finally:
        os.close(descriptor)


@contextmanager
def mounted(disk: Path) -> Iterator[None]:
    """A disk of 1 MiB, where one may mount."""
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def change_much(store: Store) -> None:
    """More than a log that is there already can take."""
    for version in range(1, 5000):
        store.put_stage("wall", version, tuple(f"s{number}" for number in range(64)))


def test_P5_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted(disk):
        store = Store(disk / "db")
        store.put_project(WALL)
        fill(disk / "filler")
        with pytest.raises(StoreUnavailable):
            change_much(store)
        kept = store.projects()[0]
        (disk / "filler").unlink()
        store.put_stage("wall", kept.version + 1, ("s1",))
        assert store.projects()[0].stage == ("s1",)
        store.close()
        store = Store(disk / "db")
        assert store.projects()[0].version == kept.version + 1, "F7"
        store.close()


def test_case_hardening_C3_a_full_disk_keeps_no_store_from_being_read(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted(disk):
        store = Store(disk / "db")
        store.put_project(WALL)
        store.put_session(SESSION)
        store.close()
        for _ in range(2):
            fill(disk / "filler")
            store = Store(disk / "db")
            assert store.stands_in
            assert (store.projects()[0].id, store.sessions()[0].id) == (WALL.id, SESSION.id)
            with pytest.raises(StoreUnavailable, match="full"):
                store.put_stage("wall", 9, ("s1",))
            store.close()
        store = Store(disk / "db")
        (disk / "filler").unlink()
        store.put_stage("wall", 9, ("s1",))
        assert not store.stands_in
        store.close()
        store = Store(disk / "db")
        assert store.projects()[0].version == 9, "F7"
        store.close()


def test_P5_a_write_that_the_system_refuses(tmp_path: Path) -> None:
    def work() -> None:
        store = Store(tmp_path / "db")
        store.put_project(WALL)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        try:
            store.put_screen(replace(SCREEN, data=b"x" * 500_000))
            raise AssertionError("it was written")
        except StoreUnavailable as error:
            assert "try again" in str(error), error
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert store.screen("s1") is None
        store.put_screen(SCREEN)
        assert store.screen("s1") == SCREEN
        store.close()

    assert child(work) == 0


def test_P5_a_folder_that_may_not_be_written_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o500)

    def work() -> None:
        if os.getuid() == 0:  # Root may write anywhere.
            for parent in folder.parents:
                if parent.stat().st_uid == 0 and parent != Path("/"):
                    parent.chmod(parent.stat().st_mode | 0o011)
            os.setgid(65534)
            os.setuid(65534)
        try:
            Store(folder / "db")
            raise AssertionError("it was made")
        except StoreError as error:
            assert "cannot be used" in str(error), error

    assert child(work) == 0


def old_file(path: Path, *, spoilt: bool = False) -> None:
    """As the first version of termwall wrote it."""
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(SCHEMA[0])
    db.execute("PRAGMA user_version=1")
    db.execute("INSERT INTO projects VALUES ('wall', 'Wall', '/srv/wall', 4, 1, 7, 'e1')")
    db.execute("INSERT INTO tokens VALUES ('t1', x'31', 'Mia', 'own', NULL, 1)")
    if spoilt:  # Something stands in the way of the second version.
        db.execute("CREATE TABLE screens (whatever TEXT)")
    db.close()


def test_P5_an_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    old_file(tmp_path / "db")
    store = Store(tmp_path / "db")
    assert store.projects() == [StoredProject("wall", "Wall", "/srv/wall", 4, 1, 7, "e1", ())]
    assert [token.id for token in store.tokens()] == ["t1"]
    store.put_session(SESSION)
    store.close()
    store = Store(tmp_path / "db")
    assert store.sessions() == [SESSION]
    store.close()


def test_P5_an_older_file_that_cannot_be_brought_up_to_date_stays_as_it_was(tmp_path: Path) -> None:
    old_file(tmp_path / "db", spoilt=True)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(tmp_path / "db")
    db = sqlite3.connect(tmp_path / "db")
    assert db.execute("PRAGMA user_version").fetchone()[0] == 1
    assert "stage" not in [row[1] for row in db.execute("PRAGMA table_info(projects)")]
    assert db.execute("SELECT version FROM projects").fetchone()[0] == 7
    db.close()


def test_X4_the_log_does_not_stay_large(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from termwall.store.projects import Store; from tests.store.test_sessions import SCREEN\n"
        "store = Store(Path(sys.argv[1]))\n"
        "for number in range(30): store.put_screen(replace(SCREEN, data=bytes([number]) * (2 << 20)))\n"
        "for number in range(5): store.put_screen(replace(SCREEN, data=b'small'))\n"
        "print(Path(sys.argv[1] + '-wal').stat().st_size)"
    )
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "db")], env=env, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) <= 9 << 20


def test_L1_a_lock_of_another_process_refuses_a_change_and_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "termwall.sqlite"
    database = Database(path)
    assert database.read("PRAGMA busy_timeout") == [(LOCKED_MILLISECONDS,)]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked; end it"), database.writing():
            pass
        other.execute("ROLLBACK")
        with database.writing() as db:
            db.execute("DELETE FROM projects")
    database.close()

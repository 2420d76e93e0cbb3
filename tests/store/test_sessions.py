"""Sessions in the store: what is kept is read back, in any order of changes and with a new start in between (P5)."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from termwall.store.projects import Store, StoredProject, StoredToken
from termwall.store.sessions import StoredScreen, StoredSession

WALL = StoredProject("wall", "Wall", "/srv/wall", 4, 1, 0, "e1")
SESSION = StoredSession(
    id="s1",
    project_id="wall",
    name="agent",
    type="claude",
    command=("claude", "--continue", "ä 'quoted'"),
    cwd="/srv/wall",
    env={"TOKEN": "secret", "EMPTY": ""},
    cols=80,
    rows=24,
    epoch="e9",
    created_at=7,
    driver="client",
    driver_name="Mia",
)
SCREEN = StoredScreen("s1", b"\x1bc\x00\xff all bytes", 80, 24, "title", "/srv/wall/deeper", 1 << 40, 9)


def test_P5_what_is_kept_is_read_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    store.put_project(WALL)
    store.put_session(SESSION)
    store.put_session(replace(SESSION, id="s2"))
    store.put_session(replace(SESSION, name="renamed", ended=True, exit_code=3, driver=None))
    store.put_screen(SCREEN)
    store.put_screen(replace(SCREEN, data=b"newer"))
    store.close()
    store = Store(tmp_path / "db")
    first = replace(SESSION, name="renamed", ended=True, exit_code=3, driver=None)
    assert store.sessions() == [first, replace(SESSION, id="s2")], "in the order they were made"
    assert store.screen("s1") == replace(SCREEN, data=b"newer")
    assert store.screen("s2") is None
    store.delete_session("s1")
    assert store.screen("s1") is None
    store.close()


def test_X1_the_file_is_its_owners_only(tmp_path: Path) -> None:
    (tmp_path / "db").touch(mode=0o644)
    store = Store(tmp_path / "db")
    store.put_session(SESSION)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "db": 0o600,
        "db-wal": 0o600,
        "db-shm": 0o600,
    }
    store.close()


class AnyOrder(RuleBasedStateMachine):
    """The store beside a dictionary."""

    folder: Path
    number = 0

    @initialize()
    def begin(self) -> None:
        AnyOrder.number += 1
        self.path = self.folder / f"db{self.number}"
        self.store = Store(self.path)
        self.projects: dict[str, StoredProject] = {}
        self.sessions: dict[str, StoredSession] = {}
        self.screens: dict[str, StoredScreen] = {}

    @rule(project=st.sampled_from("ab"), version=st.integers(0, 5), stage=st.lists(st.sampled_from("xyz"), max_size=3))
    def project(self, project: str, version: int, stage: list[str]) -> None:
        if project in self.projects:
            self.store.put_stage(project, version, tuple(stage))
            if version >= self.projects[project].version:
                self.projects[project] = replace(self.projects[project], version=version, stage=tuple(stage))
        else:
            self.projects[project] = replace(WALL, id=project, version=version, stage=tuple(stage))
            self.store.put_project(self.projects[project])

    @precondition(lambda self: self.projects)
    @rule(session=st.sampled_from("xyz"), name=st.text(max_size=5), cols=st.integers(2, 1000), data=st.data())
    def session(self, session: str, name: str, cols: int, data: st.DataObject) -> None:
        project = data.draw(st.sampled_from(sorted(self.projects)))
        if session in self.sessions:
            project = self.sessions[session].project_id
        one = replace(SESSION, id=session, project_id=project, name=name, cols=cols)
        self.sessions[session] = one
        self.store.put_session(one)

    @precondition(lambda self: self.sessions)
    @rule(picture=st.binary(max_size=50), data=st.data())
    def screen(self, picture: bytes, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(sorted(self.sessions)))
        self.screens[session] = replace(SCREEN, session_id=session, data=picture)
        self.store.put_screen(self.screens[session])

    @rule(session=st.sampled_from("xyz"))
    def delete_session(self, session: str) -> None:
        self.store.delete_session(session)
        self.sessions.pop(session, None)
        self.screens.pop(session, None)

    @rule(project=st.sampled_from("ab"))
    def delete_project(self, project: str) -> None:
        self.store.put_token(
            StoredToken(f"t{len(self.store.tokens())}", bytes([len(self.store.tokens())]), "", "own", project, 0)
        )
        self.store.delete_project(project)
        self.projects.pop(project, None)
        for gone in [one.id for one in self.sessions.values() if one.project_id == project]:
            del self.sessions[gone]
            self.screens.pop(gone, None)
        assert not [token for token in self.store.tokens() if token.project_id == project]

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = Store(self.path)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            assert {one.id: one for one in self.store.projects()} == self.projects
            assert self.store.sessions() == list(self.sessions.values())
            assert {name: found for name in "xyz" if (found := self.store.screen(name))} == self.screens
            self.store.close()


def test_P5_any_order_of_changes_and_restarts_is_kept(tmp_path: Path) -> None:
    AnyOrder.folder = tmp_path
    run_state_machine_as_test(AnyOrder, settings=settings(max_examples=40, stateful_step_count=20))


@pytest.mark.parametrize("size", [0, 1, 5 << 20])
def test_P5_a_screen_of_any_size_is_kept(tmp_path: Path, size: int) -> None:
    store = Store(tmp_path / "db")
    store.put_screen(replace(SCREEN, data=bytes(size)))
    found = store.screen("s1")
    assert found is not None
    assert len(found.data) == size
    store.close()

"""What survives a restart, and what a file that cannot be used says (F7, X1)."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.app import new_id
from termwall.core.limits import Bounds
from termwall.hub.service import TerminalService
from termwall.store.database import SCHEMA, StoreError
from termwall.store.projects import Store, StoredProject, StoredToken

WALL = StoredProject("wall", "Wall", "/srv/wall", 4, 1, 0, "e1")


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "db"
    store = Store(path)
    other = replace(WALL, id="other", created_at=0)
    store.put_project(WALL)
    store.put_project(other)
    store.put_project(replace(WALL, name="Großer Wall", max_focused=64, path="/elsewhere"))
    token = StoredToken("t1", b"\x00" * 32, "Mia", "view", None, 5)
    store.put_token(token)
    store.close()
    store = Store(path)
    assert store.projects() == [other, replace(WALL, name="Großer Wall", max_focused=64, path="/elsewhere")]
    assert list(store.tokens()) == [token]
    assert store.delete_token("t1")
    assert not store.delete_token("t1")
    store.delete_project("other")
    assert [project.id for project in store.projects()] == ["wall"]
    store.close()


@given(versions=st.lists(st.integers(0, 2**53), max_size=20))
@settings(max_examples=30)
def test_F7_the_stored_version_never_goes_back(tmp_path_factory: pytest.TempPathFactory, versions: list[int]) -> None:
    store = Store(tmp_path_factory.mktemp("store") / "db")
    store.put_project(WALL)
    highest, newest = 0, ()
    for number, version in enumerate(versions):
        stage = (f"s{number}",)
        store.put_stage("wall", version, stage)
        if version >= highest:
            highest, newest = version, stage
        found = store.projects()[0]
        assert (found.version, found.stage) == (highest, newest), "an older one is ignored whole"
    store.put_project(replace(WALL, name="New name"))
    assert (store.projects()[0].version, store.projects()[0].name) == (highest, "New name")
    store.close()


async def test_F7_the_epoch_is_the_stores_own(tmp_path: Path) -> None:
    def start(file: str) -> TerminalService:
        return TerminalService(
            bounds=Bounds(), store=Store(tmp_path / file), profiles={}, clock=lambda: 0, new_id=new_id
        )

    epochs = []
    for file in ("first", "second"):
        service = start(file)
        await service.open()
        service.create_project(path=str(tmp_path), id="wall")
        epochs.append(service.get_focus_state("wall").epoch)
        await service.close()
        service = start(file)
        assert service.get_focus_state("wall").epoch == epochs[-1], "a kept store keeps the epoch"
        await service.delete_project("wall")
        service.create_project(path=str(tmp_path), id="wall")
        assert service.get_focus_state("wall").epoch != epochs[-1], "a project made anew has another one"
        await service.close()
    assert epochs[0] != epochs[1], "a lost store too"


def test_X1_a_project_made_anew_is_not_opened_by_its_predecessors_tokens(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    store.put_project(WALL)
    store.put_token(StoredToken("t1", b"1" * 32, "Mia", "own", "wall", 1))
    store.put_token(StoredToken("t2", b"2" * 32, "Leo", "own", "other", 1))
    store.put_token(StoredToken("t3", b"3" * 32, "Eva", "own", None, 1))
    store.delete_project("wall")
    assert [token.id for token in store.tokens()] == ["t2", "t3"]
    store.close()


def damaged(path: Path) -> None:
    """Overwrites the pages after the first."""
    store = Store(path)
    for number in range(200):
        store.put_project(replace(WALL, id=f"p{number}", name="x" * 200))
    store.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)


def newer(path: Path) -> None:
    """Says that a later version wrote it."""
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version={len(SCHEMA) + 1}")
    db.close()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda path: path.write_text("this is no database, and long enough to be seen as none" * 20),
            "not a database",
        ),
        (damaged, "damaged|malformed"),
        (newer, "newer termwall"),
        (lambda path: path.mkdir(), "Is a directory"),
    ],
    ids=["text", "damaged", "newer", "folder"],
)
def test_a_file_that_cannot_be_used_says_why_and_what_to_do(tmp_path: Path, spoil: object, says: str) -> None:
    path = tmp_path / "db"
    spoil(path)  # type: ignore[operator]
    with pytest.raises(StoreError, match=says) as caught:
        Store(path)
    assert str(path) in str(caught.value)
    assert "move" in str(caught.value)

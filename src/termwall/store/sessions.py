"""Sessions and their last screens, as they are kept."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it was kept."""

    id: str
    project_id: str
    name: str
    type: str
    command: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    cols: int
    rows: int
    epoch: str
    created_at: int
    ended: bool = False
    exit_code: int | None = None
    signal: str | None = None
    driver: str | None = None
    driver_name: str | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class StoredScreen:
    """What a session showed when it was last saved."""

    session_id: str
    data: bytes
    cols: int
    rows: int
    title: str
    cwd: str
    offset: int
    saved_at: int

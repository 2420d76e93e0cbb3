"""Fixtures for all tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support.server import Server, running
from tests.support.wall import Wall

# How long an example takes says nothing on a busy machine.
settings.register_profile("termwall", deadline=None)
settings.load_profile("termwall")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps a loop running in this thread, which asyncio's tests cannot have.

    A file's tests share what they start, so one worker runs them all; browser tests share it over all files, and
    whoever is free takes the next.
    """
    items.sort(key=lambda item: "e2e" in item.path.parts)
    for item in items:
        if "e2e" not in item.path.parts:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


@pytest.fixture
async def wall(tmp_path: Path) -> AsyncIterator[Wall]:
    """A service with the default limits."""
    one = Wall(tmp_path, close_seconds=1.0)
    yield one
    await asyncio.wait_for(one.service.close(), 10)


@pytest.fixture
async def make_wall(tmp_path: Path) -> AsyncIterator[Callable[..., Wall]]:
    """Makes services with other limits."""
    made: list[Wall] = []

    def make(**bounds: Any) -> Wall:
        made.append(Wall(tmp_path, **{"close_seconds": 1.0, **bounds}))
        return made[-1]

    yield make
    for one in made:
        await asyncio.wait_for(one.service.close(), 10)


@pytest.fixture
async def drawn(tmp_path: Path) -> AsyncIterator[Wall]:
    """A service with a screen worker."""
    one = Wall(tmp_path, close_seconds=1.0, drawn=True)
    yield one
    await asyncio.wait_for(one.service.close(), 10)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A real server."""
    with running(tmp_path / "data") as one:
        yield one

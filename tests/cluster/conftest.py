"""Two nodes of one wall, which most tests of sessions across nodes begin with."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.local_bus import LocalBroker
from tests.support.nodes import Nodes, OneNode
from tests.support.patience import until


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Nodes]:
    """A host with a screen worker, and a gateway."""
    broker = LocalBroker()
    host = OneNode.local(broker, "host", tmp_path / "host", drawn=True)
    gateway = OneNode.local(broker, "gateway", tmp_path / "gateway", project=False)
    assert host.wall.screens is not None
    host.wall.screens.start()
    for one in (host, gateway):
        await one.node.open()
    await until(lambda: gateway.service.find_room("wall"), "the project")
    yield broker, host, gateway
    for one in (gateway, host):
        await asyncio.wait_for(one.close(), 10)

"""What waits at one end of the bus."""

import asyncio
import logging

import pytest

from termwall.cluster.bus.contract import BusAway
from termwall.cluster.bus.mailbox import Desk


async def test_N5_an_answer_that_cannot_be_sent_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("termwall.cluster")
    answered: asyncio.Queue[bytes] = asyncio.Queue()

    async def handle(data: bytes) -> bytes:
        return data

    async def away(_: bytes) -> None:
        raise BusAway("The engine between the nodes cannot be reached.")

    desk = Desk(handle, log)
    try:
        desk.put(b"first", away)
        desk.put(b"second", answered.put)
        assert await answered.get() == b"second"
    finally:
        await desk.end()
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert record.exc_info is None
    assert record.getMessage() == "A request was not answered: The engine between the nodes cannot be reached."

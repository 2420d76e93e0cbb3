"""A short slice of the WebSocket fuzzer against both edges; `make fuzz` is the long form."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.sockets import Figures, Stand, fuzz
from tests.fuzz.stand import edges

CONNECTIONS = 60


@pytest.fixture(params=["picows", "asgi"])
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    """Both edges, each under its own server."""
    with edges[request.param](tmp_path) as one:
        yield one


async def test_W8_W9_whatever_is_sent_is_answered_or_closed_and_nobody_else_notices(stand: Stand) -> None:
    figures = Figures()
    await fuzz(stand, 1, CONNECTIONS, figures)
    assert figures.connections == CONNECTIONS
    assert len(figures.sent) > 12
    assert {"invalid", "bad_message", "unknown_session"} <= set(figures.errors)
    assert figures.seq >= 2

"""Pictures that one node draws for another: of any size, through losses, and each once at a time."""

from collections.abc import Callable
from typing import Any

import pytest

from termwall.cluster.sessions.distant import DistantSession
from termwall.cluster.sessions.pictures import SPARE_BYTES
from tests.support.local_bus import LocalBroker
from tests.support.nodes import Nodes, OneNode
from tests.support.patience import until

NOISE = "head -c 3000 /dev/urandom | od -An -tx1 -w32; echo READY; exec cat"


class Wall:
    """A host that has drawn a session `a`, and a gateway; what is asked and sent is counted, and may be dropped."""

    def __init__(self, broker: LocalBroker, host: OneNode, gateway: OneNode) -> None:
        self.broker, self.host, self.gateway = broker, host, gateway
        self.drops: Callable[[str], bool] = lambda subject: False
        self.sent: list[str] = []
        self._carry, broker.carry = broker.carry, self.carry  # type: ignore[method-assign]

    def carry(self, subject: str, data: bytes) -> None:
        self.sent.append(subject)
        if not self.drops(subject):
            self._carry(subject, data)

    @property
    def pieces(self) -> int:
        return self.sent.count("drawn.gateway")

    def count_draws(self) -> list[int]:
        """How many lines above the screen were asked of the worker, each time."""
        feed, lines = self.host.service._find("a")[1].feed, []
        assert feed is not None
        ask = feed.ask

        def counted(kind: Any, above: int, answer: Any, **more: Any) -> int:
            lines.append(above)
            return ask(kind, above, answer, **more)

        feed.ask = counted  # type: ignore[method-assign]
        return lines


@pytest.fixture
async def wall(two: Nodes) -> Wall:
    broker, host, gateway = two
    host.wall.session("a", "sh", "-c", NOISE)
    await until(lambda: "a" in gateway.service.room("wall").sessions, "the session on the other node")
    await until(lambda: host.service.get_session("a").offset > 9000, "its output")
    return Wall(broker, host, gateway)


async def test_S3_N3_a_picture_that_is_larger_than_a_message_comes_in_pieces(wall: Wall) -> None:
    wall.host.bus.max_bytes = SPARE_BYTES + 200
    drops = iter([False, False, True])  # The third piece is lost: all of it is asked for again.
    wall.drops = lambda subject: subject == "drawn.gateway" and next(drops, False)
    here, there = wall.host.wall.line(), wall.gateway.wall.line()
    there.say("focus", sessionId="a")
    for line in (here, there):
        await line.sees("a", "READY")
    assert there.text("a") == here.text("a")
    assert wall.pieces > 10


async def test_S3_a_screen_that_is_too_large_is_tried_with_fewer_lines_and_then_given_up(
    wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("termwall.cluster.sessions.pictures.MOST_PICTURE_BYTES", 100)
    lines, line = wall.count_draws(), wall.gateway.wall.line()
    line.say("focus", sessionId="a")
    await until(lambda: line.of("frame"), "a place to begin")
    assert lines == [1000, 250, 62, 15, 3, 0]
    wall.host.service.write_input("a", "goes on")
    await line.sees("a", "goes on")
    line.say("preview", sessionIds=["a"])
    await until(lambda: len(lines) > 6, "the preview's")
    line.leave()
    asked = wall.sent.count("host.host.draw")
    await until(lambda: not wall.gateway.node.gateway._pictures._asked)  # type: ignore[union-attr]
    assert wall.sent.count("host.host.draw") == asked, "nobody looks, and nobody asks"
    assert len(lines) == 7


async def test_S6_a_picture_that_is_asked_for_again_while_it_is_drawn_is_drawn_once(wall: Wall) -> None:
    session = wall.host.service._find("a")[1]
    feed, held = session.feed, []
    assert feed is not None
    ask = feed.ask
    feed.ask = lambda *what, **more: held.append((what, more)) or 0  # type: ignore[method-assign, assignment, func-returns-value]
    line = wall.gateway.wall.line()
    line.say("preview", sessionIds=["a"])
    await until(lambda: wall.sent.count("host.host.draw") >= 3, "that it is asked again")
    assert len(held) == 1
    feed.ask = ask  # type: ignore[method-assign]
    for what, more in held:
        ask(*what, **more)
    await until(lambda: "READY" in str(line.of("preview")), "the picture")
    assert wall.pieces == 1


async def test_S6_who_fails_over_an_answer_does_not_keep_the_others_from_theirs(
    wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("termwall.cluster.sessions.pictures.DRAW_SECONDS", 0.1)
    failed, gateway = [], wall.gateway.node.gateway
    session = wall.gateway.service.room("wall").sessions["a"]  # type: ignore[index]
    assert gateway is not None
    assert isinstance(session, DistantSession)

    def fails(picture: object) -> None:
        failed.append(picture)
        raise ValueError("its fault")

    wall.drops = lambda subject: subject == "host.host.draw"
    gateway.draw(session, "text", 0, fails)
    await until(lambda: failed, "that it is given up")
    monkeypatch.undo()
    line = wall.gateway.wall.line()
    asked = wall.sent.count("host.host.draw")
    line.say("preview", sessionIds=["a"])
    await until(lambda: wall.sent.count("host.host.draw") > asked, "the question, which is lost")
    wall.drops = lambda subject: False
    await until(lambda: "READY" in str(line.of("preview")), "the picture, asked for again")

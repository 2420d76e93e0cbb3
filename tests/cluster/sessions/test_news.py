"""What clients are told of the nodes (N7), and that what was made on another node can be used at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from termwall.core.errors import TermwallError
from tests.support.local_bus import LocalBroker
from tests.support.nodes import OneNode
from tests.support.patience import until
from tests.support.wall import Line, Wall

Nodes = tuple[LocalBroker, OneNode, OneNode]
State = tuple[str, dict[str, tuple[bool, str, bool]]]


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    """`one` brings the project; `two` runs no programs. Both know each other."""
    broker = LocalBroker()
    one = OneNode.local(broker, "one", tmp_path / "one")
    two = OneNode.local(broker, "two", tmp_path / "two", project=False, role="gateway")
    for node in (one, two):
        await node.node.open()
    await until(lambda: all(len(node.node.reported[1]) == 2 for node in (one, two)), "that both know both")
    await until(lambda: two.service.find_room("wall"), "the project")
    yield broker, one, two
    for node in (two, one):
        await asyncio.wait_for(node.close(), 10)


def state(message: dict[str, Any]) -> State:
    return message["engine"], {
        node["name"]: (node["here"], node["role"], node["draining"]) for node in message["nodes"]
    }


def told(line: Line) -> list[State]:
    return [state(message) for message in line.of("nodes_update")]


BOTH: State = ("up", {"one": (True, "both", False), "two": (False, "gateway", False)})
ALONE: State = ("down", {"one": (True, "both", False)})


async def test_N7_a_server_that_is_alone_tells_of_no_nodes(tmp_path: Path) -> None:
    wall = Wall(tmp_path)
    wall.session("a")
    line = wall.line()
    wall.service.send_nodes()
    assert line.of("connection_status")
    assert line.of("nodes_update") == []
    await wall.service.close()


async def test_N7_each_connection_is_told_after_its_status_and_before_its_streams(nodes: Nodes) -> None:
    _, one, _ = nodes
    one.wall.session("a")
    await one.service.set_session_focus("a")
    line, late, json = one.wall.line(), one.wall.line(session="late"), one.wall.line(binary=False)
    assert [message["type"] for message in line.messages[:2]] == ["connection_status", "nodes_update"]
    assert told(line) == told(json) == [BOTH]
    assert set(line.last("nodes_update")["nodes"][0]) == {"name", "here", "role", "draining"}
    assert isinstance(line.last("nodes_update")["timestamp"], int)
    assert told(late) == [], "it is not connected yet (W4, W5)"
    one.wall.session("late")
    assert told(late) == [BOTH]


async def test_N7_all_are_told_when_a_node_changes_or_goes_but_not_of_its_figures(nodes: Nodes) -> None:
    broker, one, two = nodes
    line = one.wall.line()
    guest = two.wall.line()
    await until(lambda: one.bus.members()["two"].about["connections"] == 1, "the figure")
    two.service.drain(True)
    await until(lambda: len(told(line)) > 1, "that it is drained")
    assert guest.ended is not None
    two.service.drain(False)
    assert told(two.wall.line())[0][1]["two"] == (True, "gateway", False), "at once, however old its heartbeat is"
    await until(lambda: len(told(line)) > 2, "that it takes clients again")
    broker.silence("two")
    await until(lambda: len(told(line)) > 3, "that it is away")
    broker.join("two")
    await until(lambda: len(told(line)) > 4, "that it is back")
    drained: State = ("up", {**BOTH[1], "two": (False, "gateway", True)})
    gone: State = ("up", {"one": (True, "both", False)})
    assert told(line) == [BOTH, drained, BOTH, gone, BOTH]


async def test_a_drained_node_takes_no_new_client(nodes: Nodes) -> None:
    _, one, _ = nodes
    one.service.drain(True)
    refused = one.wall.line()
    assert (refused.connection, refused.ended) == (None, (1012, "This node is being drained; come again"))
    one.service.drain(False)
    assert one.wall.line().of("connection_status")


async def test_a_gateway_runs_no_programs(nodes: Nodes) -> None:
    _, _, gateway = nodes
    with pytest.raises(TermwallError, match="This node runs no programs; name the `node`") as refused:
        gateway.wall.session("a")
    assert (refused.value.code, refused.value.field) == ("invalid", "node")


async def test_N7_while_the_engine_is_away_there_is_this_node_only(nodes: Nodes) -> None:
    broker, one, _ = nodes
    lines = [one.wall.line(), one.wall.line()]
    broker.cut("one")
    await until(lambda: all(len(told(line)) > 1 for line in lines), "that it is away")
    assert told(one.wall.line()) == [ALONE], "who comes meanwhile is told too"
    assert [node.name for node in one.node.nodes()] == ["one"]
    broker.join("one")
    await until(lambda: all(len(told(line)) > 2 for line in lines), "that it is back")
    assert [told(line) for line in lines] == [[BOTH, ALONE, BOTH]] * 2


async def test_a_session_made_on_another_node_is_waited_for(nodes: Nodes) -> None:
    _, one, two = nodes
    waits = asyncio.create_task(two.node.known("a"))
    await asyncio.sleep(0)
    assert not waits.done()
    one.wall.session("a")
    await asyncio.wait_for(waits, 10)
    assert "a" in two.service.room("wall").sessions
    await two.node.known("a")


async def test_waiting_for_a_session_that_does_not_come_ends(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("termwall.cluster.sessions.roster.ANSWER_SECONDS", 0.05)
    _, _, two = nodes
    await asyncio.wait_for(two.node.known("nothing"), 10)

"""C19: what `termwall attach` shows within other nodes' sessions, by whichever node's door."""

from pathlib import Path

from termwall.cluster.bus.parcel import pack
from termwall.core.ids import SessionId
from tests.cluster.sessions.test_host import known
from tests.support.local_bus import LocalBroker
from tests.support.nodes import Nodes, OneNode
from tests.support.patience import until
from tests.support.wall import Line


def attached(node: OneNode, session: str) -> list[str]:
    return sorted(node.service.get_session(session).attached)


async def both(two: Nodes) -> tuple[OneNode, OneNode]:
    """`host` has the session `a`, `gateway` has `b`; each knows the other's."""
    _, host, gateway = two
    host.wall.session("a", "cat")
    gateway.wall.session("b", "cat")
    await known(gateway, "a")
    await known(host, "b")
    return host, gateway


async def test_case_command_line_19_A6_what_is_shown_by_another_nodes_door_is_known(two: Nodes) -> None:
    host, gateway = await both(two)
    shows = [gateway.wall.line(session="b", inside="a") for _ in range(2)]
    await until(lambda: attached(host, "a") == ["b"], "that its own node knows it")
    back = host.wall.line(session="a", inside="b")
    assert (back.ended or (0, ""))[0] == 1008
    shows[0].leave()
    assert attached(host, "a") == ["b"], "the other one still shows it"
    shows[1].leave()
    await until(lambda: attached(host, "a") == [], "that it is over")
    assert host.wall.line(session="a", inside="b").ended is None


async def test_case_command_line_19_A6_of_two_attaches_at_the_same_moment_one_goes(two: Nodes) -> None:
    host, gateway = await both(two)
    first, last = gateway.wall.line(session="b", inside="a"), host.wall.line(session="a", inside="b")
    assert (first.ended, last.ended) == (None, None), "neither node can know yet"
    await until(lambda: last.ended, "that one is sent away")
    assert last.ended == (1008, "A session cannot be shown within itself, nor within one that it shows")
    await until(lambda: attached(gateway, "b") == [] and attached(host, "b") == [], "that it is over")
    assert first.ended is None
    assert attached(host, "a") == ["b"]


async def test_case_command_line_19_A6_of_a_loop_over_three_nodes_closed_at_once_one_goes(tmp_path: Path) -> None:
    broker = LocalBroker()
    nodes = [OneNode.local(broker, name, tmp_path / name, project=name == "n0") for name in ("n0", "n1", "n2")]
    try:
        for node in nodes:
            await node.node.open()
            await until(lambda node=node: node.service.find_room("wall"), "the project")  # type: ignore[misc]
        for number, node in enumerate(nodes):
            node.wall.session(f"s{number}", "cat")
        for node in nodes:
            for number in range(3):
                await known(node, f"s{number}")
        # Each by the door of the node after the one that has the outer session.
        lines = [nodes[(n + 1) % 3].wall.line(session=f"s{(n + 1) % 3}", inside=f"s{n}") for n in range(3)]
        await until(lambda: any(line.ended for line in lines), "that one is sent away")
        await until(lambda: attached(nodes[2], "s2") == [], "that it is over")
        assert [line.ended is None for line in lines] == [True, True, False], "the last pair by its ids"
    finally:
        for node in nodes:
            await node.close()


async def test_case_command_line_19_A6_what_a_node_says_that_is_gone_is_over(two: Nodes) -> None:
    host, gateway = await both(two)
    line = gateway.wall.line(session="b", inside="a")
    await until(lambda: attached(host, "a") == ["b"], "that its own node knows it")
    older = {"gateway": "gateway", "run": "run", "session": "a", "shown": ["late"]}
    within = host.node.within
    within._take("", pack(older | {"serial": 7}))
    within._take("", pack(older | {"serial": 6, "shown": ["earlier"]}))
    within._take("", b"no parcel")
    assert attached(host, "a") == ["late"], "what is older than what was heard says nothing"
    assert line.ended is None
    await gateway.node.close()
    await until(lambda: attached(host, "a") == [], "that it is over")
    assert SessionId("a") in host.service.room("wall").sessions


def refused(line: Line) -> bool:
    """Whether it was sent away because of what it shows."""
    return line.ended is not None and line.ended[0] == 1008


async def test_case_command_line_19_X3_a_token_says_nothing_of_another_projects_sessions(two: Nodes) -> None:
    host, gateway = await both(two)
    stranger = gateway.wall.line(session="b", inside="a", token="t", only_project="other")
    assert not refused(stranger)
    shown = gateway.wall.line(session="b", inside="a")
    await until(lambda: attached(host, "a") == ["b"], "what is the wall's own")
    shown.leave()
    await until(lambda: attached(host, "a") == [], "the stranger's counts for nothing")

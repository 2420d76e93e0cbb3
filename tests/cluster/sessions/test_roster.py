"""What nodes know of each other's sessions: whose an id is, long lists, what got lost on its way, who has none."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from termwall.core.errors import TermwallError
from termwall.store.projects import Store
from tests.support.local_bus import LocalBroker
from tests.support.nodes import OneNode
from tests.support.patience import until

RAW = "stty raw -echo; echo READY; exec cat"

Nodes = tuple[LocalBroker, OneNode, OneNode, OneNode]


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    """Three nodes of one wall with the projects `wall` and `other`."""
    broker = LocalBroker()
    one, two, three = (
        OneNode.local(broker, name, tmp_path / name, project=name == "one") for name in ("one", "two", "three")
    )
    for node in (one, two, three):
        await node.node.open()
    one.service.create_project(path=str(tmp_path), id="other")
    for node in (two, three):
        await until(lambda node=node: {room.id for room in node.service.rooms()} == {"wall", "other"})  # type: ignore[misc]
    yield broker, one, two, three
    for node in (three, two, one):
        await asyncio.wait_for(node.close(), 10)


async def known(node: OneNode, *sessions: str) -> None:
    await until(lambda: set(sessions) <= node.service.room("wall").sessions.keys(), "the sessions on another node")


def printed(node: OneNode, session: str) -> bytes:
    found = node.service.find_own(session)
    assert found is not None
    return found.ring.read(0, found.ring.end)


def code(node: OneNode, session: str) -> str:
    with pytest.raises(TermwallError) as refused:
        node.service.get_session(session)
    return refused.value.code


async def test_A2_an_id_is_taken_by_a_session_of_any_project_on_any_node(nodes: Nodes) -> None:
    _, one, two, _ = nodes
    one.wall.session("x")
    await known(two, "x")
    with pytest.raises(TermwallError) as refused:
        two.wall.session("x", project="other")
    assert refused.value.code == "already_exists"


async def test_X3_a_session_with_the_id_of_another_projects_takes_nothing_over(nodes: Nodes) -> None:
    """Once what was typed into the one arrived in the other, at a third node."""
    _, one, two, three = nodes
    one.wall.session("x", "sh", "-c", RAW)
    await known(three, "x")
    await until(lambda: len(two.node.gateway.roster._sessions) == 1)
    two.service.room("wall").sessions.clear()  # As if it had been made before `two` heard of the other one.
    two.wall.session("x", "sh", "-c", RAW, project="other")
    two.wall.session("later", project="other")
    await until(lambda: "later" in three.service.room("other").sessions, "what came after it")
    line = three.wall.line("mia")
    line.say("input", sessionId="x", data="for one", seq=1)
    await until(lambda: b"for one" in printed(one, "x"))
    assert three.node.node_of("x") == "one"
    assert "x" not in three.service.room("other").sessions
    assert b"for one" not in printed(two, "x")


async def test_N1_lists_longer_than_a_message_come_in_pages(nodes: Nodes) -> None:
    """Once nobody who needed the list saw any session of the node again."""
    broker, one, two, _ = nodes
    for number in range(12):
        one.wall.session(f"long{number}", "sh", "-c", "exec cat", "x" * 125_000)
        one.service.notify_session(f"long{number}", "needs input", "я" * 4096, "test")
    for end in broker.ends:
        end.max_bytes = 64 << 10
    one.wall.session("small", project="other")
    await known(two, "long0", "long11")
    shown = two.service.get_session("long0").command
    assert (shown[:3], len(shown), len(shown[3]) < 5000) == (["sh", "-c", "exec cat"], 4, True)
    broker.cut("two")
    await until(lambda: two.service.get_session("long7").status == "lost")
    broker.join("two")
    await until(lambda: all(session.status == "running" for session in two.service.list_sessions("wall")))
    await until(lambda: two.service.get_session("small").status == "running")
    assert len(two.service.list_sessions("wall")) == 12


async def test_N1_news_that_got_lost_are_missed_at_the_next_heartbeat(nodes: Nodes) -> None:
    """Once a session that was made in the moment of a broken connection was unknown elsewhere until the next news."""
    broker, one, two, _ = nodes
    one.wall.session("goes")
    await known(two, "goes")
    broker.cut("one")
    one.wall.session("comes")
    await one.service.delete_session("goes")
    await until(lambda: one.node.host._news._waiting.empty(), "that they were not sent")
    broker.join("one")
    await known(two, "comes")
    await until(lambda: "goes" not in two.service.room("wall").sessions)


@pytest.mark.parametrize("then", ["silence", "more"])
async def test_S9_attention_that_got_lost_is_told_again(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    monkeypatch.setattr("termwall.cluster.sessions.roster.LOOK_SECONDS", 0.2 if then == "silence" else 60.0)
    broker, one, two, _ = nodes
    for name in ("a", "b"):
        one.wall.session(name)
    await known(two, "a", "b")
    two.wall.line()
    looked = one.node.host._news._looked
    await until(lambda: "wall" in looked and "two" in looked["wall"].until)
    broker.cut("one")
    one.service.notify_session("a", "needs input", "may I?", "test")
    await until(lambda: one.node.host._news._waiting.empty(), "that it was not sent")
    broker.join("one")
    if then == "more":
        one.service.notify_session("b", "done", "", "test")
    await until(lambda: two.service.get_session("a").attention.state == "needs input")


async def test_N5_a_node_of_role_gateway_is_not_asked_for_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once all others waited for its list for ever, and could not say that there is no such session."""
    monkeypatch.setattr("termwall.cluster.sessions.roster.SETTLE_SECONDS", 0.5)
    broker = LocalBroker()
    one = OneNode.local(broker, "one", tmp_path / "one")
    gate = OneNode.local(broker, "gate", tmp_path / "gate", project=False, role="gateway")
    for node in (one, gate):
        await node.node.open()
    await until(lambda: gate.service.find_room("wall"))
    await until(lambda: code(one, "nobody's") == "unknown_session")
    assert not one.node.gateway.roster._listing
    for node in (gate, one):
        await node.close()


async def test_F3_on_a_node_that_shows_no_others_its_own_sessions_leave_first(tmp_path: Path) -> None:
    broker = LocalBroker()
    one = OneNode.local(broker, "one", tmp_path / "one")
    two = OneNode.local(broker, "two", tmp_path / "two", project=False, role="host")
    for node in (one, two):
        await node.node.open()
    await until(lambda: two.service.find_room("wall"))
    await one.service.update_project("wall", max_focused=2)
    for node, name in ((two, "old"), (two, "new"), (one, "busy")):
        node.wall.session(name)
    await known(one, "old", "new")
    for node, name, stage in ((two, "old", ["old"]), (one, "busy", ["old", "busy"]), (two, "new", ["busy", "new"])):
        await node.service.set_session_focus(name)
        await until(lambda s=stage: one.stage[1] == two.stage[1] == s, "the stage on both")  # type: ignore[misc]
    for node in (two, one):
        await node.close()


async def test_F3_who_was_focused_last_is_known_on_all_nodes(nodes: Nodes) -> None:
    _, one, two, three = nodes
    await one.service.update_project("wall", max_focused=2)
    for name in ("a", "b", "c"):
        one.wall.session(name)
    await known(two, "a", "b", "c")
    await known(three, "a", "b", "c")
    await until(lambda: three.service.get_project("wall").max_focused == 2)
    for name in ("b", "a"):
        await two.service.set_session_focus(name)
    await until(lambda: three.stage[1] == ["b", "a"])
    one.service.rename_session("a", "another name")  # News of it do not undo that.
    await until(lambda: three.service.get_session("a").name == "another name")
    await three.service.set_session_focus("c")
    assert three.stage[1] == ["a", "c"]


async def test_a_project_that_was_deleted_while_a_node_was_away_leaves_nothing_of_its_sessions(tmp_path: Path) -> None:
    broker = LocalBroker()
    (tmp_path / "host").mkdir()
    gateway = OneNode.local(broker, "gateway", tmp_path / "gateway", project=False)

    async def host() -> OneNode:
        made = OneNode.local(broker, "host", tmp_path / "host", store=Store(tmp_path / "host" / "store.sqlite"))
        await made.node.open()
        return made

    one = await host()
    await gateway.node.open()
    await until(lambda: gateway.service.find_room("wall"))
    one.wall.session("a")
    await known(gateway, "a")
    await one.close()
    await until(lambda: gateway.service.get_session("a").status == "lost")
    await gateway.service.delete_project("wall")
    one = await host()
    await until(lambda: one.service.find_room("wall") is None, "that it hears of it")
    assert gateway.node.node_of("a") is None
    one.service.create_project(path=str(tmp_path), id="wall")
    await until(lambda: gateway.service.find_room("wall"))
    one.wall.session("a")
    await known(gateway, "a")
    for node in (gateway, one):
        await node.close()

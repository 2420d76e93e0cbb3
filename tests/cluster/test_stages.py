"""One stage on several nodes: every client of every node sees the same versions (F1-F10), whatever happens between."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from termwall.core.errors import TermwallError
from termwall.store.projects import Store
from tests.support.local_bus import LocalBroker
from tests.support.nodes import OneNode
from tests.support.patience import until
from tests.support.wall import Line


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[tuple[LocalBroker, list[OneNode]]]:
    """Three nodes of one wall."""
    broker = LocalBroker()
    made = [OneNode.local(broker, name, tmp_path / name, project=name == "one") for name in ("one", "two", "three")]
    for node in made:
        await node.node.open()
    for node in made:
        await until(lambda node=node: node.service.find_room("wall"), "the project on all nodes")  # type: ignore[misc]
    yield broker, made
    for node in made:
        await asyncio.wait_for(node.close(), 10)


def versions(line: Line) -> list[tuple[int, tuple[str, ...]]]:
    """What a client was told of the stage."""
    return [(one["version"], tuple(one["focusedSessions"])) for one in line.of("focus_update")]


async def test_F2_F8_N2_a_change_on_one_node_is_told_on_all(nodes: tuple[LocalBroker, list[OneNode]]) -> None:
    _, (one, two, three) = nodes
    one.wall.session("a")
    lines = [node.wall.line() for node in (one, two, three)]
    lines[0].say("focus", sessionId="a", requestId="mine")
    for line in lines:
        await until(lambda line=line: line.of("focus_update"), "the version")  # type: ignore[misc]
    assert [versions(line) for line in lines] == [[(1, ("a",))]] * 3
    assert [line.last("focus_update").get("requestId") for line in lines] == ["mine", None, None]
    assert [line.last("focus_update")["epoch"] for line in lines] == [one.service.get_focus_state("wall").epoch] * 3
    lines[0].say("focus", sessionId="a")
    await until(lambda: lines[0].of("sync_complete"), "what alters nothing is answered")


async def test_F4_of_two_nodes_that_are_sure_one_gets_a_conflict(nodes: tuple[LocalBroker, list[OneNode]]) -> None:
    _, (one, two, _) = nodes
    for node, name in ((one, "a"), (two, "b")):
        node.wall.session(name)
    results = await asyncio.gather(
        one.service.set_session_focus("a", expected_version=0),
        two.service.set_session_focus("b", expected_version=0),
        return_exceptions=True,
    )
    lost = [one for one in results if isinstance(one, TermwallError)]
    assert [error.code for error in lost] == ["version_conflict"]
    assert lost[0].details["version"] == 1
    await until(lambda: one.stage == two.stage and one.stage[0] == 1)


async def test_F10_a_session_that_is_removed_leaves_everywhere(nodes: tuple[LocalBroker, list[OneNode]]) -> None:
    _, (one, two, _) = nodes
    one.wall.session("a")
    await one.service.set_session_focus("a")
    await until(lambda: two.stage == (1, ["a"]))
    await one.service.delete_session("a")
    await until(lambda: two.stage == (2, []))


async def test_a_project_is_renamed_resized_and_deleted_everywhere(nodes: tuple[LocalBroker, list[OneNode]]) -> None:
    _, (one, two, three) = nodes
    await two.service.update_project("wall", name="other", max_focused=2)
    await until(lambda: one.service.get_project("wall").name == "other")
    assert one.service.get_project("wall").max_focused == 2
    line = one.wall.line()
    await three.service.delete_project("wall")
    await until(lambda: one.service.find_room("wall") is None and two.service.find_room("wall") is None)
    assert line.ended == (4404, "The project was deleted")


async def test_a_project_that_was_deleted_while_a_node_was_away_does_not_come_back_with_it(
    nodes: tuple[LocalBroker, list[OneNode]], tmp_path: Path
) -> None:
    broker, (one, two, three) = nodes
    kept = Store(tmp_path / "kept.sqlite")
    before = OneNode.local(broker, "four", tmp_path / "four", project=False, store=kept)
    await before.node.open()
    await until(lambda: before.service.find_room("wall"), "the project")
    await before.close()
    broker.cut("three")
    await one.service.delete_project("wall")
    await until(lambda: two.service.find_room("wall") is None)
    kept = Store(tmp_path / "kept.sqlite")
    after = OneNode.local(broker, "four", tmp_path / "four", project=False, store=kept)
    assert after.service.find_room("wall"), "it is remembered there"
    broker.join("three")
    await after.node.open()
    await until(lambda: three.service.find_room("wall") is None and after.service.find_room("wall") is None)
    assert broker.newest["wall"].value == {"deleted": True, "operations": broker.newest["wall"].value["operations"]}
    await after.close()


async def test_N2_who_missed_more_versions_than_are_kept_comes_anew_to_the_whole_state(
    nodes: tuple[LocalBroker, list[OneNode]],
) -> None:
    broker, (one, two, _) = nodes
    broker.history = deque(broker.history, maxlen=4)
    for name in "ab":
        one.wall.session(name)
    line = two.wall.line()
    await one.service.set_session_focus("a")
    await until(lambda: versions(line) == [(1, ("a",))])
    broker.cut("two")
    for _ in range(5):
        await one.service.set_project_focus("wall", ["b"])  # type: ignore[list-item]
        await one.service.set_project_focus("wall", ["a"])  # type: ignore[list-item]
    broker.join("two")
    await until(lambda: two.stage == (11, ["a"]))
    assert line.ended == (1012, "The stage was changed elsewhere; come again")
    assert versions(line) == [(1, ("a",))]
    assert two.wall.line().last("connection_status")["version"] == 11


async def test_a_node_that_learns_of_a_project_starts_programs_at_the_same_path(
    nodes: tuple[LocalBroker, list[OneNode]],
) -> None:
    _, (one, two, _) = nodes
    assert one.wall.folder != two.wall.folder
    two.wall.session("a", "sh", "-c", "pwd; exec cat")
    await two.service.set_session_focus("a")
    await two.wall.line().sees("a", str(one.wall.folder))


async def test_N2_without_the_others_a_change_fails_with_a_sentence_and_all_heals(
    nodes: tuple[LocalBroker, list[OneNode]],
) -> None:
    broker, (one, two, _) = nodes
    for name in "ab":
        one.wall.session(name)
    line = one.wall.line()
    broker.cut("one")
    line.say("focus", sessionId="a", requestId="r")
    await until(lambda: line.of("error"), "the error")
    assert line.last("error")["code"] == "engine_away"
    assert line.last("error")["data"].startswith("Nothing was changed")
    one.service.write_input("a", "typed\n")
    two.wall.session("c")
    await two.service.set_session_focus("c")
    broker.join("one")
    await until(lambda: one.stage == (1, ["c"]))
    line.say("focus", sessionId="a")
    await until(lambda: two.stage == (2, ["c", "a"]))
    assert versions(line) == [(1, ("c",)), (2, ("c", "a"))]


async def test_F4_an_answer_that_is_lost_is_found_in_the_log(nodes: tuple[LocalBroker, list[OneNode]]) -> None:
    broker, (one, two, _) = nodes
    one.wall.session("a")
    broker.swallow("one")
    assert (await one.service.set_session_focus("a")).version == 1
    await until(lambda: two.stage == (1, ["a"]))
    assert one.stage == (1, ["a"])


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_F8_a_storm_on_three_nodes_with_outages(nodes: tuple[LocalBroker, list[OneNode]], seed: int) -> None:
    broker, three = nodes
    chance = random.Random(seed)
    names = [f"s{index}" for index in range(6)]
    for index, name in enumerate(names):
        three[index % 3].wall.session(name)
    lines = [node.wall.line() for node in three for _ in range(3)]
    for _ in range(150):
        line = chance.choice(lines)
        assert line.connection is not None
        own = [name for name in names if name in line.connection.room.sessions]
        line.say("focus" if chance.random() < 0.7 else "blur", sessionId=chance.choice(own))
        if chance.random() < 0.05:
            broker.cut(chance.choice(["one", "two", "three"]))
        if chance.random() < 0.2:
            for name in ("one", "two", "three"):
                broker.join(name)
        if chance.random() < 0.3:
            broker.swallow(chance.choice(["one", "two", "three"]))
        await asyncio.sleep(0)
    for name in ("one", "two", "three"):
        broker.join(name)
    final = await three[0].service.set_project_focus("wall", [n for n in names if three[0].service._homes.get(n)])  # type: ignore[call-overload]
    await until(lambda: all(node.stage[0] >= final.version for node in three))
    await until(lambda: len({str(node.stage) for node in three}) == 1)
    top = three[0].stage[0]
    expected = versions(lines[0])
    assert [version for version, _ in expected] == list(range(1, top + 1)), "contiguous, each once"
    assert top > 10
    for line in lines:
        assert line.ended is None
        assert versions(line) == expected


async def test_F7_when_the_engine_lost_all_the_newest_stage_that_a_node_knows_wins(
    nodes: tuple[LocalBroker, list[OneNode]],
) -> None:
    broker, (one, two, three) = nodes
    for name in "abc":
        one.wall.session(name)
    await one.service.set_session_focus("a")
    await until(lambda: one.stage == two.stage == three.stage == (1, ["a"]))
    broker.silence("three")
    await two.service.set_session_focus("b")
    await until(lambda: one.stage == two.stage == (2, ["a", "b"]))
    line = two.wall.line()
    broker.cut("one")
    broker.cut("two")
    broker.forget()
    broker.join("three")  # The one that knows least is the first to say so.
    await until(lambda: "wall" in broker.newest)
    assert broker.newest["wall"].value["version"] == 1
    broker.join("one")
    broker.join("two")
    await until(lambda: three.stage == (2, ["a", "b"]))
    await three.service.set_session_focus("c")
    await until(lambda: one.stage == two.stage == (3, ["a", "b", "c"]))
    assert versions(line) == [(3, ("a", "b", "c"))]


async def test_a_command_that_waits_while_the_engine_loses_all_is_decided_again(
    nodes: tuple[LocalBroker, list[OneNode]],
) -> None:
    broker, (one, two, _) = nodes
    one.wall.session("a")
    broker.silence("one")
    waiting = asyncio.create_task(one.service.set_session_focus("a"))
    await asyncio.sleep(0)
    broker.forget()
    broker.join("one")
    assert (await waiting).version == 1
    await until(lambda: two.stage == (1, ["a"]))


async def test_a_project_made_or_deleted_without_the_others(nodes: tuple[LocalBroker, list[OneNode]]) -> None:
    broker, (one, two, _) = nodes
    broker.cut("one")
    one.service.create_project(path=str(one.wall.folder), id="later")
    with pytest.raises(TermwallError) as refused:
        await one.service.delete_project("wall")
    assert refused.value.code == "engine_away"
    assert one.service.find_room("wall")
    broker.join("one")
    await until(lambda: two.service.find_room("later"))


async def test_a_node_that_starts_without_the_others_serves_its_own_and_joins_later(tmp_path: Path) -> None:
    broker = LocalBroker()
    one, two = (OneNode.local(broker, name, tmp_path / name, project=name == "one") for name in ("one", "two"))
    broker.cut("one")
    await one.node.open()
    one.wall.session("a")
    line = one.wall.line()
    with pytest.raises(TermwallError) as refused:
        await one.service.set_session_focus("a")
    assert refused.value.code == "engine_away"
    line.say("watch", sessionIds=["a"])
    await two.node.open()
    broker.join("one")
    await until(lambda: two.service.find_room("wall") and "a" in two.service.room("wall").sessions)
    await two.service.set_session_focus("a")
    await until(lambda: one.stage == (1, ["a"]))
    for node in (two, one):
        await asyncio.wait_for(node.close(), 10)


@pytest.mark.parametrize("asked", ["one", "two"])
async def test_a_project_with_a_stage_that_is_deleted_stays_deleted(
    nodes: tuple[LocalBroker, list[OneNode]], asked: str
) -> None:
    """Once its sessions, leaving the stage, stored it again."""
    _, made = nodes
    one = made[0]
    one.wall.session("a")
    await one.service.set_session_focus("a")
    await until(lambda: all(node.stage == (1, ["a"]) for node in made))
    log: list[dict[str, object]] = []
    watch = await one.bus.watch(lambda document: log.append(dict(document.value)), ready=lambda: None)
    await next(node for node in made if node.name == asked).service.delete_project("wall")
    await until(lambda: not any(node.service.find_room("wall") for node in made))
    made[2].service.create_project(path=str(one.wall.folder), id="next")
    await until(lambda: one.service.find_room("next"), "what is stored after it")
    await watch.end()
    assert not any(node.service.find_room("wall") for node in made)
    assert [value for value in log if "project" not in value] == [
        {"deleted": True, "operations": log[-2]["operations"]}
    ]


async def test_a_change_of_a_project_that_another_node_deletes_meanwhile_is_refused(
    nodes: tuple[LocalBroker, list[OneNode]],
) -> None:
    _, (one, two, three) = nodes
    one.wall.session("a")
    await until(lambda: "a" in two.service.room("wall").sessions)
    _, focused = await asyncio.gather(
        one.service.delete_project("wall"), two.service.set_session_focus("a"), return_exceptions=True
    )
    assert isinstance(focused, TermwallError)
    assert focused.code == "unknown_project"
    await until(lambda: not any(node.service.find_room("wall") for node in (one, two, three)))


async def test_F10_a_session_that_is_removed_while_nothing_can_be_changed_leaves_later(
    nodes: tuple[LocalBroker, list[OneNode]],
) -> None:
    broker, (one, two, _) = nodes
    for name in ("a", "b"):
        one.wall.session(name)
        await one.service.set_session_focus(name)
    await until(lambda: two.stage == (2, ["a", "b"]))
    broker.cut("one")
    for name in ("a", "b"):
        await one.service.delete_session(name)
    one.wall.session("b")  # It is there again: it stays.
    broker.join("one")
    await until(lambda: one.stage == two.stage == (3, ["b"]))


async def test_two_nodes_that_make_one_project_at_once_agree(nodes: tuple[LocalBroker, list[OneNode]]) -> None:
    _, made = nodes
    for node in made:
        node.service.create_project(path=str(node.wall.folder), id="same", name=node.name)
    await until(lambda: len({node.service.get_project("same").model_dump_json() for node in made}) == 1)
    first = made[0].service.get_project("same")
    assert first.path == str(next(node for node in made if node.name == first.name).wall.folder)

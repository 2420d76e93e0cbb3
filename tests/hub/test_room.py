"""The stage of a project with many connections: one version and one event for each change, the same for everybody."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from termwall.core.errors import ErrorCode, TermwallError
from termwall.protocol.messages import FocusUpdate
from tests.support.wall import Line, Wall, until


def state(message: dict) -> tuple:
    return message["version"], tuple(message["focusedSessions"])


async def test_F2_each_change_is_one_version_and_one_event(wall: Wall) -> None:
    for name in "ab":
        wall.session(name)
    events: list[FocusUpdate] = []
    end = wall.service.subscribe("focus_changed", events.append)
    line = wall.line()
    await wall.service.set_session_focus("a")
    await wall.service.set_session_focus("a")
    await wall.service.set_session_focus("b", False)
    await wall.service.set_session_focus("b")
    assert [state(one) for one in line.of("focus_update")] == [(1, ("a",)), (2, ("a", "b"))]
    assert [event.version for event in events] == [1, 2]
    end()
    await wall.service.set_session_focus("b", False)
    assert len(events) == 2


async def test_F2_what_alters_nothing_answers_its_sender_alone(wall: Wall) -> None:
    wall.session("a")
    one, other = wall.line(), wall.line()
    one.say("focus", sessionId="a", requestId="r1")
    one.say("focus", sessionId="a", requestId="r2")
    assert [(m["requestId"], m["version"]) for m in one.of("sync_complete")] == [("r2", 1)]
    assert [m.get("requestId") for m in one.of("focus_update")] == ["r1"]
    assert [m.get("requestId") for m in other.of("focus_update")] == [None]
    assert not other.of("sync_complete")


async def test_F3_the_least_active_leaves_in_the_same_version(wall: Wall) -> None:
    await wall.service.update_project("wall", max_focused=2)
    for name in "abc":
        wall.session(name)
    line = wall.line()
    await wall.service.set_session_focus("a")
    await wall.service.set_session_focus("b")
    wall.service.write_input("a", "x")
    before = wall.service.get_session("b")
    await wall.service.set_session_focus("c")
    update = line.last("focus_update")
    assert (update["focusedSessions"], update["evicted"], update["removed"]) == (["a", "c"], ["b"], ["b"])
    after = wall.service.get_session("b")
    assert (after.status, after.epoch) == ("running", before.epoch), "the process is never touched"


async def test_F3_the_oldest_output_decides_where_nobody_did_anything(wall: Wall) -> None:
    await wall.service.update_project("wall", max_focused=2)
    for name in "abc":
        wall.session(name, "sh", "-c", "read x; echo $x; read y")
    await wall.service.set_project_focus("wall", ["a", "b"])
    # Input comes before the focus of a second batch, so both were touched by the user at the same command.
    wall.service.write_input("a", "hello\n")
    await until(lambda: wall.service.get_session("a").offset > 0)
    await wall.service.set_session_focus("c")
    assert wall.service.get_focused_sessions("wall") == ["a", "c"]


async def test_F4_a_conflict_is_refused_with_the_whole_state(wall: Wall) -> None:
    wall.session("a")
    line = wall.line()
    line.say("focus", sessionId="a", expectedVersion=7, requestId="r")
    error = line.last("error")
    assert (error["code"], error["requestId"], error["version"]) == ("version_conflict", "r", 0)
    assert {"focusedSessions", "totalFocused", "maxFocused", "epoch", "projectId"} <= set(error)
    with pytest.raises(TermwallError) as caught:
        await wall.service.set_session_focus("a", expected_version=7)
    assert caught.value.code is ErrorCode.VERSION_CONFLICT
    assert caught.value.details["version"] == 0


async def test_F5_a_batch_replaces_the_stage_in_one_version(wall: Wall) -> None:
    for name in "abcde":
        wall.session(name)
    line = wall.line()
    line.say("focus", sessionIds=["b", "a", "b"])
    line.say("focus", sessionIds=["a", "b"])
    line.say("focus", sessionIds=list("abcde"))
    line.say("focus", sessionIds=["a"], focused=False)
    line.say("blur", sessionIds=["a", "b"])
    assert [state(m) for m in line.of("focus_update")] == [(1, ("b", "a")), (2, ("a", "b")), (3, ("b",)), (4, ())]
    assert [m["code"] for m in line.of("error")] == ["too_many_focused"]
    assert all(m["sessionId"] is None for m in line.of("focus_update"))


async def test_F6_unknown_sessions_change_nothing(wall: Wall) -> None:
    wall.session("a")
    wall.service.create_project(path=str(wall.folder), id="other")
    wall.session("b", project="other")
    line = wall.line()
    for ids in ({"sessionId": "nope"}, {"sessionId": "b"}, {"sessionIds": ["a", "b"]}, {"sessionIds": ["nope"]}):
        line.say("focus", **ids)
    assert [m["code"] for m in line.of("error")] == ["unknown_session"] * 4
    assert wall.service.get_focus_version("wall") == 0


async def test_F1_a_lower_limit_makes_the_least_active_leave_in_one_version(wall: Wall) -> None:
    for name in "abc":
        wall.session(name)
    line = wall.line()
    for name in "abc":
        await wall.service.set_session_focus(name)
    await wall.service.update_project("wall", max_focused=1)
    update = line.last("focus_update")
    assert (update["version"], update["focusedSessions"], update["maxFocused"]) == (4, ["c"], 1)
    assert sorted(update["evicted"]) == ["a", "b"]


async def test_F10_a_removed_session_leaves_and_an_ended_one_stays_and_goes_first(wall: Wall) -> None:
    await wall.service.update_project("wall", max_focused=2)
    for name in "abc":
        wall.session(name)
    wall.session("ends", "sh", "-c", "read x")
    await wall.service.set_session_focus("a")
    await wall.service.set_session_focus("ends")
    wall.service.write_input("ends", "\n")
    await until(lambda: wall.service.get_session("ends").status == "exited")
    assert wall.service.get_focused_sessions("wall") == ["a", "ends"]
    version = wall.service.get_focus_version("wall")
    await wall.service.set_session_focus("b")
    assert wall.service.get_focused_sessions("wall") == ["a", "b"]
    await wall.service.delete_session("a")
    assert wall.service.get_focused_sessions("wall") == ["b"]
    assert wall.service.get_focus_version("wall") == version + 2


async def test_F8_a_subscriber_that_changes_the_stage_does_not_disturb_the_order(wall: Wall) -> None:
    for name in "ab":
        wall.session(name)
    lines = [wall.line(), wall.line(session="a", binary=False)]

    def follow(event: FocusUpdate) -> None:
        if event.version == 1:
            wall.service.room("wall").focus("b", None, lambda result: None)

    wall.service.subscribe("focus_changed", follow)
    await wall.service.set_session_focus("a")
    for line in lines:
        assert [m["version"] for m in line.of("focus_update")] == [1, 2]


OPERATIONS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from(["focus", "blur", "batch", "unbatch", "limit", "http", "drop", "join"]),
        st.lists(st.sampled_from("abcdef"), max_size=6),
        st.sampled_from([None, 0, 0, 1, 3]),
    ),
    max_size=60,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
def test_F8_every_connection_gets_every_version_once_and_in_order(
    operations: list[tuple[int, str, list[str], int | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any commands of six clients, over sockets of all kinds and over HTTP, with drops between (F1-F10)."""

    async def play() -> None:
        wall = Wall(tmp_path_factory.mktemp("wall"), close_seconds=0.5)
        try:
            names = [wall.session(name, "true" if name == "f" else "cat") for name in "abcdef"]
            makers: list[Callable[[], Line]] = [
                lambda: wall.line(),
                lambda: wall.line(session="a"),
                lambda: wall.line(binary=False),
                lambda: wall.line(session="f", binary=False),
                lambda: wall.line(resume=True),
                lambda: wall.line(client="twin"),
            ]
            lines = [make() for make in makers]
            everyone = list(lines)
            truth = {0: ()}
            wall.service.subscribe(
                "focus_changed", lambda event: truth.update({event.version: tuple(event.focused_sessions)})
            )
            for who, what, ids, stale in operations:
                line = lines[who]
                version = wall.service.get_focus_version("wall")
                fields = {} if stale is None else {"expectedVersion": max(0, version - stale)}
                one = ids[0] if ids else "a"
                if what in ("focus", "blur"):
                    line.say(what, sessionId=one, **fields)
                elif what == "batch":
                    line.say("focus", sessionIds=ids, **fields)
                elif what == "unbatch":
                    line.say("blur", sessionIds=ids, **fields)
                elif what == "limit":
                    await wall.service.update_project("wall", max_focused=1 + len(ids))
                elif what == "http":
                    try:
                        await wall.service.set_project_focus(
                            "wall", ids, expected_version=fields.get("expectedVersion")
                        )
                    except TermwallError as error:
                        assert error.code in (ErrorCode.VERSION_CONFLICT, ErrorCode.TOO_MANY_FOCUSED)
                elif what == "drop":
                    line.leave()
                    lines[who] = makers[who]()
                    everyone.append(lines[who])
            final = wall.service.get_focus_state("wall")
            assert sorted(truth) == list(range(final.version + 1)), "contiguous, each exactly once"
            assert len(final.focused_sessions) <= final.max_focused
            for line in everyone:
                told = [line.messages[0], *line.of("focus_update")]
                versions = [message["version"] for message in told]
                assert versions == list(range(versions[0], versions[0] + len(versions)))
                for message in told:
                    assert truth[message["version"]] == tuple(message["focusedSessions"])
                    assert len(set(message["focusedSessions"])) == message["totalFocused"]
                    if message["type"] == "focus_update":
                        assert set(message["evicted"]) <= set(message["removed"])
            for line in lines:
                newest = [line.messages[0], *line.of("focus_update")][-1]
                assert newest["version"] == final.version
            assert set(names) == {session.id for session in wall.service.list_sessions("wall")}
        finally:
            await wall.service.close()

    asyncio.run(play())

"""What clients do to another node's session: once and in order, whatever is refused, lost, forgotten or not known."""

import asyncio
import random
from typing import Any

import pytest

from termwall.cluster.bus.parcel import pack
from termwall.cluster.sessions.distant import DistantSession
from termwall.core.session.acts import Act, Claimed, Typed
from termwall.hub.session import LiveSession
from tests.support.local_bus import LocalBroker
from tests.support.nodes import Nodes, OneNode
from tests.support.patience import until
from tests.support.wall import Line

RAW = "stty raw -echo; echo READY; exec cat"


async def known(node: OneNode, session: str) -> DistantSession:
    await until(lambda: session in node.service.room("wall").sessions, "the session on the other node")
    found = node.service.room("wall").sessions[session]  # type: ignore[index]
    assert isinstance(found, DistantSession)
    return found


def live(node: OneNode, session: str) -> LiveSession:
    return node.service._find(session)[1]


def printed(node: OneNode) -> str:
    """All that the session printed since it was ready."""
    ring = live(node, "a").ring
    return bytes(ring.read(ring.start, ring.end)).decode().removeprefix("READY\n")


async def begun(host: OneNode, gateway: OneNode, *command: str) -> Line:
    """A session of the host, on the stage, and a client of the gateway."""
    host.wall.session("a", *(command or ("sh", "-c", RAW)))
    await known(gateway, "a")
    line = gateway.wall.line("mia")
    line.say("focus", sessionId="a")
    await line.sees("a", "READY")
    return line


def types(line: Line, text: str, **more: Any) -> None:
    line.say("input", sessionId="a", data=text, **more)


async def fails(line: Line, code: str) -> dict[str, Any]:
    await until(lambda: line.of("error"), "the refusal")
    error = line.last("error")
    assert error["code"] == code
    line.messages.remove(error)
    return error


def deaf(broker: LocalBroker, session: LiveSession, what: type[Act]) -> None:
    """The answer to the next such thing that is done to the session does not reach the gateway."""
    does = session.do

    def once(act: Act, *arguments: Any) -> None:
        if isinstance(act, what):
            session.do = does  # type: ignore[method-assign]
            broker.silence("gateway")
        does(act, *arguments)

    session.do = once  # type: ignore[method-assign]


async def test_I1_I3_input_without_a_number_goes_on_after_a_refused_one(two: Nodes) -> None:
    _, host, gateway = two
    line = await begun(host, gateway, "sh", "-c", f"[ -e ended ] || {{ : > ended; echo READY; exit; }}; {RAW}")
    await until(lambda: live(host, "a").over)
    types(line, "x")
    types(line, "y")
    for _ in range(2):
        await fails(line, "session_ended")
    await host.service.restart_session("a")
    await until(lambda: live(host, "a").ring.end)
    types(line, "typed now")
    await line.sees("a", "typed now")


async def test_I1_N4_input_without_a_number_goes_on_after_one_that_was_given_up(
    two: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("termwall.cluster.sessions.actions.TYPED_SECONDS", 0.5)
    broker, host, gateway = two
    line = await begun(host, gateway)
    broker.cut("gateway")
    types(line, "lost")
    await fails(line, "engine_away")
    broker.join("gateway")
    await until(lambda: gateway.service.get_session("a").status == "running")
    types(line, "typed ")
    types(line, "now")
    await line.sees("a", "typed now")
    assert printed(host) == "typed now"


async def test_I1_input_without_a_number_goes_to_a_session_made_again_under_its_id(two: Nodes) -> None:
    _, host, gateway = two
    for _ in range(2):
        line = await begun(host, gateway)
        types(line, "typed now")
        await line.sees("a", "typed now")
        await host.service.delete_session("a")
        await until(lambda: "a" not in gateway.service.room("wall").sessions)
    assert not line.of("error")


async def test_I1_input_without_a_number_goes_on_where_its_number_was_forgotten(two: Nodes) -> None:
    """By the session's node, which remembers so many; or by the gateway, which did not know the session for a while."""
    _, host, gateway = two
    line = await begun(host, gateway)
    live(host, "a").core.inputs.limit = 1
    live(host, "a").core.inputs.connected = tuple  # Of those who are connected, none is forgotten.
    for text, sequence in (("one", None), ("two", None), ("three", 1), ("four", None)):
        types(line, text, **({} if sequence is None else {"seq": sequence}))
        await line.sees("a", text)
    roster = gateway.node.gateway.roster
    roster._forget(await known(gateway, "a"))
    roster._list_all()
    await known(gateway, "a")
    types(line, "five")
    await until(lambda: printed(host) == "onetwothreefourfive", lambda: printed(host))


@pytest.mark.parametrize("seed", [1, 2])
async def test_I1_input_without_numbers_is_typed_once_through_lost_answers_and_restarts_of_its_node(
    two: Nodes, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("termwall.cluster.sessions.actions.ANSWER_SECONDS", 0.1)
    broker, host, gateway = two
    chance = random.Random(seed)
    line = await begun(host, gateway)
    session = live(host, "a")
    typed = ""
    for number in range(12):
        piece = f"<{number}>"
        deaf(broker, session, Typed)
        types(line, piece)
        typed += piece
        await until(lambda: "gateway" in broker.silent)
        if chance.random() < 0.5:
            host.node.host._done.clear()  # What a restart forgets.
        await asyncio.sleep(0.15)
        broker.join("gateway")
    await line.sees("a", typed)
    assert printed(host) == typed
    assert not line.of("error")


async def test_I4_a_claim_whose_answer_is_lost_is_not_done_again(two: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("termwall.cluster.sessions.actions.ANSWER_SECONDS", 0.1)
    broker, host, gateway = two
    there = await begun(host, gateway)
    session = live(host, "a")
    deaf(broker, session, Claimed)
    there.say("drive", sessionId="a", data={"cols": 101, "rows": 31})
    await until(lambda: session.core.seat.driver == "mia")
    host.wall.line("kim").say("drive", sessionId="a", data={"cols": 50, "rows": 20})
    await asyncio.sleep(0.15)
    broker.join("gateway")
    there.say("seen", sessionId="a")  # It goes once the claim was answered.
    line = gateway.node.gateway._actions._lines[await known(gateway, "a")]
    await until(lambda: not line.waiting)
    assert session.core.seat.driver == "kim"


async def test_I2_N4_a_batch_that_arrives_after_its_gateway_asked_what_became_of_it_does_nothing(two: Nodes) -> None:
    _, host, gateway = two
    line = await begun(host, gateway)
    types(line, "x")
    await until(lambda: printed(host) == "x")
    about = {"gateway": "gateway", "session": "a", "line": "gateway/run/1"}
    late = {"do": "input", "client": "mia", "log": "mia", "seq": 1, "bytes": 4}
    asked = {"do": "last", "client": "mia", "log": "mia"}
    await host.node.host._do(pack({**about, "batch": 2, "actions": [asked]}))
    await host.node.host._do(pack({**about, "batch": 1, "actions": [late]}, b"late"))
    types(line, "y")
    await until(lambda: printed(host) == "xy", lambda: printed(host))


async def test_I1_X4_what_is_more_than_a_message_goes_in_several_and_one_that_is_too_long_is_refused(
    two: Nodes,
) -> None:
    _, host, gateway = two
    line = await begun(host, gateway)
    gateway.bus.max_bytes = 16_384
    paste = [chr(ord("a") + number % 26) * 4_000 for number in range(20)]
    for number, piece in enumerate(paste):
        types(line, piece, seq=number + 1)
    await until(lambda: printed(host) == "".join(paste), "all of it")
    await until(lambda: line.last("input_ack")["seq"] == len(paste))
    assert not line.of("error")
    types(line, "z" * 20_000, seq=len(paste) + 1)
    types(line, "goes on")
    error = await fails(line, "input_overflow")
    assert error["data"].startswith("Nothing was typed.")
    await until(lambda: printed(host) == "".join(paste) + "goes on", "the next one, and nothing of what was refused")


async def test_X4_so_many_things_wait_for_one_session_and_no_more(two: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("termwall.cluster.sessions.actions.MOST_WAITING", 2)
    broker, host, gateway = two
    line = await begun(host, gateway)
    broker.silence("gateway")
    for number in range(3):
        types(line, str(number))
    await fails(line, "input_overflow")
    broker.join("gateway")
    await until(lambda: printed(host) == "01", lambda: printed(host))


@pytest.mark.parametrize(
    ("result", "code"),
    [({"code": "a_new_code", "message": "no", "field": None, "details": {}}, "internal"), ("what?", "engine_away")],
)
async def test_A3_N4_an_answer_that_is_not_known_here_refuses_one_and_stops_no_other(
    two: Nodes, result: Any, code: str
) -> None:
    _, host, gateway = two
    line = await begun(host, gateway)
    act = host.node.host._act

    def newer(*arguments: Any) -> Any:
        host.node.host._act = act  # type: ignore[method-assign]
        return result

    host.node.host._act = newer  # type: ignore[method-assign]
    types(line, "x", seq=1)
    await fails(line, code)
    types(line, "y", seq=1)
    await until(lambda: printed(host) == "y", lambda: printed(host))


async def test_case_page_29_N4_what_is_late_at_the_other_node_is_not_typed_and_what_was_typed_is_told_again(
    two: Nodes,
) -> None:
    _, host, gateway = two
    line = await begun(host, gateway)
    line.say("heartbeat", timestamp=0)
    now = line.last("heartbeat")["clock"]
    types(line, "in time ", seq=1, until=now + 60_000)
    await until(lambda: line.of("input_ack"), "the ack")
    types(line, "in time ", seq=1, until=now - 1)
    await until(lambda: len(line.of("input_ack")) == 2, "the ack of what was typed already")
    types(line, "late ", seq=2, until=now - 1)
    await fails(line, "engine_away")
    types(line, "after", seq=2, until=now + 60_000)
    await line.sees("a", "after")
    assert printed(host) == "in time after"


async def test_W7_N4_a_session_of_another_node_is_renamed_over_the_socket(two: Nodes) -> None:
    _, host, gateway = two
    line = await begun(host, gateway)
    line.say("rename", sessionId="a", name="other")
    await until(lambda: host.service.get_session("a").name == "other")
    await until(lambda: gateway.service.get_session("a").name == "other")
    assert line.last("session_update", "name")["name"] == "other"

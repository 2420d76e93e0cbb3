"""HTTP calls that another node answers: what the node that was asked does with the answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

from termwall.cluster.bus.parcel import PROTOCOL
from termwall.cluster.calls.calls import Call
from termwall.cluster.calls.forward import Forward
from termwall.core.focus import Stage
from termwall.hub.room import Room
from termwall.protocol.bodies import Project
from tests.support.local_bus import LocalBroker, LocalBus
from tests.support.nodes import OneNode
from tests.support.patience import until
from tests.support.site import Site

SESSIONS = "/api/projects/wall/sessions"


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[Site, Site]]:
    """A host, and a gateway that is asked."""
    broker = LocalBroker()
    more = {"recordings": tmp_path / "recordings"}
    host = Site(OneNode.local(broker, "host", tmp_path / "host", **more))
    gateway = Site(OneNode.local(broker, "gateway", tmp_path / "gateway", project=False, **more))
    for site in (host, gateway):
        await site.open()
    await until(lambda: gateway.service.find_room("wall"), "the project")
    await until(lambda: all(len(site.one.bus.members()) == 2 for site in (host, gateway)), "each other")
    yield host, gateway
    for site in (gateway, host):
        await asyncio.wait_for(site.close(), 10)


async def known(site: Site, session: str) -> None:
    await until(lambda: session in site.service.room("wall").sessions, "the session")


async def test_N7_a_project_that_was_just_made_is_known_to_the_node_that_is_named(
    two: tuple[Site, Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, gateway = two
    adopt, heard = gateway.service.adopt, gateway.one.node.stages._adopted
    asked: list[Project] = []

    def later(project: Project, stage: Stage, epoch: str) -> Room | None:
        asked.append(project)
        asyncio.get_running_loop().call_later(0.3, lambda: (adopt(project, stage, epoch), heard.set()))
        return None

    monkeypatch.setattr(gateway.service, "adopt", later)
    body = {"id": "new", "path": str(tmp_path)}
    assert (await host.call("POST", "/api/projects", json=body)).status_code == 201
    body = {"command": ["cat"], "node": "gateway"}
    calling = asyncio.create_task(host.call("POST", "/api/projects/new/sessions", json=body))
    await until(lambda: asked, "that it hears of it")
    monkeypatch.undo()
    assert (await calling).status_code == 201
    refused = await host.call("POST", "/api/projects/nowhere/sessions", json=body)
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_project")


async def test_N5_a_node_of_another_protocol_is_not_asked(
    two: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, gateway = two
    monkeypatch.setattr("termwall.cluster.node.PROTOCOL", PROTOCOL + 1)
    monkeypatch.setattr(host.one.node, "_version", "9.9")
    members = gateway.one.bus.members
    await until(lambda: members()["host"].about["version"] == "9.9", "the other version")
    answer = await gateway.call("POST", SESSIONS, json={"command": ["cat"], "node": "host"})
    assert (answer.status_code, answer.json()["code"]) == (503, "engine_away")
    assert answer.json()["error"].startswith(
        "Node host has another version of termwall, 9.9, which this one cannot ask"
    )
    assert host.service.list_sessions("wall") == []
    assert (await gateway.get("/api/projects/wall/recordings"))["missing"] == ["host"]


async def test_A3_a_call_that_cannot_be_read_is_answered_and_leaves_nothing(two: tuple[Site, Site]) -> None:
    host, gateway = two
    asking, answering = gateway.forward._calls, host.forward._calls
    assert asking is not None and answering is not None
    identity = {"role": "own", "by": "bearer", "field_of_a_newer_version": 1}
    status, body = await asking.collect("host", Call("GET", SESSIONS, identity), seconds=5, most=4096)
    assert (status, json.loads(body)["code"]) == (500, "internal")
    await until(lambda: not answering._answers, "that it is forgotten")


async def test_A3_a_body_that_is_too_large_between_the_nodes_is_told_as_such(two: tuple[Site, Site]) -> None:
    host, gateway = two
    host.one.wall.session("a", "sh", "-c", "stty raw -echo; exec cat > /dev/null")
    await known(gateway, "a")

    async def send(size: int) -> httpx2.Response:
        return await gateway.call("POST", "/api/sessions/a/input", json={"data": "x" * (size - len('{"data":""}'))})

    answer = await send(1 << 20)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "retry-after" not in answer.headers
    sentence, room = answer.json()["error"].split(" may have ")
    assert sentence == "The body of a request that is carried to node host"
    assert (await send(int(room.removesuffix(" bytes.")))).status_code == 204


async def test_A3_a_body_of_a_new_session_that_is_nested_too_deeply_is_refused(two: tuple[Site, Site]) -> None:
    _, gateway = two
    headers = {"content-type": "application/json"}
    answer = await gateway.call("POST", SESSIONS, content="[" * 200_000, headers=headers)
    assert answer.status_code == 400


async def test_P3_a_restart_that_takes_longer_than_an_answer_may_is_waited_for(
    two: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("termwall.cluster.calls.calls.ANSWER_SECONDS", 1.0)
    monkeypatch.setattr("termwall.cluster.calls.answer.WORKING_SECONDS", 0.1)
    host, gateway = two
    host.service.bounds = replace(host.service.bounds, close_seconds=2.0)
    host.one.wall.session("a", "sh", "-c", "trap '' HUP; echo READY; while :; do sleep 1; done")  # Until its SIGKILL.
    await known(gateway, "a")
    await until(lambda: host.service.get_session("a").offset > 5, "the program")
    begun = asyncio.get_running_loop().time()
    answer = await gateway.call("POST", "/api/sessions/a/restart")
    assert asyncio.get_running_loop().time() - begun > 1.5
    assert (answer.status_code, answer.json()["status"]) == (200, "running")


async def test_N7_a_new_session_is_answered_once_it_is_known_where_it_was_asked_for() -> None:
    broker = LocalBroker()
    one, two = (LocalBus(broker, name, run=name, heartbeat=0.1, gone_after=0.5) for name in ("one", "two"))
    waited: list[str] = []
    come = asyncio.Event()

    async def known(session: str) -> None:
        waited.append(session)
        await come.wait()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert json.loads((await receive())["body"])["node"] == "two"
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b'{"id": "a"}'})

    nobody, neither = (lambda session: None), (lambda recording: False)

    async def heard(project: str) -> None:
        assert project == "wall", project

    def layer() -> Forward:
        return Forward(nobody, neither, known, lambda project: True, heard, lambda who: who, lambda who: who)

    layers = [layer().over(app) for _ in range(2)]
    for bus, layer in zip((one, two), layers, strict=True):
        bus.announce({"protocol": PROTOCOL})
        await bus.open()
        await layer.open(bus)
    await until(lambda: "two" in one.members(), "the other node")
    sent: list[Message] = []

    request: list[Message] = [{"type": "http.request", "body": b'{"node": "two"}', "more_body": False}]

    async def receive() -> Message:
        if request:
            return request.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/api/projects/wall/sessions",
        "query_string": b"",
        "headers": [],
        "state": {"identity": None},
    }
    asked = asyncio.create_task(layers[0](scope, receive, send))
    await until(lambda: waited == ["a"], "that it is waited for")
    assert sent == []
    come.set()
    await asyncio.wait_for(asked, 10)
    assert [sent[0]["status"], sent[1]["body"]] == [201, b'{"id": "a"}']
    for one_layer, bus in zip(layers, (one, two), strict=True):
        await one_layer.close()
        await bus.close()

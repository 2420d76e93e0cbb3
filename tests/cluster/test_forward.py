"""HTTP calls that another node answers: what the node that was asked does with the answer."""

import asyncio
import json
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from termwall.cluster.forward import Forward
from termwall.cluster.local import LocalBroker, LocalBus
from tests.support.patience import until


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
    layers = [Forward(nobody, neither, known, lambda who: who, lambda who: who).over(app) for _ in range(2)]
    for bus, layer in zip((one, two), layers, strict=True):
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
    for layer, bus in zip(layers, (one, two), strict=True):
        await layer.close()
        await bus.close()

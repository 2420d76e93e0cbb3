"""A node's HTTP side in the test's own loop: the layers and routes of a real server, without its socket."""

import asyncio
import json
from typing import Any

import httpx2
from fastapi import FastAPI
from starlette.types import Message

from termwall.cluster.calls.forward import Forward
from termwall.transport.auth import Access, Grant, Identity, hash_token
from termwall.transport.gate import Gate
from termwall.transport.http.errors import install_errors
from termwall.transport.http.projects import project_routes
from termwall.transport.http.recordings import recording_routes
from termwall.transport.http.search import search_routes
from termwall.transport.http.sessions import session_routes
from tests.support.nodes import OneNode

OWNER = "the owner's token"
GRANTS = [
    Grant("t1", hash_token("sees the wall"), "view", "Mia", "wall"),
    Grant("t2", hash_token("sees another"), "view", "Kim", "other"),
]
"""Every node knows the same tokens, so that it is the answering node's rules that hold."""


class Site:
    """One node and its application."""

    def __init__(self, one: OneNode) -> None:
        self.one = one
        self.name = one.name
        self.service = one.service
        self.forward = Forward(
            one.node.node_of,
            one.service.recordings.has,
            one.node.known,
            lambda project: one.service.find_room(project) is not None,
            one.node.heard,
            Identity.plain,
            lambda plain: Identity(**plain),
        )
        self.app = FastAPI()
        for routes in (project_routes, session_routes, recording_routes, search_routes):
            self.app.include_router(routes(self.service))
        install_errors(self.app)
        self.app.add_middleware(self.forward.over)
        access = Access(OWNER, instance=one.name, grants=lambda: GRANTS)
        self.app.add_middleware(Gate, access=access, bounds=self.service.bounds, turn=self.service.budgets.call)
        self.app.middleware_stack = self.app.build_middleware_stack()
        self._http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url="http://localhost")

    async def open(self) -> None:
        """Take part."""
        await self.one.node.open()
        await self.forward.open(self.one.bus)

    async def close(self) -> None:
        """Leave."""
        await self._http.aclose()
        await self.forward.close()
        await self.one.close()

    async def call(self, method: str, path: str, token: str = OWNER, **more: Any) -> httpx2.Response:
        """One request."""
        headers = {"authorization": f"Bearer {token}", **more.pop("headers", {})}
        return await self._http.request(method, path, headers=headers, **more)

    async def get(self, path: str, token: str = OWNER) -> Any:
        """JSON that must be had."""
        answer = await self.call("GET", path, token)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.content)


class Reader:
    """A client that takes its answer when it is told to, and may go before the end."""

    def __init__(self, site: Site, path: str) -> None:
        self.messages: list[Message] = []
        self.takes = asyncio.Event()
        self._goes = asyncio.Event()
        self._request: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {OWNER}".encode())],
            "client": None,
            "server": None,
        }
        self.served = asyncio.get_running_loop().create_task(site.app(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        if self._request:
            return self._request.pop()
        await self._goes.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.messages.append(message)
        await self.takes.wait()

    def go(self) -> None:
        """Close the connection."""
        self._goes.set()

    @property
    def body(self) -> bytes:
        """What was taken so far."""
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def whole(self) -> bool:
        """Whether the answer's end came."""
        return self.messages[-1].get("more_body") is False

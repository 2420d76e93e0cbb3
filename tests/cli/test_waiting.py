"""A5: waiting, against a server that does what a real one seldom does."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import Response, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request

from termwall.cli.waiting import EndedFirst, GoalError, Goals, Session, WaitError, Waiting
from termwall.core.errors import CloseCode

Script = Callable[[ServerConnection], Awaitable[None]]


def session(state: str = "working", **fields: Any) -> Session:
    return {"id": "s", "status": "running", "attention": {"state": state, "reason": "x"}, **fields}


async def say(socket: ServerConnection, type: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": type, "sessionId": "s", **fields}))


async def greet(socket: ServerConnection, one: Session, beat: int = 30_000) -> None:
    await say(socket, "connection_status", status="connecting")
    await say(socket, "connection_status", status="connected", sessions=[one], heartbeatInterval=beat)


@asynccontextmanager
async def serving(*scripts: Script, screens: list[tuple[int, str]] | None = None) -> AsyncIterator[str]:
    """A server whose first connection gets the first script, and so on; and whose screens are these, in turn."""
    remaining, pictures = list(scripts), list(screens or [])

    def request(_: ServerConnection, asked: Request) -> Response | None:
        if asked.path.startswith("/api/"):
            status, shown = pictures.pop(0)
            text = json.dumps({"lines": [[row] for row in shown.split("\n")]})
            return Response(status, "", Headers({"content-length": str(len(text))}), text.encode())
        return None

    async def handle(socket: ServerConnection) -> None:
        await remaining.pop(0)(socket)

    async with serve(handle, "127.0.0.1", 0, process_request=request, subprotocols=["termwall.v1.json"]) as server:  # type: ignore[list-item]
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def wait(url: str, *words: str) -> Session:
    return await asyncio.wait_for(Waiting(url, "t", "p", "s", Goals.parse(words)).run(), 20)


async def test_A5_a_dropped_connection_is_made_again() -> None:
    async def restarts(socket: ServerConnection) -> None:
        await greet(socket, session())
        await socket.close(CloseCode.RESTART, "")

    async def breaks(socket: ServerConnection) -> None:
        await greet(socket, session())
        socket.transport.abort()

    async def answers(socket: ServerConnection) -> None:
        await greet(socket, session("done"))
        await socket.wait_closed()

    async with serving(restarts, breaks, answers) as url:
        assert (await wait(url, "done"))["attention"]["state"] == "done"


async def test_A5_what_is_learned_is_the_session_as_it_is_then() -> None:
    async def script(socket: ServerConnection) -> None:
        await greet(socket, session(name="old"))
        await socket.send(b"\x01binary")
        await say(socket, "something_new")
        await say(socket, "session_update", name="new")
        await socket.send(json.dumps({"type": "session_update", "sessionId": "other", "removed": True}))
        await say(socket, "session_update", attention={"state": "needs input", "reason": "bell"})
        await socket.wait_closed()

    async with serving(script) as url:
        found = await wait(url, "needs-input")
    assert found == {
        "id": "s",
        "status": "running",
        "name": "new",
        "attention": {"state": "needs input", "reason": "bell"},
    }


async def test_A5_text_is_looked_for_at_each_picture_also_when_no_screen_could_be_drawn() -> None:
    asked: list[dict[str, Any]] = []

    async def script(socket: ServerConnection) -> None:
        await greet(socket, session())
        asked.append(json.loads(await socket.recv()))
        for _ in range(2):
            await say(socket, "preview")
        await socket.wait_closed()

    screens = [(200, "nothing"), (503, "away"), (200, "not yet"), (200, "first\nFOUND here")]
    async with serving(script, screens=screens) as url:
        assert await wait(url, "text=^FOUND") == session()
    assert asked == [{"type": "preview", "sessionIds": ["s"]}]


async def test_A5_a_text_may_stand_on_the_last_screen_of_a_program() -> None:
    async def script(socket: ServerConnection) -> None:
        await greet(socket, session())
        await say(socket, "session_update", status="exited", attention={"state": "exited", "reason": "exit code 0"})
        await socket.wait_closed()

    async with serving(script, screens=[(200, ""), (200, "FOUND")]) as url:
        assert (await wait(url, "text=FOUND"))["status"] == "exited"
    async with serving(script, screens=[(200, ""), (200, "")]) as url:
        with pytest.raises(EndedFirst, match="exit code 0"):
            await wait(url, "text=FOUND")


@pytest.mark.parametrize("goal", ["done", "exit"])
async def test_A5_a_session_that_did_not_survive_the_servers_restart_is_gone(goal: str) -> None:
    async def ends(socket: ServerConnection) -> None:
        await greet(socket, session())
        await socket.close(CloseCode.RESTART, "")

    async def refuses(socket: ServerConnection) -> None:
        await socket.close(CloseCode.POLICY, "No such session came")

    async with serving(ends, refuses) as url:
        if goal == "exit":
            assert (await wait(url, goal))["removed"] is True
        else:
            with pytest.raises(EndedFirst, match="there no more"):
                await wait(url, goal)


@pytest.mark.parametrize("code", [CloseCode.POLICY, CloseCode.UNAUTHORIZED, CloseCode.UNKNOWN_PROJECT])
async def test_W9_a_refusal_for_good_ends_the_waiting(code: CloseCode) -> None:
    async def refuses(socket: ServerConnection) -> None:
        await socket.close(code, "No way")

    async with serving(refuses) as url:
        with pytest.raises(WaitError, match="No way"):
            await wait(url, "exit")


async def test_S5_a_stream_is_acknowledged_once_so_that_little_of_it_comes() -> None:
    heard: list[dict[str, Any]] = []

    async def script(socket: ServerConnection) -> None:
        await greet(socket, session(), beat=50)
        for offset in (100, 200):
            await say(socket, "stream", data="x", offset=offset)
        while sum(one["type"] == "heartbeat" for one in heard) < 2:
            heard.append(json.loads(await socket.recv()))
        await say(socket, "session_update", removed=True)
        await socket.wait_closed()

    async with serving(script) as url:
        assert (await wait(url, "exit"))["removed"] is True
    assert [one for one in heard if one["type"] != "heartbeat"] == [{"type": "ack", "offset": 100}]


@pytest.mark.parametrize("word", ["", "asleep", "text=(", "needs input", "exited"])
def test_A5_a_goal_that_is_none_is_a_sentence(word: str) -> None:
    with pytest.raises(GoalError, match="`"):
        Goals.parse(["idle", word])

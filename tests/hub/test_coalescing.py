"""What many messages and calls share, so that one costs little and keeps nobody waiting (L7)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from termwall.app import Termwall, create_app
from termwall.config import Settings
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.limits import Bounds
from termwall.hub import budgets
from termwall.hub.budgets import Budgets
from termwall.hub.room import LOOKS_AT_ONCE, LOOKS_PER_SECOND
from termwall.store.projects import Store, StoredToken
from termwall.transport.auth import Access, hash_token
from tests.support.patience import until
from tests.support.wall import Wall

TOKEN = "a-test-token"


@pytest.fixture
async def make_wall(tmp_path: Path) -> AsyncIterator[Callable[..., Wall]]:
    """Makes a wall; it is closed."""
    walls: list[Wall] = []

    def make(**options: Any) -> Wall:
        walls.append(Wall(tmp_path, **options))
        return walls[-1]

    yield make
    for wall in walls:
        await wall.service.close()


async def test_case_hardening_X4_L7_calls_that_come_together_are_begun_one_a_turn_of_the_loop() -> None:
    service, seen, done = Budgets(Bounds()), [], False

    async def call() -> None:
        await service.call("theirs")
        seen.append("call")

    def turn() -> None:
        seen.append("turn")
        if not done:
            asyncio.get_running_loop().call_soon(turn)

    turn()
    gone = [asyncio.create_task(call()) for _ in range(16)]
    gone[3].cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    done = True
    assert seen.count("call") == 15
    calls = "".join("c" if one == "call" else " " for one in seen)
    assert "cc" not in calls, "two calls in one turn"
    await asyncio.wait_for(service.call("theirs"), 10)


def test_X1_L7_tokens_are_read_when_they_change_and_not_for_each_request(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    access = Access(TOKEN, instance="ab", grants=store.tokens)
    store.put_token(StoredToken("t1", hash_token("mine"), "Mia", "type", None, 0))
    asked: list[str] = []
    store._db.set_trace_callback(asked.append)
    for _ in range(10):
        assert access.identify("Bearer nobodys", None) is None
        found = access.identify("Bearer mine", None)
        assert found is not None
        assert found.token_id == "t1"
    assert len(asked) <= 1, asked
    store.delete_token("t1")
    assert access.identify("Bearer mine", None) is None, "a token that was revoked opens nothing"
    store.close()


async def test_case_hardening_L3_L7_previews_that_are_switched_on_and_off_are_drawn_with_the_next_sweep(
    make_wall: Callable[..., Wall],
) -> None:
    wall = make_wall(drawn=True, messages_per_second=1_000_000, token_messages_per_second=1_000_000)
    for name in ("a", "b"):
        wall.session(name, "sh", "-c", "echo READY; exec sleep 600")
    line, drawn = wall.line("page"), 0
    for name in ("a", "b"):
        session = wall.service.find_own(name)
        assert session is not None
        assert session.feed is not None
        ask = session.feed.ask

        def counted(kind: Any, *rest: Any, ask: Any = ask) -> int:
            nonlocal drawn
            drawn += kind == "runs"
            return int(ask(kind, *rest))

        session.feed.ask = counted  # type: ignore[method-assign, assignment]
    begun = asyncio.get_running_loop().time()
    for _ in range(300):
        line.say("preview", sessionIds=["a", "b"])
        line.say("preview", sessionIds=[])
        await asyncio.sleep(0)
    line.say("preview", sessionIds=["a", "b"])
    await until(lambda: {m["sessionId"] for m in line.of("preview")} == {"a", "b"}, lambda: str(line.messages[-3:]))
    seconds = asyncio.get_running_loop().time() - begun
    # What is drawn at once, what comes with a sweep, each of two sessions.
    assert drawn <= 2 * (LOOKS_AT_ONCE + LOOKS_PER_SECOND * seconds + 4 * seconds + 2)


async def test_case_hardening_X4_too_many_new_connections_of_a_token_are_refused(
    make_wall: Callable[..., Wall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "OPENS_AT_ONCE", 3.0)
    monkeypatch.setattr(budgets, "OPENS_PER_SECOND", 0.001)
    wall = make_wall()
    lines = [wall.line(f"page{number}", token="theirs") for number in range(5)]
    assert [line.ended for line in lines[:3]] == [None] * 3
    assert lines[4].ended == (1013, "Too many connections")
    assert wall.line("other", token="another").ended is None, "another token is not touched"


async def test_X4_a_search_that_finds_no_place_gets_rate_limited(
    make_wall: Callable[..., Wall], monkeypatch: pytest.MonkeyPatch
) -> None:
    from termwall.hub import search

    wall = make_wall()
    places = wall.service.budgets.searches
    for _ in range(budgets.SEARCHES):
        await places.acquire()
    monkeypatch.setattr(search, "SECONDS", 0.01)
    with pytest.raises(TermwallError) as refused:
        await search.search(wall.service, "wall", "text", 10, False)
    assert refused.value.code is ErrorCode.RATE_LIMITED
    places.release()
    assert places._value == 1, "who was refused took no place"


async def test_case_hardening_X10_a_client_that_goes_before_its_answer_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Settings(data_dir=tmp_path, token=TOKEN, outlive=False))
    termwall: Termwall = app.state.termwall
    came = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    path = "/api/projects"
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"host", b"localhost"),
            (b"authorization", f"Bearer {TOKEN}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", b"100"),
        ],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> Any:
        return next(came)

    async def send(message: Any) -> None:
        raise AssertionError("there is nobody")

    with caplog.at_level(logging.INFO, "termwall"):
        await app(scope, receive, send)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    await termwall.service.close()


async def test_L7_metrics_count_what_the_budgets_delayed(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, token=TOKEN, calls_per_second=5, outlive=False))
    termwall: Termwall = app.state.termwall
    headers = {"authorization": f"Bearer {TOKEN}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as owner:
        answers = await asyncio.gather(*(owner.get("/api/projects") for _ in range(40)))
        refused = sum(answer.status_code == 429 for answer in answers)
        text = (await owner.get("/metrics")).text
    assert refused
    assert "termwall_calls 41.0" in text, "with that one"
    assert f"termwall_calls_refused {refused}.0" in text
    assert "termwall_messages_delayed 0.0" in text
    await termwall.service.close()

"""What each HTTP request passes first, in an application that is mounted in another one (X1, X2)."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from termwall.app import Termwall, create_app, owner_token
from termwall.config import Settings
from termwall.transport.gate import is_private
from termwall.transport.refusals import MOST_CLIENTS, Refusals, shown

TOKEN = "a-test-token"


@pytest.fixture
async def call(tmp_path: Path) -> AsyncIterator[Callable[..., httpx2.AsyncClient]]:
    """Makes a client of the mounted application, under a scheme and name."""
    app = create_app(Settings(data_dir=tmp_path, token=TOKEN, allowed_hosts=["wall.example"]))
    termwall: Termwall = app.state.termwall
    outer = Starlette(routes=[Mount("/tools/wall", app)])
    clients: list[httpx2.AsyncClient] = []

    def make(base: str = "https://wall.example", **headers: str) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=outer)
        clients.append(httpx2.AsyncClient(transport=transport, base_url=base, headers=headers))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()
    await termwall.service.close()


async def test_X1_a_mounted_application_asks_for_tokens_too(call: Callable[..., httpx2.AsyncClient]) -> None:
    http = call()
    for path in ("/api/projects", "/metrics", "/api/openapi.json", "/api/profiles", "/api/nope", "/api/"):
        assert (await http.get(f"/tools/wall{path}")).status_code == 401, path
    assert (await http.get("/tools/wall/api/health")).json()["status"] == "ok"
    assert (await http.get("/tools/wall/api/projects", headers={"authorization": f"Bearer {TOKEN}"})).status_code == 200


async def test_X1_the_trade_keeps_the_prefix_and_is_secure_over_tls(call: Callable[..., httpx2.AsyncClient]) -> None:
    http = call()
    answer = await http.get(f"/tools/wall/?token={TOKEN}&project=p%20q")
    assert (answer.status_code, answer.headers["location"]) == (303, "./?project=p+q")
    assert answer.headers["set-cookie"].endswith("; Secure")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert TOKEN not in str(answer.headers)
    plain = await call("http://wall.example").get(f"/tools/wall/?token={TOKEN}")
    assert "Secure" not in plain.headers["set-cookie"]
    api = await http.get(f"/tools/wall/api/health?token={TOKEN}")
    assert "set-cookie" not in api.headers, "only the page trades"


async def test_X2_every_answer_carries_the_pages_policy(call: Callable[..., httpx2.AsyncClient]) -> None:
    http = call()
    for path in ("/", "/api/health", "/api/projects", "/assets/none.js"):
        headers = (await http.get(f"/tools/wall{path}")).headers
        assert "default-src 'self'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff"
    refused = await call("https://evil.example").get("/tools/wall/")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_X1_only_health_and_the_sign_in_are_open() -> None:
    assert [path for path in ("/api/health", "/api/login", "/", "/assets/a.js") if is_private(path)] == []
    assert all(is_private(path) for path in ("/api/projects", "/api/health/", "/api/logout", "/metrics", "/api/x"))


def test_X1_an_empty_token_file_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(" \n")
    token = owner_token(Settings(data_dir=tmp_path))
    assert len(token) >= 16
    assert owner_token(Settings(data_dir=tmp_path)) == token


async def test_case_server_2_a_refused_host_or_origin_is_logged_with_what_came_and_what_was_expected(
    call: Callable[..., httpx2.AsyncClient], caplog: pytest.LogCaptureFixture
) -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    answer = await call("https://other.example").get("/tools/wall/api/health")
    assert (answer.status_code, "`other.example`" in answer.json()["error"]) == (403, True)
    origin = {"origin": "https://wall.example:8443", **bearer}
    for _ in range(3):
        answer = await call().post("/tools/wall/api/projects", json={}, headers=origin)
        assert (answer.status_code, "`https://wall.example:8443`" in answer.json()["error"]) == (403, True)
    host, page = (record.getMessage() for record in caplog.records if record.name == "termwall.access")
    assert "`other.example`" in host
    assert "wall.example; name it in --allowed-hosts" in host
    for part in ("`https://wall.example:8443`", "Host `wall.example`", "`https://wall.example` was expected", "none"):
        assert part in page


async def test_case_page_31_a_page_can_ask_why_its_socket_is_refused(call: Callable[..., httpx2.AsyncClient]) -> None:
    http = call(authorization=f"Bearer {TOKEN}")
    ask = "/tools/wall/api/reach"
    origin = "https://wall.example"
    answer = (await http.get(ask, params={"clientId": "me", "origin": origin})).json()
    assert answer == {"host": "wall.example", "originAllowed": True, "refused": None}
    upgrade = await http.get("/tools/wall/ws/terminal?projectId=p&clientId=me")
    assert (upgrade.status_code, upgrade.headers["upgrade"]) == (426, "websocket")
    answer = (await http.get(ask, params={"clientId": "me", "origin": "https://else.example"})).json()
    assert answer["originAllowed"] is False
    assert "without `Upgrade: websocket`" in answer["refused"]
    assert (await http.get(ask, params={"clientId": "other"})).json()["refused"] is None
    assert (await call().get(ask)).status_code == 401


async def test_X4_what_is_remembered_of_refusals_is_bounded(call: Callable[..., httpx2.AsyncClient]) -> None:
    refusals = Refusals()
    for index in range(2 * MOST_CLIENTS):
        refusals.note(f"reason {index}", f"clientId=c{index}")
    assert refusals.last("c0") is None
    assert refusals.last(f"c{2 * MOST_CLIENTS - 1}") == f"reason {2 * MOST_CLIENTS - 1}"
    assert len(shown("x" * 10_000)) < 200
    assert shown("a\x1b[2Jb") == "`a?[2Jb`"


async def test_case_server_2_somebody_in_front_of_a_browser_reads_a_sentence(
    call: Callable[..., httpx2.AsyncClient],
) -> None:
    http = call("https://other.example", accept="text/html,*/*")
    page = await http.get("/tools/wall/", headers={"host": "<b>other</b>"})
    assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "The Host `&lt;b&gt;other&lt;/b&gt;` is not served here; add it with --allowed-hosts." in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    api = await http.get("/tools/wall/api/health")
    assert api.json()["code"] == "forbidden"

"""Who comes without a token or from elsewhere, and how the page trades its token for a cookie (X1, X2)."""

from pathlib import Path

import httpx2

from tests.support.server import Server
from tests.transport.conftest import refused


def test_X1_who_shows_no_token_gets_nothing(api: Server) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic x"}, {"cookie": "termwall_x=y"}):
        for path in ("/api/projects", "/metrics", "/api/openapi.json", "/api/nope"):
            answer = httpx2.get(api.base + path, headers=headers, trust_env=False)
            refused(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"
    assert httpx2.get(f"{api.base}/api/health", trust_env=False).json()["status"] == "ok"
    assert httpx2.get(api.base, trust_env=False).status_code == 200, "the page holds nothing, and shows the sign-in"


def test_X1_the_page_trades_its_token_for_a_cookie(api: Server) -> None:
    answer = httpx2.get(f"{api.base}/?token={api.token}&project=p", trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "./?project=p")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert api.token not in cookie
    pair = cookie.partition(";")[0]
    assert httpx2.get(f"{api.base}/api/projects", headers={"cookie": pair}, trust_env=False).status_code == 200
    wrong = httpx2.get(f"{api.base}/?token=wrong", trust_env=False)
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (200, False)
    refused(httpx2.post(f"{api.base}/api/login", json={"token": "wrong"}, trust_env=False), 401, "unauthorized")
    login = httpx2.post(f"{api.base}/api/login", json={"token": api.token}, trust_env=False)
    assert login.headers["set-cookie"].partition(";")[0] != pair, "each browser has its own"
    refused(httpx2.post(f"{api.base}/api/login", json={}, trust_env=False), 422, "invalid")


def test_X2_state_changing_requests_check_origin_and_all_check_host(api: Server, tmp_path: Path) -> None:
    cookie = httpx2.get(f"{api.base}/?token={api.token}", trust_env=False).headers["set-cookie"].partition(";")[0]
    url, body = f"{api.base}/api/projects", {"path": str(tmp_path)}
    bearer = {"authorization": f"Bearer {api.token}"}
    table: list[tuple[dict[str, str], int]] = [
        (bearer, 201),
        ({**bearer, "origin": api.base}, 201),
        ({**bearer, "origin": "http://evil.example"}, 403),
        ({"cookie": cookie}, 403),
        ({"cookie": cookie, "origin": api.base}, 201),
        ({"cookie": cookie, "origin": "http://evil.example"}, 403),
        ({"cookie": cookie, "origin": "null"}, 403),
        ({**bearer, "host": "evil.example"}, 403),
        ({**bearer, "host": f"localhost:{api.port}"}, 201),
        ({**bearer, "host": f"[::1]:{api.port}"}, 201),
    ]
    for headers, status in table:
        answer = httpx2.post(url, json=body, headers=headers, trust_env=False)
        assert answer.status_code == status, (headers, answer.text)
    assert httpx2.get(api.base, headers={"host": "evil.example"}, trust_env=False).status_code == 403

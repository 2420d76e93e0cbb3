"""How a browser is signed in, stays so, and is signed out: over a real server, and the rules on a test's clock."""

import contextlib
import os
import re
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from termwall.store.database import StoreUnavailable
from termwall.store.projects import Store
from termwall.transport.auth import Access, Grant, hash_token
from termwall.transport.browsers import DAY_MILLISECONDS, MOST_BROWSERS, USED_MILLISECONDS, Browsers, agent_of
from termwall.transport.codes import MOST_CODES, MOST_LOOKS, Codes
from termwall.transport.neighbour import of_own_user
from termwall.transport.signing_in import cookie_header, trade
from tests.support.server import Server, running

TOKEN = "the-owners-token"
MIA = Grant("g1", hash_token("mias-token"), "view", "Mia", "wall")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of this file."""
    with running(tmp_path_factory.mktemp("browsers") / "data") as server:
        yield server


def login(server: Server, **body: str) -> httpx2.Response:
    """A browser signs in, at the page."""
    headers = {"origin": server.base, "user-agent": FIREFOX}
    return httpx2.post(f"{server.base}/api/login", json=body, headers=headers, trust_env=False, timeout=30)


def pair(answer: httpx2.Response) -> str:
    """The cookie, as a browser sends it."""
    return answer.headers["set-cookie"].partition(";")[0]


def ask(server: Server, cookie: str, path: str = "/api/projects", method: str = "GET") -> httpx2.Response:
    """What a page asks."""
    headers = {"cookie": cookie, "origin": server.base}
    return httpx2.request(method, server.base + path, headers=headers, trust_env=False, timeout=30)


# ---- X5: sign-ins that end


def test_case_hardening_X5_signing_out_ends_the_cookie_whoever_has_it(api: Server, tmp_path: Path) -> None:
    project = api.project(tmp_path / "wall")
    mine, other = (pair(login(api, token=api.token)) for _ in range(2))
    stolen = mine
    url = f"ws://127.0.0.1:{api.port}/ws/terminal?projectId={project}"
    headers = {"cookie": mine}
    with connect(url, origin=api.base, additional_headers=headers, proxy=None) as socket:  # type: ignore[arg-type]
        socket.recv(5)
        out = ask(api, mine, "/api/logout", "POST")
        assert (out.status_code, "Max-Age=0" in out.headers["set-cookie"]) == (204, True)
        with contextlib.suppress(ConnectionClosed):
            while True:
                socket.recv(15)
        assert (socket.close_code, socket.close_reason) == (4401, "This browser was signed out")
    assert ask(api, stolen).status_code == 401
    assert ask(api, other).status_code == 200, "another browser stays signed in"
    assert api.call("GET", "/api/projects").status_code == 200, "and so does the token"


def test_case_hardening_X5_the_owner_lists_browsers_and_ends_them(api: Server, tmp_path: Path) -> None:
    project = api.project(tmp_path / "wall")
    made = api.call("POST", "/api/tokens", {"name": "Mia", "role": "type", "projectId": project}).json()
    mine, mias = pair(login(api, token=api.token)), pair(login(api, token=made["token"]))
    listed = ask(api, mine, "/api/browsers").json()
    assert listed["days"] == 14
    newest = listed["browsers"][:2]
    keys = ("agent", "name", "role", "projectId", "here")
    assert [tuple(one[key] for key in keys) for one in newest] == [
        ("Firefox on Linux", "Mia", "type", project, False),
        ("Firefox on Linux", None, "own", None, True),
    ]
    assert mias.partition("=")[2] not in str(listed)
    assert ask(api, mias, "/api/browsers").status_code == 403, "the owner only"
    hers = listed["browsers"][0]["id"]
    assert ask(api, mias, f"/api/browsers/{hers}", "DELETE").status_code == 403
    assert ask(api, mias).status_code == 200
    assert ask(api, mine, f"/api/browsers/{hers}", "DELETE").status_code == 204
    assert ask(api, mias).status_code == 401
    gone = ask(api, mine, f"/api/browsers/{hers}", "DELETE")
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_browser")
    # A token that is revoked takes its browsers with it; another can be signed in with what is left.
    again = pair(login(api, token=made["token"]))
    assert api.call("DELETE", f"/api/tokens/{made['id']}").status_code == 204
    assert ask(api, again).status_code == 401
    assert all(one["name"] is None for one in api.call("GET", "/api/browsers").json()["browsers"])


def test_case_hardening_X5_browsers_stay_signed_in_over_a_restart_and_only_hashes_are_kept(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        stays, leaves = (pair(login(server, token=server.token)) for _ in range(2))
        assert ask(server, leaves, "/api/logout", "POST").status_code == 204
        server.kill()
        server.start()
        assert ask(server, stays).status_code == 200
        assert ask(server, leaves).status_code == 401
        kept = b"".join(path.read_bytes() for path in server.data_dir.glob("termwall.sqlite*"))
        assert stays.partition("=")[2].encode() not in kept


def test_X5_a_browser_that_is_not_used_has_to_sign_in_again() -> None:
    now, ended = 0, list[str]()
    browsers = Browsers(clock=lambda: now, days=14, ended=ended.append)
    used, unused = browsers.add(b"t", "Firefox"), browsers.add(b"t", "Chrome")
    first = browsers.find(used)
    assert first is not None
    assert not browsers.used(first), "its cookie is new"
    for _ in range(3):
        now += 13 * DAY_MILLISECONDS
        found = browsers.find(used)
        assert found is not None
        assert browsers.used(found), "its cookie is due: it lasts for another 14 days"
        assert not browsers.used(browsers.find(used) or found), "and not again at once"
    assert browsers.find(unused) is None
    assert [one.agent for one in browsers.all()] == ["Firefox"]
    browsers.sweep({b"t"})
    assert len(ended) == 1
    browsers.sweep(())
    assert (browsers.find(used), len(ended)) == (None, 2), "its token is none any more"


def test_X5_browsers_of_one_token_are_bounded_and_those_of_another_stay() -> None:
    now = 0

    def clock() -> int:
        nonlocal now
        now += 1
        return now

    browsers = Browsers(clock=clock)
    others = browsers.add(b"other", "")
    cookies = [browsers.add(b"t", "") for _ in range(MOST_BROWSERS + 3)]
    assert [browsers.find(one) is None for one in cookies] == [True] * 3 + [False] * MOST_BROWSERS
    assert browsers.find(others) is not None


def test_X5_on_a_full_disk_the_owner_gets_in_and_who_is_signed_out_stays_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    browsers = Browsers(store)
    before = browsers.add(b"t", "")
    db = store._db
    db.execute(f"PRAGMA max_page_count={db.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(StoreUnavailable), store.writing() as writing:
        writing.execute("INSERT INTO browsers VALUES ('x', ?, ?, '', 0, 0)", (b"x" * 100_000, b""))
    cookies = [browsers.add(b"t", "x" * 2000) for _ in range(8)]
    assert all(map(browsers.find, cookies))
    db.execute("PRAGMA query_only=1")  # Nothing can be written at all.
    found = browsers.find(before)
    assert found is not None
    assert browsers.end(found.id)
    assert browsers.find(before) is None
    assert [one.id for one in store.browsers() if one.id == found.id], "it is still kept"
    db.execute("PRAGMA query_only=0")
    browsers.sweep({b"t"})
    assert not [one.id for one in store.browsers() if one.id == found.id], "until it can be forgotten"
    store.close()


def test_X5_a_file_of_an_older_termwall_gets_the_browsers(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    store.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "db")) as old:
        old.executescript("DROP TABLE browsers; PRAGMA user_version=2;")
    store = Store(tmp_path / "db")
    assert store.browsers() == []
    store.close()


def test_X5_what_a_browser_says_of_itself_is_two_words_of_ours() -> None:
    assert agent_of(FIREFOX) == "Firefox on Linux"
    chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
    assert agent_of(chrome) == "Chrome on Windows"
    assert agent_of(f"{chrome} Edg/140.0") == "Edge on Windows"
    safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
    assert agent_of(safari) == "Safari on iOS"
    assert agent_of("\x1b]0;x\x07") == agent_of(None) == "a program"


def test_X5_an_answer_renews_the_cookie_of_a_browser_that_comes_back(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        cookie = pair(login(server, token=server.token))
        assert "set-cookie" not in ask(server, cookie).headers
        server.stop()
        with contextlib.closing(sqlite3.connect(server.data_dir / "termwall.sqlite")) as db:
            db.execute(f"UPDATE browsers SET used_at = used_at - {2 * USED_MILLISECONDS}")
            db.commit()
        server.start()
        assert "set-cookie" not in ask(server, cookie, "/assets/none.js").headers, "others may keep that"
        renewed = ask(server, cookie)
        assert renewed.headers["set-cookie"].startswith(f"{cookie}; HttpOnly; SameSite=Strict; Path=/; Max-Age=1209600")
        assert "set-cookie" not in ask(server, cookie).headers


@pytest.mark.parametrize(
    ("scheme", "headers", "secure"),
    [
        ("http", {}, False),
        ("https", {}, True),
        ("http", {"x-forwarded-proto": "https"}, True),
        ("http", {"x-forwarded-proto": "https, http"}, True),
        ("http", {"x-forwarded-proto": "http"}, False),
        ("http", {"forwarded": 'for=10.0.0.1;proto="https";host=a, for=b'}, True),
        ("http", {"forwarded": "for=10.0.0.1;proto=http"}, False),
        ("http", {"x-forwarded-ssl": "on"}, True),
        ("http", {"origin": "https://wall.example"}, True),
        ("http", {"origin": "http://wall.example"}, False),
        ("http", {"host": "public.example"}, True),
        ("http", {"host": "public.example:443"}, True),
        ("http", {"host": "public.example:7070"}, False),
        ("http", {"host": "allowed.example:8443"}, True),
        ("http", {"host": "127.0.0.1:7070"}, False),
    ],
)
def test_case_hardening_X5_a_cookie_is_secure_wherever_the_browser_has_tls(
    scheme: str, headers: dict[str, str], secure: bool
) -> None:
    """A proxy on another machine, too, whose word uvicorn does not take for the scheme."""
    known = {"public_url": "https://public.example/wall", "allowed_origins": ["https://allowed.example:8443"]}
    access = Access(TOKEN, instance="ab", **known)  # type: ignore[arg-type]
    for value in ("x", ""):
        assert cookie_header(access, value, scope_of(scheme=scheme, **headers)).endswith("; Secure") is secure


# ---- X4: the token in the address


def scope_of(query: str = "", path: str = "/", scheme: str = "http", **headers: str) -> dict[str, Any]:
    """One request."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"method": "GET", "path": path, "scheme": scheme, "query_string": query.encode(), "headers": raw}


def place(answer: list[tuple[bytes, bytes]] | None) -> str | None:
    """Where an answer leads."""
    return None if answer is None else dict(answer)[b"location"].decode()


OTHERS = [
    "//",
    "//evil.example",
    "//evil.example/",
    "/\\evil.example",
    "/a",
    "/a/",
    "/%2f",
    "/\n",
    "/.",
    "/ws/terminal",
]


@pytest.mark.parametrize(
    "path", [*OTHERS, "/ws/terminal", "/index.html", "/assets/a.js", "/assets/", "/api/health", "/metrics"]
)
def test_case_hardening_X4_only_the_page_itself_trades_a_token(path: str) -> None:
    assert trade(Access(TOKEN, instance="ab"), scope_of(f"token={TOKEN}", path), path) is None


@pytest.mark.parametrize(
    ("query", "leads"),
    [
        (f"token={TOKEN}", "./"),
        (f"token={TOKEN}&project=p%20q&session=s", "./?project=p+q&session=s"),
        (f"a=1&token={TOKEN}&token={TOKEN}", "./?a=1"),
        (f"token={TOKEN}&x=%0d%0aset-cookie:%20a=b", "./?x=%0D%0Aset-cookie%3A+a%3Db"),
        (f"token={TOKEN}&x=%0a", "./?x=%0A"),
        (f"token={TOKEN}&//evil.example/=", "./?%2F%2Fevil.example%2F="),
        ("token=wrong", None),
        ("token=", None),
        (f"xtoken={TOKEN}", None),
    ],
)
def test_case_hardening_X4_the_trade_leads_to_the_page_and_nowhere_else(query: str, leads: str | None) -> None:
    assert place(trade(Access(TOKEN, instance="ab"), scope_of(query), "/")) == leads


@pytest.mark.parametrize(
    "kind", ["image", "script", "style", "iframe", "frame", "object", "embed", "empty", "font", ""]
)
def test_case_hardening_X4_X6_what_shows_nobody_a_page_trades_nothing(kind: str) -> None:
    access = Access(TOKEN, instance="ab")
    assert trade(access, scope_of(f"token={TOKEN}", sec_fetch_dest=kind), "/") is None
    assert place(trade(access, scope_of(f"token={TOKEN}", sec_fetch_dest="document"), "/")) == "./"
    for ahead in ("prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"):
        for name in ("sec_purpose", "purpose"):
            scope = scope_of(f"token={TOKEN}", sec_fetch_dest="document", **{name: ahead})
            assert trade(access, scope, "/") is None, "nobody looks at it yet"


def test_case_hardening_X4_where_browsers_do_not_say_what_it_is_for_nobodys_cookie_is_replaced() -> None:
    """On plain http beyond this machine they send no `Sec-Fetch-Dest`; there the page signs in by itself."""
    access = Access(TOKEN, instance="ab", grants=lambda: [MIA])
    owners = f"termwall_ab={access.sign_in(hash_token(TOKEN), '', None)}"
    assert trade(access, scope_of("token=mias-token", cookie=owners), "/") is None
    same = trade(access, scope_of(f"token={TOKEN}", cookie=owners), "/")
    assert same is not None
    assert dict(same)[b"set-cookie"].decode().startswith(owners), "who is signed in already stays so"
    assert len(access.browsers.all()) == 1
    followed = trade(access, scope_of("token=mias-token", cookie=owners, sec_fetch_dest="document"), "/")
    assert followed is not None
    assert access.identify(None, owners) is None, "who signs in as somebody else is signed out before"
    assert [whose.name for _, whose in access.signed_in()] == ["Mia"]


def test_case_hardening_X4_no_address_makes_a_traceback_or_leads_elsewhere(api: Server) -> None:
    for target in (
        f"//evil.example/?token={api.token}",
        f"/%2fevil.example/?token={api.token}",
        f"//evil.example/%2e%2e?token={api.token}",
        f"/%0a?token={api.token}",
        f"/%0d%0aa:b/?token={api.token}",
        f"/a%0ab?token={api.token}",
        f"/?token={api.token}&a=%0a%0d",
        f"/?token=%ed%a0%80{api.token}",
        f"/api/projects/?token={api.token}",
        f"//assets//evil.example/?token={api.token}",
    ):
        with socket.create_connection(("127.0.0.1", api.port)) as raw:
            raw.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{api.port}\r\nConnection: close\r\n\r\n".encode())
            head = b"".join(iter(lambda: raw.recv(65536), b"")).partition(b"\r\n\r\n")[0].decode()
        status = int(head.split()[1])
        assert status in (200, 303, 307, 401, 404), (target, head)
        leads = re.search(r"^location: (.*)$", head, re.M | re.I)
        assert leads is None or leads[1].strip().startswith(("./?a=", f"http://127.0.0.1:{api.port}/")), (target, head)


# ---- X1: one-time codes


def test_case_hardening_X1_a_code_signs_in_once_and_by_a_post_only(api: Server) -> None:
    made = api.call("POST", "/api/codes")
    assert made.status_code == 201
    code = made.json()["code"]
    for address in (f"/?code={code}", f"/api/login?code={code}", f"/?token={code}"):
        looked = httpx2.get(api.base + address, trust_env=False)
        assert "set-cookie" not in looked.headers, "looking at it spends nothing"
    answer = login(api, code=code)
    assert answer.status_code == 204, answer.text
    mine = next(one for one in ask(api, pair(answer), "/api/browsers").json()["browsers"] if one["here"])
    assert (mine["role"], mine["name"]) == ("own", None)
    again = login(api, code=code)
    assert (again.status_code, again.json()["field"]) == (401, "code")
    assert ask(api, pair(answer), "/api/codes", "POST").status_code == 403, "a cookie makes no codes"
    assert login(api, code="nobodys").status_code == 401
    assert login(api, code="x", token=api.token).status_code == 422
    evil = {"origin": "http://evil.example"}
    code = api.call("POST", "/api/codes").json()["code"]
    assert httpx2.post(f"{api.base}/api/login", json={"code": code}, headers=evil, trust_env=False).status_code == 403
    assert login(api, code=code).status_code == 204


def test_case_hardening_X1_a_code_is_as_good_as_the_token_that_made_it(api: Server, tmp_path: Path) -> None:
    project = api.project(tmp_path / "wall")
    made = api.call("POST", "/api/tokens", {"name": "Mia", "role": "view", "projectId": project}).json()
    bearer = {"authorization": f"Bearer {made['token']}"}
    code = httpx2.post(f"{api.base}/api/codes", headers=bearer, trust_env=False).json()["code"]
    cookie = pair(login(api, code=code))
    assert [one["id"] for one in ask(api, cookie).json()["projects"]] == [project]
    assert ask(api, cookie, "/api/browsers").status_code == 403
    code = httpx2.post(f"{api.base}/api/codes", headers=bearer, trust_env=False).json()["code"]
    assert api.call("DELETE", f"/api/tokens/{made['id']}").status_code == 204
    assert ask(api, cookie).status_code == 401
    assert (answer := login(api, code=code)).status_code == 401, answer.headers


@pytest.mark.skipif(os.getuid() != 0 or not Path("/proc/net/tcp").exists(), reason="needs root to be another user")
def test_case_hardening_X1_another_user_of_the_machine_cannot_spend_a_code(tmp_path: Path) -> None:
    """He reads it in the browser's arguments, and may be the first to come with it."""

    def come(server: tuple[str, int], user: int) -> bool:
        with socket.create_server((server[0], 0)) as listener:
            child = os.fork()
            if child == 0:
                os.setuid(user)
                with socket.create_connection(listener.getsockname()[:2]) as mine:
                    mine.recv(1)
                os._exit(0)
            theirs, address = listener.accept()
            own = of_own_user(address[:2], theirs.getsockname()[:2])
            theirs.close()
            os.waitpid(child, 0)
            return own

    assert come(("127.0.0.1", 0), 0)
    assert not come(("127.0.0.1", 0), 65534)
    assert not of_own_user(("127.0.0.1", 0), ("127.0.0.1", 7070)), "what a proxy's header says is no connection"
    assert not of_own_user(None, None)
    assert not of_own_user(("testclient", 50000), ("127.0.0.1", 7070))


def test_X1_codes_are_few_short_lived_and_not_to_be_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("termwall.system.clock.seconds", lambda: now)
    codes = Codes()
    made = [codes.make(b"t") for _ in range(MOST_CODES + 1)]
    assert [codes.look(one) for one in made] == [False] + [True] * MOST_CODES
    assert len(set(made)) == MOST_CODES + 1
    assert min(map(len, made)) >= 32
    assert [codes.spend(made[1]) for _ in range(2)] == [b"t", None]
    for _ in range(MOST_LOOKS):
        codes.look(made[2])
    assert not codes.look(made[2]), "others came with it too often"
    assert codes.spend(made[2]) is None
    now = 61.0
    assert not any(map(codes.look, made))

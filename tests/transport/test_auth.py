"""Who is asking, and from where: the decisions on header values (X1-X3, W9)."""

from dataclasses import replace

import pytest

from termwall.core.clients import bound
from termwall.core.errors import CloseCode
from termwall.transport.admission import Admitted, Forbidden, Turned, admit, choose_subprotocol
from termwall.transport.auth import Access, Grant, Identity, hash_token

TOKEN = "the-owners-token"
MIAS = Identity("view", "cookie", "Mia", "wall", "g1")
MIA = Grant("g1", hash_token("mias-token"), "view", "Mia", "wall")


def sign_in(rules: Access, token: str, cookie: str | None = None) -> str:
    """A browser's cookie."""
    return rules.sign_in(hash_token(token), "Firefox on Linux", cookie)


def is_mia(who: Identity | None) -> bool:
    """Whether it is, whichever browser she has."""
    return who is not None and replace(who, browser_id=None) == MIAS


def is_owner(who: Identity | None) -> bool:
    """Whether it is the owner, in a browser."""
    return who is not None and replace(who, browser_id=None) == Identity("own", "cookie")


def access(**options: object) -> Access:
    """The rules of a server with one token given to somebody."""
    return Access(TOKEN, instance="ab", grants=lambda: [MIA], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("listens", "host", "fine"),
    [
        ("127.0.0.1", "127.0.0.1:7070", True),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "LOCALHOST:1", True),
        ("127.0.0.1", "[::1]:7070", True),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "127.0.0.1.evil.example", False),
        ("127.0.0.1", "localhost.evil.example:7070", False),
        ("127.0.0.1", "192.168.0.2:7070", False),
        ("127.0.0.1", "wall.example", True),
        ("127.0.0.1", "", False),
        ("127.0.0.1", None, False),
        ("127.0.0.1", "[::1", False),
        ("127.0.0.1", ":7070", False),
        ("0.0.0.0", "192.168.0.2:7070", True),
        ("0.0.0.0", "[fe80::1]:7070", True),
        ("0.0.0.0", "evil.example:7070", False),
        ("box.local", "box.local:7070", True),
    ],
)
def test_X2_a_host_must_name_this_server(listens: str, host: str | None, fine: bool) -> None:
    assert access(host=listens, allowed_hosts=["wall.example"]).check_host(host) is fine


@pytest.mark.parametrize(
    ("origin", "host", "scheme", "fine"),
    [
        ("http://127.0.0.1:7070", "127.0.0.1:7070", "http", True),
        ("http://LOCALHOST:7070/", "localhost:7070", "http", True),
        ("http://127.0.0.1:7071", "127.0.0.1:7070", "http", False),
        ("http://localhost:7070", "127.0.0.1:7070", "http", False),
        ("http://evil.example", "127.0.0.1:7070", "http", False),
        ("https://wall.example", "wall.example", "http", True),  # Behind a proxy that ends TLS.
        ("http://wall.example", "wall.example", "https", False),
        ("https://wall.example", "wall.example:443", "http", True),  # A proxy that writes the port of the scheme.
        ("https://wall.example:443", "wall.example", "http", True),
        ("http://wall.example", "wall.example:80", "http", True),
        ("https://wall.example", "wall.example:80", "http", False),
        ("https://wall.example:8443", "wall.example", "http", False),
        ("https://wall.example:8443", "wall.example:443", "http", False),
        ("https://other.example", "127.0.0.1:7070", "http", True),  # Allowed by the settings.
        ("http://other.example", "127.0.0.1:7070", "http", False),
        ("null", "127.0.0.1:7070", "http", False),
        ("file://", "127.0.0.1:7070", "http", False),
        ("http://[::1", "127.0.0.1:7070", "http", False),
        ("http://a@127.0.0.1:7070", "127.0.0.1:7070", "http", False),
        ("", "127.0.0.1:7070", "http", False),
        ("http://127.0.0.1:7070", None, "http", False),
    ],
)
def test_X2_an_origin_must_be_our_page_or_allowed(origin: str, host: str | None, scheme: str, fine: bool) -> None:
    assert access(allowed_origins=["https://other.example/"]).check_origin(origin, host, scheme) is fine


def test_X1_tokens_and_their_cookies() -> None:
    rules = access()
    assert rules.identify(f"Bearer {TOKEN}", None) == Identity("own", "bearer")
    assert rules.identify("bearer   mias-token ", None) == Identity("view", "bearer", "Mia", "wall", "g1")
    for wrong in ("Bearer", "Bearer ", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"):
        assert rules.identify(wrong, None) is None, wrong
    cookie = sign_in(rules, TOKEN)
    assert TOKEN not in cookie
    assert is_owner(rules.identify(None, f"termwall_ab={cookie}"))
    assert rules.identify(None, f"termwall_cd={cookie}") is None
    assert rules.identify(None, f"termwall_ab={TOKEN}") is None, "a token is no cookie"
    assert rules.identify(f"Bearer {cookie}", None) is None, "a cookie is no token"
    mias = sign_in(rules, "mias-token")
    assert is_mia(rules.identify(None, f"termwall_ab={mias}"))
    other = Access("another-token", instance="ab", browsers=rules.browsers)
    assert other.identify(None, f"termwall_ab={cookie}") is None, "a new token ends all cookies"
    assert other.identify(None, f"termwall_ab={mias}") is None, "a revoked one ends its own"


@pytest.mark.parametrize(
    "theirs",
    ["Basic bWlhOnNlY3JldA==", "Bearer of-another-server", "Bearer", "Negotiate x", "Digest a=b", "", " ", "ü"],
)
def test_case_server_1_an_authorization_for_somebody_else_hides_no_cookie(theirs: str) -> None:
    rules = access()
    for token, is_theirs in ((TOKEN, is_owner), ("mias-token", is_mia)):
        cookie = f"termwall_ab={sign_in(rules, token)}"
        assert is_theirs(rules.identify(theirs, cookie))
        assert is_theirs(rules.identify(theirs, f"termwall_ab=old; {cookie}")), "one of another path"
    assert rules.identify(theirs, None) is None
    assert rules.identify(theirs, "termwall_ab=wrong") is None


@pytest.mark.parametrize(
    "others", ['a={"x": 1}', "a[b]=1", "x=y z", "flag", "", "=", "a=ü", 'b="c;', "termwall_abc=1", "xtermwall_ab=1"]
)
def test_X1_cookies_of_other_servers_on_this_host_do_not_hide_ours(others: str) -> None:
    rules = access()
    cookie = f"termwall_ab={sign_in(rules, TOKEN)}"
    for header in (f"{others}; {cookie}", f"{cookie}; {others}", f"{others};{cookie}"):
        assert is_owner(rules.identify(None, header)), header


def test_X3_roles_are_ordered() -> None:
    may = {
        role: [Identity(role, "bearer").may(wanted) for wanted in ("view", "type", "own")]
        for role in ("view", "type", "own")
    }  # type: ignore[arg-type]
    assert may == {"view": [True, False, False], "type": [True, True, False], "own": [True, True, True]}


def knock(query: str = "projectId=wall", rules: Access | None = None, **headers: str) -> Forbidden | Turned | Admitted:
    """A handshake; an empty header is left out."""
    given = {"host": "127.0.0.1:7070", "authorization": f"Bearer {TOKEN}", **headers}
    given = {name.replace("_", "-"): value for name, value in given.items() if value}
    return admit(given, query, "http", rules or access(), lambda: "new")


@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [
        ("projectId=wall", {"authorization": ""}, CloseCode.UNAUTHORIZED),
        ("projectId=wall", {"authorization": "Bearer x"}, CloseCode.UNAUTHORIZED),
        ("", {}, CloseCode.UNKNOWN_PROJECT),
        ("projectId=", {}, CloseCode.UNKNOWN_PROJECT),
        ("projectId=other", {"authorization": "Bearer mias-token"}, CloseCode.FORBIDDEN),
        ("projectId=wall&clientId=" + "x" * 65, {}, CloseCode.POLICY),
        ("projectId=wall&name=" + "x" * 257, {}, CloseCode.POLICY),
        ("projectId=wall&sessionId=" + "x" * 65, {}, CloseCode.POLICY),
        ("projectId=wall&" + "&".join(f"a{n}=1" for n in range(40)), {}, CloseCode.POLICY),
    ],
)
def test_W9_who_is_turned_away_can_read_why(query: str, headers: dict[str, str], code: CloseCode) -> None:
    verdict = knock(query, sec_websocket_protocol="termwall.v1", **headers)
    assert isinstance(verdict, Turned)
    assert (verdict.code, verdict.subprotocol) == (code, "termwall.v1")
    assert len(verdict.reason.encode()) <= 123, "a close frame holds no more"


def test_W9_a_wrong_host_or_origin_is_http_403() -> None:
    assert isinstance(knock(host="evil.example"), Forbidden)
    assert isinstance(knock(host=""), Forbidden)
    assert isinstance(knock(origin="http://evil.example"), Forbidden)
    assert isinstance(knock(origin="http://evil.example", authorization=""), Forbidden)
    rules = access()
    cookie = f"termwall_ab={sign_in(rules, TOKEN)}"
    assert isinstance(knock(rules=rules, authorization="", cookie=cookie), Forbidden), "a cookie needs an Origin"
    admitted = knock(rules=rules, authorization="", cookie=cookie, origin="http://127.0.0.1:7070")
    assert isinstance(admitted, Admitted)
    assert admitted.hello.browser_id is not None, "its sign-out ends this connection"


def test_W1_the_address_says_who_and_what() -> None:
    verdict = knock(
        "projectId=wall&sessionId=a&clientId=me&resume=1&name=Mia%20M", sec_websocket_protocol="x, termwall.v1"
    )
    assert isinstance(verdict, Admitted)
    hello = verdict.hello
    assert (verdict.project_id, hello.session_id, hello.client_id, hello.resume) == ("wall", "a", "me", True)
    assert (hello.name, hello.binary, hello.role, hello.token_id) == ("Mia M", True, "own", None)
    plain = knock("projectId=wall", authorization="Bearer mias-token")
    assert isinstance(plain, Admitted)
    assert (plain.hello.name, plain.hello.role) == ("Mia", "view")
    assert plain.hello.client_id == bound("connection-new", "g1"), "another token's client, whatever it says (X7)"
    assert (plain.hello.session_id, plain.hello.resume, plain.hello.binary) == (None, False, False)


def test_W2_the_first_subprotocol_we_speak_is_chosen() -> None:
    assert choose_subprotocol(["x", "termwall.v1.json", "termwall.v1"]) == "termwall.v1.json"
    assert choose_subprotocol(["x"]) is None
    assert choose_subprotocol([]) is None

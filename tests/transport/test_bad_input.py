"""What no good client sends: each answer is one of the table (A3), names what was wrong, and nothing is left behind."""

import http.client
import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.support.bound import bound_by_modes
from tests.support.server import Server, running

HALF = "\ud800"
"""Half a surrogate pair: a legal escape of JSON, and no character."""
LONG = "a" * 300
"""No file system takes a longer name than 255 bytes."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server, whose user may not enter every folder."""
    within = bound_by_modes()
    if within is None:
        pytest.skip("root enters every folder here: setpriv (util-linux) is missing")
    folder = tmp_path_factory.mktemp("bad")
    with running(folder / "data", within=within) as server:
        server.project(folder / "work", id="p")
        server.session("p", "cat", id="s")
        yield server


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody may enter."""
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


def refused(api: Server, method: str, path: str, body: Any, code: str, field: str | None, *said: str) -> None:
    """An error of the table, with the field and what its sentence has to name."""
    answer = call(api, method, path, json.dumps(body).encode())
    assert (answer["status"], answer.get("code"), answer.get("field")) == (422, code, field), answer
    assert answer["success"] is False
    assert len(answer["error"]) < 400, "what was sent is not sent back"
    for one in said:
        assert one in answer["error"], answer


def call(api: Server, method: str, path: str, body: bytes | None = None, **headers: str) -> dict[str, Any]:
    """A JSON answer, with its status; the body as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=60)
    try:
        given = {"authorization": f"Bearer {api.token}", "content-type": "application/json", **headers}
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        assert answer.getheader("content-type") == "application/json"
        return {"status": answer.status, **json.loads(answer.read() or b"{}")}
    finally:
        connection.close()


PATHS = [
    ("~nosuchuser", "nosuchuser"),
    ("~nosuchuser/work", "nosuchuser"),
    (f"/{LONG}", "too long"),
    ("/" + "/".join([LONG[:200]] * 30), "too long"),
    ("/dev/null", "/dev/null"),
    ("/dev/null/work", "/dev/null/work"),
    ("/no/such/folder", "/no/such/folder"),
]


@pytest.mark.parametrize(("path", "said"), PATHS)
def test_case_hardening_C2_a_path_that_is_none_is_told_with_what_is_wrong(api: Server, path: str, said: str) -> None:
    refused(api, "POST", "/api/projects", {"path": path}, "invalid", "path", said)
    refused(api, "POST", "/api/projects/p/sessions", {"command": ["true"], "cwd": path}, "cannot_start", "cwd", said)


def test_case_hardening_C2_a_nul_or_half_a_character_names_its_field(api: Server) -> None:
    sessions = "/api/projects/p/sessions"
    for bad in (HALF, f"a{HALF}b", "\udcff"):
        refused(api, "POST", "/api/sessions/s/input", {"data": bad}, "invalid", "data")
        refused(api, "POST", "/api/sessions/s/input", {"data": bad, "mode": "text"}, "invalid", "data")
        refused(api, "POST", "/api/sessions/s/input", {"keys": ["Enter", f"={bad}"]}, "invalid", "keys.1")
        refused(api, "PUT", "/api/terminal/focus", {"projectId": bad, "sessionId": "s"}, "invalid", "projectId")
        refused(api, "PUT", "/api/terminal/focus", {"projectId": "p", "sessionIds": [bad]}, "invalid", "sessionIds.0")
    for bad in (HALF, "\0", "~\0", "~a\0/b", "/a\0b"):
        refused(api, "POST", "/api/projects", {"path": bad}, "invalid", "path")
        refused(api, "POST", sessions, {"command": ["true"], "cwd": bad}, "invalid", "cwd")
        refused(api, "POST", sessions, {"command": ["true", bad]}, "invalid", "command.1")
        refused(api, "POST", sessions, {"command": ["true"], "env": {"A": bad}}, "invalid", "env.A")
    refused(api, "POST", "/api/sessions/s/input", {"base64": "="}, "invalid", "base64")
    assert [one["id"] for one in api.call("GET", sessions).json()["sessions"]] == ["s"], "nothing is left behind"


@pytest.mark.parametrize("name", [HALF, "", "A=B", "A\0", "=", "\udcff", "N" * 131_073])
def test_case_hardening_C10_a_name_that_no_variable_has_is_told_in_our_words(api: Server, name: str) -> None:
    body = {"command": ["true"], "env": {name: "x"}}
    answer = call(api, "POST", "/api/projects/p/sessions", json.dumps(body).encode())
    assert (answer["status"], answer["code"], answer["field"]) == (422, "invalid", "env")
    assert "codec" not in answer["error"]
    assert len(answer["error"]) < 200


def test_case_hardening_C9_a_folder_without_rights_is_the_reason_and_no_project(api: Server, closed: Path) -> None:
    for folder, said in ((closed, "permission to enter"), (closed / "inner", "permission to look at")):
        body = {"command": ["true"], "cwd": str(folder)}
        named = f"`{folder}`"
        refused(api, "POST", "/api/projects/p/sessions", body, "cannot_start", "cwd", said, named)
        refused(api, "POST", "/api/projects", {"path": str(folder)}, "invalid", "path", said, named)
    assert [one["id"] for one in api.call("GET", "/api/projects").json()["projects"]] == ["p"]


BODIES = [
    b"\xff",
    b'{"cols":80,"rows":\xff}',
    b"[" * 100_000,
    b'{"cols":' + b"9" * 5000 + b',"rows":24}',
    b'{"cols":NaN,"rows":24}',
    b'{"cols":Infinity,"rows":24}',
    '{"cols":80,"rows":24}'.encode("utf-16"),
    b'{"cols":80,"rows":24}x',
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_A8_C2_a_body_that_is_no_json_is_told_so(api: Server, body: bytes) -> None:
    answer = call(api, "POST", "/api/sessions/s/resize", body)
    assert (answer["status"], answer["code"]) == (400, "bad_message")


def test_A3_a_range_that_is_none_is_not_asked_for(api: Server) -> None:
    assert api.call("POST", "/api/sessions/s/recording").status_code == 201
    api.call("POST", "/api/sessions/s/input", {"data": "recorded\n"})
    made = api.call("DELETE", "/api/sessions/s/recording").json()["id"]
    cast = f"/api/recordings/{made}/cast"
    assert api.call("GET", cast, headers={"range": "bytes=0-3"}).status_code == 206
    for wrong in ("x", "bytes=5-1", "bytes=a-b", "items=0-1"):
        assert api.call("GET", cast, headers={"range": wrong}).status_code == 200
    beyond = call(api, "GET", cast, None, range="bytes=99999999999999999999-")
    assert (beyond["status"], beyond["code"]) == (416, "invalid")


def test_case_hardening_C2_out_of_descriptors_lists_are_still_there(api: Server) -> None:
    # A connection that is open needs no further descriptor; a new one could not be accepted.
    calls = [
        "/api/projects",
        "/api/projects/p/sessions",
        "/api/sessions/s",
        "/api/tokens",
        "/api/projects/p/recordings",
    ]
    kept = [http.client.HTTPConnection("127.0.0.1", api.port, timeout=60) for _ in (*calls, "/")]
    for one in kept:
        one.request("GET", "/api/health")
        one.getresponse().read()
    before = resource.prlimit(api.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(api.pid, resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        headers = {"authorization": f"Bearer {api.token}"}
        for path in calls:
            kept[0].request("GET", path, headers=headers)
            answer = kept[0].getresponse()
            assert answer.status == 200, (path, answer.read())
            kept.append(kept.pop(0))
        kept[0].request("GET", "/", headers=headers)
        page = kept[0].getresponse()
        problem = json.loads(page.read())
        assert (page.status, problem["code"], page.getheader("retry-after")) == (503, "engine_away", "5")
        assert "descriptors" in problem["error"]
    finally:
        resource.prlimit(api.pid, resource.RLIMIT_NOFILE, before)
        for one in kept:
            one.close()


def test_case_hardening_C7_a_number_that_json_has_no_word_for_is_refused(api: Server) -> None:
    address = f"ws://127.0.0.1:{api.port}/ws/terminal?projectId=p"
    with connect(address, additional_headers={"authorization": f"Bearer {api.token}"}, proxy=None) as ws:
        for number in ("1e400", "-1e400"):
            ws.send(f'{{"type":"heartbeat","timestamp":{number},"requestId":"{number}"}}')
            answer = heard(ws, number)
            assert (answer["type"], answer["code"], answer["field"]) == ("error", "invalid", "timestamp")
        ws.send('{"type":"heartbeat","timestamp":1.5e308,"requestId":"large"}')
        assert heard(ws, "large")["echo"] == 1.5e308
        ws.send('{"type":"input","sessionId":"s","data":"\\ud800","requestId":"half"}')
        answer = heard(ws, "half")
        assert (answer["type"], answer["code"], answer["field"]) == ("error", "invalid", "data")


def heard(ws: Any, request_id: str) -> dict[str, Any]:
    """The answer to a request."""

    def no_json(word: str) -> float:
        raise AssertionError(f"{word} is no JSON")

    while True:
        found = json.loads(ws.recv(60), parse_constant=no_json)
        if found.get("requestId") == request_id:
            return dict(found)

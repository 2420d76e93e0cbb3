"""Calls from the OpenAPI document, with bad values in their bodies: no 500, no answer that is not described (A4)."""

import http.client
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from termwall.core.errors import ERRORS
from tests.fuzz.values import one_of_each, places, replaced, values
from tests.support.server import Server

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]
CODES = {code.value for code in ERRORS} - {"internal"}
TIMEOUT_SECONDS = 120
"""For one answer: never needed, but by a machine that is very busy."""
LONGEST = 1000
"""Characters of a sentence: what was sent is not sent back whole."""


BODIES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("createProject", {"path": "/", "name": "n"}),
    ("updateProject", {"name": "n"}),
    ("createSession", {"command": ["true", "x"], "cwd": "/", "env": {"A": "b"}, "name": "n", "type": "system"}),
    ("updateSession", {"name": "n"}),
    ("writeInput", {"data": "x"}),
    ("writeInput", {"keys": ["Enter"]}),
    ("writeInput", {"base64": "eA=="}),
    ("notifySession", {"message": "m", "source": "s", "state": "done"}),
    ("setFocus", {"projectId": "known", "sessionId": "known"}),
    ("setFocus", {"projectId": "known", "sessionIds": ["known"]}),
    ("createToken", {"name": "n", "projectId": "known"}),
    ("login", {"token": "t"}),
)
"""A good body of each call that takes texts."""


def sweep(server: Server, root: Path) -> "Counter[int]":
    """One bad text of each kind in each text of each call, and as a variable's name. How often each status came."""
    calls = {operation.definition.raw["operationId"]: operation for operation in operations(server)}
    seen: Counter[int] = Counter()
    for name, body in BODIES:
        operation = calls[name]
        path = operation.path.replace("{projectId}", "known").replace("{sessionId}", "known")
        for way in places(body):
            value = body
            for part in way:
                value = value[part]
            if isinstance(value, str):
                for bad in one_of_each(root):
                    seen[_send(server, operation, path, replaced(body, way, bad))] += 1
        for bad in one_of_each(root) if "env" in body else ():
            seen[_send(server, operation, path, replaced(body, ("env", "A"), bad, name=True))] += 1
    return seen


def operations(server: Server) -> list[Any]:
    """Every call of the document."""
    headers = {"authorization": f"Bearer {server.token}"}
    schema = schemathesis.openapi.from_url(f"{server.base}/api/openapi.json", headers=headers, timeout=TIMEOUT_SECONDS)
    return [found.ok() for found in schema.get_all_operations()]


def fuzz(server: Server, operation: Any, root: Path, *, examples: int, number: int | None = None) -> "Counter[int]":
    """Make calls of one kind: half as generated, half with one bad value. How often each status came.

    Args:
        root: a folder of the test's own.
        number: begins the random numbers; None: the same calls each time.
    """
    seen: Counter[int] = Counter()
    headers = {"authorization": f"Bearer {server.token}"}
    # A server that one of the calls before has drained says 503 there, as it is meant to.
    checks = [check for check in CHECKS if operation.path != "/api/health" or check is not not_a_server_error]

    def call(case: schemathesis.Case, data: st.DataObject) -> None:
        for name in ("projectId", "sessionId"):
            if name in case.path_parameters and data.draw(st.booleans()):
                case.path_parameters[name] = "known"
        # A generated command could be any program of this machine: the shape of the call is under test.
        if isinstance(case.body, dict) and case.body.get("command"):
            case.body["command"] = ["true", "x"]
        if isinstance(case.body, dict) and data.draw(st.booleans()):
            way = data.draw(st.sampled_from(places(case.body)))
            body = replaced(case.body, way, data.draw(values(root)), name=bool(way) and data.draw(st.booleans()))
            seen[_send(server, operation, case.formatted_path, body)] += 1
        else:
            seen[case.call_and_validate(headers=headers, checks=checks, timeout=TIMEOUT_SECONDS).status_code] += 1

    run = given(case=operation.as_strategy(), data=st.data())(call)
    if number is not None:
        run = seed(random.Random(number).getrandbits(64))(run)
    settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=number is None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(run)()
    return seen


def _send(server: Server, operation: Any, path: str, body: Any) -> int:
    """A call with a bad value; its status. The body is sent as it is: the library's own check takes no surrogates."""
    headers = {"authorization": f"Bearer {server.token}", "content-type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(operation.method.upper(), path, json.dumps(body).encode(), headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    assert str(answer.status) in operation.responses.status_codes, (answer.status, body)
    if answer.status >= 400:
        problem = json.loads(text)
        assert problem["code"] in CODES, (problem, body)
        assert len(problem["error"]) < LONGEST, problem
    return answer.status

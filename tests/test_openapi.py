"""A4: a schema-driven fuzzer finds no 500 and no undescribed answer."""

from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from termwall.app import create_app
from termwall.config import Settings
from tests.support.server import running

TOKEN = "a-test-token"
CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


def test_A4_no_500_and_no_undescribed_answer(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    # A generated session runs a program that ends by itself.
    (data / "termwall.toml").write_text('[profiles.system]\ncommand = ["true"]\n')
    options = {"TERMWALL_SESSIONS": "8", "TERMWALL_PROJECTS": "32"}
    with running(data, "--token", TOKEN, env=options) as server:
        project = server.project(tmp_path / "work", id="known")
        server.session(project, "cat", id="known")
        headers = {"authorization": f"Bearer {TOKEN}"}
        schema = schemathesis.openapi.from_url(f"{server.base}/api/openapi.json", headers=headers)
        seen = 0
        for found in schema.get_all_operations():
            operation = found.ok()

            @settings(
                max_examples=30,
                deadline=None,
                derandomize=True,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def call(case: schemathesis.Case) -> None:
                # A generated command could be any program of this machine: the shape of the call is under test.
                if isinstance(case.body, dict) and case.body.get("command"):
                    case.body["command"] = ["true"]
                for name in ("projectId", "sessionId"):
                    if name in case.path_parameters and len(str(case.body)) % 2:
                        case.path_parameters[name] = "known"
                case.call_and_validate(headers=headers, checks=CHECKS)

            call()
            seen += 1
        assert seen >= 20


def test_A4_openapi_is_3_1_and_names_every_call(tmp_path: Path) -> None:
    document = create_app(Settings(data_dir=tmp_path, token=TOKEN)).openapi()
    assert document["openapi"].startswith("3.1")
    calls = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert {
        "PUT /api/terminal/focus",
        "GET /api/terminal/focus",
        "GET /api/health",
        "POST /api/projects",
        "PATCH /api/projects/{projectId}",
        "POST /api/projects/{projectId}/sessions",
        "GET /api/sessions/{sessionId}",
        "POST /api/sessions/{sessionId}/restart",
        "POST /api/sessions/{sessionId}/input",
        "GET /metrics",
        "POST /api/sessions/{sessionId}/resize",
        "DELETE /api/sessions/{sessionId}",
    } <= calls
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))

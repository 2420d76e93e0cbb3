"""A4: a schema-driven fuzzer finds no 500 and no undescribed answer."""

from pathlib import Path

from termwall.app import create_app
from termwall.config import Settings
from tests.fuzz.http import fuzz, operations, sweep
from tests.fuzz.stand import fuzzed

TOKEN = "a-test-token"


def test_A4_no_500_and_no_undescribed_answer(tmp_path: Path) -> None:
    with fuzzed(tmp_path) as server:
        refused = sweep(server, tmp_path)
        assert refused[422] > 100, refused
        calls = operations(server)
        assert len(calls) >= 20
        for operation in calls:
            # The calls with paths and texts in their bodies once failed: these get more.
            fuzz(server, operation, tmp_path, examples=30 if operation.method == "post" else 15)


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

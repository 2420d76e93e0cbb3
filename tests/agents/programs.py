"""Real agents, pinned, with a model on loopback that answers nothing of use: what is tried is their keyboard."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEY = "not-a-secret-" + "0" * 20
MODEL = "gpt-5"


class Model:
    """Writes down what it is asked, up to 1,000 requests, and answers each with an empty object."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.port = 0

    def heard(self, text: str) -> bool:
        """Whether somebody sent this in one request."""
        return any(text in one for one in self.asked)


@contextmanager
def running_model() -> Iterator[Model]:
    """A model on a free port."""
    model = Model()

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer({"data": [], "models": []})

        def do_POST(self) -> None:
            if self.headers.get("transfer-encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline().strip() or b"0", 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if len(model.asked) < 1000:
                model.asked.append(body.decode("utf-8", "replace"))
            self._answer({})

        def _answer(self, value: dict[str, Any]) -> None:
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        model.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield model
        server.shutdown()


@dataclass(frozen=True)
class Agent:
    """How an agent is started so that it asks nothing before it takes text."""

    command: tuple[str, ...]
    ready: str
    """What is on its screen when it takes text."""
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """In its home; `PORT` and `FOLDER` stand for the model's port and the folder it runs in."""


AGENTS = {
    "claude": Agent(
        ("claude",),
        "shift+tab to cycle",
        {
            "ANTHROPIC_BASE_URL": "http://127.0.0.1:PORT",
            "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        },
        {
            ".claude.json": json.dumps(
                {
                    "hasCompletedOnboarding": True,
                    "theme": "dark",
                    "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
                    "projects": {"FOLDER": {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}},
                }
            )
        },
    ),
    "codex": Agent(
        ("codex", "--disable", "daemon_auto_start"),
        "Ask Codex to do anything",
        {"LOCAL_KEY": KEY},
        {
            ".codex/config.toml": f'model = "{MODEL}"\nmodel_provider = "local"\ncheck_for_update_on_startup = false\n'
            '[model_providers.local]\nname = "local"\nbase_url = "http://127.0.0.1:PORT/v1"\nenv_key = "LOCAL_KEY"\n'
            'wire_api = "responses"\n[projects."FOLDER"]\ntrust_level = "trusted"\n'
        },
    ),
    "gemini": Agent(
        ("gemini",),
        "Type your message",
        {
            "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:PORT",
            "GEMINI_API_KEY": KEY,
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
        },
        {
            ".gemini/settings.json": json.dumps(
                {
                    "security": {"auth": {"selectedType": "gemini-api-key"}},
                    "general": {"disableAutoUpdate": True, "disableUpdateNag": True},
                    "privacy": {"usageStatisticsEnabled": False},
                }
            )
        },
    ),
    "copilot": Agent(
        ("copilot", "--no-auto-update"),
        "/ commands",
        {
            "COPILOT_PROVIDER_BASE_URL": "http://127.0.0.1:PORT/v1",
            "COPILOT_PROVIDER_API_KEY": KEY,
            "COPILOT_MODEL": MODEL,
        },
        {".copilot/config.json": json.dumps({"trusted_folders": ["FOLDER"], "banner": "never"})},
    ),
}


def furnish(agent: Agent, home: Path, folder: Path, port: int, packages: Path) -> dict[str, str]:
    """Write the agent's files into its home. Returns the environment of its session."""

    def filled(text: str) -> str:
        return text.replace("PORT", str(port)).replace("FOLDER", str(folder))

    for name, text in agent.files.items():
        place = home / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(filled(text))
    folder.mkdir(parents=True, exist_ok=True)
    env = {name: filled(value) for name, value in agent.env.items()}
    return env | {"HOME": str(home), "PATH": f"{packages / '.bin'}:/usr/local/bin:/usr/bin:/bin"}

"""The servers that are fuzzed. Their user may not enter every folder; what a generated session runs ends by itself."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx2

from termwall.config import Settings
from tests.fuzz.sockets import Stand
from tests.support.asgi import mounted
from tests.support.bound import bound_by_modes
from tests.support.server import Server, running

TOKEN = "a-test-token"
PROFILE = '[profiles.system]\ncommand = ["true"]\n'
MESSAGE_BYTES = 65536


@contextmanager
def fuzzed(root: Path) -> Iterator[Server]:
    """A server with a project and a session, both called `known`; it must end without a traceback."""
    data = root / "data"
    data.mkdir()
    (data / "termwall.toml").write_text(PROFILE)
    # Where nothing can take root's rights away, folders without rights are as good as others.
    within = bound_by_modes() or ()
    options = {"TERMWALL_SESSIONS": "8", "TERMWALL_PROJECTS": "32"}
    with running(data, "--token", TOKEN, env=options, within=within) as server:
        server.project(root / "work", id="known")
        server.session("known", "cat", id="known")
        yield server


@contextmanager
def served(root: Path) -> Iterator[Stand]:
    """`termwall serve`: it must end without a traceback."""
    with running(root / "data", "--token", TOKEN, env={"TERMWALL_MESSAGE_BYTES": str(MESSAGE_BYTES)}) as server:
        yield _with_sessions(server.port, root)


@contextmanager
def embedded(root: Path) -> Iterator[Stand]:
    """The application under a plain ASGI server."""
    settings = Settings(data_dir=root / "data", token=TOKEN, message_bytes=MESSAGE_BYTES, outlive=False)
    with mounted(settings) as port:
        yield _with_sessions(port, root)


edges: Mapping[str, Callable[[Path], AbstractContextManager[Stand]]] = {"picows": served, "asgi": embedded}


def _with_sessions(port: int, root: Path) -> Stand:
    base, bearer = f"http://127.0.0.1:{port}/api", {"authorization": f"Bearer {TOKEN}"}
    with httpx2.Client(headers=bearer, trust_env=False, timeout=60) as http:
        http.post(f"{base}/projects", json={"path": str(root), "id": "p"}).raise_for_status()
        for name in ("s", "t"):
            session = {"id": name, "command": ["cat"]}
            http.post(f"{base}/projects/p/sessions", json=session).raise_for_status()
    return Stand(port, TOKEN, "p")

"""Real proxies in front of a real server, each with the text of the docs. Run by `make test-proxies`."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.support.broker import free_port
from tests.support.patience import PATIENCE
from tests.support.server import Server, running

PAGE = Path(__file__).parents[2] / "docs/how-to/reverse-proxy.md"
HOST = "wall.example.org"


def blocks(language: str) -> list[str]:
    """The page's texts for one program, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


class Site:
    """What the texts name, as it is in a test: a certificate, a free port, and a server."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.server = server
        self.port = free_port()
        authority = trustme.CA()
        certificate = authority.issue_cert(HOST)
        self.certificate, self.key, self.both = folder / "wall.pem", folder / "wall.key", folder / "both.pem"
        self.certificate.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
        self.key.write_bytes(certificate.private_key_pem.bytes())
        self.both.write_bytes(certificate.private_key_and_cert_chain_pem.bytes())

    def fit(self, text: str) -> str:
        """A text of the docs with this test's files and ports."""
        for old, new in {
            "/etc/ssl/wall-with-key.pem": str(self.both),
            "/etc/ssl/wall.pem": str(self.certificate),
            "/etc/ssl/wall.key": str(self.key),
            "/etc/nginx/wall.htpasswd": str(self.folder / "htpasswd"),
            "127.0.0.1:7070": f"127.0.0.1:{self.server.port}",
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "bind :443": f"bind 127.0.0.1:{self.port}",
            "*:443": f"127.0.0.1:{self.port}",
        }.items():
            text = text.replace(old, new)
        return text

    @contextmanager
    def runs(self, *command: str, port: int | None = None) -> Iterator[None]:
        """A proxy, from the moment in which it listens to its end."""
        with (self.folder / "proxy.log").open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        try:
            self._wait(process, port or self.port)
            yield
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _wait(self, process: subprocess.Popen[bytes], port: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while not listens(port):
            assert process.poll() is None and time.monotonic() < deadline, (self.folder / "proxy.log").read_text()
            time.sleep(0.02)


def listens(port: int) -> bool:
    """Whether something accepts connections there."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def need(program: str) -> str:
    """Where a program is; `make test-proxies` installs all that are meant."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    assert path is not None, f"{program} is not installed; on Debian: apt install {program}"
    return path


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server behind all proxies, started as the docs say."""
    with running(tmp_path_factory.mktemp("proxies") / "data", "--allowed-hosts", HOST) as one:
        yield one


@pytest.fixture
def server(shared_server: Server, tmp_path: Path) -> Iterator[Server]:
    """The server, with one project, `wall`."""
    shared_server.project(tmp_path / "wall", id="wall")
    yield shared_server
    assert shared_server.call("DELETE", "/api/projects/wall").status_code == 204


@pytest.fixture
def site(tmp_path: Path, server: Server) -> Site:
    """Files and ports for one proxy."""
    return Site(tmp_path, server)


@pytest.fixture
def nginx(site: Site) -> Callable[[str], object]:
    """Starts nginx with a text in its `http` block."""

    def start(text: str) -> object:
        path = site.folder / "nginx.conf"
        temporary = "".join(
            f"{kind}_temp_path {site.folder / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        path.write_text(
            f"daemon off; pid {site.folder / 'nginx.pid'}; error_log stderr warn; worker_processes 1; user root;\n"
            f"events {{ }}\nhttp {{ access_log off;\n{temporary}{site.fit(text)}}}\n"
        )
        return site.runs(need("nginx"), "-c", str(path))

    return start

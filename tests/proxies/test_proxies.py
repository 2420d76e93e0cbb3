"""A page behind each documented proxy: it loads, connects, types, and says what is wrong where the setup is."""

import base64
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.conftest import ARGUMENTS, find_chromium
from tests.e2e.wall_page import WallPage
from tests.proxies.conftest import HOST, Site, blocks, need
from tests.support.broker import free_port
from tests.support.island import Island
from tests.support.link import Link
from tests.support.server import Server, running

Nginx = Callable[[str], AbstractContextManager[None]]
OpenAt = Callable[..., WallPage]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for which the name of the docs is this machine, and every certificate is fine."""
    with sync_playwright() as playwright:
        here = f"--host-resolver-rules=MAP {HOST} 127.0.0.1"
        one = playwright.chromium.launch(executable_path=find_chromium(), args=[*ARGUMENTS, here])
        yield one
        one.close()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[OpenAt]:
    """Opens the page at an address, types in a terminal, reloads, and sees it again."""
    contexts = []

    def open_at(base: str, *, connected: bool = True, server: Server = server, **options: Any) -> WallPage:
        context = browser.new_context(ignore_https_errors=True, viewport={"width": 1200, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(f"{base}/?token={server.token}&project=wall")
        wall = WallPage(page)
        if connected:
            wall.until(lambda: wall.connection() == "connected", "the connection")
        return wall

    yield open_at
    for context in contexts:
        context.close()


@contextmanager
def other_site(folder: Path) -> Iterator[int]:
    """A site that is not termwall's, on a port of its own."""
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>another</title>")
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        yield site.server_port
        site.shutdown()


def use(wall: WallPage, server: Server) -> None:
    """What everybody does first."""
    session = server.session("wall", "cat", name="cat")
    server.focus("wall", session)
    wall.until(lambda: session in wall.stage(), "the pane")
    wall.type(session, "through the proxy\n")
    wall.until(lambda: wall.text(session).count("through the proxy") == 2, "the echo")
    assert "token=" not in wall.page.url
    tls = wall.page.url.startswith("https:")
    assert [(one["secure"], one["httpOnly"]) for one in wall.page.context.cookies()] == [(tls, True)]
    wall.page.reload()
    wall.until(lambda: wall.text(session).count("through the proxy") == 2, "the screen after a reload")
    assert wall.page.evaluate("fetch('api/projects').then(answer => answer.status)") == 200


def test_case_server_2_nginx_with_tls_on_a_port_of_its_own(
    site: Site, nginx: Nginx, visit: OpenAt, server: Server
) -> None:
    with nginx(blocks("nginx")[0]):
        use(visit(f"https://{HOST}:{site.port}"), server)


def test_case_server_2_nginx_on_a_path(site: Site, nginx: Nginx, visit: OpenAt, server: Server) -> None:
    with nginx(f"server {{ listen 127.0.0.1:{site.port};\n{blocks('nginx')[1]}}}"):
        use(visit(f"http://{HOST}:{site.port}/wall"), server)


def test_case_server_1_nginx_with_a_password_of_its_own(
    site: Site, nginx: Nginx, visit: OpenAt, server: Server
) -> None:
    (site.folder / "htpasswd").write_text("mia:{PLAIN}secret\n")
    password = blocks("nginx")[2]
    with nginx(f"{password}server {{ listen 127.0.0.1:{site.port};\n{blocks('nginx')[1]}}}"):
        wall = visit(f"http://{HOST}:{site.port}/wall", http_credentials={"username": "mia", "password": "secret"})
        use(wall, server)
    # By itself, as the proxy sends it on.
    basic = base64.b64encode(b"mia:secret").decode()
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in wall.page.context.cookies())
    headers = {"authorization": f"Basic {basic}", "cookie": cookie}
    assert server.call("GET", "/api/projects", headers=headers).status_code == 200


def test_case_server_2_caddy(site: Site, visit: OpenAt, server: Server) -> None:
    (text,) = blocks("caddy")
    own = text.replace(HOST, f"https://{HOST}:{site.port}", 1).replace(
        "{", f"{{\n    tls {site.certificate} {site.key}", 1
    )
    path = site.folder / "Caddyfile"
    path.write_text(f"{{\n    admin off\n    auto_https disable_redirects\n    skip_install_trust\n}}\n{site.fit(own)}")
    with site.runs(need("caddy"), "run", "--config", str(path), "--adapter", "caddyfile"):
        use(visit(f"https://{HOST}:{site.port}"), server)


def test_case_server_2_haproxy(site: Site, visit: OpenAt, server: Server) -> None:
    (text,) = blocks("haproxy")
    path = site.folder / "haproxy.cfg"
    path.write_text(site.fit(text))
    with site.runs(need("haproxy"), "-db", "-f", str(path)):
        use(visit(f"https://{HOST}:{site.port}"), server)


def test_case_server_2_apache(site: Site, visit: OpenAt, server: Server) -> None:
    (text,) = blocks("apache")
    names = ["mpm_event", "authz_core", "ssl", "socache_shmcb", "proxy", "proxy_http", "headers"]
    modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in names)
    path = site.folder / "apache.conf"
    path.write_text(
        f"ServerRoot {site.folder}\nServerName {HOST}\nPidFile {site.folder / 'apache.pid'}\nErrorLog /dev/stderr\n"
        f"Mutex file:{site.folder}\nDefaultRuntimeDir {site.folder}\n{modules}Listen 127.0.0.1:{site.port}\n"
        + site.fit(text)
    )
    with site.runs(need("apache2"), "-D", "FOREGROUND", "-f", str(path)):
        use(visit(f"https://{HOST}:{site.port}"), server)


def test_case_server_2_a_port_forwarded_by_ssh_may_be_any(site: Site, visit: OpenAt, server: Server) -> None:
    keys = site.folder
    for name in ("host", "user"):
        subprocess.run([need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(keys / name)], check=True)
    (keys / "authorized").write_text((keys / "user.pub").read_text())
    (keys / "sshd.conf").write_text(
        f"ListenAddress 127.0.0.1:{site.port}\nHostKey {keys / 'host'}\nAuthorizedKeysFile {keys / 'authorized'}\n"
        f"PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    with site.runs(need("sshd"), "-D", "-e", "-f", str(keys / "sshd.conf")):
        local = free_port()
        (line,) = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("ssh -L")]
        words = site.fit(line).replace("8080", str(local)).replace("build.example.org", "127.0.0.1").split()
        options = ["-N", "-p", str(site.port), "-i", str(keys / "user")]
        options += ["-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={keys / 'known'}"]
        with site.runs(*words, *options, port=local):
            use(visit(f"http://127.0.0.1:{local}"), server)
            use(visit(f"http://localhost:{local}"), server)


def test_case_server_2_a_forwarded_port_of_a_container(visit: OpenAt, tmp_path: Path) -> None:
    with Island() as container, running(tmp_path / "data", "--host", "0.0.0.0", within=container.within) as inside:
        inside.base = inside.base.replace("127.0.0.1", container.clients)
        inside.project(tmp_path / "wall", id="wall")
        link = Link(inside.port, container.clients)
        try:
            for name in ("127.0.0.1", "localhost"):
                use(visit(f"http://{name}:{link.port}", server=inside), inside)
        finally:
            link.close()


def test_case_server_2_a_proxy_that_is_set_up_wrongly_is_explained_on_the_page_and_in_the_log(
    site: Site, nginx: Nginx, visit: OpenAt, server: Server
) -> None:
    right = blocks("nginx")[0]
    origin = f"https://{HOST}:{site.port}"
    with nginx(right.replace("$http_host", "$host")):
        wall = visit(origin, connected=False)
        wall.until(lambda: f"came with the Host `{HOST}`" in wall.page.inner_text(".bar"), "what is wrong with Host")
    wall.until(lambda: f"a page of the Origin `{origin}` came" in server.errors.read_text(), "the log")
    with nginx(right.replace("proxy_set_header Upgrade", "# proxy_set_header Upgrade")):
        wall = visit(origin, connected=False)
        wall.until(lambda: "Upgrade" in wall.page.inner_text(".bar"), "what is wrong with Upgrade")
    wall.until(lambda: "a WebSocket came without `Upgrade: websocket`" in server.errors.read_text(), "the log")
    with nginx(right.replace("$http_host", "other.example.org")):
        wall = visit(origin, connected=False)
        wall.until(lambda: "`other.example.org` is not served here" in wall.page.inner_text("body"), "the wrong name")
    wall.until(lambda: "the Host `other.example.org` is not served here" in server.errors.read_text(), "the log")


def test_case_hardening_X5_the_cookie_is_secure_behind_a_proxy_that_says_nothing_of_tls(
    site: Site, nginx: Nginx, visit: OpenAt, tmp_path: Path
) -> None:
    text = blocks("nginx")[0].replace("proxy_set_header X-Forwarded-Proto", "# proxy_set_header X-Forwarded-Proto")
    origin = f"https://{HOST}:{site.port}"
    with running(tmp_path / "data", "--public-url", origin) as site.server, nginx(text):
        site.server.project(tmp_path / "wall", id="wall")
        use(visit(origin, server=site.server), site.server)


def test_case_server_2_a_proxy_that_changes_host_needs_an_allowed_origin(
    site: Site, nginx: Nginx, visit: OpenAt, tmp_path: Path
) -> None:
    text = blocks("nginx")[0].replace("proxy_set_header Host", "# proxy_set_header Host")
    origin = f"https://{HOST}:{site.port}"
    with running(tmp_path / "data", "--allowed-origins", origin) as site.server, nginx(text):
        site.server.project(tmp_path / "wall", id="wall")
        use(visit(origin, server=site.server), site.server)


def test_case_server_3_what_a_page_of_another_origin_can_do(visit: OpenAt, tmp_path: Path) -> None:
    """Other ports are the same site, so their pages send the cookie; other names are not."""
    ours = """async base => {
        const opened = await new Promise(resolve => {
            const socket = new WebSocket(`${base.replace("http", "ws")}/ws/terminal?projectId=wall`);
            socket.onmessage = event => resolve(JSON.parse(event.data).type);
            socket.onclose = event => resolve(event.code);
            setTimeout(() => resolve("nothing"), 8000);
        });
        const read = await fetch(`${base}/api/projects`, {credentials: "include"}).then(a => a.status, () => "no CORS");
        return [opened, read];
    }"""
    with other_site(tmp_path / "other") as port:
        origins = [f"http://127.0.0.1:{port}", f"http://localhost:{port}"]
        with running(tmp_path / "data", "--allowed-origins", ",".join(origins)) as server:
            server.project(tmp_path / "wall", id="wall")
            wall = visit(server.base, server=server)
            for origin, opened in zip(origins, ("connection_status", 4401), strict=True):
                wall.page.goto(origin)
                assert wall.page.evaluate(ours, server.base) == [opened, "no CORS"]
        with running(tmp_path / "more") as server:
            server.project(tmp_path / "wall", id="wall")
            wall = visit(server.base, server=server)
            wall.page.goto(origins[0])
            assert wall.page.evaluate(ours, server.base) == [1006, "no CORS"]

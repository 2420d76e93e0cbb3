"""Puts the parts together: an ASGI application, to be mounted or served."""

import asyncio
import logging
import os
import re
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from termwall.cluster.bus.contract import BusError
from termwall.cluster.calls.forward import Forward
from termwall.cluster.node import Node
from termwall.config import Settings, SettingsError, load_environment, load_profiles, secret_files
from termwall.hub.caretaker import caretaker_command
from termwall.hub.service import TerminalService
from termwall.pty.environment import Outfit
from termwall.pty.holder_client import HeldPrograms
from termwall.pty.launcher import write_launcher
from termwall.pty.rendezvous import HolderError
from termwall.screen.screens import Screens
from termwall.store.disk import read_plain, write_private
from termwall.store.folder import keep_private
from termwall.store.salvage import open_store
from termwall.store.secretfiles import warnings
from termwall.system import shortage
from termwall.system.clock import Dates
from termwall.system.deadline import at_most
from termwall.transport.auth import Access, Identity
from termwall.transport.browsers import Browsers
from termwall.transport.gate import Gate
from termwall.transport.http.browsers import browser_routes
from termwall.transport.http.errors import install_errors
from termwall.transport.http.projects import project_routes
from termwall.transport.http.recordings import recording_routes
from termwall.transport.http.search import search_routes
from termwall.transport.http.server import server_routes
from termwall.transport.http.sessions import session_routes
from termwall.transport.http.stage import focus_routes
from termwall.transport.http.tokens import token_routes
from termwall.transport.metrics import Metrics
from termwall.transport.websocket import TerminalEndpoint
from termwall.version import version

log = logging.getLogger("termwall")

SIGNED_OUT = "This browser was signed out"
STATIC = Path(__file__).parent / "static"
SWEEP_SECONDS = 3600.0
"""How often browsers that were not used for too long are signed out, so that their connections end too."""
NODES_SECONDS = 0.75
"""For each part of leaving the other nodes, when the server stops."""
ID_BYTES = 6
"""Bytes of randomness in an id: with 10,000 ids a collision is a matter of 1 in 5 million, and it would be refused."""


_WORD = re.compile(rb"[!-~]{1,4096}")
"""What a token, or the name of an instance, is made of."""


def new_id() -> str:
    """A short random id that begins with a letter."""
    return "s" + secrets.token_hex(ID_BYTES)


def owner_token(settings: Settings) -> str:
    """The owner's token: the given one, or the data folder's, made at the first start (X1)."""
    path = settings.data_dir / "token"
    # A file that a crash left empty is no token: an empty one would let everybody in.
    given = settings.given_token
    if given is None and (kept := _kept(path)):
        return kept
    token = given or secrets.token_urlsafe(24)
    _keep(path, token, "The next start makes another token.")
    return token


def node_name(settings: Settings) -> str:
    """What the other nodes call this one."""
    return settings.node or re.sub(r"[^A-Za-z0-9_-]+", "-", socket.gethostname())[:64] or "node"


def instance_name(settings: Settings) -> str:
    """A name of this data folder's server, for its cookie: another server on another port must not overwrite it."""
    path = settings.data_dir / "instance"
    if kept := _kept(path):
        return kept
    name = secrets.token_hex(4)
    _keep(path, name, "After the next start browsers have to sign in again.")
    return name


def _kept(path: Path) -> str:
    """The word in a file; nothing where it has none that could be sent in a header: then another one is made (L10)."""
    try:
        found = read_plain(path).strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SettingsError(
            f"`{path}` cannot be read: {error.strerror}. Give it back to its user, or move it away."
        ) from None
    if found and not _WORD.fullmatch(found):
        log.error("`%s` holds nothing that can be used; it is replaced.", path)
        return ""
    return found.decode()


def _keep(path: Path, text: str, otherwise: str) -> None:
    """Write it down. On a full disk the server goes on without, and the log says what that means (L5)."""
    try:
        write_private(path, text)
    except OSError as error:
        if error.errno not in shortage.DISK:
            raise
        log.error("`%s` is not written: %s. %s", path, shortage.why(error), otherwise)


def check(settings: Settings) -> None:
    """What can be known to be wrong before anything is started or stopped.

    Raises:
        SettingsError: with what.
    """
    load_profiles(settings, os.environ)
    _ = settings.given_token
    if settings.nats:
        try:
            import termwall.cluster.bus.nats  # noqa: F401
        except ImportError:
            raise SettingsError("Several nodes need one more library: pip install 'termwall[cluster]'.") from None


class Termwall:
    """One server's parts. Made on the event loop that it will run on."""

    def __init__(self, settings: Settings) -> None:
        check(settings)
        keep_private(settings.data_dir)
        for sentence in warnings(secret_files(settings)):
            log.warning("%s", sentence)
        self.settings = settings
        self.bounds = settings.bounds()
        self.store = open_store(settings.data_dir / "termwall.sqlite")
        clock = Dates()
        self.access = Access(
            owner_token(settings),
            instance=instance_name(settings),
            host=settings.host,
            allowed_hosts=settings.reached_by,
            allowed_origins=settings.allowed_origins,
            grants=self.store.tokens,
            public_url=settings.public_url,
            browsers=Browsers(
                self.store,
                clock=clock,
                days=settings.sign_in_days,
                ended=lambda browser: self.service.end_connections(browser, SIGNED_OUT),
            ),
        )
        self._timer: asyncio.TimerHandle | None = None
        folder = settings.data_dir.absolute()
        programs = HeldPrograms(folder, caretaker_command(folder, self.bounds)) if settings.outlive else None
        self.service = TerminalService(
            bounds=self.bounds,
            store=self.store,
            profiles=load_profiles(settings, os.environ),
            max_focused=settings.max_focused,
            clock=clock,
            new_id=new_id,
            screens=Screens(scrollback=self.bounds.scrollback_lines, clipboard=self.bounds.clipboard_bytes),
            programs=programs,
            recordings=settings.data_dir / "recordings",
        )
        self.node = self._join() if settings.nats else None
        self.failure: Exception | None = None
        """Why it could not be started, as a sentence for its user."""
        self.service.outfit = Outfit(
            keep=tuple(settings.keep_env),
            add=load_environment(settings),
            folder=write_launcher(settings.data_dir),
            version=version(),
        )
        # So that `termwall notify` in a session finds its own server.
        self.service.environment["TERMWALL_DATA_DIR"] = str(settings.data_dir.absolute())

    def _join(self) -> Node:
        from termwall.cluster.bus.nats import NatsBus

        settings, run = self.settings, secrets.token_hex(8)
        name = node_name(settings)
        bus = NatsBus(
            settings.nats,
            name,
            run=run,
            name=settings.wall,
            replicas=settings.nats_replicas,
            credentials=settings.nats_credentials,
            tls_ca=settings.nats_ca,
            tls_cert=settings.nats_cert,
            tls_key=settings.nats_key,
        )
        return Node(
            self.service,
            bus,
            run=run,
            role=settings.role,
            version=version(),
            new_id=lambda: f"{name}-{secrets.token_hex(ID_BYTES)}",
        )

    def sweep(self) -> None:
        """Sign out what is over by now, and again each hour."""
        self.access.sweep()
        self._timer = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self.sweep)

    async def close(self) -> None:
        """End what `sweep` and the service's `open` began."""
        if self._timer is not None:
            self._timer.cancel()
        await self.service.close()

    def revoked(self, token_id: str) -> None:
        """A token is no longer valid: end what it opened."""
        self.service.end_connections(token_id, "Your link was revoked")
        self.access.sweep()


def create_app(settings: Settings | None = None) -> FastAPI:
    """The whole of termwall as one ASGI application, to serve or to mount in another one.

    Its lifespan starts and ends the terminals. `app.state.termwall` has the parts: `service` is the Python API.

    Args:
        settings: from the environment if not given.

    Raises:
        SettingsError: a setting, the configuration file or the data folder cannot be used; the message says why.
    """
    termwall = Termwall(settings or Settings())
    service, access, bounds = termwall.service, termwall.access, termwall.bounds

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if service.screens is not None:
            service.screens.start()
        try:
            await service.open()
        except HolderError as error:
            termwall.failure = error
            raise
        try:
            if termwall.node is not None:
                await termwall.node.open()
                # Other nodes may call before the first request comes here, with which Starlette would build it.
                app.middleware_stack = app.middleware_stack or app.build_middleware_stack()
                await forward.open(termwall.node.bus)
        except BusError as error:
            termwall.failure = error
            await service.close()
            raise
        try:
            termwall.sweep()
            yield
            if termwall.node is not None:
                await at_most(NODES_SECONDS, forward.close(), "answering the other nodes")
                await at_most(NODES_SECONDS, termwall.node.close(), "taking leave of the other nodes")
        finally:
            await termwall.close()

    app = FastAPI(
        title="termwall",
        version=version(),
        summary="A project's live terminals, in every browser, in sync.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.termwall = termwall
    _describe_beside_the_loop(app)
    for routes in (focus_routes, project_routes, session_routes, recording_routes, search_routes):
        app.include_router(routes(service))
    app.include_router(
        token_routes(termwall.store, service.clock, service.new_id, termwall.revoked, service.get_project)
    )
    app.include_router(browser_routes(access))
    app.include_router(server_routes(service, access, Metrics(), version()))
    install_errors(app)
    app.router.routes.append(WebSocketRoute("/ws/terminal", TerminalEndpoint(service, access, bounds)))
    app.router.routes.append(Route("/", _page, include_in_schema=False))
    app.mount("/assets", _Assets(directory=STATIC / "assets", check_dir=False))
    node = termwall.node

    async def known(session: str) -> None:
        if node is not None:
            await node.known(session)

    async def heard(project: str) -> None:
        if node is not None:
            await node.heard(project)

    forward = Forward(
        lambda session: None if node is None else node.node_of(session),
        service.recordings.has,
        known,
        lambda project: service.find_room(project) is not None,
        heard,
        Identity.plain,
        lambda plain: Identity(**plain),
    )
    app.add_middleware(forward.over)
    app.add_middleware(Gate, access=access, bounds=bounds, turn=service.budgets.call)
    return app


def _describe_beside_the_loop(app: FastAPI) -> None:
    """Make the API's description in a thread: it takes a quarter of a second, and everybody would wait (L6)."""
    index, own = next((i, one) for i, one in enumerate(app.routes) if getattr(one, "path", "") == app.openapi_url)
    assert isinstance(own, Route)
    answer = own.endpoint

    async def described(request: Any) -> Response:
        await asyncio.to_thread(app.openapi)  # It is kept from then on.
        found: Response = await answer(request)
        return found

    app.router.routes[index] = Route(own.path, described, include_in_schema=False)


async def _page(request: Any) -> Response:
    """The workspace page: never cached, because its assets' names change with each build."""
    page = STATIC / "index.html"
    if not page.exists():
        return HTMLResponse(
            "<!doctype html><title>termwall</title><p>The server runs, but its page was not built. In a checkout, "
            "<code>make build</code> builds it; the API works without it.",
            status_code=200,
        )
    return Response(page.read_bytes(), media_type="text/html", headers={"cache-control": "no-cache"})


class _Assets(StaticFiles):
    """Files whose names carry a hash of their content."""

    async def check_config(self) -> None:
        """A page that was not built is nothing to fail over: there is no such file yet."""
        if not (STATIC / "assets").is_dir():
            raise HTTPException(404)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_cached(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                message["headers"].append((b"cache-control", b"public, max-age=31536000, immutable"))
            await send(message)

        await super().__call__(scope, receive, send_cached)

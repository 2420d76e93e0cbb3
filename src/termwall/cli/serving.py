"""The commands that serve from this process: `termwall` in a folder, and `termwall serve` (A5)."""

import contextlib
import errno
import os
import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from termwall.cli.background import go_on
from termwall.cli.browser import open_browser, open_while_serving
from termwall.cli.options import DataDir, from_file, shown_to_others
from termwall.cli.remote import Remote, fail, here, read_settings, sendable
from termwall.config import Settings, SettingsError
from termwall.core.caption import sentence
from termwall.core.errors import TermwallError
from termwall.store.folder import LOG_NAME, DataFolderError, find_running
from termwall.system import descriptors, shortage

if TYPE_CHECKING:
    from termwall.app import Termwall

LAST_SECONDS = 0.5
"""For the last word about the programs that go on, when a server has stopped."""

NoOpen = Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")]
NoOutlive = Annotated[bool, typer.Option("--no-outlive", help="End the programs with the server.")]


def serve_folder(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    data_dir: DataDir = None,
    no_open: NoOpen = False,
    no_outlive: NoOutlive = False,
) -> None:
    """Serve the current folder as a project and open it in the browser."""
    if show_version:
        from termwall.version import version

        typer.echo(version())
        raise typer.Exit
    if context.invoked_subcommand is not None:
        return
    settings = read_settings(
        port=port, data_dir=data_dir, open=False if no_open else None, outlive=False if no_outlive else None
    )
    folder = here()
    sendable(str(folder))  # Before a server is started for it.
    running = find_running(settings.data_dir)
    if running is not None:
        with Remote(settings.data_dir, running.url, settings.given_token) as remote:
            address, project = remote.address_for(folder)
            code = remote.code() if settings.open else None
        typer.echo(f"termwall runs already; this folder is a project of it now: {address}")
        if code is not None:
            open_browser(running.url, code, project)
        return

    def ready(url: str, termwall: "Termwall") -> None:
        address, known = f"{url}/?token={termwall.access.token}", None
        found = [project for project in termwall.service.list_projects() if project.path == str(folder)]
        try:
            known = (found[0] if found else termwall.service.create_project(path=str(folder))).id
            address += f"&project={quote(known)}"
        except TermwallError as error:  # On a full disk what runs is of use without it.
            typer.echo(f"termwall: this folder is not a project yet: {sentence(str(error))}", err=True)
        typer.echo(f"termwall ready: {address}")
        if settings.open:
            open_while_serving(url, termwall.access.owners_code(), known)

    run_server(settings, ready)


def serve_command(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    data_dir: DataDir = None,
    token: Annotated[
        str | None,
        typer.Option(callback=shown_to_others, help="The owner's token, at least 8 characters; better --token-file."),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(callback=from_file, help="File with the owner's token, at least 8 characters.")
    ] = None,
    max_focused: Annotated[int | None, typer.Option(help="Sessions on the stage of a new project.")] = None,
    heartbeat: Annotated[int | None, typer.Option(help="Milliseconds between a client's heartbeats.")] = None,
    allowed_hosts: Annotated[str | None, typer.Option(help="Further host names, separated by commas.")] = None,
    allowed_origins: Annotated[
        str | None, typer.Option(help="Further origins whose pages may connect, separated by commas.")
    ] = None,
    public_url: Annotated[str | None, typer.Option(help="Address that others reach the server by.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with profiles.")] = None,
    nats: Annotated[
        str | None, typer.Option(help="NATS servers that join this node to others, separated by commas.")
    ] = None,
    node: Annotated[str | None, typer.Option(help="This node's name; else the machine's.")] = None,
    role: Annotated[str | None, typer.Option(help="What the node does: host, gateway or both.")] = None,
    no_open: NoOpen = False,
    no_outlive: NoOutlive = False,
    take_over: Annotated[bool, typer.Option("--take-over", help="End the server that uses the data folder.")] = False,
    only_check: Annotated[
        bool, typer.Option("--check", help="Only say whether settings and configuration are right.")
    ] = False,
) -> None:
    """Run a server for all projects. Every setting can also come from the environment, as TERMWALL_PORT and so on."""
    given = {name: value for name, value in context.params.items() if name in Settings.model_fields}
    given |= {"open": False if no_open else None, "outlive": False if no_outlive else None}
    settings = read_settings(**given | {"take_over": take_over or None})
    if nats and "@" in nats:
        typer.echo("termwall: --nats shows its password to all users of this machine; use TERMWALL_NATS.", err=True)
    if only_check:
        check_settings(settings, before_stop=True)
        return

    def ready(url: str, termwall: "Termwall") -> None:
        address = f"{url}/?token={termwall.access.token}"
        typer.echo(f"termwall ready: {address}")
        sys.stdout.flush()
        if settings.open:
            open_while_serving(url, termwall.access.owners_code())

    run_server(settings, ready)


def check_settings(settings: Settings, *, before_stop: bool = False) -> None:
    """End the command if a server could not be started with them; before a stop, also if not with what is there."""
    from termwall.app import check
    from termwall.cli.compatible import must_be_compatible
    from termwall.pty.rendezvous import HolderError, look

    try:
        check(settings)
        if before_stop:
            must_be_compatible(settings.data_dir)
    except SettingsError as error:
        fail(str(error))
    descriptors.raise_limit()
    with contextlib.suppress(HolderError):  # What that means is found out at the start.
        held = look(settings.data_dir) if settings.outlive else None
        if held is not None and (lacking := descriptors.too_few(held["sessions"])):
            fail(lacking)


def run_server(settings: Settings, ready: "Callable[[str, Termwall], None]") -> None:
    """Serve, and turn what can go wrong at the start into a sentence."""
    # The server's parts take half a second to import, which a command that only talks to one does not need.
    from termwall.app import node_name
    from termwall.cluster.bus.contract import BusError
    from termwall.pty.rendezvous import HolderError, look
    from termwall.server import CannotListen, serve
    from termwall.store.database import StoreError
    from termwall.system.logs import log_to_stderr

    check_settings(settings)  # Before a server is ended that this one takes over from.
    node = node_name(settings) if settings.nats else None
    log_to_stderr(settings.log_level, settings.log_format, node, settings.data_dir / LOG_NAME)
    try:
        serve(settings, ready)
    except (DataFolderError, StoreError, SettingsError, HolderError, BusError) as error:
        fail(str(error))
    except CannotListen as error:
        fail(_cannot_listen(settings, error))
    except (OSError, MemoryError) as error:
        where = f" (`{error.filename}`)" if isinstance(error, OSError) and error.filename else ""
        fail(f"the server cannot run: {shortage.why(error)}{where}.")
    # It hangs: a stop does not wait for what it would say. Or standard error is a file on a full disk.
    with contextlib.suppress(HolderError, OSError):
        held = look(settings.data_dir, LAST_SECONDS)
        # A pipe that nobody empties would keep it waiting.
        if held is not None and held["running"] and select.select((), (sys.stderr,), (), 0)[1]:
            typer.echo(go_on(held["running"]), err=True)
    # All is closed. How a busy machine takes Python apart, and threads that hang, are nobody's concern (L3).
    os._exit(0)


def _cannot_listen(settings: Settings, error: OSError) -> str:
    said = f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}."
    if error.errno != errno.EADDRINUSE or settings.port == 0:
        return said
    another = settings.port + 1 if settings.port < 65535 else settings.port - 1
    made = f' With make: `make run ARGS="--port {another}"`.' if os.environ.get("MAKELEVEL") else ""
    return f"{said} Another program has it. `--port {another}` takes the next one (0: any free one).{made}"

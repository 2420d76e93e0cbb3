"""The `termwall` command: serves a folder, and talks to a running server (A5)."""

import contextlib
import errno
import json
import os
import re
import select
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from termwall.cli.addresses import only_here, public_address
from termwall.cli.agents import notify_command, screen_command, wait_command
from termwall.cli.background import down_command, go_on, restart_command, status_command, up_command
from termwall.cli.browser import browser_app, open_browser, open_while_serving
from termwall.cli.nodes import drain_command, nodes_command
from termwall.cli.recordings import (
    export_command,
    grep_command,
    play_command,
    record_command,
    recordings_command,
)
from termwall.cli.remote import (
    Ca,
    DataDir,
    Json,
    ProjectOption,
    Remote,
    SessionArgument,
    Token,
    TokenFile,
    Url,
    fail,
    from_file,
    here,
    known_project,
    read_settings,
    remote,
    sendable,
    show,
    shown_to_others,
)
from termwall.config import Settings, SettingsError
from termwall.core.caption import caption, sentence
from termwall.core.errors import TermwallError
from termwall.core.session.inputs import TYPED_MILLISECONDS
from termwall.store.folder import LOG_NAME, DataFolderError, find_running
from termwall.system import descriptors, shortage

if TYPE_CHECKING:
    from termwall.app import Termwall

LAST_SECONDS = 0.5
"""For the last word about the programs that go on, when a server has stopped."""

app = typer.Typer(
    add_completion=True,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A project's live terminals, in every browser, in sync. Without a command: serve this folder.",
)
token_app = typer.Typer(help="Tokens for others: what they open, and for whom.", no_args_is_help=True)
app.add_typer(token_app, name="token")
app.add_typer(browser_app, name="browser")
app.command("up")(up_command)
app.command("down")(down_command)
app.command("status")(status_command)
app.command("restart")(restart_command)
app.command("record")(record_command)
app.command("recordings")(recordings_command)
app.command("play")(play_command)
app.command("export")(export_command)
app.command("grep")(grep_command)
app.command("nodes")(nodes_command)
app.command("drain")(drain_command)
app.command("notify")(notify_command)
app.command("screen")(screen_command)
app.command("wait")(wait_command)


NoOutlive = Annotated[bool, typer.Option("--no-outlive", help="End the programs with the server.")]


# ---- serving


@app.callback(invoke_without_command=True)
def serve_folder(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    data_dir: DataDir = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
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
        address = f"{url}/?token={termwall.access.token}"
        found = [project for project in termwall.service.list_projects() if project.path == str(folder)]
        try:
            project = found[0] if found else termwall.service.create_project(path=str(folder))
            address += f"&project={quote(project.id)}"
        except TermwallError as error:  # On a full disk what runs is of use without it.
            typer.echo(f"termwall: this folder is no project yet: {sentence(str(error))}", err=True)
        typer.echo(f"termwall ready: {address}")
        if settings.open:
            open_while_serving(url, termwall.access.owners_code(), project.id)

    run_server(settings, ready)


@app.command("serve")
def serve_command(
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
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
    no_outlive: NoOutlive = False,
    take_over: Annotated[bool, typer.Option("--take-over", help="End the server that uses the data folder.")] = False,
    only_check: Annotated[
        bool, typer.Option("--check", help="Only say whether settings and configuration are right.")
    ] = False,
) -> None:
    """Run a server for all projects. Every setting can also come from the environment, as TERMWALL_PORT and so on."""
    settings = read_settings(
        host=host,
        port=port,
        data_dir=data_dir,
        token=token,
        token_file=token_file,
        max_focused=max_focused,
        heartbeat=heartbeat,
        allowed_hosts=allowed_hosts,
        allowed_origins=allowed_origins,
        public_url=public_url,
        config=config,
        nats=nats,
        node=node,
        role=role,
        open=False if no_open else None,
        outlive=False if no_outlive else None,
        take_over=take_over or None,
    )
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


# ---- talking to a server


@app.command("run", context_settings={"ignore_unknown_options": True})
def run_command(
    command: Annotated[list[str] | None, typer.Argument(help="The program and its arguments, after --.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the session.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Profile, such as system or claude.")] = None,
    node: Annotated[str | None, typer.Option(help="The node to run it on, where there are several.")] = None,
    focus: Annotated[bool, typer.Option("--focus", help="Put it on the stage at once.")] = False,
    project: ProjectOption = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Start a session in this folder: `termwall run --name tests -- pytest -q`."""
    with remote(data_dir, url, token) as server:
        target = known_project(project) if project else server.project_for(here())
        given = {"command": command, "name": name, "type": kind, "node": node}
        body = {"cwd": str(here()), **{key: value for key, value in given.items() if value}}
        session = server.call("POST", f"/api/projects/{target}/sessions", body)
        if focus:
            server.call("PUT", "/api/terminal/focus", {"projectId": target, "sessionId": session["id"]})
        show(session, as_json, lambda one: str(one["id"]))


@app.command("ls")
def list_command(
    project: ProjectOption = None,
    every: Annotated[bool, typer.Option("--all", "-a", help="Of all projects.")] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """List the sessions of a project."""
    with remote(data_dir, url, token) as server:
        if every:
            projects = [str(one["id"]) for one in server.call("GET", "/api/projects")["projects"]]
        else:
            projects = [known_project(project) if project else server.project_for(here())]
        sessions = [
            one for place in projects for one in server.call("GET", f"/api/projects/{place}/sessions")["sessions"]
        ]
    if as_json:
        typer.echo(json.dumps({"sessions": sessions}))
        return
    for one in sessions:
        state = one["attention"]["reason"] if one["status"] == "exited" else one["attention"]["state"]
        mark = "*" if one["focused"] else " "
        place = f"  on {one['node']}" if one["node"] else ""
        what = one["title"] or " ".join(one["command"])
        typer.echo(caption(f"{mark} {one['id']}  {one['name']:<20} {state:<16} {what}{place}"))


@app.command("send")
def send_command(
    session: SessionArgument,
    text: Annotated[list[str], typer.Argument(help="What to type; - reads standard input. With --keys: keys.")],
    keys: Annotated[
        bool, typer.Option("--keys", help="Press keys: Enter, Up, F5, C-c, M-x, S-Tab, x; =TEXT types text.")
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Exactly these bytes, whatever they do.")] = False,
    paste: Annotated[bool, typer.Option("--paste", help="As a paste, a single character too.")] = False,
    enter: Annotated[
        bool | None, typer.Option("--enter/--no-enter", help="Press Enter after it; so it is for text.")
    ] = None,
    project: ProjectOption = None,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Type text into a session, as a person would, and press Enter; or press keys, or send bytes."""
    if keys + raw + paste > 1:
        fail("--keys, --raw and --paste exclude each other.", 2)
    body: dict[str, Any] = {"enter": not (keys or raw) if enter is None else enter}
    if keys:
        if "" in text:
            fail("a key has a name; one that was given is empty.", 2)
        body["keys"] = text
    else:
        body |= {"mode": "raw" if raw else "paste" if paste else "text", **_typed(text, raw)}
    with remote(data_dir, url, token) as server:
        found = server.find(project, session)
        server.call("POST", f"/api/sessions/{found['id']}/input", body | server.until(TYPED_MILLISECONDS))


def _typed(text: list[str], raw: bool) -> dict[str, str]:
    """Arguments or standard input: as text where it is, else as bytes."""
    data = sys.stdin.buffer.read() if text == ["-"] else os.fsencode(" ".join(text))
    if text == ["-"] and not raw:
        data = re.sub(rb"\r?\n\Z", b"", data)  # The end of the last line ends the file, not what is typed.
    try:
        return {"data": data.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode()}


def change_stage(sessions: list[str], focused: bool, project: str | None, as_json: bool, server: Remote) -> None:
    """Focus or blur sessions and print the stage."""
    found = [server.find(project, one) for one in sessions]
    projects = {one["projectId"] for one in found}
    if len(projects) > 1:
        fail("the sessions belong to more than one project.")
    body: dict[str, Any] = {"projectId": projects.pop(), "focused": focused}
    if len(found) == 1:
        body["sessionId"] = found[0]["id"]
    else:
        body["sessionIds"] = [one["id"] for one in found]
    state = server.call("PUT", "/api/terminal/focus", body)
    show(state, as_json, lambda one: f"version {one['version']}: {' '.join(one['focusedSessions']) or 'nothing'}")


@app.command("focus")
def focus_command(
    sessions: Annotated[list[str], typer.Argument(help="Ids or names; several become the whole stage.")],
    project: ProjectOption = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Put a session on the stage, for everybody."""
    with remote(data_dir, url, token) as server:
        change_stage(sessions, True, project, as_json, server)


@app.command("blur")
def blur_command(
    sessions: Annotated[list[str], typer.Argument(help="Ids or names.")],
    project: ProjectOption = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Take sessions from the stage, for everybody."""
    with remote(data_dir, url, token) as server:
        change_stage(sessions, False, project, as_json, server)


@app.command("close")
def close_command(
    session: SessionArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    project: ProjectOption = None,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """End a session's program and forget the session; asks while a program runs."""
    with remote(data_dir, url, token) as server:
        found = server.find(project, session)
        found = server.call("GET", f"/api/sessions/{found['id']}")
        if found["foreground"] and not yes:
            if not sys.stdin.isatty():
                fail(f"`{found['foreground']}` runs in it; say --yes to end it.")
            typer.confirm(caption(f"`{found['foreground']}` runs in {found['name']}. End it?"), abort=True)
        server.call("DELETE", f"/api/sessions/{found['id']}")


@app.command("attach")
def attach_command(
    session: SessionArgument,
    project: ProjectOption = None,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    r"""Show a session in this terminal and type into it; Ctrl-\ leaves it running."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail("attach needs a terminal; `termwall send` types without one.")
    from termwall.cli.attach import AttachError, attach_terminal

    with remote(data_dir, url, token) as server:
        found = server.find(project, session)
        if found["status"] in ("exited", "lost"):
            fail(f"`{found['name']}` has ended ({found['attention']['reason']}); `termwall screen` shows what is left.")
        if not found["focused"]:
            body = {"projectId": found["projectId"], "sessionId": found["id"]}
            server.call("PUT", "/api/terminal/focus", body)
        try:
            reason = attach_terminal(server.url, server.token, found["projectId"], found["id"])
        except AttachError as error:
            fail(f"{str(error).rstrip('.')}.")
    typer.echo(f"[{caption(reason)}]")


# ---- tokens


@token_app.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="For whom.")],
    role: Annotated[str, typer.Option(help="view, type or own.")] = "view",
    project: Annotated[str | None, typer.Option("--project", "-p", help="Only this project.")] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Make a token for somebody; it is shown once."""
    with remote(data_dir, url, token) as server:
        body: dict[str, Any] = {"name": name, "role": role}
        if project:
            body["projectId"] = project
        made = server.call("POST", "/api/tokens", body)
        query = f"&project={quote(project)}" if project else ""
        address = public_address(server)
        show({**made, "url": f"{address}/?token={made['token']}{query}"}, as_json, lambda one: str(one["url"]))
        if only_here(address):
            typer.echo(
                "termwall: this address works on this machine only. To give it to others, see --public-url, --host and "
                "--allowed-hosts of `termwall serve`.",
                err=True,
            )


@token_app.command("list")
def token_list(
    as_json: Json = False,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """List the tokens given to others."""
    with remote(data_dir, url, token) as server:
        found = server.call("GET", "/api/tokens")
    if as_json:
        typer.echo(json.dumps(found))
        return
    for one in found["tokens"]:
        typer.echo(caption(f"{one['id']}  {one['role']:<5} {one['projectId'] or 'all projects':<20} {one['name']}"))


@token_app.command("revoke")
def token_revoke(
    id: Annotated[str, typer.Argument(help="The token's id, from `termwall token list`.")],
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """End a token, and the connections it opened."""
    with remote(data_dir, url, token) as server:
        known = {one["id"] for one in server.call("GET", "/api/tokens")["tokens"]}
        if id not in known:
            fail(f"there is no token `{id}`; `termwall token list` shows them.")
        server.call("DELETE", f"/api/tokens/{quote(id)}")

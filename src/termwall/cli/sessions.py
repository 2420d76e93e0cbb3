"""The commands about sessions: run, ls, send, focus, blur, close, attach (A5)."""

import os
import re
import sys
from base64 import b64encode
from typing import Annotated, Any

import typer

from termwall.cli.options import SERVER, Options, Project, SessionArgument, Yes, takes
from termwall.cli.remote import fail, here
from termwall.core.caption import caption
from termwall.core.session.inputs import TYPED_MILLISECONDS


@takes("project", "as_json", *SERVER)
def run_command(
    options: Options,
    command: Annotated[list[str] | None, typer.Argument(help="The program and its arguments, after --.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the session.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Profile, such as system or claude.")] = None,
    node: Annotated[str | None, typer.Option(help="The node to run it on, where there are several.")] = None,
    focus: Annotated[bool, typer.Option("--focus", help="Put it on the stage at once.")] = False,
) -> None:
    """Start a session in this folder: `termwall run --name tests -- pytest -q`."""
    with options.server() as server:
        target = server.project(options.project)
        given = {"command": command, "name": name, "type": kind, "node": node}
        body = {"cwd": str(here()), **{key: value for key, value in given.items() if value}}
        session = server.call("POST", f"/api/projects/{target}/sessions", body)
        if focus:
            server.call("PUT", "/api/terminal/focus", {"projectId": target, "sessionId": session["id"]})
        options.show(session, lambda one: [str(one["id"])])


@takes("as_json", *SERVER)
def list_command(
    options: Options,
    project: Project = None,
    every: Annotated[bool, typer.Option("--all", "-a", help="Of all projects.")] = False,
) -> None:
    """List the sessions of a project."""
    with options.server() as server:
        sessions = server.sessions(server.every_project() if every else [server.project(project)])
    options.show({"sessions": sessions}, lambda found: map(_line, found["sessions"]))


def _line(one: dict[str, Any]) -> str:
    state = one["attention"]["reason"] if one["status"] == "exited" else one["attention"]["state"]
    mark = "*" if one["focused"] else " "
    place = f"  on {one['node']}" if one["node"] else ""
    what = one["title"] or " ".join(one["command"])
    return f"{mark} {one['id']}  {one['name']:<20} {state:<16} {what}{place}"


@takes("project", *SERVER)
def send_command(
    options: Options,
    session: SessionArgument,
    text: Annotated[list[str], typer.Argument(help="What to type; - reads standard input. With --keys: keys.")],
    keys: Annotated[
        bool, typer.Option("--keys", help="Press keys: Enter, Up, F5, C-c, M-x, S-Tab, x; =TEXT types text.")
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Exactly these bytes, whatever they do.")] = False,
    paste: Annotated[bool, typer.Option("--paste", help="As a paste, a single character too.")] = False,
    enter: Annotated[
        bool | None, typer.Option("--enter/--no-enter", help="Press Enter after it; text alone gets one anyway.")
    ] = None,
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
    with options.server() as server:
        found = server.find(options.project, session)
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


def _change_stage(options: Options, sessions: list[str], *, focused: bool) -> None:
    """Focus or blur sessions and print the stage."""
    with options.server() as server:
        found = [server.find(options.project, one) for one in sessions]
        projects = {one["projectId"] for one in found}
        if len(projects) > 1:
            fail("the sessions belong to more than one project.")
        ids = [one["id"] for one in found]
        which = {"sessionId": ids[0]} if len(ids) == 1 else {"sessionIds": ids}
        body = {"projectId": projects.pop(), "focused": focused, **which}
        state = server.call("PUT", "/api/terminal/focus", body)
    options.show(state, lambda one: [f"version {one['version']}: {' '.join(one['focusedSessions']) or 'nothing'}"])


@takes("project", "as_json", *SERVER)
def focus_command(
    options: Options,
    sessions: Annotated[list[str], typer.Argument(help="Ids or names; several become the whole stage.")],
) -> None:
    """Put a session on the stage, for everybody."""
    _change_stage(options, sessions, focused=True)


@takes("project", "as_json", *SERVER)
def blur_command(options: Options, sessions: Annotated[list[str], typer.Argument(help="Ids or names.")]) -> None:
    """Take sessions from the stage, for everybody."""
    _change_stage(options, sessions, focused=False)


@takes("project", *SERVER)
def close_command(options: Options, session: SessionArgument, yes: Yes = False) -> None:
    """End a session's program and forget the session; asks while a program runs."""
    with options.server() as server:
        found = server.find(options.project, session)
        found = server.call("GET", f"/api/sessions/{found['id']}")
        if found["foreground"] and not yes:
            if not sys.stdin.isatty():
                fail(f"`{found['foreground']}` runs in it; say --yes to end it.")
            typer.confirm(caption(f"`{found['foreground']}` runs in {found['name']}. End it?"), abort=True)
        server.call("DELETE", f"/api/sessions/{found['id']}")


@takes("project", *SERVER)
def attach_command(options: Options, session: SessionArgument) -> None:
    r"""Show a session in this terminal and type into it; Ctrl-\ leaves it running."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail("attach needs a terminal; `termwall send` types without one.")
    from termwall.cli.attach import AttachError, attach_terminal

    with options.server() as server:
        found = server.find(options.project, session)
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

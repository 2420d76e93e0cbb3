"""The commands for agents and scripts: say what a session is, see its screen, wait for it (A5, S9)."""

import asyncio
import json
import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from termwall.cli import hook
from termwall.cli.remote import (
    Ca,
    DataDir,
    Json,
    ProjectOption,
    SessionArgument,
    Token,
    TokenFile,
    Url,
    fail,
    known_id,
    remote,
    show,
)

TIMED_OUT = 124
"""The exit code of `timeout`, which scripts know."""


class NotifyChoice(StrEnum):
    """States as they are written on the command line."""

    NEEDS_INPUT = "needs-input"
    DONE = "done"
    WORKING = "working"
    IDLE = "idle"


class ScreenChoice(StrEnum):
    """Forms of a screen."""

    TEXT = "text"
    ANSI = "ansi"
    JSON = "json"


def notify_command(
    message: Annotated[str, typer.Argument(help="What the user reads.")] = "",
    state: Annotated[NotifyChoice, typer.Option(help="What the session is now.")] = NotifyChoice.NEEDS_INPUT,
    session: Annotated[
        str | None,
        typer.Option(envvar="TERMWALL_SESSION_ID", help="A session's id or name; else the one this runs in."),
    ] = None,
    source: Annotated[str, typer.Option(help="Who says so, for the evidence.")] = "notify",
    from_hook: Annotated[
        bool, typer.Option("--hook", help="Read a Claude Code hook's JSON from standard input; never fails.")
    ] = False,
    project: ProjectOption = None,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Say what a session wants from its user: `make; termwall notify "make has ended"`."""
    if from_hook:
        hook.main(session)
        return
    if session is None:
        fail("this is no termwall session; name one with --session.")
    # What a script says may hold a file's name: of bytes that are no UTF-8 the rest is worth saying.
    message = os.fsencode(message).decode("utf-8", "replace")[: hook.MAX_MESSAGE]
    body = {"state": state.value.replace("-", " "), "message": message, "source": source}
    with remote(data_dir, url, token) as server:
        if session != os.environ.get("TERMWALL_SESSION_ID"):
            session = str(server.find(project, session)["id"])
        session = known_id(session, "session", "termwall ls")
        server.call("POST", f"/api/sessions/{session}/notify", body)


def screen_command(
    session: SessionArgument,
    scrollback: Annotated[int, typer.Option(min=0, max=100_000, help="Lines above the screen.")] = 0,
    form: Annotated[ScreenChoice, typer.Option("--format", help="text, ansi (with colours) or json.")] = (
        ScreenChoice.TEXT
    ),
    project: ProjectOption = None,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Print what a session shows now, focused or not."""
    with remote(data_dir, url, token) as server:
        found = server.find(project, session)
        path = f"/api/sessions/{found['id']}/screen?format={form.value}&scrollback={scrollback}"
        text = server.ask("GET", path).text
    # The program's own words, whatever the terminal's encoding can show of them; the empty rows below them say nothing.
    sys.stdout.buffer.write(text.rstrip("\n").encode() + b"\n")


def wait_command(
    session: SessionArgument,
    until: Annotated[
        list[str],
        typer.Option(help="idle, needs-input, done, working, exit or text=RE; of several, any."),
    ],
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds; then the exit code is 124.")] = None,
    project: ProjectOption = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Wait for a session, and print what it is. Exit code 1: it ended before; 124: the time is over."""
    # WebSockets and messages take a tenth of a second to import, for this command only.
    from termwall.cli.waiting import EndedFirst, GoalError, Goals, WaitError, Waiting

    try:
        goals = Goals.parse(until)
    except GoalError as error:
        fail(str(error), 2)
    with remote(data_dir, url, token) as server:
        found = server.find(project, session)
        waiting = Waiting(server.url, server.token, found["projectId"], found["id"], goals)

    async def wait() -> dict[str, object]:
        async with asyncio.timeout(timeout):
            return await waiting.run()

    try:
        ended = asyncio.run(wait())
    except TimeoutError:
        fail(f"`{session}` did not get there within {timeout:g} s.", TIMED_OUT)
    except WaitError as error:
        fail(str(error))
    except EndedFirst as error:
        if as_json and error.session is not None:
            typer.echo(json.dumps(error.session))
        fail(f"`{session}`: {error}.")
    show(
        ended,
        as_json,
        lambda one: "closed" if one.get("removed") else f"{one['attention']['state']}: {one['attention']['reason']}",
    )

"""The commands for agents and scripts: say what a session is, see its screen, wait for it (A5, S9)."""

import asyncio
import os
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from termwall.cli import hook
from termwall.cli.options import SERVER, Options, SessionArgument, takes
from termwall.cli.remote import fail, known_id

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


@takes("project", *SERVER)
def notify_command(
    options: Options,
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
) -> None:
    """Say what a session wants from its user: `make; termwall notify "make has ended"`."""
    if from_hook:
        hook.main(session)
        return
    if session is None:
        fail("this is not a termwall session; name one with --session.")
    # What a script says may hold a file's name: of bytes that are no UTF-8 the rest is worth saying.
    message = os.fsencode(message).decode("utf-8", "replace")[: hook.MAX_MESSAGE]
    body = {"state": state.value.replace("-", " "), "message": message, "source": source}
    with options.server() as server:
        if session != os.environ.get("TERMWALL_SESSION_ID"):
            session = str(server.find(options.project, session)["id"])
        session = known_id(session, "session", "termwall ls")
        server.call("POST", f"/api/sessions/{session}/notify", body)


@takes("project", *SERVER)
def screen_command(
    options: Options,
    session: SessionArgument,
    scrollback: Annotated[int, typer.Option(min=0, max=100_000, help="Lines above the screen.")] = 0,
    form: Annotated[ScreenChoice, typer.Option("--format", help="text, ansi (with colours) or json.")] = (
        ScreenChoice.TEXT
    ),
) -> None:
    """Print what a session shows now, focused or not."""
    with options.server() as server:
        found = server.find(options.project, session)
        path = f"/api/sessions/{found['id']}/screen?format={form.value}&scrollback={scrollback}"
        text = server.ask("GET", path).text
    # The program's own words, whatever the terminal's encoding can show of them; the empty rows below them say nothing.
    sys.stdout.buffer.write(text.rstrip("\n").encode() + b"\n")


@takes("project", "as_json", *SERVER)
def wait_command(
    options: Options,
    session: SessionArgument,
    until: Annotated[
        list[str], typer.Option(help="idle, needs-input, done, working, exit or text=RE; of several, any.")
    ],
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds; then the exit code is 124.")] = None,
) -> None:
    """Wait for a session, and print what it is. Exit code 1: it ended before; 124: the time is over."""
    # WebSockets and messages take a tenth of a second to import, for this command only.
    from termwall.cli.waiting import EndedFirst, GoalError, Goals, WaitError, Waiting

    try:
        goals = Goals.parse(until)
    except GoalError as error:
        fail(str(error), 2)
    with options.server() as server:
        found = server.find(options.project, session)
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
        if options.as_json and error.session is not None:
            options.show(error.session, lambda one: ())
        fail(f"`{session}`: {error}.")
    options.show(ended, _said)


def _said(one: dict[str, Any]) -> list[str]:
    return ["closed" if one.get("removed") else f"{one['attention']['state']}: {one['attention']['reason']}"]

"""`termwall status`: what runs in a data folder, and what waits for an answer (A5, P5)."""

import json
import time
from pathlib import Path
from typing import Any

import typer

from termwall.cli.options import DataDir, Json
from termwall.cli.remote import Remote, Unanswered, fail, read_settings
from termwall.config import Settings
from termwall.core.caption import caption
from termwall.pty.rendezvous import HolderError, HolderSilent, look
from termwall.store.folder import Running, find_running

ASK_SECONDS = 3.0
"""For each thing that it asks the server, and for all of them."""
NOT_RUNNING = 3
"""Its exit code then, as service managers have it."""


def status_command(as_json: Json = False, data_dir: DataDir = None) -> None:
    """Show what runs: the server, the programs, and what waits for an answer."""
    from termwall.version import version

    settings = read_settings(data_dir=data_dir)
    running = find_running(settings.data_dir)
    found: dict[str, Any] = {
        "server": None if running is None else {"url": running.url, "pid": running.pid, "version": running.version},
        "holder": _holder(settings.data_dir),
        "dataDir": str(settings.data_dir.absolute()),
        "attention": {},
        "sealed": [],
        "problems": [],
        "installed": version(),
    }
    if running is not None:
        found["server"]["answers"] = _ask_server(settings, running, found)
    elif found["holder"] is not None:
        found["sealed"] = _hidden(found["holder"])
    if as_json:
        typer.echo(json.dumps(found))
    else:
        for line in _lines(found):
            typer.echo(caption(line))
    if running is None:
        raise typer.Exit(NOT_RUNNING)


def _holder(folder: Path) -> dict[str, Any] | None:
    try:
        held = look(folder)
    except HolderSilent as error:
        return {"pid": error.pid, "running": None, "answers": False}
    except HolderError as error:
        fail(str(error))
    if held is None:
        return None
    layouts = held.get("layouts", {})
    return {"pid": held["pid"], "running": held["running"], "answers": True, "layouts": layouts}


def _hidden(holder: dict[str, Any]) -> list[dict[str, str | None]]:
    """The programs of a holder that this version would not show."""
    from termwall.cli.compatible import hidden_programs, programs

    return [{"name": None, "why": f"{programs(count)}: {why}"} for why, count in hidden_programs(holder).items()]


def _ask_server(settings: Settings, running: Running, found: dict[str, Any]) -> bool | None:
    """Count what its sessions want, and what it cannot read. False where it does not answer in time; None where it
    cannot be asked, for no token is known, which is said then.
    """
    until, states = time.monotonic() + ASK_SECONDS, found["attention"]
    try:
        remote = Remote(settings.data_dir, running.url, settings.given_token, seconds=ASK_SECONDS)
    except typer.Exit:
        return None
    with remote as server:
        try:
            for project in server.call("GET", "/api/projects")["projects"]:
                for one in server.call("GET", f"/api/projects/{project['id']}/sessions")["sessions"]:
                    state = one["attention"]["state"]
                    states[state] = states.get(state, 0) + 1
                    if one.get("sealed"):
                        found["sealed"].append({"name": one["name"], "why": one["sealed"]})
                if time.monotonic() > until:
                    return False
            if running.version == found["installed"]:  # An earlier one does not know the question.
                found["problems"] = server.call("GET", "/api/problems")["problems"]
        except Unanswered:
            return False
    return True


def _lines(found: dict[str, Any]) -> list[str]:
    server, holder = found["server"], found["holder"]
    lines = ["server    does not run; `termwall up` starts it"]
    if server is not None:
        lines = [f"server    {server['url']}, process {server['pid']}, version {server['version']}"]
        if server["version"] != found["installed"]:
            lines.append(f"          version {found['installed']} is installed; `termwall restart` changes to it")
        if server["answers"] is False:
            lines.append("          it does not answer; `termwall restart` ends it after 10 s and starts another one")
    if holder is None:
        lines.append("programs  none that would outlive the server")
    elif not holder["answers"]:
        which = "" if holder["pid"] is None else f", {holder['pid']},"
        lines.append(f"programs  are not known: the process{which} that holds them does not answer")
    else:
        lines.append(f"programs  {holder['running']} run, held by process {holder['pid']}; they outlive the server")
    if found["sealed"]:
        verb = "is" if len(found["sealed"]) == 1 else "are"
        lines.append(f"sealed    {len(found['sealed'])} {verb} listed, and can only be closed:")
        lines += [f"          {': '.join(filter(None, (one['name'], one['why'])))}" for one in found["sealed"]]
    lines.append(f"data      {found['dataDir']}")
    lines += [f"          {one}" for one in found["problems"]]
    states = ", ".join(f"{count} {state}" for state, count in sorted(found["attention"].items()))
    return [*lines, f"sessions  {states}"] if states else lines

"""The commands that start and stop a server in the background: up, down, status, restart (A5, P5)."""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import IO, Annotated, NoReturn

import typer

from termwall.cli.options import DataDir, Json, Yes
from termwall.cli.remote import Remote, fail, here, read_settings, sendable, warn_of
from termwall.pty.groups import gone, kill_held
from termwall.pty.rendezvous import HolderError, HolderSilent, look
from termwall.store.folder import (
    LOG_NAME,
    DataFolderError,
    Running,
    data_folder,
    find_crashed,
    find_running,
    keep_private,
    private,
    stop_running,
)
from termwall.system import shortage

START_SECONDS = 120.0
"""Until a server that says nothing, and has not ended either, is taken for one that hangs: a start is two seconds of
work, and each wait in it has a limit of its own."""
END_SECONDS = 8.0
"""Until a holder that was asked to end its programs, which takes it 6 s at most, is killed with them."""
CHECK_SECONDS = 120.0
"""Until a check of the settings, which is a process that takes a second of work, is taken for one that hangs."""
KILLED_SECONDS = 2.0
"""For what was killed to be gone; what waits for a disk is not waited for."""
LOOK_SECONDS = 0.02
LOG_BYTES = 1 << 20
"""A longer log of earlier servers is begun anew."""
AGAIN = "restart.json"
"""In the data folder, while a restart is under way: the settings of the server that it stopped."""


def _programs(count: int) -> str:
    return "1 program is" if count == 1 else f"{count} programs are"


def go_on(count: int) -> str:
    """What a command says of programs that outlive the server."""
    programs = "1 program goes" if count == 1 else f"{count} programs go"
    return f"{programs} on running; `termwall up` shows them again, `termwall down --all` ends them."


def up_command(
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Start a server in the background, with this folder as a project, and print its address."""
    settings = read_settings(port=port, host=host, data_dir=data_dir)
    folder = here()
    sendable(str(folder))  # Before a server is started for it.
    if settings.token_file is not None and not settings.token:
        warn_of(settings.token_file)
    running, token = find_running(settings.data_dir), None
    if running is None:
        given = {"TERMWALL_PORT": str(settings.port), "TERMWALL_HOST": settings.host}
        given |= _where_it_was(settings.data_dir) | _remembered(settings.data_dir)
        asked = {"TERMWALL_PORT": port, "TERMWALL_HOST": host}
        given |= {name: str(value) for name, value in asked.items() if value is not None}
        running, token = _start(settings.data_dir, given, "starting")
        (settings.data_dir / AGAIN).unlink(missing_ok=True)
    with Remote(settings.data_dir, running.url, settings.given_token or token) as server:
        address, _ = server.address_for(folder)
    if find_running(settings.data_dir) is None:
        typer.echo(f"termwall: other commands need `--url {running.url}` and `--token-file` for now.", err=True)
    typer.echo(json.dumps({"url": address, "pid": running.pid}) if as_json else f"termwall is up: {address}")


def down_command(
    every: Annotated[bool, typer.Option("--all", help="End the programs too; asks first.")] = False,
    yes: Yes = False,
    data_dir: DataDir = None,
) -> None:
    """Stop the server; its programs go on, unless --all says to end them."""
    folder = read_settings(data_dir=data_dir).data_dir
    running = find_running(folder)
    before = _running_programs(folder)
    count = before or 0
    if every and count and not yes:
        if not sys.stdin.isatty():
            fail(f"{_programs(count)} still running; --yes ends them.")
        typer.confirm(f"{_programs(count)} still running. End all?", abort=True)
    if running is not None and not stop_running(folder):
        fail(f"the server, process {running.pid}, does not end.")
    if every:
        end_programs(folder)
        ended = "1 program was" if count == 1 else f"{count} programs were"
        typer.echo(f"termwall is down; {ended} ended." if count else "termwall is down.")
        return
    left = None if before is None else _running_programs(folder)
    said = "No server runs." if running is None else "termwall is down."
    if left is None:
        said += " Whether programs go on is not known: the process that holds them does not answer."
    elif left:
        said += f" {go_on(left)}"
    typer.echo(said)


def _running_programs(folder: Path) -> int | None:
    """How many outlive the server; None where the process that holds them does not answer."""
    try:
        held = look(folder)
    except HolderSilent:
        return None
    except HolderError as error:
        fail(str(error))
    return held["running"] if held else 0


def restart_command(data_dir: DataDir = None) -> None:
    """Stop the server and start it again as it was; programs go on and pages come back by themselves."""
    folder = read_settings(data_dir=data_dir).data_dir
    running = find_running(folder)
    if running is None:
        fail("no server runs on this machine's data folder; `termwall up` starts one.")
    port = running.url.rpartition(":")[2]
    given = {**running.settings, "TERMWALL_PORT": port}
    _check(folder, given)
    try:
        look(folder)
    except HolderError as error:
        fail(f"the server was not stopped: another one could not take over its sessions. {error}")
    _remember(folder, given)
    if not stop_running(folder):
        fail(f"the server, process {running.pid}, does not end.")
    again, _ = _start(folder, given, "starting again")
    (folder / AGAIN).unlink(missing_ok=True)
    typer.echo(f"termwall is up again: {again.url}")


def _holder_process(folder: Path) -> int | None:
    try:
        held = look(folder)
    except HolderSilent as error:
        if error.pid is None:
            fail(str(error))
        return error.pid
    except HolderError as error:
        fail(str(error))
    return None if held is None else int(held["pid"])


def _check(folder: Path, given: dict[str, str]) -> None:
    """End the command if a server could not be started so; asked of the version that is installed now."""
    words = [sys.executable, "-P", "-m", "termwall", "serve", "--check", "--data-dir", str(folder)]
    env = {**os.environ, **given}
    try:
        done = subprocess.run(
            words, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=CHECK_SECONDS
        )
    except subprocess.TimeoutExpired:
        fail(f"the server was not stopped: checking its settings took more than {CHECK_SECONDS:.0f} s.")
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        why = said[-1].removeprefix("termwall: ") if said else f"it ended with {done.returncode}"
        fail(f"the server was not stopped, because it could not be started again: {why}")


def _remember(folder: Path, given: dict[str, str]) -> None:
    """For an `up` after a restart that got no further than the stop: it has to come where the server was."""
    with contextlib.suppress(OSError):
        (folder / AGAIN).touch(mode=0o600)  # The address of NATS may hold a password.
        (folder / AGAIN).write_text(json.dumps(given))


def _where_it_was(folder: Path) -> dict[str, str]:
    """For an `up` after a crash: where the pages that are open look for the server, unless a port is named now."""
    crashed = find_crashed(folder)
    if crashed is None or "TERMWALL_PORT" in os.environ:
        return {}
    where = {"TERMWALL_PORT": crashed.url.rpartition(":")[2]}
    host = crashed.settings.get("TERMWALL_HOST")
    return where if host is None or "TERMWALL_HOST" in os.environ else {**where, "TERMWALL_HOST": host}


def _remembered(folder: Path) -> dict[str, str]:
    try:
        return {str(name): str(value) for name, value in json.loads((folder / AGAIN).read_text()).items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def _start(folder: Path, given: dict[str, str], what: str) -> tuple[Running, str]:
    """A server in the background, and its owner's token. Ends the command if it does not come up.

    Its ready line comes by a pipe: on a full disk there is no file that says where it is (L5).
    """
    if sys.stderr.isatty():
        typer.echo(f"termwall: {what}", err=True)
    try:
        keep_private(folder)
        with _log(folder / LOG_NAME) as errors:
            began = os.fstat(errors.fileno()).st_size
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "termwall", "serve", "--no-open", "--data-dir", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **given},
                start_new_session=True,
            )
    except DataFolderError as error:
        fail(str(error))
    except OSError as error:
        fail(f"`{folder}` cannot be the data folder: {error.strerror}. Name another one with --data-dir.")
    assert process.stdout is not None
    with process.stdout as output:
        ready = _READY.search(_line(output.fileno(), START_SECONDS))
        silent = not select.select((output,), (), (), 0)[0]  # Its end can be read at once.
    if ready is not None:
        process.returncode = 0  # It is meant to go on; nobody waits for it.
        return find_running(folder) or Running(ready["url"].decode(), process.pid), ready["token"].decode()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(KILLED_SECONDS)
    if silent:  # What the log says last may be the farewell of the server before.
        fail(f"the server did not start in {START_SECONDS:.0f} s; see {folder / LOG_NAME}.")
    return _failed(folder / LOG_NAME, began)


_READY = re.compile(rb"ready: (?P<url>\S+)/\?token=(?P<token>[!-~]+)\n")


def _line(descriptor: int, seconds: float) -> bytes:
    """What comes until a line is whole, the other end is closed, or the time is up."""
    said, until = b"", time.monotonic() + seconds
    while not said.endswith(b"\n") and select.select((descriptor,), (), (), max(0.0, until - time.monotonic()))[0]:
        if not (piece := os.read(descriptor, 4096)):
            break
        said += piece
    return said


def _log(path: Path) -> IO[bytes]:
    """The server's log; none on a full disk. It is appended to, so that it can be cut while the server runs (X10)."""
    try:
        anew = _begins_anew(path)
        errors = open(path, "ab", opener=private)  # noqa: SIM115
    except OSError as error:
        if error.errno not in shortage.DISK:
            raise
        return open(os.devnull, "ab")
    if anew:
        errors.truncate(0)
    return errors


def _begins_anew(log: Path) -> bool:
    """Whether what earlier servers wrote is long enough, or has a token in it, as that of old ones has."""
    try:
        with open(log, "rb") as file:
            said = file.read(LOG_BYTES + 1)
    except FileNotFoundError:
        return True
    return len(said) > LOG_BYTES or b"/?token=" in said


def _failed(log: Path, began: int) -> NoReturn:
    said: list[str] = []
    with contextlib.suppress(OSError):
        said = log.read_bytes()[began:].decode("utf-8", "replace").strip().splitlines()
    fail(said[-1].removeprefix("termwall: ") if said else f"the server did not start; see {log}.")


def end_programs(folder: Path) -> None:
    """End the holder with its programs, in 10 s whatever hangs; ends the command where that cannot be done."""
    from termwall.store.database import StoreError
    from termwall.store.projects import Store

    pid = _holder_process(folder)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + END_SECONDS
        while not gone(pid) and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
        if not gone(pid) and not kill_held(pid, KILLED_SECONDS):
            fail(f"the process that holds the programs, {pid}, does not end.")
    if not (folder / "termwall.sqlite").exists():
        return
    try:
        with data_folder(folder):
            store = Store(folder / "termwall.sqlite")
            for session in store.sessions():
                if not session.ended:
                    store.put_session(replace(session, ended=True, signal="SIGHUP"))
            store.close()
    except (DataFolderError, StoreError) as error:
        fail(str(error))

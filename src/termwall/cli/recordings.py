"""The commands that record, play and search: record, recordings, play, export, grep (A5)."""

import json
import sys
import time
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any, BinaryIO
from urllib.parse import urlencode

import typer

from termwall.cli.playing import play
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
    here,
    known_id,
    known_project,
    remote,
    sendable,
    show,
)
from termwall.cli.tape import Tape
from termwall.core.asciicast import CastError
from termwall.core.caption import caption
from termwall.store.castfile import cast_lines, split_lines

RecordingArgument = Annotated[str, typer.Argument(help="A recording's id, or an asciicast file, v1 to v3.")]


def record_command(
    session: SessionArgument,
    stop: Annotated[bool, typer.Option("--stop", help="End its recording.")] = False,
    project: ProjectOption = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Record a session from now on, or stop that; prints the recording's id."""
    with remote(data_dir, url, token) as server:
        found = server.find(project, session)
        made = server.call("DELETE" if stop else "POST", f"/api/sessions/{found['id']}/recording")
    show(made, as_json, lambda one: str(one["id"]))


def recordings_command(
    project: ProjectOption = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """List a project's recordings, the newest first."""
    with remote(data_dir, url, token) as server:
        place = known_project(project) if project else server.project_for(here())
        found = server.call("GET", f"/api/projects/{place}/recordings")
    if as_json:
        typer.echo(json.dumps(found))
        return
    for one in found["recordings"]:
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(one["startedAt"] / 1000))
        state = "records" if one["endedAt"] is None else f"{one['seconds']:.0f} s"
        line = f"{one['id']}  {began}  {one['sessionName']:<20} {state:>9} {one['bytes'] / 1e6:8.1f} MB"
        if one["parts"] > 1 or one["firstPart"] > 1:
            first, last = one["firstPart"], one["firstPart"] + one["parts"] - 1
            line += f"  part {first}" if first == last else f"  parts {first}-{last}"
        if one["node"]:
            line += f"  on {one['node']}"
        if one["error"]:
            line += f"  {one['error']}"
        typer.echo(caption(line))
    _tell_missing(found["missing"], "listed")


def _tell_missing(nodes: list[str], done: str) -> None:
    if nodes:
        name = "node" if len(nodes) == 1 else "nodes"
        typer.echo(
            f"termwall: {name} {caption(', '.join(nodes))} could not be asked; what is there was not {done}.", err=True
        )


class CastFormat(StrEnum):
    """A version of asciicast that can be written."""

    V2 = "v2"
    V3 = "v3"


def export_command(
    recording: Annotated[str, typer.Argument(help="A recording's id.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file; else standard output.")] = None,
    format: Annotated[CastFormat, typer.Option("--format", help="Version of asciicast.")] = CastFormat.V2,
    part: Annotated[int | None, typer.Option(min=1, help="Only that part of a long one.")] = None,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Write a recording as one asciicast file, all of its parts in it."""
    with remote(data_dir, url, token) as server:
        try:
            if output is None:
                server.download(_cast_path(recording, part, format), sys.stdout.buffer)
            else:
                with open(output, "wb") as file:
                    server.download(_cast_path(recording, part, format), file)
        except BrokenPipeError:
            raise typer.Exit(1) from None
        except OSError as error:
            fail(f"`{output or 'standard output'}` cannot be written: {error.strerror}.")


def _cast_path(recording: str, part: int | None, format: CastFormat = CastFormat.V2) -> str:
    recording = known_id(recording, "recording", "termwall recordings")
    query = {"format": format.value} | ({} if part is None else {"part": str(part)})
    return f"/api/recordings/{recording}/cast?{urlencode(query)}"


def play_command(
    recording: RecordingArgument,
    speed: Annotated[float, typer.Option(min=0.01, max=1000, help="2 is twice as fast.")] = 1.0,
    idle_limit: Annotated[float | None, typer.Option(min=0.01, help="Seconds that a pause lasts at most.")] = None,
    part: Annotated[int | None, typer.Option(min=1, help="Only that part of a long one.")] = None,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Play a recording in this terminal: space pauses, arrows and page keys wind, ? shows all keys, q ends."""
    with TemporaryFile() as copy:
        named = "/" in recording or Path(recording).suffix in (".cast", ".json", ".gz")
        if named or Path(recording).is_file():
            lines = lambda: cast_lines(Path(recording))  # noqa: E731
        else:
            with remote(data_dir, url, token) as server:
                server.download(_cast_path(recording, part), copy)
            lines = lambda: split_lines(_from_start(copy))  # noqa: E731
        try:
            tape = Tape(lines)
        except OSError as error:
            fail(f"`{recording}` cannot be read: {error.strerror}.")
        except CastError as error:
            fail(f"`{recording}`: {error}")
        try:
            play(tape, speed, idle_limit or tape.header.idle_limit)
        except CastError as error:
            fail(f"`{recording}`: {error}")


def _from_start(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file


def grep_command(
    text: Annotated[str, typer.Argument(help="What to look for; small letters find both cases.")],
    every: Annotated[bool, typer.Option("--all", "-a", help="In all projects.")] = False,
    no_recordings: Annotated[bool, typer.Option("--no-recordings", help="Only in sessions.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Matches at most.")] = 100,
    project: ProjectOption = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    url: Url = None,
    ca: Ca = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Find text in all sessions' screens and scrollback, and in recordings; exit code 1 if there is none."""
    query = urlencode({"q": sendable(text), "limit": limit, "recordings": str(not no_recordings).lower()})
    with remote(data_dir, url, token) as server:
        if every:
            places = [str(one["id"]) for one in server.call("GET", "/api/projects")["projects"]]
        else:
            places = [known_project(project) if project else server.project_for(here())]
        answers = [server.call("GET", f"/api/projects/{place}/search?{query}") for place in places]
    matches = [match for answer in answers for match in answer["matches"]]
    missing = sorted({node for answer in answers for node in answer["missing"]})
    truncated = any(answer["truncated"] for answer in answers)
    if as_json:
        typer.echo(json.dumps({"matches": matches, "truncated": truncated, "missing": missing}))
    else:
        for match in matches:
            typer.echo(_line(match, sys.stdout.isatty()))
        for session in [one for answer in answers for one in answer["skipped"]]:
            typer.echo(f"termwall: {caption(session)} could not be searched: its screen cannot be drawn now.", err=True)
        _tell_missing(missing, "searched")
        if truncated:
            typer.echo("termwall: there is more; look for something longer, or say --limit.", err=True)
    if not matches:
        raise typer.Exit(1)


def _line(match: dict[str, Any], colours: bool) -> str:
    text, start, end = match["text"], match["start"], match["end"]
    before, found, after = caption(text[:start]), caption(text[start:end]), caption(text[end:])
    where = match["sessionName"]
    if match["node"]:
        where += f" on {match['node']}"
    if match["recordingId"]:
        where += f" (recording {match['recordingId']}, {match['time']:.0f} s)"
    where = caption(where)
    if colours:
        return f"\x1b[35m{where}\x1b[m: {before}\x1b[1;31m{found}\x1b[m{after}"
    return f"{where}: {before}{found}{after}"

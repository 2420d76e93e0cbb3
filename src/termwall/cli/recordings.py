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

from termwall.cli.options import SERVER, Options, SessionArgument, takes
from termwall.cli.playing import play
from termwall.cli.remote import fail, known_id, sendable
from termwall.cli.tape import Tape
from termwall.core.asciicast import CastError
from termwall.core.caption import caption
from termwall.store.castfile import cast_lines, split_lines

RecordingArgument = Annotated[str, typer.Argument(help="A recording's id, or an asciicast file, v1 to v3.")]


@takes("project", "as_json", *SERVER)
def record_command(
    options: Options,
    session: SessionArgument,
    stop: Annotated[bool, typer.Option("--stop", help="End its recording.")] = False,
) -> None:
    """Record a session from now on, or stop that; prints the recording's id."""
    with options.server() as server:
        found = server.find(options.project, session)
        made = server.call("DELETE" if stop else "POST", f"/api/sessions/{found['id']}/recording")
    options.show(made, lambda one: [str(one["id"])])


@takes("project", "as_json", *SERVER)
def recordings_command(options: Options) -> None:
    """List a project's recordings, the newest first."""
    with options.server() as server:
        found = server.call("GET", f"/api/projects/{server.project(options.project)}/recordings")
    options.show(found, lambda found: map(_listed, found["recordings"]))
    if not options.as_json:
        _tell_missing(found["missing"], "listed")


def _listed(one: dict[str, Any]) -> str:
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(one["startedAt"] / 1000))
    state = "records" if one["endedAt"] is None else f"{one['seconds']:.0f} s"
    line = f"{one['id']}  {began}  {one['sessionName']:<20} {state:>9} {one['bytes'] / 1e6:8.1f} MB"
    if one["parts"] > 1 or one["firstPart"] > 1:
        first, last = one["firstPart"], one["firstPart"] + one["parts"] - 1
        line += f"  part {first}" if first == last else f"  parts {first}-{last}"
    if one["node"]:
        line += f"  on {one['node']}"
    return f"{line}  {one['error']}" if one["error"] else line


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


@takes(*SERVER)
def export_command(
    options: Options,
    recording: Annotated[str, typer.Argument(help="A recording's id.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file; else standard output.")] = None,
    format: Annotated[CastFormat, typer.Option("--format", help="Version of asciicast.")] = CastFormat.V2,
    part: Annotated[int | None, typer.Option(min=1, help="Only that part of a long one.")] = None,
) -> None:
    """Write a recording as one asciicast file, all of its parts in it."""
    with options.server() as server:
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


@takes(*SERVER)
def play_command(
    options: Options,
    recording: RecordingArgument,
    speed: Annotated[float, typer.Option(min=0.01, max=1000, help="2 is twice as fast.")] = 1.0,
    idle_limit: Annotated[float | None, typer.Option(min=0.01, help="Seconds that a pause lasts at most.")] = None,
    part: Annotated[int | None, typer.Option(min=1, help="Only that part of a long one.")] = None,
) -> None:
    """Play a recording in this terminal: space pauses, arrows and page keys wind, ? shows all keys, q ends."""
    with TemporaryFile() as copy:
        named = "/" in recording or Path(recording).suffix in (".cast", ".json", ".gz")
        if named or Path(recording).is_file():
            lines = lambda: cast_lines(Path(recording))  # noqa: E731
        else:
            with options.server() as server:
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


@takes("project", "as_json", *SERVER)
def grep_command(
    options: Options,
    text: Annotated[str, typer.Argument(help="What to look for; small letters find both cases.")],
    every: Annotated[bool, typer.Option("--all", "-a", help="In all projects.")] = False,
    no_recordings: Annotated[bool, typer.Option("--no-recordings", help="Only in sessions.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Matches at most.")] = 100,
) -> None:
    """Find text in all sessions' screens and scrollback, and in recordings; exit code 1 if there is none."""
    query = urlencode({"q": sendable(text), "limit": limit, "recordings": str(not no_recordings).lower()})
    with options.server() as server:
        places = server.every_project() if every else [server.project(options.project)]
        answers = [server.call("GET", f"/api/projects/{place}/search?{query}") for place in places]
    matches = [match for answer in answers for match in answer["matches"]]
    missing = sorted({node for answer in answers for node in answer["missing"]})
    truncated = any(answer["truncated"] for answer in answers)
    if options.as_json:
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

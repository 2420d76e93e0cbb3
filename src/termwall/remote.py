"""A running server as the commands see it: how it is found, how it is asked, and what goes wrong as a sentence (A5)."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NoReturn

import httpx
import typer
from pydantic import ValidationError

from termwall.config import MIN_TOKEN, Settings
from termwall.core.caption import caption, sentence
from termwall.folder import Running, find_running
from termwall.tls import VARIABLE, CertificatesError, trusted_by


def _trust(path: Path | None) -> Path | None:
    if path is not None:
        os.environ[VARIABLE] = str(path)
    return path


DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder for what survives a restart.")]
Url = Annotated[str | None, typer.Option("--url", envvar="TERMWALL_URL", help="Address of a running server.")]
Ca = Annotated[
    Path | None,
    typer.Option(
        "--ca",
        envvar=VARIABLE,
        callback=_trust,
        help="Certificates to trust beside the system's, where the address is https.",
    ),
]
Token = Annotated[str | None, typer.Option("--token", help="Token to show to the server.")]
ProjectOption = Annotated[
    str | None, typer.Option("--project", "-p", envvar="TERMWALL_PROJECT_ID", help="Project id; else this folder's.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
SessionArgument = Annotated[str, typer.Argument(help="A session's id or name.")]


PATIENCE_SECONDS = 15.0
"""For each step of a request to a server, which answers in 10 s unless it has to end a program first (L1)."""


def fail(why: str, code: int = 1) -> NoReturn:
    """End with a sentence on standard error."""
    typer.echo(f"termwall: {sentence(why)}", err=True)
    raise typer.Exit(code)


def read_settings(**given: Any) -> Settings:
    """The settings from the options that were given, then the environment; ends the command where one is wrong."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0]) if fault["loc"] else "settings"
        why = fault["msg"].removeprefix("Value error, ")
        fail(f"--{name.replace('_', '-')} (TERMWALL_{name.upper()}): {why}.", 2)


class Unanswered(Exception):
    """A server does not answer; the message says which and why."""


class Remote:
    """A running server, over HTTP.

    Args:
        seconds: for each step of a request; where they are given, `Unanswered` is raised, else the command ends.
    """

    def __init__(
        self, data_dir: Path, url: str | None = None, token: str | None = None, *, seconds: float | None = None
    ) -> None:
        self._patient = seconds is None
        self.running: Running | None = find_running(data_dir) if url is None else None
        """The server of the data folder, where none was named."""
        if url is None and self.running is None:
            fail("no server runs on this machine's data folder. Start one with `termwall`, or name one with --url.")
        self.url = (url or (self.running.url if self.running else "")).rstrip("/")
        token_file = data_dir / "token"
        found = token or (token_file.read_text().strip() if token_file.exists() else None)
        if found is None:
            fail("no token is known; give one with --token or TERMWALL_TOKEN.")
        self.token: str = found
        headers = {"authorization": f"Bearer {self.token}"}
        try:
            verify = trusted_by(self.url) or False  # Nothing is verified where there is no TLS.
        except CertificatesError as error:
            fail(str(error))
        self._http = httpx.Client(
            base_url=self.url, headers=headers, timeout=seconds or PATIENCE_SECONDS, trust_env=False, verify=verify
        )

    def __enter__(self) -> "Remote":
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.close()

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """One request; an error of the server's ends the command with its sentence."""
        try:
            answer = self._http.request(method, path, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                fail(f"the certificate of {self.url} is not trusted here; --ca FILE says which is. ({error})")
            if not self._patient:
                raise Unanswered(f"{self.url} does not answer: {error}") from None
            fail(f"{self.url} does not answer: {error}")
        if not answer.is_success:
            self._refused(answer)
        return answer

    def _refused(self, answer: httpx.Response) -> NoReturn:
        if answer.status_code == 401:
            fail(f"this token is not known to the server at {self.url}.")
        try:
            problem = answer.json()
            fail(f"{problem['error']} ({problem['code']})")
        except (ValueError, KeyError):
            fail(f"{self.url} answered {answer.status_code}")

    def download(self, path: str, file: BinaryIO) -> None:
        """A long answer, into a file as it comes; an error of the server's ends the command with its sentence.

        Raises:
            OSError: the file cannot be written.
        """
        try:
            with self._http.stream("GET", path) as answer:
                if not answer.is_success:
                    answer.read()
                    self._refused(answer)
                for piece in answer.iter_bytes():
                    file.write(piece)
        except httpx.HTTPError as error:
            fail(f"{self.url} does not answer: {error}")
        file.flush()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One request, of which the answer is JSON or nothing."""
        answer = self.ask(method, path, body)
        return answer.json() if answer.content else None

    def project_for(self, path: Path, *, create: bool = False) -> str:
        """The id of the project of a folder, or of the nearest one above it."""
        projects = self.call("GET", "/api/projects")["projects"]
        by_path = {project["path"]: str(project["id"]) for project in projects}
        if str(path) in by_path:
            return by_path[str(path)]
        if create:
            return str(self.call("POST", "/api/projects", {"path": str(path)})["id"])
        for folder in path.parents:
            if str(folder) in by_path:
                return by_path[str(folder)]
        fail(f"`{path}` belongs to no project of the server. Run `termwall` there, or name one with --project.")

    def find(self, project: str | None, wanted: str) -> dict[str, Any]:
        """A session by its id, or by its name where that is one session's only."""
        projects = [project] if project else [one["id"] for one in self.call("GET", "/api/projects")["projects"]]
        sessions = [
            one for place in projects for one in self.call("GET", f"/api/projects/{place}/sessions")["sessions"]
        ]
        found = [one for one in sessions if one["id"] == wanted] or [one for one in sessions if one["name"] == wanted]
        if not found:
            fail(f"there is no session `{wanted}`; `termwall ls` shows them.")
        if len(found) > 1:
            fail(f"{len(found)} sessions are named `{wanted}`; use an id: {', '.join(one['id'] for one in found)}.")
        return dict(found[0])


def remote(data_dir: Path | None, url: str | None, token: str | None) -> Remote:
    """The server that the options name."""
    # A token that is too short to be made is still one that the server can refuse.
    token = token or os.environ.get("TERMWALL_TOKEN")
    settings = read_settings(data_dir=data_dir, token=token if token and len(token) >= MIN_TOKEN else "-" * MIN_TOKEN)
    return Remote(settings.data_dir, url, token)


def show(value: Any, as_json: bool, line: Callable[[Any], str]) -> None:
    """Print one thing as JSON or as a line."""
    typer.echo(json.dumps(value) if as_json else caption(line(value)))

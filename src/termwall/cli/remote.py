"""A running server as the commands see it: how it is found, how it is asked, and what goes wrong as a sentence (A5)."""

import json
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn
from urllib.parse import quote

import httpx2
import typer
from pydantic import ValidationError

from termwall.cli.tls import CertificatesError, trusted_by
from termwall.config import Settings, SettingsError
from termwall.core.caption import sentence
from termwall.core.ids import ID_PATTERN
from termwall.store.disk import read_plain
from termwall.store.folder import Running, find_running
from termwall.store.secretfiles import others_read, warning
from termwall.system import clock

PATIENCE_SECONDS = 15.0
"""For each step of a request to a server, which answers in 10 s unless it has to end a program first (L1)."""


def fail(why: str, code: int = 1) -> NoReturn:
    """End with a sentence on standard error."""
    typer.echo(f"termwall: {sentence(why)}", err=True)
    raise typer.Exit(code)


def here() -> Path:
    """The folder that the command is called in; ends the command where it is gone."""
    try:
        return Path.cwd()
    except OSError as error:
        fail(f"the folder that this is called in cannot be used: {error.strerror}. Go to another one.")


def sendable(text: str) -> str:
    """A text that a server can be sent; ends the command where its bytes are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        fail(f"`{text}` is not UTF-8, so no server can be sent it.", 2)
    return text


def known_id(text: str, kind: str, lists: str) -> str:
    """An id as it stands in an address; ends the command where nothing can have it.

    Args:
        lists: the command that shows those there are.
    """
    if not re.match(ID_PATTERN, text) or text.endswith("\n"):
        fail(f"there is no {kind} `{text}`; `{lists}` shows them.")
    return text


def read_settings(**given: Any) -> Settings:
    """The settings from the options that were given, then the environment; ends the command where one is wrong."""
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
        _ = settings.given_token
        return settings
    except SettingsError as error:
        fail(str(error))
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0]) if fault["loc"] else "settings"
        why = fault["msg"].removeprefix("Value error, ")
        fail(f"--{name.replace('_', '-')} (TERMWALL_{name.upper()}): {why}.", 2)


RATE_SECONDS = 15.0
"""How long a call is made again that came when too many others of the token did; nothing of it was handled."""
RETRY_SECONDS = 1.0


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
        self._clock = clock.Remote()
        here = find_running(data_dir)
        if url is None and here is None:
            fail("no server runs on this machine's data folder. Start one with `termwall`, or name one with --url.")
        self.running: Running | None = here if here is not None and (url is None or here.is_at(url)) else None
        """The server of the data folder, where it is the one that is asked."""
        self.url = self.running.url if self.running is not None else str(url).rstrip("/")
        sendable(self.url)
        if not token and self.running is None:
            fail(_no_token(self.url, data_dir, here))
        self.token: str = token or _kept_token(data_dir)
        if not (self.token.isascii() and self.token.isprintable()):
            fail("the token has a character that no token can have.", 2)
        headers = {"authorization": f"Bearer {self.token}"}
        try:
            verify = trusted_by(self.url) or False  # Nothing is verified where there is no TLS.
        except CertificatesError as error:
            fail(str(error))
        try:
            self._http = httpx2.Client(
                base_url=self.url, headers=headers, timeout=seconds or PATIENCE_SECONDS, trust_env=False, verify=verify
            )
        except (httpx2.InvalidURL, ValueError) as error:
            fail(f"`{self.url}` is not an address: {error}", 2)

    def __enter__(self) -> "Remote":
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.close()

    def ask(self, method: str, path: str, body: object = None) -> httpx2.Response:
        """One request; an error of the server's ends the command with its sentence."""
        answer = self._answer(method, path, body)
        if not answer.is_success:
            self._refused(answer)
        return answer

    def _answer(self, method: str, path: str, body: object) -> httpx2.Response:
        _check(body)
        content = None if body is None else json.dumps(body).encode()
        kind = {} if content is None else {"content-type": "application/json"}
        until = time.monotonic() + RATE_SECONDS
        with self._answered():
            answer = self._http.request(method, path, content=content, headers=kind)
            while _too_soon(answer, until):
                time.sleep(RETRY_SECONDS)
                answer = self._http.request(method, path, content=content, headers=kind)
        if (shown := answer.headers.get("x-termwall-clock", "")).isdecimal():
            self._clock.heard(int(shown))
        return answer

    @contextmanager
    def _answered(self) -> Iterator[None]:
        """Within it, no answer is a sentence."""
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:  # No host name has a label of 64 letters.
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                fail(f"the certificate of {self.url} is not trusted here; --ca FILE says which is. ({error})")
            if not self._patient:
                raise Unanswered(f"{self.url} does not answer: {error}") from None
            fail(f"{self.url} does not answer: {error}")

    def until(self, milliseconds: int) -> dict[str, int]:
        """For the body of an input: how long from now it may be typed. Empty where the server has said no clock."""
        until = self._clock.at(clock.milliseconds() + milliseconds)
        return {} if until is None else {"until": until}

    def _refused(self, answer: httpx2.Response) -> NoReturn:
        if answer.status_code == 401:
            fail(f"this token is not known to the server at {self.url}.")
        if answer.has_redirect_location:  # It is not gone to: the token is for the address that was named (X12).
            fail(f"{self.url} redirects to {answer.headers['location']}; name the server's own address with --url.")
        fail(_why(answer))

    def download(self, path: str, file: BinaryIO) -> None:
        """A long answer, into a file as it comes; an error of the server's ends the command with its sentence.

        Raises:
            OSError: the file cannot be written.
        """
        until = time.monotonic() + RATE_SECONDS
        while not self._downloaded(path, file, until):
            time.sleep(RETRY_SECONDS)
        file.flush()

    def _downloaded(self, path: str, file: BinaryIO, until: float) -> bool:
        with self._answered(), self._http.stream("GET", path) as answer:
            if _too_soon(answer, until):
                return False
            if not answer.is_success:
                answer.read()
                self._refused(answer)
            for piece in answer.iter_bytes():
                file.write(piece)
        return True

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One request, whose answer is JSON or nothing."""
        answer = self.ask(method, path, body)
        return answer.json() if answer.content else None

    def code(self) -> str | None:
        """A one-time code for opening a browser; None from a server that knows none yet, as before an upgrade."""
        answer = self._answer("POST", "/api/codes", None)
        return str(answer.json()["code"]) if answer.status_code == 201 else None

    def project(self, named: str | None) -> str:
        """The id of the project that was named, else that of the folder in which the command is called."""
        return known_project(named) if named else self.project_for(here())

    def project_for(self, path: Path) -> str:
        """The id of the project of a folder, or of the nearest one above it."""
        by_path = self._projects()
        for folder in (path, *path.parents):
            if str(folder) in by_path:
                return by_path[str(folder)]
        fail(f"`{path}` belongs to no project of the server. Run `termwall` there, or name one with --project.")

    def address_for(self, path: Path) -> tuple[str, str | None]:
        """The address that signs in at a folder's project, and the project's id, which is made where it is none.

        Where nothing can be kept now, as on a full disk, it says so; what runs can be used without it (L5).
        """
        address, project = f"{self.url}/?token={self.token}", self._projects().get(str(path))
        if project is None:
            answer = self._answer("POST", "/api/projects", {"path": str(path)})
            if answer.status_code == 503:
                typer.echo(f"termwall: this folder is not a project yet: {sentence(_why(answer))}", err=True)
                return address, None
            if not answer.is_success:
                self._refused(answer)
            project = str(answer.json()["id"])
        return f"{address}&project={quote(project)}", project

    def _projects(self) -> dict[str, str]:
        return {project["path"]: str(project["id"]) for project in self.call("GET", "/api/projects")["projects"]}

    def every_project(self) -> list[str]:
        """The ids of all projects."""
        return [str(one["id"]) for one in self.call("GET", "/api/projects")["projects"]]

    def sessions(self, projects: Iterable[str]) -> list[dict[str, Any]]:
        """The sessions of these projects."""
        return [one for place in projects for one in self.call("GET", f"/api/projects/{place}/sessions")["sessions"]]

    def find(self, project: str | None, wanted: str) -> dict[str, Any]:
        """A session by its id, or by its name where that is one session's only."""
        sessions = self.sessions([known_project(project)] if project else self.every_project())
        found = [one for one in sessions if one["id"] == wanted] or [one for one in sessions if one["name"] == wanted]
        if not found:
            fail(f"there is no session `{wanted}`; `termwall ls` shows them.")
        if len(found) > 1:
            fail(f"{len(found)} sessions are named `{wanted}`; use an id: {', '.join(one['id'] for one in found)}.")
        return dict(found[0])


def _too_soon(answer: httpx2.Response, until: float) -> bool:
    """Whether a call is to be made again, until that moment: it came when too many others did (L7)."""
    return answer.status_code == 429 and "retry-after" in answer.headers and time.monotonic() < until


def _why(answer: httpx2.Response) -> str:
    try:
        problem = answer.json()
        return f"{problem['error']} ({problem['code']})"
    except (ValueError, KeyError, TypeError):
        return f"{answer.url} answered {answer.status_code}"


def _check(body: object) -> None:
    if isinstance(body, str):
        sendable(body)
    elif isinstance(body, dict | list):
        for one in body.values() if isinstance(body, dict) else body:
            _check(one)


def known_project(text: str) -> str:
    """A project's id that was given."""
    return known_id(text, "project", "termwall ls --all")


def _no_token(url: str, data_dir: Path, here: Running | None) -> str:
    """The sentence where another server was named than the data folder's, and no token for it (X12)."""
    known = f"`{data_dir}` names " + ("no server that runs" if here is None else f"the server at {here.url}")
    return f"no token is known for {url} ({known}): give one with --token-file or TERMWALL_TOKEN."


def _kept_token(data_dir: Path) -> str:
    try:
        return read_plain(data_dir / "token").decode().strip()
    except FileNotFoundError:
        fail("no token is known; give one with --token-file or TERMWALL_TOKEN.")
    except OSError as error:
        fail(f"`{data_dir / 'token'}` cannot be read: {error.strerror}. Give one with --token-file or TERMWALL_TOKEN.")
    except UnicodeDecodeError:
        fail(f"`{data_dir / 'token'}` holds no token; give one with --token-file or TERMWALL_TOKEN.")


def warn_of(path: Path) -> None:
    """Say it where other users can read the file that a token came from (X13)."""
    if others_read(path):
        typer.echo(f"termwall: {sentence(warning(path, 'a token'))}", err=True)

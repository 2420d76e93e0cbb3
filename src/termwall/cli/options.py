"""The options that commands share: each is described once, and a command gets those it takes as one object (A5)."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from termwall.cli.remote import Remote, fail, read_settings, warn_of
from termwall.cli.tls import VARIABLE
from termwall.config import MIN_TOKEN, SettingsError, read_token
from termwall.core.caption import caption

Command = Callable[..., None]


def trust(path: Path | None) -> Path | None:
    """Certificates were given as an option: the environment hands them on."""
    if path is not None:
        os.environ[VARIABLE] = str(path)
    return path


def shown_to_others(token: str | None) -> str | None:
    """A token was given as an argument: every user of the machine can read it there (X1)."""
    if token is not None:
        typer.echo(
            "termwall: --token shows the token to all users of this machine (`ps`); use --token-file or "
            "TERMWALL_TOKEN.",
            err=True,
        )
    return token


def from_file(path: Path | None) -> Path | None:
    """A file with the token was given as an option, which goes before the environment."""
    if path is not None:
        os.environ.pop("TERMWALL_TOKEN", None)
        os.environ["TERMWALL_TOKEN_FILE"] = str(path)
    return path


DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder for what survives a restart.")]
Url = Annotated[str | None, typer.Option("--url", envvar="TERMWALL_URL", help="Address of a running server.")]
Ca = Annotated[
    Path | None,
    typer.Option(
        "--ca",
        envvar=VARIABLE,
        callback=trust,
        help="Certificates to trust beside the system's, where the address is https.",
    ),
]
Token = Annotated[
    str | None,
    typer.Option("--token", callback=shown_to_others, help="Token to show to the server; better --token-file."),
]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", callback=from_file, help="File with the token to show to the server.")
]
Project = Annotated[
    str | None, typer.Option("--project", "-p", envvar="TERMWALL_PROJECT_ID", help="Project id; else this folder's.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
SessionArgument = Annotated[str, typer.Argument(help="A session's id or name.")]

SERVER = ("data_dir", "url", "ca", "token", "token_file")
"""Those that say which server is asked, and by whom."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was given of the shared options; of those that the command does not take, that nothing was given."""

    project: Project = None
    as_json: Json = False
    data_dir: DataDir = None
    url: Url = None
    ca: Ca = None
    token: Token = None
    token_file: TokenFile = None

    def server(self) -> Remote:
        """The server that they name; ends the command where there is none."""
        # A token that is too short to be made is still one that the server can refuse.
        token = self.token or os.environ.get("TERMWALL_TOKEN") or _kept_in_file(os.environ.get("TERMWALL_TOKEN_FILE"))
        known = token if token and len(token) >= MIN_TOKEN else "-" * MIN_TOKEN
        return Remote(read_settings(data_dir=self.data_dir, token=known).data_dir, self.url, token)

    def show(self, value: Any, lines: Callable[[Any], Iterable[str]]) -> None:
        """Print a value as JSON, or as lines for people."""
        for line in (json.dumps(value),) if self.as_json else map(caption, lines(value)):
            typer.echo(line)


def _kept_in_file(path: str | None) -> str | None:
    if not path:
        return None
    try:
        token = read_token(Path(path))
    except SettingsError as error:
        fail(str(error))
    warn_of(Path(path))
    return token


def takes(*names: str) -> Callable[[Command], Command]:
    """A command that has these of the fields of `Options` behind its own parameters, and gets them as its first one."""
    described = get_type_hints(Options, include_extras=True)
    shown = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=getattr(_NOTHING, name), annotation=described[name])
        for name in names
    ]

    def taking(command: Command) -> Command:
        @wraps(command)
        def called(**given: Any) -> None:
            command(Options(**{name: given.pop(name) for name in names}), **given)

        own = list(signature(command).parameters.values())[1:]
        called.__signature__ = Signature([*own, *shown])  # type: ignore[attr-defined]
        return called

    return taking


_NOTHING = Options()

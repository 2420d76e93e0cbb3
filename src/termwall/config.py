"""Settings: from the command line, from the environment (`TERMWALL_PORT` ...), or as arguments of `create_app` (A5)."""

import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    NonNegativeInt,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from termwall.core.limits import Bounds
from termwall.hub.profiles import ProfileSpec
from termwall.protocol.wire import no_nul, variable
from termwall.pty.environment import login_shell
from termwall.store.disk import read_plain

DEFAULTS = Bounds()
MIN_TOKEN = 8
"""Characters."""
LOGIN_SHELLS = frozenset({"sh", "bash", "zsh", "fish", "dash", "ksh", "mksh", "tcsh", "csh", "nu"})
"""Those that take `-l`."""
Positive = Annotated[int, Field(gt=0)]


def _host(name: str) -> str:
    if name != "*" and (set(name) & set("/*?#@[] ") or name.count(":") == 1):
        raise ValueError(f"`{name}` is not a host name; give it without `https://`, port and path")
    return name


def _origin(origin: str) -> str:
    scheme, mark, place = origin.partition("://")
    if (origin != "null" and not (scheme and mark and place.rstrip("/"))) or set(place.rstrip("/")) & set("/*?#@ "):
        raise ValueError(f"`{origin}` is not an origin, such as `https://wall.example.org`")
    return origin


def _listened(name: str) -> str:
    try:
        name.encode("idna")
    except UnicodeError:
        raise ValueError(f"`{name[:64]}` is neither a host name nor an address") from None
    return name


def _address(address: str) -> str:
    parts = urlsplit(address)  # A `ValueError` says what is wrong with it; so does its port's.
    if parts.port == 0:
        raise ValueError(f"`{address}` names no port")
    return address


def _token(token: str) -> str:
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise ValueError("a token consists of letters, digits and signs of ASCII, without blanks")
    return token


class SettingsError(Exception):
    """A setting or the configuration file is wrong; the message says where."""


class Settings(BaseSettings):
    """Everything that can be set. Sizes are bytes, `heartbeat` is milliseconds."""

    model_config = SettingsConfigDict(env_prefix="TERMWALL_", extra="ignore")

    host: Annotated[str, AfterValidator(_listened)] = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(7070, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("termwall"), description="Folder for what survives a restart."
    )
    token: Annotated[str, AfterValidator(_token)] | None = Field(
        None, min_length=MIN_TOKEN, description="The owner's token; made at the first start if not given."
    )
    token_file: Path | None = Field(None, description="A file with the owner's token, where `token` does not give it.")
    sign_in_days: int = Field(
        14, ge=1, le=400, description="Days without use after which a browser has to sign in again."
    )
    outlive: bool = Field(True, description="Keep the programs running when the server ends, for the next one.")
    take_over: bool = Field(False, description="End the server that uses the data folder; its programs keep running.")
    open: bool = Field(True, description="Open the browser once the server is ready.")
    max_focused: int = Field(4, ge=1, le=64, description="How many sessions the stage of a new project holds.")
    heartbeat: int = Field(
        DEFAULTS.heartbeat_milliseconds, ge=100, description="Milliseconds between a client's heartbeats."
    )
    allowed_hosts: Annotated[list[Annotated[str, AfterValidator(_host)]], NoDecode] = Field(
        [], description="Further host names the server is reached by, separated by commas."
    )
    public_url: Annotated[str, Field(pattern=r"^https?://[^/\s?#]+(/[^\s?#]*)?$"), AfterValidator(_address)] | None = (
        Field(None, description="The address that others reach the server by, such as that of a proxy in front of it.")
    )
    allowed_origins: Annotated[list[Annotated[str, AfterValidator(_origin)]], NoDecode] = Field(
        [], description="Further origins whose pages may connect, separated by commas; there are no CORS headers."
    )
    config: Path | None = Field(None, description="A TOML file with profiles; else `termwall.toml` in the data folder.")
    login_shell: bool | None = Field(
        None, description="Start the user's shell as a login shell; unset: where the system's terminals do so (macOS)."
    )
    keep_env: Annotated[list[str], NoDecode] = Field(
        [],
        description="Variables of the server's own environment that sessions get although they describe its terminal, "
        "separated by commas; `*` stands for anything.",
    )
    nats: Annotated[list[Annotated[str, AfterValidator(_address)]], NoDecode] = Field(
        [], description="NATS servers that join this node to others, separated by commas; unset: it is alone."
    )
    node: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = Field(
        None, description="This node's name among the others; else the machine's."
    )
    role: Literal["host", "gateway", "both"] = Field(
        "both", description="What the node does: run programs, show those of others, or both."
    )
    wall: str = Field(
        "termwall", pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Name of the wall: several can share NATS servers."
    )
    nats_credentials: Path | None = Field(None, description="A NATS credentials file.")
    nats_ca: Path | None = Field(None, description="Certificates that the NATS servers' must come from.")
    nats_cert: Path | None = Field(None, description="The node's own certificate for NATS.")
    nats_key: Path | None = Field(None, description="The key of that certificate.")
    nats_replicas: int = Field(1, ge=1, le=5, description="On how many NATS servers the stages are kept.")
    log_format: Literal["text", "json"] = Field(
        "text", description="Logs for people, or one JSON object a line with the ids of nodes and sessions."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="What is logged; `info` has sessions and nodes coming and going."
    )
    connections: Positive = Field(DEFAULTS.connections, description="Most open WebSockets.")
    http_connections: Positive = Field(
        DEFAULTS.http_connections, description="Most open connections without a WebSocket."
    )
    stranger_connections: Positive = Field(
        DEFAULTS.stranger_connections, description="Most of these that have not signed in; the oldest makes room."
    )
    address_connections: Positive = Field(
        DEFAULTS.address_connections,
        description="Most of those from one address, which behind a proxy is the proxy's; the oldest makes room.",
    )
    projects: Positive = Field(DEFAULTS.projects, description="Most projects.")
    sessions: Positive = Field(DEFAULTS.sessions, description="Most sessions of a project.")
    message_bytes: int = Field(
        DEFAULTS.message_bytes, ge=1024, description="Largest message or request body, in bytes."
    )
    messages_per_second: Positive = Field(
        DEFAULTS.messages_per_second, description="Messages of one connection in a second; more is delayed."
    )
    bytes_per_second: int = Field(
        DEFAULTS.bytes_per_second, ge=1024, description="Bytes of one connection's messages in a second."
    )
    token_messages_per_second: Positive = Field(
        DEFAULTS.token_messages_per_second, description="Messages in a second of all connections of one token."
    )
    token_bytes_per_second: int = Field(
        DEFAULTS.token_bytes_per_second, ge=1024, description="Bytes in a second of all connections of one token."
    )
    calls_per_second: Positive = Field(
        DEFAULTS.calls_per_second, description="HTTP calls of one token in a second; more is delayed."
    )
    input_bytes: int = Field(
        DEFAULTS.input_bytes, ge=1024, description="Most input that waits for a program that does not read, in bytes."
    )
    ring_bytes: int = Field(DEFAULTS.ring_bytes, ge=4096, description="Output kept for each session, in bytes.")
    window_bytes: int = Field(DEFAULTS.window_bytes, ge=1024, description="Unacknowledged bytes of one stream.")
    scrollback_lines: int = Field(
        DEFAULTS.scrollback_lines, ge=0, le=100_000, description="Lines kept above each session's screen."
    )
    replay_bytes: int = Field(
        DEFAULTS.replay_bytes,
        ge=1024,
        description="Most output replayed to a new viewer while no screen can be drawn, in bytes.",
    )
    outbox_bytes: int = Field(
        DEFAULTS.outbox_bytes, ge=65536, description="Unsent bytes after which a slow connection is closed."
    )
    recording_bytes: int = Field(
        DEFAULTS.recording_bytes, ge=65536, description="Bytes of one part of a recording; then another part begins."
    )
    recording_parts: Positive = Field(DEFAULTS.recording_parts, description="Parts that are kept of one recording.")
    recordings_bytes: int = Field(
        DEFAULTS.recordings_bytes, ge=65536, description="Bytes of all recordings; the oldest make room."
    )
    clipboard_bytes: int = Field(
        DEFAULTS.clipboard_bytes,
        ge=0,
        le=512 << 10,
        description="Bytes of a text that a program may put on its driver's clipboard (OSC 52); 0 forbids it.",
    )
    handshake_seconds: float = Field(
        DEFAULTS.handshake_seconds,
        gt=0,
        description="Seconds until a handshake, a request's head, and before sign-in its body must be complete.",
    )
    body_seconds: float = Field(
        DEFAULTS.body_seconds, gt=0, description="After sign-in, seconds until the next piece of a request's body."
    )
    registration_delays: Annotated[list[NonNegativeInt], NoDecode] = Field(
        list(DEFAULTS.registration_delays),
        description="Milliseconds between the attempts to find a session, separated by commas.",
    )
    close_seconds: float = Field(
        DEFAULTS.close_seconds, gt=0, description="Seconds from SIGHUP to SIGKILL for a program that is closed."
    )

    def __init__(self, **values: object) -> None:
        for name in ("allowed_hosts", "allowed_origins", "registration_delays", "nats", "keep_env"):
            given = values.get(name, os.environ.get(f"TERMWALL_{name.upper()}"))
            if isinstance(given, str):
                values[name] = [part.strip() for part in given.split(",") if part.strip()]
        super().__init__(**values)  # type: ignore[arg-type]

    @field_validator("*", mode="before")
    @classmethod
    def _in_utf8(cls, value: object, info: ValidationInfo) -> object:
        """A path may have any bytes; every other text is sent to others."""
        of = cls.model_fields[info.field_name or ""].annotation
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and of not in (Path, Path | None):
                try:
                    one.encode()
                except UnicodeEncodeError:
                    raise ValueError("its bytes are not UTF-8") from None
        return value

    @property
    def given_token(self) -> str | None:
        """The owner's token, where one was given.

        Raises:
            SettingsError: the file for it cannot be read, or holds none.
        """
        return self.token or (read_token(self.token_file) if self.token_file is not None else None)

    @property
    def reached_by(self) -> list[str]:
        """The further host names, with that of the public address."""
        public = urlsplit(self.public_url).hostname if self.public_url else None
        return [*self.allowed_hosts, *([public] if public else [])]

    def as_environment(self) -> dict[str, str]:
        """What differs from the defaults, as variables for another server on the same data folder."""
        given = self.model_dump(mode="json", exclude_defaults=True, exclude={"data_dir", "token", "open", "take_over"})
        return {
            f"TERMWALL_{name.upper()}": ",".join(map(str, value)) if isinstance(value, list) else str(value)
            for name, value in given.items()
        }

    def bounds(self) -> Bounds:
        """The limits of the server."""
        named = {one.name: getattr(self, one.name) for one in fields(Bounds) if one.name in Settings.model_fields}
        delays = tuple(self.registration_delays)
        return Bounds(**{**named, "heartbeat_milliseconds": self.heartbeat, "registration_delays": delays})


def read_token(path: Path) -> str:
    """A token from the file that has it, without the line's end.

    Raises:
        SettingsError: it cannot be read, or holds none.
    """
    if path in _read_once:
        return _read_once[path]
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"the token cannot be read from `{path}`: {why}.") from None
    if len(token) < MIN_TOKEN or not token.isprintable():
        raise SettingsError(f"`{path}` holds no token: one line of at least {MIN_TOKEN} characters.")
    if not path.is_file():
        _read_once[path] = token
    return token


_read_once: dict[Path, str] = {}
"""Tokens that came out of pipes, as of a shell's `<(...)`, which are empty when they are read again."""
_Word = Annotated[str, AfterValidator(no_nul)]
_Command = Annotated[list[_Word], Field(min_length=1)]
_Variables = dict[Annotated[str, AfterValidator(variable)], _Word]


class _Profile(BaseModel, extra="forbid"):
    label: str | None = None
    command: _Command
    icon: str = "terminal"
    env: _Variables = {}
    resume: _Command | None = None


class _File(BaseModel, extra="forbid"):
    profiles: dict[str, _Profile] = {}
    env: _Variables = {}


def default_profiles(environ: Mapping[str, str], *, login: bool = False) -> dict[str, ProfileSpec]:
    """The seed's two kinds of session: the user's shell, perhaps as a login shell, and Claude Code (P1)."""
    shell = login_shell(environ)
    command = (shell, "-l") if login and Path(shell).name in LOGIN_SHELLS else (shell,)
    return {
        "system": ProfileSpec("Shell", command, "terminal"),
        "claude": ProfileSpec("Claude Code", ("claude",), "agent", resume=("claude", "--continue")),
    }


def load_profiles(settings: Settings, environ: Mapping[str, str]) -> dict[str, ProfileSpec]:
    """The profiles of the configuration file beside the two built in, which it may change.

    Raises:
        SettingsError: the file cannot be read or says something else than profiles.
    """
    login = sys.platform == "darwin" if settings.login_shell is None else settings.login_shell
    profiles = default_profiles(environ, login=login)
    found = _read_file(settings)
    for kind, profile in found.profiles.items():
        profiles[kind] = ProfileSpec(
            profile.label or kind, tuple(profile.command), profile.icon, profile.env, profile.resume
        )
    return profiles


def load_environment(settings: Settings) -> dict[str, str]:
    """The variables that the configuration file adds to every session.

    Raises:
        SettingsError: as `load_profiles`.
    """
    return _read_file(settings).env


def _read_file(settings: Settings) -> _File:
    path = settings.config or settings.data_dir / "termwall.toml"
    if settings.config is None and not path.exists():
        return _File()
    try:
        return _File.model_validate(tomllib.loads(path.read_text() if settings.config else read_plain(path).decode()))
    except ValidationError as error:
        fault = error.errors()[0]
        why = fault["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{path}: {'.'.join(map(str, fault['loc']))}: {why}") from None
    except OSError as error:
        raise SettingsError(f"`{path}` cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None


_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|(^|_|API)KEY(_|$)", re.IGNORECASE)
"""Names of variables that hold one."""


def secret_files(settings: Settings) -> Iterator[tuple[Path, str]]:
    """The files with secrets that a server was given, and what of them is in each.

    Raises:
        SettingsError: as `load_profiles`.
    """
    named = (
        (None if settings.token else settings.token_file, "the owner's token"),
        (settings.nats_credentials, "NATS credentials"),
        (settings.nats_key, "a private key"),
    )
    yield from ((path, what) for path, what in named if path is not None)
    found = _read_file(settings)
    names = {*found.env, *(name for profile in found.profiles.values() for name in profile.env)}
    if secret := ", ".join(f"`{name}`" for name in sorted(names) if _SECRET.search(name)):
        yield settings.config or settings.data_dir / "termwall.toml", secret

"""`termwall notify --hook`: what Claude Code's hooks say, passed on as what the session is (S9).

An agent waits for its hooks, so this imports the standard library only, takes 3 s at most, prints nothing on standard
output (which an agent may read as an answer) and never fails. Outside of a termwall session it does nothing.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from termwall.cli.tls import CertificatesError, trusted
from termwall.core.caption import sentence
from termwall.store.disk import read_plain
from termwall.store.folder import find_running

TIMEOUT_SECONDS = 2.0
"""For the server to take the connection, and again to answer."""
LIMIT_SECONDS = 3.0
"""For everything."""
MAX_MESSAGE = 4096
"""Characters of a message; a longer one is cut."""
MAX_SOURCE = 64
"""Characters of a source; a longer one is cut."""

STATES = {
    "Notification": "needs input",
    "PermissionRequest": "needs input",
    "Stop": "done",
    "UserPromptSubmit": "working",
    "PreToolUse": "working",
    "PostToolUse": "working",
    "SessionStart": "idle",
    "SessionEnd": "idle",
}
"""What each hook event says. Others say nothing: where a subagent stops, the agent goes on."""


class HookError(Exception):
    """It could not be passed on; the message says why."""


def notice_of(event: Mapping[str, Any]) -> dict[str, str] | None:
    """The body of `POST /api/sessions/{id}/notify` for a hook's event, or None where it says nothing."""
    name = event.get("hook_event_name")
    state = STATES.get(name) if isinstance(name, str) else None
    # Compacting begins a session anew in the middle of the work.
    if state is None or event.get("source") == "compact" or event.get("notification_type") == "auth_success":
        return None
    message = event.get("message")
    text = message[:MAX_MESSAGE] if isinstance(message, str) and state == "needs input" else ""
    # An escape of JSON may be half a character, which no server takes; the rest is worth saying.
    text = "".join("\ufffd" if "\ud800" <= one <= "\udfff" else one for one in text)
    return {"state": state, "source": f"Claude hook: {name}"[:MAX_SOURCE], "message": text}


def find_server(environ: Mapping[str, str]) -> tuple[str, str]:
    """Address and token of the server that a session belongs to, from the session's environment.

    The folder's token is shown to the folder's own server only, while that one runs (X12).

    Raises:
        HookError: they are not to be found.
    """
    folder = environ.get("TERMWALL_DATA_DIR")
    if folder is None:
        from platformdirs import user_data_path  # Only where the session does not say it.

        folder = str(user_data_path("termwall"))
    own = find_running(Path(folder))
    url = environ.get("TERMWALL_URL") or (own.url if own is not None else None)
    if url is None:
        raise HookError(f"no server is known in `{folder}`.")
    try:
        if token := environ.get("TERMWALL_TOKEN"):
            return url, token
        if file := environ.get("TERMWALL_TOKEN_FILE"):
            return url, Path(file).read_text().strip()
        if own is not None and own.is_at(url):
            return own.url, read_plain(Path(folder, "token")).decode().strip()
    except (OSError, ValueError) as error:
        raise HookError(f"the token cannot be read: {error}") from None
    raise HookError(f"no token is known for {url}; that of `{folder}` is for its own server.")


def post(url: str, token: str, session: str, notice: Mapping[str, str]) -> None:
    """Tell the server.

    Raises:
        HookError: it does not answer, or refuses.
    """
    address = urlsplit(url)
    path = f"{address.path.rstrip('/')}/api/sessions/{quote(session, safe='')}/notify"
    try:
        connection = (
            HTTPSConnection(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS, context=trusted())
            if address.scheme == "https"
            else HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)
        )
        try:
            headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
            connection.request("POST", path, json.dumps(notice).encode(), headers)
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError, CertificatesError) as error:
        raise HookError(f"{url} does not answer: {error}") from None
    if status >= 300:
        raise HookError(f"{url} answered {status}")


def pass_on(text: str, environ: Mapping[str, str], session: str | None = None) -> None:
    """Pass one event on.

    Args:
        text: the event as JSON, from the hook's standard input.
        session: the session's id; else `TERMWALL_SESSION_ID`, and without that nothing is done.

    Raises:
        HookError: it could not be.
    """
    session = session or environ.get("TERMWALL_SESSION_ID")
    if not session:
        return
    try:
        event = json.loads(text)
    except ValueError as error:
        raise HookError(f"standard input is not a hook's JSON: {error}") from None
    notice = notice_of(event) if isinstance(event, dict) else None
    if notice is not None:
        post(*find_server(environ), session, notice)


def main(session: str | None = None) -> None:
    """The command. Whatever goes wrong is a sentence on standard error, and the exit code is 0."""
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.setitimer(signal.ITIMER_REAL, LIMIT_SECONDS)
    try:
        if sys.stdin.isatty():
            raise HookError("--hook reads a hook's JSON from standard input.")
        pass_on(sys.stdin.buffer.read().decode("utf-8", "replace"), os.environ, session)
    except HookError as error:
        print(f"termwall: {sentence(str(error))}", file=sys.stderr)
    except Exception as error:  # noqa: BLE001  Whatever it is, the agent must not stop for it.
        print(f"termwall: {type(error).__name__}: {sentence(str(error))}", file=sys.stderr)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)

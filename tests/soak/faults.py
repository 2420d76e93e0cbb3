"""What a soak does to the server's processes: each ends one or two of them and waits until all is there again."""

import contextlib
import time
from collections.abc import Callable

from tests.soak.stand import Stand, kill, waited

BACK_SECONDS = 120.0
"""Until what was killed is there again: a second or two, on a machine that does other work many times that."""


def server(stand: Stand) -> None:
    """The server, with kill -9."""
    stand.server.kill()
    stand.server.start()


def stopped(stand: Stand) -> None:
    """The server, by SIGTERM."""
    code = stand.server.stop()
    assert code == 0, f"the server ended with {code}"
    stand.server.start()


def caretaker(stand: Stand) -> None:
    """The server, the caretaker that comes then, and the one after it lives until the next server."""
    stand.server.kill()
    first = waited(lambda: stand.caretaker, "a caretaker", BACK_SECONDS)
    kill(first)
    waited(lambda: stand.caretaker not in (None, first), "another caretaker", BACK_SECONDS)
    stand.server.start()


def worker(stand: Stand) -> None:
    """The screen worker."""
    first = waited(lambda: stand.worker, "a screen worker", BACK_SECONDS)
    kill(first)
    waited(lambda: stand.worker not in (None, first), "another screen worker", BACK_SECONDS)


def holder(stand: Stand) -> None:
    """The holder, while a server has the terminals: another one takes them over."""
    first = waited(lambda: stand.holder, "a holder", BACK_SECONDS)
    kill(first)
    waited(lambda: stand.holder not in (None, first), "another holder", BACK_SECONDS)


def both(stand: Stand) -> None:
    """Screen worker and server."""
    first = stand.worker
    if first is not None:
        with contextlib.suppress(ProcessLookupError):
            kill(first)
    server(stand)


ALL: tuple[Callable[[Stand], None], ...] = (holder, server, worker, caretaker, stopped, both)
"""Every process in turn. A holder that took programs over has one descriptor more for each, so that comes first."""
WITHOUT_SERVER: tuple[Callable[[Stand], None], ...] = (worker, holder)
"""Those that the server's memory outlives."""


def reboot(stand: Stand) -> list[str]:
    """Holder and server at once, which ends all programs (P5); what is wrong with what the next server shows then.

    Each session must be `lost` and have a last screen, and must start again.
    """
    holding, listed = stand.holder, list(stand.printed)
    assert holding is not None
    stand.server.kill()
    with contextlib.suppress(ProcessLookupError):
        kill(holding)
    time.sleep(0.1)
    stand.server.start()
    found = []
    for session in listed:
        about = stand.server.call("GET", f"/api/sessions/{session}").json()
        if about.get("status") != "lost":
            found.append(f"session {session} is {about.get('status')} after a reboot")
            continue
        screen = stand.server.call("GET", f"/api/sessions/{session}/screen?format=text")
        if screen.status_code != 200 or not screen.text.strip():
            found.append(f"session {session} has no last screen ({screen.status_code})")
    again = stand.server.call("POST", f"/api/sessions/{listed[0]}/restart")
    if again.status_code != 200 or again.json()["status"] != "running":
        found.append(f"session {listed[0]} cannot be started again: {again.text[:200]}")
    return found

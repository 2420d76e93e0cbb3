"""Plays a recording's events in the terminal of whoever calls `termwall play`."""

import os
import select
import sys
import time
from collections.abc import Callable, Iterable

from termwall.core.asciicast import Event
from termwall.core.caller import Caller
from termwall.terminal import borrowed

Pressed = Callable[[float | None], str]
"""Waits for a key: it gets seconds, or None for as long as it takes."""


def play(events: Iterable[Event], speed: float, idle_limit: float | None) -> None:
    """Until the recording ends or its user has enough: space pauses, q ends.

    A terminal gets what draws and nothing that asks it something (S7), and is as it was afterwards. Where the output is
    no terminal it gets every byte.
    """
    pressed = _press if sys.stdin.isatty() else _nobody
    if not sys.stdout.isatty():
        _play(events, speed, idle_limit, pressed, _print)
        return
    caller = Caller(attached=False)
    with borrowed(caller, raw=False, resumed=lambda: None) as terminal:
        _play(events, speed, idle_limit, pressed, lambda text: terminal.write(caller.feed(text)))


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _nobody(seconds: float | None) -> str:
    time.sleep(seconds or 0)
    return "" if seconds is not None else "q"


def _press(seconds: float | None) -> str:
    if not select.select([sys.stdin], [], [], seconds)[0]:
        return ""
    return os.read(sys.stdin.fileno(), 1).decode("latin-1") or "q"  # No byte: the keyboard is gone.


def _play(
    events: Iterable[Event], speed: float, idle_limit: float | None, pressed: Pressed, show: Callable[[str], None]
) -> None:
    due = time.monotonic()
    before = 0.0
    for event in events:
        pause = (event.time - before) / speed
        due += pause if idle_limit is None else min(pause, idle_limit)
        before = event.time
        while (left := due - time.monotonic()) > 0:
            key = pressed(left)
            if key == "q":
                return
            if key == " ":
                stopped = time.monotonic()
                while (key := pressed(None)) not in (" ", "q"):
                    pass
                if key == "q":
                    return
                due += time.monotonic() - stopped
        if event.code == "o":
            show(event.data)

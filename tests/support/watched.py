"""`python -m tests.support.watched python -m termwall serve ...`: a server whose event loop is watched (L6).

What the watchdog saw is written, as JSON, into the file that TERMWALL_WATCHED names, when the server has ended, and at
SIGUSR2. The loop is the server's own (uvloop's), of which whole turns are judged, also those in which it takes sessions
over; with TERMWALL_WATCHED_LOOP=asyncio it is asyncio's, of which each callback is, once it has started.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from tests.support.watchdog import TurnClock, watching


def main() -> None:
    """Serve as the command line after this one says."""
    from termwall import __main__, server

    report = Path(os.environ.pop("TERMWALL_WATCHED"))
    asyncios = os.environ.pop("TERMWALL_WATCHED_LOOP", "") == "asyncio"
    sys.argv = ["termwall", *sys.argv[4:]]
    if asyncios:
        server._loop_factory = lambda: None
    server.END_SECONDS = 600.0  # Else a busy machine ends it before it has written what it saw.
    started, create = server._started, server.create_app
    loops = [""]

    with watching() as dog:

        def write() -> None:
            seen = {"faults": dog.faults, "turns": dog.turns, "longest": dog.longest, "loop": loops[0]}
            report.with_suffix(".new").write_text(json.dumps(seen))
            report.with_suffix(".new").replace(report)

        def left(code: int) -> NoReturn:
            """A stop that is done ends the process at once (L3)."""
            write()
            leave(code)

        def created(settings: Any) -> Any:
            app = create(settings)
            loop = asyncio.get_running_loop()
            loops[0] = type(loop).__module__
            loop.add_signal_handler(signal.SIGUSR2, write)
            if not asyncios:
                TurnClock(dog)
            return app

        def began(*arguments: Any) -> None:
            started(*arguments)
            if asyncios:
                dog.forget()

        leave, os._exit = os._exit, left
        server.create_app, server._started = created, began
        try:
            __main__.main()
        finally:
            write()


if __name__ == "__main__":
    main()

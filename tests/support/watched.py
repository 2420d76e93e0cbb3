"""`python -m tests.support.watched python -m termwall serve ...`: a server whose event loop is watched (L6).

What the watchdog saw is written, as JSON, into the file that TERMWALL_WATCHED names, when the server has ended. Its
start is not judged: nobody waits for anything yet.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.support.watchdog import watching


def main() -> None:
    """Serve as the command line after this one says."""
    from termwall import __main__, server

    report = Path(os.environ.pop("TERMWALL_WATCHED"))
    sys.argv = ["termwall", *sys.argv[4:]]
    server._loop_factory = lambda: None  # asyncio's own, whose turns can be measured.
    server.END_SECONDS = 600.0  # Else a busy machine ends it before it has written what it saw.
    started = server._started
    with watching() as dog:

        def began(*arguments: Any) -> None:
            started(*arguments)
            dog.forget()

        server._started = began
        try:
            __main__.main()
        finally:
            report.write_text(json.dumps({"faults": dog.faults, "turns": dog.turns, "longest": dog.longest}))


if __name__ == "__main__":
    main()

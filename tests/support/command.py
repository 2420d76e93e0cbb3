"""`termwall` as somebody calls it."""

import os
from pathlib import Path

from tests.support import prepared
from tests.support.server import Server


class Command:
    """`termwall` with a server's data folder, in a folder."""

    def __init__(self, server: Server, cwd: Path) -> None:
        self.cwd = cwd
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
        self.env |= {"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "TERMWALL_DATA_DIR": str(server.data_dir)}

    def __call__(self, *words: str, ok: bool = True, text: str = "", both: bool = False) -> str:
        """What it prints; on failure what it says, or both."""
        done = prepared.run(list(words), cwd=self.cwd, env=self.env, text=text)
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr if both else done.stdout if ok else done.stderr

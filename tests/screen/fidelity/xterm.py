"""The browser's terminal, without a browser: one Node process that compares what two of them show."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from termwall.screen.ghostty import GhosttyEngine

SCRIPT = Path(__file__).resolve().parent / "compare.mjs"
MODULE = SCRIPT.parents[3] / "web/node_modules/@xterm/headless"
MISSING = shutil.which("node") is None or not MODULE.exists()
SCROLLBACK = 1000

Steps = Sequence[bytes | tuple[int, int]]
Differences = tuple[list[str], list[str]]
"""Right after the snapshot, and after what followed; both empty where it was exact."""


class XtermError(Exception):
    """xterm.js itself threw an error while it parsed."""


class Xterm:
    """Compares terminals; use as a context."""

    def __enter__(self) -> "Xterm":
        node = shutil.which("node") or "node"
        self._process = subprocess.Popen([node, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()

    def compare(self, size: tuple[int, int], candidate: Steps, reference: Steps, rest: Steps) -> Differences:
        """Let two terminals of this size take their steps, and then both the rest."""
        case = {
            "cols": size[0],
            "rows": size[1],
            "candidate": _written(candidate),
            "reference": _written(reference),
            "rest": _written(rest),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(case).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the Node process ended"
        answer = json.loads(line)
        if answer["thrown"]:
            raise XtermError(answer["thrown"])
        return answer["first"], answer["then"]


def _written(steps: Steps) -> list[object]:
    return [base64.b64encode(step).decode() if isinstance(step, bytes) else list(step) for step in steps]


def snapshot(size: tuple[int, int], steps: Iterable[bytes | tuple[int, int]]) -> tuple[bytes, tuple[int, int]]:
    """What the engine makes of these steps: its snapshot, and the size that is for."""
    engine = GhosttyEngine(*size, SCROLLBACK)
    try:
        for step in steps:
            if isinstance(step, bytes):
                engine.feed(step)
            else:
                engine.resize(*step)
        return engine.snapshot(SCROLLBACK), (engine.cols, engine.rows)
    finally:
        engine.close()

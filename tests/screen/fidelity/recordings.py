"""The recordings of real programs that `tools/record.py` made, and the points to cut them at."""

import gzip
import json
import random
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent.parent / "recordings"
ANYWHERE, INSIDE = 14, 8
"""Cut points of a recording: at any byte, and inside sequences and characters."""
_INSIDE = re.compile(rb"\x1b[\[\]P(][^\x1b]{0,6}|[\xc2-\xf4][\x80-\xbf]+")

Step = bytes | tuple[int, int]


@dataclass(frozen=True)
class Recording:
    """What a program wrote, in order, with its window's sizes."""

    name: str
    cols: int
    rows: int
    resizes: tuple[tuple[int, int, int], ...]
    """Offset, columns, rows."""
    raw: bytes

    def steps(self, start: int, end: int) -> list[Step]:
        """The bytes from `start` to `end` with the sizes in between; one at `start` is in, one at `end` is not."""
        steps: list[Step] = []
        at = start
        for offset, cols, rows in self.resizes:
            if start <= offset < end:
                steps += [self.raw[at:offset], (cols, rows)]
                at = offset
        return [*steps, self.raw[at:end]]

    def cuts(self) -> list[int]:
        """Where to cut: always the same points."""
        chance = random.Random(self.name)
        size = len(self.raw)
        inside = [chance.randrange(match.start() + 1, match.end()) for match in _INSIDE.finditer(self.raw)]
        cuts = {chance.randrange(1, size) for _ in range(ANYWHERE)} | {size}
        return sorted(cuts | set(chance.sample(inside, min(INSIDE, len(inside)))))

    def until_resize(self, cut: int) -> int:
        """The offset of the next size change, or the end."""
        return next((offset for offset, _, _ in self.resizes if offset > cut), len(self.raw))


def load() -> list[Recording]:
    """All recordings, by name."""
    found = []
    for path in sorted(FOLDER.glob("*.rec.gz")):
        line, _, raw = gzip.decompress(path.read_bytes()).partition(b"\n")
        header = json.loads(line)
        resizes = tuple((offset, cols, rows) for offset, cols, rows in header["resizes"])
        found.append(Recording(path.name.removesuffix(".rec.gz"), header["cols"], header["rows"], resizes, raw))
    return found

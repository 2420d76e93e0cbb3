"""Opens a file with a recording, compressed or not, and gives its lines."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from termwall.core.asciicast import MAX_LINE, CastError

_GZIP = b"\x1f\x8b"
_OTHERS = {b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ\x00": "xz", b"BZh": "bzip2", b"PK\x03\x04": "zip"}
"""What compressed files begin with that are not read here."""


def cast_lines(path: Path) -> Iterator[str]:
    """The lines of a recording, which may be compressed with gzip.

    Raises:
        OSError: it cannot be read.
        CastError: it is compressed in another way, damaged, or has a line that is too long.
    """
    with open(path, "rb") as file:
        begins = file.read(6)
        file.seek(0)
        for magic, name in _OTHERS.items():
            if begins.startswith(magic):
                raise CastError(f"it is compressed with {name}; decompress it first.")
        if not begins.startswith(_GZIP):
            yield from split_lines(file)
            return
        try:
            with gzip.open(file) as plain:
                yield from split_lines(plain)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise CastError(f"it is damaged: {error}.") from None


def split_lines(file: BinaryIO | gzip.GzipFile, most: int | None = None) -> Iterator[str]:
    r"""Lines that end at `\n` and at nothing else: other ends of lines may stand in a recording's text.

    Args:
        most: bytes that are read, of a file that grows.

    Raises:
        CastError: a line is too long.
    """
    left = MAX_LINE if most is None else most
    while line := file.readline(min(left, MAX_LINE)):
        left -= 0 if most is None else len(line)
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            raise CastError("a line is too long.")
        yield line.decode("utf-8", "replace")

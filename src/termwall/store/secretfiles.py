"""Files with secrets that other users of the machine can read: they are named, and used all the same (X13).

Not refused, for some places that hand out secrets, as container engines do, let all of a container read them.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path


def others_read(path: Path) -> bool:
    """Whether a file is open to others. What root hands out may be its group's, as key files are."""
    try:
        found = path.stat()
    except OSError:
        return False
    handed_out = found.st_uid == 0 != os.getuid()
    return stat.S_ISREG(found.st_mode) and bool(found.st_mode & (stat.S_IRWXO if handed_out else 0o077))


def warning(path: Path, what: str) -> str:
    """The sentence about one."""
    return f"other users of this machine can use `{path}`, which has {what} in it; `chmod 600` closes it."


def warnings(files: Iterable[tuple[Path, str]]) -> Iterator[str]:
    """A sentence for each file that others read, of those with what is in them."""
    return (warning(path, what) for path, what in files if others_read(path))

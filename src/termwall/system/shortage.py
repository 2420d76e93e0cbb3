"""What the system is short of, in words: which resource ran out, and what to do (L4). Standard library only."""

import errno
from collections.abc import Mapping

_SHORT: Mapping[int, str] = {
    errno.EMFILE: "too many files are open here; close terminals or pages, or start the server with a higher limit "
    "(`ulimit -n`)",
    errno.ENFILE: "too many files are open on this machine; close some programs, or raise `fs.file-max`",
    errno.ENOMEM: "there is no memory left for it; end some programs, or raise the limit on memory (`ulimit -v`)",
    errno.ENOBUFS: "the system has no memory left for sockets; end some programs",
    errno.EAGAIN: "no further process is allowed; end some programs, or raise the limit on processes (`ulimit -u`, "
    "`pids.max`)",
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk's quota is used up; free some space",
    errno.EFBIG: "a file would get larger than allowed; raise the limit on files' sizes (`ulimit -f`)",
}
DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Those that leave no room to write."""


def is_shortage(error: BaseException) -> bool:
    """Whether something ran out, which may be there again later; else something is wrong."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _SHORT)


def why(error: BaseException) -> str:
    """An error as the second half of a sentence: what ran out and what to do, else what the system calls it."""
    if isinstance(error, MemoryError):
        return _SHORT[errno.ENOMEM]
    if isinstance(error, OSError) and error.errno is not None:
        return _SHORT.get(error.errno) or error.strerror or str(error)
    return str(error) or type(error).__name__

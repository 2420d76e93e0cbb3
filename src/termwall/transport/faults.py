"""What went wrong in the server itself, as an error that a client can be sent (A3): the one place that turns the
system's errors into codes. Neither the sentence nor the code has anything of the server's files in it.
"""

import errno
from collections.abc import Mapping
from typing import Final

from termwall.core.errors import ErrorCode, TermwallError
from termwall.store.database import StoreUnavailable

_OUT_OF: Final[Mapping[int, str]] = {
    errno.EMFILE: "no free file descriptors",
    errno.ENFILE: "no free file descriptors",
    errno.ENOMEM: "no free memory",
    errno.EAGAIN: "no free processes",
    errno.ENOSPC: "no free space on its disk",
    errno.EDQUOT: "no free space on its disk",
    errno.EROFS: "a disk that can only be read",
    errno.EIO: "a disk that does not work",
}
"""What ran out and comes back: the client tries again later."""
_NO_THREAD: Final = "can't start new thread"
"""What Python says where no further process is allowed, a thread being one."""


def fault(error: Exception) -> TermwallError | None:
    """What the client is sent of an error that nobody expected; None where it is a fault of termwall's own."""
    if isinstance(error, TermwallError):
        return error
    if isinstance(error, MemoryError):
        return _away(_OUT_OF[errno.ENOMEM])
    if isinstance(error, RuntimeError) and str(error) == _NO_THREAD:
        return _away(_OUT_OF[errno.EAGAIN])
    if isinstance(error, StoreUnavailable):
        return TermwallError(ErrorCode.ENGINE_AWAY, f"{str(error)[:1].upper()}{str(error)[1:]}")
    what = _OUT_OF.get(error.errno or 0) if isinstance(error, OSError) else None
    return None if what is None else _away(what)


def _away(what: str) -> TermwallError:
    return TermwallError(ErrorCode.ENGINE_AWAY, f"The server has {what} at the moment; try again later.")

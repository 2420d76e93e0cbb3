"""How many files this process may have open, how many it has, and the reserve that nothing new may touch (L4).

Every terminal, every connection and every file is one. Standard library only, because the holder counts too.
"""

import errno
import os
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit

STARTED_WITH = getrlimit(RLIMIT_NOFILE)
"""The soft and the hard limit before `raise_limit`, which is below: programs get what this process was started with."""
WANTED = 65_536
"""Where the system has no limit of its own, or does not allow the one that it names (macOS)."""
LEAST = 32
"""With less than that a server cannot even answer."""
RESERVE = 32
"""Descriptors for what has to work always: to answer, to write the database, to start the holder or a worker again.
Of a small limit an eighth."""
SESSION = 8
"""What starting one takes at most; it keeps three."""
LEFT = 2 * SESSION
"""What connections leave free beside the reserve, so that some sessions can be started still."""
SERVER = 20
"""What a server takes before its first session."""
HELD = 3
"""What a session takes that is taken over: its terminal, its memory and the mapping of that."""
_FOLDERS = ("/proc/self/fd", "/dev/fd")


def raise_limit() -> None:
    """Allow this process as many open files as it may have: the soft limit becomes the hard one."""
    soft, hard = getrlimit(RLIMIT_NOFILE)
    wishes = (hard,) if hard != RLIM_INFINITY else (WANTED, 10_240)
    for wanted in wishes:
        if soft == RLIM_INFINITY or soft >= wanted:
            return
        try:
            setrlimit(RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS allows less than it says.
            continue
        return


def limit() -> int:
    """How many this process may have open."""
    soft = getrlimit(RLIMIT_NOFILE)[0]
    return 1 << 30 if soft == RLIM_INFINITY else soft


def reserve() -> int:
    """How many of them nothing new may take."""
    return min(RESERVE, limit() // 8)


def in_use() -> int:
    """How many this process has open."""
    for folder in _FOLDERS:
        try:
            # Linux 6.2 and later: the size of the folder is their number.
            return os.stat(folder).st_size if folder == _FOLDERS[0] and _COUNTED else len(os.listdir(folder)) - 1
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            return limit()  # Not even one more for the list.
    return 0


def spare() -> int:
    """How many may be opened before the reserve is touched; below 0 where it is. To be asked before each is opened.

    Where counting means a list of all, which takes milliseconds with thousands, it is not made each time: of what was
    spare at the last one no more than half is given away, at `SESSION` each, before the next.
    """
    if _COUNTED:
        return limit() - in_use() - reserve()
    if _last.good_for > 0 and _last.limit == limit():
        _last.good_for -= 1
        return _last.spare
    _last.limit = limit()
    _last.spare = _last.limit - in_use() - reserve()
    _last.good_for = max(0, _last.spare - 2 * LEFT) // (2 * SESSION)
    return _last.spare


class _Last:
    """The last list of all that is open: what was spare, under which limit, and how often that may be said again."""

    spare = good_for = limit = 0


_last = _Last()


def short(count: int = SESSION) -> str:
    """Why so many more cannot be had, as a sentence that says what to do; empty where they can."""
    if spare() >= count:
        return ""
    return (
        f"It has {in_use()} of the {limit()} files open that it may have. Close terminals or pages, or start the "
        "server with a higher limit (`ulimit -n`)."
    )


def too_few(sessions: int) -> str:
    """Why a server that starts here could not take over so many sessions, as a sentence; empty where it could."""
    needed = SERVER + sessions * HELD + reserve() // 2
    if limit() >= needed:
        return ""
    return (
        f"the sessions that are there take {needed} open files, and a server may have {limit()} here; start it with a "
        "higher limit (`ulimit -n`)."
    )


def _counts() -> bool:
    try:
        return os.stat(_FOLDERS[0]).st_size == len(os.listdir(_FOLDERS[0])) - 1
    except OSError:
        return False


_COUNTED = _counts()

"""Sessions that this version of termwall does not understand (L9): listed with why, and nothing but closed.

Such a session shows a notice in place of its screen. Its program, if it runs, is the holder's as before, so the version
that started it finds it as it was.
"""

from termwall.core.errors import ErrorCode, TermwallError
from termwall.hub.record import Launch, Record
from termwall.pty.programs import Program
from termwall.version import version

SIZE = (80, 24)
UNKNOWN = Launch("system", ("?",), "/", {})
"""What a session runs whose command is not known. It is never started."""


def must_be_open(name: str, program: Program) -> None:
    """Raises `other_version` for a sealed session: another start would run its program twice, or another program."""
    why = program.sealed
    if why is not None:
        raise TermwallError(ErrorCode.OTHER_VERSION, f"`{name}` can only be closed: {why}.")


def noticed(kept: Record, program: Program, epoch: str) -> Record:
    """How a sealed session is shown: a log of its own (hence another epoch), with the notice in it."""
    why, cols, rows = program.sealed, *SIZE
    if program.ended is None:
        runs = f"`{kept.name}` runs on (process {program.pid}), but termwall {version()} cannot show it:"
        todo = "Start the version of termwall that it was started with to see it again. Closing it ends the program."
    else:
        runs = f"`{kept.name}` is not shown by termwall {version()}:"
        todo = "Closing it forgets it."
    lines = f"\x1b[1m{_plain(runs)}\x1b[m\r\n\r\n{_plain(why or '')}.\r\n\r\n{todo}\r\n"
    program.memory.ring.append(lines.encode("utf-8", "replace"))
    state = {"cols": cols, "rows": rows, "cwd": kept.launch.cwd, "title": ""}
    return Record(kept.id, kept.name, kept.home, kept.launch, epoch, kept.created_at, state)


def _plain(text: str) -> str:
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)

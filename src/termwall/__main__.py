"""The `termwall` command, also as `python -m termwall`. A hook goes past all that takes a second to import."""

import errno
import io
import os
import sys

_NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def main() -> None:
    """The entry point."""
    if sys.argv[1:] == ["notify", "--hook"]:
        from termwall.cli import hook

        hook.main()
        return
    _open_closed()
    from termwall.cli.main import app
    from termwall.core.caption import sentence

    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _give_up()
    except OSError as error:
        what = "standard output cannot be written"
        if error.filename is not None:
            what = f"`{os.fsdecode(error.filename)}` cannot be used"
        elif error.errno not in _NOT_WRITTEN:
            raise
        print(f"termwall: {sentence(what)}: {error.strerror}.", file=sys.stderr)
        _give_up()


def _open_closed() -> None:
    """What a caller closed (`>&-`) leads nowhere, and no file that is opened later takes its number.

    What an output has no bytes for, such as a name that is no UTF-8, is written as an escape of Python's.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _give_up() -> None:
    """End; what is left of the output has no place, and Python would complain of it once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(1)


if __name__ == "__main__":
    main()

"""A log that holds nobody up: lines for a descriptor whose other end may stand still."""

import logging
import os
import select

_LEFT_OUT = "%d lines were left out here, for nobody took them"


class Lines(logging.Handler):
    """Writes one line a record, and never waits for who reads them: what does not fit is left out, and said (L6).

    Args:
        descriptor: where to.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.descriptor = descriptor
        self._room = select.poll()
        self._room.register(descriptor, select.POLLOUT)
        self._left_out = 0
        self._half = b""
        """The end of a line that was written in part."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, if there is room."""
        try:
            line = self.format(record).encode("utf-8", "backslashreplace") + b"\n"
            if self._write(self._half) and self._report() and self._write(line):
                return
            self._left_out += 1
        except OSError:  # Nobody reads any more.
            self._left_out += 1
        except Exception:  # noqa: BLE001 - as every handler: a record that cannot be written must cost nobody anything
            self.handleError(record)

    def _report(self) -> bool:
        if self._left_out:
            said = logging.LogRecord("termwall", logging.WARNING, "", 0, _LEFT_OUT, (self._left_out,), None)
            if not self._write(self.format(said).encode() + b"\n"):
                return False
            self._left_out = 0
        return True

    def _write(self, line: bytes) -> bool:
        """All of it, or nothing, or a part whose rest comes first the next time."""
        begun = False
        while line:
            # Where a pipe can be written to, it has room for so many bytes.
            if not self._room.poll(0):
                self._half = line if begun else self._half
                return False
            line = line[os.write(self.descriptor, line[: select.PIPE_BUF]) :]
            begun = True
        self._half = b""
        return True

"""Logs to standard error: for people, or an object a line for programs."""

import logging
import time
from pathlib import Path
from typing import Literal

from pythonjsonlogger.json import JsonFormatter

from termwall.core.caption import sentence
from termwall.system.logbook import LogHandler

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


def log_to_stderr(
    level: LogLevel = "warning", form: LogFormat = "text", node: str | None = None, own: Path | None = None
) -> None:
    """One line a record, not more than is worth it (X10); standard output stays free for what scripts read (A5).

    Args:
        form: `json` writes an object with `time`, `level`, `logger`, `message`, and where it concerns them `node`,
            `session`, `project` and `peer` (another node).
        node: this node's name, in every object.
        own: the file that `termwall up` makes standard error of.
    """
    handler = LogHandler(own)
    if form == "json":
        renamed = {"asctime": "time", "levelname": "level", "name": "logger"}
        formatter: logging.Formatter = JsonFormatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields=renamed,
            static_fields={} if node is None else {"node": node},
        )
        formatter.default_time_format, formatter.default_msec_format = "%Y-%m-%dT%H:%M:%S", "%s.%03dZ"
        formatter.converter = time.gmtime
    else:
        formatter = LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler])


class LineFormatter(logging.Formatter):
    """One line a record, which no terminal obeys that shows the log: it may name anybody's files and requests (X9)."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  The library's name.
        """The line, before what is said of an exception."""
        record.message = sentence(record.message)
        return super().formatMessage(record)

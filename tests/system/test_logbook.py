"""What the log grows by, whatever comes in again and again."""

import logging
import os
import sys
from pathlib import Path

import pytest

from termwall.system.logbook import MINUTE, MOST_ALIKE, MOST_KINDS, MOST_LINES, LogHandler, Sparing


def record(text: str, *values: object, level: int = logging.WARNING) -> logging.LogRecord:
    """A line that is to be written."""
    return logging.LogRecord("termwall.access", level, "here", 1, text, values, None)


def test_case_hardening_C8_what_comes_again_is_counted_and_not_written() -> None:
    now = 0.0
    sparing = Sparing(lambda: now)
    assert sum(sparing.filter(record("refused: %s", number)) for number in range(500)) == MOST_ALIKE
    assert sparing.filter(record("another: %s", 1))
    now += MINUTE
    first, second = record("refused: %s", "x"), record("refused: %s", "y")
    assert sparing.filter(first)
    assert sparing.filter(second)
    assert first.getMessage() == "refused: x (480 more like this were not written)"
    assert second.getMessage() == "refused: y"


def test_case_hardening_C8_texts_that_all_differ_have_a_bound_too() -> None:
    sparing = Sparing(lambda: 0.0)
    levels = (logging.INFO, logging.ERROR)
    written = sum(sparing.filter(record(f"no {number}", level=levels[number % 2])) for number in range(3 * MOST_LINES))
    assert written == MOST_LINES
    assert len(sparing._kinds) <= MOST_KINDS


def test_case_hardening_C8_the_servers_own_file_has_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "server.log"
    with open(path, "a") as errors, open(path, "a") as child:
        monkeypatch.setattr(sys, "stderr", errors)
        handler = LogHandler(path, most=4096)
        for number in range(1_000):
            handler.handle(record(f"{number} {'x' * 80}"))
            child.write("from the screen worker\n")
            child.flush()
        assert path.stat().st_size < 4096 + 200
        kept = path.with_name("server.log.1")
        assert 4096 < kept.stat().st_size < 4096 + 400
        assert kept.stat().st_mode & 0o777 == 0o600
        assert b"\0" not in path.read_bytes(), "it is begun anew for all that write to it"
        assert f"{999} " in path.read_text()
    assert sorted(os.listdir(tmp_path)) == ["server.log", "server.log.1"]


def test_X10_another_file_is_left_to_whoever_made_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "server.log").write_text("of another server\n")
    with open(tmp_path / "mine.log", "a") as errors:
        monkeypatch.setattr(sys, "stderr", errors)
        handler = LogHandler(tmp_path / "server.log", most=10)
        for number in range(10):
            handler.handle(record(f"{number}"))
    assert (tmp_path / "mine.log").read_text() == "".join(f"{number}\n" for number in range(10))
    assert (tmp_path / "server.log").read_text() == "of another server\n"

"""A6: the caller's terminal, which is given back when it has said all that it had to say."""

import fcntl
import os
import pty
import struct
import sys
import termios
import threading
from collections.abc import Iterator

import pytest

from termwall.cli import terminal as module
from termwall.cli.terminal import BorrowedTerminal
from termwall.core.caller import Caller

Pair = tuple[int, BorrowedTerminal]


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """The terminal's own side, and what borrows it as this process's standard input and output."""
    master, slave = pty.openpty()
    with open(slave, "r+b", buffering=0) as both:
        monkeypatch.setattr(sys, "stdin", both)
        monkeypatch.setattr(sys, "stdout", both)
        yield master, BorrowedTerminal(Caller(attached=True), raw=True, resumed=lambda: None)
    os.close(master)


def wanted(master: int) -> None:
    """Read until the terminal is asked whether it has read the end of its modes."""
    seen = b""
    while b"\x1b[5n" not in seen:
        seen += os.read(master, 65536)


def left_at_the_prompt(borrowed: BorrowedTerminal) -> int:
    """Bytes that the next program reads."""
    return int(struct.unpack("i", fcntl.ioctl(borrowed._input, termios.FIONREAD, b"\0" * 4))[0])


def test_case_command_line_2_A6_a_terminal_that_answers_is_waited_for_longer(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    master, borrowed = pair
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.0)
    borrowed.take()
    borrowed.answers = True
    giving = threading.Thread(target=borrowed.give_back)
    giving.start()
    wanted(master)
    os.write(master, b"\x1b[?1;2c")
    os.write(master, b"\x1b[0n")
    giving.join()
    assert left_at_the_prompt(borrowed) == 0
    assert borrowed.answers


def test_case_command_line_2_A6_one_that_does_not_answer_any_more_is_waited_for_as_shortly_as_at_first(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, borrowed = pair
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.0)
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.01)
    borrowed.take()
    borrowed.answers = True
    borrowed.give_back()
    assert not borrowed.answers
    monkeypatch.setattr(module, "BUSY_SECONDS", 1000.0)
    borrowed.take()
    borrowed.give_back()

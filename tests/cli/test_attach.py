"""C1, C2: `termwall attach` against a real server, in a terminal that answers."""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.outer import OuterTerminal
from tests.support.server import Server, running

CHANGES = (
    r"\033]2;program\007\033[?1049h\033[?1000;1003;1006h\033[?1004h\033[?2004h\033[?1h\033=\033[>4;2m\033[>31u"
    r"\033[?25l\033[5 q\033]4;1;#123456\007\033]11;#112233\007\033[3;9r\033[?6h\033[31;44m\033]8;;http://x/\033\\link\033(0"
)
"""What a program may have turned on when it ends or its viewer goes."""
LINES = b"".join(b"line %d\r\n" % number for number in range(60))
BUSY = f"printf '{CHANGES}'; printf '\\033(BREADY'; stty raw -echo; exec cat -v"

SHELL = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-m", "termwall", "attach", sys.argv[1]], process_group=0)
os.tcsetpgrp(0, child.pid)
sys.exit(child.wait())
"""
"""Gives a command a process group of its own, as a shell does: only then can it be stopped."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all: each test has sessions of its own."""
    with running(tmp_path_factory.mktemp("attach") / "data") as one:
        one.project(one.data_dir.parent / "work", id="work")
        yield one


@pytest.fixture
def terminal(server: Server) -> Iterator[OuterTerminal]:
    """A terminal with something on its screen and in its scrollback."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
    env |= {
        "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
        "TERMWALL_DATA_DIR": str(server.data_dir),
        "TERM": "xterm-256color",
    }
    one = OuterTerminal(env, server.data_dir.parent / "work")
    one.engine.feed(LINES)
    yield one
    one.close()


def ends(terminal: OuterTerminal, before: bytes) -> None:
    """The terminal was given back as it was; then the command may say something."""
    used, last, rest = terminal.output.rpartition(b"\x1b[?1049l")
    style = re.search(rb"\x1b\[5n(\x1b\[[0-9] q)", rest)  # Where the terminal said late what it was.
    fresh = OuterTerminal(terminal.env, terminal.cwd)
    fresh.engine.feed(LINES + used + last + (style[1] if style else b""))
    assert fresh.state() == before
    fresh.close()


def test_case_command_line_2_A6_leaving_gives_the_terminal_back(server: Server, terminal: OuterTerminal) -> None:
    session = server.session("work", "sh", "-c", BUSY)
    before = terminal.state()
    terminal.start("attach", session)
    terminal.shows("READY")
    assert terminal.state() != before
    terminal.type(b"hello\x1b[92;5u")
    assert terminal.wait() == 0
    assert b"it goes on running" in terminal.output
    ends(terminal, before)
    deadline = time.monotonic() + 60
    while "hello" not in server.call("GET", f"/api/sessions/{session}/screen?format=text").text:
        assert time.monotonic() < deadline, "what was typed before the key that leaves was lost"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_case_command_line_2_A6_a_signal_gives_the_terminal_back(
    server: Server, terminal: OuterTerminal, number: signal.Signals
) -> None:
    session = server.session("work", "sh", "-c", BUSY)
    before = terminal.state()
    terminal.start("attach", session)
    terminal.shows("READY")
    terminal.signal(number)
    assert terminal.wait() == 128 + number
    ends(terminal, before)


def test_case_command_line_2_A6_the_end_of_the_program_gives_the_terminal_back(
    server: Server, terminal: OuterTerminal
) -> None:
    session = server.session("work", "sh", "-c", f"printf '{CHANGES}'; printf '\\033(BREADY'; read x")
    before = terminal.state()
    terminal.start("attach", session)
    terminal.shows("READY")
    terminal.type(b"\r")
    assert terminal.wait() == 0
    ends(terminal, before)


def test_case_command_line_2_A6_a_stopped_attach_gives_the_terminal_back_and_takes_it_again(
    server: Server, terminal: OuterTerminal
) -> None:
    session = server.session("work", "sh", "-c", BUSY)
    before = terminal.state()
    terminal.run(sys.executable, "-c", SHELL, session)
    terminal.shows("READY")
    terminal.shows("^[[I")  # The program is told that it has the keys; its terminal shows that.
    during = terminal.state()
    child = terminal.child()
    os.kill(child, signal.SIGTSTP)
    terminal.sees(b"\x1b[?1049l")
    deadline = time.monotonic() + 60
    while Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline
        terminal.draw()  # It is asked whether it has read the end of its modes, and waited for.
    assert terminal.state() == before
    os.kill(child, signal.SIGCONT)
    terminal.shows("^[[I")
    assert terminal.state() == during
    terminal.type(b"\x1b[27;5;92~")
    assert terminal.wait() == 0
    ends(terminal, before)


def test_case_command_line_2_A6_a_killed_server_and_a_lost_screen_leave_no_mode(
    server: Server, terminal: OuterTerminal
) -> None:
    session = server.session("work", "sh", "-c", BUSY)
    before = terminal.state()
    terminal.start("attach", session)
    terminal.shows("READY")
    server.kill()
    try:
        terminal.sees(b"\a")
        terminal.type(b"\x1c")
        assert terminal.wait() == 0
        ends(terminal, before)
    finally:
        server.start()


def test_case_command_line_2_A6_going_back_to_the_primary_screen_shows_it(
    server: Server, terminal: OuterTerminal
) -> None:
    command = "echo PRIMARY; printf '\\033[?1049h\\033[HFULL-SCREEN'; read x; printf '\\033[?1049lAFTER'; read x"
    session = server.session("work", "sh", "-c", command)
    terminal.start("attach", session)
    terminal.shows("FULL-SCREEN")
    terminal.type(b"\r")
    terminal.shows("AFTER")
    terminal.shows("PRIMARY")
    assert "FULL-SCREEN" not in terminal.engine.text(0)
    assert "line 5" not in terminal.engine.text(0)
    terminal.type(b"\x1c")
    terminal.wait()
    assert "line 0" in terminal.engine.text(1000)


def test_case_command_line_3_a_session_is_not_attached_to_itself(server: Server, terminal: OuterTerminal) -> None:
    session = server.session("work", "sh", "-c", "read x")
    before = terminal.state()
    terminal.env["TERMWALL_SESSION_ID"] = session
    terminal.start("attach", session)
    assert terminal.wait() == 1
    assert b"A session cannot be shown within itself" in terminal.output
    ends(terminal, before)


def test_case_page_29_attach_types_nothing_later_than_its_time(server: Server, terminal: OuterTerminal) -> None:
    session = server.session("work", "sh", "-c", "echo READY; exec cat")
    hasty = "import sys; from termwall.cli import attach, main; attach.TYPED_MILLISECONDS = 1000; sys.exit(main.app())"
    terminal.run(sys.executable, "-c", hasty, "attach", session)
    terminal.shows("READY")
    terminal.type(b"in time\r")
    terminal.shows("in time\nin time")
    os.kill(server.pid, signal.SIGSTOP)
    try:
        terminal.type(b"stale\r")
        time.sleep(1.1)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    terminal.sees(b"\a")
    for number in range(20):  # On a slow machine this may come late, too.
        terminal.type(b"after %d\r" % number)
        if terminal.shows_soon(f"after {number}\nafter {number}"):
            break
    else:
        raise AssertionError(terminal.engine.text(0))
    assert "stale" not in terminal.engine.text(0)

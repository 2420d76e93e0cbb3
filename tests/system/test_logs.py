"""Logs as programs and people read them."""

import fcntl
import json
import logging
import os
import signal
from pathlib import Path

from termwall.system.lines import Lines
from termwall.system.logs import LineFormatter
from tests.support.broker import Broker
from tests.support.patience import until
from tests.support.server import Server

JSON = {"TERMWALL_LOG_FORMAT": "json", "TERMWALL_LOG_LEVEL": "info"}


async def test_logs_are_objects_with_the_ids_of_node_session_and_project(tmp_path: Path) -> None:
    with Broker(tmp_path / "nats") as broker:
        one = Server(tmp_path / "one", "--nats", broker.url, "--node", "one", env=JSON)
        two = Server(tmp_path / "two", "--nats", broker.url, "--node", "two", env=JSON)
        try:
            one.start()
            two.start()
            one.project(tmp_path / "work", id="wall")
            session = one.session("wall", "sh", "-c", "exit 3", name="brief")
            known = "/api/projects/wall/sessions"
            await until(lambda: two.call("GET", known).json().get("sessions"), "the session on the other node")
            one.process.send_signal(signal.SIGKILL)  # type: ignore[union-attr]
            await until(lambda: "is away" in two.errors.read_text())
        finally:
            one.end()
            two.end()
    told = [json.loads(line) for line in one.errors.read_text().splitlines()]
    assert {entry["node"] for entry in told} == {"one"}
    about = [entry for entry in told if entry.get("session") == session]
    assert [entry["message"] for entry in about] == [
        "session `brief` is started",
        "session `brief` has ended: exit code 3",
    ]
    assert about[0].keys() == {"time", "level", "logger", "message", "node", "session", "project"}
    assert about[0]["project"] == "wall"
    assert about[0]["time"].endswith("Z")
    other = [json.loads(line) for line in two.errors.read_text().splitlines()]
    away = [entry for entry in other if entry["message"] == "node one is away"]
    assert (away[0]["peer"], away[0]["node"], away[0]["level"]) == ("one", "two", "INFO")


def test_logs_are_lines_for_people_unless_asked_otherwise(tmp_path: Path) -> None:
    server = Server(tmp_path, env={"TERMWALL_LOG_LEVEL": "info"})
    try:
        server.start()
        server.project(tmp_path / "work", id="wall")
        server.session("wall", "cat", name="one")
    finally:
        server.end()
    assert "INFO termwall.service: session `one` is started" in server.errors.read_text()


def test_L6_a_log_that_nobody_reads_holds_nothing_up_and_says_what_it_left_out() -> None:
    """Once who reads standard error stood still, the event loop stood still with the 65th kilobyte of its log."""
    read, write = os.pipe()
    fcntl.fcntl(write, getattr(fcntl, "F_SETPIPE_SZ", 1031), 16384)
    log = logging.Logger("lines")
    log.addHandler(Lines(write))
    for number in range(400):
        log.warning("line %d %s", number, "." * 100)
    first = os.read(read, 1 << 16).split(b"\n")
    log.warning("again, %s", "x" * 3000)
    log.warning("and again")
    os.close(write)
    with open(read, "rb") as rest:
        lines = [*first[:-1], *(first[-1] + rest.read()).split(b"\n")]
    whole = [int(line.split()[1]) for line in lines if line.startswith(b"line ")]
    assert whole == list(range(len(whole))), "each that is there is whole"
    assert lines[len(whole) :] == [
        b"%d lines were left out here, for nobody took them" % (400 - len(whole)),
        b"again, " + b"x" * 3000,
        b"and again",
        b"",
    ]


def test_case_hardening_X6_no_terminal_obeys_what_the_log_names() -> None:
    """Such as the name of a folder, or what a stranger sent."""
    name = "a\x1b]0;owned\x07\u202eb\n2026-01-01 ERROR c\x9bd"
    record = logging.LogRecord("termwall", logging.WARNING, "", 0, "`%s` cannot be read", (name,), None)
    assert LineFormatter("%(levelname)s %(message)s").format(record) == (
        "WARNING `a]0;ownedb 2026-01-01 ERROR cd` cannot be read"
    )

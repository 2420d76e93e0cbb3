"""The commands record, recordings, play, export and grep, against a real server (A5)."""

import gzip
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.server import Server


@pytest.fixture
def termwall(server: Server, tmp_path: Path) -> Command:
    """The command in a project's folder."""
    work = tmp_path / "work"
    server.project(work, id="work")
    return Command(server, work)


def until(condition: object) -> None:
    deadline = time.monotonic() + 10
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_A5_record_list_export_and_play(server: Server, termwall: Command, tmp_path: Path) -> None:
    session = termwall("run", "--name", "agent", "--", "sh", "-c", "echo beginning; exec cat").strip()
    until(lambda: "beginning" in server.call("GET", f"/api/sessions/{session}/screen?format=text").text)
    made = termwall("record", "agent").strip()
    assert "is being recorded" in termwall("record", "agent", ok=False)
    until(lambda: server.call("GET", f"/api/recordings/{made}/cast").status_code == 200)
    termwall("send", "agent", "the middle")
    until(lambda: "the middle" in server.call("GET", f"/api/sessions/{session}/screen?format=text").text)
    ended = json.loads(termwall("record", "agent", "--stop", "--json"))
    assert ended["endedAt"] >= ended["startedAt"]
    assert "is not being recorded" in termwall("record", "agent", "--stop", ok=False)
    assert made in termwall("recordings")
    assert json.loads(termwall("recordings", "--json"))["recordings"][0]["id"] == made
    file = tmp_path / "demo.cast"
    termwall("export", made, "-o", str(file))
    assert file.read_text() == termwall("export", made)
    played = termwall("play", made, "--speed", "100")
    assert "beginning" in played
    assert "the middle" in played
    assert termwall("play", str(file), "--idle-limit", "0.01") == played
    assert "There is no recording" in termwall("play", "nothing", ok=False)
    assert "there is no recording `../other`" in termwall("export", "../other", ok=False)
    assert "Is a directory" in termwall("play", str(tmp_path), ok=False)


@pytest.mark.parametrize(
    "data",
    [
        b'{"version":1,"width":80,"height":24,"stdout":[[0.01,"one"],[0.01,"\\ud800two"]]}',
        b'\xef\xbb\xbf{"version":2,"width":80,"height":24}\r\n[0.02,"o","one",{}]\r\n\r\n[0.01,"o","\\ud800two"]\n[9,"o","ha',
        b'{"version":3,"term":{"cols":80,"rows":24}}\n# ours\n[0.01,"o","one"]\n[0,"o","\\ud800two"]\n[0,"x","0"]\n',
        gzip.compress(b'{"version":2,"width":80,"height":24}\n[0.01,"o","one\xef\xbf\xbdtwo"]\n'),
    ],
    ids=["v1", "v2", "v3", "gzip"],  # What gzip writes has a time in it.
)
def test_case_command_line_6_play_takes_what_other_players_take(termwall: Command, tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "other.cast"
    file.write_bytes(data)
    assert "one\ufffdtwo" in termwall("play", str(file))


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85"])
def test_case_command_line_6_play_shows_other_ends_of_lines(termwall: Command, tmp_path: Path, end: str) -> None:
    file = tmp_path / "other.cast"
    event = json.dumps([0.01, "o", f"one{end}two"], ensure_ascii=False)
    file.write_text('{"version":2,"width":80,"height":24}\n' + event + "\n", encoding="utf-8")
    assert f"one{end}two" in termwall("play", str(file))


HEADER = b'{"version":2,"width":80,"height":24}\n'


def test_case_command_line_6_a_damaged_file_is_told(termwall: Command, tmp_path: Path) -> None:
    file = tmp_path / "bad.cast"
    for data, says in (
        (
            gzip.compress(HEADER + b"".join(b'[1,"o","%s"]\n' % os.urandom(9).hex().encode() for _ in range(500)))[
                :-999
            ],
            "it is damaged",
        ),
        (b"\x28\xb5\x2f\xfd....", "compressed with zstd; decompress it first"),
        (bytes(range(256)), "line 1: this is not JSON"),
        (b"[" * 100_000, "line 1: this is not JSON"),
    ):
        file.write_bytes(data)
        assert says in termwall("play", str(file), ok=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: this is not JSON"),
        ('{"version": 4}', "not an asciicast recording; it says version 4"),
        ('{"version":2,"width":80,"height":24}\nhalf\n[1,"o","x"]', "line 2: this is not JSON"),
        ('{"version":2,"width":1,"height":1}\n[1]', "line 2"),
    ],
)
def test_A5_a_file_that_cannot_be_played_says_where(termwall: Command, tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "bad.cast"
    file.write_text(text)
    assert says in termwall("play", str(file), ok=False)
    assert "cannot be read" in termwall("play", str(tmp_path / "missing.cast"), ok=False)


@pytest.fixture
def short_parts(tmp_path: Path) -> Iterator[Server]:
    """A server whose recordings have short parts, of which three are kept."""
    env = {"TERMWALL_RECORDING_BYTES": "65536", "TERMWALL_RECORDING_PARTS": "3"}
    server = Server(tmp_path / "parts", env=env).start()
    yield server
    server.end()


def test_case_command_line_10_export_gives_the_whole_and_the_list_shows_parts(
    short_parts: Server, tmp_path: Path
) -> None:
    server = short_parts
    work = tmp_path / "work"
    server.project(work, id="work")
    termwall = Command(server, work)
    session = termwall("run", "--name", "agent", "--", "sh", "-c", "stty raw; read x; seq 1 60000; exit 3").strip()
    made = termwall("record", "agent").strip()
    until(lambda: server.call("GET", f"/api/recordings/{made}/cast").status_code == 200)
    server.call("POST", f"/api/sessions/{session}/input", {"data": "\n"})
    until(lambda: json.loads(termwall("recordings", "--json"))["recordings"][0]["endedAt"] is not None)
    one = json.loads(termwall("recordings", "--json"))["recordings"][0]
    assert (one["parts"], one["exitCode"]) == (3, 3)
    assert f"parts {one['firstPart']}-{one['firstPart'] + 2}" in termwall("recordings")
    whole = [json.loads(line) for line in termwall("export", made).splitlines()]
    assert whole[0]["version"] == 2
    times = [event[0] for event in whole[1:]]
    assert times == sorted(times)
    text = "".join(event[2] for event in whole[2:] if event[1] == "o")
    numbers = text.split()
    assert numbers[-1] == "60000"
    assert numbers[1:] == [str(int(numbers[1]) + more) for more in range(len(numbers) - 1)]
    parts = [termwall("export", made, "--part", str(one["firstPart"] + more)) for more in range(3)]
    assert len(text) > max(map(len, parts)) > 65536
    later = [json.loads(line) for line in termwall("export", made, "--format", "v3").splitlines()]
    assert (later[0]["version"], later[0]["term"]["type"]) == (3, "xterm-256color")
    assert later[-1][1:] == ["x", "3"]
    assert sum(event[0] for event in later[1:]) == pytest.approx(times[-1], abs=1e-3)
    assert "".join(event[2] for event in later[2:] if event[1] == "o") == text
    file = tmp_path / "whole.cast"
    termwall("export", made, "-o", str(file), "--format", "v3")
    assert termwall("play", str(file), "--speed", "1000") == termwall("play", made, "--speed", "1000")
    line = server.call("GET", f"/api/recordings/{made}/timeline").json()
    assert line["seconds"] == pytest.approx(times[-1], abs=1e-3)
    assert [part["continues"] for part in line["parts"]] == [True, True, True]
    assert server.call("GET", f"/api/recordings/{made}/frame?time=0").json()["part"] == one["firstPart"]
    assert server.call("GET", f"/api/recordings/{made}/frame?time=-1").status_code == 422
    assert "no part 1." in termwall("export", made, "--part", "1", ok=False)
    assert "cannot be written" in termwall("export", made, "-o", str(tmp_path), ok=False)


def test_A5_play_pauses_and_ends_by_keys(termwall: Command, tmp_path: Path) -> None:
    file = tmp_path / "long.cast"
    file.write_text(
        '{"version":2,"width":80,"height":24}\n[0.1,"o","first\\r\\n"]\n[1.0,"o","second\\r\\n"]\n[600,"o","never"]\n'
    )
    pid, master = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-m", "termwall", "play", str(file)], termwall.env)
    seen = b""

    def read(seconds: float) -> None:
        nonlocal seen
        if select.select([master], [], [], seconds)[0]:
            seen += os.read(master, 65536)

    deadline = time.monotonic() + 15
    while b"first" not in seen:
        assert time.monotonic() < deadline
        read(0.1)
    os.write(master, b" ")
    for _ in range(15):
        read(0.1)
    assert b"second" not in seen, "it is paused"
    os.write(master, b" ")
    while b"second" not in seen:
        assert time.monotonic() < deadline
        read(0.1)
    os.write(master, b"q")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(master)


def test_A5_grep_finds_in_all_terminals(server: Server, termwall: Command, tmp_path: Path) -> None:
    one = termwall("run", "--name", "one", "--", "sh", "-c", "echo a Needle here; exec cat").strip()
    server.session(
        server.project(tmp_path / "other", id="other"), "sh", "-c", "echo needle there; exec cat", name="two"
    )
    until(lambda: found(termwall))
    assert termwall("grep", "needle") == "one: a Needle here\n"
    assert json.loads(termwall("grep", "needle", "--json"))["matches"][0]["sessionId"] == one
    assert len(termwall("grep", "needle", "--all").splitlines()) == 2
    assert termwall("grep", "nowhere", ok=False) == ""


def test_case_terminal_5_grep_and_wait_find_what_wraps(server: Server, termwall: Command) -> None:
    needle = "NEEDLE-ACROSS-THE-WRAP"
    termwall(
        "run",
        "--name",
        "one",
        "--",
        "sh",
        "-c",
        f"printf '{'x' * 70}{needle} cafe\\314\\201 {'y' * 60} end\\n'; exec cat",
    )
    termwall("wait", "one", "--until", f"text={needle} caf\u00e9", "--timeout", "20")
    termwall("wait", "one", "--until", "text=^-WRAP|y end$", "--timeout", "20")
    assert needle in termwall("grep", needle)
    assert needle in termwall("grep", "wrap cafe\u0301")
    assert needle in termwall("grep", "wrap caf\u00e9 yyy")


def found(termwall: Command) -> bool:
    """Whether both programs have printed by now."""
    done = subprocess.run(
        [sys.executable, "-m", "termwall", "grep", "needle", "--all"],
        cwd=termwall.cwd,
        env=termwall.env,
        capture_output=True,
        text=True,
        check=False,
    )
    return len(done.stdout.splitlines()) == 2

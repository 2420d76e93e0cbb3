"""A5: the command, against a real server."""

import json
import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from termwall.cli.addresses import only_here, public_address
from termwall.cli.remote import Remote
from termwall.pty.rendezvous import look
from termwall.store.folder import Running
from tests.support import prepared
from tests.support.server import Server, running
from tests.support.tls_front import tls_front


class Command:
    """`termwall` with a server's data folder, in a folder."""

    def __init__(self, server: Server, cwd: Path) -> None:
        self.cwd = cwd
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
        self.env |= {"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "TERMWALL_DATA_DIR": str(server.data_dir)}

    def __call__(self, *words: str, ok: bool = True, text: str = "", both: bool = False) -> str:
        """What it prints; on failure what it says, or both."""
        done = prepared.run(list(words), cwd=self.cwd, env=self.env, text=text)
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr if both else done.stdout if ok else done.stderr


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder that is a project."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def termwall(server: Server, work: Path) -> Command:
    """The command in the project's folder."""
    server.project(work, id="work")
    return Command(server, work)


def test_A5_run_list_send_focus_blur_close(server: Server, termwall: Command, work: Path) -> None:
    session = termwall("run", "--name", "tests", "--", "cat", "-u").strip()
    assert server.call("GET", f"/api/sessions/{session}").json()["command"] == ["cat", "-u"]
    listed = json.loads(termwall("ls", "--json"))["sessions"]
    assert [one["id"] for one in listed] == [session]
    assert "tests" in termwall("ls")
    termwall("send", "tests", "hello")
    deadline = time.monotonic() + 10
    while server.call("GET", f"/api/sessions/{session}").json()["offset"] < 14:
        assert time.monotonic() < deadline
    assert json.loads(termwall("focus", "tests", "--json"))["focusedSessions"] == [session]
    assert json.loads(termwall("blur", session, "--json"))["focusedSessions"] == []
    assert "say --yes" in termwall("close", "tests", ok=False)
    termwall("close", "tests", "--yes")
    assert json.loads(termwall("ls", "--json", "--all"))["sessions"] == []


def test_A5_mistakes_are_sentences(server: Server, termwall: Command, tmp_path: Path) -> None:
    assert "no session `nope`" in termwall("send", "nope", "x", ok=False)
    assert "was not found on the server's PATH" in termwall("run", "--", "no-such-program", ok=False)
    for _ in range(2):
        termwall("run", "--name", "twin", "--", "cat")
    assert "2 sessions are named `twin`" in termwall("focus", "twin", ok=False)
    elsewhere = Command(server, tmp_path)
    assert "belongs to no project" in elsewhere("ls", ok=False)
    elsewhere.env["TERMWALL_DATA_DIR"] = str(tmp_path / "nothing")
    assert "no server runs" in elsewhere("ls", ok=False)
    assert "--port" in elsewhere("serve", "--port", "70000", ok=False)


def test_A5_a_second_server_on_the_data_folder_is_refused(server: Server, termwall: Command) -> None:
    assert "Another termwall server uses" in termwall("serve", "--port", "0", "--no-open", ok=False)


def test_A5_a_data_folder_that_cannot_be_is_named(termwall: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "in it"):
        said = termwall("serve", "--port", "0", "--no-open", "--data-dir", str(place), ok=False)
        assert f"`{place}` cannot be the data folder" in said
    folder = tmp_path / "broken"
    (folder / "termwall.sqlite").mkdir(parents=True)
    said = termwall("serve", "--port", "0", "--no-open", "--data-dir", str(folder), ok=False)
    assert "termwall.sqlite` cannot be used: " in said


def test_A5_termwall_in_a_folder_joins_the_running_server(server: Server, termwall: Command, tmp_path: Path) -> None:
    folder = tmp_path / "another"
    folder.mkdir()
    termwall.cwd = folder
    assert "this folder is a project of it now" in termwall("--no-open")
    projects = server.call("GET", "/api/projects").json()["projects"]
    assert str(folder) in [one["path"] for one in projects]


def test_X1_what_a_server_notes_of_itself_is_for_its_owner_only(server: Server) -> None:
    """Its settings may hold a password of NATS."""
    assert (server.data_dir / "server.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_A5_signals_stop_the_server_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path / "data") as server:
        project = server.project(tmp_path / "work")
        server.session(project, "sleep", "600")
        process = server.process
        assert process is not None
        process.send_signal(number)
        assert process.wait(15) == 0
        assert not (server.data_dir / "server.json").exists()


def test_A5_settings_come_from_the_environment_too(tmp_path: Path) -> None:
    env = {"TERMWALL_MAX_FOCUSED": "2", "TERMWALL_TOKEN": "from-the-environment"}
    with running(tmp_path / "data", env=env) as server:
        assert server.token == "from-the-environment"
        project = server.project(tmp_path / "work")
        assert server.call("GET", f"/api/projects/{project}").json()["maxFocused"] == 2


def test_X1_tokens_are_made_listed_and_revoked(termwall: Command) -> None:
    made = json.loads(termwall("token", "create", "Mia", "--role", "type", "--json"))
    assert "Mia" in termwall("token", "list")
    assert made["token"] not in termwall("token", "list")
    termwall("token", "revoke", made["id"])
    assert "Mia" not in termwall("token", "list")


def test_A5_attach_shows_a_session_and_types_into_it(server: Server, termwall: Command) -> None:
    session = termwall("run", "--name", "here", "--", "sh", "-c", "echo READY; exec cat").strip()
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(termwall.cwd)
        os.execvpe(sys.executable, [sys.executable, "-m", "termwall", "attach", "here"], termwall.env)
    seen = b""

    def until(text: bytes) -> None:
        nonlocal seen
        while text not in seen:
            seen += os.read(master, 65536)

    until(b"READY")
    os.write(master, b"typed\r")
    until(b"typed\r\ntyped")
    os.write(master, b"\x1c")
    until(b"it goes on running")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(master)
    assert server.call("GET", f"/api/sessions/{session}").json()["status"] == "running"


def test_A5_version_and_help(termwall: Command) -> None:
    assert termwall("--version").strip()
    assert "serve" in termwall("--help")


def test_P5_up_down_status_restart(tmp_path: Path, work: Path) -> None:
    server = Server(tmp_path / "data")  # Never started: `up` does that.
    server.data_dir.mkdir()
    termwall = Command(server, work)
    try:
        assert "does not run" in termwall("status", ok=False, both=True)
        up = json.loads(termwall("up", "--port", "0", "--json"))
        assert f"termwall is up: {up['url']}" in termwall("up"), "it runs already"
        session = termwall("run", "--name", "agent", "--", "cat").strip()
        status = json.loads(termwall("status", "--json"))
        assert status["server"]["pid"] == up["pid"]
        assert status["holder"]["running"] == 1
        assert sum(status["attention"].values()) == 1
        assert "1 run, held by process" in termwall("status")
        assert f"data      {server.data_dir}" in termwall("status")

        assert up["url"].startswith(termwall("restart").split()[-1])
        again = json.loads(termwall("status", "--json"))["server"]
        assert again["pid"] != up["pid"]
        assert up["url"].startswith(again["url"]), "on the same port, so that pages find it"
        assert json.loads(termwall("ls", "--json"))["sessions"][0]["id"] == session

        assert "1 program goes on running" in termwall("down")
        assert "No server runs. 1 program goes on" in termwall("down")
        termwall("up", "--port", "0")
        assert json.loads(termwall("ls", "--json"))["sessions"][0]["status"] == "running"
        assert "1 program is still running; --yes" in termwall("down", "--all", ok=False)
        assert "1 program was ended" in termwall("down", "--all", "--yes")
        assert look(server.data_dir) is None
        termwall("up", "--port", "0")
        found = json.loads(termwall("ls", "--json"))["sessions"][0]
        assert (found["name"], found["status"], found["signal"]) == ("agent", "exited", "SIGHUP")
    finally:
        termwall("down", "--all", "--yes")


def test_P5_a_server_that_cannot_start_in_the_background_says_why(tmp_path: Path, work: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "termwall.sqlite")) as db:
        db.execute("PRAGMA user_version=99")
    said = Command(Server(tmp_path / "data"), work)("up", "--port", "0", ok=False)
    assert "written by a newer termwall" in said
    assert "move the file away" in said


def test_P5_a_second_server_refuses_or_takes_over(server: Server, termwall: Command, tmp_path: Path) -> None:
    session = termwall("run", "--", "cat").strip()
    said = termwall("serve", "--port", "0", "--no-open", ok=False)
    assert "Another termwall server uses" in said
    assert "--take-over" in said
    first = server.process
    assert first is not None
    second = Server(server.data_dir, "--take-over").start()
    try:
        assert first.wait(10) == 0
        assert second.call("GET", f"/api/sessions/{session}").json()["status"] == "running"
    finally:
        second.stop()


def test_P5_who_is_attached_stays_so_over_a_restart(server: Server, termwall: Command, work: Path) -> None:
    termwall("run", "--name", "shell", "--", "cat")
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(work)
        os.execve(sys.executable, [sys.executable, "-m", "termwall", "attach", "shell"], termwall.env)
    seen = b""

    def sees(text: bytes) -> None:
        nonlocal seen
        deadline = time.monotonic() + 20
        while text not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([master], [], [], 0.1)[0]:
                seen += os.read(master, 65536)

    try:
        sees(b"\x1b[2J\x1b7")  # Its first picture; the terminal is raw by then.
        os.write(master, b"before\r")
        sees(b"before\r\nbefore")
        server.kill()
        server.start()
        seen = b""
        deadline = time.monotonic() + 20
        while b"after" not in seen:  # What is typed while the server is away is not sent later (I2).
            assert time.monotonic() < deadline, seen
            os.write(master, b"after\r")
            if select.select([master], [], [], 0.5)[0]:
                seen += os.read(master, 65536)
        assert b"before" not in seen, "it goes on where it was, without drawing anew"
        os.write(master, b"\x1c")
        sees(b"left; it goes on running")
    finally:
        os.close(master)
        os.waitpid(pid, 0)


def test_case_terminal_6_a_server_started_in_tmux_by_an_agent_tells_its_sessions_nothing_of_it(tmp_path: Path) -> None:
    starter = {
        "TMUX": "/tmp/x,1,0",
        "COLUMNS": "60",
        "LINES": "10",
        "TERM_PROGRAM": "tmux",
        "STY": "1",
        "NO_COLOR": "1",
    }
    starter |= {"VSCODE_IPC_HOOK_CLI": "/x", "CLAUDECODE": "1", "PWD": "/starter", "KEPT": "yes", "SSH_TTY": "/dev/x"}
    with running(tmp_path / "data", env={**starter, "TERMWALL_KEEP_ENV": "SSH_TTY"}) as server:
        project = server.project(tmp_path / "work")
        path = f"{server.data_dir}/bin"
        script = (
            "env; tput cols; command -v termwall; termwall --version; termwall status | head -1; echo END; exec cat"
        )
        session = server.session(project, "sh", "-c", script, cols=120)
        deadline = time.monotonic() + 30
        while "\nEND" not in (
            text := server.call("GET", f"/api/sessions/{session}/screen?format=text&scrollback=500").text
        ):
            assert time.monotonic() < deadline, text
        lines = [line.strip() for line in text.split("\n")]
        names = {line.partition("=")[0] for line in lines if "=" in line}
        assert names.isdisjoint(starter.keys() - {"TERM_PROGRAM", "KEPT", "SSH_TTY", "PWD"})
        assert f"PWD={tmp_path / 'work'}" in lines, "as the shell itself says"
        assert {"TERM_PROGRAM=termwall", "KEPT=yes", "SSH_TTY=/dev/x", "120", f"{path}/termwall"} <= set(lines)
        assert any(line.startswith(f"server    {server.base}") for line in lines)


def test_case_command_line_13_a_link_has_the_address_that_others_use(tmp_path: Path, work: Path) -> None:
    options = ("--host", "0.0.0.0", "--allowed-hosts", "wall.example.org")
    with running(tmp_path / "data", *options) as server:
        server.project(work, id="work")
        termwall = Command(server, work)
        made = termwall("token", "create", "Mia", "--project", "work").strip()
        assert re.fullmatch(rf"http://wall\.example\.org:{server.port}/\?token=[\w-]+&project=work", made)
        assert json.loads(termwall("token", "create", "Mia", "--json"))["url"].startswith("http://wall.example.org:")
        said = termwall("token", "create", "Mia", "--project", "nowhere", ok=False)
        assert "There is no project `nowhere`" in said
        assert "there is no token `nope`; `termwall token list` shows them" in termwall(
            "token", "revoke", "nope", ok=False
        )
        assert server.call("DELETE", "/api/tokens/nope").json()["code"] == "unknown_token"
        for wrong in ("wrong", "wrong-but-long-enough"):
            said = termwall("ls", "--token", wrong, ok=False)
            assert f"this token is not known to the server at {server.base}" in said
        assert len(termwall("token", "list").splitlines()) == 2, "what was refused made none"


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"TERMWALL_PUBLIC_URL": "https://example.org/wall/"}, "https://example.org/wall"),
        ({"TERMWALL_ALLOWED_HOSTS": "*,wall.example.org"}, "https://wall.example.org"),
        ({"TERMWALL_HOST": "::", "TERMWALL_ALLOWED_HOSTS": "a.example,b.example"}, "http://a.example:7070"),
        ({}, "http://127.0.0.1:7070"),
    ],
)
def test_case_command_line_13_the_best_address_that_is_known(
    tmp_path: Path, settings: dict[str, str], wanted: str
) -> None:
    with Remote(tmp_path, "http://127.0.0.1:7070", "x" * 8) as one:
        assert public_address(one) == "http://127.0.0.1:7070", "who names an address means that one"
        one.running = Running("http://127.0.0.1:7070", 1, settings=settings)
        assert public_address(one) == wanted
        assert only_here(public_address(one)) is (wanted == "http://127.0.0.1:7070")


def test_case_command_line_14_a_broken_file_is_refused_before_anything_is_stopped(tmp_path: Path, work: Path) -> None:
    server = Server(tmp_path / "data")
    server.data_dir.mkdir()
    termwall = Command(server, work)
    try:
        up = json.loads(termwall("up", "--port", "0", "--json"))
        for broken in ("profiles = [", "[profiles.x]\nlabel = 'no command'", "[nonsense]", "[env]\n'A=B' = ''"):
            (server.data_dir / "termwall.toml").write_text(broken)
            said = termwall("restart", ok=False)
            assert "the server was not stopped" in said
            assert "termwall.toml" in said
            said = termwall("serve", "--take-over", "--port", "0", "--no-open", ok=False)
            assert "termwall.toml" in said
            assert json.loads(termwall("status", "--json"))["server"]["pid"] == up["pid"]
        (server.data_dir / "termwall.toml").unlink()
        assert up["url"].startswith(termwall("restart").split()[-1])
        # A restart that got no further than the stop: `up` comes where the server was.
        known = {"TERMWALL_PORT": up["url"].partition("/?")[0].rpartition(":")[2], "TERMWALL_MAX_FOCUSED": "2"}
        termwall("down")
        (server.data_dir / "restart.json").write_text(json.dumps(known))
        again = json.loads(termwall("up", "--json"))
        assert again["url"].partition("/?")[0] == up["url"].partition("/?")[0]
        assert not (server.data_dir / "restart.json").exists()
        # One that was killed: `up` comes where the pages that are open look for it.
        os.kill(again["pid"], signal.SIGKILL)
        once_more = json.loads(termwall("up", "--json"))
        assert once_more["pid"] != again["pid"]
        assert once_more["url"].partition("/?")[0] == up["url"].partition("/?")[0]
    finally:
        termwall("down", "--all", "--yes")


def test_case_command_line_16_a_private_authority_is_trusted_where_it_is_named(
    server: Server, termwall: Command, tmp_path: Path
) -> None:
    authority = trustme.CA()
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    with tls_front(server.port, authority.issue_cert("127.0.0.1")) as url:
        call = ("ls", "--all", "--url", url, "--token", server.token)
        assert "is not trusted here; --ca" in termwall(*call, ok=False)
        termwall(*call, "--ca", str(file))
        session = termwall("run", "--url", url, "--ca", str(file), "--token", server.token, "--", "true").strip()
        termwall("wait", session, "--until", "exit", "--url", url, "--ca", str(file), "--token", server.token)
        assert "cannot be used for --ca" in termwall(*call, "--ca", str(tmp_path / "nothing"), ok=False)
        termwall.env["SSL_CERT_FILE"] = str(file)
        termwall(*call)
        termwall.env |= {"TERMWALL_SESSION_ID": session, "TERMWALL_URL": url, "TERMWALL_TOKEN": server.token}
        said = termwall("notify", "--hook", text='{"hook_event_name": "Stop"}', both=True)
        assert said == ""


def test_case_words_a_port_that_is_taken_says_what_to_do(termwall: Command, server: Server, tmp_path: Path) -> None:
    call = ("serve", "--port", str(server.port), "--no-open", "--data-dir", str(tmp_path / "another"))
    termwall.env.pop("MAKELEVEL", None)  # `make test` runs this.
    said = termwall(*call, ok=False)
    assert f"Another program has it. `--port {server.port + 1}` takes the next one (0: any free one)." in said
    assert "make run" not in said
    termwall.env["MAKELEVEL"] = "1"
    assert f'make run ARGS="--port {server.port + 1}"' in termwall(*call, ok=False)


def test_case_command_line_5_send_types_presses_and_pastes(server: Server, termwall: Command) -> None:
    script = "stty raw -echo; printf '\\033[?2004hREADY'; exec cat -v"
    session = termwall("run", "--name", "agent", "--", "sh", "-c", script).strip()

    def shows(text: str) -> None:
        deadline = time.monotonic() + 30
        path = f"/api/sessions/{session}/screen?format=text"
        while text not in (shown := server.call("GET", path).text.replace("\n", "")):
            assert time.monotonic() < deadline, shown

    shows("READY")
    termwall("send", "agent", "hello")
    shows("READY^[[200~hello^[[201~^M")
    termwall("send", "agent", "two", "words", "--no-enter")
    shows("^M^[[200~two words^[[201~")
    termwall("send", "agent", "--keys", "C-c", "F5", "=:q", "Enter")
    shows("201~^C^[[15~:q^M")
    termwall("send", "agent", "--paste", "--no-enter", "1")
    shows("^M^[[200~1^[[201~")
    given = ((b"A\xff", (), "M-^?"), (b"ls\n", (), "200~ls^[[201~^M"), (b"\x1b\n", ("--raw",), "^M^["))
    for data, options, shown in given:
        words = [sys.executable, "-m", "termwall", "send", "agent", "-", *options]
        subprocess.run(words, cwd=termwall.cwd, env=termwall.env, input=data, check=True)
        shows(shown)
    assert "No key is named `Nope`" in termwall("send", "agent", "--keys", "Nope", ok=False)
    assert "exclude each other" in termwall("send", "agent", "--keys", "--raw", "x", ok=False)
    assert "a key has a name" in termwall("send", "agent", "--keys", "", ok=False)


def test_A5_output_that_nobody_takes_is_a_sentence_or_nothing(server: Server, termwall: Command) -> None:
    termwall("run", "--name", "one", "--", "sh", "-c", "echo hello; exec cat")

    def shell(line: str) -> tuple[int, str]:
        line = line.replace("termwall", f"{sys.executable} -m termwall")
        done = subprocess.run(["bash", "-c", line], cwd=termwall.cwd, env=termwall.env, capture_output=True, text=True)
        return done.returncode, done.stderr

    full = (1, "termwall: standard output cannot be written: No space left on device.\n")
    if Path("/dev/full").exists():
        assert shell("termwall ls >/dev/full") == full
        assert shell("termwall screen one >/dev/full") == full
    assert shell("termwall screen one >&-") == (0, "")
    assert shell("termwall ls <&- >&- 2>&-") == (0, "")
    assert shell("termwall screen one | true; exit ${PIPESTATUS[0]}") == (1, "")


TRICK = "a\x1b[31mb\x1b]0;owned\x07\u202ec\x9b2Jd\n"
"""What a terminal would obey, and what turns text around."""


def test_case_hardening_X6_nothing_that_others_named_acts_on_a_terminal(
    server: Server, work: Path, tmp_path: Path
) -> None:
    folder = tmp_path / f"work{TRICK.strip()}"
    folder.mkdir()
    project = server.call("POST", "/api/projects", {"id": "tricky", "path": str(folder)}).json()
    words = ["sh", "-c", f"printf 'x\\033[31my' > /proc/self/comm; read line # {TRICK}"]
    made = server.call("POST", "/api/projects/tricky/sessions", {"name": f"s{TRICK}", "command": words}).json()
    for name in ("one", TRICK):
        server.call("POST", "/api/tokens", {"name": name, "projectId": "tricky"})
    assert server.call("POST", "/api/tokens", {"name": "\x1b\u202e"}).json()["code"] == "invalid"
    server.call("POST", f"/api/sessions/{made['id']}/recording")
    server.call("POST", f"/api/sessions/{made['id']}/notify", {"message": f"m{TRICK}n", "source": f"x{TRICK}"})
    told = server.call("GET", f"/api/sessions/{made['id']}").json()
    assert (told["name"], told["command"]) == ("sa[31mb]0;ownedc2Jd", words), "what runs is told exactly"
    assert told["notification"]["body"] == "ma[31mb]0;ownedc2Jd n"
    for text in (project["name"], told["cwd"], told["foreground"] or "", told["attention"]["reason"]):
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", text), text

    command = Command(server, work)
    lines = command("ls", "--project", "tricky")
    lines += command("recordings", "--project", "tricky")
    lines += command("token", "list")
    lines += command("wait", "--project", "tricky", made["id"], "--until", "needs-input")
    lines += command("close", "--project", "tricky", TRICK, ok=False)
    assert "owned" in lines
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", lines), repr(lines)
    assert server.call("DELETE", "/api/projects/tricky").status_code == 204

"""C1, C2: a real xterm around `termwall attach` is afterwards as it was, and the key that leaves does."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_attach import CHANGES
from tests.support.server import Server, running
from tests.terminals.keys import CONTROL, Keyboard

pytestmark = pytest.mark.skipif(
    not (shutil.which("xterm") and shutil.which("Xvfb")), reason="needs xterm, xvfb and libxtst6 of Debian"
)
ROOT = Path(__file__).parent.parent.parent
MORE = r"\033[>1;2m\033[3g"
MORE += r"\033]12;#ff0000\007\033[?5h\033[?7l\033[?45h\033[?69h\033[4h\033[20h\033[?3h\033[8;10;20t\033[1\"q"
UNUSUAL = r"\x1b[?1004h\x1b[?2004h\x1b[?1h\x1b[?25l\x1b]11;#203040\x07\x1b]4;1;#405060\x07\x1b]2;mine\x07\x1b[4 q"
"""What the caller's terminal may have on before."""
SECONDS = 120


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("xterm") / "data") as one:
        one.project(one.data_dir.parent / "work", id="work")
        yield one


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """An X server of its own."""
    read, write = os.pipe()
    words = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1000x700x24"]
    process = subprocess.Popen(words, pass_fds=(write,), stderr=subprocess.DEVNULL)
    os.close(write)
    with open(read) as said:
        yield f":{said.readline().strip()}"
    process.terminate()
    process.wait()


class XTerm:
    """An xterm in which `attach` runs between two looks at its state."""

    def __init__(self, server: Server, display: str, session: str, folder: Path, begin: str = "") -> None:
        self._server = server
        self._session = session
        self._result = folder / "result.json"
        self._pid = folder / "pid"
        env = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
        env |= {"PYTHONPATH": str(ROOT / "src"), "TERMWALL_DATA_DIR": str(server.data_dir), "DISPLAY": display}
        attach = f"echo $$ > {self._pid}; exec {sys.executable} -m termwall attach {session}"
        words = [sys.executable, str(Path(__file__).parent / "state.py"), str(self._result), begin, "sh", "-c", attach]
        self._process = subprocess.Popen(
            [
                "xterm",
                "-geometry",
                "80x24+0+0",
                "-fa",
                "DejaVu Sans Mono",
                "-xrm",
                "*allowWindowOps: true",
                "-e",
                *words,
            ],
            env=env | {"LANG": "C.UTF-8"},
        )

    def shows(self, keyboard: Keyboard) -> None:
        """Wait until it is attached: then keys arrive."""
        deadline = time.monotonic() + SECONDS
        while "aa" not in self._server.call("GET", f"/api/sessions/{self._session}/screen?format=text").text:
            assert time.monotonic() < deadline
            if self._server.call("GET", f"/api/sessions/{self._session}").json()["driver"] is not None:
                keyboard.press(ord("a"))

    def signal(self, number: int) -> None:
        """Send `attach` a signal."""
        os.kill(int(self._pid.read_text()), number)

    def ended(self) -> dict[str, dict[str, str]]:
        """The state before and after, and the exit code."""
        self._process.wait(SECONDS)
        return dict(json.loads(self._result.read_text()))


@pytest.mark.parametrize("end", ["key", signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("begin", ["", UNUSUAL])
def test_case_command_line_2_xterm_is_as_it_was(
    server: Server, display: str, tmp_path: Path, begin: str, end: str | signal.Signals
) -> None:
    script = f"printf '{CHANGES}{MORE}\\033(BREADY'; stty raw -echo; exec cat -v"
    session = server.session("work", "sh", "-c", script)
    keyboard = Keyboard(display)
    xterm = XTerm(server, display, session, tmp_path, begin)
    xterm.shows(keyboard)
    if isinstance(end, signal.Signals):
        xterm.signal(end)
    else:
        keyboard.press(ord("\\"), CONTROL)
    told = xterm.ended()
    keyboard.close()
    assert told["after"] == told["before"]
    assert told["code"] == (0 if end == "key" else 128 + int(end))


@pytest.mark.parametrize("asks", ["", r"\033[>4;1m", r"\033[>4;2m", r"\033[>4;2m\033[>4;1f"])
def test_case_command_line_1_xterm_leaves_in_every_protocol(
    server: Server, display: str, tmp_path: Path, asks: str
) -> None:
    session = server.session("work", "sh", "-c", f"printf '{asks}READY'; stty raw -echo; exec cat -v")
    keyboard = Keyboard(display)
    xterm = XTerm(server, display, session, tmp_path)
    xterm.shows(keyboard)
    keyboard.press(ord("\\"), CONTROL)
    told = xterm.ended()
    keyboard.close()
    assert (told["code"], told["after"]) == (0, told["before"])
    assert "92" not in server.call("GET", f"/api/sessions/{session}/screen?format=text").text

"""C2: a real tmux around `termwall attach` and `termwall play` is afterwards as it was."""

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

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

FLAGS = (
    *("alternate_on", "cursor_flag", "insert_flag", "keypad_cursor_flag", "keypad_flag", "origin_flag", "wrap_flag"),
    *(f"mouse_{kind}_flag" for kind in ("all", "any", "button", "sgr", "standard", "utf8")),
    *("scroll_region_lower", "scroll_region_upper", "pane_tabs", "pane_title", "cursor_x", "cursor_y", "history_size"),
)
FORMAT = " ".join(f"{name}=#{{{name}}}" for name in FLAGS)


class Tmux:
    """A tmux of its own, with a shell that is dumb enough to print nothing by itself."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self._socket = folder / "tmux"
        self._env = env
        self("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "sh")

    def __call__(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-S", self._socket, *words], env=self._env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def state(self) -> str:
        """Every mode that tmux tells, and what stands in screen and scrollback."""
        return self("display-message", "-p", FORMAT) + self("capture-pane", "-p", "-S", "-1000")

    def shows(self, text: str) -> None:
        """Wait until it does."""
        deadline = time.monotonic() + 30
        while text not in (shown := self("capture-pane", "-p")):
            assert time.monotonic() < deadline, shown
            time.sleep(0.02)

    def prompts(self) -> None:
        """Wait until its shell has the terminal again: what ends throws away what the terminal still reports."""
        deadline = time.monotonic() + 30
        while self("display-message", "-p", "#{pane_current_command}").strip() != "sh":
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all."""
    with running(tmp_path_factory.mktemp("tmux") / "data") as one:
        one.project(one.data_dir.parent / "work", id="work")
        yield one


@pytest.fixture
def tmux(server: Server, tmp_path: Path) -> Iterator[Tmux]:
    """With 60 lines printed, and a prompt."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TERMWALL_", "TMUX"))}
    env |= {
        "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
        "TERMWALL_DATA_DIR": str(server.data_dir),
        "PS1": "$ ",
        "ENV": "",
        "termwall": f"{sys.executable} -m termwall",
    }
    one = Tmux(tmp_path, env)
    one(
        "send-keys",
        "stty -echo; PS1=; i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); done; echo READY",
        "Enter",
    )
    one.shows("\nREADY")
    yield one
    one("kill-server")


@pytest.mark.parametrize("end", ["leave", "TERM", "HUP", "exit"])
def test_case_command_line_2_tmux_is_as_it_was_after_attach(server: Server, tmux: Tmux, end: str) -> None:
    session = server.session("work", "sh", "-c", f"printf '{CHANGES}'; printf '\\033(BINSIDE'; read x")
    before = tmux.state()
    tmux("send-keys", f"sh -c 'echo $$ > {server.data_dir}/pid; exec $termwall attach {session} 2>/dev/null'", "Enter")
    tmux.shows("INSIDE")
    match end:
        case "leave":
            tmux("send-keys", "C-\\")
        case "exit":
            tmux("send-keys", "Enter")
        case _:
            os.kill(int((server.data_dir / "pid").read_text()), signal.Signals[f"SIG{end}"])
    tmux.shows("line 59")
    deadline = time.monotonic() + 30
    while _runs(int((server.data_dir / "pid").read_text())):  # It throws away what the terminal still reports.
        assert time.monotonic() < deadline
        time.sleep(0.02)
    tmux("send-keys", "echo BACK", "Enter")
    tmux.shows("BACK")
    _same(tmux.state(), before)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _same(after: str, before: str) -> None:
    """But for the lines that were printed since."""
    modes, *lines = after.split("\n")
    modes_before, *lines_before = before.split("\n")
    moved = ("cursor_y", "history_size")
    one, other = ([part for part in text.split(" ") if not part.startswith(moved)] for text in (modes, modes_before))
    assert one == other
    kept = [line for line in lines_before if line]
    assert [line for line in lines if line][: len(kept)] == kept


def test_case_command_line_4_a_recording_with_queries_plays_in_tmux(tmux: Tmux, tmp_path: Path) -> None:
    asks = "\x1b[>q\x1b[c\x1b[6n\x1b]11;?\x07\x1b[?u\x1b[18t"
    asks += "\x1bc\x1b[?1049h\x1b[?1003h\x1b[?1004h\x1b[?2004h\x1b[?1h\x1b=\x1b[2;5r"
    events = [[0.0, "o", asks], [0.1, "o", "\x1b[3J\x1b[HPLAYED"], [1.5, "o", "\x1b[?25l\x1b]0;title\x07\x1b[31mEND"]]
    header = {"version": 2, "width": 80, "height": 24}
    cast = tmp_path / "queries.cast"
    cast.write_text("".join(json.dumps(one) + "\n" for one in (header, *events)))
    before = tmux.state()
    tmux("send-keys", f"$termwall play {cast}", "Enter")
    tmux.shows("PLAYED")
    tmux("send-keys", "q")
    tmux.prompts()
    tmux("send-keys", "echo BACK", "Enter")
    tmux.shows("\nBACK")
    _same(tmux.state(), before)
    assert "not found" not in tmux.state(), "an answer was typed at the prompt"

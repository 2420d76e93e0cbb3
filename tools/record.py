"""Records real programs through a PTY, for the fidelity suite (`tests/screen/test_fidelity.py`).

    PYTHONPATH=src python tools/record.py [NAME ...]

Needs Linux, root (for a namespace in which only the recorded program runs, and a home of its own), and the programs;
the tests need none of that. A recording is a gzip'd file: one line of JSON, `{"cols", "rows", "resizes": [[offset,
cols, rows]]}`, and then the bytes as the program wrote them.
"""

import fcntl
import gzip
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

from termwall.screen.ghostty import GhosttyEngine

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT / "tests/recordings"
HOME = Path("/home/demo")
QUIET_SECONDS = 0.4
"""A program that writes nothing for this long waits for a key."""
MOST_BYTES = 400_000
FORBIDDEN = [str(ROOT).encode(), b"/root", b"/tmp/"]

Step = bytes | tuple[int, int]
"""Keys to type, or another size."""
UP, DOWN, RIGHT, LEFT, HOME_KEY, END_KEY = (b"\x1b[" + key for key in (b"A", b"B", b"C", b"D", b"H", b"F"))

SOURCE = '''\
"""Numbers that are the sum of the two before."""

import functools
from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """Two neighbours in the sequence."""

    first: int = 0
    second: int = 1

    def step(self) -> "Pair":
        return Pair(self.second, self.first + self.second)  # TODO: overflow?


@functools.cache
def fibonacci(n: int) -> int:
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)


def main() -> None:
    pair = Pair()
    for index in range(10):
        print(f"{index:>3}: {pair.first:,} \\\\t", "naïve café 日本語")
        pair = pair.step()


if __name__ == "__main__":
    main()
'''
SHELL = ["bash", "--norc", "--noprofile"]
PROMPT = r"PS1='\[\e]0;demo: \w\a\]\[\e[01;32m\]demo@wall\[\e[00m\]:\[\e[01;34m\]\w\[\e[00m\]\$ '"


def program(name: str) -> list[str]:
    """One of the programs in `tests/recordings/programs`, as a command."""
    return ["python3", f"{HOME}/programs/{name}.py"]


SCENES: dict[str, tuple[list[str], tuple[int, int], list[Step]]] = {
    "agent": (program("agent"), (100, 30), [b"\r"]),
    "agent-small": (program("agent"), (60, 12), [b"\r"]),
    "bash": (
        SHELL,
        (80, 24),
        [
            PROMPT.encode() + b"; clear\r",
            b"ls --color=always -la\r",
            b"echo one tow three" + LEFT * 7 + b"\x04\x04wo\x05 four\r",
            b"for i in $(seq 1 60); do echo -e \"line $i \\e[3$((i % 8))mcolour\\e[0m\"; done\r",
            b"\x12seq\x07",
            b"echo a command line that is so long that it does not fit into one row of this window, so it wraps",
            HOME_KEY + RIGHT * 5 + b"inserted ",
            b"\r",
            b"printf '\\e[?5h\\e[?5l\\e[5 qbar\\n'\r",
            b"git log --oneline --graph --color=always | cat\r",
        ],
    ),
    "bash-resize": (
        SHELL,
        (80, 24),
        [
            PROMPT.encode() + b"\r",
            b"echo a command line that is so long that it does not fit into one row of a window of eighty columns\r",
            b"seq 1 40\r",
            (60, 20),
            b"ls --color=always /usr/share\r",
            (100, 30),
            b"echo done\r",
            (80, 24),
            b"printf '%s ' {1..90}; echo\r",
        ],
    ),
    "dialog": (
        ["dialog", "--colors", "--title", "Choose", "--menu", "What to do?", "15", "50", "4",
         "1", "Build \\Z1all\\Zn", "2", "Test", "3", "Deploy", "4", "Leave"],
        (80, 24),
        [DOWN, DOWN, UP, b"\t", b"\r"],
    ),
    "git-diff": (["git", "-c", "core.pager=less -R", "diff", "--color=always", "HEAD"], (80, 24), [b" ", b"b",
        b"/def\r", b"q"]),
    "git-log": (
        ["git", "-c", "core.pager=cat", "log", "--color=always", "--stat", "--graph", "-p"], (90, 24), [],
    ),
    "htop": (["htop"], (100, 30), [DOWN, b"\x1bOR", b"ht\r", b"\x1b", b"t", b"\x1bOP", b"q", b"q"]),
    "less": (["less", "-N", "story.txt"], (80, 24), [b" ", b" ", b"/lazy\r", b"n", b"G", b"100g", b"-S\r", RIGHT,
        b"q"]),
    "live": (program("live"), (80, 24), []),
    "ls": (["ls", "--color=always", "-laF", "--hyperlink=always", "--time-style=+%H:%M", str(HOME), "/usr/bin/"],
        (80, 24), []),
    "mc": (["mc", "-c", "--nosubshell"], (80, 24), [DOWN * 3, b"\t", DOWN, b"\x1bOR", b"\x1b[21~", b"\x1b9", RIGHT,
        b"\x1b\x1b", b"\x1b0", b"\r"]),
    "nano": (
        ["nano", "-Y", "python", "main.py"],
        (80, 24),
        [DOWN * 6, b"# typed by hand\r", b"\x17Pair\r", b"\x0b", b"\x15", b"\x1b[6~", b"\x07", b"\x18", b"\x18", b"n"],
    ),
    "progress": (program("progress"), (80, 24), []),
    "python": (
        ["python3", "-q"],
        (80, 24),
        [b"import sys\r", b"for i in range(30): print(i, 'x' * i * 4)\r", b"\r", b"sys.nothing\r",
            "'日本語 ' * 30\r".encode(), UP + b"\r", b"\x04"],
    ),
    "screen": (
        ["screen", "-c", f"{HOME}/screenrc", *SHELL],
        (80, 24),
        [PROMPT.encode() + b"; clear\r", b"ls --color=always\r", b"seq 1 50\r", b"\x01c", b"echo two\r", b"\x01S",
            b"\x01\t", b"\x01\x01", b"less story.txt\r", b"q", b"\x01\\", b"y"],
    ),
    "sgr": (SHELL, (80, 24), [b"PS1='$ '; clear; cat colours.txt\r", b"cat colours.txt\r"]),
    "tmux": (
        ["tmux", "-f", f"{HOME}/tmux.conf", "-L", "demo", "new", *SHELL],
        (80, 24),
        [PROMPT.encode() + b"; clear\r", b"\x02%", b"ls --color=always /usr/share\r", b'\x02"', b"seq 1 30\r",
            b"\x02o", b"vim -N -u vimrc main.py\r", b"\x02z", b"\x02z", b"\x02[", b"\x1b[5~", b"q",
            b"\x02:kill-server\r"],
    ),
    "tmux-resize": (
        ["tmux", "-f", f"{HOME}/tmux.conf", "-L", "demo", "new", *SHELL],
        (80, 24),
        [PROMPT.encode() + b"; clear\r", b"\x02%", b"seq 1 50\r", (100, 30), b"ls --color=always\r", (70, 20),
            b"echo small\r", b"\x02:kill-server\r"],
    ),
    "top": (["top", "-d", "0.3", "-n", "4"], (80, 24), [b"zc", b"V", b"1"]),
    "unicode": (program("unicode"), (80, 24), []),
    "vim": (
        ["vim", "-N", "-u", "vimrc", "main.py"],
        (80, 24),
        [b"\x06", b"gg/fib\r", b"n", b"ofor x in y: pass\x1b", b":split\r", b"\x17j", b"G", b"V5k", b"\x1b", b"dd",
            b"u", b":vsplit\r", "ihello wörld 日本\x1b".encode(), b":set nu list\r", b":help\r", b":qa!\r"],
    ),
    "vim-resize": (
        ["vim", "-N", "-u", "vimrc", "main.py"],
        (80, 24),
        [b":vsplit\r", (100, 30), b"G", b"ihello\x1b", (60, 16), b"gg", b":qa!\r"],
    ),
    "wrap": (SHELL, (40, 10), [b"PS1='> '; clear\r", b"cat story.txt\r", b"cat story.txt | tr 'a' '\\t'\r",
        b"printf '%s\\r\\n' \"$(head -c 400 story.txt | tr -d '\\n')\"\r"]),
}  # fmt: skip


def furnish() -> None:
    """Make the home that the programs see."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    (HOME / "main.py").write_text(SOURCE)
    sentence = "The quick brown fox jumps over the lazy dog, and then it goes on for a while. "
    (HOME / "story.txt").write_text("\n".join(sentence * (1 + n % 3) + str(n) for n in range(150)) + "\n")
    (HOME / "vimrc").write_text("syntax on\nset t_Co=256 background=dark laststatus=2 mouse=a hlsearch title ruler\n")
    (HOME / "tmux.conf").write_text(
        "set -g status-right ''\nset -g mouse on\nset -g default-terminal screen-256color\nset -g set-titles on\n"
        "set -g set-titles-string '#S:#W'\n"
    )
    (HOME / "screenrc").write_text("startup_message off\nhardstatus alwayslastline '%{= kG}%w'\nvbell off\n")
    colours = [
        "".join(f"\x1b[{code}m {code:>3} \x1b[0m" for code in range(at, at + 10) if code != 6)
        for at in range(0, 108, 10)
    ]
    colours += ["".join(f"\x1b[48;5;{n}m{n:>4}" for n in range(at, at + 16)) + "\x1b[0m" for at in range(0, 256, 16)]
    colours += ["".join(f"\x1b[48;2;{n};{255 - n};128m " for n in range(0, 256, 4)) + "\x1b[0m"]
    colours += ["".join(f"\x1b[4:{n};58:2::255:{n * 40}:0mstyle {n}\x1b[0m " for n in range(6))]
    colours += [
        "\x1b[7mreverse \x1b[1mbold\x1b[22m \x1b[2mdim\x1b[0m \x1b[9mstruck\x1b[29;53mover\x1b[0m\x1b[44m\x1b[K\x1b[0m"
    ]
    (HOME / "colours.txt").write_text("\n".join(colours) + "\n")
    shutil.copytree(RECORDINGS / "programs", HOME / "programs")
    for name in ("alpha", "beta dir", "gamma"):
        (HOME / name).mkdir()
    (HOME / "run.sh").write_text("#!/bin/sh\n")
    (HOME / "run.sh").chmod(0o755)
    (HOME / "link").symlink_to("main.py")
    git = [
        "git",
        "-C",
        str(HOME),
        "-c",
        "user.name=Demo",
        "-c",
        "user.email=demo@example.com",
        "-c",
        "commit.gpgsign=false",
    ]
    dates = {"GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z"}
    steps = [("Begin", SOURCE), ("Count to twenty", SOURCE.replace("range(10)", "range(20)")),
             ("Rename", SOURCE.replace("Pair", "Couple").replace("    second", "\tsecond"))]  # fmt: skip
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    for message, text in steps:
        (HOME / "main.py").write_text(text)
        subprocess.run([*git, "add", "main.py", "story.txt", "run.sh"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", message], check=True, env={**os.environ, **dates})
    (HOME / "main.py").write_text(SOURCE)


def size(descriptor: int, cols: int, rows: int) -> None:
    """Tell the PTY its size; the kernel tells the program."""
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def record(argv: list[str], cols: int, rows: int, steps: list[Step]) -> tuple[bytes, list[list[int]]]:
    """Run a program, type its keys each time it is quiet, answer its queries, and keep what it writes."""
    environment = {
        "TERM": "xterm-256color", "LANG": "C.UTF-8", "HOME": str(HOME), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "USER": "demo", "SHELL": "/bin/bash", "COLORTERM": "truecolor", "HISTFILE": "", "TZ": "UTC", "PWD": str(HOME),
        "SCREENDIR": str(HOME / ".screen"), "TMUX_TMPDIR": str(HOME),
    }  # fmt: skip
    apart = [
        "unshare",
        "--pid",
        "--fork",
        "--mount-proc",
        "--uts",
        "--kill-child",
        "sh",
        "-c",
        'hostname wall && exec "$@"',
        "sh",
    ]
    child, descriptor = pty.fork()
    if child == 0:
        size(0, cols, rows)
        os.chdir(HOME)
        os.execvpe("unshare", [*apart, *argv], environment)  # noqa: S606 - programs are what is recorded
    engine = GhosttyEngine(cols, rows)
    raw = bytearray()
    resizes: list[list[int]] = []
    left = list(steps)
    while len(raw) < MOST_BYTES:
        if select.select([descriptor], [], [], QUIET_SECONDS)[0]:
            try:
                data = os.read(descriptor, 65536)
            except OSError:
                break
            if not data:
                break
            raw += data
            engine.feed(data)
            replies = engine.take_replies()
            if replies:
                os.write(descriptor, replies)
        elif not left:
            break
        else:
            step = left.pop(0)
            if isinstance(step, bytes):
                os.write(descriptor, step)
            else:
                resizes.append([len(raw), *step])
                engine.resize(*step)
                size(descriptor, *step)
    os.kill(child, signal.SIGKILL)
    os.close(descriptor)
    os.waitpid(child, 0)
    engine.close()
    return bytes(raw), resizes


def main() -> None:
    """Record the named scenes, or all."""
    for name in sys.argv[1:] or SCENES:
        furnish()
        argv, (cols, rows), steps = SCENES[name]
        raw, resizes = record(argv, cols, rows, steps)
        found = [word for word in FORBIDDEN if word in raw]
        if found:
            sys.exit(f"{name} shows what only this machine has: {found}")
        header = json.dumps({"cols": cols, "rows": rows, "resizes": resizes}).encode() + b"\n"
        (RECORDINGS / f"{name}.rec.gz").write_bytes(gzip.compress(header + raw, mtime=0))
        sys.stdout.write(f"{name}: {len(raw):,} bytes, {len(resizes)} resizes\n")


if __name__ == "__main__":
    main()

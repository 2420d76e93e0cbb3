#!/bin/sh
# ptyprocess 0.7.0 (what pexpect and terminado start programs with) says "out of pty devices", with no `errno`, where the
# process may only have no more files open: Python's own pty module hides the reason, os.openpty() has it. Each such failure
# keeps two descriptors open, so that whoever tries again when something was closed finds less room each time.
# Needs Python 3 with venv, and pip, on Linux.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install ptyprocess==0.7.0
"$folder/venv/bin/python" - <<'PYTHON'
import os
import resource
import sys

import ptyprocess

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)


def opened():
    return len(os.listdir("/proc/self/fd"))


highest = os.open(os.devnull, os.O_RDONLY)
while opened() <= highest:  # No holes between the numbers.
    highest = os.open(os.devnull, os.O_RDONLY)
before = opened()
resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + 3, hard))  # Three more: a pipe, and one for two sides.
try:
    ptyprocess.PtyProcess.spawn(["true"])
    said = "nothing: it was started"
    number = 0
except OSError as error:
    said, number = str(error), error.errno
finally:
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
left = opened() - before
print("ptyprocess", ptyprocess.__version__, "on Python", sys.version.split()[0])
print("expected [Errno 24] Too many open files; seen", repr(said), "with errno", number)
print("expected 0 more descriptors open after it; seen", left)
sys.exit(0 if (said, number, left) == ("out of pty devices", None, 2) else 1)
PYTHON

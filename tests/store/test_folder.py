"""Who has a data folder, and how it is freed."""

import fcntl
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from termwall.store.folder import DataFolderTaken, data_folder, find_running, stop_running

SERVER = """
import fcntl, json, os, signal, sys, time
lock = open(sys.argv[1] + "/lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
told = sys.argv[1] + "/server.json"
json.dump({"url": "http://127.0.0.1:1", "pid": os.getpid()}, open(told, "w"))
def end(number, frame):
    os.unlink(told)
    time.sleep(float(sys.argv[2]))
    sys.exit()
signal.signal(signal.SIGTERM, end)
print(flush=True)
while True:
    signal.pause()
"""
"""Has a data folder as a server does, and takes long to end."""


@pytest.mark.parametrize("seconds", [0.3, 3600.0])
def test_P5_L3_a_server_has_ended_once_it_lets_go_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    if seconds > 60:
        monkeypatch.setattr("termwall.store.folder.STOP_SECONDS", 0.1)  # It hangs, and is killed.
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path), str(seconds)], stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        server.stdout.readline()
        running = find_running(tmp_path)
        assert running is not None
        assert running.pid == server.pid
        assert stop_running(tmp_path)
        with data_folder(tmp_path):
            pass
    assert server.returncode == (-signal.SIGKILL if seconds > 60 else 0)


def test_P5_where_no_server_runs_none_has_to_end(tmp_path: Path) -> None:
    assert stop_running(tmp_path)
    assert find_running(tmp_path) is None


def test_L12_a_command_that_looks_whether_a_server_runs_keeps_none_from_starting(tmp_path: Path) -> None:
    with open(tmp_path / "lock", "w") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        looked = threading.Timer(0.05, fcntl.flock, (looking, fcntl.LOCK_UN))
        looked.start()
        with data_folder(tmp_path), pytest.raises(DataFolderTaken), data_folder(tmp_path):
            pass
        looked.join()

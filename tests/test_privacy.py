"""What other users of the machine can read: files of the data folder, arguments of processes, logs (X1)."""

import contextlib
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from termwall.app import owner_token
from termwall.config import Settings, SettingsError, secret_files
from termwall.store.folder import DataFolderError, keep_private
from termwall.store.secretfiles import others_read, warnings
from tests.support.command import Command
from tests.support.patience import PATIENCE
from tests.support.server import Server, running

OLD_LOG = "termwall ready: http://127.0.0.1:7070/?token=a-token-of-old\n"


def open_to_others(folder: Path) -> list[str]:
    """What of a folder other users can read or enter; the tests' own log of a server is none of it."""
    found = [folder, *(path for path in folder.rglob("*") if path.name != "stderr.log")]
    return [str(path) for path in found if stat.S_IMODE(path.lstat().st_mode) & 0o077]


def arguments() -> Iterator[str]:
    """What every user reads of the processes that run."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield place.read_text(errors="replace").replace("\0", " ")


@pytest.fixture
def old_folder(tmp_path: Path) -> Path:
    """A data folder as an older termwall, or its user, made it."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("server.log", "holder.log", "lock", "token", "termwall.toml"):
        (folder / name).write_text("")
    (folder / "server.log").write_text(OLD_LOG)
    (folder / "recordings").mkdir()
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def test_case_hardening_X1_a_data_folder_that_was_there_is_closed_to_others(old_folder: Path, tmp_path: Path) -> None:
    with running(old_folder) as server:
        project = server.project(tmp_path / "wall")
        session = server.session(project, "cat")
        assert server.call("POST", f"/api/sessions/{session}/recording").status_code == 201
        server.stop()
        for path in old_folder.iterdir():
            if path.name not in ("holder.sock", "stderr.log"):
                path.chmod(0o755 if path.is_dir() else 0o644)
        server.start()
        assert open_to_others(old_folder) == []
        assert list((old_folder / "recordings").iterdir())


def test_case_hardening_X1_up_puts_the_token_into_no_file_and_no_argument(old_folder: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    termwall = Command(Server(old_folder), work)
    try:
        up = json.loads(termwall("up", "--port", "0", "--json"))
        token = up["url"].partition("token=")[2].partition("&")[0]
        termwall("run", "--", "cat")
        termwall("restart")
        assert [
            path.name for path in old_folder.rglob("*") if path.is_file() and token.encode() in path.read_bytes()
        ] == ["token"]
        assert "a-token-of-old" not in (old_folder / "server.log").read_text()
        assert open_to_others(old_folder) == []
        assert not [line for line in arguments() if token in line]
    finally:
        termwall("down", "--all", "--yes")


def test_X1_a_folder_that_everybody_writes_in_is_no_data_folder(tmp_path: Path) -> None:
    everybodys = tmp_path / "tmp"
    everybodys.mkdir()
    everybodys.chmod(0o1777)
    with pytest.raises(DataFolderError, match="is everybody's folder"):
        keep_private(everybodys)
    assert stat.S_IMODE(everybodys.stat().st_mode) == 0o1777, "it is left as it is"
    planted = tmp_path / "planted"
    planted.mkdir()
    planted.chmod(0o777)
    (planted / "token").write_text("a-token-that-he-knows")
    keep_private(planted)
    assert open_to_others(planted) == []
    if os.getuid() == 0:
        planted.chmod(0o777)
        os.chown(planted / "token", 65534, -1)
        with pytest.raises(DataFolderError, match="token` is another user's"):
            keep_private(planted)
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "elsewhere").chmod(0o644)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "token").symlink_to(tmp_path / "elsewhere")
    keep_private(linked)
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o644, "what a link leads to is not ours"


# ---- the token, other than as an argument


def test_case_hardening_X1_a_file_or_the_environment_take_the_place_of_token_which_warns(tmp_path: Path) -> None:
    secret, work = tmp_path / "secret", tmp_path / "work"
    secret.write_text("a-token-in-a-file\n")
    secret.chmod(0o600)
    work.mkdir()
    with running(tmp_path / "data", "--token-file", str(secret), env={"TERMWALL_TOKEN": "not-this-one"}) as server:
        assert server.token == "a-token-in-a-file"
        assert "a-token-in-a-file" not in server.errors.read_text()
        server.project(work, id="work")
        elsewhere = Command(Server(tmp_path / "none"), work)
        at = ("ls", "--url", server.base)
        elsewhere.env["TERMWALL_TOKEN_FILE"] = str(secret)
        elsewhere(*at)
        elsewhere.env["TERMWALL_TOKEN_FILE"] = str(tmp_path / "nowhere")
        assert "cannot be read" in elsewhere(*at, ok=False)
        elsewhere(*at, "--token-file", str(secret))
        elsewhere.env["TERMWALL_TOKEN"] = "a-token-in-a-file"
        elsewhere(*at)
        assert "--token shows" in elsewhere(*at, "--token", "a-token-in-a-file", both=True)
        with_password = ("serve", "--check", "--nats", "nats://me:secret@127.0.0.1:1")
        assert "--nats shows its password" in elsewhere(*with_password, both=True)
        elsewhere.env["TERMWALL_TOKEN"] = "another-token"
        elsewhere(*at, "--token-file", str(secret))
    with running(tmp_path / "data", "--token", "an-argument") as server:
        assert server.token == "an-argument", "it still works"
        assert "use --token-file or TERMWALL_TOKEN" in server.errors.read_text()


def test_X1_a_token_file_without_a_token_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    for text in (b"", b"short", b"two\nlines-of-it", b"\xff" * 20):
        path.write_bytes(text)
        with pytest.raises(SettingsError, match="secret`"):
            owner_token(Settings(data_dir=tmp_path / "data", token_file=path))


# ---- opening the browser


def test_case_hardening_X1_termwall_in_a_folder_opens_a_browser_that_is_signed_in(tmp_path: Path) -> None:
    """With a code that is good once; a browser that is waited for, as this one, is answered meanwhile."""
    work, data, said = tmp_path / "work", tmp_path / "data", tmp_path / "said"
    work.mkdir()
    browser = tmp_path / "browser"
    lines = [
        f"#!{sys.executable} -S",
        "import sys, urllib.request, json, os",
        "address, _, code = sys.argv[1].partition('#code=')",
        "base = address.partition('/?')[0]",
        "body = json.dumps({'code': code}).encode()",
        "head = {'content-type': 'application/json', 'origin': base}",
        "asked = urllib.request.Request(base + '/api/login', body, head)",
        "answer = urllib.request.urlopen(asked)",
        f"open({str(said)!r} + '.part', 'a').write(sys.argv[1] + ' ' + answer.headers['set-cookie'] + '\\n')",
        f"os.replace({str(said)!r} + '.part', {str(said)!r})",
    ]
    browser.write_text("\n".join(lines))
    browser.chmod(0o700)
    env = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
    env |= {"PYTHONPATH": str(Path(__file__).parent.parent / "src"), "BROWSER": f"{shlex.quote(str(browser))} %s"}
    command = [sys.executable, "-m", "termwall", "--data-dir", str(data), "--no-outlive"]

    def opened() -> tuple[str, str]:
        deadline = time.monotonic() + PATIENCE
        while not said.exists():
            assert time.monotonic() < deadline, "no browser was opened"
            time.sleep(0.02)
        address, _, cookie = said.read_text().strip().partition(" ")
        said.unlink()
        return address, cookie.partition(";")[0]

    with subprocess.Popen([*command, "--port", "0"], cwd=work, env=env, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        ready = server.stdout.readline().split()[-1]
        base, token = ready.partition("/?")[0], ready.partition("token=")[2].partition("&")[0]
        try:
            for again in (False, True):
                if again:
                    subprocess.run(command, cwd=work, env=env, check=True, stdout=subprocess.DEVNULL)
                address, cookie = opened()
                assert re.fullmatch(rf"{base}/\?project=work#code=[\w-]+", address)
                assert token not in address
                answer = httpx2.get(f"{base}/api/browsers", headers={"cookie": cookie}, trust_env=False, timeout=30)
                assert answer.status_code == 200
                assert token not in " ".join(arguments())
        finally:
            server.terminate()


def test_X5_the_command_line_lists_browsers_and_ends_them(server: Server, tmp_path: Path) -> None:
    headers = {"origin": server.base, "user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"}
    body = {"token": server.token}
    answer = httpx2.post(f"{server.base}/api/login", json=body, headers=headers, trust_env=False, timeout=30)
    cookie = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
    termwall = Command(server, tmp_path)
    (one,) = json.loads(termwall("browser", "list", "--json"))["browsers"]
    assert re.fullmatch(
        rf"{one['id']}  Firefox on Linux     used 2\d\d\d-.* \d\d:\d\d  the owner\n", termwall("browser", "list")
    )
    assert httpx2.get(f"{server.base}/api/projects", headers=cookie, trust_env=False).status_code == 200
    termwall("browser", "end", one["id"])
    assert httpx2.get(f"{server.base}/api/projects", headers=cookie, trust_env=False).status_code == 401
    assert "termwall browser list" in termwall("browser", "end", one["id"], ok=False)


# ---- files with secrets that others read


def test_case_hardening_X1_a_token_file_that_others_read_is_named_and_used(tmp_path: Path) -> None:
    secret, config, work = tmp_path / "secret", tmp_path / "termwall.toml", tmp_path / "work"
    secret.write_text("a-token-in-a-file\n")
    config.write_text('[env]\nTZ = "UTC"\n[profiles.agent]\ncommand = ["cat"]\nenv = {SOME_API_KEY = "k"}\n')
    work.mkdir()
    for path in (secret, config):
        path.chmod(0o644)
    with running(tmp_path / "data", "--token-file", str(secret), "--config", str(config)) as server:
        assert server.token == "a-token-in-a-file", "a container's secrets are open to all of it"
        said = server.errors.read_text()
        assert f"other users of this machine can use `{secret}`, which has the owner's token in it; `chmod 600`" in said
        assert f"`{config}`, which has `SOME_API_KEY` in it" in said
        server.project(work)
        termwall = Command(Server(tmp_path / "none"), work)
        call = ("ls", "--url", server.base, "--token-file", str(secret))
        for mode, warned in ((0o644, True), (0o640, True), (0o602, True), (0o600, False), (0o400, False)):
            secret.chmod(mode)
            assert ("can use `" in termwall(*call, both=True)) is warned, oct(mode)


def test_X13_a_settings_file_that_has_no_secret_may_be_read(tmp_path: Path) -> None:
    config = tmp_path / "termwall.toml"
    config.write_text('[env]\nTZ = "UTC"\nMONKEYS = "3"\nKEYBOARD = "de"\n')
    config.chmod(0o644)
    assert list(warnings(secret_files(Settings(data_dir=tmp_path / "data", config=config)))) == []
    key = tmp_path / "key.pem"
    key.write_text("")
    key.chmod(0o644)
    assert [str(key) in one for one in warnings(secret_files(Settings(data_dir=tmp_path / "data", nats_key=key)))] == [
        True
    ]
    pipe, writing = os.pipe()
    assert not others_read(Path(f"/dev/fd/{pipe}")), "as of `--token-file <(pass show termwall)`"
    os.close(pipe)
    os.close(writing)

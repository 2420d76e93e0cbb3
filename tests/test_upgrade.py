"""L8, P5: `termwall restart` over real wheels of other versions, up and down, under load: nothing is lost or doubled.

The wheels are built without the page, which takes a minute and has no part in it; with it they would be the same.
"""

import asyncio
import compileall
import importlib.util
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from termwall.pty.rendezvous import look
from tests.support.client import Client
from tests.support.patience import until
from tests.support.server import Server
from tests.test_outlive import COUNTING, ECHOING, ROOM, numbers

ROOT = Path(__file__).parents[1]
OLD = "0f15b26d6656a7f4e4a3a619714e7f199b014dff"
"""The release before memory, holder and store said which versions understand them: upgrades start here."""
FIRST = "fcaf2dbe929d9110058ea8ea039d872080ec780a"
"""The first that says it: downgrades go down to here."""
NOW = "now"
"""What is here."""
PARTS = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md", "src")


@dataclass(frozen=True, slots=True)
class Wheel:
    """An installed wheel."""

    version: str
    place: Path

    def run(self, folder: Path, *words: str) -> str:
        """Its command, with a data folder; what it prints."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
        env |= {"PYTHONPATH": str(self.place), "TERMWALL_DATA_DIR": str(folder), "SHELL": "/bin/sh", **ROOM}
        done = subprocess.run(
            [sys.executable, "-P", "-m", "termwall", *words],
            env=env,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def git(*words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, check=False)


def sources(commit: str, tree: Path) -> None:
    """What a wheel of that commit is made of. Skips where this clone has no such commit and cannot have it."""
    tree.mkdir()
    if commit == NOW:
        found = git("ls-files", "--cached", "--others", "--exclude-standard", "-z", *PARTS).stdout.decode().split("\0")
        for name in filter(None, found):
            if (ROOT / name).exists():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                (tree / name).write_bytes((ROOT / name).read_bytes())
        return
    if (
        git("cat-file", "-e", f"{commit}^{{commit}}").returncode
        and git("fetch", "--depth=1", "origin", commit).returncode
    ):
        pytest.skip(f"NOT TESTED: upgrades from {commit[:7]}: this clone has not got that commit, and cannot fetch it")
    packed = git("archive", commit, *PARTS)
    assert packed.returncode == 0, packed.stderr
    subprocess.run(["tar", "-x", "-C", str(tree)], input=packed.stdout, check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Wheel]:
    """Builds the wheel of a commit once, and installs it into a folder of its own."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("NOT TESTED: upgrades: hatchling, of requirements/test.txt, is not installed")
    made: dict[str, Wheel] = {}

    def build(commit: str) -> Wheel:
        if commit in made:
            return made[commit]
        place = tmp_path_factory.mktemp("wheel")
        sources(commit, place / "tree")
        project = place / "tree" / "pyproject.toml"
        said = re.search(r'^version = "(.*)"$', project.read_text(), re.MULTILINE)
        assert said is not None
        version = f"{said[1]}+{commit[:7]}"
        project.write_text(project.read_text().replace(said[0], f'version = "{version}"'))
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)],
            cwd=place / "tree",
            env={**os.environ, "TERMWALL_WEB": "skip"},
            capture_output=True,
            check=True,
        )
        (packed,) = place.glob("*.whl")
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(place / "installed")
        # As an installer does: else each process of a busy machine compiles all of it anew.
        compileall.compile_dir(place / "installed", quiet=1)
        made[commit] = Wheel(version, place / "installed")
        return made[commit]

    return build


@pytest.mark.xdist_group("wheels")
@pytest.mark.parametrize("way", [(OLD, NOW), (NOW, FIRST, NOW)], ids=["up", "down-and-up"])
async def test_case_hardening_L4_L8_P5_another_version_under_load_costs_no_byte_and_no_key(
    wheel: Callable[[str], Wheel], tmp_path: Path, way: tuple[str, ...]
) -> None:
    first, *others = [wheel(commit) for commit in way]
    data = tmp_path / "data"
    data.mkdir()
    up = json.loads(await asyncio.to_thread(first.run, data, "up", "--port", "0", "--json"))
    server = Server(data)
    server.base, _, rest = up["url"].partition("/?token=")
    server.token = rest.partition("&")[0]
    last = first
    try:
        project = server.project(tmp_path / "work")
        counting = server.session(project, "sh", "-c", COUNTING)
        echoing = server.session(project, "sh", "-c", ECHOING)
        server.focus(project, counting, echoing)
        holder = look(data)
        assert holder is not None
        client = Client(server, project)
        running = asyncio.create_task(client.run())
        keys_typed: list[int] = []
        typing = asyncio.create_task(typed(client, echoing, keys_typed))
        for last in others:
            seen = len(client.output[counting])
            await until(lambda s=seen: len(client.output[counting]) > s + 10_000 or running.done(), "output")  # type: ignore[misc]
            await asyncio.to_thread(last.run, data, "restart")
            assert server.call("GET", "/api/health").json()["version"] == last.version
            await until(lambda: client.connected or running.done(), "the connection")
        seen = len(client.output[counting])
        await until(lambda: len(client.output[counting]) > seen + 10_000 or running.done(), "output")
        typing.cancel()
        await asyncio.gather(typing, return_exceptions=True)
        count = len(keys_typed)
        await until(lambda: f"<{count}>".encode() in client.output[echoing] or running.done(), "the last key")
        if running.done():
            running.result()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        lines = numbers(client, counting)
        assert lines == list(range(lines[0], lines[-1] + 1))
        keys = [int(key) for key in re.findall(rb"<(\d+)>", bytes(client.output[echoing]))]
        assert keys == list(range(1, count + 1))
        assert not client.jumps
        found = server.call("GET", f"/api/projects/{project}/sessions").json()["sessions"]
        assert [(one["status"], one["screen"], one.get("sealed")) for one in found] == [("running", "exact", None)] * 2
        again = look(data)
        assert again is not None
        assert (again["pid"], again["running"]) == (holder["pid"], 2), "the same holder, and nothing is doubled"
        more = server.session(project, "sh", "-c", "echo READY; exec cat")
        screen = f"/api/sessions/{more}/screen?format=text"
        await until(lambda: "READY" in server.call("GET", screen).text, "a program started by the earlier holder")
    finally:
        await asyncio.to_thread(last.run, data, "down", "--all", "--yes")


async def typed(client: Client, session: str, done: list[int]) -> None:
    """Type numbers until it is cancelled, and note them."""
    while True:
        if b"READY" in client.pictures.get(session, b"") + client.output[session]:
            done.append(len(done) + 1)
            await client.type(session, f"<{done[-1]}>")
        await asyncio.sleep(0.005)

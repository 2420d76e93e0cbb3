"""The documentation is held to the code: everything that can be named is named, links lead somewhere."""

import ast
import asyncio
import contextlib
import importlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
import typer
import uvicorn

from termwall.cli.main import app
from termwall.config import Settings
from termwall.core.errors import CLOSE_CODES, ERRORS
from termwall.protocol import commands, messages
from tests.support.patience import until

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs/reference"


def tracked(pattern: str) -> list[Path]:
    """Files of the repository."""
    found = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / line for line in found.splitlines() if (ROOT / line).exists()]


def test_the_generated_pages_are_current() -> None:
    for tool in ("generate_reference.py", "generate_typescript.py", "generate_abi.py"):
        env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        words = [sys.executable, str(ROOT / "tools" / tool), "--check"]
        done = subprocess.run(words, capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stderr


def test_W7_every_message_is_documented() -> None:
    page = (REFERENCE / "messages.md").read_text()
    for model in (*commands.AnyClientMessage.__args__, *messages.AnyServerMessage.__args__):
        assert f"### {model.__name__}\n" in page
        assert model.__doc__, model
    for kind in commands.CLIENT_MESSAGES:
        assert f"`{kind}`" in page


def test_A3_W9_every_code_is_documented() -> None:
    page = (REFERENCE / "codes.md").read_text()
    assert all(f"`{code.value}`" in page for code in ERRORS)
    assert all(f"| {code.value} |" in page for code in CLOSE_CODES)


def test_A5_every_setting_and_command_is_documented() -> None:
    settings = (REFERENCE / "settings.md").read_text()
    for name, field in Settings.model_fields.items():
        assert f"`TERMWALL_{name.upper()}`" in settings
        assert field.description, name
    commands = (REFERENCE / "cli.md").read_text()
    root = typer.main.get_command(app)
    for name in root.commands:  # type: ignore[attr-defined]
        assert f"`termwall {name}`" in commands


def test_every_rule_has_its_line() -> None:
    page = (REFERENCE / "rules.md").read_text()
    rules = [
        f"{letter}{n}"
        for letter, most in zip("FWSIPAXR", (10, 11, 10, 4, 5, 5, 4, 7), strict=True)
        for n in range(1, most + 1)
    ]
    missing = [rule for rule in rules if not re.search(rf"^- {rule} ", page, re.MULTILINE)]
    assert not missing


OUTPUT = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)


async def test_A5_the_python_in_the_docs_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    embed = ROOT / "docs/how-to/embed.md"
    pages = [embed, *(page for page in tracked("docs/*.md") if page != embed)]
    blocks = {page: re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE) for page in pages}
    names: dict[str, Any] = {}

    async def follow(page: Path) -> None:
        for block in blocks.pop(page):
            code = compile(block, page.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            waited = eval(code, names)
            if waited is not None:
                await waited
            assert capsys.readouterr().out.splitlines() == OUTPUT.findall(block), block

    await follow(embed)
    # The others go on from its application, while that is served.
    app, terminals = names["app"], names["terminals"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, ws="websockets-sansio", log_config=None))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await until(lambda: server.started, "the application")
            address = f"http://127.0.0.1:{listener.getsockname()[1]}/terminals/api/health"
            async with httpx2.AsyncClient(trust_env=False) as client:
                assert (await client.get(address)).json()["status"] == "ok"
            for page in list(blocks):
                await follow(page)
            assert terminals.state.termwall.service.list_projects() == []
        finally:
            server.should_exit = True
            await asyncio.wait_for(serving, 15)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/explanation/architecture.md"])
def test_case_house_16_every_path_and_module_that_a_map_of_the_house_names_is_there(page: str) -> None:
    named = set(re.findall(r"`([\w.@-]*[/.][\w./-]*|[a-z_]+)`", (ROOT / page).read_text()))
    paths = {name for name in named if "/" in name or name.endswith((".py", ".ts", ".md"))}
    assert len(paths) > 10
    homes = (ROOT, ROOT / "src/termwall")
    assert not [name for name in sorted(paths) if not any((home / name).exists() for home in homes)]
    packages = {path.parent.name for path in (ROOT / "src/termwall").glob("*/__init__.py")}
    modules = {name for name in named - paths if name.split(".")[0] in packages}
    # In the table of folders, what a folder's row names without one is a module in it, at whatever depth.
    for folder, row in re.findall(r"^\| `(\w+)/` \|(.+)$", (ROOT / page).read_text(), re.MULTILINE):
        modules |= {f"{folder}/{word}" for word in re.findall(r"`([a-z_]+)`", row)}
    assert not [name for name in sorted(modules) if not is_there(name)]


def test_case_house_16_what_a_step_of_contributing_names_is_in_its_file() -> None:
    step = re.compile(r"^\d\. `([\w/.]+\.(?:py|ts))`: (.+\n(?:   .+\n)*)", re.MULTILINE)
    steps = step.findall((ROOT / "CONTRIBUTING.md").read_text())
    assert len(steps) > 10
    missing = []
    for file, text in steps:
        [source] = [home / file for home in (ROOT, ROOT / "src/termwall") if (home / file).exists()]
        words = re.findall(r"`([A-Za-z_]+)`", text)
        missing += [f"{file}: {word}" for word in words if "NAME" not in word and word not in source.read_text()]
    assert not missing


def is_there(name: str) -> bool:
    """Whether a dotted name is a module of termwall or something in one, or `folder/name` a module in that folder."""
    if "/" in name:
        folder, _, module = name.partition("/")
        return any((ROOT / "src/termwall" / folder).rglob(f"{module}.py"))
    parts = name.split(".")
    found: Any = importlib.import_module("termwall")
    for at, part in enumerate(parts):
        with contextlib.suppress(ImportError):
            importlib.import_module(".".join(["termwall", *parts[: at + 1]]))
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in (page for page in tracked("*.md") if ".template." not in page.name):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert not broken

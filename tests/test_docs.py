"""The documentation is held to the code: everything that can be named is named, links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import typer

from termwall.cli import app
from termwall.config import Settings
from termwall.core.errors import CLOSE_CODES, ERRORS
from termwall.protocol import messages

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
    for model in (*messages.AnyClientMessage.__args__, *messages.AnyServerMessage.__args__):
        assert f"### {model.__name__}\n" in page
        assert model.__doc__, model
    for kind in messages.CLIENT_MESSAGES:
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


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in tracked("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert not broken

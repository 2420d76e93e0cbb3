"""Proves that a variant which nobody handles is a type error: adds one to each union, in a copy; runs mypy and tsc.

Without this, a `case _` that somebody adds would hide a forgotten message, act, effect or event.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = "src/termwall/core"

PYTHON = [
    (
        "src/termwall/protocol/commands.py",
        "    | ClientTheme\n)",
        "    | ClientTheme\n    | Juggle\n)",
        'class Juggle(ClientMessage):\n    type: Literal["juggle"]\n\n\nAnyClientMessage = (',
        "AnyClientMessage = (",
        ["src/termwall/hub/connection.py"],
    ),
    (
        f"{CORE}/session/acts.py",
        " | Reset\n",
        " | Reset | Juggled\n",
        "class Juggled:\n    pass\n\n\nAct = ",
        "Act = ",
        [f"{CORE}/session/acts.py", f"{CORE}/session/session.py"],
    ),
    (
        f"{CORE}/session/effects.py",
        " | Taken\n",
        " | Taken | Juggling\n",
        "class Juggling:\n    pass\n\n\nEffect = ",
        "Effect = ",
        ["src/termwall/hub/session.py"],
    ),
    (
        f"{CORE}/osc.py",
        "OscEvent = Sign | ",
        "OscEvent = Sign | Dropped | ",
        "class Dropped:\n    pass\n\n\nSign = ",
        "Sign = ",
        [f"{CORE}/session/facts.py"],
    ),
    (
        "src/termwall/hub/session.py",
        '"named", "ended"]',
        '"named", "ended", "juggled"]',
        "Occasion = ",
        "Occasion = ",
        ["src/termwall/hub/estate.py"],
    ),
]
"""File, what is put where, the variant itself before its union, and the files that must be complained about."""

TYPESCRIPT = [
    (
        "packages/client/src/messages.ts",
        "export type ServerMessage = ",
        'export type ServerMessage = { type: "juggle" } | ',
        ["packages/client/src/client.ts"],
    ),
    (
        "packages/client/src/messages.ts",
        '  state: "working" | "needs input"',
        '  state: "juggling" | "working" | "needs input"',
        ["app/src/session/Attention.tsx", "app/src/session/order.ts"],
    ),
    (
        "packages/client/src/messages.ts",
        '  screen?: "exact" | "rebuilding"',
        '  screen?: "juggled" | "exact" | "rebuilding"',
        ["app/src/session/Attention.tsx"],
    ),
    (
        "packages/client/src/state.ts",
        "export type NoticeKind = ",
        'export type NoticeKind = "juggled" | ',
        ["app/src/notices/Notices.tsx"],
    ),
    (
        "packages/client/src/state.ts",
        "export type ConnectionState = ",
        'export type ConnectionState = "juggling" | ',
        ["packages/react/src/TerminalView.tsx"],
    ),
    (
        "app/src/dialogs/OpenPart.tsx",
        "export type Open =\n",
        'export type Open =\n  | { kind: "juggle" }\n',
        ["app/src/dialogs/OpenPart.tsx"],
    ),
    (
        "app/src/keys/keys.ts",
        "export type Command =\n",
        'export type Command =\n  | "juggle"\n',
        ["app/src/keys/useCommands.ts"],
    ),
]
"""The same of web/; a union that says more is complained about wherever it is matched."""


def changed(text: str, *pairs: tuple[str, str]) -> str:
    """With one place after the other put in another way. Raises `SystemExit` where there is no such place."""
    for before, after in pairs:
        if before not in text:
            sys.exit(f"{before!r} is not there any more: update {Path(__file__).name}")
        text = text.replace(before, after, 1)
    return text


def check_python(copy: Path) -> list[str]:
    """The files of which mypy should complain and does not."""
    for name in ("src", "tools"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("static", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    if (ROOT / ".mypy_cache").is_dir():  # Only what is changed, and what imports it, is looked at again.
        shutil.copytree(ROOT / ".mypy_cache", copy / ".mypy_cache")
    for name, union, larger, variant, place, _ in PYTHON:
        path = copy / name
        path.write_text(changed(path.read_text(), (union, larger), (place, variant)))
    said = subprocess.run(
        [sys.executable, "-m", "mypy", "src"], cwd=copy, capture_output=True, text=True, check=False
    ).stdout
    unhandled = set(re.findall(r'^(\S+?):\d+: error: .*(?:Unhandled case|"(?:Never|NoReturn)")', said, re.MULTILINE))
    return [name for *_, wanted in PYTHON for name in wanted if name not in unhandled]


def check_typescript(copy: Path) -> list[str]:
    """The same of tsc, in the client's packages and the page."""
    web, real = copy / "web", ROOT / "web"
    shutil.copytree(real, web, symlinks=True, ignore=shutil.ignore_patterns("node_modules"))
    (web / "node_modules/@termwall").mkdir(parents=True)
    for module in (real / "node_modules").iterdir():
        if module.name != "@termwall":
            (web / "node_modules" / module.name).symlink_to(module)
    for name, place in (("client", "packages/client"), ("react", "packages/react")):
        (web / "node_modules/@termwall" / name).symlink_to(web / place)
    for name, union, larger, _ in TYPESCRIPT:
        path = web / name
        path.write_text(changed(path.read_text(), (union, larger)))
    said = ""
    for project in ("packages/client", "packages/react", "app"):
        command = ["npx", "tsc", "--noEmit", "-p", project]
        said += subprocess.run(command, cwd=web, capture_output=True, text=True, check=False).stdout
    unhandled = set(re.findall(r"^(\S+?)\(\d+,\d+\): error", said, re.MULTILINE))
    wanted = {file for *_, files in TYPESCRIPT for file in files}
    return sorted(f"web/{file}" for file in wanted - unhandled)


def main() -> None:
    """Fails where a forgotten variant would not be noticed."""
    with tempfile.TemporaryDirectory() as place:
        missed = [*check_python(Path(place) / "python"), *check_typescript(Path(place) / "typescript")]
    if missed:
        sys.exit(f"A variant that nobody handles would not be noticed in: {', '.join(missed)}.")


if __name__ == "__main__":
    main()

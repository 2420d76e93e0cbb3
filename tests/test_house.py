"""The house checks itself: where things are, how large they get, and that every rule is held by a test."""

import re
from pathlib import Path

from tests.test_docs import ROOT, tracked

RULES = re.findall(r"^- ([A-Z]\d+) ", (ROOT / "docs/reference/rules.md").read_text(), re.MULTILINE)
"""The rules of this version; each is quoted by the name of a test that fails when it is broken."""
MOST_LINES = 560
MOST_AT_THE_TOP = 8
"""Files directly in the page's source: what starts it, and what all of it shares."""
BANNED_NAMES = {"utils", "helpers", "manager", "common", "misc"}


def test_every_rule_is_quoted_by_a_test() -> None:
    files = [*tracked("tests/*.py"), *tracked("web/*.test.ts"), *tracked("web/*.test.tsx")]
    names = "\n".join(
        name
        for file in files
        for name in re.findall(r"def (test_\w+)|(?:test|it|describe)\((?:[\"'`])([^\"'`]+)", file.read_text())
        for name in name
        if name
    )
    missing = [rule for rule in RULES if not re.search(rf"(?<![A-Za-z0-9]){rule}(?![0-9])|_{rule}_", names)]
    assert not missing


def test_tests_mirror_the_source() -> None:
    source = ROOT / "src/termwall"
    folders = {path.parent.name for path in source.glob("*/__init__.py")}
    assert folders <= {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}


def test_files_are_small_and_named_for_things() -> None:
    for file in tracked("src/*.py"):
        assert file.stem not in BANNED_NAMES, file
        assert len(file.read_text().splitlines()) <= MOST_LINES, f"{file} is too long to be one thing"


def test_the_page_is_in_folders_by_place() -> None:
    source = ROOT / "web/app/src"
    directly = [file.name for file in tracked("web/app/src/*") if file.parent == source]
    assert len(directly) <= MOST_AT_THE_TOP, f"put it where it is on the page: {directly}"


def test_nothing_of_one_machine_is_committed() -> None:
    # Put together here, so that this file does not hold what it looks for.
    paths = ["/" + "work/", "/" + "root/", "/tmp/" + "brief"]
    hosts = ["registry." + "npmjs.org", "files.python" + "hosted.org", "pypi" + ".org"]
    found = []
    for file in tracked("*"):
        if file.suffix in (".png", ".svg") or file == Path(__file__):
            continue
        text = file.read_text(errors="replace")
        found += [f"{file.relative_to(ROOT)}: {one}" for one in (*paths, *hosts) if one in text]
    assert not found

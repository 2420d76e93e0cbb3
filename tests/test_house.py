"""The house checks itself: where things are, how large they get, and that every rule is held by a test."""

import re
from pathlib import Path

from tests.test_docs import ROOT, tracked

RULES = re.findall(r"^- ([A-Z]\d+) ", (ROOT / "docs/reference/rules.md").read_text(), re.MULTILINE)
"""The rules of this version; each is quoted by the name of a test that fails when it is broken."""
MOST_LINES = 400
LONGER = {
    "cluster/bus/jetstream.py": "one protocol, with what its server may answer to each step",
    "cluster/sessions/roster.py": "one state of all nodes' sessions, and every way in which it changes",
    "core/caller.py": "one table of what a terminal was set to, and what undoes each",
    "core/session/attention.py": "one state machine",
    "hub/connection.py": "one exhaustive match over what a client may say",
    "hub/estate.py": "what a server has, which begins, ends and is kept in one order",
    "hub/recorder.py": "one file while it is written, also on a disk that fails",
    "hub/room.py": "one listener: all that is reported of a project leaves in one order",
    "hub/service.py": "the Python API, documented where it is",
    "hub/session.py": "one exhaustive match over the effects of a session",
    "pty/holder.py": "one small process, which loads nothing that it need not",
    "pty/holder_client.py": "the other side of the holder, message for message",
    "screen/feed.py": "one session's place in the order of work",
    "screen/screens.py": "the order of work, and the one process that does it",
}
"""Files that have more lines, and why they are one thing nevertheless. None grows by that beyond `LONGEST`."""
LONGEST = 560
LONGER_PAGES = {
    "packages/client/src/client.ts": "one exhaustive match over the server's messages, and what each changes",
    "packages/client/src/messages.ts": "generated",
}
"""The same of web/."""
MOST_AT_THE_TOP = 8
"""Files directly in the page's source: what starts it, and what all of it shares."""
MOST_BESIDE_FOLDERS = 8
"""Modules of the package that are in none of its folders."""
TESTED_ELSEWHERE = {
    # Names, types and numbers that do nothing by themselves: where they are used.
    "protocol/test_codec": (
        "protocol/reading protocol/bodies protocol/recordings protocol/messages protocol/commands protocol/parts"
        " protocol/wire protocol/limits"
    ),
    "core/session/test_session": "core/session/effects core/ids",
    "core/test_focus": "core/errors",
    "test_config": "core/limits hub/profiles",
    "screen/test_engine": "core/modes screen/abi screen/native screen/library screen/ghostty screen/effects",
    "hub/test_room": "hub/audience hub/anysession hub/outlet hub/stages",
    "cluster/test_node": "hub/nodes cli/nodes",
    "test_package": "version",
    # Parts of one machine, which is tested as a whole with real programs, sockets or servers.
    "core/test_asciicast": "store/castfile",
    "screen/test_keys": "core/kittykeys screen/otherkeys",
    "core/test_journal": "core/plain",
    "hub/test_surroundings": "core/theme",
    "hub/test_connection": "hub/echo hub/paced hub/session hub/service hub/estate",
    "transport/test_budget": "hub/budgets hub/prices",
    "hub/test_cost": "hub/steering hub/previews",
    "hub/test_recordings": "hub/export hub/search",
    "hub/test_recorder": "hub/frames",
    "hub/test_archive": "hub/inheritance hub/lastscreens hub/record hub/starting",
    "test_bad_data": "hub/sound store/rows store/salvage",
    "test_versions": "hub/sealed pty/sealed pty/versions",
    "cluster/test_within": "hub/nesting",
    "pty/test_programs": "pty/held_program pty/holding pty/rendezvous ipc/passing ipc/outbox",
    "pty/test_process": "pty/groups pty/spawn pty/place",
    "pty/test_reader": "pty/pace ipc/memory",
    "pty/test_environment": "pty/launcher",
    "test_removed": "pty/home",
    "screen/test_agreement": "screen/rewriting screen/parsing screen/cells screen/drawing screen/rows screen/looks",
    "screen/test_healing": "screen/mending screen/snapshot screen/swallow",
    "screen/test_screens": "screen/worker screen/checkpoint screen/starving",
    "cluster/bus/test_contract": "cluster/bus/chores cluster/bus/end cluster/bus/presence cluster/bus/subjects",
    "cluster/bus/test_nats": "cluster/bus/connection",
    "cluster/sessions/test_host": "cluster/sessions/distant cluster/bus/parcel",
    "cluster/calls/test_forward": "cluster/calls/calls cluster/calls/answer",
    "test_full_disk": "store/disk",
    "test_privacy": "store/secretfiles",
    "transport/test_browsers": "store/browsers transport/codes transport/neighbour transport/http/browsers",
    "test_limits": "system/descriptors system/shortage",
    "system/test_logs": "system/lines",
    "test_stops": "system/deadline",
    "transport/test_auth": "transport/admission hub/hello",
    "transport/test_strangers": "transport/body",
    "transport/test_gate": "transport/refusals transport/faults",
    "transport/test_edges": "transport/websocket",
    "test_openapi": "transport/http/route",
    "transport/http/test_server": "transport/metrics",
    "hub/test_coalescing": "transport/http/search",
    # Commands, which are tested as their user runs them.
    "cli/test_main": ("__main__ server cli/browser cli/status"),
    "test_upgrade": "cli/compatible",
    "test_embed": "app embedding",
    "hub/test_caretaker": "keeper",
}
"""By test file the modules that have none of their name."""
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


def test_tests_are_named_for_the_module_that_they_test() -> None:
    source, tests = ROOT / "src/termwall", ROOT / "tests"
    elsewhere = {module: test for test, modules in TESTED_ELSEWHERE.items() for module in modules.split()}
    for file in tracked("src/*.py"):
        module = file.relative_to(source)
        own = (tests / module.parent / f"test_{module.name}").exists()
        if file.name == "__init__.py":
            continue
        listed = str(module.with_suffix("")) in elsewhere
        assert own or listed, f"{module} needs a test of its name, or a file here that tests it"
    named = [source / f"{module}.py" for module in elsewhere] + [tests / f"{test}.py" for test in TESTED_ELSEWHERE]
    assert [str(file) for file in named if not file.exists()] == []


def test_files_are_small_and_named_for_things() -> None:
    for file in tracked("src/*.py"):
        assert file.stem not in BANNED_NAMES, file
        most = LONGEST if str(file.relative_to(ROOT / "src/termwall")) in LONGER else MOST_LINES
        assert len(file.read_text().splitlines()) <= most, f"{file} is too long to be one thing"


def test_the_top_level_has_what_the_architecture_page_says_and_eight_modules_at_most() -> None:
    page = (ROOT / "docs/explanation/architecture.md").read_text()
    part = page.partition("\n## What stands beside the folders\n")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)
    there = sorted(file.stem for file in tracked("src/termwall/*.py") if file.parent == ROOT / "src/termwall")
    assert sorted(listed) == there
    assert len(there) <= MOST_BESIDE_FOLDERS


def test_files_of_the_page_are_small() -> None:
    web = ROOT / "web"
    files = [file for kind in ("ts", "tsx", "css") for file in tracked(f"web/*.{kind}") if "src" in file.parts]
    long = {str(file.relative_to(web)) for file in files if len(file.read_text().splitlines()) > MOST_LINES}
    assert len(files) > 100
    assert long == set(LONGER_PAGES), "split it, or take it from the list"


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

"""How long the page's player takes to the exact screen of any moment of a long recording.

Run `python -m benchmarks.seek [--megabytes 1000] [--part-megabytes 64] [--seeks 40]`. A program prints coloured,
numbered lines until its recording has so many megabytes; then a page plays it and is asked for moments at random. Each
screen is compared with what a terminal shows that was given the recording's own text up to that moment.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from termwall.core.asciicast import Cast, joined, read_cast
from termwall.screen.ghostty import GhosttyEngine
from termwall.store.castfile import cast_lines
from tests.e2e.conftest import ARGUMENTS, find_chromium
from tests.support.server import running

PROGRAM = r"""
import itertools
input()
for n in itertools.count(step=100):
    lines = (f"\x1b[3{m % 8}mline {m:09d}\x1b[0m " + "abcdefghij" * (m % 6) for m in range(n, n + 100))
    print("\r\n".join(lines), end="\r\n")
"""
TAIL = 16 << 10
"""Characters before a moment that its screen is made of: all lines are plain, and the screen has 24."""
SEEK = """async value => {
    const slider = document.querySelector('.player input[type=range]')
    const screen = document.querySelector('.player-screen')
    const frame = () => new Promise(requestAnimationFrame)
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(slider, value)
    const asked = Number(slider.value)
    const began = performance.now()
    slider.dispatchEvent(new Event('input', { bubbles: true }))
    do await frame(); while (screen.getAttribute('aria-busy') !== 'false')
    await frame()
    const took = performance.now() - began
    const rows = [...document.querySelectorAll('.player .xterm-rows > div')].map(row => row.textContent)
    return [asked, took, rows]
}"""


def whole(folder: Path) -> Cast:
    """All parts, of a recording that has ended."""
    paths = sorted(folder.glob("*.cast"), key=lambda path: int(path.stem))
    return joined(read_cast(cast_lines(path)) for path in paths)


def screens(folder: Path, moments: list[float]) -> Iterator[list[str]]:
    """What a terminal shows at moments, which come in their order."""
    cast, tail = whole(folder), ""
    events = iter(cast.events)
    event = next(events, None)
    for moment in moments:
        while event is not None and event.time <= moment:
            if event.code == "o":
                tail = (tail + event.data)[-4 * TAIL :] if len(tail) > 8 * TAIL else tail + event.data
            event = next(events, None)
        engine = GhosttyEngine(cast.header.cols, cast.header.rows)
        last = tail[-TAIL:]
        engine.feed(last[last.find("\n") + 1 :].encode() if len(tail) > TAIL else last.encode())
        yield engine.text(0).split("\n")
        engine.close()


def main() -> None:
    """Record, seek, compare, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--part-megabytes", type=int, default=64)
    parser.add_argument("--seeks", type=int, default=40)
    options = parser.parse_args()
    size = options.megabytes * 1_000_000
    env = {
        "TERMWALL_RECORDING_BYTES": str(options.part_megabytes << 20),
        "TERMWALL_RECORDING_PARTS": "100000",
        "TERMWALL_RECORDINGS_BYTES": str(4 * size),
    }
    with tempfile.TemporaryDirectory() as name, running(Path(name) / "data", env=env) as server:
        server.project(Path(name) / "wall", id="wall")
        session = server.session("wall", sys.executable, "-c", PROGRAM)
        made = server.call("POST", f"/api/sessions/{session}/recording").json()["id"]
        server.call("POST", f"/api/sessions/{session}/input", {"data": "\n"})
        began = time.monotonic()
        while server.call("GET", f"/api/recordings/{made}").json()["bytes"] < size:
            time.sleep(0.5)
        about = server.call("DELETE", f"/api/sessions/{session}/recording").json()
        server.call("DELETE", f"/api/sessions/{session}")
        folder = server.data_dir / "recordings" / made
        frames = sum(path.stat().st_size for path in folder.glob("*.frames"))
        print(
            f"recorded {about['bytes'] / 1e6:.0f} MB in {about['parts']} parts, {about['seconds']:.0f} s long,", end=" "
        )
        print(f"in {time.monotonic() - began:.0f} s; key frames have {frames / 1e6:.1f} MB", flush=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
            page = browser.new_page()
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(f"{server.base}/?token={server.token}&project=wall")
            page.wait_for_selector(".workspace")
            page.keyboard.press("Control+Shift+Enter")
            page.keyboard.type("Recordings")
            page.keyboard.press("Enter")
            page.click("button:has-text('Play')")
            page.click(".player button:has-text('Pause')")
            chance = random.Random(1)
            wanted = [about["seconds"], 0.0, *(chance.uniform(0, about["seconds"]) for _ in range(options.seeks - 2))]
            found = [page.evaluate(SEEK, value) for value in wanted]
            browser.close()
        found.sort(key=lambda one: one[0])
        wrong = 0
        for (moment, _, rows), truth in zip(found, screens(folder, [one[0] for one in found]), strict=True):
            shown = [row.replace("\xa0", " ").rstrip() for row in rows]
            if shown[: len(truth)] != [row.rstrip() for row in truth]:
                wrong += 1
                print(f"at {moment} s the page shows {shown[-3:]} for {truth[-3:]}", file=sys.stderr)
        took = sorted(one[1] for one in found)
        print(f"| a seek in {about['bytes'] / 1e6:.0f} MB, parts of {options.part_megabytes} MiB, p50 |", end="")
        print(f" {statistics.median(took):.0f} ms [{took[0]:.0f}-{took[-1]:.0f}] | < 1000 ms |")
        print(f"{len(found) - wrong} of {len(found)} screens exact, {len(errors)} errors")
        sys.exit(1 if wrong or errors or took[-1] >= 1000 else 0)


if __name__ == "__main__":
    main()

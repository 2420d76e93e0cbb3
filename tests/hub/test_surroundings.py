"""Focus, colours and the clipboard of a session's program, with real programs and a real screen worker (S7)."""

import os
import signal
from typing import Any

from tests.support.wall import Line, Wall, until

PROBE = r"""
import os, sys, tty
tty.setraw(0)
os.write(1, sys.argv[1].encode().decode("unicode_escape").encode("latin-1"))
while True:
    data = os.read(0, 4096)
    os.write(1, repr(data).encode() + b"\r\n")
    key = data[-1:]  # Reads may come together.
    if key == b"k":
        os.write(1, b"\x1b]52;;SGVsbG8=\x07")
    elif key == b"v":
        os.write(1, b"\x1b]52;c;?\x1b\\\x1b[c")
    elif key == b"f":
        os.write(1, b"\x1b[?1004h")
    elif key == b"g":
        os.write(1, b"\x1b[?1004l")
    elif key == b"b":
        os.write(1, b"\x1b]11;?\x07")
"""
LIGHT: dict[str, Any] = {
    "scheme": "light",
    "foreground": "#25282c",
    "background": "#fffffe",
    "cursor": "#25282c",
    "palette": ["#010203"] * 16,
}


async def probe(wall: Wall, name: str, begin: str) -> Line:
    """A program that says what it reads, and a client that looks and types."""
    await wall.start(name, "python3", "-c", PROBE, begin + "READY ")
    await wall.service.set_session_focus(name)
    line = wall.line("page")
    await line.sees(name, "READY")
    return line


async def read(line: Line, name: str, *wanted: bytes) -> None:
    """Waits until the program has read this, in this order, and nothing of it twice."""

    def found() -> bool:
        text, at = line.text(name), 0
        for one in wanted:
            place = text.find(repr(one)[2:-1], at)
            if place < 0:
                return False
            at = place + 1
        return True

    await until(found, lambda: f"{wanted} in {line.text(name)!r}")


async def test_case_agents_4_the_focus_is_reported_by_the_server(drawn: Wall) -> None:
    line = await probe(drawn, "a", "\\x1b[?1004h")
    await read(line, "a", b"\x1b[O")
    line.say("keys", sessionId="a")
    await read(line, "a", b"\x1b[O", b"\x1b[I")
    other = drawn.line("other")
    other.say("keys", sessionId="a")
    line.say("keys", sessionId="a", has=False)
    other.leave()
    await read(line, "a", b"\x1b[O", b"\x1b[I", b"\x1b[O")
    assert line.text("a").count("x1b[I") == 1
    described = drawn.service.get_session("a")
    assert described.driver is None, "it takes no size"


async def test_case_agents_4_an_older_pages_reports_are_merged_and_not_typed(drawn: Wall) -> None:
    line = await probe(drawn, "a", "\\x1b[?1004h")
    await read(line, "a", b"\x1b[O")
    other = drawn.line("other")
    line.say("input", sessionId="a", data="\x1b[I", seq=1)
    other.say("input", sessionId="a", data="\x1b[I")
    line.say("input", sessionId="a", data="\x1b[O", seq=2)
    assert line.last("input_ack")["seq"] == 2, "its number counts"
    line.say("input", sessionId="a", data="x", seq=3)
    await read(line, "a", b"\x1b[O", b"\x1b[I", b"x")
    assert line.text("a").count("x1b[") == 2


async def test_case_agents_4_another_session_of_the_page_has_the_keys_now(drawn: Wall) -> None:
    line = await probe(drawn, "a", "\\x1b[?1004h")
    await read(line, "a", b"\x1b[O")
    drawn.session("b")
    line.say("keys", sessionId="a")
    await read(line, "a", b"\x1b[I")
    line.say("keys", sessionId="b")
    await read(line, "a", b"\x1b[I", b"\x1b[O")


async def test_case_agents_4_after_a_crash_of_the_screen_worker_nothing_is_told_twice(drawn: Wall) -> None:
    line = await probe(drawn, "a", "\\x1b[?1004h")
    await read(line, "a", b"\x1b[O")
    line.say("keys", sessionId="a")
    await read(line, "a", b"\x1b[O", b"\x1b[I")
    assert drawn.screens is not None and drawn.screens.pid is not None
    os.kill(drawn.screens.pid, signal.SIGKILL)
    line.say("input", sessionId="a", data="x")
    await read(line, "a", b"x")
    line.say("keys", sessionId="a", has=False)
    await read(line, "a", b"\x1b[O", b"\x1b[I", b"x", b"\x1b[O")
    assert line.text("a").count("x1b[I") == 1


async def test_case_agents_4_who_turns_it_off_and_on_is_told_again(drawn: Wall) -> None:
    line = await probe(drawn, "a", "\\x1b[?1004h")
    await read(line, "a", b"\x1b[O")
    line.say("keys", sessionId="a")
    await read(line, "a", b"\x1b[I")
    for key in "gf":
        line.say("input", sessionId="a", data=key)
        await read(line, "a", key.encode())
    await read(line, "a", b"\x1b[I", b"g", b"f", b"\x1b[I")


async def test_case_agents_10_colours_are_those_of_the_driver(drawn: Wall) -> None:
    line = await probe(drawn, "a", "\\x1b[?2031h\\x1b[?996n")
    await read(line, "a", b"\x1b[?997;1n")
    line.say("theme", data=LIGHT)
    line.say("input", sessionId="a", data="b")
    await read(line, "a", b"\x1b[?997;1n", b"\x1b[?997;2n", b"b", b"\x1b]11;rgb:ffff/ffff/fefe\x07")
    line.say("theme", data={**LIGHT, "scheme": "dark", "background": "#010101"})
    await read(line, "a", b"\x1b[?997;2n", b"\x1b[?997;1n")
    other = drawn.line("other")
    other.say("theme", data=LIGHT)
    line.say("input", sessionId="a", data="b")
    await read(line, "a", b"\x1b[?997;2n", b"\x1b[?997;1n", b"\x1b]11;rgb:0101/0101/0101\x07")
    other.say("drive", sessionId="a")
    await read(line, "a", b"\x1b[?997;1n", b"\x1b]11;rgb:0101", b"\x1b[?997;2n")
    assert drawn.screens is not None and drawn.screens.pid is not None
    os.kill(drawn.screens.pid, signal.SIGKILL)
    other.say("input", sessionId="a", data="b")
    await read(line, "a", b"\x1b]11;rgb:0101", b"\x1b]11;rgb:ffff/ffff/fefe\x07")


async def test_case_agents_10_a_new_session_has_the_colours_of_who_looks_at_the_project(drawn: Wall) -> None:
    drawn.line("page").say("theme", data=LIGHT)
    line = await probe(drawn, "a", "\\x1b]11;?\\x07\\x1b]4;1;?\\x07\\x1b[?996n")
    await read(line, "a", b"\x1b]11;rgb:ffff/ffff/fefe\x07", b"\x1b]4;1;rgb:0101/0202/0303\x07", b"\x1b[?997;2n")


async def test_case_page_15_what_a_program_copies_is_told_its_driver_once(drawn: Wall) -> None:
    line = await probe(drawn, "a", "")
    other = drawn.line("other")
    line.say("input", sessionId="a", data="k")
    await until(lambda: line.of("clipboard"))
    assert (line.last("clipboard")["data"], line.last("clipboard")["sessionId"]) == ("Hello", "a")
    line.say("input", sessionId="a", data="v")
    # Asked before DA1, it is answered before it (case terminal 19).
    await read(line, "a", b"\x1b]52;c;SGVsbG8=\x1b\\", b"\x1b[?62")
    assert drawn.screens is not None and drawn.screens.pid is not None
    os.kill(drawn.screens.pid, signal.SIGKILL)
    line.say("input", sessionId="a", data="v")
    late = drawn.line("late")
    await read(line, "a", b"SGVsbG8=\x1b", b"SGVsbG8=\x1b")
    assert len(line.of("clipboard")) == 1, "a replay copies nothing again"
    assert not other.of("clipboard") and not late.of("clipboard")


async def test_case_terminal_19_a_read_gives_nothing_of_others_and_is_answered_at_once(drawn: Wall) -> None:
    line = await probe(drawn, "a", "\\x1b]52;p;?\\x07")
    await read(line, "a", b"\x1b]52;p;\x07")


async def test_case_page_15_a_burst_of_copies_is_told_by_its_last(drawn: Wall) -> None:
    line = await probe(drawn, "a", "")
    line.say("drive", sessionId="a")
    drawn.session(
        "b",
        "sh",
        "-c",
        "read x; for i in 1 2 3 4 5 6 7 8 9; do printf '\\033]52;c;%s\\007' $(echo $i | base64); done; cat",
    )
    line.say("drive", sessionId="b")
    line.say("input", sessionId="b", data="\n")
    await until(lambda: line.of("clipboard") and line.last("clipboard")["data"] == "9\n")
    assert len(line.of("clipboard")) <= 3


async def test_case_page_15_a_server_may_forbid_it(make_wall: Any) -> None:
    wall = make_wall(drawn=True, clipboard_bytes=0)
    line = await probe(wall, "a", "\\x1bP+q4d73\\x1b\\\\")
    await read(line, "a", b"\x1bP0+r4D73\x1b\\")
    line.say("input", sessionId="a", data="k")
    await read(line, "a", b"k")
    line.say("input", sessionId="a", data="v")
    await read(line, "a", b"\x1b]52;c;")
    assert not line.of("clipboard")


SHELL = r"""
mark() { printf '\033]133;%s\007' "$1"; }
mark A; printf '$ '; read x; mark C
printf '\033[?1003;1006;1004h'; echo started; sh -c 'kill -9 $$'
mark D; printf "$1"; mark A; printf "$2$ "; sleep 0.1; echo READY; exec cat
"""


async def test_case_terminal_11_reports_of_a_program_that_is_gone_end_at_the_prompt(drawn: Wall) -> None:
    own = "\x1b[?1004h"
    for name, before, after in (("a", "", ""), ("b", own, ""), ("c", "", own)):
        left = bool(before or after)
        drawn.session(name, "bash", "-c", SHELL, "sh", before, after)
        await drawn.service.set_session_focus(name)
        line = drawn.line()
        line.say("input", sessionId=name, data="\r")
        await line.sees(name, "READY")
        await line.sees(name, "1000;1001;1002;1003;")  # The mouse's end, however it came.
        session = drawn.service.find_own(name)
        assert session is not None and session.feed is not None
        feed = session.feed
        await until(lambda feed=feed: feed.position == feed.ring.end)
        await until(lambda session=session, left=left: session.core.surroundings.reports_focus == left)


async def test_case_agents_7_a_call_by_bell_holds_while_only_a_clock_goes_on(drawn: Wall) -> None:
    script = (
        "printf '\\007'; i=0; while :; do i=$((i+1)); printf '\\033[H\\033]0;%s\\007Allow? %ss' $i $i; sleep 0.1; done"
    )
    drawn.session("a", "sh", "-c", script)
    session = drawn.service.find_own("a")
    assert session is not None
    await until(lambda: session.core.watch.doubted)
    begin = session.ring.end
    await until(lambda: session.ring.end > begin + 200)
    assert session.feed is not None and session.feed.look
    # As if it had gone on for long: only new text would end it.
    session.core.watch.printed(session.core.watch.value.since + 60_000, judged=True)
    assert drawn.service.get_session("a").attention.state == "needs input"


async def test_text_for_the_clipboard_that_is_long_comes_whole(drawn: Wall) -> None:
    text = "wide 日本 " * 10_000
    (drawn.folder / "text").write_text(text)
    drawn.session("a", "sh", "-c", "read x; printf '\\033]52;c;'; base64 text; printf '\\007'; cat")
    line = drawn.line("page")
    line.say("input", sessionId="a", data="\n")
    await until(lambda: line.of("clipboard"))
    assert line.last("clipboard")["data"] == text

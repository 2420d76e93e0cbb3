"""The stack of titles: what a program set is taken back when it pops what was there before (case T20)."""

import pytest

from termwall.screen.ghostty import GhosttyEngine
from termwall.screen.titles import MOST_TITLES
from tests.screen.test_screens import shows
from tests.support.wall import Wall, until

ONE, TWO = b"\x1b]0;one\x07", b"\x1b]2;two\x1b\\"


def titled(*pieces: bytes) -> str:
    """The title after this output, which is the same however it is cut."""
    whole = GhosttyEngine(80, 24, 100)
    whole.feed(b"".join(pieces))
    single = GhosttyEngine(80, 24, 100)
    for byte in b"".join(pieces):
        single.feed(bytes([byte]))
        if byte == 0x74:
            single = GhosttyEngine.restore(single.checkpoint(), 80, 24, 100)
    assert single.title == whole.title
    assert single.snapshot(0) == whole.snapshot(0)
    assert whole.text(0).strip() == ""
    return whole.title


@pytest.mark.parametrize("parameters", [b"", b";", b";0", b";2", b";0;0"])
def test_case_terminal_20_a_pushed_title_is_restored(parameters: bytes) -> None:
    push, pop = b"\x1b[22%st" % parameters, b"\x1b[23%st" % parameters
    assert titled(ONE, push, TWO, pop) == "one"
    assert titled(ONE, push, TWO, push, b"\x1b]2;three\x07", pop) == "two"
    assert titled(ONE, push, TWO, push, b"\x1b]2;three\x07", pop, pop, pop) == "one"
    assert titled(push, TWO, pop) == ""
    assert titled(ONE, pop) == "one"


def test_case_terminal_20_the_icons_title_is_another_one() -> None:
    assert titled(ONE, b"\x1b[22;1t", TWO, b"\x1b[23;1t") == "two"
    assert titled(ONE, b"\x1b[22;0t", TWO, b"\x1b[23;2t") == "one"
    assert titled(ONE, b"\x1b[22;2t\x1b]1;icon\x07", TWO, b"\x1b[23;0t") == "one"


def test_case_terminal_20_the_stack_is_bounded() -> None:
    engine = GhosttyEngine(80, 24, 100)
    for number in range(3 * MOST_TITLES):
        engine.feed(b"\x1b]2;%d\x07\x1b[22t" % number)
    engine.feed(b"\x1b[23t" * (2 * MOST_TITLES))
    assert engine.title == str(2 * MOST_TITLES)


async def test_case_terminal_20_a_sessions_title_is_the_one_before_again(drawn: Wall) -> None:
    push, pop = r"\033[22;0;0t", r"\033[23;0;0t"
    printed = [rf"\033]0;one\007{push}\033]0;Thanks\007INSIDE", rf"{pop}OUTSIDE", rf"\033]0;two\007{pop}{pop}BEYOND"]
    drawn.session("a", "sh", "-c", "stty -echo; " + "read x; ".join(f"printf '{text}'; " for text in printed) + "cat")
    session = drawn.service._find("a")[1]
    await shows(drawn, "a", "INSIDE")
    await until(lambda: session.core.facts.title == "Thanks")
    drawn.service.write_input("a", "\n")
    await shows(drawn, "a", "OUTSIDE")
    await until(lambda: session.core.facts.title == "one")
    assert (await drawn.service.show_session("a", "text", 0)).title == "one"
    drawn.service.write_input("a", "\n")
    await shows(drawn, "a", "BEYOND")
    await until(lambda: session.core.facts.title == "two")

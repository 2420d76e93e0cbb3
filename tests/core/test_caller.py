"""What of a session's output reaches the caller's terminal: what draws, and nothing that is answered (S7, C4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.caller import MAX_HELD, Caller

STOPPED = [
    "\x05",
    "\x1bZ",
    "\x9a",
    "\x1b[c",
    "\x9bc",
    "\x1b[0c",
    "\x1b[>c",
    "\x1b[>0c",
    "\x1b[=c",
    "\x1b[?6c",
    "\x1b[5n",
    "\x1b[6n",
    "\x1b[?6n",
    "\x1b[?996n",
    "\x1b[?2004$p",
    "\x1b[4$p",
    "\x1b[>q",
    "\x1b[>0q",
    "\x1b[14t",
    "\x1b[18t",
    "\x1b[21t",
    "\x1b[8;24;80t",
    "\x1b[2t",
    "\x1b[?u",
    "\x1b[?4m",
    "\x1b[x",
    "\x1b[1;1;1;1;1;1*y",
    "\x1b[?1;1;0S",
    "\x1b[1$w",
    "\x1b['|",
    "\x1b[#R",
    "\x1b[5i",
    "\x1b[?3h",
    "\x1b[?9001h",
    "\x1b[?1004h",
    "\x1b[?4m",
    "\x1b[?4g",
    "\x1b[?2031h",
    "\x1b[?2048h",
    '\x1b[61"p',
    "\x1b[3J",
    "\x1b F",
    "\x1b%@",
    "\x1b]11;?\x07",
    "\x1b]10;?\x1b\\",
    "\x9d10;?\x9c",
    "\x1b]10;red;?\x07",
    "\x1b]4;7;?\x07",
    "\x1b]52;c;?\x07",
    "\x1b]52;;?\x07",
    "\x1b]52;c;QUJD\x07",
    "\x1b]52;c;" + "QUJD" * MAX_HELD + "\x07",
    "\x1b]21;foreground=?\x07",
    "\x1b]22;?__current__\x07",
    "\x1b]99;i=1:p=?;\x1b\\",
    "\x1b]1337;ReportCellSize\x07",
    "\x1b]7;file:///tmp\x07",
    "\x1b]133;A\x07",
    "\x1b]9;9;/tmp\x07",
    "\x1b]50;font\x07",
    "\x1bP$qm\x1b\\",
    "\x1bP+q544e\x1b\\",
    "\x1bPtmux;\x1b\x1b[c\x1b\\",
    "\x1bP0;0|17/17\x1b\\",
    "\x1b_Gi=1,a=q;AAAA\x1b\\",
    "\x1b^private\x1b\\",
    "\x1bXstring\x1b\\",
    "\x1bP" + "x" * (2 * MAX_HELD) + "\x1b\\",
    "\x1b]1337;File=:" + "x" * (2 * MAX_HELD) + "\x07",
]
PASSED = [
    "text",
    "\r\n",
    "\x07",
    "\x1b[1;31m",
    "\x1b[38:2::1:2:3m",
    "\x1b[2J",
    "\x1b[3;4H",
    "\x1b[?25l",
    "\x1b[?25h\x1b[?7h",
    "\x1b[2 q",
    "\x1b]11;#112233\x1b\\",
    "\x1b]8;;http://x/?c\x1b\\",
    "\x1b]9;Build finished\x07",
    "\x1b]777;notify;title;body\x07",
    "\x1bPq#0;2;0;0;0~-\x1b\\",
    "\x1bP0;1;8q" + "~" * (2 * MAX_HELD) + "\x1b\\",
    "\x1b[5X",
    "\x1b7",
    "\x1b(0",
    "\x1b[?2026h",
    "日本",
]
TYPED = ["\x1b[?1000h", "\x1b[?2004h", "\x1b[?1h", "\x1b=", "\x1b[>4;2m", "\x1b[20h"]


@pytest.mark.parametrize("sequence", STOPPED)
@pytest.mark.parametrize("attached", [True, False])
def test_case_command_line_4_what_is_answered_or_moves_the_window_stops_here(sequence: str, attached: bool) -> None:
    caller = Caller(attached=attached)
    assert caller.feed("before" + sequence + "after") == "beforeafter"


@pytest.mark.parametrize("sequence", PASSED)
@pytest.mark.parametrize("attached", [True, False])
def test_case_command_line_4_what_draws_passes(sequence: str, attached: bool) -> None:
    passed = Caller(attached=attached).feed("before" + sequence + "after")
    assert passed == "before" + sequence + "after"


@pytest.mark.parametrize("sequence", TYPED)
def test_case_command_line_4_modes_for_keys_pass_to_who_types_only(sequence: str) -> None:
    assert Caller(attached=True).feed(sequence) == sequence
    assert Caller(attached=False).feed(sequence) == ""


@given(st.lists(st.sampled_from(STOPPED + PASSED), max_size=6), st.integers(1, 50))
def test_case_command_line_4_it_does_not_matter_how_output_is_cut(parts: list[str], size: int) -> None:
    output = "".join(parts)
    size = max(size, len(output) // 200)
    caller = Caller(attached=True)
    pieces = [caller.feed(output[at : at + size]) for at in range(0, len(output), size)]
    assert "".join(pieces) == Caller(attached=True).feed(output)


@given(st.text("\x1b\x9b\x9d\x90[]P_^X?><=!$\"' #0123456789;:hlmnpqrstuxycJHABCZ\\\x07\x18\x05abc\r\n", max_size=40))
def test_case_command_line_4_no_mixture_gets_a_query_through(output: str) -> None:
    passed = Caller(attached=True).feed(output)
    assert Caller(attached=True).feed(passed).replace("\x1b[22;0t", "") == passed.replace("\x1b[22;0t", "")


def test_case_command_line_1_kitty_keys_follow_the_screen_that_the_program_is_on() -> None:
    caller = Caller(attached=True)
    assert caller.feed("\x1b[>1u") == "\x1b[>0u\x1b[=1;1u"
    assert caller.encodes_keys
    assert caller.feed("\x1b[?1049h").endswith("\x1b[=0;1u")
    assert caller.feed("\x1b[>3u") == "\x1b[=3;1u"
    assert caller.feed("\x1b[?1049l").endswith("\x1b[=1;1u")
    assert caller.feed("\x1b[<u") == "\x1b[=0;1u"
    assert "\x1b[<u" in caller.leave(80)

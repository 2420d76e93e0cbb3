"""C5, A7: input over HTTP reaches the program as a person would have typed it."""

import asyncio

import pytest

from termwall.core.errors import TermwallError
from termwall.hub.sending import MOST_WAITING
from termwall.protocol.bodies import InputBody
from tests.support.patience import until
from tests.support.wall import Wall

READS = """
import os, select, sys, termios, tty
tty.setraw(0)
sys.stdout.write({asks!r} + "READY"); sys.stdout.flush()
while data := os.read(0, 65536):
    sys.stdout.write("<" + data.decode("utf-8", "backslashreplace").replace("\\x1b", "^[").replace("\\r", "CR") + ">")
    sys.stdout.flush()
"""
"""Shows what each read brings."""


async def reads(drawn: Wall, asks: str = "") -> None:
    """A session with such a program."""
    drawn.session("a", "python3", "-c", READS.format(asks=asks))
    await sees(drawn, "READY")


async def sees(drawn: Wall, text: str) -> None:
    session = drawn.service.find_own("a")
    assert session is not None
    output = session.ring
    await until(lambda: text.encode() in output.read(0, output.end), lambda: repr(output.read(0, output.end)))


async def test_case_command_line_5_text_is_a_paste_and_enter_comes_apart(drawn: Wall) -> None:
    await reads(drawn, "\x1b[?2004h")
    await drawn.service.send_input("a", InputBody(data="two\nlines", mode="text", enter=True))
    await sees(drawn, "READY<^[[200~twoCRlines^[[201~><CR>")


async def test_case_command_line_5_where_no_paste_is_taken_enter_comes_apart_too(drawn: Wall) -> None:
    await reads(drawn)
    await drawn.service.send_input("a", InputBody(data="ls", mode="text", enter=True))
    await sees(drawn, "READY<ls><CR>")


async def test_case_command_line_5_keys_follow_what_the_program_asked_for(drawn: Wall) -> None:
    await reads(drawn, "\x1b[?1h\x1b[>1u")
    await drawn.service.send_input("a", InputBody(keys=["C-c", "Up", "=x", "Escape"]))
    await sees(drawn, "READY<^[[99;5u^[[Ax^[[27u>")
    with pytest.raises(TermwallError, match="No key is named `Nope`"):
        await drawn.service.send_input("a", InputBody(keys=["x", "Nope"]))


async def test_case_command_line_5_bytes_and_text_that_is_no_utf_8_arrive_as_they_are(drawn: Wall) -> None:
    await reads(drawn)
    await drawn.service.send_input("a", InputBody(base64="Qf8bWw=="))
    await sees(drawn, "READY<A\\xff^[[>")
    await drawn.service.send_input("a", InputBody(base64="Qf8=", mode="text"))
    await sees(drawn, "<A\\xff>")


async def test_case_command_line_5_two_who_send_at_once_do_not_mix(drawn: Wall) -> None:
    await reads(drawn, "\x1b[?2004h")
    body = [InputBody(data=text, mode="text", enter=True) for text in ("one", "two")]
    await asyncio.gather(*(drawn.service.send_input("a", one) for one in body))
    session = drawn.service.find_own("a")
    assert session is not None
    ring = session.ring
    wanted = b"READY<^[[200~one^[[201~CR^[[200~two^[[201~CR>"  # However it was read.
    await until(lambda: wanted in bytes(ring.read(0, ring.end)).replace(b"><", b""), lambda: repr(ring.end))


async def test_case_command_line_5_without_a_screen_worker_text_is_typed(wall: Wall) -> None:
    await reads(wall, "\x1b[?2004h")
    await wall.service.send_input("a", InputBody(data="hello", mode="text", enter=True))
    await sees(wall, "READY<hello><CR>")


async def test_A7_only_so_many_inputs_wait(wall: Wall) -> None:
    wall.session("a")
    body = InputBody(data="x", mode="text", enter=True)
    sent = [asyncio.create_task(wall.service.send_input("a", body)) for _ in range(MOST_WAITING + 1)]
    done, rest = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
    assert "inputs wait" in str(next(iter(done)).exception())
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


@pytest.mark.parametrize("fields", [{}, {"data": "a", "keys": ["x"]}, {"base64": "A"}, {"base64": "!"}])
def test_A7_what_says_nothing_or_too_much_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        InputBody.model_validate(fields)

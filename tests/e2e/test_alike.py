"""A page that was there all along, one that was reloaded and the server show the same (S8), in a real browser."""

from collections.abc import Callable

from tests.e2e.wall_page import WallPage
from tests.support.server import Server

Open = Callable[..., WallPage]

PRINTS = r"""
import os, termios, tty
tty.setraw(0)
os.write(1, b"READY")
os.read(0, 1)
os.write(1, b"\x1b[2J\x1b[H" + b"\r\n".join([
    b"caf\xe9 au \x9b31mlait\xc2\x9b1m\xc2\x85|",
    "\u2630 menu|\u0e01\u0e33|\U0001fae8|\U0001f1e9|a\u200bb|\u231a\ufe0e|\u2764\ufe0f|e\u0301|".encode(),
    b"\x1b[38:2:1:2:3mcolour\x1b[m|\x1b(0lqk\x1b(B|\x1b[?69h\x1b[5;10s margins|",
    "\u2630 menu|\x1b[4;12H*".encode(),
    b"DONE",
]))
os.read(0, 1)
"""
SHOWN = [
    "caf\ufffd au \ufffd31mlait1m|",
    "\u2630 menu|\u0e01\u0e33|\U0001fae8|\U0001f1e9|ab|\u231a\ufe0e|\u2764\ufe0f|e\u0301|",
    "colour|\u250c\u2500\u2510| margins|",
    "\u2630 menu|   *",
    "DONE",
]


def test_case_terminal_14_the_page_the_same_page_reloaded_and_the_server_show_the_same(
    server: Server, open_page: Open
) -> None:
    session = server.session("wall", "python3", "-c", PRINTS)
    server.focus("wall", session)
    one = open_page()
    one.type(session, "")
    one.sees(session, "READY")
    one.type(session, "x")
    one.sees(session, "DONE")
    assert one.text(session).splitlines() == SHOWN
    one.page.reload()
    one.sees(session, "DONE")
    assert one.text(session).splitlines() == SHOWN
    assert server.call("GET", f"/api/sessions/{session}/screen?format=text").text.splitlines()[:5] == SHOWN


POINTED = r"""
import os, termios, tty
tty.setraw(0)
os.write(1, b"\x1b[?1000h\x1b[?1016h\x1b[16t")
seen = b""
while b"q" not in seen:
    seen += os.read(0, 100)
    os.write(1, b"\x1b[2J\x1b[H" + ascii(seen).encode() + b" READY")
"""


def test_case_terminal_17_the_mouse_is_reported_in_pixels_of_the_promised_cell(server: Server, open_page: Open) -> None:
    session = server.session("wall", "python3", "-c", POINTED)
    server.focus("wall", session)
    one = open_page()
    one.type(session, "")
    one.sees(session, "[6;16;8t")  # A click that gave the terminal the keys may stand behind it.
    cols, rows = one.size(session)
    box = one.page.locator(f".pane[data-session='{session}'] .xterm-screen").bounding_box()
    assert box is not None
    for column, row in ((cols - 1, rows - 1), (cols // 2, rows // 2), (0, 0)):
        one.page.mouse.click(
            box["x"] + (column + 0.5) * box["width"] / cols, box["y"] + (row + 0.5) * box["height"] / rows
        )

        def hit(column: int = column, row: int = row) -> bool:
            reports = one.text(session).replace("\n", "").split("[<0;")[1:]
            places = [report.rstrip("mM'\\x1b READY").split(";") for report in reports]
            return any(
                (int(place[0]) - 1) // 8 == column and (int(place[1]) - 1) // 16 == row
                for place in places
                if len(place) == 2 and place[0].isdigit() and place[1].isdigit()
            )

        one.until(hit, f"a click in column {column}, row {row}")

"""Focus, colours and the clipboard of a session's program, for those who look at it from another node (S7)."""

from tests.hub.test_surroundings import LIGHT, PROBE, read
from tests.support.nodes import Nodes
from tests.support.patience import until


async def test_case_agents_4_10_and_page_15_hold_across_nodes(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a", "python3", "-c", PROBE, "\\x1b[?1004h\\x1b[?2031hREADY ")
    await until(lambda: "a" in gateway.service.room("wall").sessions, "the session on the other node")
    line, other = gateway.wall.line("page"), gateway.wall.line("other")
    line.say("theme", data=LIGHT)
    line.say("focus", sessionId="a")
    await line.sees("a", "READY")
    await read(line, "a", b"\x1b[O")
    line.say("keys", sessionId="a")
    await read(line, "a", b"\x1b[O", b"\x1b[I")
    line.say("input", sessionId="a", data="b")
    await read(line, "a", b"\x1b[?997;2n", b"\x1b]11;rgb:ffff/ffff/fefe\x07")
    line.say("theme", data={**LIGHT, "scheme": "dark"})
    await read(line, "a", b"\x1b[?997;2n", b"\x1b[?997;1n")
    line.say("input", sessionId="a", data="k")
    await until(lambda: line.of("clipboard"), "the copied text")
    assert line.last("clipboard")["data"] == "Hello"
    assert not other.of("clipboard")
    line.leave()
    await read(other, "a", b"\x1b[O", b"\x1b[I", b"\x1b[O")

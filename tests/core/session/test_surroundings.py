"""What a program is told of those who look at it: merged, each change once (cases agents 4 and 10)."""

import dataclasses
import re
from pathlib import Path

import pytest

from termwall.core.ids import ClientId
from termwall.core.modes import Modes
from termwall.core.session.surroundings import FOCUS_IN, FOCUS_OUT, MOST_WITH_KEYS, Surroundings
from termwall.core.theme import DARK, PALETTE, Theme

ANN, BOB = ClientId("ann"), ClientId("bob")
LIGHT = dataclasses.replace(DARK, scheme="light", background="#ffffff")


def test_case_agents_4_a_program_that_asks_is_told_at_once() -> None:
    nobody, somebody = Surroundings(), Surroundings()
    assert nobody.asked(Modes.FOCUS) == FOCUS_OUT
    assert somebody.keys(ANN, True) == b""
    assert somebody.asked(Modes.FOCUS) == FOCUS_IN
    assert somebody.asked(Modes.FOCUS | Modes.GROUND) == b"", "once"
    somebody.asked(Modes(0))
    assert somebody.keys(ANN, False) == b"", "it does not ask any more"
    assert somebody.asked(Modes.FOCUS) == FOCUS_OUT


def test_case_agents_4_the_focus_is_merged_over_all_who_look() -> None:
    one = Surroundings()
    one.asked(Modes.FOCUS)
    told = [one.keys(*who) for who in ((ANN, True), (ANN, True), (BOB, True), (ANN, False), (BOB, False), (BOB, False))]
    assert told == [FOCUS_IN, b"", b"", b"", FOCUS_OUT, b""]


def test_case_agents_4_the_next_server_waits_for_those_who_looked() -> None:
    before = Surroundings()
    before.keys(ANN, True)
    before.asked(Modes.FOCUS)
    for returns in (True, False):
        after = Surroundings.restore(before.state())
        assert after.asked(Modes.FOCUS) == b""
        assert after.keys(BOB, False) == b""
        if returns:
            assert after.keys(ANN, True) == b""
        assert after.settle() == (b"" if returns else FOCUS_OUT)


def test_S7_of_more_clients_with_keys_than_are_counted_the_last_ones_are() -> None:
    one = Surroundings()
    one.asked(Modes.FOCUS)
    for index in range(MOST_WITH_KEYS + 9):
        one.keys(ClientId(str(index)), True)
    for index in range(9, MOST_WITH_KEYS + 8):
        assert one.keys(ClientId(str(index)), False) == b""
    assert one.keys(ClientId(str(MOST_WITH_KEYS + 8)), False) == FOCUS_OUT
    assert one.keys(ClientId("0"), True) == FOCUS_IN, "who was not counted is again when it gets the keys anew"
    assert one.keys(ClientId("0"), False) == FOCUS_OUT


def test_case_agents_10_another_scheme_is_told_to_who_asked() -> None:
    one = Surroundings()
    assert one.themed(LIGHT) == b""
    one.asked(Modes.SCHEME)
    assert [one.themed(theme) for theme in (LIGHT, None, DARK, DARK, LIGHT)] == [
        b"",
        b"",
        b"\x1b[?997;1n",
        b"",
        b"\x1b[?997;2n",
    ]
    assert Surroundings.restore(one.state()).theme == LIGHT
    assert Surroundings.restore({"theme": ["dark", "x"]}).theme == DARK


@pytest.mark.parametrize(
    "plain", [[], ["dark", "#000000", "#000000", "#00000", ["#000000"] * 16], ["dark", *"abc", []]]
)
def test_what_is_no_theme_is_refused(plain: list[object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Theme.of(plain)


def test_case_agents_10_the_colours_told_by_default_are_the_pages_dark_ones() -> None:
    page = (Path(__file__).parents[3] / "web/packages/react/src/themes.ts").read_text()
    dark = dict(re.findall(r"(\w+): \"(#\w+)\"", page[page.index("DARK") : page.index("LIGHT")]))
    names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"]
    names += [f"bright{name.capitalize()}" for name in names]
    assert (DARK.foreground, DARK.background, DARK.cursor) == (dark["foreground"], dark["background"], dark["cursor"])
    assert list(DARK.palette) == [dark[name] for name in names]
    assert len(DARK.palette) == PALETTE

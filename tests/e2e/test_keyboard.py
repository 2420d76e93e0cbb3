"""Keys of many layouts, pressed as real events in Chromium: what they send to the program, and what the page takes."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.key_events import ALT, CTRL, META, SHIFT, Keyboard
from tests.e2e.wall_page import WallPage
from tests.support.server import Server

Open = Callable[..., WallPage]
MAC, WINDOWS, LINUX = "MacIntel", "Win32", "Linux x86_64"


@pytest.fixture
def keyboard(server: Server, open_page: Open, tmp_path: Path) -> Callable[..., Keyboard]:
    """Opens a page whose one terminal has the keys, and runs a program that writes down what it reads."""

    def make(platform: str = LINUX, output: str = "") -> Keyboard:
        log = tmp_path / "keys"
        log.touch()
        shown = tmp_path / "output"
        shown.write_bytes(output.encode())
        command = f"stty raw -echo; cat '{shown}'; printf READY; exec cat >> '{log}'"
        session = server.session("wall", "sh", "-c", command)
        server.focus("wall", session)
        page = open_page()
        keys = Keyboard(page, log, platform)
        page.sees(session, "READY")
        page.page.click(f".pane[data-session='{session}'] .screen")
        page.until(lambda: page.has_keys() == session, "the keys")
        return keys

    return make


def settings(page: WallPage) -> None:
    """Opens the settings."""
    page.page.click("button[aria-label='Menu']")
    page.page.click("[role=menuitem]:has-text('Settings')")


def test_case_page_1_option_types_the_characters_of_a_mac_s_layout(keyboard: Callable[..., Keyboard]) -> None:
    keys = keyboard(MAC)
    # German.
    for key, code, held, wanted in [
        ("@", "KeyL", ALT, "40"),
        ("[", "Digit5", ALT, "5b"),
        ("|", "Digit7", ALT, "7c"),
        ("\\", "Digit7", ALT | SHIFT, "5c"),
        ("{", "Digit8", ALT, "7b"),
        ("}", "Digit9", ALT, "7d"),
        ("€", "KeyE", ALT, "e2 82 ac"),
        # French, and Option with keys that type nothing.
        ("{", "Digit5", ALT, "7b"),
        ("\\", "Period", ALT | SHIFT, "5c"),
        ("ArrowLeft", "ArrowLeft", ALT, "1b 5b 31 3b 33 44"),
        ("Backspace", "Backspace", ALT, "1b 7f"),
    ]:
        assert (key, keys.sent(key, code, held)) == (key, wanted)


def test_case_page_1_option_is_alt_where_its_user_says_so(keyboard: Callable[..., Keyboard]) -> None:
    keys = keyboard(MAC)
    page = keys.page
    for choice, left, right in [("left", "1b 6c", "40"), ("both", "1b 6c", "1b 6c"), ("off", "40", "40")]:
        settings(page)
        page.page.select_option("label:has-text('Option key as Alt') select", choice)
        page.page.click("dialog button:has-text('Done')")
        page.page.click(".pane .screen")
        page.until(lambda: page.has_keys() != "", "the keys")
        assert (choice, keys.sent("@", "KeyL", ALT)) == (choice, left)
        assert (choice, keys.sent("@", "KeyL", ALT, right=True)) == (choice, right)


@pytest.mark.parametrize("platform", [LINUX, WINDOWS])
def test_case_page_1_altgr_types_characters(keyboard: Callable[..., Keyboard], platform: str) -> None:
    keys = keyboard(platform)
    # Some browsers of Windows tell AltGr as Ctrl and Alt, Linux as nothing: the character is already there.
    for held in (0, CTRL | ALT):
        for key, code, wanted in [
            ("@", "KeyQ", "40"),  # German
            ("{", "Digit7", "7b"),
            ("\\", "Minus", "5c"),
            ("~", "BracketRight", "7e"),
            ("|", "IntlBackslash", "7c"),
            ("#", "Digit3", "23"),  # French
            ("₺", "KeyT", "e2 82 ba"),  # Turkish
            ("ż", "KeyZ", "c5 bc"),  # Polish
        ]:
            assert (key, held, keys.sent(key, code, held, types=True)) == (key, held, wanted)


def test_case_page_1_every_layout_types_its_letters_once(keyboard: Callable[..., Keyboard]) -> None:
    keys = keyboard()
    for key, code, held in [
        ("y", "KeyZ", 0),
        ("ß", "Minus", 0),
        ("é", "Digit2", 0),
        ("1", "Digit1", SHIFT),
        ("я", "KeyZ", 0),
        ("Я", "KeyZ", SHIFT),
        ("λ", "KeyL", 0),
        ("ı", "KeyI", 0),
        ("İ", "Quote", SHIFT),
        ("_", "IntlRo", SHIFT),
        ("¥", "IntlYen", 0),
        (" ", "Space", 0),
    ]:
        assert (key, keys.sent(key, code, held)) == (key, key.encode().hex(" "))


def test_case_page_1_dead_keys_and_input_methods_bring_their_text_once(keyboard: Callable[..., Keyboard]) -> None:
    keys = keyboard()
    start = keys.log.stat().st_size
    keys.press("Dead", "BracketLeft")
    keys.press("ê", "KeyE", types=True)
    keys.cdp.send("Input.imeSetComposition", {"text": "に", "selectionStart": 1, "selectionEnd": 1})
    keys.cdp.send("Input.imeSetComposition", {"text": "日本", "selectionStart": 2, "selectionEnd": 2})
    keys.cdp.send("Input.insertText", {"text": "日本"})
    keys.press("Enter", "Enter")
    assert keys.after(start) == "ê日本\r".encode().hex(" ")


def test_case_page_1_a_key_right_behind_what_was_composed_waits_for_it(keyboard: Callable[..., Keyboard]) -> None:
    """As on a busy page, where all of it is there before any timer of the page."""
    keys = keyboard()
    start = keys.log.stat().st_size
    keys.page.page.evaluate(
        """() => {
            const area = document.activeElement;
            const composed = (type, data) => area.dispatchEvent(new CompositionEvent(type, { data, bubbles: true }));
            area.value = 'before';
            composed('compositionstart', '');
            composed('compositionupdate', '日本');
            area.value += '日本';
            composed('compositionend', '日本');
            const enter = { key: 'Enter', code: 'Enter', keyCode: 13, bubbles: true, cancelable: true };
            area.dispatchEvent(new KeyboardEvent('keydown', enter));
        }"""
    )
    assert keys.after(start) == "日本\r".encode().hex(" ")


def test_case_page_2_chords_of_layouts_that_are_not_latin(keyboard: Callable[..., Keyboard]) -> None:
    keys = keyboard(output="words to copy\r\n")
    page = keys.page.page
    start = keys.log.stat().st_size
    for key in ("т", "ν", "n"):  # Russian, Greek, US
        keys.press(key, "KeyN", CTRL | ALT)
        keys.page.until(lambda: page.query_selector("dialog[open]") is not None, f"the dialog of {key}")
        page.keyboard.press("Escape")
        keys.page.until(lambda: page.query_selector("dialog[open]") is None, "its end")
        page.click(".pane .screen")
    page.dblclick(".pane .screen .xterm-screen", position={"x": 20, "y": 5})
    keys.press("С", "KeyC", CTRL | SHIFT)
    keys.page.until(lambda: page.evaluate("navigator.clipboard.readText()") == "words", "the copied word")
    # German: the key at Z's place says Y, which is nobody's chord.
    assert keys.after(start) == ""
    assert keys.sent("y", "KeyZ", CTRL | ALT) == "1b 19"


def test_case_page_2_a_chord_can_be_left_to_the_program(keyboard: Callable[..., Keyboard]) -> None:
    keys = keyboard()
    page = keys.page.page
    settings(keys.page)
    page.click("label:has-text('Leave all chords')")
    page.click("dialog button:has-text('Done')")
    page.click(".pane .screen")
    assert keys.sent("n", "KeyN", CTRL | ALT) == "1b 0e"
    assert keys.sent("т", "KeyN", CTRL | ALT) == "1b 0e"


def test_case_page_3_keys_that_were_merged_or_swallowed(keyboard: Callable[..., Keyboard]) -> None:
    keys = keyboard()
    for key, code, held, wanted in [
        ("Enter", "Enter", 0, "0d"),
        ("Enter", "Enter", SHIFT, "1b 0d"),
        ("Enter", "Enter", CTRL, "1b 0d"),
        ("Enter", "Enter", ALT, "1b 0d"),
        ("/", "Slash", CTRL, "1f"),
        ("2", "Digit2", CTRL, "00"),
        (" ", "Space", CTRL, "00"),
        ("_", "Minus", CTRL | SHIFT, "1f"),
        ("с", "KeyC", CTRL, "03"),
        ("b", "KeyB", ALT, "1b 62"),
        ("b", "KeyB", CTRL | ALT, "1b 02"),
        ("Tab", "Tab", SHIFT, "1b 5b 5a"),
        ("Backspace", "Backspace", CTRL, "08"),
        ("F3", "F3", SHIFT, "1b 5b 31 3b 32 52"),
        ("Escape", "Escape", 0, "1b"),
    ]:
        assert (key, held, keys.sent(key, code, held)) == (key, held, wanted)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("\x1b[?1049h\x1b[>1u", "1b 5b 31 33 3b 32 75"),
        ("\x1b[>4;1m", "1b 5b 32 37 3b 32 3b 31 33 7e"),
        ("\x1b[>4;2m\x1b[>4;1f", "1b 5b 31 33 3b 32 75"),
    ],
)
def test_case_page_3_shift_enter_in_the_form_that_a_program_asked_for(
    keyboard: Callable[..., Keyboard], asked: str, wanted: str
) -> None:
    keys = keyboard(output=asked)
    assert keys.sent("Enter", "Enter", SHIFT) == wanted
    assert keys.sent("Enter", "Enter") == "0d"
    keys.page.page.reload()
    keys.page.until(lambda: keys.page.connection() == "connected", "the connection")
    session = keys.page.stage()[0]
    keys.page.sees(session, "READY")
    keys.page.page.click(".pane .screen")
    assert keys.sent("Enter", "Enter", SHIFT) == wanted


def test_case_page_3_all_of_the_kitty_keyboard_protocol(keyboard: Callable[..., Keyboard]) -> None:
    keys = keyboard(output="\x1b[>31u")
    keys.all(b"\x1b[57441;2u\x1b[97:65;2;65u\x1b[97:65;2:3u\x1b[57441;1:3u", lambda: keys.press("A", "KeyA", SHIFT))
    keys.all(b"\x1b[1089::99;;1089u\x1b[1089::99;1:3u", lambda: keys.press("с", "KeyC"))
    keys.all(b"\x1b[13u\x1b[13;1:3u", lambda: keys.press("Enter", "Enter"))
    # The page takes its chord, and the modifiers alone were told before.
    keys.all(b"\x1b[57442;5u\x1b[57443;7u\x1b[57443;5:3u\x1b[57442;1:3u", lambda: keys.press("g", "KeyG", CTRL | ALT))
    keys.all(b"\x1b[0;;26085:26412u", lambda: keys.cdp.send("Input.insertText", {"text": "日本"}))


def test_case_page_3_what_was_asked_for_outlives_worker_and_server_for_every_viewer(
    keyboard: Callable[..., Keyboard], server: Server, open_page: Open
) -> None:
    # Both screens' flags, and level 1 in the form that the engine's library does not keep.
    # So much is printed afterwards that only a checkpoint still has it.
    asked = "\x1b[>1u\x1b[>4;1m\x1b[>4;1f\x1b[?1049h\x1b[>9u\x1b[?1049l"
    keys = keyboard(output=asked + "a line of a long log\r\n" * 150_000)
    session = keys.page.stage()[0]

    def makes_a_new_line(viewer: Keyboard) -> None:
        viewer.page.until(lambda: viewer.page.connection() == "connected", "the connection")
        viewer.page.sees(session, "READY")
        viewer.page.page.click(".pane .screen")
        viewer.page.until(lambda: viewer.page.has_keys() == session, "the keys")
        viewer.all(b"\x1b[13;2u", lambda: viewer.press("Enter", "Enter", SHIFT))

    other = Keyboard(open_page(), keys.log)
    makes_a_new_line(keys)
    makes_a_new_line(other)
    for child in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split():
        if "screen.worker" in Path(f"/proc/{child}/cmdline").read_text():
            os.kill(int(child), signal.SIGKILL)
    server.kill()
    server.start()
    for viewer in (keys, other, Keyboard(open_page(), keys.log)):
        makes_a_new_line(viewer)


def test_case_page_3_command_stays_the_system_s(keyboard: Callable[..., Keyboard]) -> None:
    keys = keyboard(MAC, output="\x1b[>1u")
    assert keys.sent("c", "KeyC", META) == ""
    assert keys.sent("c", "KeyC", CTRL) == "1b 5b 39 39 3b 35 75"


def test_case_page_3_with_a_screen_reader_each_key_is_sent_once(keyboard: Callable[..., Keyboard]) -> None:
    keys = keyboard()
    page = keys.page.page
    settings(keys.page)
    page.click("label:has-text('Screen reader mode')")
    page.click("dialog button:has-text('Done')")
    page.click(".pane .screen")
    start = keys.log.stat().st_size
    for key, code in [("a", "KeyA"), ("Enter", "Enter"), ("B", "KeyB"), ("Backspace", "Backspace"), ("Tab", "Tab")]:
        keys.press(key, code)
    assert keys.after(start) == "61 0d 42 7f 09"


def test_case_page_3_vim_gets_what_it_asks_for(server: Server, open_page: Open, tmp_path: Path) -> None:
    vim = shutil.which("vim")
    if vim is None or "+eval" not in subprocess.run([vim, "--version"], capture_output=True, text=True).stdout:
        pytest.skip("no vim that can be told what to map")
    # It asks for modifyOtherKeys, and then knows Shift+Enter and Ctrl+Enter from Enter.
    maps = ["inoremap <S-CR> one", "inoremap <C-CR> two", "inoremap <C-S-a> three", "startinsert"]
    command = [vim, "-N", "-u", "NONE", "-i", "NONE", "--cmd", 'let &t_TI = "\\<Esc>[>4;2m"']
    session = server.session("wall", *command, *[f"+{line}" for line in maps])
    server.focus("wall", session)
    page = open_page()
    keys = Keyboard(page, tmp_path / "unused")
    page.sees(session, "-- INSERT --")
    page.page.click(f".pane[data-session='{session}'] .screen")
    keys.press("Enter", "Enter", SHIFT)
    keys.press("Enter", "Enter", CTRL)
    keys.press("A", "KeyA", CTRL | SHIFT)
    keys.press("x", "KeyX")
    page.sees(session, "onetwothreex")
    keys.press("Escape", "Escape")
    page.until(lambda: "-- INSERT --" not in page.text(session), "the end of inserting")


def test_case_page_3_a_spectator_s_chord_tells_the_program_nothing(
    keyboard: Callable[..., Keyboard], open_page: Open
) -> None:
    keys = keyboard(output="\x1b[>31u")
    session = keys.page.stage()[0]
    pressed, let_go = b"\x1b[97;;97u", b"\x1b[97;1:3u"
    keys.all(pressed + let_go, lambda: keys.press("a", "KeyA"))
    other = Keyboard(open_page(), keys.log)
    other.page.sees(session, "READY")
    other.page.page.click(f".pane[data-session='{session}'] .screen")
    other.page.until(lambda: other.page.has_keys() == session, "the keys")
    start = keys.log.stat().st_size
    other.press("g", "KeyG", CTRL | ALT)
    other.press("g", "KeyG", CTRL | ALT)
    # The first key that it types takes over, and is told whole.
    other.press("a", "KeyA")
    keys.page.until(lambda: keys.log.read_bytes()[start:].endswith(let_go), "the key")
    assert keys.log.read_bytes()[start:] == pressed + let_go

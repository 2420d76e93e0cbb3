"""A terminal's rows for those who are no terminal: as text, as text with colours, and as runs of cells."""

from typing import Any

from termwall.screen.cells import CONTINUES, HEAD, Span, spans
from termwall.screen.checkpoint import State
from termwall.screen.drawing import lines
from termwall.screen.looks import fields


def text(state: State, scrollback: int) -> str:
    """Plain text, one line a row, without trailing blanks."""
    return "\n".join(
        "".join([_shown(span) for span in spans(page, row)]).rstrip(" ")
        for page, row in lines(state.screen, state.rows, scrollback)
    )


def wrapped(state: State, scrollback: int) -> list[list[str]]:
    """Lines of plain text: of each its rows, with trailing blanks except in the last."""
    found: list[list[str]] = []
    missing = 0
    for page, row in lines(state.screen, state.rows, scrollback):
        parts = spans(page, row)
        text = "".join([_printed(span) for span in parts])
        if found and page.rows[row][0] & CONTINUES:
            # Blank cells at the end of a row that goes on belong to its line.
            found[-1][-1] += " " * missing
            found[-1].append(text)
        else:
            found.append([text])
        missing = state.columns - sum([width for _, width, _ in parts])
    for line in found:
        line[-1] = line[-1].rstrip(" ")
    return found


def ansi(state: State, scrollback: int) -> bytes:
    """Text with SGR sequences, one line a row; each row begins and ends without any colour."""
    out = []
    for page, row in lines(state.screen, state.rows, scrollback):
        line = []
        for span in spans(page, row):
            style, _, _, sgr = span[2]
            line.append(f"{sgr}{_shown(span)}\x1b[m" if any(style) else _shown(span))
        out.append("".join(line))
    return "\n".join(out).encode("utf-8", "replace")


def runs(state: State, scrollback: int) -> list[list[dict[str, Any]]]:
    """Runs, with the fields of `protocol.parts.Run` that are set; trailing blanks are left out."""
    return [_runs(spans(page, row)) for page, row in lines(state.screen, state.rows, scrollback)]


def _runs(row: list[Span]) -> list[dict[str, Any]]:
    line: list[dict[str, Any]] = []
    before: tuple[bytes, bytes] | None = None
    for span in row:
        style, link, _, _ = span[2]
        if before == (style, link):
            line[-1]["text"] += _shown(span)
            continue
        before = style, link
        run = {"text": _shown(span), **fields(style)}
        if link:
            run["link"] = link.partition(b";")[2].decode("utf-8", "replace")
        line.append(run)
    while line and len(line[-1]) == 1:
        line[-1]["text"] = line[-1]["text"].rstrip(" ")
        if line[-1]["text"]:
            break
        line.pop()
    return line


def _printed(span: Span) -> str:
    text, width, _ = span
    return text.replace(HEAD, "") if text else " " * width


def _shown(span: Span) -> str:
    text, width, _ = span
    return text.replace(HEAD, " ") if text else " " * width

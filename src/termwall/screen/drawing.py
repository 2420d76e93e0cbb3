"""Writes rows as a stream of text and sequences that makes them appear in xterm.js, cell by cell the same.

What was never written stays unwritten, and a line that wraps is one line again when the window gets wider.
"""

from termwall.screen.cells import CONTINUES, HEAD, UNSTYLED, Span, is_wide, spans
from termwall.screen.checkpoint import PLAIN, Page, Screen
from termwall.screen.looks import has_background, sgr

Line = tuple[Page, int]
"""A row: its page, and where it is in there."""


def lines(screen: Screen, rows: int, scrollback: int) -> list[Line]:
    """A screen's rows from the top, with as many above it as there are, at most `scrollback`."""
    missing = rows + scrollback
    found: list[Line] = []
    for page in reversed(screen.pages):
        count = len(page.rows)
        found = [(page, row) for row in range(max(0, count - missing), count)] + found
        missing -= count
        if missing <= 0:
            break
    return found


class Drawing:
    """The stream as far as it is written, and the pen that it leaves.

    Args:
        columns: of the terminal.
        looks: bytes that colours, attributes and links may take; what comes after them is text alone.
    """

    def __init__(self, columns: int, looks: int) -> None:
        self.columns = columns
        self._looks = looks
        self.out: list[bytes] = []
        self._pen = PLAIN
        self._link = b""
        self._protected = False

    def rows(self, rows: list[Line], scrolls: bool = False) -> None:
        """Add rows from the cursor's on, which is in the first column; the last is not ended.

        Args:
            rows: as many as the screen has, or more.
            scrolls: whether what scrolls out at the top leaves no trace, as on the alternate screen.
        """
        out = self.out
        continues = scrolls and bool(rows[0][0].rows[rows[0][1]][0] & CONTINUES)
        if continues:
            # The row that the first one continues is gone; another takes its place and scrolls out in turn.
            out.append(b"\x1b[%dG " % self.columns)
        columns = self.columns
        last = len(rows) - 1
        for at, (page, row) in enumerate(rows):
            parts = spans(page, row)
            column = self._wrap(parts, page, row) if continues else 0
            line: list[str] = []
            pen = self._pen
            for text, width, wanted in parts:
                look = wanted if self._looks > 0 else UNSTYLED
                if look[0] != pen:
                    pen = look[0]
                    line.append(look[3])
                    self._looks -= len(look[3])
                if look[1] != self._link or look[2] != self._protected:
                    line.append(self._mark(look[1], look[2]))
                    self._looks -= len(line[-1])
                column += width
                if text:
                    line.append(text)
                elif pen[4]:
                    line.append(f"\x1b[{width}X")
                if not text and column < columns:
                    line.append(f"\x1b[{width}C")
            self._pen = pen
            # No output can put a surrogate into a cell, so the only ones are the marks of `cells.py`.
            out.append("".join(line).encode("utf-8", "ignore"))
            if at == last:
                break
            continues = bool(rows[at + 1][0].rows[rows[at + 1][1]][0] & CONTINUES)
            if not continues and parts and parts[-1][0] == HEAD and pen[4]:
                out.append(b"\x1b[X")
            if continues:
                if column < columns or (parts and not parts[-1][0]):
                    self._wrap_blank(parts)
                    continues = False
            elif pen is PLAIN:
                out.append(b"\r\n")
            else:
                # A row that scrolls in takes the pen's background.
                out.append(b"\x1b[m\r\n")
                self._pen = PLAIN

    def end(self) -> None:
        """Put the pen back to what it is after a reset."""
        self.pen(PLAIN, b"", False)

    def pen(self, style: bytes, link: bytes, protected: bool) -> None:
        """Let the next character look like this."""
        if style != self._pen:
            self.out.append(sgr(style))
            self._pen = style
        if link != self._link or protected != self._protected:
            self.out.append(self._mark(link, protected).encode("utf-8", "surrogateescape"))

    def _mark(self, link: bytes, protected: bool) -> str:
        mark = ""
        if link != self._link:
            mark = f"\x1b]8;{link.decode('utf-8', 'surrogateescape') or ';'}\x1b\\"
            self._link = link
        if protected != self._protected:
            mark += f'\x1b[{int(protected)}"q'
            self._protected = protected
        return mark

    def _wrap(self, parts: list[Span], page: Page, row: int) -> int:
        """Go on in the next row of the same line: only text in its first cell wraps."""
        out = self.out
        if not parts or not parts[0][0]:
            self.pen(PLAIN, b"", False)
            out.append(b" \r\x1b[X")
            return 0
        text, width, (style, link, protected, _) = parts[0]
        if not has_background(style) or self._looks <= 0:
            return 0
        # The row takes the pen's background as it scrolls in; behind the first character that is taken away again.
        first = text[: 1 + len(page.clusters.get((row, 0), ""))]
        self.pen(style, link, protected)
        out.append(first.encode("utf-8", "ignore") + b"\x1b[m\x1b[K" + sgr(style))
        cells = 2 if is_wide(page, row, 0) else 1
        if cells < width:
            parts[0] = text[len(first) :], width - cells, parts[0][2]
        else:
            del parts[0]
        return cells

    def _wrap_blank(self, parts: list[Span]) -> None:
        """Make the next row a continuation though this one's last cell is blank: write there, wrap, unwrite both.

        Here a blank is inserted in front: erasing would end the line.
        """
        style = parts[-1][2][0] if parts and sum(part[1] for part in parts) == self.columns else PLAIN
        self.pen(PLAIN, b"", False)
        end = b"\x1b[%dG" % self.columns
        self.out.append(end + b"  \x1b[A" + end + sgr(style) + b"\x1b[@\x1b[m\r\x1b[B\x1b[X")

"""The text in a program's output: lines without escape sequences, however they are split."""

import re

MAX_LINE = 4096
"""Characters; a longer line is cut there and goes on as another."""
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]+[0-~]|[0-OQ-WYZ\\`-~])")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)\Z")
_OTHERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
MAX_SEQUENCE = 4096


class PlainText:
    """Takes output as it comes and gives lines. What a carriage return would overwrite stays as a line of its own."""

    def __init__(self) -> None:
        self.rest = ""
        """The line that has not ended."""
        self._held = ""

    def feed(self, data: str) -> list[str]:
        """The lines that end with this."""
        data = self._held + data
        self._held = ""
        unfinished = _UNFINISHED.search(data)
        if unfinished is not None and len(data) - unfinished.start() <= MAX_SEQUENCE:
            self._held = data[unfinished.start() :]
            data = data[: unfinished.start()]
        text = _SEQUENCE.sub("", data).replace("\r\n", "\n").replace("\r", "\n")
        text = self.rest + _OTHERS.sub("", text)
        *lines, self.rest = text.split("\n")
        while len(self.rest) > MAX_LINE:
            lines.append(self.rest[:MAX_LINE])
            self.rest = self.rest[MAX_LINE:]
        return [line for line in lines if line]

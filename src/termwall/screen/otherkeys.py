"""xterm's modifyOtherKeys and formatOtherKeys, which libghostty-vt keeps in part only.

It knows level 2 and no other, no form, and answers no question about them. A program that asks for level 1 (fish) or
for `CSI u` gets what it asked for; the page and `termwall attach` learn it from the same sequences.
"""

import re
from dataclasses import dataclass

OTHER_KEYS = rb">(?:4?|4;[0-9]{0,2})[mf]|>4n|\?4[mg]"
"""What follows `CSI`: set, reset, switch off, ask."""
OTHER_KEYS_BEGUN = rb">(?:4(?:;[0-9]{0,2})?)?|\?4?"
LONGEST = 8
"""Bytes of the longest such sequence."""

_SET = re.compile(rb"\x1b\[>(?:4;?)?([0-9]*)([mf])")
_LEVELS, _FORMS = 2, 1
_FORM_BIT = 4


@dataclass(slots=True)
class OtherKeys:
    """Level 0, 1 or 2, and form 0 (`CSI 27 ; modifiers ; code ~`) or 1 (`CSI code ; modifiers u`)."""

    level: int = 0
    form: int = 0

    def obey(self, sequence: bytes) -> bytes:
        """One of `OTHER_KEYS`, with its `CSI`. Gives the answer, if it is a question."""
        if sequence == b"\x1b[?4m":
            return b"\x1b[>4;%dm" % self.level
        if sequence == b"\x1b[?4g":
            return b"\x1b[>4;%df" % self.form
        found = _SET.fullmatch(sequence)
        value = int(found[1] or 0) if found else 0
        if found is None or found[2] == b"m":
            self.level = min(_LEVELS, value)
        else:
            self.form = min(_FORMS, value)
        return b""

    def reset(self) -> None:
        """The terminal is reset."""
        self.level = self.form = 0

    def sequences(self) -> bytes:
        """What asks for the same in a terminal that was reset (S4)."""
        level = b"\x1b[>4;%dm" % self.level if self.level else b""
        return level + (b"\x1b[>4;%df" % self.form if self.form else b"")

    def encode(self) -> int:
        """Both in three bits."""
        return self.level | (_FORM_BIT if self.form else 0)

    @classmethod
    def decode(cls, bits: int) -> "OtherKeys":
        """What `encode` gave."""
        return cls(min(_LEVELS, bits & 3), bits >> 2 & 1)

"""Takes the queries out of a program's output, for a viewer whose terminal would answer them (S7).

The server's terminal has answered each already; a second answer would be typed into the program.
"""

import re

_ENDED = rb"(?:\x07|\x1b\\)"
_QUERY = re.compile(
    rb"\x05|\x1bZ"  # ENQ, DECID
    rb"|\x1b\[[>=]?0?c"  # DA1, DA2, DA3
    rb"|\x1b\[\??[0-9;]*n"  # DSR, CPR
    rb"|\x1b\[\??[0-9;]*\$p"  # DECRQM
    rb"|\x1b\[>[0-9]*q"  # XTVERSION
    rb"|\x1b\[(?:1[1-9]|2[01])(?:;[0-9]+)*t"  # size and title reports
    rb"|\x1b\[\?u|\x1b\[\?[0-9;]*[mg]"  # kitty keyboard, xterm's modified keys and their form
    rb"|\x1b\[[0-9;]*\*y|\x1b\[[01]?x"  # DECRQCRA, DECREQTPARM
    rb"|\x1b\](?:4;[0-9]+|5;[0-9]+|1[0-9]|52;[a-z0-9]*);\?" + _ENDED +  # colours, clipboard
    rb"|\x1bP[$+]q[^\x07\x1b]{0,256}\x1b\\"  # DECRQSS, XTGETTCAP
)  # fmt: skip
_UNFINISHED = re.compile(
    rb"\x1b(?:\[[0-9;?>=*$]{0,32}|\][0-9;?a-z]{0,32}\x1b?|P(?:[$+](?:q[^\x07\x1b]{0,256}\x1b?)?)?)?\Z"
)
"""What may become a query with the next bytes: it waits for them."""


class QueryFilter:
    """Fed with all output in order, it gives the output without queries. It holds back at most some 300 bytes."""

    def __init__(self) -> None:
        self._carry = b""

    def feed(self, data: bytes) -> bytes:
        """What may be shown by now."""
        data = self._carry + data
        unfinished = _UNFINISHED.search(data)
        end = len(data) if unfinished is None else unfinished.start()
        self._carry = data[end:]
        return _QUERY.sub(b"", data[:end])

    def flush(self) -> bytes:
        """What is still held back, where the stream ends or goes on elsewhere."""
        rest, self._carry = self._carry, b""
        return rest

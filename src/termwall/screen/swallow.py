"""Control strings that do not end: what is kept of them.

A program may begin a string (OSC, DCS, APC, PM, SOS) or another sequence and print megabytes before it ends, or never
end it. The page's terminal swallows all of it, and so must the server's: its state, which everything else waits for,
could otherwise not be read until the end. No sequence of such a length has an effect.
"""

STRING_BYTES = 512 << 10
"""The longest unfinished sequence that is kept whole, as a picture in the clipboard or on the screen may be."""
_KINDS = {
    b"\x1b]": b"\x1b]9999;",
    b"\x1bP": b"\x1bP0z",
    b"\x1b_": b"\x1b_z",
    b"\x1b^": b"\x1b^",
    b"\x1bX": b"\x1bX",
    b"\x1b[": b"\x1b[0?",
}
_OTHER = b"\x1b     "
"""More intermediate bytes than any sequence has."""


def swallowed(unfinished: bytes) -> bytes:
    """A beginning that ends where this one does, in every terminal, and means nothing."""
    return _KINDS.get(unfinished[:2], _OTHER)

"""What libghostty-vt reports of a terminal while it is fed: answers to queries (S7), bells, its own questions."""

import re
from typing import Any

from termwall.screen.checkpoint import MAGIC, READY, RECORD
from termwall.screen.native import ffi, lib
from termwall.screen.questions import CELL_HEIGHT, CELL_WIDTH
from termwall.screen.rewriting import mode_answer

NAME = b"termwall"
_CAPABILITY = re.compile(rb"\x1bP1\+r([0-9A-Fa-f]+)")
NOT_THERE = frozenset(
    # Side margins, the whole screen in reverse, blinking text: xterm.js has or shows none of them. A size that is not
    # the session's, and a pattern that this terminal's version does not match.
    (b"Enmg", b"Dsmg", b"Clmg", b"Cmg", b"flash", b"blink", b"cols", b"lines", b"xr")
)
"""Capabilities that libghostty-vt promises for itself (XTGETTCAP), and the terminals of those who look do not keep."""

_CLIPBOARD = b"\x1bP1+r4D73="
_NO_CLIPBOARD = b"\x1bP0+r4D73\x1b\\"
"""XTGETTCAP `Ms`, the capability to set the clipboard."""


class Effects:
    """What a terminal did besides its state. The callbacks hold this and not the engine, so that one can be freed."""

    def __init__(self) -> None:
        self.muted = False
        self.light = False
        self.clipboard = True
        """Whether a text that the program copies reaches a clipboard; else that is not promised."""
        self.replies: list[bytes] = []
        self.bells = 0
        self.size = (0, 0)
        self._name = ffi.from_buffer(NAME)
        # They live as long as the references to them.
        self.callbacks = {
            "WRITE_PTY": ffi.callback("GhosttyTerminalWritePtyFn", self._reply),
            "BELL": ffi.callback("GhosttyTerminalBellFn", self._bell),
            "XTVERSION": ffi.callback("GhosttyTerminalXtversionFn", self._xtversion),
            "SIZE": ffi.callback("GhosttyTerminalSizeFn", self._report_size),
            "COLOR_SCHEME": ffi.callback("GhosttyTerminalColorSchemeFn", self._scheme),
            "DEVICE_ATTRIBUTES": ffi.callback("GhosttyTerminalDeviceAttributesFn", self._attributes),
        }

    def _reply(self, _terminal: object, _user: object, data: Any, size: int) -> None:
        if not self.muted:
            reply = mode_answer(_true(bytes(ffi.buffer(data, size))))
            if not self.clipboard and reply.startswith(_CLIPBOARD):
                reply = _NO_CLIPBOARD
            self.replies.append(reply)

    def _bell(self, _terminal: object, _user: object) -> None:
        self.bells += 1

    def _xtversion(self, _terminal: object, _user: object) -> Any:
        return {"ptr": self._name, "len": len(NAME)}

    def _report_size(self, _terminal: object, _user: object, size: Any) -> bool:
        size.columns, size.rows = self.size
        size.cell_width, size.cell_height = CELL_WIDTH, CELL_HEIGHT
        return True

    def _scheme(self, _terminal: object, _user: object, scheme: Any) -> bool:
        scheme[0] = lib.GHOSTTY_COLOR_SCHEME_LIGHT if self.light else lib.GHOSTTY_COLOR_SCHEME_DARK
        return True

    def _attributes(self, _terminal: object, _user: object, attributes: Any) -> bool:
        attributes.primary.conformance_level = 62
        attributes.primary.features[0] = 22
        attributes.primary.num_features = 1
        attributes.secondary.device_type = 1
        attributes.secondary.firmware_version = 10
        attributes.secondary.rom_cartridge = 0
        attributes.tertiary.unit_id = 0
        return True


def _true(reply: bytes) -> bytes:
    """An answer, or a refusal where a capability is promised that is not there."""
    named = _CAPABILITY.match(reply)
    if named and len(named[1]) % 2 == 0 and bytes.fromhex(named[1].decode()) in NOT_THERE:
        return b"\x1bP0+r%s\x1b\\" % named[1]
    return reply


class Front:
    """Takes a terminal's state as it is written, up to the older rows, and refuses those: they are most of it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._record = 0
        self._ready = False
        self._callback = ffi.callback("GhosttyWriterFn", self._take)
        self.writer = ffi.new("GhosttyWriter*", {"write": self._callback})

    def read(self, terminal: Any) -> bytes:
        """The state as far as `checkpoint.READY`; empty where the terminal cannot give it now."""
        self._parts, self._size, self._record, self._ready = [], 0, len(MAGIC), False
        lib.ghostty_snapshot_encode(terminal, self.writer[0])
        parts, self._parts = self._parts, []
        return b"".join(parts) if self._ready else b""

    def _take(self, _user: object, data: Any, size: int) -> bool:
        if self._ready:
            return False
        self._parts.append(bytes(ffi.buffer(data, size)))
        self._size += size
        while self._record + RECORD.size <= self._size and not self._ready:
            if self._record < self._size - size:
                self._parts = [b"".join(self._parts)]
            start = self._size - len(self._parts[-1])
            tag, payload, _ = RECORD.unpack_from(self._parts[-1], self._record - start)
            self._ready = tag == READY
            self._record += RECORD.size + payload
        return True

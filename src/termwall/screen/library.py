"""The native terminal of libghostty-vt, through pyghostty: what is asked of it and written to it."""

import weakref
from typing import Any

from termwall.screen.effects import Effects
from termwall.screen.engine import EngineError
from termwall.screen.native import ffi, lib


class Library:
    """A native terminal, freed with this."""

    _effects: Effects

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal
        self._free = weakref.finalize(self, lib.ghostty_terminal_free, terminal)

    def _allocated(self, function: Any) -> bytes | None:
        data = ffi.new("uint8_t**")
        size = ffi.new("size_t*")
        if function(self._terminal, ffi.NULL, data, size) != lib.GHOSTTY_SUCCESS:
            return None
        if not size[0]:
            return b""
        try:
            return bytes(ffi.buffer(data[0], size[0]))
        finally:
            lib.ghostty_free(ffi.NULL, data[0], size[0])

    def _write(self, data: bytes) -> None:
        lib.ghostty_terminal_vt_write(self._terminal, data, len(data))

    def _ask(self, query: bytes) -> bytes:
        """What the terminal answers to a query of our own; only where the parser is outside of any sequence."""
        effects = self._effects
        kept = effects.replies, effects.muted
        effects.replies, effects.muted = [], False
        lib.ghostty_terminal_vt_write(self._terminal, query, len(query))
        answer = b"".join(effects.replies)
        effects.replies, effects.muted = kept
        return answer

    def _mode(self, number: int) -> bool:
        config = ffi.new("GhosttyTerminalModeConfig*")
        config.mode = number
        check(lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_MODE, config), "a mode")
        return bool(config.value)

    def _get(self, name: str, kind: str) -> Any:
        out = ffi.new(kind + "*")
        key = getattr(lib, "GHOSTTY_TERMINAL_DATA_" + name)
        check(lib.ghostty_terminal_get(self._terminal, key, out), name)
        return out[0]

    def _set(self, name: str, value: Any) -> None:
        check(lib.ghostty_terminal_set(self._terminal, getattr(lib, "GHOSTTY_TERMINAL_OPT_" + name), value), name)


def check(result: int, what: str) -> None:
    """Raise `EngineError` where the library refused `what`."""
    if result != lib.GHOSTTY_SUCCESS:
        raise EngineError(f"libghostty-vt refused {what}: {result}")

"""Presses keys on an X server, as its keyboard would (XTEST)."""

import ctypes

SHIFT, CONTROL = 0xFFE1, 0xFFE3


class Keyboard:
    """The keyboard of one display."""

    def __init__(self, display: str) -> None:
        self._x = ctypes.CDLL("libX11.so.6")
        self._test = ctypes.CDLL("libXtst.so.6")
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(display.encode()))
        assert self._display, "the X server does not answer"
        # Without a window manager the keys go where the pointer is.
        self._test.XTestFakeMotionEvent(self._display, -1, 60, 60, 0)

    def press(self, keysym: int, *held: int) -> None:
        """Press and let go a key, with others held."""
        codes = [self._x.XKeysymToKeycode(self._display, ctypes.c_ulong(key)) for key in (*held, keysym)]
        for code in codes:
            self._test.XTestFakeKeyEvent(self._display, code, 1, 0)
        for code in reversed(codes):
            self._test.XTestFakeKeyEvent(self._display, code, 0, 0)
        self._x.XFlush(self._display)

    def close(self) -> None:
        """Leave the X server."""
        self._x.XCloseDisplay(self._display)

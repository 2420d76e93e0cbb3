"""libghostty-vt: the library that pyghostty brings, with the declarations that `tools/generate_abi.py` wrote down."""

import os
import sys
from importlib.util import find_spec
from typing import Any

from termwall.screen import abi

SUFFIX = "dylib" if sys.platform == "darwin" else "so"


def _library() -> str:
    """Where it is. pyghostty itself is not imported: it reads its declarations anew each time, which takes 0.1 s."""
    given = os.environ.get("PYGHOSTTY_LIB")
    if given:
        return given
    found = find_spec("pyghostty")
    if found is None or found.origin is None:
        raise ImportError("pyghostty is not installed")
    return os.path.join(os.path.dirname(found.origin), "_lib", f"libghostty-vt.{SUFFIX}")


ffi: Any = abi.ffi
lib: Any = ffi.dlopen(_library())

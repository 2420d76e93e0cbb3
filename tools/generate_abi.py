"""Writes src/termwall/screen/abi.py from pyghostty's declarations: for each new pyghostty, and for each new use of it.

pyghostty hands cffi 3,500 lines of C at each import, of which cffi makes sense in 0.1 s: half of the start of a screen
worker. What it made of them can be written down as a module, which is loaded in 2 ms. That has what
src/termwall/screen names, and what that is made of. `--check` only says whether it is current.
"""

import contextlib
import re
import sys
import tempfile
from pathlib import Path

import cffi  # type: ignore[import-untyped]
from pyghostty._cdef import CDEF  # type: ignore[import-untyped]

SCREEN = Path(__file__).parent.parent / "src/termwall/screen"
TARGET = SCREEN / "abi.py"
HEAD = '"""Generated from pyghostty\'s declarations by tools/generate_abi.py: do not edit."""\n# mypy: ignore-errors\n'
TWINS = """
typedef struct { uint16_t x; uint32_t y; uint64_t _pad; } GhosttyPointValueS;
typedef struct { GhosttyPointTag tag; GhosttyPointValueS value; } GhosttyPointS;
"""
"""cffi cannot pass unions by value; a structure of the same layout is passed in the same way (as pyghostty does it)."""
_STATEMENT = re.compile(r"(?:[^;{}]|\{(?:[^{}]|\{[^{}]*\})*\})+;")
_NAME = re.compile(r"\w+")
_OWN_NAME = re.compile(
    r"(?:.*\}\s*(\w+);|struct (\w+) \{.*|typedef[^(]*?\(\*\s*(\w+)\).*|[^(]*?(\w+)\(.*|.*?(\w+);)\Z", re.DOTALL
)


def declarations() -> dict[str, str]:
    """Each by what it declares, in their order; an enumeration also by its values."""
    found = {}
    for statement in _STATEMENT.findall(re.sub(r"/\*.*?\*/", "", CDEF, flags=re.DOTALL) + TWINS):
        own = _OWN_NAME.match(statement.strip())
        assert own, statement
        found[next(filter(None, own.groups()))] = statement
    return found


def used() -> list[str]:
    """The declarations of what is named in the sources, and those of all that these name."""
    declared = declarations()
    by_value = {name: own for own, text in declared.items() for name in re.findall(r"GHOSTTY_\w+", text)}
    sources = "\n".join(path.read_text() for path in SCREEN.glob("*.py") if path != TARGET)
    waiting, wanted = set(_NAME.findall(sources)), set[str]()
    while waiting:
        name = waiting.pop()
        own = by_value.get(name, name)
        if own in declared and own not in wanted:
            wanted.add(own)
            waiting |= set(_NAME.findall(declared[own]))
    return [text for own, text in declared.items() if own in wanted]


def module() -> str:
    """The file."""
    ffi = cffi.FFI()
    ffi.set_source("termwall.screen.abi", None)
    ffi.cdef("".join(used()))
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        path = Path(folder) / "abi.py"
        ffi.emit_python_code(str(path))
        return HEAD + path.read_text().partition("\n")[2]


def main() -> int:
    """Write the file, or with `--check` compare it."""
    text = module()
    if "--check" in sys.argv:
        if not TARGET.exists() or TARGET.read_text() != text:
            print(f"{TARGET.name} is not what pyghostty declares; run `make generate`", file=sys.stderr)
            return 1
        return 0
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

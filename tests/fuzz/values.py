"""Values that a good client never sends, each of a kind that once was a fault somewhere."""

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

HALF = ("\ud800", "\udfff", "a\udcffb", "\ud83d")
"""Halves of surrogate pairs: legal escapes of JSON, and no characters."""
NUL = ("\0", "a\0", "~\0", "/tmp/\0")
LONG = ("a" * 256, "/" + "a" * 300, "/" + "/".join(["a" * 200] * 25), "~" + "a" * 300, "ä" * 200)
USERS = ("~nosuchuser", "~nosuchuser/work", "~root/.", "~", "~/", "~~", "~-", "~+")
PATHS = (
    "",
    "/",
    ".",
    "..",
    "//",
    "/dev/null",
    "/dev/null/x",
    "/proc/self/fd/99",
    "/proc/1/root",
    "/proc/self/mem",
    "-",
    "a/b",
)
ODD = (
    "\n",
    "\r\n",
    "\x1b[2J",
    "\u202eabc",
    "\ufeff",
    "\ufffe",
    "A=B",
    "=",
    "*",
    "%00",
    "%ff",
    "../../x",
    "🙂" * 70,
    " ",
)
NUMBERS: tuple[Any, ...] = (-1, 0, 2**31, 2**53, 2**63, 2**64, 10**30, -(10**30), 1.5, 1e308, -0.0)
SHAPES: tuple[Any, ...] = (None, True, [], {}, [[]], {"a": {}}, [None], ["\ud800"], {"\ud800": 1}, [0] * 1025)


def folders(root: Path) -> tuple[str, ...]:
    """Paths that are there and may not be used, or cannot be. `root` is a folder of the test's own."""
    closed, plain, loop = root / "closed", root / "plain", root / "loop"
    if not closed.exists():
        (closed / "inner").mkdir(parents=True)
        closed.chmod(0)
        plain.write_text("no folder")
        loop.symlink_to(loop)
        (root / "gone").symlink_to(root / "nothing")
    return (*(str(one) for one in (closed, closed / "inner", plain, plain / "x", loop, root / "gone")), str(root / "é"))


def one_of_each(root: Path) -> tuple[str, ...]:
    """One text of each kind that once was a fault."""
    closed, inner, plain, beyond, loop = folders(root)[:5]
    return (HALF[0], NUL[0], NUL[2], LONG[0], LONG[1], LONG[3], USERS[0], closed, inner, plain, beyond, loop)


def texts(root: Path) -> st.SearchStrategy[str]:
    """Texts of all these kinds, and any other text."""
    known = st.sampled_from((*HALF, *NUL, *LONG, *USERS, *PATHS, *ODD, *folders(root)))
    anything = st.text(st.characters(), max_size=40)  # Surrogates too.
    return known | anything | st.tuples(known, known).map("".join)


def values(root: Path) -> st.SearchStrategy[Any]:
    """A value for any field."""
    return texts(root) | texts(root) | st.sampled_from(NUMBERS) | st.sampled_from(SHAPES)


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each part of a body."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(way for name, one in inner for way in places(one, (*above, name)))]


def replaced(body: Any, way: tuple[Any, ...], value: Any, *, name: bool = False) -> Any:
    """A body with another value at that place, or with `value` as the name of what is there."""
    if not way:
        return value
    first, *rest = way
    if isinstance(body, list):
        return [replaced(one, tuple(rest), value, name=name) if at == first else one for at, one in enumerate(body)]
    if name and not rest:
        return {(str(value) if key == first else key): one for key, one in body.items()}
    return {key: replaced(one, tuple(rest), value, name=name) if key == first else one for key, one in body.items()}

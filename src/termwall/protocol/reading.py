"""JSON from outside, read in one way for HTTP and for the WebSocket (W8, A3): what it gives can be kept and sent on.

A lone half of a surrogate pair is a legal escape of JSON and no character: no byte stands for it, so nothing that holds
one could be typed, kept or sent. It is refused here, with the field that it stands in.
"""

import json
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from pydantic_core import ErrorDetails, from_json

from termwall.core.errors import ErrorCode, TermwallError

MAX_REQUEST_ID = 128
"""Characters of a `requestId`."""
MAX_PART = 64
"""Characters of a name that an answer's `field` repeats: the names in a map are a client's own."""
_MARK = b"\xef\xbb\xbf"
"""A byte order mark, which some programs write before UTF-8."""


class Refused(TermwallError):
    """A client's words that cannot be read; with the `requestId` where there was one, for the answer (W7)."""

    def __init__(
        self, code: ErrorCode, message: str, *, field: str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(code, message, field=field)
        self.request_id = request_id


def read_json(data: bytes | str) -> Any:
    """The value of a JSON text in UTF-8. Numbers that are too large for a float may be infinite: the types refuse them.

    Raises:
        Refused: `bad_message` where it is no JSON, `invalid` where a text in it holds no characters.
    """
    if isinstance(data, bytes):
        data = data.removeprefix(_MARK)
    try:
        return from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise _why(data, error) from None


def request_id_of(value: Any) -> str | None:
    """The `requestId` that an answer can repeat."""
    found = value.get("requestId") if isinstance(value, dict) else None
    return found if isinstance(found, str) and len(found) <= MAX_REQUEST_ID and _sound(found) else None


def explain(faults: Iterable[Mapping[str, Any]] | Iterable[ErrorDetails], skip: int = 0) -> tuple[str | None, str]:
    """The first fault of a validation as (field with dots, sentence).

    Args:
        skip: how many parts at the beginning of each place say nothing to a client.
    """
    found = list(faults)
    # A number that is none is said by the float's type; the integer's only says that it is not one either.
    fault = next((one for one in found if one["type"] == "finite_number"), found[0])
    place = [str(part) for part in fault["loc"][skip:]]
    if "[key]" in place:
        place = place[: place.index("[key]") - 1]  # The name itself is the fault.
    # A field that may be one of two numbers names the one it is not, too: that says nothing to a client.
    field = ".".join(part[:MAX_PART] for part in place if part not in ("int", "float")) or None
    message = str(fault["msg"]).removeprefix("Value error, ")
    return field, f"`{field}`: {message}." if field else f"{message[:1].upper()}{message[1:]}."


def _why(data: bytes | str, error: ValueError) -> Refused:
    try:
        text = (data.encode() if isinstance(data, str) else data).decode()
        value = json.loads(text, parse_constant=_no_constant)
        field = _unsound(value)
    except (ValueError, RecursionError):
        field = None
    if field is None:
        return Refused(ErrorCode.BAD_MESSAGE, f"This is not JSON: {error}.")
    where = f"`{field}`: half" if field else "Half"
    return Refused(
        ErrorCode.INVALID,
        f"{where} a surrogate pair is no character.",
        field=field or None,
        request_id=request_id_of(value),
    )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _sound(text: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in text)


def _unsound(value: Any) -> str | None:
    """The field, with dots, of the first text that holds no characters; empty for the value itself, None for none."""
    left: deque[tuple[tuple[str, ...], Any]] = deque([((), value)])
    while left:
        place, one = left.popleft()
        if isinstance(one, str) and not _sound(one):
            return ".".join(place)
        if isinstance(one, dict):
            if not all(map(_sound, one)):
                return ".".join(place)
            left.extend(((*place, name[:MAX_PART]), inner) for name, inner in one.items())
        elif isinstance(one, list):
            left.extend(((*place, str(index)), inner) for index, inner in enumerate(one))
    return None

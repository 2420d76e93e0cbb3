"""Bytes to messages and back (W7, W8, S8). Pure: it is fed whole WebSocket messages and never sees a socket."""

import codecs
import json
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import to_json

from termwall.core.errors import ErrorCode, TermwallError
from termwall.protocol.commands import CLIENT_MESSAGES, AnyClientMessage
from termwall.protocol.messages import AnyServerMessage, ErrorMessage
from termwall.protocol.reading import Refused as Refused
from termwall.protocol.reading import explain, read_json, request_id_of

BINARY_SUBPROTOCOL: Final = "termwall.v1"
"""JSON messages, output as binary frames (W2)."""
JSON_SUBPROTOCOL: Final = "termwall.v1.json"
"""JSON only; what a client without a subprotocol gets as well (W2)."""

STREAM_KIND: Final = 1
SNAPSHOT_KIND: Final = 2
INPUT_KIND: Final = 16
DATED_INPUT_KIND: Final = 17
"""As `INPUT_KIND`, with the moment until which it may be typed."""
REASONS: Final = {"attach": 1, "focus": 2, "resume": 3, "lagged": 4, "restart": 5, "resize": 6}
"""The number of each `reason` in a binary snapshot (S8)."""


@dataclass(slots=True)  # Not frozen: each key makes one, and Python takes 1 us to freeze it.
class InputFrame:
    """Input as bytes (S8, kinds 16 and 17).

    An empty `session_id` means the connection's own; `seq` None means uncounted, `until` None at any time.
    """

    session_id: str
    seq: int | None
    data: bytes
    until: int | None = None


def decode_text(text: bytes | str) -> AnyClientMessage:
    """One JSON text message of a client.

    Raises:
        Refused: `bad_message`, `unknown_type` or `invalid` with the `field` (W8).
    """
    value = read_json(text)
    if not isinstance(value, dict):
        raise Refused(ErrorCode.BAD_MESSAGE, "A message is a JSON object with a `type`.")
    request_id = request_id_of(value)
    kind = value.get("type")
    if not isinstance(kind, str):
        raise Refused(ErrorCode.INVALID, "A message needs a `type`, as text.", field="type", request_id=request_id)
    adapter = CLIENT_MESSAGES.get(kind)
    if adapter is None:
        raise Refused(
            ErrorCode.UNKNOWN_TYPE, f"There is no message `{kind[:64]}`.", field="type", request_id=request_id
        )
    try:
        message: AnyClientMessage = adapter.validate_python(value)
    except ValidationError as error:
        field, sentence = explain(error.errors(include_url=False, include_context=False, include_input=False))
        raise Refused(ErrorCode.INVALID, sentence, field=field, request_id=request_id) from None
    return message


def decode_binary(frame: bytes) -> InputFrame:
    """One binary message of a client.

    Raises:
        Refused: `bad_message` for a kind that is not input, `invalid` for a frame cut short.
    """
    if not frame or frame[0] not in (INPUT_KIND, DATED_INPUT_KIND):
        kinds = f"{INPUT_KIND} and {DATED_INPUT_KIND}"
        raise Refused(ErrorCode.BAD_MESSAGE, f"Clients send binary frames of the kinds {kinds} (input) only.")
    start = 2 + frame[1] if len(frame) > 1 else 2
    if len(frame) < start + 4:
        raise Refused(ErrorCode.INVALID, "The input frame ends before its sequence number.", field="seq")
    dated = frame[0] == DATED_INPUT_KIND
    if dated and len(frame) < start + 12:
        raise Refused(ErrorCode.INVALID, "The input frame ends before its `until`.", field="until")
    try:
        session_id = frame[2:start].decode("ascii")
    except UnicodeDecodeError:
        raise Refused(ErrorCode.INVALID, "The session id is not text.", field="sessionId") from None
    seq = int.from_bytes(frame[start : start + 4], "big")
    if not dated:
        return InputFrame(session_id, seq or None, frame[start + 4 :])
    until = int.from_bytes(frame[start + 4 : start + 12], "big")
    return InputFrame(session_id, seq or None, frame[start + 12 :], until)


def encode(message: AnyServerMessage) -> bytes:
    """A server message as JSON text: its type and the fields that were set."""
    return to_json({"type": message.type, **message.model_dump(exclude_unset=True)})


def error_message(
    error: TermwallError, timestamp: int, *, request_id: str | None = None, session_id: str | None = None
) -> ErrorMessage:
    """The `error` message for what went wrong; `details` become fields (F4, I1)."""
    fields: dict[str, Any] = {"code": error.code.value, "data": error.message, "timestamp": timestamp}
    if error.field is not None:
        fields["field"] = error.field
    if session_id is not None:
        fields["sessionId"] = session_id
    if request_id is not None:
        fields["requestId"] = request_id
    return ErrorMessage(**{**error.details, **fields})


@lru_cache(1_024)
def _stream_head(session_id: str) -> bytes:
    name = session_id.encode("ascii")
    return bytes((STREAM_KIND, len(name))) + name


def stream_frame(session_id: str, offset: int, data: bytes) -> bytes:
    """A binary frame of output; `offset` is where its bytes end (S8)."""
    return b"".join((_stream_head(session_id), offset.to_bytes(8, "big"), data))


def snapshot_frame(session_id: str, offset: int, cols: int, rows: int, reason: str, data: bytes) -> bytes:
    """A binary frame that begins a screen anew (S4)."""
    name = session_id.encode("ascii")
    head = struct.pack(f">BB{len(name)}sQHHB", SNAPSHOT_KIND, len(name), name, offset, cols, rows, REASONS[reason])
    return head + data


def stream_text(
    session_id: str, project_id: str, epoch: str, offset: int, text: str, timestamp: int, **snapshot: object
) -> bytes:
    """Output as a JSON message. `snapshot`: `snapshot, reason, cols, rows` for one that begins a screen anew."""
    fields = {
        "type": "stream",
        "sessionId": session_id,
        "projectId": project_id,
        "epoch": epoch,
        "offset": offset,
        "timestamp": timestamp,
        "data": text,
        **snapshot,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def preview_text(
    session_id: str, project_id: str, epoch: str, offset: int, timestamp: int, *, lines: bytes, **fields: object
) -> bytes:
    """A `preview`. `lines` is JSON already, as the screen worker made it; `fields` are the rest of its own."""
    head = {
        "type": "preview",
        "sessionId": session_id,
        "projectId": project_id,
        "epoch": epoch,
        "offset": offset,
        "timestamp": timestamp,
        **fields,
    }
    return json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()[:-1] + b',"lines":' + lines + b"}"


class TextDecoder:
    """Output bytes as text over many frames: no character is split, invalid bytes become U+FFFD (S8)."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.held = 0
        """Bytes of an unfinished character that are not yet part of any text: 0 to 3."""

    def feed(self, data: bytes) -> str:
        """The text that `data` completes; may be empty."""
        text = self._decoder.decode(data)
        self.held = len(self._decoder.getstate()[0])
        return text

    def reset(self) -> None:
        """Forget an unfinished character, because the bytes go on elsewhere."""
        self._decoder.reset()
        self.held = 0

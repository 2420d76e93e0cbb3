"""What travels between nodes: a JSON header and bytes. A frame of output has a fixed header, for it is the bulk."""

import json
import logging
import struct
from dataclasses import dataclass
from typing import Any

from termwall.cluster.bus.contract import Bus, BusError, Member

log = logging.getLogger("termwall.cluster")

PROTOCOL = 3
"""What nodes speak with each other; nodes of another number are shown as away. Counted up at each change of meaning."""

_LENGTH = struct.Struct(">I")
_FRAME = struct.Struct(">BBIQHH")


def understands(member: Member) -> bool:
    """Whether a node speaks what this one does."""
    return bool(member.about.get("protocol") == PROTOCOL)


def others(bus: Bus) -> list[str]:
    """The other nodes that are there and can be asked, by name."""
    return sorted(one.node for one in bus.members().values() if one.node != bus.node and understands(one))


class BadParcel(BusError):
    """What came is no parcel: the other node speaks something else."""


def pack(header: dict[str, Any], body: bytes = b"") -> bytes:
    """One message."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return _LENGTH.pack(len(text)) + text + body


def unpack(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the body. Raises `BadParcel`."""
    try:
        (count,) = _LENGTH.unpack_from(data)
        header = json.loads(data[4 : 4 + count])
    except (struct.error, ValueError) as error:
        raise BadParcel(f"A message of another node cannot be read: {error}.") from None
    if not isinstance(header, dict):
        raise BadParcel("A message of another node cannot be read: its header is no object.")
    return header, data[4 + count :]


def read(data: bytes) -> tuple[dict[str, Any], bytes] | None:
    """The header and the body; None for what is no parcel, which the log says."""
    try:
        return unpack(data)
    except BadParcel as error:
        log.warning("%s", error)
        return None


def read_header(data: bytes) -> dict[str, Any] | None:
    """The same of a message without a body."""
    found = read(data)
    return None if found is None else found[0]


@dataclass(frozen=True, slots=True)
class OutFrame:
    """A piece of a session's output; a `reset` says where it goes on, `again` that the attachment is over."""

    kind: str
    session_id: str
    number: int
    """Of the attachment."""
    offset: int
    cols: int
    rows: int
    data: bytes = b""


KINDS = ("data", "reset", "again")


def pack_frame(frame: OutFrame) -> bytes:
    """One message."""
    name = frame.session_id.encode()
    head = _FRAME.pack(KINDS.index(frame.kind), len(name), frame.number, frame.offset, frame.cols, frame.rows)
    return head + name + frame.data


def unpack_frame(data: bytes) -> OutFrame:
    """The frame. Raises `BadParcel`."""
    try:
        kind, count, number, offset, cols, rows = _FRAME.unpack_from(data)
        begin = _FRAME.size + count
        return OutFrame(KINDS[kind], data[_FRAME.size : begin].decode(), number, offset, cols, rows, data[begin:])
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise BadParcel(f"A frame of another node cannot be read: {error}.") from None

"""Every error and every close code that termwall sends, each in one table (A3, W9). This file raises nothing itself.

The reference page's tables are generated from here, so a code that is not in these tables cannot reach a client.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class ErrorCode(StrEnum):
    """One name for HTTP answers and socket messages alike (A3)."""

    BAD_MESSAGE = "bad_message"
    UNKNOWN_TYPE = "unknown_type"
    INVALID = "invalid"
    TOO_LARGE = "too_large"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    UNKNOWN_PROJECT = "unknown_project"
    UNKNOWN_SESSION = "unknown_session"
    UNKNOWN_RECORDING = "unknown_recording"
    UNKNOWN_TOKEN = "unknown_token"
    UNKNOWN_BROWSER = "unknown_browser"
    ALREADY_EXISTS = "already_exists"
    VERSION_CONFLICT = "version_conflict"
    TOO_MANY_FOCUSED = "too_many_focused"
    SESSION_ENDED = "session_ended"
    INPUT_GAP = "input_gap"
    INPUT_OVERFLOW = "input_overflow"
    TOO_LATE = "too_late"
    CANNOT_START = "cannot_start"
    OTHER_VERSION = "other_version"
    LIMIT_REACHED = "limit_reached"
    RATE_LIMITED = "rate_limited"
    ENGINE_AWAY = "engine_away"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """The HTTP status of a code, and when a client gets it."""

    status: int
    meaning: str


ERRORS: Mapping[ErrorCode, ErrorKind] = {
    ErrorCode.BAD_MESSAGE: ErrorKind(400, "The text is not JSON, or not a JSON object."),
    ErrorCode.UNKNOWN_TYPE: ErrorKind(400, "A socket message whose `type` termwall does not know."),
    ErrorCode.INVALID: ErrorKind(422, "A field is missing, of a wrong type or out of range; `field` names it."),
    ErrorCode.TOO_LARGE: ErrorKind(413, "The request's body is over the size limit."),
    ErrorCode.UNAUTHORIZED: ErrorKind(401, "No token was shown, or one that is not known here."),
    ErrorCode.FORBIDDEN: ErrorKind(403, "The token's role does not allow this, or the Origin or Host is not allowed."),
    ErrorCode.UNKNOWN_PROJECT: ErrorKind(404, "No project has this id."),
    ErrorCode.UNKNOWN_SESSION: ErrorKind(404, "No session of this project, or of this connection, has this id."),
    ErrorCode.UNKNOWN_RECORDING: ErrorKind(404, "No recording has this id, or this part."),
    ErrorCode.UNKNOWN_TOKEN: ErrorKind(404, "No token given to somebody has this id."),
    ErrorCode.UNKNOWN_BROWSER: ErrorKind(404, "No browser that is signed in has this id."),
    ErrorCode.ALREADY_EXISTS: ErrorKind(409, "A project or session with this id exists."),
    ErrorCode.VERSION_CONFLICT: ErrorKind(
        409, "`expectedVersion` is not the current version; the answer holds the whole current focus state."
    ),
    ErrorCode.TOO_MANY_FOCUSED: ErrorKind(422, "A batch names more sessions than `maxFocused`."),
    ErrorCode.SESSION_ENDED: ErrorKind(409, "The session's program has ended, so it takes no input."),
    ErrorCode.INPUT_GAP: ErrorKind(409, "`seq` leaves one out; `expected` is the one to go on with."),
    ErrorCode.INPUT_OVERFLOW: ErrorKind(
        429, "The program does not read: its waiting input would grow over the limit. Nothing of this input was kept."
    ),
    ErrorCode.TOO_LATE: ErrorKind(
        408, "The input came after its `until`: nothing of it was typed. `expected` is the `seq` to go on with."
    ),
    ErrorCode.CANNOT_START: ErrorKind(422, "The command could not be started; the sentence says why."),
    ErrorCode.OTHER_VERSION: ErrorKind(
        409,
        "The session was started by another version of termwall, and can only be closed (`sealed` says why).",
    ),
    ErrorCode.LIMIT_REACHED: ErrorKind(429, "A limit on how many there may be is reached; the sentence names it."),
    ErrorCode.RATE_LIMITED: ErrorKind(429, "More messages per second than allowed; this one was not handled."),
    ErrorCode.ENGINE_AWAY: ErrorKind(503, "A part of termwall that this needs is not available; try again later."),
    ErrorCode.INTERNAL: ErrorKind(500, "A fault in termwall itself; its log has the details."),
}


class CloseCode(IntEnum):
    """Why the server ended a WebSocket (W9)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    POLICY = 1008
    TOO_BIG = 1009
    INTERNAL = 1011
    RESTART = 1012
    TRY_LATER = 1013
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    UNKNOWN_PROJECT = 4404


@dataclass(frozen=True, slots=True)
class CloseKind:
    """What a close code means, and whether a client may try again by itself."""

    retry: bool
    meaning: str


CLOSE_CODES: Mapping[CloseCode, CloseKind] = {
    CloseCode.NORMAL: CloseKind(True, "The client asked for it."),
    CloseCode.GOING_AWAY: CloseKind(True, "The server is stopping, or heard nothing for 2.5 heartbeat intervals."),
    CloseCode.PROTOCOL_ERROR: CloseKind(False, "The bytes are not a WebSocket's."),
    CloseCode.POLICY: CloseKind(False, "Refused for good, as the reason says: a session that never came (W5)."),
    CloseCode.TOO_BIG: CloseKind(True, "A message over `limits.messageBytes`."),
    CloseCode.INTERNAL: CloseKind(True, "A fault in termwall itself; its log has the details."),
    CloseCode.RESTART: CloseKind(True, "The server restarts."),
    CloseCode.TRY_LATER: CloseKind(True, "Too many connections, or this one reads too slowly."),
    CloseCode.UNAUTHORIZED: CloseKind(False, "Not signed in."),
    CloseCode.FORBIDDEN: CloseKind(False, "Signed in, but not allowed."),
    CloseCode.UNKNOWN_PROJECT: CloseKind(False, "No such project."),
}


class TermwallError(Exception):
    """An error that is reported to a client.

    Args:
        code: one of the table.
        message: a sentence for people.
        field: the field that is wrong, where that helps, by its name on the wire.
        details: further fields of the answer, with their names on the wire (the focus state of a conflict).
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        field: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.details: Mapping[str, object] = details or {}

    @property
    def status(self) -> int:
        """The HTTP status of this error's code."""
        return ERRORS[self.code].status

"""Every bound termwall keeps to, with its unit and its default, in one place (X4). Settings override them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits on everything a stranger can grow, and the intervals of the wire."""

    connections: int = 10_000
    """Open WebSockets of the server; one more is closed with 1013."""
    http_connections: int = 2_048
    """Open connections without a WebSocket; one more costs the oldest that has not signed in, or is ended."""
    stranger_connections: int = 512
    """Of these, ones that have not signed in; one more costs the oldest of the address that has the most."""
    address_connections: int = 128
    """Of these, ones from one address, which behind a proxy is the proxy's; one more costs its oldest."""
    stranger_bytes: int = 4 << 10
    """Bytes of a request's body before sign-in; over it 413."""
    projects: int = 1_000
    """Projects of the server; one more is `limit_reached`."""
    sessions: int = 256
    """Sessions of a project; one more is `limit_reached`."""
    message_bytes: int = 1 << 20
    """Bytes of one client message or request body; over it close 1009, or 413."""
    messages_per_second: int = 1_000
    """Messages of one connection in a second; what is above waits in its socket (L7)."""
    bytes_per_second: int = 2 << 20
    """Bytes of one connection's messages in a second; what is above waits in its socket."""
    token_messages_per_second: int = 4_000
    """Messages in a second of all connections that one token opened."""
    token_bytes_per_second: int = 8 << 20
    """Bytes in a second of all connections that one token opened."""
    calls_per_second: int = 250
    """HTTP calls of one token in a second; what is above waits for up to a second, then gets `rate_limited`."""
    input_bytes: int = 1 << 20
    """Bytes that wait for a program that does not read; more is `input_overflow` (I3)."""
    ring_bytes: int = 2 << 20
    """Bytes of output kept for each session (S1)."""
    window_bytes: int = 64 << 10
    """Unacknowledged bytes of one stream (S5)."""
    scrollback_lines: int = 1_000
    """Lines above the screen that the server keeps for each session, and sends with a snapshot (S4)."""
    replay_bytes: int = 256 << 10
    """Most bytes replayed to a new viewer while no screen can be drawn and the ring has lost the beginning."""
    outbox_bytes: int = 4 << 20
    """Unsent bytes of a connection; a client that reads more slowly than that is closed with 1013."""
    handshake_seconds: float = 10.0
    """Until a WebSocket handshake, a request's head, and before sign-in its body must be complete."""
    body_seconds: float = 30.0
    """After sign-in, until the next piece of a request's body."""
    heartbeat_milliseconds: int = 30_000
    """Between two heartbeats of a client; silence of 2.5 of them ends the connection (W6)."""
    visible_heartbeat_milliseconds: int = 2_500
    """Between two heartbeats of a page that somebody looks at: 2 s after one without an answer it says so."""
    registration_delays: tuple[int, ...] = (100, 500, 1000, 2000)
    """Milliseconds between the attempts to find a session that does not exist yet (W5)."""
    resume_seconds: float = 2.0
    """How long a connection with `resume=1` may take to its first `sync_request` (W1)."""
    close_seconds: float = 5.0
    """Between SIGHUP and SIGKILL for a program that is closed (P3)."""
    recording_bytes: int = 64 << 20
    """Bytes of one part of a recording; then another part begins."""
    recording_parts: int = 8
    """Parts that are kept of one recording; the oldest makes room."""
    recordings_bytes: int = 2 << 30
    """Bytes of all recordings; the oldest that has ended makes room for a new one."""
    clipboard_bytes: int = 256 << 10
    """Bytes of a text that a program may put on its driver's clipboard (OSC 52); longer ones are ignored, 0: all."""
    size_marks: int = 64
    """Size changes remembered within the ring; older ones are sent late to a viewer that is that far behind."""

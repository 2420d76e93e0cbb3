"""The versions of the holder's protocol, and who understands whom (L8). Standard library only.

A holder outlives many servers, so both sides say which version they speak and the oldest that they still understand.
Requests and fields may be added within a version: what is not known is ignored.
"""

from typing import Any

PROTOCOL = 2
"""What is spoken here. 2 says so; 1 is what holders before it spoke."""
OLDEST = 1
"""The oldest version that is still understood."""
SPOKEN = {"version": PROTOCOL, "oldest": OLDEST}
"""What each side says of itself."""


def understood(other: dict[str, Any]) -> bool:
    """Whether the side that sent this header and this one understand each other. One that says nothing speaks 1."""
    version = other.get("version", 1)
    return bool(version >= OLDEST and other.get("oldest", version) <= PROTOCOL)


def differs(other: dict[str, Any]) -> str:
    """Why not, and what to do."""
    return (
        f"The process that holds the sessions, {other.get('pid', 'of another version')}, speaks version "
        f"{other.get('version', 1)} of its protocol, and this termwall {OLDEST} to {PROTOCOL}. Run the version of "
        "termwall that started it, or end it with all its programs (`termwall down --all`)."
    )

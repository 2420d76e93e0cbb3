"""One type for each kind of id. This file never makes an id: randomness is an argument of those who need one."""

from typing import NewType

SessionId = NewType("SessionId", str)
ProjectId = NewType("ProjectId", str)
ClientId = NewType("ClientId", str)

ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
ID_PATTERN = rf"^{ID}$"
"""Ids travel in addresses, in file names and behind one length byte (S8), so they are short and plain."""

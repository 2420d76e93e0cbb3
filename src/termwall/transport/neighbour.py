"""Which user of this machine a connection comes from: for what no other user may do, though he can reach the port."""

import ipaddress
import os
import socket
import struct
import sys
from pathlib import Path

Address = tuple[str, int]
_TABLES = Path("/proc/net/tcp"), Path("/proc/net/tcp6")
"""Linux's tables of connections, with whose each end is."""
ESTABLISHED = "01"
MOST_BYTES = 64 << 20
"""Of a table that is looked at: some 400,000 connections."""


def of_own_user(client: Address | None, server: Address | None) -> bool:
    """Whether a connection was opened by this process's user, or by root.

    Where the system does not say whose it is (macOS), whether it comes from this machine. Reads a table of the
    system's, which takes milliseconds: not for the event loop.

    Args:
        client: the other end, as the socket has it.
        server: this end.
    """
    if client is None or server is None:
        return False
    if not _TABLES[0].exists():
        return _plain(client[0]).is_loopback
    user = _user_of(client, server)
    return user is not None and user in (0, os.getuid())


def _user_of(client: Address, server: Address) -> int | None:
    """Whose the client's end is: a row for that end has it as the local address."""
    try:
        wanted = {f"{_hex(client, mapped)} {_hex(server, mapped)}" for mapped in (False, True)}
    except ValueError:
        return None
    for table in _TABLES:
        try:
            with open(table) as file:
                rows = file.read(MOST_BYTES).splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            # sl local_address rem_address st queues timer retransmits uid ...
            fields = row.split()
            # One that its program has closed is nobody's any more, which the table writes as root's.
            if len(fields) > 7 and f"{fields[1]} {fields[2]}" in wanted and fields[3] == ESTABLISHED:
                return int(fields[7])
    return None


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    found = ipaddress.ip_address(address.partition("%")[0])
    return getattr(found, "ipv4_mapped", None) or found


def _hex(address: Address, mapped: bool) -> str:
    """An address as the tables have it: 32 bits at a time in the machine's own order.

    Args:
        mapped: as an IPv6 socket has an address of IPv4.
    """
    found = _plain(address[0])
    packed = found.packed
    if mapped and len(packed) == 4:
        packed = socket.inet_pton(socket.AF_INET6, f"::ffff:{found}")
    words = struct.unpack(f"!{len(packed) // 4}I", packed)
    order = "<" if sys.byteorder == "little" else ">"
    return struct.pack(f"{order}{len(words)}I", *words).hex().upper() + f":{address[1]:04X}"

"""By which address others reach a server (A5)."""

import ipaddress
import socket
from urllib.parse import urlsplit

from termwall.cli.remote import Remote

EVERYWHERE = ("0.0.0.0", "::")
_FAR_AWAY = ("192.0.2.1", 9)
"""An address for documentation: the system says by which of its own it would go there, and nothing is sent."""


def public_address(server: Remote) -> str:
    """The one that was set, else with a name that was allowed, else the machine's own; else the one used here."""
    if server.running is None:
        return server.url
    settings = server.running.settings
    if public := settings.get("TERMWALL_PUBLIC_URL"):
        return public.rstrip("/")
    host = settings.get("TERMWALL_HOST", "127.0.0.1")
    port = urlsplit(server.url).port
    name = next((one for one in settings.get("TERMWALL_ALLOWED_HOSTS", "").split(",") if one not in ("", "*")), None)
    if name is not None:
        # Who listens for this machine only has a proxy in front, and a proxy has TLS.
        return f"https://{name}" if _is_local(host) else f"http://{name}:{port}"
    if host in EVERYWHERE and (own := _own_address()) is not None:
        return f"http://{own}:{port}"
    return server.url


def only_here(address: str) -> bool:
    """Whether an address leads to the machine itself, whoever opens it."""
    return _is_local(urlsplit(address).hostname or "")


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _own_address() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_FAR_AWAY)
            found = str(probe.getsockname()[0])
        except OSError:  # The machine has no network.
            return None
    return None if _is_local(found) else found

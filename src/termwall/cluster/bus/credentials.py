"""What a node shows to NATS, and wants of it: TLS, and a credentials file or what the address holds.

A secret leaves this node only over TLS where TLS is wanted: a server that offers none gets nothing.
"""

import base64
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from termwall.cluster.bus.contract import BusRefused

_SCHEMES = ("nats", "tls", "ws", "wss")


class SecureContext(ssl.SSLContext):
    """Knows whether it was used: the client library goes on in plain text where the server does not ask for TLS."""

    used = False

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        """As the standard library's."""
        self.used = True
        return super().wrap_bio(*arguments, **named)

    def require(self) -> None:
        """It was used.

        Raises:
            BusRefused
        """
        if not self.used:
            raise BusRefused("The NATS server does not speak TLS: configure it there, or leave it out here.")


@dataclass(frozen=True)
class Credentials:
    """The files of a node's settings."""

    file: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def options(self, server: str) -> tuple[str, dict[str, Any]]:
        """A server's address without what is secret in it, and the client library's options for one connection.

        Raises:
            BusRefused: it is no address, or a file cannot be used.
        """
        parts = _parts(server)
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        wanted = parts.scheme == "tls" or any((self.ca, self.certificate, self.key))
        context = self._context() if wanted else None
        options: dict[str, Any] = {} if context is None else {"tls": context}

        def only_securely(secret: str) -> Callable[[], str]:
            def give() -> str:
                if context is not None:
                    context.require()
                return secret

            return give

        if self.file is not None:
            token, sign = self._read(self.file)
            give = only_securely(token)
            options["user_jwt_cb"] = lambda: give().encode()
            options["signature_cb"] = sign
        elif parts.password is not None:
            options |= {"user": unquote(parts.username or ""), "password": only_securely(unquote(parts.password))}
        elif parts.username is not None:
            options["token"] = only_securely(unquote(parts.username))
        return address, options

    def _context(self) -> SecureContext:
        context = SecureContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if self.ca is None:
                context.load_default_certs()
            else:
                context.load_verify_locations(self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ValueError) as error:
            raise BusRefused(
                f"The TLS files for the NATS server cannot be used ({error}): "
                "look at TERMWALL_NATS_CA, TERMWALL_NATS_CERT and TERMWALL_NATS_KEY."
            ) from None
        return context

    def _read(self, file: Path) -> tuple[str, Callable[[str], bytes]]:
        """The token of a credentials file, and who signs with its key. The client library would read for ever."""
        try:
            import nkeys  # type: ignore[import-untyped]
        except ImportError:
            raise BusRefused("A credentials file needs the package `nkeys`: pip install 'termwall[cluster]'.") from None
        try:
            found = re.findall(r"-----BEGIN[^\n]*-----\s+(\S+)\s+-+END", file.read_text())
            if len(found) != 2:
                raise ValueError("two parts were expected")
            token, seed = found
            pair = nkeys.from_seed(bytearray(seed.encode()))
        except (OSError, ValueError, nkeys.NkeysError) as error:
            raise BusRefused(
                f"The NATS credentials file {file} cannot be used ({type(error).__name__}: {error}): "
                "it holds the JWT and the seed of a user, as `nsc generate creds` makes them."
            ) from None
        return token, lambda nonce: base64.b64encode(pair.sign(nonce.encode()))


def _parts(server: str) -> SplitResult:
    """An address and what is secret in it. What is no address may be all secret, so nothing of it is shown."""
    try:
        parts = urlsplit(server if "://" in server else f"nats://{server}")
        good = parts.scheme in _SCHEMES and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise BusRefused(
            "This is no address of a NATS server: one begins with nats:// or tls:// and ends with HOST:PORT; "
            "in a password or token write %2F for `/`, %3F for `?`, %23 for `#`, %40 for `@` and %2C for a comma."
        )
    return parts


def trouble(error: Exception | None) -> str | None:
    """What to do about a connection that could not be made secure; None if that is not why."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if "issuer" in error.verify_message or "self" in error.verify_message:
            return (
                f"its certificate is not trusted ({error.verify_message}): "
                "set TERMWALL_NATS_CA to the certificate of the authority that it comes from."
            )
        why = error.verify_message.rstrip(".")
        return f"{why}: use a name that is in its certificate, or give it another one."
    if not isinstance(error, ssl.SSLError) or isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return None  # It went away in the middle, which passes.
    text = str(error).lower().replace("_", " ")
    if "certificate" in text or "unknown ca" in text:
        return (
            f"it does not take this node's certificate, or wants one ({error.reason}): "
            "set TERMWALL_NATS_CERT and TERMWALL_NATS_KEY to one that it trusts."
        )
    return f"{error.reason or error}: do both sides speak a common version of TLS?"

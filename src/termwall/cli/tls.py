"""Which authorities the commands trust when they talk to a server over TLS."""

import os
import ssl

VARIABLE = "TERMWALL_CA"
"""The environment's way to say `--ca`."""


class CertificatesError(Exception):
    """The file of certificates cannot be used; the message says why."""


def trusted() -> ssl.SSLContext:
    """The system's authorities, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`, and the one of `--ca` beside them.

    Raises:
        CertificatesError: with why.
    """
    context = ssl.create_default_context()
    file = os.environ.get(VARIABLE)
    if file:
        try:
            context.load_verify_locations(file)
        except (OSError, ValueError) as error:  # An SSLError is an OSError.
            why = (
                error.strerror if isinstance(error, FileNotFoundError | PermissionError) else "it holds no certificate"
            )
            raise CertificatesError(f"`{file}` cannot be used for --ca: {why}.") from None
    return context


def trusted_by(url: str) -> ssl.SSLContext | None:
    """As `trusted`, for an address that needs it."""
    return trusted() if url.startswith(("https:", "wss:")) else None

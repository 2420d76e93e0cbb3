"""WebSockets of the commands: to the address that was named, and to no other (X12)."""

from websockets.asyncio.client import connect as _connect


class connect(_connect):  # noqa: N801  As the library's own.
    """As the library's, but a redirect is an answer like any other: the token is for the address that was named."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Nowhere; the library's versions differ in whether they show the token to whom it leads to."""
        return exc

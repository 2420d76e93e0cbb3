"""Who is asking, and may a request come from where it comes from (X1-X3, X5). Decides on header values.

The owner's token opens everything. Tokens given to others open one role, perhaps one project; of those only hashes are
known here. A browser trades a token, or a one-time code for one, for a cookie of its own: a stolen cookie is no token,
can be ended alone, and a token's end ends all of its cookies.
"""

import hashlib
import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from termwall.core.clients import Role
from termwall.store.browsers import StoredBrowser
from termwall.store.projects import StoredToken
from termwall.transport.browsers import Browsers
from termwall.transport.codes import Codes
from termwall.transport.refusals import Refusals, shown

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_COOKIES = 8
"""Values of our cookie that are looked at in one request; browsers send one for each path."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. `by` a cookie means that a browser sent it, perhaps for another site's page (X2)."""

    role: Role
    by: Literal["bearer", "cookie"]
    name: str | None = None
    project_id: str | None = None
    token_id: str | None = None
    browser_id: str | None = None
    """The browser that is signed in, where a cookie said who asks. Other nodes do not know it."""

    def plain(self) -> dict[str, Any]:
        """As other nodes are sent it: they know its token, and none of this one's browsers."""
        return {name: value for name, value in asdict(self).items() if name != "browser_id"}

    def may(self, role: Role) -> bool:
        """Whether this identity may do what needs `role`: view < type < own (X3)."""
        return get_args(Role).index(self.role) >= get_args(Role).index(role)


@dataclass(frozen=True, slots=True)
class Grant:
    """A token given to somebody: its SHA-256 and what it opens."""

    id: str
    hash: bytes
    role: Role
    name: str
    project_id: str | None = None


def hash_token(token: str) -> bytes:
    """What is kept of a token given to others. Tokens are random, so no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


class Access:
    """The rules of one server.

    Args:
        token: the owner's.
        instance: names this server's cookie, because cookies ignore ports.
        host: the address the server listens on.
        allowed_hosts: further names it is reached by.
        allowed_origins: further origins whose pages may use it, such as `https://example.org`.
        grants: the tokens given to others, looked up at each request: the same object as long as they are the same.
        browsers: those that are signed in.
        public_url: the address that others reach it by.
    """

    def __init__(
        self,
        token: str,
        *,
        instance: str,
        host: str = "127.0.0.1",
        allowed_hosts: Iterable[str] = (),
        allowed_origins: Iterable[str] = (),
        grants: Callable[[], Sequence[Grant | StoredToken]] = tuple,
        browsers: Browsers | None = None,
        public_url: str | None = None,
    ) -> None:
        self.token = token
        self.browsers = browsers or Browsers()
        self.codes = Codes()
        self.instance = instance
        self.cookie_name = f"termwall_{instance}"
        self._hosts = {name.lower() for name in allowed_hosts} | LOOPBACK_NAMES | {host.lower()}
        self._origins = {origin.rstrip("/").lower() for origin in allowed_origins}
        public = urlsplit(public_url or "")
        self._over_tls = {*self._origins, f"{public.scheme}://{public.netloc}".lower()}
        self._any_address = host.lower() not in LOOPBACK_NAMES
        self.refusals = Refusals()
        self._grants = grants
        self._known: Sequence[Grant | StoredToken] | None = None
        """Of which tokens `_open` is."""
        self._open: dict[bytes, Identity] = {}

    # ---- where from

    def check_host(self, host: str | None) -> bool:
        """Whether a Host header names this server (X2).

        Where the server listens beyond loopback, any IP address will do: DNS rebinding needs a name.
        """
        name = _host_name(host)
        if name is None:
            return False
        return name in self._hosts or "*" in self._hosts or (self._any_address and _is_address(name))

    def check_origin(self, origin: str, host: str | None, scheme: str) -> bool:
        """Whether a page of this origin may change things here: our own page, or one that was allowed (X2)."""
        origin = origin.rstrip("/").lower()
        if origin in self._origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        # Behind a proxy that ends TLS the page's scheme is https where ours is http; its host is still ours. A browser
        # leaves out the port of the scheme, some proxies write it.
        return parts.scheme in (scheme, "https") and host is not None and _same_place(parts.netloc, host, parts.scheme)

    def over_tls(self, host: str | None) -> bool:
        """Whether the settings say that what has this Host comes over TLS, as a proxy in front has it."""
        return host is not None and f"https://{host.lower().removesuffix(':443')}" in self._over_tls

    def wrong_host(self, host: str | None) -> str:
        """What came and what was expected, where `check_host` refuses."""
        served = ", ".join(sorted(self._hosts)) + (" and any IP address" if self._any_address else "")
        return f"the Host {shown(host)} is not served here, but {served}; name it in --allowed-hosts."

    def wrong_origin(self, origin: str, host: str | None, scheme: str) -> str:
        """What came and what was expected, where `check_origin` refuses."""
        ours = f"{scheme}://{host[:128]}" if host else "its own"
        others = ", ".join(sorted(self._origins)) or "none"
        return (
            f"a page of the Origin {shown(origin)} came with the Host {shown(host)}, so {shown(ours)} was expected (or "
            f"one of --allowed-origins: {others}). A proxy has to pass on the Host as it came, with its port."
        )

    # ---- who

    def identify(self, authorization: str | None, cookie: str | None) -> Identity | None:
        """Whose token or cookie this is. None: nobody's.

        An `Authorization` that is not one of our tokens is somebody else's, such as the password of a proxy in front,
        which browsers send with every request: it hides no cookie.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() == "bearer" and (known := self.recognize(token.strip())) is not None:
            return known
        return self._signed_in(cookie)[2]

    def knows_sender(self, headers: Mapping[str, str]) -> bool:
        """Whether headers have a token or cookie that opens something."""
        return self.identify(headers.get("authorization"), headers.get("cookie")) is not None

    def recognize(self, token: str) -> Identity | None:
        """Whose token this is; it is found by its hash, so that a guess learns nothing from how long that takes."""
        return self._holder(hash_token(token))

    def hash_of(self, identity: Identity) -> bytes:
        """Of the token that somebody has shown, or signed in with; of one that was revoked meanwhile, that of none."""
        return next((one for one, holder in self._holders().items() if holder.token_id == identity.token_id), b"")

    def knows(self, token_hash: bytes) -> bool:
        """Whether it is that of a token that opens something."""
        return self._holder(token_hash) is not None

    def _holder(self, token_hash: bytes) -> Identity | None:
        return self._holders().get(token_hash)

    def _holders(self) -> dict[bytes, Identity]:
        """What each token opens, by its hash."""
        grants = self._grants()
        if grants is not self._known:
            self._open = {
                grant.hash: Identity(grant.role, "bearer", grant.name, grant.project_id, grant.id) for grant in grants
            }
            self._open[hash_token(self.token)] = Identity("own", "bearer")
            self._known = grants
        return self._open

    # ---- browsers

    def owners_code(self) -> str:
        """A one-time code that stands for the owner's token."""
        return self.codes.make(hash_token(self.token))

    def sign_in(self, token_hash: bytes, agent: str, cookie: str | None) -> str:
        """Sign a browser in with a token that is known; returns its cookie.

        A browser that is signed in with it already stays as it is; as somebody else, it is signed out.

        Args:
            agent: what the browser is.
            cookie: the header that came.
        """
        value, browser, _ = self._signed_in(cookie)
        if browser is not None and browser.token_hash == token_hash:
            self.browsers.used(browser)
            return value
        if browser is not None:
            self.browsers.end(browser.id)
        return self.browsers.add(token_hash, agent)

    def signed_in(self) -> list[tuple[StoredBrowser, Identity]]:
        """The browsers that are signed in, the one that was used last first, each with whose it is."""
        holders = self._holders()
        return [(one, holders[one.token_hash]) for one in reversed(self.browsers.all()) if one.token_hash in holders]

    def sweep(self) -> None:
        """Sign out the browsers of tokens that are none any more, and those that were not used for too long."""
        self.browsers.sweep(self._holders())

    def due(self, cookie: str | None) -> str | None:
        """A browser was here: the cookie that it has to get again, so that it lasts longer; None while it need not."""
        value, browser, _ = self._signed_in(cookie)
        return value if browser is not None and self.browsers.used(browser) else None

    def _signed_in(self, cookie: str | None) -> tuple[str, StoredBrowser | None, Identity | None]:
        for value in self._cookie_values(cookie):
            browser = self.browsers.find(value)
            holder = None if browser is None else self._holder(browser.token_hash)
            if browser is not None and holder is not None:
                return value, browser, replace(holder, by="cookie", browser_id=browser.id)
        return "", None, None

    def _cookie_values(self, header: str | None) -> list[str]:
        # Cookies ignore ports, so others' come along; the library's parser gives up at the first that it dislikes.
        # One name may come several times: once for each path that a proxy put the server under.
        pairs = [pair.strip().partition("=") for pair in (header or "").split(";")]
        return [value for name, _, value in pairs if name == self.cookie_name][:MAX_COOKIES]


def _same_place(one: str, other: str, scheme: str) -> bool:
    port = f":{DEFAULT_PORTS[scheme]}"
    return one.removesuffix(port) == other.lower().removesuffix(port)


def _host_name(host: str | None) -> str | None:
    """The name in a Host header, without its port and without the brackets of IPv6."""
    if not host:
        return None
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

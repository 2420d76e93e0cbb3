"""What a NATS server and its clients show each other: certificates, and accounts with signed users."""

import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import nkeys
import trustme


class Authority:
    """A private certificate authority. `ca` is its certificate."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.ca)

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate for that name or address, and its key."""
        made = self._authority.issue_cert(name)
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate.write_bytes(b"".join(part.bytes() for part in made.cert_chain_pems))
        made.private_key_pem.write_to_path(key)
        return certificate, key

    def server(self, *, verify: bool = False) -> str:
        """The part of a server's configuration. `verify`: clients have to show a certificate of this authority."""
        certificate, key = self.issue("127.0.0.1")
        files = f'cert_file: "{certificate}", key_file: "{key}", ca_file: "{self.ca}"'
        return f"tls {{ {files}, verify: {str(verify).lower()} }}\n"


class _Key:
    """A pair of keys for signing. `kind`: of an operator, an account or a user."""

    def __init__(self, kind: int) -> None:
        self.seed = bytes(nkeys.encode_seed(os.urandom(32), kind))
        self._pair = nkeys.from_seed(bytearray(self.seed))
        self.name = self._pair.public_key.decode()

    def sign(self, about: "_Key", name: str, claims: dict[str, Any]) -> str:
        """A token in which this one says something of another."""
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        body = {"jti": about.name, "iat": int(time.time()), "iss": self.name, "name": name, "sub": about.name}
        signed = b".".join(_plain(part) for part in (head, {**body, "nats": {**claims, "version": 2}}))
        return (signed + b"." + _encoded(self._pair.sign(signed))).decode()


class Operator:
    """An operator with one account for the wall, kept in the server's memory."""

    def __init__(self) -> None:
        self._operator, self._account, system = (
            _Key(kind) for kind in (nkeys.PREFIX_BYTE_OPERATOR, nkeys.PREFIX_BYTE_ACCOUNT, nkeys.PREFIX_BYTE_ACCOUNT)
        )
        names = ("subs", "data", "payload", "imports", "exports", "conn", "leaf")
        limits: dict[str, Any] = dict.fromkeys(names, -1) | {"wildcards": True}
        stores = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)
        operator = {"type": "operator", "system_account": system.name}
        about = self._operator.sign(self._operator, "operator", operator)
        wall = self._operator.sign(self._account, "wall", {"type": "account", "limits": limits | stores})
        others = self._operator.sign(system, "system", {"type": "account", "limits": limits})
        preload = f"{self._account.name}: {wall}, {system.name}: {others}"
        self.server = f"operator: {about}\nsystem_account: {system.name}\n"
        self.server += f"resolver: MEMORY\nresolver_preload: {{ {preload} }}\n"

    def user(self, path: Path) -> Path:
        """A credentials file."""
        user = _Key(nkeys.PREFIX_BYTE_USER)
        limits = {"subs": -1, "data": -1, "payload": -1}
        token = self._account.sign(user, "node", {"type": "user", **limits})
        path.write_text(
            f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
        )
        return path


def _plain(part: dict[str, Any]) -> bytes:
    return _encoded(json.dumps(part).encode())


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")

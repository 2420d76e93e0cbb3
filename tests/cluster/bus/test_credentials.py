"""TLS and credentials as a real NATS server has them: a refusal says what to do, and no secret leaves in clear."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from termwall.cluster.bus.contract import BusError, BusRefused
from termwall.cluster.bus.nats import NatsBus
from tests.support.broker import Broker, Cluster, free_port
from tests.support.credentials import Authority, Operator
from tests.support.patience import until


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


def secure(broker: Broker) -> str:
    return broker.url.replace("nats:", "tls:")


def with_secret(url: str, secret: str) -> str:
    return url.replace("//", f"//{secret}@")


async def refused(urls: str | list[str], match: str, **options: Any) -> None:
    """At once, and not as something that passes."""
    bus = NatsBus([urls] if isinstance(urls, str) else urls, "one", run="1", **options)
    async with asyncio.timeout(4):  # Less than `open` tries to reach what is away.
        with pytest.raises(BusRefused, match=match):
            await bus.open()
    await bus.close()


async def works(*urls: str, **options: Any) -> NatsBus:
    """It joins and stores something; the caller closes it."""
    bus = NatsBus(list(urls), "one", run="1", **options)
    await bus.open()
    assert (await bus.compare_and_set("key", None, {})).version == 1
    return bus


async def test_a_private_authority_is_believed_where_it_is_named(tmp_path: Path, authority: Authority) -> None:
    with Broker(tmp_path, more=authority.server()) as broker:
        await (await works(broker.url, tls_ca=authority.ca)).close()
        other = Authority(tmp_path / "other")
        for ca in (other.ca, None):
            await refused(secure(broker), "not trusted .*: set TERMWALL_NATS_CA", tls_ca=ca)
        named = secure(broker).replace("127.0.0.1", "localhost")
        await refused(named, "not valid for 'localhost': use a name that is in its certificate", tls_ca=authority.ca)


async def test_a_server_that_verifies_wants_the_nodes_certificate(tmp_path: Path, authority: Authority) -> None:
    with Broker(tmp_path, more=authority.server(verify=True)) as broker:
        certificate, key = authority.issue("node")
        await (await works(broker.url, tls_ca=authority.ca, tls_cert=certificate, tls_key=key)).close()
        wanted = "set TERMWALL_NATS_CERT and TERMWALL_NATS_KEY to one that it trusts"
        await refused(broker.url, wanted, tls_ca=authority.ca)
        foreign = dict(zip(("tls_cert", "tls_key"), Authority(tmp_path / "other").issue("node"), strict=True))
        await refused(broker.url, wanted, tls_ca=authority.ca, **foreign)
        await refused(broker.url, "TLS files .* cannot be used", tls_ca=authority.ca, tls_cert=certificate)


async def test_tokens_and_passwords_come_from_the_address_and_may_hold_any_character(tmp_path: Path) -> None:
    with Broker(tmp_path / "token", more='authorization { token: "a b/c@%" }\n') as broker:
        await (await works(with_secret(broker.url, "a%20b%2Fc%40%25"))).close()
        await refused(with_secret(broker.url, "another"), "refuses this node's credentials")
        await refused(broker.url, "refuses this node's credentials")
    with Broker(tmp_path / "user", more='authorization { user: wall, password: "s:e/c" }\n') as broker:
        await (await works(with_secret(broker.url, "wall:s%3Ae%2Fc"))).close()
        for wrong in ("wall:other", "other:s%3Ae%2Fc", "wall"):
            await refused(with_secret(broker.url, wrong), "refuses this node's credentials")


@pytest.mark.parametrize(
    "address",
    [
        "nats://user:top/hush@127.0.0.1:4222",
        "nats://user:hush?@127.0.0.1:4222",
        "nats://hush#x@127.0.0.1:4222",
        "nats://user:[hush@127.0.0.1:4222",
        "nats://user:hush",  # What a comma leaves of it.
        "hush://x@127.0.0.1:4222",
        "user:hush/x@127.0.0.1:4222",
    ],
)
async def test_of_an_address_that_is_none_nothing_is_told(address: str, caplog: pytest.LogCaptureFixture) -> None:
    bus = NatsBus([address], "one", run="1")
    with pytest.raises(BusRefused, match="write %2F for `/`") as told:
        await bus.open()
    await bus.close()
    assert "hush" not in str(told.value) + caplog.text


async def test_a_credentials_file_is_a_signed_user_of_an_account(tmp_path: Path) -> None:
    operator = Operator()
    with Broker(tmp_path, more=operator.server) as broker:
        file = operator.user(tmp_path / "node.creds")
        bus = await works(broker.url, credentials=file)
        stranger = Operator().user(tmp_path / "stranger.creds")
        await refused(broker.url, "refuses this node's credentials", credentials=stranger)
        await refused(broker.url, "refuses this node's credentials")
        operator.user(file)  # Renewed: the next connection shows the new one.
        broker.kill()
        await until(lambda: not bus.up)
        await asyncio.to_thread(broker.start)
        await until(lambda: bus.up)
        await bus.close()


@pytest.mark.parametrize(
    "text", [None, "", "-----BEGIN NATS USER JWT-----\nx\n------END NATS USER JWT------\n", "\xff"]
)
async def test_a_file_that_holds_no_credentials_is_refused(tmp_path: Path, text: str | None) -> None:
    """The client library reads some of them for ever."""
    file = tmp_path / "node.creds"
    if text is not None:
        file.write_bytes(text.encode("latin-1"))
    await refused("nats://127.0.0.1:1", f"credentials file {file} cannot be used", credentials=file)


async def test_all_files_are_read_for_each_new_connection(tmp_path: Path) -> None:
    """What was right is not any more: the authority, its certificates and the operator are others after the outage."""
    authority, operator = Authority(tmp_path / "before"), Operator()
    files = dict(zip(("tls_cert", "tls_key"), authority.issue("node"), strict=True))
    files |= {"tls_ca": authority.ca, "credentials": operator.user(tmp_path / "node.creds")}
    with Broker(tmp_path / "nats", more=authority.server(verify=True) + operator.server) as broker:
        bus = await works(broker.url, **files)
    await until(lambda: not bus.up)
    authority, operator = Authority(tmp_path / "after"), Operator()
    more = authority.server(verify=True) + operator.server
    with Broker(tmp_path / "other", more=more, port=broker.port) as broker:
        for new, kept in zip((authority.ca, *authority.issue("node")), ("tls_ca", "tls_cert", "tls_key"), strict=True):
            files[kept].write_bytes(new.read_bytes())
        operator.user(files["credentials"])
        await until(lambda: bus.up, "that the renewed files are used")
        await bus.close()


@pytest.mark.parametrize("kind", ["token", "user", "file"])
@pytest.mark.parametrize("wanted", ["by the address", "by a file"])
async def test_nothing_secret_is_told_to_a_server_without_tls_where_tls_is_wanted(
    tmp_path: Path, authority: Authority, kind: str, wanted: str
) -> None:
    heard = bytearray()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = {"version": "2.15.1", "max_payload": 1 << 20, "headers": True, "auth_required": True, "nonce": "abc"}
        writer.write(b"INFO " + json.dumps(info).encode() + b"\r\n")
        while data := await reader.read(4096):
            heard.extend(data)
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        secret = {"token": "hidden@", "user": "wall:hidden@", "file": ""}[kind]
        scheme, options = ("tls", {}) if wanted == "by the address" else ("nats", {"tls_ca": authority.ca})
        url = f"{scheme}://{secret}127.0.0.1:{server.sockets[0].getsockname()[1]}"
        if kind == "file":
            options["credentials"] = Operator().user(tmp_path / "node.creds")
        await refused(url, "does not speak TLS", **options)
    assert b"CONNECT" not in heard


async def test_a_secure_server_that_dies_is_gone_back_to_over_tls(tmp_path: Path, authority: Authority) -> None:
    more = authority.server() + "authorization { token: secret }\n"
    with Broker(tmp_path, more=more) as broker:
        dead = f"tls://secret@127.0.0.1:{free_port()}"
        bus = await works(dead, with_secret(secure(broker), "secret"), tls_ca=authority.ca)
        broker.kill()
        await until(lambda: not bus.up)
        await asyncio.to_thread(broker.start)
        await until(lambda: bus.up)
        assert (await bus.get("key")) is not None
        await bus.close()


async def test_of_three_secure_servers_one_may_die(tmp_path: Path, authority: Authority) -> None:
    cluster = Cluster(tmp_path, more=authority.server() + "authorization { user: wall, password: secret }\n")
    await asyncio.to_thread(cluster.start)
    urls = [with_secret(secure(broker), "wall:secret") for broker in cluster.brokers]
    bus = NatsBus(urls, "one", run="1", replicas=3, open_seconds=15, tls_ca=authority.ca)
    try:
        await bus.open()
        cluster.brokers[0].kill()  # The one that it is connected to, or the next.
        await until(lambda: bus.up)
        async with asyncio.timeout(20):
            while True:
                try:
                    assert await bus.get("key") is None
                    break
                except BusError:
                    await asyncio.sleep(0.05)
    finally:
        await bus.close()
        cluster.stop()

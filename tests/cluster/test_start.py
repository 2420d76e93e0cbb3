"""A node's start as its user sees it: what the settings are for, and a sentence where it is refused."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.credentials import Authority, Operator
from tests.support.holder import end_holder
from tests.support.server import Server


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Server]:
    """A node with a certificate and credentials, all from the environment."""
    authority, operator = Authority(tmp_path / "authority"), Operator()
    certificate, key = authority.issue("node")
    with Broker(tmp_path / "nats", more=authority.server(verify=True) + operator.server) as broker:
        env = {
            "TERMWALL_NATS": broker.url.replace("nats:", "tls:"),
            "TERMWALL_NATS_CA": str(authority.ca),
            "TERMWALL_NATS_CERT": str(certificate),
            "TERMWALL_NATS_KEY": str(key),
            "TERMWALL_NATS_CREDENTIALS": str(operator.user(tmp_path / "node.creds")),
            "TERMWALL_NODE": "one",
        }
        server = Server(tmp_path / "one", env=env)
        try:
            await asyncio.to_thread(server.start)
            yield server
        finally:
            await asyncio.to_thread(server.end)
    assert not server.tracebacks(), server.tracebacks()


def refused(server: Server, folder: Path, **other: str) -> str:
    """What the start of another node with these settings says before it ends."""
    other_node = Server(folder, env={**server.env, **other})
    with pytest.raises(AssertionError, match="''"):  # No ready line.
        other_node.start()
    assert other_node.process is not None
    assert other_node.process.wait(10) == 1
    other_node.end()
    assert not other_node.tracebacks(), other_node.tracebacks()
    return other_node.errors.read_text()


async def test_N6_settings_make_a_node_of_a_wall_and_what_is_refused_is_a_sentence(one: Server, tmp_path: Path) -> None:
    assert one.call("GET", "/api/health").json()["engine"] == "up"
    cases: list[tuple[str, dict[str, str], str]] = [
        ("twin", {}, "A node called one is already there; give this one another --node."),
        ("wrong", {"TERMWALL_NATS_CA": str(Authority(tmp_path / "wrong").ca)}, "set TERMWALL_NATS_CA to"),
    ]
    for name, settings, sentence in cases:
        said = await asyncio.to_thread(refused, one, tmp_path / name, **settings)
        assert sentence in said
    assert one.call("GET", "/api/health").json()["engine"] == "up"
    # The same name on another wall of the same NATS server is another node.
    other = Server(tmp_path / "other", env={**one.env, "TERMWALL_WALL": "other"})
    try:
        await asyncio.to_thread(other.start)
        one.project(tmp_path / "work", id="wall")
        assert [node["name"] for node in other.call("GET", "/api/nodes").json()["nodes"]] == ["one"]
        assert other.call("GET", "/api/projects/wall").status_code == 404
    finally:
        await asyncio.to_thread(other.end)
    assert not other.tracebacks(), other.tracebacks()


async def test_L3_a_stop_waits_for_no_nats_that_hangs(tmp_path: Path) -> None:
    with Broker(tmp_path / "nats") as broker:
        server = Server(tmp_path / "data", "--nats", broker.url, "--node", "one")
        await asyncio.to_thread(server.start)
        server.project(tmp_path / "work", id="wall")
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            assert await asyncio.to_thread(server.stop) == 0
        finally:
            os.kill(broker.pid, signal.SIGCONT)
            end_holder(server.data_dir)
        assert not server.tracebacks(), server.tracebacks()

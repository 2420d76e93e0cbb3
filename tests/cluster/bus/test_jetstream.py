"""A NATS server that is reached and does not do its work says why, and so do the nodes, with what to do."""

import asyncio
from pathlib import Path

import pytest

from termwall.cluster.bus.contract import BusFails, BusRefused, Document
from termwall.cluster.bus.nats import NatsBus
from tests.support.broker import Broker
from tests.support.patience import until
from tests.support.server import Server


def only(permissions: str) -> str:
    """A NATS configuration whose one user has these permissions."""
    return f"authorization {{ users: [ {{ user: wall, password: x, permissions: {{ {permissions} }} }} ] }}\n"


def bus_of(broker: Broker) -> NatsBus:
    return NatsBus([broker.url.replace("//", "//wall:x@")], "one", run="1")


async def fill(bus: NatsBus) -> None:
    """Store a megabyte."""
    document: Document | None = None
    for _ in range(50):
        document = await bus.compare_and_set("key", document, {"text": "x" * 20_000})


@pytest.mark.parametrize(
    ("permissions", "says"),
    [
        ('publish: { deny: ["$JS.API.>"] }', r"may not publish to `\$JS\.API\.>`"),
        ('subscribe: { deny: ["_INBOX.>"] }', r"may not subscribe to `_INBOX\.>`"),
        ('publish: { deny: ["_INBOX.>"] }', r"may not publish to `_INBOX\.>`"),
        ('publish: { deny: ["termwall.>"] }', "may not publish to `termwall.who.one`"),
        ('subscribe: { deny: ["termwall.presence.*"] }', "may not subscribe to `termwall.presence.*`"),
    ],
)
async def test_case_server_5_an_account_without_a_permission_is_refused_at_once_with_its_name(
    tmp_path: Path, permissions: str, says: str
) -> None:
    with Broker(tmp_path, more=only(permissions)) as broker:
        bus = bus_of(broker)
        with pytest.raises(BusRefused, match=says) as refused:
            await bus.open()
        assert "docs/how-to/nodes.md" in str(refused.value)
        await bus.close()


async def test_case_server_5_the_permissions_of_the_guide_are_enough(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[3] / "docs/how-to/nodes.md").read_text()
    granted = guide.partition("permissions: {")[2].partition("\n  }")[0]
    assert "publish" in granted
    with Broker(tmp_path, more=only(granted)) as broker:
        bus = bus_of(broker)
        await bus.open()
        heard: list[Document] = []
        watch = await bus.watch(heard.append, ready=lambda: None)
        document: Document | None = None
        for number in range(20):
            document = await bus.compare_and_set("key", document, {"number": number})
        await until(lambda: heard and heard[-1].version == 20, "what was stored")
        serving = await bus.serve("echo.one", lambda data: asyncio.sleep(0, data))
        assert await bus.request("echo.one", b"hello", seconds=5) == b"hello"
        for one in (watch, serving):
            await one.end()
        await bus.close()


async def test_case_server_5_a_full_storage_is_told_as_that(tmp_path: Path) -> None:
    full = f'jetstream {{ store_dir: "{tmp_path}/store", max_file_store: 200KB }}\n'
    account = "accounts { A: { jetstream: { max_file: 200KB }, users: [ { user: wall, password: x } ] } }\n"
    for number, (more, jetstream) in enumerate(((full, False), (account, True))):
        if not jetstream:
            more += only('publish: ">", subscribe: ">"')
        with Broker(tmp_path / str(number), more=more, jetstream=jetstream) as broker:
            bus = bus_of(broker)
            await bus.open()
            with pytest.raises(BusFails, match=r"NATS has no room to store it .*: free disk space"):
                await fill(bus)
            assert bus.up
            await bus.close()


async def test_case_server_5_messages_that_are_too_small_are_refused(tmp_path: Path) -> None:
    with Broker(tmp_path, more="max_payload: 4096\n" + only('publish: ">"')) as broker:
        bus = bus_of(broker)
        with pytest.raises(BusRefused, match="carries messages of 4096 bytes at most; termwall needs 8192 or more"):
            await bus.open()
        await bus.close()


async def test_case_server_5_scrollback_output_and_recordings_cross_a_small_max_payload(tmp_path: Path) -> None:
    with Broker(tmp_path / "nats", more="max_payload: 16384\n") as broker:
        one, two = (Server(tmp_path / name, "--nats", broker.url, "--node", name) for name in ("one", "two"))
        try:
            one.start().project(tmp_path / "work", id="wall")
            two.start()
            lines = f"seq -f 'line %g {'0' * 100}' 900"
            session = one.session("wall", "sh", "-c", f"read go; {lines}; exec cat", cols=120)
            record = one.call("POST", f"/api/sessions/{session}/recording", {}).json()["id"]
            one.call("POST", f"/api/sessions/{session}/input", {"data": "go\n"})
            screen = f"/api/sessions/{session}/screen?scrollback=1000"
            await until(lambda: "line 900 " in one.call("GET", screen).text, "the output", 60)
            await until(lambda: two.call("GET", screen).status_code == 200, "the session on the other node", 60)
            there = two.call("GET", screen)
            assert "line 1 " in there.text
            assert "line 900 " in there.text
            assert len(there.content) > 64 << 10
            assert one.call("DELETE", f"/api/sessions/{session}/recording").status_code == 200
            cast = f"/api/recordings/{record}/cast"
            assert two.call("GET", cast).content == one.call("GET", cast).content
        finally:
            for server in (two, one):
                server.end()

"""Sessions of one node on the clients of another: their output, their screens, and what is typed, through outages."""

import asyncio
import itertools
import random
from pathlib import Path
from typing import Any

import pytest

from termwall.cluster.bus.parcel import PROTOCOL, OutFrame, pack, unpack, unpack_frame
from termwall.cluster.sessions.distant import DistantSession
from termwall.core.clients import bound
from termwall.core.errors import TermwallError
from termwall.core.ids import ClientId
from tests.support.local_bus import LocalBroker
from tests.support.nodes import Nodes, OneNode
from tests.support.patience import until
from tests.support.wall import Line

RAW = "stty raw -echo; echo READY; exec cat"
COUNTING = (
    "stty -echo; i=0; while :; do n=$((i+200)); "
    "while [ $i -lt $n ]; do i=$((i+1)); echo line $i; done; sleep 0.01; done"
)


def distant(node: OneNode, session: str) -> DistantSession:
    found = node.service.room("wall").sessions[session]  # type: ignore[index]
    assert isinstance(found, DistantSession)
    return found


async def known(node: OneNode, session: str) -> None:
    await until(lambda: session in node.service.room("wall").sessions, "the session on the other node")


async def test_A2_a_session_is_known_on_the_other_node_with_all_that_changes(two: Nodes) -> None:
    _, host, gateway = two
    line = gateway.wall.line()
    host.wall.session(
        "a", "sh", "-c", "printf '\\033]2;its title\\007'; read x; printf '\\033]9;may I?\\007'; read x; exit 3"
    )
    await until(lambda: [m for m in line.of("session_update") if (m.get("session") or {}).get("id") == "a"])
    assert gateway.service.get_session("a").node == "host"
    await until(lambda: [m for m in line.of("session_update") if m.get("title") == "its title"])
    host.service.rename_session("a", "another name")
    await until(lambda: [m for m in line.of("session_update") if m.get("name") == "another name"])
    host.service.write_input("a", "\n")
    await until(lambda: gateway.service.get_session("a").attention.state == "needs input")
    host.service.write_input("a", "\n")
    await until(lambda: gateway.service.get_session("a").status == "exited")
    assert gateway.service.get_session("a").exit_code == 3
    await host.service.delete_session("a")
    await until(lambda: "a" not in gateway.service.room("wall").sessions)
    assert line.last("session_update", "removed")["removed"] is True


async def test_S2_S3_N3_a_focused_session_streams_to_the_other_node(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", RAW)
    await known(gateway, "a")
    line = gateway.wall.line("mia")
    line.say("focus", sessionId="a")
    await line.sees("a", "READY")
    frames = [m for m in line.messages if m["type"] == "frame"]
    assert (frames[0]["kind"], frames[0]["reason"]) == (2, 2)
    line.say("input", sessionId="a", data="typed there", seq=1)
    await line.sees("a", "typed there")
    await until(lambda: line.of("input_ack"), "the answer")
    assert line.last("input_ack")["seq"] == 1
    await until(lambda: gateway.service.get_session("a").driver is not None)
    driver = gateway.service.get_session("a").driver
    assert driver is not None
    assert driver.client_id == "mia"
    line.say("input", sessionId="a", data="typed there", seq=1)
    line.say("input", sessionId="a", data="x", seq=3)
    await until(lambda: line.of("error"), "the gap")
    assert (line.last("error")["code"], line.last("error")["expected"]) == ("input_gap", 2)
    assert host.wall.service.get_session("a").offset == len("READY\n") + len("typed there")


async def test_case_hardening_L6_on_another_node_too_a_client_is_who_its_token_says(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", RAW)
    await known(gateway, "a")
    mia, jo = (gateway.wall.line("page", token=token, role="type") for token in ("t1", "t2"))
    mia.say("focus", sessionId="a")
    await until(lambda: "READY" in mia.text("a"), lambda: str(mia.messages[-5:]))
    for line, data, seq in ((mia, "m1", 1), (jo, "j1", 1), (jo, "j2", 2), (mia, "m2", 2)):
        line.say("input", sessionId="a", data=data, seq=seq)
        await mia.sees("a", data)
        await until(lambda line=line, seq=seq: line.of("input_ack") and line.last("input_ack")["seq"] == seq)
    driver = bound("page", "t1")
    await until(lambda: [m for m in jo.of("session_update") if (m.get("driver") or {}).get("clientId") == driver])
    assert mia.last("session_update", "driver")["driver"]["clientId"] == "page", "it reads its own id as it gave it"
    for node in (host, gateway):
        found = node.service.get_session("a").driver
        assert found is not None
        assert found.client_id == driver, "and between the nodes it is whole"


async def test_I4_the_driver_of_another_node_decides_the_size_until_it_leaves(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", RAW)
    await known(gateway, "a")
    there, here = gateway.wall.line("mia"), host.wall.line("kim")
    there.say("resize", sessionId="a", data={"cols": 101, "rows": 31})
    await until(lambda: host.service.get_session("a").cols == 101)
    here.say("resize", sessionId="a", data={"cols": 50, "rows": 20})
    assert host.service.get_session("a").cols == 101
    await until(lambda: gateway.service.get_session("a").cols == 101)
    there.leave()
    await until(lambda: host.service.get_session("a").driver is None)
    here.say("drive", sessionId="a")
    await until(lambda: gateway.service.get_session("a").cols == 50)


async def test_S5_an_unwatched_session_sends_nothing_and_a_watched_one_all(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", COUNTING)
    await known(gateway, "a")
    await until(lambda: host.service.get_session("a").offset > 50_000)
    assert not host.node.host._attachments
    assert not distant(gateway, "a").has_copy
    line = gateway.wall.line()
    line.say("focus", sessionId="a")
    await until(lambda: len(line.text("a")) > 100_000, "output")
    check(line, "a")


async def test_S5_a_session_that_nobody_looks_at_any_more_is_sent_no_longer(
    two: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("termwall.cluster.sessions.gateway.REST_SECONDS", 0.2)
    broker, host, gateway = two
    host.wall.session("a", "sh", "-c", COUNTING)
    await known(gateway, "a")
    line = gateway.wall.line()
    line.say("focus", sessionId="a")
    await until(lambda: len(line.text("a")) > 10_000, "output")
    assert (gateway.node.streams(), host.node.streams()) == ((1, 0), (0, 1))
    line.leave()
    await until(lambda: host.node.streams() == (0, 0), "the end")
    sent: list[str] = []
    carry = broker.carry

    def counted(subject: str, data: bytes) -> None:
        sent.append(subject)
        carry(subject, data)

    broker.carry = counted  # type: ignore[method-assign]
    end = host.service.get_session("a").offset
    await until(lambda: host.service.get_session("a").offset > end + 50_000, "more output")
    assert "out.gateway" not in sent
    assert gateway.node.streams() == (0, 0)
    assert not distant(gateway, "a").has_copy


async def test_S5_a_gateway_that_confirms_nothing_gets_512_KiB_and_no_more(
    two: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("termwall.core.relay.LEASE_SECONDS", 1.0)
    monkeypatch.setattr("termwall.core.relay.RESEND_SECONDS", 0.4)
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", COUNTING)
    await until(lambda: host.service.get_session("a").offset > 600 << 10, "more than that")
    frames: list[OutFrame] = []
    await gateway.bus.subscribe(
        "out.silent", lambda _, data: frames.append(unpack_frame(data)), budget=64 << 20, lagged=lambda: None
    )
    asked = {"gateway": "silent", "session": "a", "epoch": host.service.get_session("a").epoch}
    answer = await gateway.bus.request("host.host.attach", pack({**asked, "offset": 0, "number": 1}), seconds=2)
    assert unpack(answer)[0]["ok"]
    await until(lambda: host.node.streams() == (0, 0), "the end of its lease")
    assert max(frame.offset + len(frame.data) for frame in frames) == 512 << 10
    # What got lost is sent again, each time after a while.
    assert sum(len(frame.data) for frame in frames) <= 3 * (512 << 10)


def check(line: Line, session: str) -> None:
    """No line is missing or doubled since the last snapshot."""
    frames = [one for one in line.messages if one["type"] == "frame" and one["sessionId"] == session]
    last = max(index for index, one in enumerate(frames) if one["kind"] == 2)
    count = sum(one["bytes"] for one in frames[last + 1 :])
    lines = bytes(line.output[session])[-count:].decode().replace("\r", "").split("\n")[1:-1]
    numbers = [int(text.removeprefix("line ")) for text in lines]
    assert len(numbers) > 100
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_W11_a_client_goes_on_exactly_on_another_node(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", RAW)
    await host.service.set_session_focus("a")
    first = host.wall.line("mia")
    await first.sees("a", "READY")
    place = {"epoch": host.service.get_session("a").epoch, "offset": first.offsets["a"]}
    first.leave()
    host.service.write_input("a", "meanwhile")
    await known(gateway, "a")
    second = gateway.wall.line("mia", resume=True)
    second.output["a"], second.offsets["a"] = bytearray(), place["offset"]
    second.say("sync_request", offsets={"a": place})
    assert second.last("sync_complete")["streams"]["a"]["resume"] == "exact"
    await second.sees("a", "meanwhile")
    assert second.text("a") == "meanwhile"
    assert not [m for m in second.messages if m["type"] == "frame" and m["kind"] == 2]


async def test_W11_a_place_that_never_was_gets_a_picture(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", RAW)
    await host.service.set_session_focus("a")
    await known(gateway, "a")
    line = gateway.wall.line("mia", resume=True)
    line.say("sync_request", offsets={"a": {"epoch": host.service.get_session("a").epoch, "offset": 10**9}})
    await line.sees("a", "READY")
    host.service.write_input("a", "goes on")
    await line.sees("a", "goes on")


async def test_W11_a_place_that_never_was_gets_a_picture_also_if_its_node_is_asked_twice(two: Nodes) -> None:
    """The second time the place was taken for one that this node had reached itself, and nothing came any more."""
    broker, host, gateway = two
    host.wall.session("a", "sh", "-c", RAW)
    await host.service.set_session_focus("a")
    await known(gateway, "a")
    broker.silence("host")
    line = gateway.wall.line("mia", resume=True)
    line.say("sync_request", offsets={"a": {"epoch": host.service.get_session("a").epoch, "offset": 10**9}})
    await until(lambda: gateway.service.get_session("a").status == "lost")
    broker.join("host")
    await until(lambda: gateway.service.get_session("a").status == "running")
    await line.sees("a", "READY")
    host.service.write_input("a", "goes on")
    await line.sees("a", "goes on")


async def test_S6_a_place_that_a_client_names_does_not_stop_the_previews_of_all(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", "echo first words; read x; echo second words; exec cat")
    await known(gateway, "a")
    line, stranger = gateway.wall.line(), gateway.wall.line(role="view")
    line.say("preview", sessionIds=["a"])
    await until(lambda: "first words" in str(line.of("preview")[-1:]), "the first picture")
    place = {"epoch": host.service.get_session("a").epoch, "offset": 2**60}
    shows = distant(gateway, "a").shows
    stranger.say("sync_request", offsets={"a": place})
    assert distant(gateway, "a").shows == shows, "it is not where its output ends"
    host.service.write_input("a", "\n")
    await until(lambda: "second words" in str(line.of("preview")[-1:]), "the next one")
    line.say("focus", sessionId="a")
    for one in (line, stranger):
        await one.sees("a", "second words")


async def test_S6_a_preview_of_another_nodes_session_shows_its_screen(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", "echo first words; read x; echo second words; exec cat")
    await known(gateway, "a")
    line = gateway.wall.line()
    line.say("preview", sessionIds=["a"])
    await until(lambda: "first words" in str(line.of("preview")[-1:]), "the first picture")
    host.service.write_input("a", "\n")
    await until(lambda: "second words" in str(line.of("preview")[-1:]), "the next one")
    assert not distant(gateway, "a").has_copy


async def test_S1_a_restart_there_is_a_new_epoch_here(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", "echo $$; exec cat")
    await known(gateway, "a")
    line = gateway.wall.line()
    line.say("focus", sessionId="a")
    await line.sees("a", str(host.service._find("a")[1].process.pid))
    await host.service.restart_session("a")
    await line.sees("a", str(host.service._find("a")[1].process.pid))
    epochs = [m["epoch"] for m in line.of("session_update") if m.get("epoch")]
    assert epochs[-1] == host.service.get_session("a").epoch


async def test_S1_after_a_restart_no_byte_of_the_run_before_comes(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", "read x; echo run $$; exec cat")
    await known(gateway, "a")
    line = gateway.wall.line()
    line.say("focus", sessionId="a")
    for _ in range(3):
        session = host.service._find("a")[1]
        await until(lambda epoch=session.epoch: gateway.service.get_session("a").epoch == epoch)  # type: ignore[misc]
        await until(lambda: distant(gateway, "a").receiver is not None and line.offsets.get("a") == 0)
        host.service.write_input("a", "\n")  # Each run prints as many bytes at the same offsets.
        await line.sees("a", f"run {session.process.pid}")
        await host.service.restart_session("a")


def sized(line: Line, cols: int) -> list[int]:
    """Where among its messages a client was told this width; snapshots after a size change as negative numbers."""
    told = []
    for index, message in enumerate(line.messages):
        if message.get("cols") == cols and message["type"] == "session_update":
            told.append(index)
        elif message.get("cols") == cols and message.get("reason") == 6:
            told.append(-index)
    return told


async def test_S3_a_size_change_is_told_on_the_other_node_without_output_and_the_screen_is_drawn_anew(
    two: Nodes,
) -> None:
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", RAW)
    await known(gateway, "a")
    line, driver = gateway.wall.line(), host.wall.line("kim")
    line.say("focus", sessionId="a")
    for one in (line, driver):
        await one.sees("a", "READY")
    driver.say("drive", sessionId="a", data={"cols": 101, "rows": 33})
    driver.say("drive", sessionId="a", data={"cols": 111, "rows": 33})
    for one in (line, driver):
        await until(lambda one=one: len(sized(one, 111)) >= 2, "the size, and the picture")  # type: ignore[misc]
        first, second = sized(one, 111)
        assert first > 0 > second
        assert len(sized(one, 101)) == 1, "only the last of a series is drawn"
    place = line.messages[sized(line, 111)[0]]
    assert (place["offset"], place["epoch"]) == (len("READY\n"), host.service.get_session("a").epoch)
    host.service.write_input("a", "x")
    await line.sees("a", "x")
    assert len(sized(line, 111)) == 2, "and it is told once"


async def test_S3_N3_without_a_screen_worker_the_log_is_replayed_on_the_other_node_too(tmp_path: Path) -> None:
    broker = LocalBroker()
    host = OneNode.local(broker, "host", tmp_path / "host", ring_bytes=1 << 17, replay_bytes=1 << 12)
    gateway = OneNode.local(broker, "gateway", tmp_path / "gateway", project=False)
    for node in (host, gateway):
        await node.node.open()
    await until(lambda: gateway.service.find_room("wall"), "the project")
    host.wall.session("a", "sh", "-c", RAW)
    host.wall.session("b", "sh", "-c", "seq 1 40000; exec cat")
    for name, bytes_printed in (("a", 6), ("b", 268_894)):
        await known(gateway, name)
        await until(lambda name=name, most=bytes_printed: host.service.get_session(name).offset >= most)  # type: ignore[misc]
    line = gateway.wall.line()
    line.say("focus", sessionIds=["a", "b"])
    await line.sees("a", "READY")
    await line.sees("b", "40000")
    lines = line.text("b").replace("\r", "").split("\n")[:-1]
    assert 100 < len(lines) <= 1000
    assert lines == [str(number) for number in range(40_001 - len(lines), 40_001)]
    for node in (gateway, host):
        await node.close()


async def test_X4_of_too_many_clients_elsewhere_the_longest_silent_one_is_forgotten(
    two: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("termwall.cluster.sessions.host.MOST_GUESTS", 2)
    _, host, gateway = two
    host.wall.session("a")
    await known(gateway, "a")
    lines = {name: gateway.wall.line(name) for name in ("one", "two", "three")}
    guests = host.node.host._guests  # type: ignore[union-attr]
    for name in ("one", "two", "one", "three"):
        lines[name].say("drive", sessionId="a")
        await until(lambda name=name: next(reversed(guests), ("", "", ""))[2] == name)  # type: ignore[misc]
    assert [client for _, _, client in guests] == ["one", "three"]


async def test_N5_a_node_that_is_away_or_hangs_is_told_and_comes_back(two: Nodes) -> None:
    broker, host, gateway = two
    host.wall.session("a", "sh", "-c", RAW)
    await known(gateway, "a")
    line = gateway.wall.line("mia")
    line.say("focus", sessionId="a")
    await line.sees("a", "READY")
    broker.silence("host")
    await until(lambda: gateway.service.get_session("a").status == "lost")
    assert gateway.service.get_session("a").attention.reason == "node host is away"
    assert line.last("session_update", "away")["away"] == "node host is away"
    line.say("input", sessionId="a", data="once", seq=1)
    host.service.write_input("a", "while away")
    broker.join("host")
    await until(lambda: gateway.service.get_session("a").status == "running")
    await line.sees("a", "while away")
    await line.sees("a", "once")
    assert line.last("input_ack")["seq"] == 1
    assert host.service.get_session("a").offset == len("READY\n") + len("while away") + len("once")


@pytest.mark.parametrize("arrives", [True, False])
async def test_I1_I2_N4_what_could_not_be_typed_in_time_is_told_and_never_typed_later(
    two: Nodes, arrives: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("termwall.cluster.sessions.actions.TYPED_SECONDS", 0.3)
    monkeypatch.setattr("termwall.cluster.sessions.actions.ANSWER_SECONDS", 0.2)
    broker, host, gateway = two
    host.wall.session("a", "sh", "-c", RAW)
    await known(gateway, "a")
    line = gateway.wall.line("mia")
    line.say("focus", sessionId="a")
    await line.sees("a", "READY")
    if arrives:  # The request arrives; its answer does not.
        line.say("input", sessionId="a", data="x", seq=1)
        session = host.service._find("a")[1]
        await until(lambda: session.core.inputs.last(ClientId("mia")) == 1)
        broker.silence("gateway")
    else:
        broker.silence("gateway")
        line.say("input", sessionId="a", data="x", seq=1)
    await asyncio.sleep(0.6)
    broker.join("gateway")
    await until(lambda: line.of("input_ack") or line.of("error"), "what became of it")
    if line.of("error"):
        assert line.last("error")["code"] == "engine_away"
        line.say("input", sessionId="a", data="y", seq=1)
    else:
        line.say("input", sessionId="a", data="y", seq=2)
    await line.sees("a", "y")
    typed = bytes(host.service._find("a")[1].ring.read(6, host.service.get_session("a").offset))
    assert typed == (b"y" if line.of("error") else b"xy")


async def test_I1_N4_what_was_typed_and_whose_answer_was_lost_is_acknowledged_once_its_node_is_back(
    two: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("termwall.cluster.sessions.actions.TYPED_SECONDS", 0.3)
    monkeypatch.setattr("termwall.cluster.sessions.actions.ANSWER_SECONDS", 0.2)
    broker, host, gateway = two
    host.wall.session("a", "sh", "-c", RAW)
    await known(gateway, "a")
    line = gateway.wall.line("mia")
    line.say("focus", sessionId="a")
    await line.sees("a", "READY")
    session = host.service._find("a")[1]
    takes = session.do

    def takes_and_is_parted(*arguments: Any) -> None:
        takes(*arguments)
        broker.silence("gateway")

    monkeypatch.setattr(session, "do", takes_and_is_parted)
    line.say("input", sessionId="a", data="x", seq=1)
    await until(lambda: host.service.get_session("a").offset == len("READY\nx"), "that it is typed")
    await asyncio.sleep(0.6)
    assert line.of("input_ack") == line.of("error") == [], "nobody knows"
    monkeypatch.setattr(session, "do", takes)
    broker.join("gateway")
    await until(lambda: line.of("input_ack"), "the answer")
    assert line.last("input_ack")["seq"] == 1
    assert line.of("error") == []
    await line.sees("a", "x")
    assert host.service.get_session("a").offset == len("READY\nx")


@pytest.mark.parametrize("seed", [1, 2])
async def test_S3_I1_outages_cost_no_byte_and_no_key(two: Nodes, seed: int) -> None:
    broker, host, gateway = two
    chance = random.Random(seed)
    host.wall.session("a", "sh", "-c", RAW)
    host.wall.session("b", "sh", "-c", COUNTING)
    for name in "ab":
        await known(gateway, name)
    line = gateway.wall.line("mia")
    line.say("focus", sessionIds=["a", "b"])
    await line.sees("a", "READY")
    typed, numbers = "", itertools.count(1)
    for _ in range(3):
        for _ in range(4):
            piece, number = f"<{len(typed)}>", next(numbers)
            acked = len(line.of("input_ack"))
            line.say("input", sessionId="a", data=piece, seq=number)
            if chance.random() < 0.3:
                broker.silence(chance.choice(["host", "gateway"]))
                await asyncio.sleep(chance.random() * 0.3)
                for one in ("host", "gateway"):
                    broker.join(one)
            await until(lambda count=acked: len(line.of("input_ack")) > count or line.of("error"))  # type: ignore[misc]
            assert not line.of("error")
            typed += piece
        if chance.random() < 0.7:
            which = chance.choice(["host", "gateway"])
            broker.cut(which)
            await asyncio.sleep(chance.random() * 1.0)
            broker.join(which)
            await until(lambda: all(s.status == "running" for s in gateway.service.list_sessions("wall")))
    await until(lambda: typed in line.text("a").replace("READY\n", ""), "all that was typed")
    assert host.service.get_session("a").offset == len("READY\n") + len(typed)
    end = host.service.get_session("b").offset
    await until(lambda: line.offsets["b"] >= end, "the output")
    check(line, "b")


async def test_S6_what_changes_often_is_told_only_where_somebody_looks_at_the_project(two: Nodes) -> None:
    broker, host, gateway = two
    sent: list[str] = []
    carry = broker.carry

    def counted(subject: str, data: bytes) -> None:
        if not subject.startswith("presence"):
            sent.append(subject)
        carry(subject, data)

    broker.carry = counted  # type: ignore[method-assign]
    host.wall.session("a", "sh", "-c", "i=0; while read x; do i=$((i+1)); printf '\033]2;title %d\007' $i; done")
    await known(gateway, "a")
    sent.clear()
    for number in range(1, 4):
        host.service.write_input("a", "\n")
        await until(lambda number=number: host.service.get_session("a").title == f"title {number}")  # type: ignore[misc]
    host.service.room("wall").sweep()
    host.service.rename_session("a", "renamed")
    await until(lambda: gateway.service.get_session("a").name == "renamed", "what everybody is told")
    assert set(sent) == {"news.host"}, "and nothing else"
    assert len(sent) == 1
    # Whoever asks gets it as it is, and is told for a while; so are clients.
    await gateway.service.fresh("wall")
    assert gateway.service.get_session("a").title == "title 3"
    line = gateway.wall.line()
    host.service.write_input("a", "\n")
    await until(lambda: [m for m in line.of("session_update") if m.get("title") == "title 4"])


async def test_S6_a_node_that_was_not_told_something_is_told_all_when_it_says_that_it_looks(
    two: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("termwall.cluster.sessions.roster.LOOK_SECONDS", 0.1)
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", "read x; printf '\033]2;its title\007'; read x")
    await known(gateway, "a")
    line = gateway.wall.line()
    await until(lambda: host.node.host._news._looked)
    host.node.host._news.left("gateway")  # As if a message had not found room.
    host.service.write_input("a", "\n")
    await until(lambda: host.service.get_session("a").title == "its title")
    await until(lambda: gateway.service.get_session("a").title == "its title")
    await until(lambda: [m for m in line.of("session_update") if (m.get("session") or {}).get("title") == "its title"])


async def test_N5_a_node_that_speaks_otherwise_is_shown_as_away(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a")
    await known(gateway, "a")
    about = dict(gateway.bus.members()["host"].about)
    host.node._beat.cancel()  # type: ignore[union-attr]
    host.bus.announce({**about, "protocol": PROTOCOL + 1, "version": "99"})
    await until(lambda: gateway.service.get_session("a").status == "lost")
    away = gateway.service.get_session("a").away
    assert away is not None
    assert "99" in away
    host.bus.announce(about)
    await until(lambda: gateway.service.get_session("a").status == "running")


def code(node: OneNode, session: str) -> str:
    with pytest.raises(TermwallError) as refused:
        node.service.get_session(session)
    return refused.value.code


async def test_N5_a_node_that_just_started_does_not_say_that_there_is_no_such_session(
    two: Nodes, tmp_path: Path
) -> None:
    """Once a client that came back to it was told so, and what it had typed was dropped."""
    broker, _, _ = two
    late = OneNode.local(broker, "late", tmp_path / "late", project=False)
    await late.node.open()
    assert code(late, "nobody's") == "engine_away"
    await until(lambda: code(late, "nobody's") == "unknown_session")
    await late.close()


async def test_N5_a_session_on_the_stage_whose_node_was_never_heard_can_only_leave_it(
    two: Nodes, tmp_path: Path
) -> None:
    broker, host, _ = two
    for name in ("a", "b"):
        host.wall.session(name)
    await host.service.set_session_focus("a")
    await host.service.set_session_focus("b")
    broker.cut("host")
    late = OneNode.local(broker, "late", tmp_path / "late", project=False)
    await late.node.open()
    await until(lambda: code(late, "nobody's") == "unknown_session", "what it can know is known")
    line = late.wall.line()
    line.say("input", sessionId="a", data="x", seq=1)
    assert (line.last("error")["code"], line.last("error")["sessionId"]) == ("engine_away", "a")
    line.say("focus", sessionIds=["b"])
    await until(lambda: late.stage == (3, ["b"]))
    line.say("focus", sessionId="b", focused=False)
    await until(lambda: late.stage == (4, []))
    line.say("focus", sessionId="b", focused=False)
    assert line.last("error")["code"] == "unknown_session"
    broker.join("host")
    await until(lambda: host.stage == (4, []) and "a" in late.service.room("wall").sessions)
    await late.close()


async def test_case_page_33_N3_another_node_knows_that_a_program_hides_what_is_typed(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", "echo READY; read x; stty -echo; printf 'Password: '; read y; exec cat")
    await known(gateway, "a")
    line = gateway.wall.line("mia")
    line.say("focus", sessionId="a")
    await line.sees("a", "READY")
    line.say("input", sessionId="a", data="go\n")
    await until(lambda: [one for one in line.of("session_update") if one.get("echo") == "off"], "the hint")
    await line.sees("a", "Password: ")


async def test_case_page_32_N2_another_node_knows_who_took_a_session_from_the_stage(two: Nodes) -> None:
    _, host, gateway = two
    host.wall.session("a", "sh", "-c", RAW)
    await known(gateway, "a")
    line, other = gateway.wall.line("mia"), host.wall.line("jo")
    line.say("focus", sessionId="a")
    await until(lambda: other.of("focus_update"), "the stage on the other node")
    assert other.last("focus_update")["by"] == {"clientId": "mia", "name": None}
    other.say("blur", sessionId="a")
    await until(lambda: len(line.of("focus_update")) == 2, "the stage here")
    assert line.last("focus_update")["by"]["clientId"] == "jo"
    await gateway.service.set_session_focus("a")
    await until(lambda: len(other.of("focus_update")) == 3, "the stage there")
    assert other.last("focus_update")["by"] == {"clientId": "http", "name": None}

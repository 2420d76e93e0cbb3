"""Recordings and search over all nodes: real services and their applications, joined by a bus with dials."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest
import uvicorn

from termwall.cluster.bus.parcel import unpack
from termwall.cluster.calls.answer import MOST_PIECES, PIECE_BYTES
from termwall.cluster.calls.gather import GATHERED
from termwall.core.shares import Shares
from termwall.protocol.recordings import Match, Recording, SearchAnswer
from termwall.server import _Server, listen
from termwall.transport.picows_edge import http_protocol
from tests.support.local_bus import LocalBroker
from tests.support.nodes import OneNode
from tests.support.patience import PATIENCE, until
from tests.support.site import OWNER, Reader, Site

LONG = 20 << 20
"""Bytes: more than ever was carried in one piece."""
LIST = "/api/projects/wall/recordings"


class Broker(LocalBroker):
    """`drops`: which messages get lost. It keeps the subjects of all calls."""

    def __init__(self) -> None:
        super().__init__()
        self.called: list[str] = []
        self.drops: Callable[[str, bytes], bool] = lambda subject, data: False

    def carry(self, subject: str, data: bytes) -> None:
        if subject.startswith("call."):
            self.called.append(subject)
        if not self.drops(subject, data):
            super().carry(subject, data)


Sites = tuple[Broker, Site, Site]


def keep(folder: Path, id: str, started_at: int, data: bytes, project: str = "wall") -> None:
    """A recording of an earlier server."""
    place = folder / "recordings" / id
    place.mkdir(parents=True)
    (place / "1.cast").write_bytes(data)
    kept = Recording(
        id=id,
        project_id=project,
        session_id=f"gone-{id}",
        session_name=f"session of {id}",
        command=["cat"],
        started_at=started_at,
        ended_at=started_at + 1000,
        bytes=len(data),
        first_part=1,
        parts=1,
        cols=80,
        rows=24,
        error=None,
    )
    (place / "recording.json").write_text(kept.model_dump_json())


def long_cast() -> bytes:
    """`LONG` bytes of which no piece is like another."""
    head, line = cast(), b'[0.5,"o","%s"]\n'
    rest, chance, lines = LONG - len(head), random.Random(1), []
    while rest:
        data = chance.randbytes(min(32 << 10, (rest - len(line) + 2) // 2)).hex().encode()
        lines.append(line % data.ljust(rest - len(line) + 2 if rest < 64 << 10 else 0, b"x"))
        rest -= len(lines[-1])
    return head + b"".join(lines)


def cast(*lines: str) -> bytes:
    header = {"version": 2, "width": 80, "height": 24}
    return "".join(f"{json.dumps(one)}\n" for one in (header, *([0.5, "o", f"{line}\r\n"] for line in lines))).encode()


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Sites]:
    """Each has recordings; `long` is at `two`."""
    broker = Broker()
    keep(tmp_path / "one", "r1", 1_000, cast("a needle of one"))
    keep(tmp_path / "two", "r2", 2_000, cast("a needle of two"))
    keep(tmp_path / "one", "r3", 3_000, cast("nothing"))
    keep(tmp_path / "two", "secret", 4_000, cast("a needle of another project"), project="other")
    keep(tmp_path / "two", "long", 5_000, long_cast())
    sites = []
    for name in ("one", "two"):
        folder = tmp_path / name
        more = {"project": name == "one", "drawn": True, "recordings": folder / "recordings"}
        sites.append(Site(OneNode.local(broker, name, folder, **more)))
    one, other = sites
    one.service.create_project(path=str(tmp_path), id="other")
    for site in sites:
        assert site.one.wall.screens is not None
        site.one.wall.screens.start()
        await site.open()
    await until(lambda: other.service.find_room("wall") and other.service.find_room("other"), "the projects")
    await until(lambda: all(len(site.one.bus.members()) == 2 for site in sites), "each other")
    yield broker, one, other
    for site in reversed(sites):
        await asyncio.wait_for(site.close(), 10)


async def all_of(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def listed(site: Site) -> tuple[list[tuple[str, str]], list[str]]:
    found = await site.get(LIST)
    return [(one["id"], one["node"]) for one in found["recordings"]], found["missing"]


async def test_N8_every_node_lists_the_recordings_of_all_the_newest_first(two: Sites) -> None:
    broker, one, other = two
    everything = [("long", "two"), ("r3", "one"), ("r2", "two"), ("r1", "one")]
    for site in (one, other):
        assert await listed(site) == (everything, [])
    assert broker.called == ["call.two", "call.one"], "what was gathered is not gathered again"


async def test_N8_a_recording_is_had_and_deleted_at_any_node(two: Sites) -> None:
    _, one, other = two
    # Nobody listed them before: the nodes are asked.
    found = await one.get("/api/recordings/r2")
    assert (found["node"], found["sessionName"]) == ("two", "session of r2")
    answer = await one.call("GET", "/api/recordings/r2/cast")
    assert answer.content == cast("a needle of two")
    assert answer.headers["content-type"] == "application/x-asciicast"
    assert "session-of-r2" in answer.headers["content-disposition"]
    assert (await one.call("GET", "/api/recordings/r2/cast?part=7")).json()["error"] == "The recording has no part 7."
    assert (await one.call("DELETE", "/api/recordings/r2")).status_code == 204
    assert not other.service.recordings.has("r2")
    assert not (other.one.wall.folder / "recordings" / "r2").exists()
    answer = await one.call("GET", "/api/recordings/r2")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_recording")
    answer = await one.call("GET", "/api/recordings/never")
    assert (answer.status_code, answer.json()["error"]) == (404, "There is no recording `never`.")


async def test_N8_a_running_recording_of_the_other_node_is_listed_and_stopped(two: Sites) -> None:
    _, one, other = two
    other.one.wall.session("a", "sh", "-c", "echo READY; exec cat")
    await until(lambda: "a" in one.service.room("wall").sessions, "the session")
    made = (await one.call("POST", "/api/sessions/a/recording")).json()
    assert made["node"] == "two"
    assert (await one.get(LIST))["recordings"][0]["id"] == made["id"]
    refused = await one.call("DELETE", f"/api/recordings/{made['id']}")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert (await one.call("DELETE", "/api/sessions/a/recording")).json()["endedAt"] is not None
    kept = json.loads((other.one.wall.folder / "recordings" / made["id"] / "recording.json").read_text())
    assert kept["node"] is None, "a node's name may change"


async def test_N8_a_long_recording_of_another_node_comes_whole(two: Sites) -> None:
    _, one, other = two
    path = other.service.recordings.part("long", 1)
    answer = await one.call("GET", "/api/recordings/long/cast")
    assert answer.headers["content-length"] == str(LONG)
    assert answer.content == path.read_bytes()


async def test_N8_no_more_of_an_answer_is_under_way_than_its_client_takes(two: Sites) -> None:
    broker, one, _ = two
    await one.get("/api/recordings/long")
    under_way = [0]
    taken = 0

    def counts(subject: str, data: bytes) -> bool:
        nonlocal taken
        header = unpack(data)[0] if subject in ("answer.one", "taken.two") else {}
        taken = header.get("pieces", taken)
        if "piece" in header:
            under_way.append(header["piece"] + 1 - taken)
        return False

    broker.drops = counts
    reader = Reader(one, "/api/recordings/long/cast")
    await until(lambda: len(under_way) > MOST_PIECES, "the first pieces")
    assert len(reader.messages) == 1
    reader.takes.set()
    await until(lambda: reader.served.done(), "the end")
    assert max(under_way) == MOST_PIECES
    assert (len(reader.body), reader.whole) == (LONG, True)


async def test_N8_a_client_that_goes_ends_the_answer_at_the_other_node(two: Sites) -> None:
    _, one, other = two
    reader = Reader(one, "/api/recordings/long/cast")
    await until(lambda: reader.messages, "the beginning")
    assert reader.messages[0]["status"] == 200, "another answer is not carried"
    reader.go()
    await until(lambda: not answering(other) and not one.forward._calls._waiting, "the end")  # type: ignore[union-attr]
    await asyncio.wait_for(reader.served, PATIENCE)
    assert len(reader.body) < LONG


@pytest.mark.parametrize("full", ["one", "two"])
async def test_X4_slow_readers_with_one_token_do_not_keep_the_others_out(two: Sites, full: str) -> None:
    _, one, other = two
    asking, serving = one.forward._calls, other.forward._calls
    assert asking is not None and serving is not None
    if full == "one":
        asking._carried = Shares(4)
    else:
        serving._answered_for = Shares(4)
    await listed(one)
    readers = [Reader(one, "/api/recordings/long/cast") for _ in range(2)]
    await until(lambda: all(reader.messages for reader in readers), "the beginnings")
    refused = await one.call("GET", "/api/recordings/r2")
    assert (refused.status_code, refused.json()["code"]) == (429, "limit_reached")
    assert "too many of your calls" in refused.json()["error"]
    assert (await one.get("/api/recordings/r2", "sees the wall"))["node"] == "two"
    readers[0].go()
    await until(lambda: len(serving._answers) == len(asking._waiting) == 1, "that it is over")
    await one.get("/api/recordings/r2")
    readers[1].go()
    await until(lambda: not answering(other), "the end")


def answering(site: Site) -> bool:
    assert site.forward._calls is not None
    return bool(site.forward._calls._answers)


@pytest.mark.parametrize("loss", ["a piece", "all that follows"])
async def test_N8_an_answer_with_a_hole_is_cut_off_there(
    two: Sites, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, one, other = two
    await listed(one)
    monkeypatch.setattr("termwall.cluster.calls.calls.ANSWER_SECONDS", 2.0)
    lost = 3

    def drops(subject: str, data: bytes) -> bool:
        if subject != "answer.one":
            return False
        piece = unpack(data)[0]["piece"]
        return bool(piece == lost if loss == "a piece" else piece >= lost)

    broker.drops = drops
    reader = Reader(one, "/api/recordings/long/cast")
    reader.takes.set()
    await until(lambda: reader.served.done(), "the end")
    assert reader.body == other.service.recordings.part("long", 1).read_bytes()[: lost * PIECE_BYTES]
    assert not reader.whole
    await until(lambda: not answering(other), "that the other node ends it")


async def test_N8_a_client_sees_soon_that_the_node_went_away_in_the_middle(two: Sites) -> None:
    """Over a real connection: it is closed before the `Content-Length`, and before an answer is late."""
    broker, one, _ = two
    config = uvicorn.Config(
        one.app, http=http_protocol(one.service.bounds), ws="none", loop="none", lifespan="off", log_config=None
    )
    server = _Server(config)
    server.on_started = lambda: None
    with listen("127.0.0.1", 0) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/recordings/long/cast"
        async with (
            httpx2.AsyncClient(trust_env=False) as http,
            http.stream("GET", url, headers={"authorization": f"Bearer {OWNER}"}) as answer,
        ):
            assert (answer.status_code, answer.headers["content-length"]) == (200, str(LONG)), await answer.aread()
            pieces = answer.aiter_raw()
            await anext(pieces)
            broker.silence("two")
            with pytest.raises(httpx2.RemoteProtocolError, match="without sending complete message body"):
                await all_of(pieces)
        server.should_exit = True
        await serving
    broker.join("two")


async def test_N8_a_node_that_hangs_is_told_as_missing_and_the_rest_is_there(two: Sites) -> None:
    broker, one, _ = two
    await listed(one)
    broker.silence("two")
    mine = [("r3", "one"), ("r1", "one")]
    assert await listed(one) == (mine, ["two"]), "it does not answer in time"
    await until(lambda: "two" not in one.one.bus.members(), "that it is away")
    assert await listed(one) == (mine, ["two"]), "it is known to be away"
    found = await one.get("/api/projects/wall/search?q=needle")
    assert ([match["node"] for match in found["matches"]], found["missing"]) == (["one"], ["two"])
    for name, sentence in (
        ("r2", "Node two cannot be reached at the moment."),
        ("never", "The recording is not here, and could not be asked for at two."),
    ):
        answer = await one.call("GET", f"/api/recordings/{name}/cast")
        assert (answer.status_code, answer.json()["error"]) == (503, sentence)
        assert answer.headers["retry-after"] == "5"
    assert (await one.call("GET", "/api/recordings/r1")).status_code == 200
    broker.join("two")
    await until(lambda: "two" in one.one.bus.members(), "that it is back")
    assert (await listed(one))[1] == []


async def test_N8_while_the_bus_is_away_the_others_are_told_as_missing(two: Sites) -> None:
    broker, one, _ = two
    broker.cut("one")
    assert await listed(one) == ([("r3", "one"), ("r1", "one")], ["two"])
    broker.join("one")
    await until(lambda: "two" in one.one.bus.members(), "the other node")
    assert (await listed(one))[1] == []


async def test_N8_search_finds_in_the_terminals_and_recordings_of_all_nodes(two: Sites) -> None:
    _, one, other = two
    one.one.wall.session("a", "sh", "-c", "echo a needle in a; exec cat", name="first")
    other.one.wall.session("b", "sh", "-c", "echo a needle in b; exec cat", name="second")
    for site in (one, other):
        await until(lambda site=site: {"a", "b"} <= site.service.room("wall").sessions.keys(), "both")  # type: ignore[misc]
    expected = [("one", "a", None), ("two", "b", None), ("one", None, "r1"), ("two", None, "r2")]
    while True:  # Until both programs have printed.
        found = await one.get("/api/projects/wall/search?q=needle")
        places = [(match["node"], match["sessionId"], match["recordingId"]) for match in found["matches"]]
        if len(places) == len(expected):
            break
    assert places == expected
    assert (found["truncated"], found["skipped"], found["missing"]) == (False, [], [])
    found = await other.get("/api/projects/wall/search?q=needle&recordings=false")
    assert {match["sessionId"] for match in found["matches"]} == {"a", "b"}
    for limit in ("3", "3.0", "%203"):  # As the application takes it, so it holds for the whole.
        found = await one.get(f"/api/projects/wall/search?q=needle&limit={limit}")
        assert (len(found["matches"]), found["limit"], found["truncated"]) == (3, 3, True)
    refused = await one.call("GET", "/api/projects/wall/search?q=")
    assert (refused.status_code, refused.json()["field"]) == (422, "q")


async def test_X3_roles_and_projects_hold_at_the_other_node(two: Sites) -> None:
    _, one, other = two
    assert len((await one.get(LIST, "sees the wall"))["recordings"]) == 4
    for path in (LIST, "/api/projects/wall/search?q=needle"):
        refused = await one.call("GET", path, "sees another")
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_project")
    for path in ("/api/recordings/r2", "/api/recordings/r2/cast", "/api/recordings/r1"):
        assert (await one.call("GET", path, "sees another")).status_code == 404
    assert (await one.get("/api/recordings/secret", "sees another"))["node"] == "two"
    assert (await one.call("GET", "/api/recordings/secret", "sees the wall")).status_code == 404
    refused = await one.call("DELETE", "/api/recordings/r2", "sees the wall")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert other.service.recordings.has("r2")
    assert (await one.call("GET", "/api/recordings/r2", "nobody's")).status_code == 401


def match(node: str, session: str | None, recording: str | None = None) -> Match:
    return Match(session_id=session, session_name="", recording_id=recording, text="x", start=0, end=1, node=node)


def test_N8_the_limit_holds_for_the_whole_and_no_node_hides_another() -> None:
    noisy = SearchAnswer(
        matches=[match("one", name) for name in "aabbcc"] + [match("one", None, "r")],
        limit=100,
        truncated=False,
        skipped=["x"],
    )
    quiet = SearchAnswer(matches=[match("two", "d"), match("two", None, "s")], limit=100, truncated=False, skipped=[])
    whole = GATHERED["search"].merge([noisy, quiet], ["three"])
    assert [one.session_id or one.recording_id for one in whole.matches] == [*"aadbbcc", "r", "s"]
    assert (whole.truncated, whole.skipped, whole.missing) == (False, ["x"], ["three"])
    cut = GATHERED["search"].merge([noisy.model_copy(update={"limit": 4}), quiet], [])
    assert [one.session_id for one in cut.matches] == list("aadb")
    assert cut.truncated

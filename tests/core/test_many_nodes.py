"""Hundreds of nodes with thousands of clients, in virtual time: one log, honest answers, exact bytes.

`TERMWALL_SEEDS=50 pytest tests/core/test_many_nodes.py` tries so many seeds of each case; by default one.
"""

import os

import pytest

from tests.support import many_nodes, many_streams
from tests.support.many_nodes import ManyNodes
from tests.support.many_streams import ManyStreams

SEEDS = range(int(os.environ.get("TERMWALL_SEEDS", "1")))
pytestmark = pytest.mark.parametrize("seed", SEEDS)


@pytest.mark.parametrize(("weather", "history"), [(many_nodes.BAD, 256), (many_nodes.ROUGH, 12)], ids=["bad", "rough"])
def test_F1_F2_F4_F8_F9_N2_two_hundred_nodes_and_two_thousand_clients_in_a_storm(
    seed: int, weather: many_nodes.Weather, history: int
) -> None:
    wall = ManyNodes(seed, weather, history=history, nodes=200, clients=2000, projects=5, seconds=60)
    wall.storm(commands=3000, flood=300)
    wall.check()
    counts = wall.counts()
    kinds = {"done", "nothing", "version_conflict", "too_many_focused", "away", "may still come", "rate_limited"}
    assert set(counts) == kinds, "each kind of answer was met"
    assert counts["done"] > 500
    assert (wall.jumps > 100) == (history < 256)


def test_F4_N2_no_answer_is_guessed_while_the_log_is_heard_late(seed: int) -> None:
    wall = ManyNodes(seed, many_nodes.SLOW, history=256, nodes=60, clients=600, projects=30, seconds=60)
    wall.storm(commands=2500)
    wall.check()
    assert wall.counts()["may still come"] > 20


def test_N2_what_a_failing_engine_stores_twice_at_one_number_counts_once(seed: int) -> None:
    weather = many_nodes.Weather(kill_each=float("inf"), failover_each=2.0)
    wall = ManyNodes(seed, weather, history=1000, nodes=50, clients=500, projects=2, seconds=60)
    wall.storm(commands=1000)
    wall.check()
    assert wall.doubles > 3


def test_S3_S5_N3_hundreds_of_sessions_reach_thousands_of_viewers_exactly(seed: int) -> None:
    wall = ManyStreams(seed, many_streams.Weather(), hosts=30, sessions=300, gateways=20, viewers=1500, calm=25)
    wall.run()
    wall.check()
    assert sum(viewer.bytes for viewer in wall.viewers) > 50 << 20
    assert sum(viewer.jumps for viewer in wall.viewers) > 100


def test_S5_a_gateway_that_hangs_holds_up_no_other(seed: int) -> None:
    wall = ManyStreams(seed, many_streams.CALM, hosts=20, sessions=200, gateways=10, viewers=600, calm=15)
    wall.watch()
    wall.run()
    wall.check()
    assert wall.watched > 1000

"""Hundreds of nodes with thousands of clients, in virtual time: one log, honest answers, exact bytes.

`TERMWALL_SEEDS=50 pytest tests/core/test_many_nodes.py` tries so many seeds of each case; by default one.
"""

import os

import pytest

from tests.support.many_nodes import BAD, ROUGH, ManyNodes, Weather

SEEDS = range(int(os.environ.get("TERMWALL_SEEDS", "1")))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("weather", "history"), [(BAD, 256), (ROUGH, 12)], ids=["bad", "rough"])
def test_F8_N2_two_hundred_nodes_and_two_thousand_clients_in_a_storm(seed: int, weather: Weather, history: int) -> None:
    wall = ManyNodes(seed, weather, history=history, nodes=200, clients=2000, projects=5, seconds=60)
    wall.storm(commands=1500, flood=300)
    print(wall.counts(), len(wall.store.log), wall.jumps)
    wall.check()


@pytest.mark.parametrize("seed", SEEDS)
def test_N2_what_a_failing_engine_stores_twice_at_one_number_counts_once(seed: int) -> None:
    weather = Weather(kill_each=1e9, failover_each=2.0)
    wall = ManyNodes(seed, weather, history=1000, nodes=50, clients=500, projects=2, seconds=60)
    wall.storm(commands=1000)
    wall.check()
    print(wall.counts(), len(wall.store.log), wall.doubles)
    assert wall.doubles > 3

"""Which connections are ended where there are too many, and what counts as one address."""

import pytest

from termwall.system.descriptors import LEFT
from termwall.transport.doors import Doors, network


class Connection:
    """One that can be ended."""

    def __init__(self) -> None:
        self.ended = False

    def abort(self) -> None:
        """As a transport's."""
        self.ended = True


def alive(connections: list[Connection]) -> list[int]:
    """The indexes of those that were not ended."""
    return [index for index, one in enumerate(connections) if not one.ended]


def test_case_hardening_X2_the_oldest_stranger_makes_room() -> None:
    doors, made = Doors(most=100, strangers=3, of_address=3), [Connection() for _ in range(5)]
    for index, one in enumerate(made):
        doors.open(one, f"10.0.0.{index}")
    assert alive(made) == [2, 3, 4]
    assert doors.strangers == 3


def test_case_hardening_X2_an_address_has_its_own_limit_and_pays_first() -> None:
    doors, made = Doors(most=100, strangers=4, of_address=3), [Connection() for _ in range(7)]
    for one, address in zip(made, ["10.0.0.9", *["10.0.0.1"] * 4, "10.0.0.2", "10.0.0.3"], strict=True):
        doors.open(one, address)
    assert alive(made) == [0, 4, 5, 6], "the oldest of all is not the one that pays"


def test_case_hardening_X2_who_signed_in_is_ended_for_no_stranger() -> None:
    doors, made = Doors(most=4, strangers=2, of_address=2), [Connection() for _ in range(9)]
    opened = [doors.open(one, "10.0.0.1") for one in made[:2]]
    for door in opened:
        assert door is not None
        door.known()
    for one in made[2:6]:
        doors.open(one, "10.0.0.1")
    assert alive(made[:6]) == [0, 1, 4, 5]
    for one in made[6:8]:
        door = doors.open(one, "10.0.0.1")
        assert door is not None
        door.known()
    assert alive(made[:8]) == [0, 1, 6, 7]
    assert doors.open(made[8], "10.0.0.1") is None, "all are known, so one more is ended"
    assert made[8].ended
    assert opened[0] is not None
    opened[0].left()
    opened[0].left()
    assert doors.open(Connection(), "10.0.0.1") is not None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("", "", True),
    ],
)
def test_X8_an_address_of_ipv6_is_a_network_of_64_bits(one: str, other: str, same: bool) -> None:
    assert (network(one) == network(other)) is same


def test_case_hardening_L1_strangers_leave_files_for_sessions_and_nobody_takes_the_reserve() -> None:
    spare = LEFT + 1
    doors, made = Doors(most=100, strangers=50, of_address=50, spare=lambda: spare), [Connection() for _ in range(6)]
    for one in made[:3]:
        doors.open(one, "10.0.0.1")
    spare = LEFT - 1
    door = doors.open(made[3], "10.0.0.2")
    assert alive(made[:4]) == [1, 2, 3]
    assert door is not None
    door.known()
    spare = -1
    for number, one in enumerate(made[4:]):
        doors.open(one, f"10.0.1.{number}")
    assert alive(made) == [3, 4, 5], "strangers first"
    for one in made[4:]:
        one.ended = False
    doors = Doors(most=100, strangers=50, of_address=50, spare=lambda: -1)
    assert doors.open(made[4], "10.0.0.1") is None
    assert alive(made) == [3, 5]

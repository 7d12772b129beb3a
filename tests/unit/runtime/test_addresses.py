"""The numbers that name shards and instances are fixed for ever: these vectors must never change."""

import pytest

from foliot.cloudevents import address_text
from foliot.runtime import instance_id, queue_of, shard_of


@pytest.mark.parametrize(
    ("address", "of_64", "of_4096"),
    [
        ("default/incident/INC-1", 3, 3971),
        ("default/incident/INC-2", 35, 1635),
        ("acme/order/ö/ä", 15, 2767),
        ("default/m/" + "x" * 100, 1, 2305),
    ],
)
def test_a_shard_is_a_fixed_function_of_the_address(address: str, of_64: int, of_4096: int) -> None:
    shards = [shard_of(address, 64), shard_of(address, 4096), shard_of(address, 1)]

    assert shards == [of_64, of_4096, 0]


def test_an_instance_is_named_by_its_birth() -> None:
    assert instance_id(shard=5, n=3) == 3 * 4096 + 5


def test_a_key_may_hold_slashes() -> None:
    assert address_text("acme", "order", "2026/11/21") == "acme/order/2026/11/21"


def test_each_lane_has_two_queues() -> None:
    assert [queue_of(lane) for lane in range(4)] == [0, 2, 4, 6]

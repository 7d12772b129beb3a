"""Where an instance lives: its address, its shard and the numbers that name it. Fixed for ever by test vectors."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

SHARDS_MAX: Final = 4096
_URGENT_LANES: Final = 2
"""Critical and high."""


def shard_of(address: str, shards: int) -> int:
    """Tell the shard of an address: the first 8 bytes of its BLAKE2b (big endian) modulo `shards`."""
    return int.from_bytes(blake2b(address.encode(), digest_size=8).digest(), "big") % shards


def instance_id(shard: int, n: int) -> int:
    """Name a life by its birth: the n of its start row in the shard's journal."""
    return n * SHARDS_MAX + shard


def birth_of(instance: int) -> int:
    """Tell the n of a life's start row."""
    return instance // SHARDS_MAX


def queue_of(lane: int) -> int:
    """Tell the queue of a lane within quota; the one after it takes what is over quota."""
    return lane * 2


def lane_of(queue: int) -> int:
    """Tell the lane of a queue, 0 (critical) to 3 (low)."""
    return queue // 2


def is_urgent(queue: int) -> bool:
    """Tell whether a queue is of the critical or the high lane."""
    return lane_of(queue) < _URGENT_LANES


def with_work(places: Iterable[tuple[int, int]]) -> dict[int, bool]:
    """Name the shards of events by their (shard, queue), each with whether some of it is critical or high."""
    shards: dict[int, bool] = {}
    for shard, queue in places:
        shards[shard] = shards.get(shard, False) or is_urgent(queue)
    return shards

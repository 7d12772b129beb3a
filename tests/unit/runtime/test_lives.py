"""Lives at rest: as they were, and small."""

from __future__ import annotations

import tracemalloc

import pytest

from foliot.engine import State, Timer, encode
from foliot.runtime.lives import Address, Life, LifeCache

TOKEN = b"one"
LIVES = 2_000
BYTES_MAX = 1_100
"""Of one life, its address and its place in the mapping: 200 MB must do for 100,000 of them and the process around."""


def _life(shard: int, number: int, n: int = 1) -> Life:
    context = {"chain": f"{number:064x}", "seen": number, "notes": [f"note {place} of {number}" for place in range(8)]}
    timers = {"late": Timer(armed=n, data=None, due=1_700_000_000_000_000 + number, event="late")}
    state = State(("waiting", "open"), context, {}, timers, n, done=False)
    address = Address(1, 1, f"incident-{number}")
    return Life(shard, number + 1000, address, "stable", 1, 1, 1, n, "running", None, state, encode(state))


def test_a_life_comes_back_as_it_was_kept() -> None:
    cache = LifeCache(10)
    life = _life(3, 7)

    cache.keep(3, TOKEN, {life.address: life})

    assert cache.find(3, TOKEN, [life.address, Address(1, 1, "other")]) == {life.address: life}


def test_the_last_step_of_a_life_is_what_is_kept() -> None:
    cache = LifeCache(10)
    before, after = _life(3, 7), _life(3, 7, n=2)
    cache.keep(3, TOKEN, {before.address: before})

    cache.keep(3, b"two", {after.address: after})

    assert cache.find(3, b"two", [after.address]) == {after.address: after}


def test_lives_of_a_shard_that_another_has_written_are_forgotten() -> None:
    cache = LifeCache(10)
    life = _life(3, 7)
    cache.keep(3, TOKEN, {life.address: life})

    assert cache.find(3, b"another's", [life.address]) == {}

    assert cache.find(3, TOKEN, [life.address]) == {}


def test_the_shards_that_were_used_least_recently_go_first() -> None:
    cache = LifeCache(2)
    first, second, third = (_life(shard, shard) for shard in (1, 2, 3))
    cache.keep(1, TOKEN, {first.address: first})
    cache.keep(2, TOKEN, {second.address: second})
    cache.find(1, TOKEN, [])

    cache.keep(3, TOKEN, {third.address: third})

    assert [bool(cache.find(shard, TOKEN, [_life(shard, shard).address])) for shard in (1, 2, 3)] == [True, False, True]


@pytest.mark.parametrize("shards", [1, 64])
def test_a_hundred_thousand_lives_at_rest_fit_beside_the_rest_of_a_process(shards: int) -> None:
    cache = LifeCache(LIVES)
    tracemalloc.start()
    try:
        for shard in range(shards):
            lives = [_life(shard, number) for number in range(shard, LIVES, shards)]
            cache.keep(shard, TOKEN, {life.address: life for life in lives})
            del lives
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert used / LIVES < BYTES_MAX

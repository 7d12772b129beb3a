"""Lives at rest: as they were, and small."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from foliot.engine import State, Timer, encode
from foliot.runtime.lives import Address, Life, LifeCache

TOKEN = b"one"
LIVES = 2_000
BYTES_MAX = 1_100
"""Of one life, its address and its place in the mapping: 200 MB must do for 100,000 of them and the process around."""


@pytest.fixture
def chance() -> random.Random:
    return random.Random(7)


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


def _step_some(cache: LifeCache, lives: dict[int, list[Life]], chance: random.Random) -> int:
    """Step a few lives of each shard; give how many of them the cache knew."""
    known = 0
    for shard, each in lives.items():
        changed = {life.address: life for life in chance.sample(each, 10)}
        known += len(cache.find(shard, TOKEN, changed))
        cache.keep(shard, TOKEN, changed)
    return known


def _ten_shards(first: int = 0) -> dict[int, list[Life]]:
    return {shard: [_life(shard, number) for number in range(first, first + 200)] for shard in range(10)}


def test_of_more_lives_than_there_is_room_for_as_many_are_known_as_may_be_kept(chance: random.Random) -> None:
    cache, lives = LifeCache(1000), _ten_shards()
    for _ in range(50):
        _step_some(cache, lives, chance)

    known = sum(_step_some(cache, lives, chance) for _ in range(100))

    assert 0.4 < known / (100 * 100) <= 0.6


def test_a_cache_follows_what_is_stepped_now(chance: random.Random) -> None:
    cache, lives, others = LifeCache(2000), _ten_shards(), _ten_shards(first=200)
    for _ in range(200):
        _step_some(cache, lives, chance)
    at_first = _step_some(cache, others, chance)

    for _ in range(200):
        _step_some(cache, others, chance)

    assert at_first == 0
    assert _step_some(cache, others, chance) > 60


@pytest.mark.parametrize("lives_max", [0, 5, 80])
def test_no_more_lives_are_kept_than_there_is_room_for(lives_max: int, chance: random.Random) -> None:
    cache, lives = LifeCache(lives_max), _ten_shards()

    for _ in range(20):
        _step_some(cache, lives, chance)

    addresses = {shard: [life.address for life in each] for shard, each in lives.items()}
    assert sum(len(cache.find(shard, TOKEN, each)) for shard, each in addresses.items()) <= lives_max


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

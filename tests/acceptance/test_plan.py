"""The plan of a chaos run is decided by its seed, and has all that was asked for."""

from __future__ import annotations

from collections import Counter

import pytest
from acceptance.chaos.plan import KINDS, MOVE_ALL, make_moves, make_plan


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_plan_has_every_kind_of_fault_and_the_kills_of_postgres_that_were_asked_for(seed: int) -> None:
    plan = make_plan(seed, faults=40, interval_s=5.0, outage_s=60.0, postgres_kills=5)

    kinds = Counter(fault.kind for fault in plan)
    assert len(plan) == 40
    assert set(kinds) == set(KINDS)
    assert kinds["kill_postgres"] >= 5
    assert kinds["broker_off"] == 1
    assert sorted(plan, key=lambda fault: fault.at_s) == list(plan)


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    first, again, other = (
        make_plan(seed, faults=20, interval_s=5.0, outage_s=5.0, postgres_kills=2) for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_the_channel_is_moved_for_all_every_ten_seconds() -> None:
    moves = make_moves(1, until_s=100.0)

    times = [move.at_s for move in moves if move.kind == MOVE_ALL]
    assert times == [5.0 + 10 * step for step in range(10)]

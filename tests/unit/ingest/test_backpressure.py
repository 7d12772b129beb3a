"""Which lanes wait while the inbox is too full."""

from __future__ import annotations

import pytest

from foliot_ingest.backpressure import Backpressure, LaneDepth

PRESSURE = Backpressure(depth_max=1000, age_s_max=60.0)


def waiting(events: int, age_s: float = 0.0) -> list[LaneDepth]:
    return [LaneDepth(0, 0, 0.0), LaneDepth(3, events, age_s)]


@pytest.mark.parametrize(
    ("events", "lanes"), [(0, ()), (1000, ()), (1001, (3,)), (1501, (2, 3)), (2001, (1, 2, 3)), (2501, (0, 1, 2, 3))]
)
def test_lanes_wait_from_the_lowest_up(events: int, lanes: tuple[int, ...]):
    assert PRESSURE.paused(waiting(events), frozenset()) == frozenset(lanes)


@pytest.mark.parametrize(("age_s", "lanes"), [(60.0, ()), (61.0, (3,)), (91.0, (2, 3)), (10_000.0, (2, 3))])
def test_age_makes_urgent_lanes_never_wait(age_s: float, lanes: tuple[int, ...]):
    assert PRESSURE.paused(waiting(1, age_s), frozenset()) == frozenset(lanes)


@pytest.mark.parametrize(("events", "waits"), [(1001, True), (900, True), (801, True), (800, False)])
def test_a_lane_that_waited_goes_on_only_well_below_its_limit(events: int, waits: bool):  # noqa: FBT001
    assert (3 in PRESSURE.paused(waiting(events), frozenset({3}))) is waits


def test_an_empty_inbox_lets_all_go_on():
    assert PRESSURE.paused([], frozenset({0, 1, 2, 3})) == frozenset()

"""What the choice of shards and of events promises."""

from hypothesis import given
from hypothesis import strategies as st

from foliot.runtime.selection import URGENT_FEW_MAX, Deference, ShardWork, allot, choose_shards, rest_s

backlogs = st.lists(st.integers(0, 2000), min_size=8, max_size=8)


@given(backlogs, st.integers(10, 1000))
def test_every_queue_with_work_gets_its_share(waiting: list[int], capacity: int) -> None:
    taken = allot(waiting, capacity=capacity, share=0.1)

    least = max(1, int(capacity * 0.1))
    assert all(got >= min(count, least) for got, count in zip(taken, waiting, strict=True))


@given(backlogs, st.integers(10, 1000))
def test_no_more_is_taken_than_waits_or_fits(waiting: list[int], capacity: int) -> None:
    taken = allot(waiting, capacity=capacity, share=0.1)

    assert all(0 <= got <= count for got, count in zip(taken, waiting, strict=True))
    assert sum(taken) == min(capacity, sum(waiting))


@given(backlogs, st.integers(10, 1000))
def test_what_is_left_after_the_shares_goes_to_the_higher_lane(waiting: list[int], capacity: int) -> None:
    taken = allot(waiting, capacity=capacity, share=0.1)

    least = max(1, int(capacity * 0.1))
    for queue in range(7):
        if taken[queue] < waiting[queue]:
            assert all(taken[lower] <= least for lower in range(queue + 1, 8))


@given(backlogs)
def test_a_capacity_of_one_takes_exactly_the_most_urgent_event(waiting: list[int]) -> None:
    taken = allot(waiting, capacity=1, share=0.1)

    assert sum(taken) == min(1, sum(waiting))
    if sum(waiting):
        assert taken.index(1) == next(queue for queue, count in enumerate(waiting) if count)


def _work(shard: int, *, urgent: int = 0, low: int = 0, writer: str = "me", idle_ms: float = 0.0) -> ShardWork:
    return ShardWork(shard, (urgent, 0, 0, 0, 0, 0, low, 0), writer, idle_ms)


def test_shards_with_urgent_work_come_first() -> None:
    work = [_work(1, low=500), _work(2, urgent=1, writer="other", idle_ms=50)]

    chosen = choose_shards(work, capacity=1, writer="me", steal_after_ms=20, urgent_only=False)

    assert chosen == [2]


def test_anothers_shard_is_left_alone_until_it_has_waited() -> None:
    work = [_work(1, low=5, writer="other", idle_ms=19), _work(2, low=5, writer="other", idle_ms=21)]

    chosen = choose_shards(work, capacity=100, writer="me", steal_after_ms=20, urgent_only=False)

    assert chosen == [2]


def test_an_urgent_child_takes_no_shard_without_urgent_work() -> None:
    work = [_work(1, low=5), _work(2, urgent=1, low=5)]

    chosen = choose_shards(work, capacity=100, writer="me", steal_after_ms=20, urgent_only=True)

    assert chosen == [2]


@given(st.sets(st.integers(0, 63), max_size=64), st.integers(1, 500))
def test_shards_are_locked_in_sorted_order(shards: set[int], capacity: int) -> None:
    work = [_work(shard, low=3) for shard in shards]

    chosen = choose_shards(work, capacity=capacity, writer="me", steal_after_ms=20, urgent_only=False)

    assert chosen == sorted(chosen)
    assert len(chosen) == min(len(shards), -(-capacity // 3))


def test_an_urgent_child_takes_anothers_shard_at_once_for_a_few_events_and_leaves_it_a_flood() -> None:
    few = _work(1, urgent=URGENT_FEW_MAX, writer="other", idle_ms=1)
    flood = _work(2, urgent=URGENT_FEW_MAX + 1, writer="other", idle_ms=1)

    chosen = choose_shards([few, flood], capacity=1000, writer="me", steal_after_ms=20, urgent_only=True)

    assert chosen == [1]


def test_what_waits_in_lower_lanes_does_not_fill_an_urgent_childs_batch() -> None:
    work = [_work(1, urgent=1, low=5000), _work(2, urgent=1, low=5000)]

    chosen = choose_shards(work, capacity=100, writer="me", steal_after_ms=20, urgent_only=True)

    assert chosen == [1, 2]


def test_a_few_urgent_events_are_left_to_urgent_children_and_a_flood_is_not() -> None:
    deference = Deference(0.1)
    work = [_work(1, urgent=1, low=9), _work(2, urgent=URGENT_FEW_MAX + 1), _work(3, low=9)]

    candidates = deference.without_left(work, now=0.0)

    assert [shard.shard for shard in candidates] == [2, 3]
    assert deference.has_left


def test_what_was_left_for_the_time_is_taken_once_and_then_left_again() -> None:
    deference = Deference(0.1)
    work = [_work(1, urgent=1, low=9)]

    taken = [bool(deference.without_left(work, now)) for now in (0.0, 0.09, 0.11, 0.12, 0.21, 0.23)]

    assert taken == [False, False, True, False, False, True]


def test_a_shard_whose_urgent_work_was_done_meanwhile_is_left_anew() -> None:
    deference = Deference(0.1)
    deference.without_left([_work(1, urgent=1)], now=0.0)

    deference.without_left([_work(1, low=9)], now=0.05)

    assert deference.without_left([_work(1, urgent=1)], now=0.11) == []


def test_who_has_little_to_do_rests_as_long_as_it_worked_and_not_for_long() -> None:
    rests = [rest_s(seconds, had_room=had_room) for seconds, had_room in ((0.02, True), (3.0, True), (3.0, False))]

    assert rests == [0.02, 0.05, 0.0]

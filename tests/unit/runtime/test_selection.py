"""What the choice of shards and of events promises."""

from hypothesis import given
from hypothesis import strategies as st

from foliot.runtime.selection import ShardWork, allot, choose_shards

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

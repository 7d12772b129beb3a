"""When an ingester is taken for hung."""

from __future__ import annotations

from foliot_ingest.consumer import Watchdog


def test_a_reader_that_turns_does_not_hang() -> None:
    watchdog = Watchdog(2, looks_max=3)

    assert not any(watchdog.hung([turn, turn]) for turn in range(10))


def test_one_of_two_that_turns_no_more_hangs() -> None:
    watchdog = Watchdog(2, looks_max=3)

    assert [watchdog.hung([turn, 7]) for turn in range(4)] == [False, False, False, True]


def test_one_that_turned_again_in_time_begins_anew() -> None:
    watchdog = Watchdog(1, looks_max=3)

    assert not any(watchdog.hung([turn // 3]) for turn in range(30))

"""Rings are emptied by TRUNCATE and lose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foliot.runtime import rings
from foliot.runtime.rings import turn_ring

if TYPE_CHECKING:
    import pytest
    from conftest import World


def _turn(world: World, name: str, times: int) -> list[bool]:
    eager = world.settings.model_copy(
        update={"inbox_segment_s": 1e-6, "timer_segment_s": 1e-6, "dedupe_window_s": 1e-6}
    )
    return [turn_ring(world.connection, eager, name) for _ in range(times)]


def _turn_until(world: World, name: str, segment: int) -> None:
    """Turn a ring until it writes a segment and the one after it is empty."""
    for _ in range(40):
        assert _turn(world, name, 1) == [True]
        if (name, segment, True) in world.rows("SELECT name, segment, ready FROM rings"):
            return
    raise AssertionError(f"{name} did not come to segment {segment}")


def test_a_shard_that_lags_keeps_its_events_when_their_segment_is_emptied(incident: World) -> None:
    incident.take(
        incident.arrival("a", "reported", {"severity": 2}),
        *(incident.arrival("a", "noted", {}) for _ in range(5)),
    )

    _turn_until(incident, "inbox", 3)
    late = incident.rows("SELECT count(*) FROM inbox_late")
    incident.take(incident.arrival("a", "noted", {}))
    incident.drain()

    assert late == [(6,)]
    assert incident.rows("SELECT count(*) FROM inbox_0") == [(0,)]
    assert incident.state("a")["context"]["notes"] == 6


def test_what_was_read_is_gone_after_its_segment_was_emptied(incident: World) -> None:
    incident.take(incident.arrival("a", "reported", {"severity": 2}))
    incident.drain()

    _turn_until(incident, "inbox", 3)

    assert incident.rows("SELECT count(*) FROM inbox") == [(0,)]
    assert incident.rows("SELECT count(*) FROM inbox_late") == [(0,)]


def test_unsent_messages_outlive_their_segment(incident: World) -> None:
    incident.take(
        incident.arrival("a", "reported", {"severity": 2}), incident.arrival("a", "reprioritized", {"severity": 1})
    )
    incident.drain()

    _turn_until(incident, "outbox", 3)

    assert incident.rows("SELECT number FROM outbox_late ORDER BY number") == [(1,), (2,)]


def test_what_lags_is_moved_in_portions_and_read_from_both_places_meanwhile(
    incident: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rings, "PORTION", 2)
    incident.take(
        incident.arrival("a", "reported", {"severity": 2}),
        *(incident.arrival("a", "noted", {}) for _ in range(5)),
    )
    _turn(incident, "inbox", 5)

    moved = [(_turn(incident, "inbox", 1), incident.rows("SELECT count(*) FROM inbox_late")) for _ in range(2)]
    incident.drain()

    assert moved == [([True], [(2,)]), ([True], [(4,)])]
    assert incident.state("a")["context"]["notes"] == 5


def test_late_rows_that_were_read_go_in_portions(incident: World, monkeypatch: pytest.MonkeyPatch) -> None:
    incident.take(
        incident.arrival("a", "reported", {"severity": 2}),
        *(incident.arrival("a", "noted", {}) for _ in range(5)),
    )
    _turn_until(incident, "inbox", 3)
    incident.drain()
    monkeypatch.setattr(rings, "PORTION", 4)
    _turn(incident, "inbox", 1)

    left = [(_turn(incident, "inbox", 1), incident.rows("SELECT count(*) FROM inbox_late")) for _ in range(2)]

    assert left == [([True], [(2,)]), ([True], [(0,)])]


def test_a_portion_that_was_moved_is_not_moved_again_for_a_segment_that_cannot_be_emptied(incident: World) -> None:
    incident.take(
        incident.arrival("a", "reported", {"severity": 2}), incident.arrival("a", "reprioritized", {"severity": 1})
    )
    incident.drain()
    _turn(incident, "outbox", 5)
    connection = incident.stepper()._open()
    connection.execute("SELECT count(*) FROM outbox_0")

    done = _turn(incident, "outbox", 3)
    connection.rollback()

    assert done == [True, False, False]
    assert incident.rows("SELECT number FROM outbox_late ORDER BY number") == [(1,), (2,)]


def test_what_a_straggler_writes_is_kept(incident: World) -> None:
    _turn(incident, "outbox", 5)
    straggler = incident.stepper()._open()
    straggler.execute(
        "INSERT INTO outbox (segment, shard, number, tenant, machine, key, n, id, topic, body)"
        " VALUES (0, 1, 1, 1, 1, 'a', 1, '1', 't', '{}')"
    )

    busy = _turn(incident, "outbox", 1)
    straggler.commit()
    _turn_until(incident, "outbox", 3)

    assert busy == [False]
    assert incident.rows("SELECT shard, number FROM outbox_late") == [(1, 1)]


def test_a_ring_that_stands_still_raises_one_alarm(incident: World) -> None:
    _turn(incident, "inbox", 1)
    connection = incident.stepper()._open()
    connection.execute("SELECT count(*) FROM inbox_2")

    _turn(incident, "inbox", 2)
    connection.rollback()

    assert incident.rows("SELECT code, writer FROM alarms") == [("ring_stuck", "sweep")]


def test_an_id_is_remembered_until_its_generation_comes_round(incident: World) -> None:
    report = incident.arrival("a", "reported", {"severity": 2})
    incident.take(report)

    _turn(incident, "dedupe", 7)
    known = incident.rows("SELECT count(*) FROM dedupe WHERE generation = 0")
    _turn(incident, "dedupe", 1)
    forgotten = incident.take(report).accepted

    assert (known, forgotten) == ([(1,)], 1)


def test_a_segment_that_somebody_reads_is_left_for_later(incident: World) -> None:
    reader = incident.stepper()
    _turn(incident, "inbox", 1)
    connection = reader._open()
    connection.execute("SELECT count(*) FROM inbox_2")

    busy = _turn(incident, "inbox", 1)
    connection.rollback()
    free = _turn(incident, "inbox", 1)

    assert (busy, free) == ([False], [True])

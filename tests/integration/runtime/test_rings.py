"""Rings are emptied by TRUNCATE and lose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foliot.runtime.sweeps import turn_ring

if TYPE_CHECKING:
    from conftest import World


def _turn(world: World, name: str, times: int) -> list[bool]:
    eager = world.settings.model_copy(
        update={"inbox_segment_s": 1e-6, "timer_segment_s": 1e-6, "dedupe_window_s": 1e-6}
    )
    return [turn_ring(world.connection, eager, name) for _ in range(times)]


def test_a_shard_that_lags_keeps_its_events_when_their_segment_is_emptied(incident: World) -> None:
    incident.take(
        incident.arrival("a", "reported", {"severity": 2}),
        *(incident.arrival("a", "noted", {}) for _ in range(5)),
    )

    done = _turn(incident, "inbox", 6)
    late = incident.rows("SELECT count(*) FROM inbox_late")
    incident.take(incident.arrival("a", "noted", {}))
    incident.drain()

    assert all(done)
    assert late == [(6,)]
    assert incident.rows("SELECT count(*) FROM inbox_0") == [(0,)]
    assert incident.state("a")["context"]["notes"] == 6


def test_what_was_read_is_gone_after_its_segment_was_emptied(incident: World) -> None:
    incident.take(incident.arrival("a", "reported", {"severity": 2}))
    incident.drain()

    _turn(incident, "inbox", 6)

    assert incident.rows("SELECT count(*) FROM inbox") == [(0,)]
    assert incident.rows("SELECT count(*) FROM inbox_late") == [(0,)]


def test_unsent_messages_outlive_their_segment(incident: World) -> None:
    incident.take(
        incident.arrival("a", "reported", {"severity": 2}), incident.arrival("a", "reprioritized", {"severity": 1})
    )
    incident.drain()

    _turn(incident, "outbox", 6)

    assert incident.rows("SELECT number FROM outbox_late ORDER BY number") == [(1,), (2,)]


def test_messages_are_not_copied_for_a_segment_that_cannot_be_emptied_yet(incident: World) -> None:
    incident.take(
        incident.arrival("a", "reported", {"severity": 2}), incident.arrival("a", "reprioritized", {"severity": 1})
    )
    incident.drain()
    _turn(incident, "outbox", 5)
    connection = incident.stepper()._open()
    connection.execute("SELECT count(*) FROM outbox_0")

    busy = _turn(incident, "outbox", 1)
    connection.rollback()

    assert busy == [False]
    assert incident.rows("SELECT pg_relation_size('outbox_late')") == [(0,)]


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

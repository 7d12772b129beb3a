"""A poison event or a failing machine stops nobody else, and is seen."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from foliot.history import verify
from foliot.registry import Versions, bind_topic, create_tenant
from foliot.runtime import DeadLetterRefused, redrive

if TYPE_CHECKING:
    from conftest import World

LOOPS = """
foliot: 1
id: looper
poison: {poison}
context: {{initial: {{seen: 0}}}}
initial: calm
states:
  calm:
    on:
      counted: {{actions: [{{assign: {{seen: "context.seen + 1"}}}}]}}
      looped: {{target: one}}
  one: {{always: [{{target: two, guard: "context.seen >= 0"}}]}}
  two: {{always: [{{target: one, guard: "context.seen >= 0"}}]}}
"""
MENDED = LOOPS.replace('guard: "context.seen >= 0"', 'guard: "context.seen < 0"')

TELLS = (
    "{foliot: 1, id: looper, initial: a, states: {a: {on: {told: {actions: [{send: {event: e, to: {topic: news}}}]}}}}}"
)


def _send(world: World, key: str, *types: str) -> None:
    world.take(*(world.arrival(key, type_, machine="looper") for type_ in types))


def test_an_instance_whose_machine_loops_is_parked_and_its_later_events_are_held(world: World) -> None:
    world.publish(LOOPS.format(poison="park"))
    _send(world, "bad", "counted", "looped", "counted")
    _send(world, "good", "counted", "counted")

    world.drain()
    _send(world, "bad", "counted")
    world.drain()

    assert world.rows("SELECT mode FROM instances WHERE key = 'bad'") == [("held",)]
    assert world.rows("SELECT type FROM held ORDER BY number") == [("looped",), ("counted",), ("counted",)]
    assert world.rows("SELECT stage, code, status FROM dead_letters") == [("park", "engine_failed", "open")]
    assert world.state("good")["context"] == {"seen": 2}


def test_a_redrive_after_a_fix_steps_what_was_held_once_and_in_order(world: World) -> None:
    world.publish(LOOPS.format(poison="park"))
    _send(world, "bad", "counted", "looped", "counted", "counted")
    world.drain()
    world.publish(MENDED.format(poison="park"))
    world.move("looper", 2, "all")
    [(letter,)] = world.rows("SELECT id FROM dead_letters")

    redrive(world.connection, world.catalog(), world.settings, letter, by="test")
    world.drain()
    _send(world, "bad", "counted")
    world.drain()

    assert world.rows("SELECT mode FROM instances") == [("running",)]
    assert world.rows("SELECT count(*) FROM held") == [(0,)]
    assert world.state("bad")["configuration"] == ["one"]
    assert [type_ for kind, _, type_ in world.kinds("bad") if kind == 0] == [
        *("counted", "looped", "counted", "counted", "counted"),
    ]
    assert verify(world.connection, world.catalog(), Versions(9)).findings == []


def test_a_redrive_without_a_fix_parks_again_and_loses_nothing(world: World) -> None:
    world.publish(LOOPS.format(poison="park"))
    _send(world, "bad", "looped", "counted")
    world.drain()
    [(letter,)] = world.rows("SELECT id FROM dead_letters")

    redrive(world.connection, world.catalog(), world.settings, letter, by="test")
    world.drain()

    assert world.rows("SELECT status FROM dead_letters ORDER BY id") == [("redriven",), ("open",)]
    assert world.rows("SELECT type FROM held ORDER BY number") == [("looped",), ("counted",)]
    with pytest.raises(DeadLetterRefused, match="ended before"):
        redrive(world.connection, world.catalog(), world.settings, letter, by="test")
    assert world.rows("SELECT mode FROM instances") == [("held",)]


def test_a_message_into_a_topic_that_became_another_tenant_s_parks_its_instance(world: World) -> None:
    world.publish(TELLS)
    create_tenant(world.connection, "other", by="test")
    _send(world, "a", "told")
    world.drain()
    bind_topic(world.connection, "news", "other", by="test")
    _send(world, "a", "told")
    world.drain()

    assert world.rows("SELECT code, stage FROM dead_letters") == [("topic_bound", "park")]
    assert world.rows("SELECT count(*) FROM outbox") == [(1,)]

    bind_topic(world.connection, "news", "default", rebind=True, by="test")
    redrive(world.connection, world.catalog(), world.settings, 1, by="test")
    world.drain()

    assert world.rows("SELECT count(*) FROM outbox") == [(2,)]
    assert world.rows("SELECT mode FROM instances") == [("running",)]


def test_a_machine_that_skips_poison_goes_on(world: World) -> None:
    world.publish(LOOPS.format(poison="skip"))
    _send(world, "bad", "counted", "looped", "counted")

    world.drain()

    assert world.state("bad")["context"] == {"seen": 2}
    assert world.rows("SELECT stage, code FROM dead_letters") == [("step", "engine_failed")]


def test_a_redrive_applies_a_dead_letter_once(world: World) -> None:
    world.publish(LOOPS.format(poison="skip"))
    _send(world, "bad", "looped")
    world.drain()
    world.publish(MENDED.format(poison="skip"))
    world.move("looper", 2, "all")
    [(letter,)] = world.rows("SELECT id FROM dead_letters")

    redrive(world.connection, world.catalog(), world.settings, letter, by="test")
    with pytest.raises(DeadLetterRefused, match="ended before"):
        redrive(world.connection, world.catalog(), world.settings, letter, by="test")
    world.drain()

    assert world.state("bad")["configuration"] == ["one"]
    assert [type_ for kind, _, type_ in world.kinds("bad") if kind == 0] == ["looped"]


@pytest.mark.usefixtures("interpreted")
def test_an_event_that_kills_its_process_is_parked_and_others_go_on(incident: World) -> None:
    incident.take(
        incident.arrival("a", "reported", {"severity": 2}),
        incident.arrival("a", "noted", {}, event_id="poison"),
        incident.arrival("a", "noted", {}),
        *(incident.arrival(f"k{number}", "reported", {"severity": 2}) for number in range(20)),
    )

    deaths = 0
    while incident.step_in_fragile_child("poison") == -signal.SIGKILL:
        deaths += 1
        assert deaths <= 5

    # Two batches died with it, then three single steps from its own cursors: nobody else is suspected.
    assert deaths == 5
    assert incident.rows("SELECT stage, code, event_id, attempts FROM dead_letters") == [
        ("park", "process_died", "poison", 3),
    ]
    assert incident.rows("SELECT key, mode FROM instances WHERE mode <> 'running'") == [("a", "held")]
    assert incident.rows("SELECT count(*) FROM instances") == [(21,)]
    assert incident.rows("SELECT count(*) FROM held") == [(2,)]


def test_deaths_of_the_server_are_not_counted_against_an_event(incident: World) -> None:
    stepper = incident.stepper()
    incident.take(incident.arrival("a", "reported", {"severity": 2}))
    for _ in range(5):
        stepper._connection = None
        incident.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'foliot-%' AND datname = current_database()"
        )
        stepper._open()
        locked = stepper._lock(stepper._open(), list(range(64)), ahead=False)
        assert locked is not None
        cursors = locked.cursors
        stepper._attempt(cursors, {cursor.shard: [number + 1 for number in cursor.numbers] for cursor in cursors})
        stepper._disconnect(range(64))

    incident.drain(stepper)

    assert incident.state("a")["context"]["seen"] == 1
    assert incident.rows("SELECT count(*) FROM dead_letters") == [(0,)]


def test_an_event_that_cannot_be_stored_is_found_by_halving_and_parked(incident: World) -> None:
    incident.take(*(incident.arrival("a", "noted", {}, event_id=f"n{number}") for number in range(20)))
    incident.take(incident.arrival("b", "noted", {}))
    incident.connection.rollback()
    _refuse_rows_of(incident, "n13")

    stepper = incident.stepper()
    for _ in range(40):
        stepper.run_batch()

    assert incident.rows("SELECT code, event_id FROM dead_letters") == [("not_storable", "n13")]
    assert incident.rows("SELECT count(*) FROM journal WHERE kind = 0") == [(14,)]
    assert incident.rows("SELECT count(*) FROM held") == [(7,)]


def _refuse_rows_of(world: World, event_id: str) -> None:
    """Make the journal refuse an event, as a value that Postgres cannot store would."""
    import psycopg  # noqa: PLC0415 - the owner's connection, here only

    with psycopg.connect(world.database.owner) as connection:
        connection.execute(f"ALTER TABLE journal ADD CONSTRAINT refusal CHECK (event_id <> '{event_id}') NOT VALID")

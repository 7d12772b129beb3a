"""Only the event that cannot be stepped is parked: not one that came after it was found out."""

from __future__ import annotations

import signal
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

import psycopg
import pytest

from foliot.runtime import Stepper, batch, shard_of

if TYPE_CHECKING:
    from conftest import World


def _neighbour(key: str) -> str:
    """Find another key of the same shard."""
    shard = shard_of(f"default/incident/{key}", 64)
    return next(other for n in count() if shard_of(f"default/incident/{(other := f'n{n}')}", 64) == shard)


def _find_out(world: World) -> Stepper:
    """Step until a child knows which event the database refuses, and has not parked it yet."""
    world.take(*(world.arrival("a", "noted", {}, event_id=f"n{number}") for number in range(4)))
    with psycopg.connect(world.database.owner) as owner:
        owner.execute("ALTER TABLE journal ADD CONSTRAINT refusal CHECK (event_id <> 'n2') NOT VALID")
    stepper = world.stepper("first")
    while not stepper._condemned:
        stepper.run_batch()
    return stepper


def _break_step(monkeypatch: pytest.MonkeyPatch, event_id: str, error: type[BaseException]) -> None:
    """Let the step of one event raise."""
    step = batch.step

    def broken(machine: object, state: object, event: object, now: int) -> object:
        if event.id == event_id:  # type: ignore[attr-defined]
            raise error
        return step(machine, state, event, now)  # type: ignore[arg-type]

    monkeypatch.setattr(batch, "step", broken)


def test_a_child_forgets_an_event_that_another_has_parked(incident: World) -> None:
    first = _find_out(incident)
    incident.drain(incident.stepper("second"))
    incident.take(incident.arrival(_neighbour("a"), "reported", {"severity": 2}))

    incident.drain(first)

    assert incident.rows("SELECT event_id FROM dead_letters") == [("n2",)]
    assert incident.state(_neighbour("a"))["context"]["seen"] == 1


def test_a_more_urgent_event_is_not_parked_in_the_place_of_the_refused_one(incident: World) -> None:
    stepper = _find_out(incident)
    incident.take(incident.arrival(_neighbour("a"), "reported", {"severity": 2}, lane="critical"))

    incident.drain(stepper)

    assert incident.rows("SELECT event_id FROM dead_letters") == [("n2",)]
    assert incident.state(_neighbour("a"))["context"]["seen"] == 1


@pytest.mark.usefixtures("interpreted")
def test_a_more_urgent_event_is_not_parked_in_the_place_of_one_that_kills(incident: World) -> None:
    incident.take(incident.arrival("a", "noted", {}, event_id="poison"))
    for _ in range(3):
        assert incident.step_in_fragile_child("poison") == -signal.SIGKILL
    incident.take(incident.arrival(_neighbour("a"), "reported", {"severity": 2}, lane="critical"))

    assert incident.step_in_fragile_child("poison") == 0

    assert incident.rows("SELECT event_id FROM dead_letters") == [("poison",)]
    assert incident.state(_neighbour("a"))["context"]["seen"] == 1


@pytest.mark.usefixtures("interpreted")
def test_an_error_that_nobody_foresaw_parks_its_instance_alone(
    incident: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident.take(incident.arrival("a", "noted", {}, event_id="odd"), incident.arrival(_neighbour("a"), "noted", {}))
    _break_step(monkeypatch, "odd", OverflowError)

    incident.drain()

    assert incident.rows("SELECT stage, code, event_id FROM dead_letters") == [("park", "engine_failed", "odd")]
    assert incident.rows("SELECT key, mode FROM instances WHERE mode <> 'running'") == [("a", "held")]


@pytest.mark.usefixtures("interpreted")
def test_urgent_events_between_its_deaths_do_not_hide_a_low_event_that_kills(
    incident: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_step(monkeypatch, "poison", SystemExit)
    incident.take(incident.arrival("a", "noted", {}, lane="low", event_id="poison"))

    for _ in range(10):
        # Each of these children is a process that has ended: nothing is known of its attempt but the row.
        with suppress(SystemExit):
            incident.stepper("bulk").run_batch(role="bulk")
        incident.take(incident.arrival(_neighbour("a"), "noted", {}, lane="critical"))
        with suppress(SystemExit):
            urgent = incident.stepper("urgent")
            while urgent.run_batch(role="urgent").events:
                pass

    assert incident.rows("SELECT code, event_id FROM dead_letters") == [("process_died", "poison")]
    assert incident.rows("SELECT count(*) FROM journal WHERE kind = 0") == [(10,)]


def test_urgent_events_between_its_refusals_do_not_hide_a_low_event_that_cannot_be_stored(
    incident: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each look comes so late that the bulk child leaves nothing to the urgent one.
    monkeypatch.setattr("foliot.runtime.stepper.monotonic", count(step=1).__next__)
    incident.take(incident.arrival("a", "noted", {}, lane="low", event_id="n2"))
    with psycopg.connect(incident.database.owner) as owner:
        owner.execute("ALTER TABLE journal ADD CONSTRAINT refusal CHECK (event_id <> 'n2') NOT VALID")
    bulk, urgent = incident.stepper("bulk"), incident.stepper("urgent")

    for _ in range(10):
        bulk.run_batch(role="bulk")
        incident.take(incident.arrival(_neighbour("a"), "noted", {}, lane="critical"))
        urgent.run_batch(role="urgent")

    assert incident.rows("SELECT code, event_id FROM dead_letters") == [("not_storable", "n2")]
    assert incident.rows("SELECT count(*) FROM journal WHERE kind = 0") == [(10,)]

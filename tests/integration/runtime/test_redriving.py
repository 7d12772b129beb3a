"""A redrive brings back what was set aside: as what it was, and to whom it belonged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foliot.errors import Refusal
from foliot.registry import bind_topic, create_tenant, publish
from foliot.runtime import DeadLetterRefused, NoWake, Record, SetAside, redrive, take_in
from foliot.runtime.sweeps import fire_timers
from foliot_ingest.routing import decode_again

if TYPE_CHECKING:
    from conftest import World

TIMED = """
foliot: 1
id: timed
poison: skip
context: {{initial: {{rings: 0}}}}
initial: waiting
states:
  waiting:
    after:
      1ms: {{target: one}}
  one: {{always: [{{target: two, guard: "context.rings {sign} 0"}}]}}
  two: {{always: [{{target: one, guard: "context.rings {sign} 0"}}]}}
"""

MACHINE = """
foliot: 1
id: incident
initial: open
states: {open: {on: {noted: open}}}
"""


def test_a_timeout_that_was_skipped_is_a_timeout_again_when_it_is_redriven(world: World) -> None:
    world.publish(TIMED.format(sign=">="))
    world.take(world.arrival("a", "hello", machine="timed"))
    world.drain()
    world.connection.execute("UPDATE timers SET due = due - interval '1 hour'")
    world.connection.commit()
    assert fire_timers(world.connection, NoWake()) == 1
    world.drain()
    [(letter,)] = world.rows("SELECT id FROM dead_letters WHERE stage = 'step'")
    world.publish(TIMED.format(sign="<"))
    world.move("timed", 2, "all")

    redrive(world.connection, world.catalog(), world.settings, letter, by="test")
    world.drain()

    assert world.state("a")["configuration"] == ["one"]
    assert world.state("a")["timers"] == {}


def test_a_record_of_a_topic_that_was_bound_to_another_tenant_since_is_not_given_to_that_tenant(
    incident: World,
) -> None:
    create_tenant(incident.connection, "other")
    headers = '{"key":null,"headers":[["content-type","application/cloudevents+json"]]}'
    raw = (
        b'{"specversion":"1.0","id":"1","source":"s","type":"noted","subject":"a","foliotmachine":"incident","data":{}}'
    )
    letter = SetAside(
        stage="route",
        refusal=Refusal("unknown_machine", "there is no machine"),
        record=Record("id", "foliot.events.normal", 0, 5),
        raw=raw,
        headers=headers,
        tenant=1,
    )
    take_in(incident.connection, incident.catalog(), [], [letter], [], writer="test")
    bind_topic(incident.connection, "foliot.events.normal", "other")
    publish(incident.connection, "other", MACHINE, filename="test.yaml", by="test")

    with pytest.raises(DeadLetterRefused, match="belongs to another tenant now"):
        redrive(incident.connection, incident.catalog(), incident.settings, 1, by="test")

    assert incident.rows("SELECT status FROM dead_letters") == [("open",)]
    assert incident.rows("SELECT count(*) FROM inbox") == [(0,)]


def test_a_record_that_could_not_be_read_is_not_given_to_whom_its_topic_was_bound_to_since(incident: World) -> None:
    place = Record("id", "foliot.events.normal", 0, 5)
    raw = (
        b'{"specversion":"1.0","id":"1","source":"s","type":"noted","subject":"a","foliotmachine":"incident",'
        b'"data":{"text":"0123456789"}}'
    )
    kept = '{"key":null,"headers":[["content-type","application/cloudevents+json"]]}'
    narrow = incident.settings.model_copy(update={"event_bytes_max": 10})
    letter = decode_again(raw, kept, place, narrow, incident.catalog())
    assert isinstance(letter, SetAside)
    assert letter.refusal.code == "data_too_large"
    take_in(incident.connection, incident.catalog(), [], [letter], [], writer="test")
    create_tenant(incident.connection, "other")
    bind_topic(incident.connection, "foliot.events.normal", "other")
    publish(incident.connection, "other", MACHINE, filename="test.yaml", by="test")

    with pytest.raises(DeadLetterRefused, match="belongs to another tenant now"):
        redrive(incident.connection, incident.catalog(), incident.settings, 1, by="test")

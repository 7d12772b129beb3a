"""What is interrupted: each scenario is prepared once, and then done by a process that dies at one of its points.

A scenario says what a process does when it starts again as much as when it starts: it looks at what is there and
does the rest. Its points are all that it passes: `<file>.<statement>` and commits, with `:2` for the second time.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest.mock import patch

from integration.crashes.hands import TENANT, Site, arrival, catalog_of

from foliot.errors import Refusal
from foliot.registry import (
    TenantExists,
    VersionDeprecated,
    bind_topic,
    create_tenant,
    deprecate,
    move_channel,
    publish,
    publish_route,
    publish_schema,
)
from foliot.runtime import (
    DeadLetterRefused,
    NotHeld,
    NoWake,
    OffsetMove,
    Record,
    SetAside,
    Stepper,
    reading,
    redrive,
    repairs,
    sweep,
    take_in,
)
from foliot.store import load
from foliot_ingest.relay import Relay
from foliot_ingest.routing import decode_again

_INTAKE: Final = load("intake")
_STATION: Final = (Path(__file__).with_name("station.yaml")).read_text()
LOOPING: Final = _STATION.replace("BOUND", "0")
MENDED: Final = _STATION.replace("BOUND", "1000000")
ROUTE: Final = {
    "name": "alerts",
    "topic": "alerts",
    "match": "true",
    "machine": "'station'",
    "key": "string(record.value.host)",
    "type": "'counted'",
    "id": "string(record.value.id)",
    "schema": "alert",
}
KEPT: Final = '{"headers": [["content-type", "application/cloudevents+json"]], "key": null}'
TOPIC: Final = "events"
TOPIC_ID: Final = "an id"


@dataclass(frozen=True)
class Scenario:
    """`prepare` and `settle` are never interrupted; scenarios with the same `prepare` share a database to start from.

    `only_once`: the act is one transaction, so that a crash before its commit must leave nothing. `besides` names a
    scenario that stands for the points that are not repeated here.
    """

    name: str
    prepare: Callable[[Site], None]
    act: Callable[[Site], None]
    points: str
    settle: Callable[[Site], None] = Site.drain
    only_once: bool = False
    besides: str = ""


# Intake.


def _before_intake(site: Site) -> None:
    _publish(site, LOOPING)
    site.take(*site.arrivals(("known", "counted"), prefix="known"))
    with site.connected() as connection:
        begin = {"topic_ids": [TOPIC_ID], "partitions": [0], "topics": [TOPIC], "nexts": [0]}
        _INTAKE["begin_offsets"].run(connection, begin)
        connection.commit()


def _take_records(site: Site) -> None:
    """Take the records from the stored offset on, as an ingester does that has just started."""
    with site.connected() as connection:
        wanted = {"topic_ids": [TOPIC_ID], "partitions": [0]}
        [(_, _, following, _)] = _INTAKE["read_offsets"].run(connection, wanted).fetchall()
        catalog = catalog_of(connection)
        machine = catalog.machine(TENANT, "station")
        assert machine is not None
        records = [Record(TOPIC_ID, TOPIC, 0, offset) for offset in range(8)]
        log = [
            arrival(catalog, machine.number, "known0", "known", "counted", {"v": 3}, 2, records[0]),
            arrival(catalog, machine.number, "r1", "a", "counted", {"v": 1}, 0, records[1]),
            arrival(catalog, machine.number, "r1", "a", "counted", {"v": 1}, 0, records[2]),
            arrival(catalog, machine.number, "r1", "a", "counted", {"v": 2}, 0, records[3]),
            arrival(catalog, machine.number, "r4", "a", "counted", None, 2, records[4]),
            arrival(catalog, machine.number, "r5", "b", "counted", None, 3, records[5]),
            arrival(catalog, machine.number, "known0", "known", "counted", record=records[6]),
        ]
        aside = SetAside("decode", Refusal("not_json", "no JSON"), records[7], raw=b"{", tenant=TENANT)
        if following < len(records):
            move = OffsetMove(TOPIC_ID, 0, following, len(records))
            left = [event for event in log if event.record is not None and event.record.offset >= following]
            take_in(connection, catalog, left, [aside], [move], writer="crash")


# Steps.


def _before_step(site: Site) -> None:
    _publish(site, LOOPING)
    site.take(*site.arrivals(("late", "counted"), prefix="birth"))
    site.drain()
    for segment in (1, 2, 3, 0):
        # Its timer goes to timers_late.
        site.turn("timers", until=segment)
    births = [(key, "counted") for key in ("old", "parked", "bad", "teller", "idle")]
    site.take(*site.arrivals(*births, ("parked", "looped"), ("parked", "counted"), prefix="early"))
    site.drain()
    _publish(site, MENDED)
    _move(site)
    _redrive(site)
    site.take(
        *site.arrivals(
            ("new 1", "counted", None, 0),
            ("new 2", "counted", None, 3),
            ("new 3", "measured", {}),
            ("old", "left"),
            ("old", "returned", None, 3),
            ("late", "left"),
            ("teller", "told"),
            ("teller", "measured", {}),
            ("teller", "told", None, 0),
            ("parked", "counted"),
            ("bad", "spun"),
            ("bad", "counted"),
        )
    )


def _before_wake_up(site: Site) -> None:
    _publish(site, LOOPING)
    site.take(*site.arrivals(("old", "counted"), prefix="birth"))
    site.drain()
    site.take(*site.arrivals(("old", "left"), ("old", "returned", None, 3), ("new", "counted", None, 0)))


def _before_urgent_step(site: Site) -> None:
    _publish(site, LOOPING)
    site.take(*site.arrivals(("old", "counted", None, 1)))


def _step_when_given_back(site: Site) -> None:
    """Step as an urgent child does where somebody holds the shard at first."""
    with (
        # It is given back within the wait, however long a busy machine takes to do so.
        patch.object(reading, "_AWAIT_MS", "4000"),
        site.connected() as holder,
        closing(Stepper(site.settings, writer="crash")) as stepper,
    ):
        stepper.rehearse()
        holder.execute("SELECT FROM cursors FOR UPDATE")
        giving_back = threading.Timer(0.05, holder.rollback)
        giving_back.start()
        stepper.run_batch(role="urgent")
        giving_back.join()
    site.drain()


def _before_step_after_death(site: Site) -> None:
    """Two shards were tried by a process that died."""
    _before_step(site)
    stepper = Stepper(site.settings, writer="dead")
    with closing(stepper):
        cursors = stepper._lock(stepper._open(), list(range(64)), ahead=False).cursors
        stepper._attempt(cursors, {cursor.shard: [number + 1 for number in cursor.numbers] for cursor in cursors})


# Sweeps.


def _before_sweep(site: Site) -> None:
    _publish(site, MENDED)
    site.take(*site.arrivals(("late", "counted"), prefix="birth"))
    site.drain()
    for segment in (1, 2, 3, 0):
        site.turn("timers", until=segment)
    site.take(*site.arrivals(("due", "counted"), ("also due", "counted", None, 0)))
    site.drain()
    site.execute("UPDATE timers SET due = due - interval '1 day'")
    site.execute("UPDATE timers_late SET due = due - interval '1 day'")
    # The turning of rings is another scenario's.
    site.execute("UPDATE rings SET ready = true, rotated_at = clock_timestamp()")


def _sweep(site: Site) -> None:
    with site.connected() as connection:
        sweep(connection, site.settings, NoWake())


def _before_rings(site: Site) -> None:
    """Every ring writes its last segment and is about to empty its first one, where there is work left."""
    _publish(site, MENDED)
    site.take(*site.arrivals(("a", "counted"), ("b", "told", None, 0), prefix="first"))
    for ring in ("inbox", "outbox", "timers"):
        for segment in (1, 2, 3, 0):
            site.turn(ring, until=segment)
    site.drain()
    site.take(*site.arrivals(("a", "told"), ("c", "told", None, 3), prefix="second"))
    site.drain()
    site.execute("UPDATE relays SET sent = 1 WHERE shard = (SELECT min(shard) FROM outbox)")
    site.take(*site.arrivals(("a", "told"), ("c", "counted", None, 3), ("d", "counted"), prefix="third"))
    for ring in ("inbox", "outbox", "timers", "dedupe"):
        site.turn(ring, until=3)
    site.turn("dedupe", until=4)


def _numbered(points: Iterable[str]) -> Iterator[str]:
    """Name points that are passed again `name:2` and so on."""
    passed: Counter[str] = Counter()
    for point in points:
        passed[point] += 1
        yield point if passed[point] == 1 else f"{point}:{passed[point]}"


def _turning(ring: str) -> Scenario:
    clear = f"clear_{ring}_late " if ring in ("inbox", "outbox") else ""
    keep = "" if ring == "dedupe" else f"keep_{ring}"
    portion = [f"{clear}{keep}"] if keep else []
    emptied = f"{clear}{keep} lock_segment {keep} empty_segment" if keep else "empty_segment"
    turned = "lock_all_heads turn_heads turn_ring" if ring == "inbox" else "turn_ring"
    rounds = [*portion, f"{emptied} ring_ready", turned]
    statements = [f"try_ring_lock read_rings short_lock_timeout {each}" for each in rounds]
    points = " ".join(f"sweep.{name}" for name in _numbered(" ".join(statements).split()))
    commits = " ".join(_numbered([f"ring_{ring}.{point}" for _ in rounds for point in ("before_commit", "commit")]))
    return Scenario(f"ring of {ring}", _before_rings, lambda site: site.turn(ring, until=0), f"{points} {commits}")


# The relay.


def _before_relay(site: Site) -> None:
    _publish(site, MENDED)
    site.take(*site.arrivals(("a", "told"), ("a", "told", None, 0), ("b", "told"), prefix="told"))
    site.drain()
    site.execute("UPDATE outbox SET topic = '__not_ours' WHERE number = 1 AND key = 'a'")


def _relay(site: Site) -> None:
    """Relay until everything is confirmed."""
    stop = threading.Event()
    watcher = threading.Thread(target=_stop_when_sent, args=(site, stop))
    watcher.start()
    Relay(site.settings.model_copy(update={"changes_topic": "changes"}), stop=stop).run()
    watcher.join()


def _stop_when_sent(site: Site, stop: threading.Event) -> None:
    unsent = "SELECT count(*) FROM relays r JOIN cursors c USING (shard) WHERE c.n > r.changes OR c.outbox > r.sent"
    deadline = time.monotonic() + 60
    while site.number(unsent) and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()


# Repairs.


def _before_repair(site: Site) -> None:
    """A step's dead letter, a record's, a message's and a parked instance, each of which would go well now."""
    _publish(site, LOOPING)
    site.take(*site.arrivals(("a", "counted"), ("a", "looped"), ("a", "counted"), ("b", "measured", {}), prefix="bad"))
    site.drain()
    record = Record(TOPIC_ID, "foliot.events.normal", 0, 3)
    raw = b'{"specversion":"1.0","id":"r","source":"crash","type":"counted","subject":"c","foliotmachine":"station"}'
    aside = [
        SetAside("route", Refusal("unknown_machine", "no machine"), record, raw=raw, headers=KEPT, tenant=TENANT),
        SetAside(
            "send",
            Refusal("topic_refused", "no rights"),
            tenant=TENANT,
            machine="station",
            key="a",
            topic="pages",
            event_id="1-1-0",
            event='{"time":"2026-01-31T12:00:00Z"}',
            shard=1,
            number=1,
        ),
    ]
    with site.connected() as connection:
        take_in(connection, catalog_of(connection), [], aside, [], writer="crash")
    _publish(site, MENDED.replace("required: [v]", "required: []"))
    _move(site)


def _redrive(site: Site, stage: str = "park") -> None:
    """Redrive the only letter of a stage; one that was redriven before the crash is refused."""
    # The tests' installation may be older than the entry point.
    repairs._decoder = lambda: decode_again
    id_ = site.number(f"SELECT max(id) FROM dead_letters WHERE stage = '{stage}'")  # noqa: S608 - a word of this module
    with site.connected() as connection, suppress(DeadLetterRefused, NotHeld):
        redrive(connection, catalog_of(connection), site.settings, id_, by="crash")


# The registry.


def _before_registry(site: Site) -> None:
    _publish(site, LOOPING)
    site.take(*site.arrivals(("a", "counted")))
    site.drain()
    _publish(site, MENDED)
    site.take(*site.arrivals(("a", "counted"), ("b", "counted"), prefix="then"))


def _publish(site: Site, text: str, operation_id: str | None = None) -> None:
    with site.connected() as connection:
        publish(connection, "default", text, filename="station.yaml", by="crash", operation_id=operation_id)


def _move(site: Site, operation_id: str | None = None) -> None:
    with site.connected() as connection:
        move_channel(
            connection,
            "default",
            "station",
            "stable",
            2,
            mode="all",
            expected_revision=None,
            operation_id=operation_id,
            by="crash",
        )


def _furnish(site: Site) -> None:
    """Make a tenant, a schema, a route, a topic's binding, and take a version out of use."""
    with site.connected() as connection:
        with suppress(TenantExists):
            create_tenant(connection, "other", by="crash")
        publish_schema(connection, "default", "alert", '{"type": "object"}', by="crash")
        publish_route(connection, "default", ROUTE, by="crash")
        bind_topic(connection, "metrics", "other", rebind=True, by="crash")
        move_channel(
            connection,
            "default",
            "station",
            "stable",
            2,
            mode="all",
            expected_revision=None,
            operation_id="move",
            by="crash",
        )
        with suppress(VersionDeprecated):
            deprecate(connection, "default", "station", 1, by="crash", operation_id="deprecate")


_SWEEP_ENDS: Final = "sweep.idle_shards sweep.try_ring_lock sweep.read_rings"
SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "intake",
            _before_intake,
            _take_records,
            "intake.read_offsets registry.read_catalog intake.take_in_records "
            "intake.insert_dead_letters intake.insert_alarms intake.before_commit intake.commit",
            only_once=True,
        ),
        Scenario(
            "step",
            _before_step,
            Site.drain,
            "step.find_work step.lock_cursors attempts.begin step.read_heads registry.read_installation "
            "registry.read_catalog step.read_held step.read_inbox step.load_instances registry.read_definition "
            "step.stepped intake.insert_dead_letters step.insert_held step.delete_held step.count_held "
            "step.insert_instances step.update_instances step.insert_journal step.insert_outbox step.delete_timers "
            "step.delete_timers_late step.insert_timers step.insert_batches step.move_cursors step.before_commit "
            "step.commit step.read_ahead step.read_held:2 step.delete_held:2 step.count_held:2 step.update_instances:2 "
            "step.insert_journal:2 step.insert_batches:2 step.move_cursors:2 step.before_commit:2 step.commit:2",
        ),
        Scenario(
            "step of what a wake-up names",
            _before_wake_up,
            lambda site: site.drain(told=True),
            "step.lock_cursors step.read_heads registry.read_installation step.read_ahead attempts.begin step.stepped "
            "step.insert_instances step.update_instances step.insert_journal step.move_cursors step.before_commit "
            "step.commit",
            besides="step",
        ),
        Scenario(
            "step of a shard that is waited for",
            _before_urgent_step,
            _step_when_given_back,
            "step.lock_cursors step.limit_waits step.await_cursors step.limit_waits:2 step.read_heads step.read_ahead "
            "attempts.begin step.stepped step.move_cursors step.commit",
            besides="step",
        ),
        Scenario(
            "step after a death",
            _before_step_after_death,
            Site.drain,
            "attempts.begin attempts.excuse step.read_heads step.stepped step.move_cursors step.commit",
            besides="step",
        ),
        Scenario(
            "sweep",
            _before_sweep,
            _sweep,
            "sweep.end_frozen sweep.due_timers intake.lock_heads sweep.take_timers step.delete_timers "
            "sweep.take_timers_late step.delete_timers_late intake.insert_inbox intake.move_heads "
            f"sweep.before_commit sweep.commit {_SWEEP_ENDS}",
            only_once=True,
        ),
        *map(_turning, ("inbox", "outbox", "timers", "dedupe")),
        Scenario(
            "relay",
            _before_relay,
            _relay,
            "relay.find_unsent relay.lock_relays relay.read_outbox relay.read_changes intake.insert_dead_letters "
            "relay.move_relays "
            "relay.before_commit relay.commit",
        ),
        Scenario(
            "redrive of an event",
            _before_repair,
            lambda site: _redrive(site, "step"),
            "registry.read_catalog repair.read_dead_letter repair.accept_letter redrive.before_commit redrive.commit",
            only_once=True,
        ),
        Scenario(
            "redrive of a record",
            _before_repair,
            lambda site: _redrive(site, "route"),
            "registry.read_catalog repair.read_dead_letter repair.end_letter "
            "intake.take_in redrive.before_commit redrive.commit",
            only_once=True,
        ),
        Scenario(
            "redrive of a message",
            _before_repair,
            lambda site: _redrive(site, "send"),
            "registry.read_catalog repair.read_dead_letter repair.send_letter redrive.before_commit redrive.commit",
            only_once=True,
        ),
        Scenario(
            "release",
            _before_repair,
            _redrive,
            "registry.read_catalog repair.read_dead_letter repair.release release.before_commit release.commit",
            only_once=True,
        ),
        Scenario(
            "publication",
            lambda _site: None,
            lambda site: _publish(site, LOOPING, "publish"),
            "registry.lock_installation registry.list_tenants registry.read_operation registry.list_machines "
            "registry.insert_machine registry.list_versions registry.read_topic registry.insert_version "
            "registry.put_channel "
            "registry.move_revision registry.insert_operation registry.before_commit registry.commit",
            only_once=True,
        ),
        Scenario(
            "move of a channel",
            _before_registry,
            lambda site: _move(site, "move"),
            "registry.lock_installation registry.list_tenants registry.read_operation registry.list_machines "
            "registry.list_versions registry.list_channels registry.put_channel registry.move_revision "
            "registry.insert_operation registry.before_commit registry.commit",
            only_once=True,
        ),
        Scenario(
            "furnishing",
            _before_registry,
            _furnish,
            "registry.insert_tenant registry.put_schema registry.list_schemas registry.read_topic registry.put_topic "
            "registry.put_route registry.deprecate_version registry.commit registry.commit:2 registry.commit:3",
            besides="move of a channel",
        ),
    )
}

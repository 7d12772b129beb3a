"""One scenario for each defence: just the faults against which it defends."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import psycopg
from acceptance.rig.evidence import lane_ends, waiting
from acceptance.rig.programs import Program
from acceptance.rig.traffic import Traffic
from acceptance.rig.world import KafkaKind, World

from foliot.local.demo.workload import Planned, incidents
from foliot.settings import Defence

_SEED: Final = 11
_STEPPER: Final = (sys.executable, str(Path(__file__).with_name("lone_stepper.py")))
_WAIT_S_MAX: Final = 60.0
_FAST: Final = 1500.0
_MARKED_S: Final = 3.0
"""How long a relay that marks too early is given to do so."""
_KNOWN: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'foliot-step%' AND wait_event = 'relation'"
)
_END_STEPPERS: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'foliot-step%'"
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is done to a small world; with the defence it must come out green, without it red."""

    defence: Defence
    what: str
    play: Callable[[World], None]
    kafka: KafkaKind = "tansu"
    shards: int = 4
    settings: Mapping[str, object] = field(default_factory=dict)


def _send(world: World, records: list[Planned], *, rate: float = _FAST) -> None:
    Traffic(world.kafka.address, records, rate=rate, log=world.evidence / "producer.jsonl").send_all_now()


def _records(count: int) -> list[Planned]:
    return list(incidents(_SEED, count))


def _wait(world: World, happened: Callable[[], bool], what: str) -> None:
    if not world.wait(happened, seconds_max=_WAIT_S_MAX):
        raise RuntimeError(f"{what} did not happen within {_WAIT_S_MAX:g} s: {waiting(world)}")


def _wait_until_taken(world: World) -> None:
    """Wait until the ingester has taken all that Kafka has."""
    ends = lane_ends(world)
    _wait(world, lambda: waiting(world, ends=ends)["kafka"] == 0, "taking everything in")


def _wait_until_stepped(world: World) -> None:
    ends = lane_ends(world)
    _wait(world, lambda: all(waiting(world, ends=ends)[part] == 0 for part in ("kafka", "inbox")), "stepping")


def two_steppers(world: World) -> None:
    """Let two steppers have the same few shards at the same time, in many small batches."""
    world.add("ingest", "ingest")
    world.add("relay", "relay")
    for number in (1, 2):
        world.add_process(f"stepper{number}", _STEPPER)
    _wait(world, lambda: _steppers(world) == 2, "the start of both steppers")
    _send(world, _records(2500), rate=300)


def two_owners(world: World) -> None:
    """Let two ingesters of different groups each believe that all partitions are theirs.

    The key of the accounts would refuse the second intake from the same offset too; here the comparison stands alone.
    """
    with psycopg.connect(world.dsn_owner) as connection:
        connection.execute("ALTER TABLE intakes DROP CONSTRAINT intakes_pkey")
    world.add_process("stepper", _STEPPER)
    world.add("relay", "relay")
    for number in (1, 2):
        world.add(f"ingest{number}", "ingest", group=f"group-{number}")
    _wait(world, lambda: all(_readers(world.programs[name]) >= 2 for name in ("ingest1", "ingest2")), "both to own all")
    _send(world, _records(2500), rate=300)


def everything_sent_twice(world: World) -> None:
    """Send some records twice, as producers do; the seed has one percent of them."""
    world.add("ingest", "ingest")
    world.add("relay", "relay")
    world.add_process("stepper", _STEPPER)
    _send(world, _records(1500))


def a_backlog(world: World) -> None:
    """Let events of all lanes wait before anybody steps them, so that batches are large."""
    world.add("ingest", "ingest")
    _send(world, _records(1500))
    _wait_until_taken(world)
    world.add("relay", "relay")
    world.add_process("stepper", _STEPPER)


def a_fatal_event(world: World) -> None:
    """Let an event of an instance that lives kill whoever steps it, every time."""
    records = _records(600)
    fatal = next(each.event["id"] for each in records[300:] if each.event is not None and _is_no_birth(each))
    world.add("ingest", "ingest")
    world.add("relay", "relay")
    world.add_process("stepper", (*_STEPPER, fatal))
    _send(world, records)


def a_broker_that_dies_with_its_mail(world: World) -> None:
    """Freeze Kafka while the relay has much to send, then kill both: what was on its way is lost."""
    records = iter(_records(900))
    world.add("ingest", "ingest")
    relay = world.add("relay", "relay")
    stepper = world.add_process("stepper", _STEPPER)
    _send(world, list(islice(records, 300)))
    _wait(world, lambda: _is_at_rest(world), "relaying of the first events")
    stepper.end(grace_seconds=10.0)
    _send(world, list(records))
    _wait_until_taken(world)
    world.kafka.freeze()
    world.note_fault("stop_kafka")
    world.add_process("stepper_again", _STEPPER)
    _wait(world, lambda: waiting(world)["inbox"] == 0, "stepping without Kafka")
    time.sleep(_MARKED_S)
    relay.crash()
    world.note_fault("kill_relay")
    world.kafka.kill()
    world.note_fault("kill_kafka")
    world.kafka.start()


def a_commit_that_fails(world: World) -> None:
    """Let a batch wait for a lock when it is nearly written, end its session there, and let the same process go on."""
    records = iter(_records(900))
    world.add("ingest", "ingest")
    world.add("relay", "relay")
    world.add_process("stepper", _STEPPER)
    _send(world, list(islice(records, 300)))
    _wait_until_stepped(world)
    with psycopg.connect(world.dsn_owner) as blocker:
        blocker.execute("LOCK TABLE batches IN EXCLUSIVE MODE")
        _send(world, list(records))
        with psycopg.connect(world.dsn_owner, autocommit=True) as hand:
            _wait(world, lambda: hand.execute(_KNOWN).fetchone() != (0,), "waiting for the lock")
            hand.execute(_END_STEPPERS)
            world.note_fault("end_session")
            _wait(world, lambda: hand.execute(_KNOWN).fetchone() == (0,), "the end of the session")


def _steppers(world: World) -> int:
    [(count,)] = world.query("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'foliot-step %'")
    return int(str(count))


def _readers(ingester: Program) -> int:
    """Count the readers that have found their places; each ingester has two."""
    return ingester.log.read_text(encoding="utf-8").count('"partitions_placed"')


def _is_at_rest(world: World) -> bool:
    return not any(waiting(world, ends=lane_ends(world)).values())


def _is_no_birth(planned: Planned) -> bool:
    return planned.expect == "applied" and planned.event is not None and planned.event["type"] != "reported"


SCENARIOS: Final = (
    Scenario("cursor_lock", "two steppers on the same shards", two_steppers, settings={"steal_after_ms": 0}),
    Scenario("token", "two steppers take turns on the same shards", two_steppers, settings={"steal_after_ms": 0}),
    Scenario("offsets", "two ingesters own all partitions", two_owners, "apache"),
    Scenario("dedupe", "a producer sends some records twice", everything_sent_twice),
    Scenario("lane_order", "a backlog in all lanes", a_backlog),
    Scenario("attempts", "an event kills its process each time", a_fatal_event),
    Scenario(
        "outbox_mark", "Kafka and the relay die with messages on their way", a_broker_that_dies_with_its_mail, "apache"
    ),
    Scenario("cache_drop", "a session ends before its commit", a_commit_that_fails),
)

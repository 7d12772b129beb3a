"""Events become steps, once and in order."""

from __future__ import annotations

from contextlib import closing
from hashlib import blake2b
from itertools import count
from threading import Timer
from typing import TYPE_CHECKING

import psycopg
import pytest
from addresses import WORK

from foliot.engine import SEMANTICS
from foliot.history import verify
from foliot.registry import Versions
from foliot.runtime import batch, take_in
from foliot.runtime.reading import AHEAD_EVENTS_MAX, lock
from foliot.runtime.rehearsal import rehearse
from foliot.runtime.selection import CALM_FEW
from foliot.store import Conflict, Connection, RegistryMoved, connect

if TYPE_CHECKING:
    from conftest import World

LONG_MS = "4000"
"""For which a shard is waited for where it is given back soon: a busy machine's Timer is late."""


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _chain(*ids: str) -> str:
    chain = ""
    for id_ in ids:
        chain = _digest(chain + id_)
    return chain


@pytest.mark.parametrize(("events", "had_room"), [(1, True), (8, True), (9, False), (16, False)])
def test_a_batch_tells_whether_it_had_room_for_as_many_again(incident: World, events: int, had_room: bool) -> None:  # noqa: FBT001 - a parameter of the test
    incident.take(*(incident.arrival("a", "reported", {"severity": 2}, event_id=f"e{n}") for n in range(events)))

    stepped = incident.stepper(step_batch=16).run_batch()

    assert (stepped.events, stepped.had_room) == (events, had_room)


def test_the_first_event_creates_the_instance_and_steps_it(incident: World) -> None:
    incident.take(incident.arrival("a", "reported", {"severity": 2}, event_id="first"))

    stepped = incident.drain()

    state = incident.state("a")
    assert stepped == 1
    assert state["configuration"] == ["open.waiting"]
    assert state["context"] == {"chain": _chain("first"), "seen": 1, "severity": 2, "notes": 0, "escalations": 0}
    assert incident.kinds("a") == [(1, 0, "reported"), (0, 0, "reported")]


def test_a_redelivered_event_steps_the_instance_once(incident: World) -> None:
    report = incident.arrival("a", "reported", {"severity": 2})

    first, second = incident.take(report, report), incident.take(report)
    incident.drain()

    assert (first.accepted, first.duplicates) == (1, 1)
    assert (second.accepted, second.duplicates) == (0, 1)
    assert incident.state("a")["context"]["seen"] == 1


def test_a_duplicate_is_known_in_an_older_generation(incident: World) -> None:
    report = incident.arrival("a", "reported", {"severity": 2})
    incident.take(report)
    incident.connection.execute("UPDATE rings SET segment = 1 WHERE name = 'dedupe'")
    incident.connection.commit()

    again = incident.take(report)

    assert (again.accepted, again.duplicates) == (0, 1)


def test_a_reused_id_with_another_payload_is_set_aside_and_raises_an_alarm(incident: World) -> None:
    incident.take(incident.arrival("a", "reported", {"severity": 2}, event_id="x"))

    receipt = incident.take(incident.arrival("a", "reported", {"severity": 3}, event_id="x"))

    assert (receipt.accepted, receipt.duplicates, receipt.dead) == (0, 0, 1)
    assert incident.rows("SELECT code, event_id FROM dead_letters") == [("id_reused", "x")]
    assert incident.rows("SELECT code FROM alarms") == [("id_reused",)]


def test_events_of_a_lane_are_applied_in_arrival_order(incident: World) -> None:
    ids = [f"n{number}" for number in range(50)]
    incident.take(incident.arrival("a", "reported", {"severity": 2}, event_id="r"))
    incident.take(*(incident.arrival("a", "noted", {}, event_id=id_) for id_ in ids))

    incident.drain()

    assert incident.state("a")["context"]["chain"] == _chain("r", *ids)


def test_within_a_batch_a_higher_lane_goes_first(incident: World) -> None:
    incident.take(
        incident.arrival("a", "noted", {}, lane="low", event_id="low"),
        incident.arrival("a", "noted", {}, lane="normal", event_id="normal"),
        incident.arrival("a", "reported", {"severity": 2}, lane="critical", event_id="critical"),
        incident.arrival("a", "noted", {}, lane="high", event_id="high"),
    )

    incident.drain()

    assert incident.state("a")["context"]["chain"] == _chain("critical", "high", "normal", "low")


def test_an_event_that_nothing_handles_is_journaled_as_ignored(incident: World) -> None:
    incident.take(incident.arrival("a", "closed"))

    incident.drain()

    assert incident.kinds("a") == [(1, 0, "closed"), (0, 1, "closed")]
    assert incident.state("a")["configuration"] == ["new"]


def test_data_outside_its_schema_goes_to_the_dead_letters_and_its_neighbours_are_applied(incident: World) -> None:
    incident.take(
        incident.arrival("a", "reported", {"severity": 2}),
        incident.arrival("a", "reprioritized", {"severity": 9}),
        incident.arrival("a", "noted", {}),
        incident.arrival("b", "reported", {"severity": "high"}),
    )

    incident.drain()

    assert incident.rows("SELECT stage, code, key FROM dead_letters ORDER BY key") == [
        ("step", "data_outside_schema", "a"),
        ("step", "data_outside_schema", "b"),
    ]
    assert incident.state("a")["context"]["seen"] == 2
    assert incident.rows("SELECT count(*) FROM instances") == [(1,)]


def test_many_instances_equal_the_fold_of_their_journals(incident: World) -> None:
    for number in range(40):
        incident.take(
            incident.arrival(f"k{number}", "reported", {"severity": 1 + number % 5}),
            incident.arrival(f"k{number}", "acknowledged"),
            incident.arrival(f"k{number}", "escalated", lane="high"),
            incident.arrival(f"k{number}", "noted", {"text": "ä"}),
        )
    incident.drain()

    verified = verify(incident.connection, incident.catalog(), Versions(10))

    assert verified.findings == []
    assert (verified.instances, verified.rows) == (40, 200)


def test_verify_finds_an_instance_that_is_not_its_fold(incident: World) -> None:
    incident.take(incident.arrival("a", "reported", {"severity": 2}))
    incident.drain()
    incident.connection.execute("UPDATE instances SET state = replace(state, '\"seen\":1', '\"seen\":2')")
    incident.connection.commit()

    verified = verify(incident.connection, incident.catalog(), Versions(10))

    assert [finding.code for finding in verified.findings] == ["not_its_fold"]


def test_verify_tells_of_a_stored_state_that_cannot_be_read(incident: World) -> None:
    incident.take(incident.arrival("a", "reported", {"severity": 2}))
    incident.drain()
    with psycopg.connect(incident.database.owner) as owner:
        owner.execute("UPDATE journal SET state = '{}' WHERE state IS NOT NULL")

    verified = verify(incident.connection, incident.catalog(), Versions(10))

    assert verified.findings[0].code == "not_replayable"


@pytest.fixture
def upgraded(incident: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three instances that began under another engine; this one has stepped `a` twice and `b` once since."""
    monkeypatch.setattr(batch, "SEMANTICS", SEMANTICS - 1)
    for key in "abc":
        incident.take(incident.arrival(key, "reported", {"severity": 2}), incident.arrival(key, "noted", {"text": key}))
    incident.drain()
    monkeypatch.setattr(batch, "SEMANTICS", SEMANTICS)
    incident.take(incident.arrival("a", "acknowledged"), incident.arrival("a", "noted", {}))
    incident.take(incident.arrival("b", "acknowledged"))
    incident.drain()
    return incident


@pytest.mark.usefixtures("interpreted")
def test_what_another_engine_wrote_is_not_replayed_and_the_fold_goes_on_at_the_next_full_state(upgraded: World) -> None:
    verified = verify(upgraded.connection, upgraded.catalog(), Versions(10))

    assert verified.findings == []
    assert (verified.instances, verified.rows, verified.not_replayed) == (3, 12, 9)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("key", ["a", "b", "c"])
def test_verify_finds_a_changed_instance_also_where_another_engine_wrote_its_rows(upgraded: World, key: str) -> None:
    upgraded.connection.execute(
        "UPDATE instances SET state = replace(state, '\"seen\":', '\"seen\":1') WHERE key = %s", [key]
    )
    upgraded.connection.commit()

    verified = verify(upgraded.connection, upgraded.catalog(), Versions(10))

    assert [finding.code for finding in verified.findings] == ["not_its_fold"]


@pytest.mark.usefixtures("interpreted")
def test_verify_finds_that_a_fold_would_cross_engines(upgraded: World) -> None:
    with psycopg.connect(upgraded.database.owner) as owner:
        owner.execute("UPDATE journal SET state = NULL WHERE semantics = %s", [SEMANTICS])

    verified = verify(upgraded.connection, upgraded.catalog(), Versions(10))

    assert {finding.code for finding in verified.findings} == {"no_beginning", "chain_broken", "not_its_fold"}


def test_a_messages_body_and_number_are_in_the_outbox(incident: World) -> None:
    incident.take(
        incident.arrival("a", "reported", {"severity": 2}),
        incident.arrival("a", "reprioritized", {"severity": 1}),
    )

    incident.drain()

    rows = incident.rows("SELECT number, key, topic, body::json->>'type' FROM outbox ORDER BY number")
    assert rows == [
        (1, "a", "foliot.demo.pages", "incident.paged"),
        (2, "a", "foliot.demo.pages", "incident.escalated"),
    ]


def test_a_second_writer_makes_the_first_drop_what_it_remembers(incident: World) -> None:
    one, two = incident.stepper("one"), incident.stepper("two")
    incident.take(incident.arrival("a", "reported", {"severity": 2}, event_id="r"))
    incident.drain(one)
    incident.take(incident.arrival("a", "noted", {}, event_id="n1"))
    incident.drain(two)
    incident.take(incident.arrival("a", "noted", {}, event_id="n2"))

    incident.drain(one)

    assert incident.state("a")["context"]["chain"] == _chain("r", "n1", "n2")
    assert incident.rows("SELECT count(*) FROM alarms") == [(0,)]


def test_a_shard_that_another_holds_is_left_alone(incident: World) -> None:
    incident.take(incident.arrival("a", "reported", {"severity": 2}))
    incident.connection.execute("SELECT FROM cursors FOR UPDATE")
    stepper = incident.stepper()

    stepped = stepper.run_batch()

    incident.connection.rollback()
    assert stepped.shards == 0
    assert incident.drain(stepper) == 1


def test_a_batch_that_is_told_of_a_shard_steps_it_and_no_other(incident: World) -> None:
    incident.take(*(incident.arrival(key, "reported", {"severity": 2}) for key in ("a", "b", "c", "d")))
    shards = sorted(shard for (shard,) in incident.rows(WORK))
    stepper = incident.stepper()

    stepped = stepper.run_batch([shards[0]])
    again = stepper.run_batch([shards[0]])
    nowhere = stepper.run_batch([4000])

    assert stepped.events > 0
    assert sorted(shard for (shard,) in incident.rows(WORK)) == shards[1:]
    assert (again.events, nowhere.events) == (0, 0)
    assert incident.drain(stepper) == 4 - stepped.events


@pytest.mark.parametrize("count", [1, AHEAD_EVENTS_MAX, AHEAD_EVENTS_MAX + 1])
def test_instances_that_another_child_stepped_are_read_with_the_lock_or_after_it(incident: World, count: int) -> None:
    incident.take(incident.arrival("a", "reported", {"severity": 2}, event_id="r"))
    incident.drain(incident.stepper("one"))
    ids = [f"n{number}" for number in range(count)]
    incident.take(*(incident.arrival("a", "noted", {}, event_id=id_) for id_ in ids))

    incident.stepper("two").run_batch([shard for (shard,) in incident.rows(WORK)])

    assert incident.state("a")["context"]["chain"] == _chain("r", *ids)


def test_a_shard_that_another_has_emptied_since_it_was_chosen_is_no_attempt(
    incident: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident.take(incident.arrival("a", "reported", {"severity": 2}))
    incident.drain()
    late = incident.stepper()
    [(shard,)] = incident.rows("SELECT shard FROM instances")
    with monkeypatch.context() as patched:
        patched.setattr(late, "_choose", lambda *_, **__: ([shard], True))

        empty = [late.run_batch() for _ in range(4)]
    incident.take(incident.arrival("a", "noted", {}))
    incident.drain(late)

    assert [(stepped.events, stepped.shards) for stepped in empty] == [(0, 1)] * 4
    assert incident.rows("SELECT count(*) FROM batches") == [(2,)]
    assert incident.rows("SELECT count(*) FROM dead_letters") == [(0,)]
    assert incident.state("a")["context"]["seen"] == 2


def test_a_batch_whose_session_was_ended_is_done_again_once(incident: World) -> None:
    stepper = incident.stepper()
    incident.take(incident.arrival("a", "reported", {"severity": 2}))
    incident.drain(stepper)
    incident.take(incident.arrival("a", "noted", {}))
    incident.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'foliot-step%' AND datname = current_database()"
    )

    with pytest.raises(Exception, match="store_unavailable"):
        stepper.run_batch()
    incident.drain(stepper)

    assert incident.state("a")["context"]["seen"] == 2


def test_a_missing_inbox_row_is_never_skipped(incident: World) -> None:
    incident.take(*(incident.arrival("a", "noted", {}) for _ in range(3)))
    incident.connection.execute("DELETE FROM inbox WHERE number = 2")
    incident.connection.commit()
    stepper = incident.stepper()

    stepper.run_batch()

    assert incident.rows("SELECT code FROM alarms") == [("shard_conflict",)]
    assert incident.rows("SELECT count(*) FROM journal") == [(0,)]
    assert Conflict.retryable


def test_nothing_is_taken_in_by_a_registry_that_has_moved(incident: World) -> None:
    stale, event = incident.catalog(), incident.arrival("a", "reported", {"severity": 2})
    incident.publish_incident(2)

    with pytest.raises(RegistryMoved):
        take_in(incident.connection, stale, [event], [], [], writer="test")

    assert incident.rows("SELECT FROM inbox UNION ALL SELECT FROM dedupe") == []
    assert incident.take(event).accepted == 1


@pytest.mark.parametrize("waiting", [5, 50])
def test_an_urgent_child_steps_critical_and_high_events_and_a_few_of_the_others(incident: World, waiting: int) -> None:
    incident.take(incident.arrival("a", "reported", {"severity": 2}, lane="critical"))
    [(shard,)] = incident.rows(WORK)
    incident.take(*(incident.arrival("a", "noted", {}, lane="low") for _ in range(waiting)))
    stepper = incident.stepper()

    named = stepper.run_batch([shard], role="urgent")
    left = [stepper.run_batch([shard], role="urgent"), stepper.run_batch(role="urgent")]

    assert (named.events, [stepped.events for stepped in left]) == (1 + CALM_FEW, [0, 0])
    assert incident.state("a")["context"]["seen"] == 1 + CALM_FEW
    assert incident.drain(stepper) == waiting - CALM_FEW


@pytest.mark.parametrize("told", [True, False])
def test_an_urgent_child_waits_for_a_shard_and_steps_it_when_it_is_given_back(
    incident: World, monkeypatch: pytest.MonkeyPatch, *, told: bool
) -> None:
    monkeypatch.setattr("foliot.runtime.reading._AWAIT_MS", LONG_MS)
    incident.take(incident.arrival("a", "reported", {"severity": 2}, lane="high"))
    shards = [shard for (shard,) in incident.rows(WORK)]
    incident.connection.execute("SELECT FROM cursors FOR UPDATE")
    giving_back = Timer(0.02, incident.connection.rollback)
    giving_back.start()

    stepped = incident.stepper().run_batch(shards if told else (), role="urgent")

    giving_back.join()
    assert stepped.events == 1


def test_an_urgent_child_does_not_wait_for_a_shard_for_long_and_goes_on_after_it(incident: World) -> None:
    incident.take(incident.arrival("a", "reported", {"severity": 2}, lane="high"))
    incident.connection.execute("SELECT FROM cursors FOR UPDATE")
    stepper = incident.stepper()

    in_vain = stepper.run_batch(role="urgent")

    incident.connection.rollback()
    assert in_vain.events == 0
    assert stepper.run_batch(role="urgent").events == 1


def test_the_wait_for_a_shard_shortens_no_other_wait_and_tells_the_time_as_of_its_end(
    incident: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foliot.runtime.reading._AWAIT_MS", LONG_MS)
    waiting = connect(incident.database.service, application="waiting")
    with closing(waiting), closing(connect(incident.database.service, application="next")) as following:
        following.execute("SELECT FROM cursors WHERE shard = 5 FOR UPDATE")
        giving_back = Timer(0.02, _step_as, (following, 5))
        giving_back.start()

        locked = lock(waiting, [3, 5], ahead=False, how="await_cursors")

        giving_back.join()
        assert waiting.execute("SHOW lock_timeout").fetchone() == ("5s",)
        waiting.rollback()
    [(stepped_at,)] = incident.rows("SELECT (extract(epoch FROM at) * 1000000)::int8 FROM cursors WHERE shard = 5")
    assert locked.now > stepped_at


def _step_as(connection: Connection, shard: int) -> None:
    connection.execute("UPDATE cursors SET at = clock_timestamp() WHERE shard = %s", (shard,))
    connection.commit()


def test_a_bulk_child_leaves_an_urgent_event_for_a_while_and_then_takes_it(
    incident: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = count()
    monkeypatch.setattr("foliot.runtime.stepper.monotonic", lambda: next(clock) * 0.06)
    incident.take(incident.arrival("a", "reported", {"severity": 2}, lane="high"))
    stepper = incident.stepper()

    left, still, taken = (stepper.run_batch(role="bulk").events for _ in range(3))

    assert (left, still, taken) == (0, 0, 1)


def test_a_child_that_has_rehearsed_has_written_nothing_and_steps(incident: World) -> None:
    stepper = incident.stepper()

    stepper.rehearse()

    assert incident.rows("SELECT FROM journal UNION ALL SELECT FROM batches UNION ALL SELECT FROM attempts") == []
    incident.take(incident.arrival("a", "reported", {"severity": 2}))
    assert stepper.run_batch().events == 1


def test_a_machine_of_another_release_does_not_keep_a_child_from_stepping_others(incident: World) -> None:
    incident.publish("{foliot: 1, id: unreadable, initial: one, states: {one: {}}}")
    with psycopg.connect(incident.database.owner) as owner:
        owner.execute("UPDATE versions SET definition = '{}' WHERE version = 1 AND source LIKE '%unreadable%'")
    stepper = incident.stepper()

    stepper.rehearse()

    incident.take(incident.arrival("a", "reported", {"severity": 2}))
    assert stepper.run_batch().events == 1


def test_a_rehearsal_plans_the_statements_that_a_batch_runs(incident: World) -> None:
    connection = connect(incident.database.service, application="rehearsal")
    with closing(connection):
        rehearse(connection, incident.catalog(), Versions(1))

        planned = connection.execute("SELECT statement FROM pg_prepared_statements WHERE generic_plans > 0").fetchall()

    for part in ("FOR UPDATE SKIP LOCKED", "FROM inbox", "SELECT insert_journal(", "expect_rows('cursors'"):
        assert any(part in statement for (statement,) in planned), part

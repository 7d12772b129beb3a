"""Planted anomalies: each spoils the evidence of a clean run in one way that must not go unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from checker.evidence import Evidence
from checker.model import EVENT, MIGRATE, AlarmRow, JournalRow, QueuedRow, Seen

Spoil = Callable[[Evidence], None]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What was done, and the name of the finding that must tell of it."""

    name: str
    finding: str
    spoil: Spoil


def _steps(evidence: Evidence, *, timer: bool = False, skip: int = 0) -> tuple[int, JournalRow]:
    """Pick a row in the middle of an instance's life: its index in the journal, and the row."""
    fit = [
        (index, row)
        for index, row in enumerate(evidence.journal)
        if row.kind == EVENT and (row.timer is not None) == timer and (timer or row.position > 3)
    ]
    return fit[skip]


def _lost(evidence: Evidence) -> None:
    index, _ = _steps(evidence)
    del evidence.journal[index]


def _doubled(evidence: Evidence) -> None:
    """Step an event again, right at the end of its shard, with a chain that fits."""
    _, row = _steps(evidence)
    last = max((each for each in evidence.journal if each.instance == row.instance), key=lambda each: each.n)
    end = max(each.n for each in evidence.journal if each.shard == row.shard)
    evidence.journal.append(replace(row, n=end + 1, position=last.position + 1, previous_n=last.n))


def _swapped_in_lane(evidence: Evidence) -> None:
    """Exchange the events of two steps of one instance and queue; the rows themselves stay."""
    seen: dict[tuple[int, int | None], int] = {}
    for index, row in enumerate(evidence.journal):
        if row.kind != EVENT or row.timer is not None:
            continue
        other = seen.setdefault((row.instance, row.queue), index)
        if other != index:
            first = evidence.journal[other]
            evidence.journal[other] = _with_event_of(first, row)
            evidence.journal[index] = _with_event_of(row, first)
            return


def _with_event_of(row: JournalRow, other: JournalRow) -> JournalRow:
    return replace(row, number=other.number, event_id=other.event_id, type=other.type, data=other.data)


def _swapped_before_numbering(evidence: Evidence) -> None:
    """Exchange the offsets of two records, so that the inbox numbered them against the order of their partition."""
    applied = [row for row in evidence.journal if row.kind == EVENT and row.timer is None]
    records = {record.id: index for index, record in enumerate(evidence.produced) if record.offset is not None}
    copies = {record.id for record in evidence.produced if record.expect == "duplicate" or record.offset is None}
    seen: dict[tuple[int, int | None], JournalRow] = {}
    for row in applied:
        if row.event_id in copies:
            continue
        first = seen.setdefault((row.instance, row.queue), row)
        if first is not row:
            one, two = records[first.event_id], records[row.event_id]
            early, late = evidence.produced[one], evidence.produced[two]
            evidence.produced[one] = replace(early, offset=late.offset)
            evidence.produced[two] = replace(late, offset=early.offset)
            return


def _state_not_its_fold(evidence: Evidence) -> None:
    row = evidence.instances[3]
    state = json.loads(row.state)
    state["context"]["seen"] += 1
    evidence.instances[3] = replace(row, state=json.dumps(state, sort_keys=True, separators=(",", ":")))


def _wrong_hash(evidence: Evidence) -> None:
    index, row = _steps(evidence)
    evidence.journal[index] = replace(row, state_hash="0" * 32)


def _wrong_outcome(evidence: Evidence) -> None:
    index, row = _steps(evidence)
    evidence.journal[index] = replace(row, outcome=1 - row.outcome)


def _wrong_version(evidence: Evidence) -> None:
    index, row = _steps(evidence)
    evidence.journal[index] = replace(row, version=row.version % 3 + 1)


def _version_without_migration(evidence: Evidence) -> None:
    index = next(index for index, row in enumerate(evidence.instances) if row.version == 3)
    evidence.instances[index] = replace(evidence.instances[index], version=2)


def _migration_changes_state(evidence: Evidence) -> None:
    index = next(index for index, row in enumerate(evidence.journal) if row.kind == MIGRATE)
    row = evidence.journal[index]
    state = json.loads(row.state or "")
    state["context"]["notes"] += 1
    evidence.journal[index] = replace(row, state=json.dumps(state, sort_keys=True, separators=(",", ":")))


def _stepped_outside_schema(evidence: Evidence) -> None:
    index = next(
        index for index, row in enumerate(evidence.journal) if row.kind == EVENT and row.type == "reprioritized"
    )
    evidence.journal[index] = replace(evidence.journal[index], data='{"severity":6}')


def _wrong_instance(evidence: Evidence) -> None:
    """Give a step to another instance of the shard, whose chain it breaks."""
    index, row = _steps(evidence)
    other = next(each for each in evidence.instances if each.shard == row.shard and each.id != row.instance)
    evidence.journal[index] = replace(row, instance=other.id)


def _gap_in_n(evidence: Evidence) -> None:
    shard = evidence.journal[0].shard
    rows = [index for index, row in enumerate(evidence.journal) if row.shard == shard]
    for index in rows[len(rows) // 2 :]:
        row = evidence.journal[index]
        evidence.journal[index] = replace(row, n=row.n + 1)


def _offset_ahead(evidence: Evidence) -> None:
    evidence.offsets[0] = replace(evidence.offsets[0], next=evidence.offsets[0].next + 5)


def _inbox_short(evidence: Evidence) -> None:
    """Say that an intake accepted one event more than came into the inbox."""
    row = evidence.intakes[0]
    evidence.intakes[0] = replace(row, next=row.next, accepted=row.accepted + 1, duplicates=row.duplicates - 1)


def _intakes_overlap(evidence: Evidence) -> None:
    index = next(index for index, row in enumerate(evidence.intakes) if row.first > 0)
    row = evidence.intakes[index]
    evidence.intakes[index] = replace(row, first=row.first - 1, duplicates=row.duplicates + 1)


def _intake_missing(evidence: Evidence) -> None:
    del evidence.intakes[next(index for index, row in enumerate(evidence.intakes) if row.first > 0)]


def _change_missing(evidence: Evidence) -> None:
    for index, record in enumerate(evidence.changes):
        evidence.changes[index] = replace(record, changes=[each for each in record.changes if each["n"] != 7])


def _change_altered(evidence: Evidence) -> None:
    record = evidence.changes[0]
    altered = [{**record.changes[0], "position": 99}, *record.changes[1:]]
    evidence.changes.append(replace(record, offset=10**6, changes=altered))


def _changed_bytes(evidence: Evidence) -> None:
    seen = evidence.seen[0]
    evidence.seen.append(replace(seen, offset=10**6, value=str(seen.value) + " "))


def _message_missing(evidence: Evidence) -> None:
    lost = evidence.seen[0].id
    evidence.seen[:] = [seen for seen in evidence.seen if seen.id != lost]


def _message_invented(evidence: Evidence) -> None:
    evidence.seen.append(replace(evidence.seen[0], offset=10**6, id="1-2-3"))


def _message_content(evidence: Evidence) -> None:
    _exchange(evidence, evidence.seen[0].id, value='{"id":"other","type":"incident.paged","data":{}}')


def _exchange(evidence: Evidence, id_: str, **changes: Any) -> None:
    evidence.seen[:] = [replace(seen, **changes) if seen.id == id_ else seen for seen in evidence.seen]


def _outbox_swapped(evidence: Evidence) -> None:
    """Let the second message of a key be seen before its first."""
    first_of: dict[str, Seen] = {}
    for seen in evidence.seen:
        first = first_of.setdefault(seen.key, seen)
        if first.id != seen.id:
            evidence.seen.append(replace(seen, offset=-1))
            return


def _stuck(evidence: Evidence) -> None:
    """Move the last step of a queue back into the inbox, behind a cursor that has not come so far."""
    cursor = evidence.cursors[0]
    queue = next(queue for queue, number in enumerate(cursor.numbers) if number)
    row = evidence.instances[0]
    waiting = QueuedRow(0, queue, cursor.numbers[queue] + 1, 1, 1, row.key, "e-0", "desk", "noted", None, None, None)
    evidence.pending.append(waiting)


def _held_of_running(evidence: Evidence) -> None:
    holder = evidence.held[0].holder
    evidence.instances[:] = [replace(row, mode="running") if row.id == holder else row for row in evidence.instances]


def _vanished_poison(evidence: Evidence) -> None:
    evidence.dead_letters[:] = [letter for letter in evidence.dead_letters if letter.stage != "decode"]


def _vanished_schema(evidence: Evidence) -> None:
    evidence.dead_letters[:] = [letter for letter in evidence.dead_letters if letter.stage != "step"]


def _nameless_letter(evidence: Evidence) -> None:
    evidence.dead_letters[0] = replace(evidence.dead_letters[0], code="")


def _good_set_aside(evidence: Evidence) -> None:
    _, row = _steps(evidence)
    key = next(each.key for each in evidence.instances if each.id == row.instance)
    place: dict[str, Any] = {"shard": row.shard, "queue": row.queue, "number": row.number}
    letter = next(letter for letter in evidence.dead_letters if letter.stage == "step")
    evidence.dead_letters.append(replace(letter, id=10**6, event_id=row.event_id, key=key, type=row.type, **place))


def _timer_early(evidence: Evidence) -> None:
    index, row = _steps(evidence, timer=True)
    evidence.journal[index] = replace(row, at=row.at - 3_600_000_000)


def _timer_twice(evidence: Evidence) -> None:
    _, row = _steps(evidence, timer=True)
    end = max(each.n for each in evidence.journal if each.shard == row.shard)
    evidence.journal.append(replace(row, n=end + 1, previous_n=row.n, position=row.position + 1))


def _timer_forgotten(evidence: Evidence) -> None:
    del evidence.timers[0]


def _timer_overdue(evidence: Evidence) -> None:
    late = evidence.installation[0].taken_at + 10_000_000_000
    evidence.installation[0] = replace(evidence.installation[0], taken_at=late)


def _batch_overlap(evidence: Evidence) -> None:
    index = next(i for i, batch in enumerate(evidence.batches) if batch.batch > 1 and any(batch.before))
    batch = evidence.batches[index]
    evidence.batches[index] = replace(batch, before=[max(0, number - 1) for number in batch.before])


def _token_of_another(evidence: Evidence) -> None:
    index = next(index for index, batch in enumerate(evidence.batches) if batch.batch > 1)
    evidence.batches[index] = replace(evidence.batches[index], token_read="")


def _batch_missing(evidence: Evidence) -> None:
    del evidence.batches[next(index for index, batch in enumerate(evidence.batches) if batch.batch == 2)]


def _second_writer(evidence: Evidence) -> None:
    evidence.alarms.append(AlarmRow("shard_conflict", 1, "the token was another's"))


def _starved(evidence: Evidence) -> None:
    index = next(index for index, batch in enumerate(evidence.batches) if sum(batch.after) - sum(batch.before) > 8)
    batch = evidence.batches[index]
    heads = [*batch.heads[:-1], batch.before[-1] + 9]
    evidence.batches[index] = replace(batch, heads=heads)


def _low_lane_first(evidence: Evidence) -> None:
    """Exchange the places of a batch's first and last step."""
    for batch in evidence.batches:
        rows = [
            index
            for index, row in enumerate(evidence.journal)
            if row.shard == batch.shard and batch.n_before < row.n <= batch.n_after and row.kind == EVENT
        ]
        if len(rows) > 1 and evidence.journal[rows[0]].queue != evidence.journal[rows[-1]].queue:
            first, last = evidence.journal[rows[0]], evidence.journal[rows[-1]]
            evidence.journal[rows[0]], evidence.journal[rows[-1]] = replace(first, n=last.n), replace(last, n=first.n)
            return


def _unknown_machine(evidence: Evidence) -> None:
    evidence.machines[0] = replace(evidence.machines[0], name="another")


ANOMALIES: Final = (
    Anomaly("a lost event", "I1_lost", _lost),
    Anomaly("a doubled event", "I1_doubled", _doubled),
    Anomaly("two events swapped in a lane", "I4_order", _swapped_in_lane),
    Anomaly("two records swapped before they were numbered", "I4_arrival", _swapped_before_numbering),
    Anomaly("a state that is not its fold", "I2_state", _state_not_its_fold),
    Anomaly("a hash of another state", "I2_hash", _wrong_hash),
    Anomaly("an ignored event called taken", "I2_outcome", _wrong_outcome),
    Anomaly("a step under another version", "I2_version", _wrong_version),
    Anomaly("an instance on a version that it never moved to", "I2_version", _version_without_migration),
    Anomaly("a migration that changes the state", "I2_stored", _migration_changes_state),
    Anomaly("a step with data outside of its schema", "I2_schema", _stepped_outside_schema),
    Anomaly("an event applied to the wrong instance", "I1_invented", _wrong_instance),
    Anomaly("a run of a machine that nobody can fold", "I2_unfolded", _unknown_machine),
    Anomaly("a gap in n", "I3_journal_gap", _gap_in_n),
    Anomaly("an offset ahead of the inbox", "I6_ahead", _offset_ahead),
    Anomaly("an accepted record that never came into the inbox", "I6_ahead", _inbox_short),
    Anomaly("overlapping intakes", "I6_tiling", _intakes_overlap),
    Anomaly("a missing intake", "I6_tiling", _intake_missing),
    Anomaly("a missing change", "I7_changes_gap", _change_missing),
    Anomaly("a change that is told in two ways", "I7_changes_content", _change_altered),
    Anomaly("other bytes under the same id", "I7_bytes", _changed_bytes),
    Anomaly("a message missing at the sink", "I7_missing", _message_missing),
    Anomaly("a message that no step sent", "I7_invented", _message_invented),
    Anomaly("a message with another content", "I7_content", _message_content),
    Anomaly("messages of a key in the wrong order", "I7_order", _outbox_swapped),
    Anomaly("an event stuck in the inbox", "I1_pending", _stuck),
    Anomaly("an event held for an instance that runs", "I1_stuck", _held_of_running),
    Anomaly("a vanished undecodable record", "I1_vanished", _vanished_poison),
    Anomaly("a vanished event outside of its schema", "I6_numbers", _vanished_schema),
    Anomaly("a dead letter without a reason", "I12_incomplete", _nameless_letter),
    Anomaly("a good event in the dead letters", "I1_unexpected_dead", _good_set_aside),
    Anomaly("a timer that fired early", "I8_early", _timer_early),
    Anomaly("a timer that fired twice", "I8_twice", _timer_twice),
    Anomaly("a timer that nothing will fire", "I8_missing", _timer_forgotten),
    Anomaly("a timer long overdue", "I8_overdue", _timer_overdue),
    Anomaly("overlapping batches", "I5_overlap", _batch_overlap),
    Anomaly("a token that nobody wrote", "I5_token", _token_of_another),
    Anomaly("a missing batch", "I5_numbering", _batch_missing),
    Anomaly("a second writer", "I5_conflict", _second_writer),
    Anomaly("a queue that got no share", "I4_share", _starved),
    Anomaly("a low lane before a high one", "I4_lane", _low_lane_first),
)

"""I1 and I12: what became of every event that was sent."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from checker.case import Case, EventKey
from checker.finding import Finding, Tally
from checker.model import EVENT, DeadLetter, Produced

Position = tuple[str | None, int | None, int | None]
"""Topic, partition, offset."""


@dataclass(slots=True)
class _Wish:
    """What the producer's log says of an event: how many sendings arrived, or maybe did, and what should come of them.

    `copies` are sendings that repeat an earlier one: of a bad event, they are as bad.
    """

    arrived: int = 0
    copies: int = 0
    maybe: int = 0
    bad: int = 0
    may_die: bool = False
    taken: bool = False


@dataclass(slots=True)
class _Fate:
    """Where an event is found. `dead` counts dead letters that are not yet redriven."""

    applied: int = 0
    pending: int = 0
    held: int = 0
    dead: int = 0
    redriven: int = 0

    @property
    def total(self) -> int:
        return self.applied + self.pending + self.held + self.dead


def events_are_accounted_for(case: Case, tally: Tally) -> Iterator[Finding]:
    """Compare, for each event, what was sent with what is applied, pending, held or dead."""
    wishes = _wishes(case)
    fates = _fates(case)
    for key, wish in wishes.items():
        tally.checked += 1
        fate = fates.get(key, _Fate())
        yield from _judge(case, key, wish, fate)
    for key in fates.keys() - wishes.keys():
        fate = fates[key]
        if fate.total:
            yield Finding("I1_invented", f"never sent, but {_describe(fate)}", _name(key))
    for row in case.evidence.held:
        holder = case.instances.get(row.holder or 0)
        if holder is None or holder.mode == "running":
            mode = "missing" if holder is None else "running"
            yield Finding(
                "I1_stuck", f"held for instance {row.holder}, which is {mode}", _name(case.key_of_waiting(row))
            )
    if case.drained:
        for row in case.evidence.pending:
            where = f"shard {row.shard}, queue {row.queue}, number {row.number}: {row.event_id}"
            yield Finding("I1_pending", "waits in the inbox although the run is drained", where)


def _judge(case: Case, key: EventKey, wish: _Wish, fate: _Fate) -> Iterator[Finding]:
    if fate.applied > 1 or fate.total > 1:
        yield Finding("I1_doubled", _describe(fate), _name(key))
    if wish.arrived or (wish.copies and not wish.bad) or fate.redriven:
        if fate.total == 0 and (wish.taken or fate.redriven):
            yield Finding("I1_lost", "sent and acknowledged, found nowhere", _name(key))
        elif fate.total == 0:
            what = "acknowledged by Kafka and not yet taken in"
            yield Finding("I1_pending", what, _name(key), "red" if case.drained else "note")
        if fate.dead and not wish.may_die:
            yield Finding("I1_unexpected_dead", "a good event is in the dead letters", _name(key))
    elif not wish.maybe and fate.applied + fate.pending + fate.held:
        yield Finding("I1_unexpected_applied", f"must be refused, but {_describe(fate)}", _name(key))


def _wishes(case: Case) -> dict[EventKey, _Wish]:
    wishes: defaultdict[EventKey, _Wish] = defaultdict(_Wish)
    for record in case.evidence.produced:
        if record.id is None or record.key is None:
            continue
        wish = wishes[EventKey(record.tenant, record.source, record.id, record.machine, record.key)]
        if record.expect == "dead":
            wish.bad += 1
        elif record.offset is None:
            wish.maybe += 1
        else:
            wish.arrived += record.expect != "duplicate"
            wish.copies += record.expect == "duplicate"
            wish.taken = wish.taken or _is_taken(case, record)
        wish.may_die = wish.may_die or record.expect == "unknown"
    return wishes


def _is_taken(case: Case, record: Produced) -> bool:
    """Say whether the ingest has passed the record."""
    assert record.offset is not None
    return record.offset < case.next_offset.get((record.topic, record.partition or 0), 0)


def _fates(case: Case) -> dict[EventKey, _Fate]:
    """Count where each event is; timers are no events of the producer, and bad records count as letters only."""
    fates: defaultdict[EventKey, _Fate] = defaultdict(_Fate)
    for row in case.evidence.journal:
        if row.kind == EVENT and row.timer is None:
            fates[case.key_of_step(row)].applied += 1
    for waiting in (*case.evidence.pending, *case.evidence.held):
        if waiting.timer is None:
            fate = fates[case.key_of_waiting(waiting)]
            fate.pending += waiting.holder is None
            fate.held += waiting.holder is not None
    _add_letters(case, fates)
    return fates


def _add_letters(case: Case, fates: defaultdict[EventKey, _Fate]) -> None:
    """Count the letters of events that were good; one that stands for a bad record is looked up elsewhere."""
    bad_positions = {_position(record) for record in case.evidence.produced if record.expect == "dead"}
    bad_events = {_key_of_record(record) for record in case.evidence.produced if record.expect == "dead"}
    for letter in case.evidence.dead_letters:
        key = _key_of_letter(case, letter)
        if letter.event_id is None or letter.stage in {"park", "send"} or (letter.type or "").startswith("after."):
            continue
        if letter.status == "redriven":
            fates[key].redriven += 1
        elif (letter.topic, letter.partition, letter.offset) not in bad_positions and not (
            letter.offset is None and key in bad_events
        ):
            fates[key].dead += 1


def bad_records_are_in_the_dead_letters(case: Case, tally: Tally) -> Iterator[Finding]:
    """Look up each record that had to be refused; and each letter of a Kafka record, whether that was to be refused."""
    by_position = {(letter.topic, letter.partition, letter.offset) for letter in case.evidence.dead_letters}
    stepped = Counter(
        _key_of_letter(case, letter)
        for letter in case.evidence.dead_letters
        if letter.offset is None and letter.shard is not None and letter.number is not None
    )
    good: set[Position] = set()
    bad: set[Position] = set()
    unknown: Counter[str | None] = Counter()
    for record in case.evidence.produced:
        if record.offset is None:
            unknown[record.topic] += 1
        elif record.expect == "dead":
            bad.add(_position(record))
            tally.checked += 1
            if not _is_taken(case, record):
                what = "a bad record, not yet taken in"
                yield Finding("I1_pending", what, _where(record), "red" if case.drained else "note")
            elif _position(record) not in by_position and not stepped[_key_of_record(record)]:
                yield Finding("I1_vanished", "had to be refused, and no dead letter names it", _where(record))
        else:
            good.add(_position(record))
    for topic, partition, offset in by_position - bad - good:
        if offset is None:
            continue
        # It may be one whose sending nobody confirmed.
        unknown[topic] -= 1
        if unknown[topic] < 0:
            what = "a dead letter of a record that nobody sent"
            yield Finding("I1_invented", what, f"{topic}[{partition}] offset {offset}")


def dead_letters_are_complete(case: Case, tally: Tally) -> Iterator[Finding]:
    """Hold each dead letter to what a person needs of it: reason, place, remedy, position, attempts and worker."""
    held = {(row.shard, row.queue, row.number) for row in case.evidence.held}
    for letter in case.evidence.dead_letters:
        tally.checked += 1
        needed: dict[str, object] = {"code": letter.code, "what": letter.what, "remedy": letter.remedy}
        if letter.stage in {"decode", "route"}:
            needed |= {"topic": letter.topic, "topic_id": letter.topic_id}
            present = letter.partition is not None and letter.offset is not None
            needed["partition and offset"] = present
        else:
            needed |= {"attempts": letter.attempts, "worker": letter.worker, "event_id": letter.event_id}
            needed["shard, queue and number"] = None not in {letter.shard, letter.queue, letter.number}
        lacking = [name for name, value in needed.items() if not value]
        where = f"dead letter {letter.id} ({letter.stage}, {letter.code or 'no code'})"
        if lacking:
            yield Finding("I12_incomplete", f"lacks {', '.join(lacking)}", where)
        is_parked = letter.stage == "park" and letter.status == "open"
        if is_parked and (letter.shard, letter.queue, letter.number) not in held:
            yield Finding("I1_vanished", "parked, but its event is not held", where)


def _position(record: Produced) -> Position:
    return record.topic, record.partition, record.offset


def _key_of_record(record: Produced) -> EventKey:
    return EventKey(record.tenant, record.source, record.id, record.machine, record.key)


def _key_of_letter(case: Case, letter: DeadLetter) -> EventKey:
    tenant = case.slugs.get(letter.tenant) if letter.tenant is not None else None
    return EventKey(tenant, letter.source, letter.event_id, letter.machine, letter.key)


def _describe(fate: _Fate) -> str:
    return f"applied {fate.applied}, pending {fate.pending}, held {fate.held}, dead {fate.dead}"


def _name(key: EventKey) -> str:
    return f"event {key.id} from {key.source} for {key.tenant}/{key.machine}/{key.key}"


def _where(record: Produced) -> str:
    return f"{record.topic}[{record.partition}] offset {record.offset}"

"""I6: the stored offsets, the numbers that were given, and what came of both."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from checker.case import Case
from checker.finding import Finding, Tally
from checker.model import EVENT, IntakeRow

Place = tuple[int, int, int]
"""Shard, queue, number."""


def offsets_cover_what_was_taken(case: Case, tally: Tally) -> Iterator[Finding]:
    """Lay the intakes of each partition end to end, up to the stored offset, and count their letters."""
    intakes: defaultdict[tuple[str, int], list[IntakeRow]] = defaultdict(list)
    for intake in case.evidence.intakes:
        intakes[intake.topic_id, intake.partition].append(intake)
    letters = Counter(
        key
        for key, _ in {
            ((letter.topic_id, letter.partition), letter.offset)
            for letter in case.evidence.dead_letters
            if letter.offset is not None
        }
    )
    stored = {(row.topic_id, row.partition): row for row in case.evidence.offsets}
    for key in sorted(intakes.keys() | stored.keys()):
        rows = sorted(intakes[key], key=lambda row: row.first)
        where = f"topic {stored[key].topic if key in stored else key[0]}, partition {key[1]}"
        tally.checked += len(rows)
        yield from _tiles(rows, where)
        end = rows[-1].next if rows else 0
        if key not in stored or stored[key].next < end:
            yield Finding("I6_tiling", f"taken up to {end}, but the stored offset is behind", where)
        elif stored[key].next > end and rows:
            yield Finding("I6_ahead", f"the stored offset is {stored[key].next}, taken in only up to {end}", where)
        dead = sum(row.dead for row in rows)
        if dead != letters[key]:
            yield Finding("I6_dead", f"{dead} records refused, {letters[key]} positions in the dead letters", where)
        if key in stored and stored[key].stopped is not None:
            yield Finding("I6_stopped", f"the partition was stopped: {stored[key].stopped}", where)


def _tiles(rows: list[IntakeRow], where: str) -> Iterator[Finding]:
    for before, row in zip([None, *rows[:-1]], rows, strict=True):
        if before is not None and row.first != before.next:
            fault = "overlap" if row.first < before.next else "leave a gap"
            yield Finding("I6_tiling", f"the intakes at {before.first} and {row.first} {fault}", where)
        records = row.accepted + row.duplicates + row.dead
        if row.next <= row.first or records != row.next - row.first:
            what = f"the intake from {row.first} up to {row.next} accounts for {records} records"
            yield Finding("I6_counts", what, where)


def numbers_are_accounted_for(case: Case, tally: Tally) -> Iterator[Finding]:
    """Find each number that a head gave once: in journal or inbox, held, or dead; the rest must be dropped timers."""
    heads = {row.shard: row.numbers for row in case.evidence.heads}
    places, timers = _places(case)
    for place, count in places.items():
        tally.checked += 1
        shard, queue, number = place
        if count > 1:
            yield Finding("I6_numbers", f"found {count} times in journal, inbox, held and dead letters", _at(place))
        if shard not in heads or not 1 <= number <= heads[shard][queue]:
            yield Finding("I6_numbers", "a number that the head never gave", _at(place))
    yield from _waiting_is_whole(case, heads)
    known = places.keys()
    given = sum(sum(numbers) for numbers in heads.values())
    dropped = sum(batch.dropped for batch in case.evidence.batches)
    if given - len(known) != dropped:
        what = f"{given} numbers were given, {len(known)} are accounted for, {dropped} were dropped"
        yield Finding("I6_numbers", what, "all shards")
    yield from _accepted(case, len(known - timers))


def _accepted(case: Case, found: int) -> Iterator[Finding]:
    """Compare the events that the intakes accepted with those found; a redriven letter may have brought one more."""
    accepted = sum(row.accepted for row in case.evidence.intakes)
    redriven = sum(row.status == "redriven" and row.stage != "park" for row in case.evidence.dead_letters)
    if found < accepted:
        yield Finding("I6_ahead", f"the intakes accepted {accepted} events, {found} came into the inbox", "all shards")
    if found > accepted + redriven:
        what = f"{found} events came into the inbox, the intakes accepted {accepted} and {redriven} were redriven"
        yield Finding("I6_unbacked", what, "all shards")


def _places(case: Case) -> tuple[Counter[Place], set[Place]]:
    """Count in how many ways each number is found, and say which numbers are timers' events."""
    places: Counter[Place] = Counter()
    timers: set[Place] = set()
    for row in case.evidence.journal:
        if row.kind == EVENT and row.queue is not None and row.number is not None:
            place = row.shard, row.queue, row.number
            places[place] += 1
            if row.timer is not None:
                timers.add(place)
    for waiting in (*case.evidence.pending, *case.evidence.held):
        place = waiting.shard, waiting.queue, waiting.number
        places[place] += 1
        if waiting.timer is not None:
            timers.add(place)
    # A parked event is held, or was released since and is anywhere: its letters come last and add nothing to that.
    for letter in sorted(case.evidence.dead_letters, key=lambda letter: letter.stage == "park"):
        if letter.shard is None or letter.queue is None or letter.number is None:
            continue
        place = letter.shard, letter.queue, letter.number
        if letter.stage != "park" or place not in places:
            places[place] += 1
        if (letter.type or "").startswith("after."):
            timers.add(place)
    return places, timers


def _waiting_is_whole(case: Case, heads: dict[int, list[int]]) -> Iterator[Finding]:
    """Hold the inbox to its cursors and heads: what lies between them must be there, every number."""
    waiting = Counter((row.shard, row.queue) for row in case.evidence.pending)
    for shard, numbers in heads.items():
        applied = case.cursors[shard].numbers if shard in case.cursors else [0] * len(numbers)
        for queue, (last, done) in enumerate(zip(numbers, applied, strict=True)):
            where = f"shard {shard}, queue {queue}"
            if done > last:
                yield Finding("I6_numbers", f"the cursor is at {done}, the head at {last}", where)
            elif last - done != waiting[shard, queue]:
                what = f"{last - done} numbers wait, {waiting[shard, queue]} rows are there"
                yield Finding("I6_numbers", what, where)


def _at(place: Place) -> str:
    return f"shard {place[0]}, queue {place[1]}, number {place[2]}"

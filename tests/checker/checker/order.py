"""I3, I4 and I5: the journal without gaps, the lanes in order, and the batches one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from hashlib import blake2b
from itertools import pairwise

from checker.case import Case, EventKey
from checker.finding import Finding, Tally
from checker.model import EVENT, START, BatchRow, CursorRow, JournalRow

INSTANCES_PER_N = 4096
"""An instance's id is the n of its start row times this, plus its shard."""


def journal_has_no_gap(case: Case, tally: Tally) -> Iterator[Finding]:
    """Count n from 1 to the cursor's in each shard, and walk each instance's chain of rows."""
    last_n = {shard: cursor.n for shard, cursor in case.cursors.items()}
    for shard in sorted(last_n.keys() | case.rows_of_shard.keys()):
        expected = 1
        for row in case.rows_of_shard.get(shard, []):
            tally.checked += 1
            if row.n != expected:
                yield Finding("I3_journal_gap", f"n {row.n} stands where {expected} must", f"shard {shard}")
            expected = row.n + 1
        if last_n.get(shard, 0) != expected - 1:
            what = f"the journal ends at n {expected - 1}, the cursor at {last_n.get(shard, 0)}"
            yield Finding("I3_journal_gap", what, f"shard {shard}")
    last: dict[int, JournalRow] = {}
    for rows in case.rows_of_shard.values():
        for row in rows:
            yield from _follows(last.get(row.instance), row)
            last[row.instance] = row
    yield from _instances_match(case, last)


def _follows(before: JournalRow | None, row: JournalRow) -> Iterator[Finding]:
    """Hold a row to the instance's row before it."""
    if row.previous_n != (before.n if before is not None else None):
        what = f"names n {row.previous_n} as the instance's row before, which is {before.n if before else None}"
        yield Finding("I3_chain", what, _where(row))
    if before is None:
        if row.kind == START and row.instance != row.n * INSTANCES_PER_N + row.shard:
            yield Finding("I3_identity", "the instance's id is not made of n and shard", _where(row))
        expected = {1}
    else:
        # Only a step counts for sure; what an administrative move does to the position is the engine's choice.
        expected = {before.position + 1} if row.kind == EVENT else {before.position, before.position + 1}
        if row.kind == START:
            yield Finding("I3_chain", "a second start row", _where(row))
    if row.position not in expected:
        yield Finding("I3_chain", f"position {row.position} stands where {min(expected)} must", _where(row))


def _instances_match(case: Case, last: dict[int, JournalRow]) -> Iterator[Finding]:
    """Hold each instance's row to the end of its journal, and its shard to its address."""
    for present in case.instances.values():
        where = f"instance {present.id} (shard {present.shard}, key {present.key})"
        row = last.get(present.id)
        if row is None:
            yield Finding("I3_chain", "an instance without a journal", where)
        elif (present.n, present.position, present.shard, present.tenant) != (
            row.n,
            row.position,
            row.shard,
            row.tenant,
        ):
            what = f"stands at n {present.n}, position {present.position}; its journal ends at {row.n}, {row.position}"
            yield Finding("I3_chain", what, where)
        address = "/".join(str(part) for part in case.address(present.id))
        hashed = int.from_bytes(blake2b(address.encode(), digest_size=8).digest(), "big")
        if hashed % case.installation.shards != present.shard:
            yield Finding("I3_identity", f"{address} belongs to shard {hashed % case.installation.shards}", where)
    for instance in last.keys() - case.instances.keys():
        yield Finding("I3_chain", "a journal without an instance", f"instance {instance}")
    alive = Counter((row.tenant, row.machine, row.key) for row in case.instances.values() if not row.released)
    for address_numbers, count in alive.items():
        if count > 1:
            yield Finding("I3_identity", f"{count} lives at one address", f"{address_numbers}")


def lanes_are_in_order(case: Case, tally: Tally) -> Iterator[Finding]:
    """Hold each instance's events of a queue to the order of their numbers, and to the order in their partition."""
    sent = _sent_positions(case)
    for rows in case.rows_of_shard.values():
        last_number: dict[tuple[int, int], int] = {}
        last_offset: dict[tuple[int, int, str, int], int] = {}
        for row in rows:
            if row.kind != EVENT or row.queue is None or row.number is None:
                continue
            tally.checked += 1
            before = last_number.get((row.instance, row.queue), 0)
            if row.number <= before:
                what = f"number {row.number} of queue {row.queue} stepped after {before}"
                yield Finding("I4_order", what, _where(row))
            last_number[row.instance, row.queue] = row.number
            position = sent.get(case.key_of_step(row)) if row.timer is None else None
            if position is None:
                continue
            topic, partition, offset = position
            lane = (row.instance, row.queue // 2, topic, partition)
            if offset < last_offset.get(lane, -1):
                what = f"{topic}[{partition}] offset {offset} stepped after offset {last_offset[lane]}"
                yield Finding("I4_arrival", what, _where(row))
            last_offset[lane] = offset


def _sent_positions(case: Case) -> dict[EventKey, tuple[str, int, int]]:
    """Say where in Kafka each event first stands, leaving out those of which that is not sure."""
    positions: dict[EventKey, tuple[str, int, int]] = {}
    unsure: set[EventKey] = set()
    for letter in case.evidence.dead_letters:
        if letter.status == "redriven" and letter.stage != "park" and letter.tenant is not None:
            slug = case.slugs.get(letter.tenant)
            unsure.add(EventKey(slug, letter.source, letter.event_id, letter.machine, letter.key))
    for record in case.evidence.produced:
        key = EventKey(record.tenant, record.source, record.id, record.machine, record.key)
        if record.offset is None or record.partition is None or record.expect == "dead":
            unsure.add(key)
            continue
        known = positions.get(key)
        if known is not None and known[:2] != (record.topic, record.partition):
            unsure.add(key)
        elif known is None or record.offset < known[2]:
            positions[key] = record.topic, record.partition, record.offset
    return {key: position for key, position in positions.items() if key not in unsure}


def batches_take_higher_lanes_first(case: Case, tally: Tally) -> Iterator[Finding]:
    """Hold the rows of each batch to the order of lanes, and each batch to the share of every queue that had work."""
    ns = {shard: [row.n for row in rows] for shard, rows in case.rows_of_shard.items()}
    for batch in case.evidence.batches:
        tally.checked += 1
        numbers = ns.get(batch.shard, [])
        rows = case.rows_of_shard.get(batch.shard, [])
        own = rows[bisect_right(numbers, batch.n_before) : bisect_right(numbers, batch.n_after)]
        fresh: list[tuple[int, JournalRow]] = []
        for row in own:
            if row.kind != EVENT or row.queue is None or row.number is None:
                continue
            if row.number > batch.after[row.queue]:
                yield Finding("I5_cursor", f"number {row.number} of queue {row.queue} is beyond the batch", _where(row))
            # A number at or below the cursor was held before, and its instance is draining.
            if row.number > batch.before[row.queue]:
                fresh.append((row.queue // 2, row))
        for (first, _), (second, row) in pairwise(fresh):
            if second < first:
                yield Finding("I4_lane", f"lane {second} stepped after lane {first}", _where(row))
        yield from _shares(batch, len(fresh))


def _shares(batch: BatchRow, fresh: int) -> Iterator[Finding]:
    """Account for what the batch passed, and hold it to the share of each queue that had work."""
    taken = sum(batch.after) - sum(batch.before)
    if fresh + batch.held + batch.dead + batch.dropped < taken:
        what = f"passed {taken} events: {fresh} stepped, {batch.held} held, {batch.dead} dead, {batch.dropped} dropped"
        yield Finding("I5_accounts", what, _which(batch))
    # A batch with fewer events than queues had work is stepping singly, or drains: it owes no shares.
    if taken < sum(head > before for before, head in zip(batch.before, batch.heads, strict=True)):
        return
    for queue, (before, after, head) in enumerate(zip(batch.before, batch.after, batch.heads, strict=True)):
        if head > before and after == before:
            what = f"queue {queue} had {head - before} events and got no share"
            yield Finding("I4_share", what, _which(batch))


def batches_do_not_overlap(case: Case, tally: Tally) -> Iterator[Finding]:
    """Lay each shard's batches end to end: cursors, n, token and numbering, up to the cursor row."""
    of_shard: defaultdict[int, list[BatchRow]] = defaultdict(list)
    for batch in sorted(case.evidence.batches, key=lambda batch: (batch.shard, batch.batch)):
        of_shard[batch.shard].append(batch)
        tally.checked += 1
        yield from _is_sound(batch)
    for shard in sorted(of_shard.keys() | case.cursors.keys()):
        batches = of_shard[shard]
        if batches:
            yield from _begins(batches[0])
        for before, batch in pairwise(batches):
            yield from _continues(before, batch)
        tokens = Counter(batch.token for batch in batches)
        for token, count in tokens.items():
            if count > 1:
                yield Finding("I5_token", f"the token {token} was used {count} times", f"shard {shard}")
        yield from _ends(batches, case.cursors.get(shard), shard)
    for alarm in case.evidence.alarms:
        if alarm.code == "shard_conflict":
            yield Finding("I5_conflict", f"a second writer: {alarm.what}", f"shard {alarm.shard}")


def _is_sound(batch: BatchRow) -> Iterator[Finding]:
    if not all(b <= a <= h for b, a, h in zip(batch.before, batch.after, batch.heads, strict=True)):
        yield Finding("I5_cursor", "a cursor went back, or beyond its head", _which(batch))
    if batch.n_after < batch.n_before:
        yield Finding("I5_n", f"n went back from {batch.n_before} to {batch.n_after}", _which(batch))
    if not batch.writer:
        yield Finding("I5_conflict", "nobody signed the batch", _which(batch))


def _begins(batch: BatchRow) -> Iterator[Finding]:
    if any(batch.before):
        yield Finding("I5_overlap", f"the first batch begins at {batch.before}", _which(batch))
    if (batch.n_before, batch.batch) != (0, 1):
        yield Finding("I5_numbering", f"the first batch begins at n {batch.n_before}", _which(batch))


def _continues(before: BatchRow, batch: BatchRow) -> Iterator[Finding]:
    if batch.batch != before.batch + 1:
        yield Finding("I5_numbering", f"follows batch {before.batch}", _which(batch))
    if batch.before != before.after:
        yield Finding("I5_overlap", f"begins at {batch.before}, the one before ended at {before.after}", _which(batch))
    if batch.n_before != before.n_after:
        yield Finding("I5_n", f"begins at n {batch.n_before}, the one before ended at {before.n_after}", _which(batch))
    if batch.token_read != before.token:
        yield Finding("I5_token", f"read token {batch.token_read}, the one before wrote {before.token}", _which(batch))


def _ends(batches: list[BatchRow], cursor: CursorRow | None, shard: int) -> Iterator[Finding]:
    """Hold the cursor row to the last batch; a shard without batches has not moved."""
    if cursor is None:
        yield Finding("I5_cursor", "batches without a cursor row", f"shard {shard}")
    elif not batches:
        if any(cursor.numbers) or cursor.n or cursor.batch:
            yield Finding("I5_cursor", "the cursor moved without a batch", f"shard {shard}")
    else:
        last = batches[-1]
        if (cursor.numbers, cursor.n, cursor.batch) != (last.after, last.n_after, last.batch):
            what = f"the cursor is at {cursor.numbers}, n {cursor.n}, batch {cursor.batch}"
            yield Finding("I5_cursor", f"{what}; the last batch ended at {last.after}, n {last.n_after}", _which(last))
        if cursor.token != last.token:
            yield Finding("I5_token", "the cursor's token is not the last batch's", _which(last))


def _where(row: JournalRow) -> str:
    return f"shard {row.shard}, n {row.n}, instance {row.instance}, position {row.position}"


def _which(batch: BatchRow) -> str:
    return f"shard {batch.shard}, batch {batch.batch}"

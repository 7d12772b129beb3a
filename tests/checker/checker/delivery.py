"""I7 and I8: what left the database, and what came back in time."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Final

from checker.case import Case
from checker.finding import Finding, Tally
from checker.fold import Sent
from checker.interpreter import PAGES_TOPIC
from checker.model import KINDS, JournalRow, Seen

OVERDUE_US: Final = 15_000_000
"""How long after its moment a timer may still be on its way at the end of a drained run."""


def messages_are_seen(case: Case, tally: Tally) -> Iterator[Finding]:
    """Compare the messages that the folds sent with those at the sink: each once or more, in order, always the same."""
    yield from _outbox_is_whole(case)
    if "sink" in case.evidence.waived:
        return
    sent_in_order = sorted(case.fold.sent, key=lambda each: (each.row.shard, each.row.n, each.ordinal))
    expected = {sent.id: (place, sent) for place, sent in enumerate(sent_in_order)}
    first_seen: dict[str, Seen] = {}
    for seen in sorted(case.evidence.seen, key=lambda each: (each.topic, each.partition, each.offset)):
        tally.checked += 1
        first = first_seen.setdefault(seen.id, seen)
        if (first.bytes_hash, first.value, first.key) != (seen.bytes_hash, seen.value, seen.key):
            what = f"other bytes than at {first.topic}[{first.partition}] offset {first.offset}"
            yield Finding("I7_bytes", what, _record(seen))
        if first is seen:
            yield from _content(case, seen, expected.get(seen.id))
    unsent = {row.id for row in case.evidence.unsent}
    for sent_id, (_, sent) in expected.items():
        if sent_id not in first_seen and sent_id not in unsent:
            yield Finding("I7_missing", f"{sent.message.type} was never seen at the sink", _step(sent.row, sent_id))
    yield from _first_sights(first_seen, expected)


def _outbox_is_whole(case: Case) -> Iterator[Finding]:
    """Hold the outbox to its numbering, and to being empty when the run is drained."""
    sent_of_shard = Counter(sent.row.shard for sent in case.fold.sent)
    for letter in case.evidence.dead_letters:
        if letter.stage == "send" and letter.status == "redriven" and letter.shard is not None:
            sent_of_shard[letter.shard] += 1
    for shard, cursor in case.cursors.items():
        if cursor.outbox != sent_of_shard[shard] and not case.fold.skipped:
            what = f"{cursor.outbox} messages were numbered, the folds send {sent_of_shard[shard]}"
            yield Finding("I7_count", what, f"shard {shard}")
    if case.drained:
        for row in case.evidence.unsent:
            yield Finding("I7_pending", "waits in the outbox although the run is drained", f"message {row.id}")


def _content(case: Case, seen: Seen, expected: tuple[int, Sent] | None) -> Iterator[Finding]:
    """Hold the first sight of a message to what its step sent."""
    if expected is None:
        if not case.fold.skipped:
            yield Finding("I7_invented", "no step sent it", _record(seen))
        return
    sent = expected[1]
    address = "/".join(str(part) for part in case.address(sent.row.instance))
    if seen.topic != PAGES_TOPIC or seen.key != address:
        yield Finding("I7_content", f"went to {seen.topic} with key {seen.key}, must have key {address}", _record(seen))
    if seen.value is None:
        return
    try:
        value = json.loads(seen.value) if isinstance(seen.value, str) else seen.value
    except ValueError:
        value = None
    found = (value.get("id"), value.get("type"), value.get("data")) if isinstance(value, dict) else value
    if found != (seen.id, sent.message.type, sent.message.data):
        what = f"says {found}, its step sent {sent.message.type} with {sent.message.data}"
        yield Finding("I7_content", what, _record(seen))


def _first_sights(first_seen: dict[str, Seen], expected: dict[str, tuple[int, Sent]]) -> Iterator[Finding]:
    """Hold the first sights of each key to the order of the steps; `first_seen` is in the order of its partitions."""
    last: dict[tuple[str, int, str], int] = {}
    for seen_id, seen in first_seen.items():
        if seen_id not in expected:
            continue
        key = (seen.topic, seen.partition, seen.key)
        place = expected[seen_id][0]
        if place < last.get(key, -1):
            yield Finding("I7_order", "seen first after a message of a later step", _record(seen))
        last[key] = max(place, last.get(key, -1))


def changes_are_seen(case: Case, tally: Tally) -> Iterator[Finding]:
    """Compare foliot.changes with the journal: first sights of a shard count from 1, each says what its row says."""
    confirmed = {row.shard: row.changes for row in case.evidence.relays}
    for shard, cursor in case.cursors.items():
        done = confirmed.get(shard, 0)
        if done > cursor.n or (case.drained and done != cursor.n):
            yield Finding("I7_changes_gap", f"confirmed up to n {done}, the journal is at {cursor.n}", f"shard {shard}")
    if "changes" not in case.evidence.waived:
        yield from _first_changes(case, tally, confirmed)


def _first_changes(case: Case, tally: Tally, confirmed: dict[int, int]) -> Iterator[Finding]:
    """Walk all changes in the order of their partitions."""
    rows = {(row.shard, row.n): row for row in case.evidence.journal}
    first_sight: dict[tuple[int, int], dict[str, Any]] = {}
    last: defaultdict[int, int] = defaultdict(int)
    for record in sorted(case.evidence.changes, key=lambda each: (each.partition, each.offset)):
        for change in record.changes:
            tally.checked += 1
            shard, n = change.get("shard", -1), change.get("n", -1)
            where = f"foliot.changes[{record.partition}] offset {record.offset}, shard {shard}, n {n}"
            if (shard, n) in first_sight:
                if first_sight[shard, n] != change:
                    yield Finding("I7_changes_content", "differs from its first sight", where)
                continue
            first_sight[shard, n] = change
            if n != last[shard] + 1:
                yield Finding("I7_changes_gap", f"seen first after n {last[shard]}", where)
            last[shard] = max(last[shard], n)
            yield from _change_matches(case, change, rows.get((shard, n)), where)
    for shard in sorted(confirmed.keys() | last.keys()):
        if last[shard] < confirmed.get(shard, 0):
            what = f"confirmed up to n {confirmed[shard]}, seen up to {last[shard]}"
            yield Finding("I7_changes_gap", what, f"shard {shard}")


def _change_matches(case: Case, change: dict[str, Any], row: JournalRow | None, where: str) -> Iterator[Finding]:
    """Hold a change to its journal row; `kind` may be the number or the word."""
    if row is None:
        yield Finding("I7_changes_content", "no journal row says so", where)
        return
    _, machine, key = case.address(row.instance)
    must = {
        "instance": str(row.instance),
        "position": row.position,
        "version": row.version,
        "type": row.type,
        "state_hash": row.state_hash,
        "machine": machine,
        "key": key,
    }
    found = {name: change.get(name) for name in must}
    found["instance"] = str(found["instance"])
    wrong = [f"{name} is {found[name]}, must be {value}" for name, value in must.items() if found[name] != value]
    if change.get("kind") not in {row.kind, KINDS[row.kind]}:
        wrong.append(f"kind is {change.get('kind')}, must be {KINDS[row.kind]}")
    if wrong:
        yield Finding("I7_changes_content", "; ".join(wrong), where)


def timers_fire_once_and_in_time(case: Case, tally: Tally) -> Iterator[Finding]:
    """Hold each firing to the timer that the fold has, and each armed timer to something that will fire it."""
    fired: Counter[tuple[int, str | None, int | None]] = Counter()
    for firing in case.fold.firings:
        tally.checked += 1
        row = firing.row
        timer = (row.instance, row.timer, row.armed)
        fired[timer] += 1
        where = _step(row, f"timer {row.timer} armed at {row.armed}")
        if fired[timer] > 1:
            yield Finding("I8_twice", "fired once more", where)
        elif firing.due is None:
            yield Finding("I8_stale", "fired although the state did not have it", where)
        elif row.at < firing.due:
            yield Finding("I8_early", f"fired {firing.due - row.at} µs early", where)
    yield from _armed_timers_will_fire(case, tally)


def _armed_timers_will_fire(case: Case, tally: Tally) -> Iterator[Finding]:
    """Find for each timer in a final state its row, or its event on the way."""
    stored = {(row.instance, row.timer, row.armed): row.due for row in case.evidence.timers}
    waiting = {(row.instance, row.timer, row.armed) for row in (*case.evidence.pending, *case.evidence.held)}
    dead = {(letter.instance, letter.type) for letter in case.evidence.dead_letters}
    for instance, state in case.fold.final.items():
        for name, armed in state.timers.items():
            tally.checked += 1
            where = f"instance {instance}, timer {name} armed at {armed.armed}"
            due = stored.get((instance, name, armed.armed))
            if (instance, name, armed.armed) in waiting or (instance, name) in dead:
                continue
            if due is None:
                yield Finding("I8_missing", "armed in the state, and nothing is left that would fire it", where)
            elif due != armed.due:
                yield Finding("I8_missing", f"stored for {due}, armed for {armed.due}", where)
            if case.drained and armed.due < case.installation.taken_at - OVERDUE_US:
                late = (case.installation.taken_at - armed.due) // 1_000_000
                yield Finding("I8_overdue", f"{late} s late and not fired", where)


def _record(seen: Seen) -> str:
    return f"message {seen.id} at {seen.topic}[{seen.partition}] offset {seen.offset}"


def _step(row: JournalRow, what: str) -> str:
    return f"{what} (shard {row.shard}, n {row.n}, instance {row.instance}, position {row.position})"

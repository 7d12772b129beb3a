"""A tiny Foliot that makes no mistakes: it writes the evidence of a run by the rules, with the second interpreter.

Everything happens that may: duplicates, bad records, sendings without an answer, timers that fire or come too late,
channel moves, a parked instance that is released, one that stays parked, messages and changes that are sent twice.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from random import Random
from typing import Any, Final

from checker import interpreter
from checker.evidence import Evidence
from checker.fold import state_hash
from checker.interpreter import Happening, State
from checker.model import (
    EVENT,
    KINDS,
    LANES,
    MIGRATE,
    QUEUES,
    START,
    BatchRow,
    ChangeRecord,
    CursorRow,
    DeadLetter,
    Fault,
    HeadRow,
    InstallationRow,
    InstanceRow,
    IntakeRow,
    JournalRow,
    MachineRow,
    OffsetRow,
    Produced,
    QueuedRow,
    RelayRow,
    Seen,
    TenantRow,
    TimerRow,
    VersionRow,
)

SECRET: Final = b"0123456789abcdef"
SOURCE: Final = "desk"
PARTITIONS: Final = 2
TYPES: Final = (
    *("reported", "acknowledged", "noted", "noted", "noted", "reprioritized", "escalated", "suspended", "resumed"),
    *("resolved", "reopened", "reopened", "unheard"),
)
CLOSED_SHARE: Final = 0.004
"""Few events close their incident, or long runs would be all silence."""
_Span = tuple[int, int, int, int, list[int], list[int], list[int]]
"""The first columns of a batch row, from shard to heads."""

LETTER: Final = DeadLetter(
    id=0,
    tenant=1,
    status="open",
    stage="step",
    code="data_outside_schema",
    what="severity is missing",
    place="data",
    remedy="Correct the producer.",
    topic_id=None,
    topic=None,
    partition=None,
    offset=None,
    shard=None,
    queue=None,
    number=None,
    instance=None,
    machine=interpreter.MACHINE,
    key=None,
    event_id=None,
    source=SOURCE,
    type=None,
    attempts=1,
    worker="worker-1",
)


@dataclass(slots=True)
class _Life:
    """An instance of the tiny Foliot."""

    id: int
    state: State
    version: int
    n: int
    mode: str = "running"


@dataclass
class _Shard:
    """A shard: what waits, where its cursors are, and who lives there."""

    heads: list[int] = field(default_factory=lambda: [0] * QUEUES)
    cursors: list[int] = field(default_factory=lambda: [0] * QUEUES)
    waiting: list[list[tuple[QueuedRow, Any]]] = field(default_factory=lambda: [[] for _ in range(QUEUES)])
    held: list[tuple[QueuedRow, Any]] = field(default_factory=list)
    lives: dict[str, _Life] = field(default_factory=dict)
    n: int = 0
    batch: int = 0
    outbox: int = 0
    token: str = ""


class World:
    """Makes one run. The seed decides everything."""

    def __init__(self, *, seed: int, instances: int, events: int, shards: int = 4) -> None:
        self.random = Random(seed)
        self.evidence = Evidence()
        self.now = 1_800_000_000_000_000
        self.shards = [_Shard() for _ in range(shards)]
        self.keys = [f"INC-{number:04}" for number in range(instances)]
        self.events = events
        self.newest = self.live = 1
        self.topics: defaultdict[tuple[str, int], list[tuple[Produced, Any]]] = defaultdict(list)
        self.taken: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.accepted: set[tuple[str, str]] = set()
        self.sink: list[tuple[str, str, dict[str, Any]]] = []

    def run(self) -> Evidence:
        """Send everything, step everything, and end drained."""
        for count in range(self.events):
            self._send(count)
            self.now += self.random.randrange(1_000_000)
            if count % 20 == 19:
                self._ingest()
                self._step_some()
            if count in {self.events // 3, 2 * self.events // 3}:
                self.newest = self.live = self.live + 1
                self.now += 2_000_000_000
        for _ in range(6):
            self._ingest()
            self._step_some(everything=True)
            for shard in range(len(self.shards)):
                self._release(shard, keep=self.keys[0])
        self._finish()
        return self.evidence

    def _send(self, count: int) -> None:
        """Send a record: mostly good ones, in a lane that its type suggests; now and then again, or a bad one."""
        key = self.random.choice(self.keys)
        kind = "reported" if count < len(self.keys) * 2 and self.random.random() < 0.5 else self.random.choice(TYPES)
        kind = "closed" if self.random.random() < CLOSED_SHARE else kind
        lane = self.random.choice(LANES)
        topic, partition = f"foliot.events.{lane}", sum(key.encode()) % PARTITIONS
        record = Produced(
            topic, partition, 0, "default", interpreter.MACHINE, key, lane, f"e-{count}", SOURCE, kind, "applied"
        )
        data: Any = {"severity": self.random.randint(1, 5)} if kind in {"reported", "reprioritized"} else {"text": "é"}
        luck = self.random.random()
        if luck < 0.02:
            record, data = replace(record, type="reported", expect="dead"), {"severity": 9}
        elif luck < 0.03:
            record, data = replace(record, id=None, key=None, expect="dead"), None
        elif luck < 0.05:
            record = replace(record, offset=None, ack="unknown")
        self._append(record, data, arrives=record.offset is not None or self.random.random() < 0.5)
        if record.expect == "applied" and self.random.random() < 0.06:
            self._append(replace(record, offset=0, ack=None, expect="duplicate"), data, arrives=True)

    def _append(self, record: Produced, data: Any, *, arrives: bool) -> None:
        log = self.topics[record.topic, record.partition or 0]
        if record.offset is not None:
            record = replace(record, offset=len(log))
        self.evidence.produced.append(record)
        if arrives:
            log.append((record, data))

    def _ingest(self) -> None:
        for (topic, partition), log in self.topics.items():
            first = self.taken[topic, partition]
            if first == len(log):
                continue
            counts = {"accepted": 0, "duplicates": 0, "dead": 0}
            for offset, (record, data) in enumerate(log[first:], start=first):
                counts[self._take_in(record, data, topic, partition, offset)] += 1
            self.evidence.intakes.append(IntakeRow(f"id-{topic}", partition, first, len(log), **counts))
            self.taken[topic, partition] = len(log)

    def _take_in(self, record: Produced, data: Any, topic: str, partition: int, offset: int) -> str:
        if record.id is None or record.key is None or record.type is None or record.lane is None:
            position = {"topic_id": f"id-{topic}", "topic": topic, "partition": partition, "offset": offset}
            self._letter(stage="decode", code="not_json", machine=None, source=None, **position)
            return "dead"
        if (record.id, record.key) in self.accepted:
            return "duplicates"
        self.accepted.add((record.id, record.key))
        self._enqueue(record.key, 2 * LANES.index(record.lane), Happening(record.id, record.type, data))
        return "accepted"

    def _enqueue(self, key: str, queue: int, event: Happening, instance: int | None = None) -> None:
        number = self._shard_of(key)
        shard = self.shards[number]
        shard.heads[queue] += 1
        place = (number, queue, shard.heads[queue], 1, 1, key)
        row = QueuedRow(*place, event.id, SOURCE, event.type, instance, event.timer, event.armed)
        shard.waiting[queue].append((row, event.data))

    def _step_some(self, *, everything: bool = False) -> None:
        for number, shard in enumerate(self.shards):
            self._fire(shard)
            while any(shard.waiting) and (everything or self.random.random() < 0.8):
                self._batch(number, shard)
                self.now += self.random.randrange(50_000)

    def _fire(self, shard: _Shard) -> None:
        """Do the sweep's work: put the events of due timers into the inbox."""
        for key, life in shard.lives.items():
            for name, timer in life.state.timers.items():
                id_ = f"{life.id}-{name}-{timer.armed}"
                if timer.due <= self.now and (id_, key) not in self.accepted:
                    self.accepted.add((id_, key))
                    self._enqueue(key, 4, Happening(id_, name, None, name, timer.armed), life.id)

    def _batch(self, number: int, shard: _Shard) -> None:
        n_before, before, heads = shard.n, list(shard.cursors), list(shard.heads)
        counts = {"stepped": 0, "held": 0, "dead": 0, "dropped": 0, "drained": 0}
        for queue, waiting in enumerate(shard.waiting):
            share = self.random.randint(1, 1 + len(waiting)) if waiting else 0
            taken, shard.waiting[queue] = waiting[:share], waiting[share:]
            for row, data in taken:
                shard.cursors[queue] = row.number
                counts[self._take(shard, row, data)] += 1
        self._write_batch(shard, (number, shard.batch + 1, n_before, shard.n, before, [*shard.cursors], heads), counts)

    def _write_batch(self, shard: _Shard, span: _Span, counts: dict[str, int]) -> None:
        shard.batch += 1
        read, shard.token = shard.token, self.random.randbytes(8).hex()
        done = (counts["stepped"], counts["held"], counts["dead"], counts["dropped"], counts["drained"])
        self.evidence.batches.append(BatchRow(*span, *done, read, shard.token, "worker-1"))

    def _take(self, shard: _Shard, row: QueuedRow, data: Any) -> str:
        """Step an event, or say why not; two instances are parked by their third event."""
        life = shard.lives.get(row.key)
        if row.timer is None and interpreter.outside_schema(row.type, data) is not None:
            self._step_letter(row)
            return "dead"
        if life is None:
            life = shard.lives[row.key] = self._bear(shard, row)
        if life.mode == "running" and row.key in self.keys[:2] and life.state.position == 3:
            life.mode = "held"
            self._step_letter(row, stage="park", code="engine_failed", instance=life.id)
        if life.mode != "running":
            shard.held.append((replace(row, holder=life.id), data))
            return "held"
        return self._step(shard, life, row, data)

    def _bear(self, shard: _Shard, row: QueuedRow) -> _Life:
        shard.n += 1
        life = _Life(shard.n * 4096 + row.shard, interpreter.birth(), self.newest, shard.n)
        self._journal(life, row, START, None)
        return life

    def _step(self, shard: _Shard, life: _Life, row: QueuedRow, data: Any) -> str:
        if life.version != self.live and interpreter.fits(self.live, life.state):
            life.version = self.live
            shard.n += 1
            before, life.n = life.n, shard.n
            self._journal(life, row, MIGRATE, before)
        event = Happening(row.event_id, row.type, data, row.timer, row.armed)
        outcome = interpreter.step(life.version, life.state, event, self.now)
        if outcome is None:
            return "dropped"
        shard.n += 1
        before, life.n, life.state = life.n, shard.n, outcome.state
        self._journal(life, row, EVENT, before, data=json.dumps(data) if data else None, outcome=int(not outcome.taken))
        for ordinal, message in enumerate(outcome.messages):
            shard.outbox += 1
            id_ = f"{life.id}-{life.state.position}-{ordinal}"
            self.sink.append((row.key, id_, {"id": id_, "type": message.type, "data": message.data}))
        return "stepped"

    def _journal(
        self,
        life: _Life,
        row: QueuedRow,
        kind: int,
        previous_n: int | None,
        *,
        data: str | None = None,
        outcome: int = 0,
    ) -> None:
        text = interpreter.canonical(life.state)
        timer = (row.timer, row.armed) if kind == EVENT else (None, None)
        self.evidence.journal.append(
            JournalRow(
                *(row.shard, life.n, 1, life.id, life.state.position, previous_n, kind, outcome, life.version),
                *(row.queue, row.number, row.event_id, row.source, row.type, data, *timer),
                *(state_hash(SECRET, text), text if kind != EVENT else None, self.now),
            )
        )

    def _release(self, number: int, *, keep: str) -> None:
        """Let the parked instances of a shard go on and drain them, all but one."""
        shard = self.shards[number]
        n_before, drained = shard.n, 0
        free = [(row, data) for row, data in shard.held if row.key != keep]
        shard.held = [(row, data) for row, data in shard.held if row.key == keep]
        for row, data in free:
            life = shard.lives[row.key]
            life.mode = "running"
            drained += self._step(shard, life, row, data) == "stepped"
        if free:
            keys = {row.key for row, _ in free}
            for index, letter in enumerate(self.evidence.dead_letters):
                if letter.stage == "park" and letter.key in keys:
                    self.evidence.dead_letters[index] = replace(letter, status="redriven")
            dropped = len(free) - drained
            counts = {"stepped": drained, "held": 0, "dead": 0, "dropped": dropped, "drained": len(free)}
            at = [*shard.cursors]
            self._write_batch(shard, (number, shard.batch + 1, n_before, shard.n, at, at, [*shard.heads]), counts)

    def _step_letter(self, row: QueuedRow, **changes: Any) -> None:
        place = {"shard": row.shard, "queue": row.queue, "number": row.number}
        self._letter(**place, key=row.key, event_id=row.event_id, type=row.type, **changes)

    def _letter(self, **changes: Any) -> None:
        letters = self.evidence.dead_letters
        letters.append(replace(LETTER, id=len(letters) + 1, **changes))

    def _shard_of(self, key: str) -> int:
        hashed = blake2b(f"default/{interpreter.MACHINE}/{key}".encode(), digest_size=8).digest()
        return int.from_bytes(hashed, "big") % len(self.shards)

    def _finish(self) -> None:
        """Write the tables that hold the present, and what the relay sent."""
        evidence = self.evidence
        for number, shard in enumerate(self.shards):
            evidence.heads.append(HeadRow(number, shard.heads))
            evidence.cursors.append(CursorRow(number, shard.cursors, shard.n, shard.batch, shard.outbox, shard.token))
            evidence.relays.append(RelayRow(number, shard.outbox, shard.n))
            evidence.held.extend(row for row, _ in shard.held)
            for key, life in shard.lives.items():
                text = interpreter.canonical(life.state)
                row = (number, life.id, 1, 1, key, life.version, life.state.position, life.n, life.mode, text, False)
                evidence.instances.append(InstanceRow(*row))
                for name, timer in life.state.timers.items():
                    evidence.timers.append(TimerRow(number, life.id, name, timer.armed, timer.due))
        for (topic, partition), log in self.topics.items():
            evidence.offsets.append(OffsetRow(f"id-{topic}", partition, topic, len(log), None))
        evidence.tenants.append(TenantRow(1, "default"))
        evidence.machines.append(MachineRow(1, 1, interpreter.MACHINE))
        evidence.versions.extend(VersionRow(1, 1, version, f"hash-{version}") for version in interpreter.EDITIONS)
        evidence.installation.append(InstallationRow(len(self.shards), SECRET.hex(), self.now))
        evidence.faults.append(Fault("kill_worker"))
        self._relay()

    def _relay(self) -> None:
        """Send messages and changes, some of them twice, as after a lost delivery report."""
        offsets: defaultdict[int, int] = defaultdict(int)
        for key, id_, value in self.sink:
            partition = sum(key.encode()) % PARTITIONS
            address = f"default/{interpreter.MACHINE}/{key}"
            for _ in range(1 + (self.random.random() < 0.1)):
                place = (interpreter.PAGES_TOPIC, partition, offsets[partition])
                self.evidence.seen.append(Seen(*place, address, id_, None, json.dumps(value)))
                offsets[partition] += 1
        keys = {life.id: key for shard in self.shards for key, life in shard.lives.items()}
        rows: defaultdict[int, list[JournalRow]] = defaultdict(list)
        for row in self.evidence.journal:
            rows[row.shard].append(row)
        for shard, own in rows.items():
            for first in range(0, len(own), 10):
                changes = [_change(row, keys[row.instance]) for row in own[first : first + 10]]
                for _ in range(1 + (self.random.random() < 0.1)):
                    offset = len(self.evidence.changes)
                    self.evidence.changes.append(ChangeRecord(0, offset, str(shard), changes))


def _change(row: JournalRow, key: str) -> dict[str, Any]:
    return {
        "shard": row.shard,
        "n": row.n,
        "instance": row.instance,
        "machine": interpreter.MACHINE,
        "key": key,
        "kind": KINDS[row.kind],
        "type": row.type,
        "position": row.position,
        "version": row.version,
        "state_hash": row.state_hash,
    }

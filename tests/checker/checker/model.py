"""The rows of evidence: one class for each JSONL file, with the columns that the checker reads.

Times are integers, microseconds since 1970 in UTC. Byte strings are lower-case hex. Arrays over queues have 8 places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

KINDS: Final = ("event", "start", "migrate", "rollback", "fork", "repair", "checkpoint")
"""journal.kind is an index into this."""
EVENT: Final = KINDS.index("event")
START: Final = KINDS.index("start")
MIGRATE: Final = KINDS.index("migrate")
CHECKPOINT: Final = KINDS.index("checkpoint")

TAKEN: Final = 0
IGNORED: Final = 1

QUEUES: Final = 8
LANES: Final = ("critical", "high", "normal", "low")


@dataclass(frozen=True, slots=True)
class Produced:
    """A record that the producer sent. `offset` is None where the broker's answer never came (`ack` is "unknown")."""

    topic: str
    partition: int | None
    offset: int | None
    tenant: str | None
    machine: str | None
    key: str | None
    lane: str | None
    id: str | None
    source: str | None
    type: str | None
    expect: str
    ack: str | None = None
    payload_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A record that was read from an output topic; `value` is its JSON text or the parsed object."""

    topic: str
    partition: int
    offset: int
    key: str
    id: str
    bytes_hash: str | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """A Kafka record of foliot.changes."""

    partition: int
    offset: int
    key: str | None
    changes: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that the harness broke."""

    kind: str


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A macrostep or an administrative move."""

    shard: int
    n: int
    tenant: int
    instance: int
    position: int
    previous_n: int | None
    kind: int
    outcome: int
    version: int
    queue: int | None
    number: int | None
    event_id: str | None
    source: str | None
    type: str | None
    data: str | None
    timer: str | None
    armed: int | None
    state_hash: str
    state: str | None
    at: int


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A step transaction in one shard."""

    shard: int
    batch: int
    n_before: int
    n_after: int
    before: list[int]
    after: list[int]
    heads: list[int]
    stepped: int
    held: int
    dead: int
    dropped: int
    drained: int
    token_read: str
    token: str
    writer: str


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """The present of one life of an address."""

    shard: int
    id: int
    tenant: int
    machine: int
    key: str
    version: int
    position: int
    n: int
    mode: str
    state: str
    released: bool


@dataclass(frozen=True, slots=True)
class QueuedRow:
    """An event that waits: in the inbox beyond the cursor (`holder` is None), or held for an instance."""

    shard: int
    queue: int
    number: int
    tenant: int
    machine: int
    key: str
    event_id: str
    source: str
    type: str
    instance: int | None
    timer: str | None
    armed: int | None
    holder: int | None = None


@dataclass(frozen=True, slots=True)
class HeadRow:
    """The last number given, by queue."""

    shard: int
    numbers: list[int]


@dataclass(frozen=True, slots=True)
class CursorRow:
    """The last number applied, by queue, and how far the shard's journal, batches and outbox are."""

    shard: int
    numbers: list[int]
    n: int
    batch: int
    outbox: int
    token: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was set aside."""

    id: int
    tenant: int | None
    status: str
    stage: str
    code: str
    what: str
    place: str
    remedy: str
    topic_id: str | None
    topic: str | None
    partition: int | None
    offset: int | None
    shard: int | None
    queue: int | None
    number: int | None
    instance: int | None
    machine: str | None
    key: str | None
    event_id: str | None
    source: str | None
    type: str | None
    attempts: int
    worker: str


@dataclass(frozen=True, slots=True)
class IntakeRow:
    """One move of a stored offset."""

    topic_id: str
    partition: int
    first: int
    next: int
    accepted: int
    duplicates: int
    dead: int


@dataclass(frozen=True, slots=True)
class OffsetRow:
    """The next Kafka offset to take."""

    topic_id: str
    partition: int
    topic: str
    next: int
    stopped: str | None


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message in the outbox that the relay has not yet confirmed."""

    shard: int
    number: int
    n: int
    id: str
    topic: str


@dataclass(frozen=True, slots=True)
class RelayRow:
    """How far a shard's outbox and journal were confirmed by Kafka."""

    shard: int
    sent: int
    changes: int


@dataclass(frozen=True, slots=True)
class TimerRow:
    """A stored timer: a hint, since the instance's state decides."""

    shard: int
    instance: int
    timer: str
    armed: int
    due: int


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """Something that must never happen, and did."""

    code: str
    shard: int | None
    what: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A published version of a machine."""

    tenant: int
    machine: int
    version: int
    hash: str


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant's number and name."""

    number: int
    slug: str


@dataclass(frozen=True, slots=True)
class MachineRow:
    """A machine's number and name."""

    number: int
    tenant: int
    name: str


@dataclass(frozen=True, slots=True)
class InstallationRow:
    """What holds for the whole installation; `taken_at` is the database's clock when the evidence was taken."""

    shards: int
    secret: str
    taken_at: int

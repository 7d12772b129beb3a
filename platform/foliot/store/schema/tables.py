"""Every table of Foliot, declared once. Alembic's migrations make them; a test compares the two.

Conventions: `shard` and the numbers of queues are explained in docs/plan.md; `tenant` and `machine` are the small
numbers of `tenants` and `machines`; JSON that Foliot reads whole is `text` in canonical form (sorted keys), not jsonb;
a column called `at` is the database's clock when the row was written. Tables on the hot path have no foreign keys.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine

from foliot.store.vocabulary import QUEUES

metadata = MetaData(
    naming_convention={"ix": "%(table_name)s_%(column_0_N_name)s", "uq": "%(table_name)s_%(column_0_N_name)s_key"}
)

_ZEROS: Final = text(f"'{{{','.join('0' * QUEUES)}}}'::bigint[]")


def _required(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]], **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **options)


def _moment(name: str = "at") -> Column[Any]:
    return _required(name, DateTime(timezone=True), server_default=text("clock_timestamp()"))


def _address() -> tuple[Column[Any], ...]:
    return (_required("tenant", Integer), _required("machine", Integer), _required("key", Text))


def _event() -> tuple[Column[Any], ...]:
    """Make the columns of an event as it is stored after routing; `instance`, `timer` and `armed` only for timers."""
    return (
        *_address(),
        _required("kind", SmallInteger, server_default=text("0")),
        _required("event_id", Text),
        _required("source", Text),
        _required("type", Text),
        Column("time", Text),
        Column("data", Text),
        Column("traceparent", Text),
        Column("instance", BigInteger),
        Column("timer", Text),
        Column("armed", BigInteger),
        _moment(),
    )


def _queued() -> tuple[Column[Any], ...]:
    return (_required("shard", SmallInteger), _required("queue", SmallInteger), _required("number", BigInteger))


def _message() -> tuple[Column[Any], ...]:
    """Make the columns of a message that waits to be sent: `id` and `body` are the same at every sending."""
    return (
        _required("shard", SmallInteger),
        _required("number", BigInteger),
        *_address(),
        _required("n", BigInteger),
        _required("id", Text),
        _required("topic", Text),
        _required("body", Text),
        Column("traceparent", Text),
        _moment(),
    )


def _timer() -> tuple[Column[Any], ...]:
    return (
        _required("shard", SmallInteger),
        _required("instance", BigInteger),
        _required("timer", Text),
        _required("armed", BigInteger),
        _required("due", DateTime(timezone=True)),
        _required("ordinal", SmallInteger, server_default=text("0")),
        *_address(),
        _required("queue", SmallInteger),
        _required("type", Text),
        Column("data", Text),
        Column("traceparent", Text),
    )


# What the registry keeps.

installation = Table(
    "installation",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    _required("shards", SmallInteger),
    _required("map_epoch", Integer, server_default=text("1")),
    _required("revision", BigInteger, server_default=text("1")),
    _required("semantics", Integer, server_default=text("1")),
    _required("secret", LargeBinary),
    CheckConstraint("one", name="only_one"),
    CheckConstraint("shards BETWEEN 1 AND 4096 AND shards & (shards - 1) = 0", name="shards_power_of_two"),
    comment="What holds for the whole installation; revision moves with every change of the registry.",
)

tenants = Table(
    "tenants",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    _required("slug", Text, unique=True),
    _moment(),
)

machines = Table(
    "machines",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    _required("tenant", Integer),
    _required("name", Text),
    _moment(),
    UniqueConstraint("tenant", "name"),
)

versions = Table(
    "versions",
    metadata,
    _required("tenant", Integer),
    _required("machine", Integer),
    _required("version", Integer),
    _required("hash", Text),
    _required("definition", Text),
    _required("source", Text),
    _required("published_by", Text, server_default=text("''")),
    _moment("published_at"),
    Column("deprecated_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("tenant", "machine", "version"),
    UniqueConstraint("tenant", "machine", "hash"),
    comment="Immutable editions of machines; definition is the canonical form, source what was published.",
)

channels = Table(
    "channels",
    metadata,
    _required("tenant", Integer),
    _required("machine", Integer),
    _required("name", Text),
    _required("revision", BigInteger),
    _required("version", Integer),
    Column("all_revision", BigInteger),
    Column("all_version", Integer),
    _moment("moved_at"),
    PrimaryKeyConstraint("tenant", "machine", "name"),
    comment="version: for births. all_version: for live instances that were placed before all_revision.",
)

operations = Table(
    "operations",
    metadata,
    _required("tenant", Integer),
    _required("id", Text),
    _required("what", Text),
    _required("detail", Text),
    _required("by", Text, server_default=text("''")),
    _moment(),
    PrimaryKeyConstraint("tenant", "id"),
    comment="Administrative calls by their operation id: a call that is repeated answers with what it did.",
)

topics = Table(
    "topics",
    metadata,
    Column("topic", Text, primary_key=True),
    _required("tenant", Integer),
    _moment(),
    comment="Which tenant the events of a Kafka topic belong to.",
)

schemas = Table(
    "schemas",
    metadata,
    _required("tenant", Integer),
    _required("name", Text),
    _required("schema", Text),
    _moment(),
    PrimaryKeyConstraint("tenant", "name"),
    comment="JSON Schemas that routes name for the records of foreign topics.",
)

routes = Table(
    "routes",
    metadata,
    _required("tenant", Integer),
    _required("name", Text),
    _required("topic", Text),
    _required("ordinal", Integer, server_default=text("0")),
    _required("definition", Text),
    _required("enabled", Boolean, server_default=text("true")),
    _moment(),
    PrimaryKeyConstraint("tenant", "name"),
    comment="How records of a foreign topic become events: CEL expressions in canonical JSON.",
)

# The inbox and its numbers.

heads = Table(
    "heads",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    _required("numbers", ARRAY(BigInteger), server_default=_ZEROS),
    _required("segment", SmallInteger, server_default=text("0")),
    _moment(),
    postgresql_with={"fillfactor": "20"},
    comment="The last number given, by queue (places 1 to 8).",
)

cursors = Table(
    "cursors",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    _required("numbers", ARRAY(BigInteger), server_default=_ZEROS),
    _required("n", BigInteger, server_default=text("0")),
    _required("batch", BigInteger, server_default=text("0")),
    _required("outbox", BigInteger, server_default=text("0")),
    _required("token", LargeBinary, server_default=text("'\\x'::bytea")),
    _required("writer", Text, server_default=text("''")),
    _required("draining", Boolean, server_default=text("false")),
    _moment(),
    postgresql_with={"fillfactor": "20"},
    comment="The last number applied, by queue; the last n of the journal; the last number of the outbox.",
)

inbox = Table(
    "inbox",
    metadata,
    _required("segment", SmallInteger),
    *_queued(),
    *_event(),
    PrimaryKeyConstraint("segment", "shard", "queue", "number"),
    postgresql_partition_by="LIST (segment)",
    comment="Events that wait to be stepped: insert only, read by cursors, emptied by TRUNCATE of a segment.",
)

inbox_late = Table(
    "inbox_late",
    metadata,
    *_queued(),
    *_event(),
    PrimaryKeyConstraint("shard", "queue", "number"),
    comment="What a shard that lags had left in a segment when it was emptied; same numbers.",
)

held = Table(
    "held",
    metadata,
    *_queued(),
    *_event(),
    _required("holder", BigInteger),
    PrimaryKeyConstraint("shard", "holder", "queue", "number"),
    comment="Events of an instance (holder) that is not running, whole; cursors have passed them.",
)

dedupe = Table(
    "dedupe",
    metadata,
    _required("generation", SmallInteger),
    _required("shard", SmallInteger),
    _required("tenant", Integer),
    _required("source", Text),
    _required("id", Text),
    _required("machine", Integer),
    _required("key", Text),
    _required("payload_hash", LargeBinary),
    PrimaryKeyConstraint("generation", "shard", "tenant", "source", "id", "machine", "key"),
    postgresql_partition_by="LIST (generation)",
    comment="Which events were accepted within the window; ids beyond 64 bytes are hashed.",
)

offsets = Table(
    "offsets",
    metadata,
    _required("topic_id", Text),
    _required("partition", Integer),
    _required("topic", Text),
    _required("next", BigInteger),
    Column("stopped", Text),
    _moment(),
    PrimaryKeyConstraint("topic_id", "partition"),
    postgresql_with={"fillfactor": "50"},
    comment="The next Kafka offset to take, moved by compare-and-set in the transaction that fills the inbox.",
)

intakes = Table(
    "intakes",
    metadata,
    _required("topic_id", Text),
    _required("partition", Integer),
    _required("first", BigInteger),
    _required("next", BigInteger),
    _required("accepted", Integer),
    _required("duplicates", Integer),
    _required("dead", Integer),
    _required("writer", Text),
    _moment(),
    PrimaryKeyConstraint("topic_id", "partition", "first"),
    comment="One row for each move of an offset: what became of the records from first up to next.",
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("tenant", Integer),
    _required("status", Text, server_default=text("'open'")),
    _required("stage", Text),
    _required("code", Text),
    _required("what", Text),
    _required("place", Text),
    _required("remedy", Text),
    Column("topic_id", Text),
    Column("topic", Text),
    Column("partition", Integer),
    Column("offset", BigInteger),
    Column("headers", Text),
    Column("raw", LargeBinary),
    Column("shard", SmallInteger),
    Column("queue", SmallInteger),
    Column("number", BigInteger),
    Column("instance", BigInteger),
    Column("machine", Text),
    Column("key", Text),
    Column("event_id", Text),
    Column("source", Text),
    Column("type", Text),
    Column("event", Text),
    _required("attempts", Integer, server_default=text("1")),
    _required("worker", Text, server_default=text("''")),
    Column("traceparent", Text),
    _moment(),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("status IN ('open', 'redriven', 'discarded')", name="dead_letters_status"),
    CheckConstraint("stage IN ('decode', 'route', 'step', 'park')", name="dead_letters_stage"),
    comment="Events set aside with their reason. Stage park: the event itself waits in held, first of its instance.",
)
Index("dead_letters_open", dead_letters.c.tenant, dead_letters.c.id, postgresql_where=text("status = 'open'"))
Index("dead_letters_parked", dead_letters.c.instance, postgresql_where=text("status = 'open' AND stage = 'park'"))

# Instances and their journal.

instances = Table(
    "instances",
    metadata,
    _required("shard", SmallInteger),
    _required("id", BigInteger),
    *_address(),
    _required("channel", Text),
    _required("placed", BigInteger),
    _required("version", Integer),
    _required("semantics", Integer),
    _required("position", BigInteger),
    _required("n", BigInteger),
    _required("mode", Text, server_default=text("'running'")),
    _required("state", Text),
    Column("note", Text),
    _required("released", Boolean, server_default=text("false")),
    _moment("born_at"),
    _moment("stepped_at"),
    PrimaryKeyConstraint("shard", "id"),
    CheckConstraint("mode IN ('running', 'held', 'draining')", name="instances_mode"),
    postgresql_with={"fillfactor": "70"},
    comment="The present of every life: state is the engine's canonical form, n its last journal row.",
)
Index(
    "instances_address",
    instances.c.shard,
    instances.c.tenant,
    instances.c.machine,
    instances.c.key,
    unique=True,
    postgresql_where=text("NOT released"),
)
Index("instances_not_running", instances.c.shard, instances.c.id, postgresql_where=text("mode <> 'running'"))

journal = Table(
    "journal",
    metadata,
    _required("shard", SmallInteger),
    _required("n", BigInteger),
    _required("tenant", Integer),
    _required("instance", BigInteger),
    _required("position", BigInteger),
    Column("previous_n", BigInteger),
    _required("kind", SmallInteger),
    _required("outcome", SmallInteger),
    _required("version", Integer),
    _required("semantics", Integer),
    Column("queue", SmallInteger),
    Column("number", BigInteger),
    Column("event_id", Text),
    Column("source", Text),
    Column("type", Text),
    Column("time", Text),
    Column("data", Text),
    Column("traceparent", Text),
    Column("timer", Text),
    Column("armed", BigInteger),
    Column("transitions", LargeBinary),
    _required("state_hash", LargeBinary),
    Column("state", Text),
    Column("detail", Text),
    _required("at", DateTime(timezone=True)),
    PrimaryKeyConstraint("shard", "n"),
    comment="One row for each macrostep or administrative move: the truth, never updated. `at` is the step's `now`.",
)

batches = Table(
    "batches",
    metadata,
    _required("shard", SmallInteger),
    _required("batch", BigInteger),
    _required("n_before", BigInteger),
    _required("n_after", BigInteger),
    _required("before", ARRAY(BigInteger)),
    _required("after", ARRAY(BigInteger)),
    _required("heads", ARRAY(BigInteger)),
    _required("stepped", Integer),
    _required("held", Integer),
    _required("dead", Integer),
    _required("dropped", Integer),
    _required("drained", Integer),
    _required("token_read", LargeBinary),
    _required("token", LargeBinary),
    _required("writer", Text),
    _moment(),
    PrimaryKeyConstraint("shard", "batch"),
    comment="One row for each step transaction and shard: where its cursors stood before and after, and who wrote.",
)

attempts = Table(
    "attempts",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    _required("numbers", ARRAY(BigInteger)),
    _required("unfinished", Integer),
    _required("singles", Integer),
    _required("single_left", Integer),
    _required("writer", Text),
    _moment(),
    postgresql_with={"fillfactor": "20"},
    comment="Attempts to step from these cursors, written before the step on a connection of its own.",
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    _required("code", Text),
    Column("tenant", Integer),
    Column("shard", SmallInteger),
    _required("what", Text),
    _required("writer", Text),
    _moment(),
    comment="What must never happen and did, or what a person should look at: a second writer in a shard, a reused id.",
)

# What waits to be sent, and what waits for its time.

outbox = Table(
    "outbox",
    metadata,
    _required("segment", SmallInteger),
    *_message(),
    PrimaryKeyConstraint("segment", "shard", "number"),
    postgresql_partition_by="LIST (segment)",
    comment="Messages that wait to be sent, numbered gapless per shard.",
)

outbox_late = Table(
    "outbox_late",
    metadata,
    *_message(),
    PrimaryKeyConstraint("shard", "number"),
    comment="What was unsent in a segment when it was emptied; same numbers.",
)

relays = Table(
    "relays",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    _required("sent", BigInteger, server_default=text("0")),
    _required("changes", BigInteger, server_default=text("0")),
    _required("writer", Text, server_default=text("''")),
    _moment(),
    postgresql_with={"fillfactor": "20"},
    comment="How far each shard's outbox (sent) and journal (changes) have been confirmed by Kafka.",
)

timers = Table(
    "timers",
    metadata,
    _required("segment", SmallInteger),
    *_timer(),
    PrimaryKeyConstraint("segment", "shard", "instance", "timer", "armed"),
    postgresql_partition_by="LIST (segment)",
    comment="Armed timers. A row is a hint: the timer counts only if the instance's state still has (timer, armed).",
)
Index("timers_due", timers.c.due)

timers_late = Table(
    "timers_late",
    metadata,
    *_timer(),
    PrimaryKeyConstraint("shard", "instance", "timer", "armed"),
    comment="Timers that were still armed when their segment was emptied.",
)
Index("timers_late_due", timers_late.c.due)

rings = Table(
    "rings",
    metadata,
    Column("name", Text, primary_key=True),
    _required("segment", SmallInteger, server_default=text("0")),
    _required("segments", SmallInteger),
    _required("ready", Boolean, server_default=text("true")),
    _moment("rotated_at"),
    comment="Which segment of a ring is written, and whether the one after it is empty.",
)

TENANT_TABLES: Final = (
    machines,
    versions,
    channels,
    operations,
    schemas,
    routes,
    inbox,
    inbox_late,
    held,
    dead_letters,
    instances,
    journal,
    outbox,
    outbox_late,
    timers,
    timers_late,
)
"""Tables with rows of tenants: under row-level security for the front role."""

FRONT_TABLES: Final = (
    machines,
    versions,
    channels,
    operations,
    schemas,
    routes,
    held,
    dead_letters,
    instances,
    journal,
)
"""What the front role may read."""

"""Every table of Foliot, declared once, beside those of the registry. Migrations make them; a test compares the two.

Conventions: `shard` and the numbers of queues are explained in docs/plan.md; `tenant` and `machine` are the small
numbers of `tenants` and `machines`; JSON that Foliot reads whole is `text` in canonical form (sorted keys), not jsonb;
a column called `at` is the database's clock when the row was written. Tables on the hot path have no foreign keys.
"""

from __future__ import annotations

from typing import Final

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
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    text,
)

from foliot.store.schema.registry_tables import api_keys, channels, machines, operations, routes, schemas, versions
from foliot.store.schema.shapes import (
    TEXT,
    ZEROS,
    address_columns,
    event_columns,
    message_columns,
    metadata,
    moment,
    place_columns,
    required,
    timer_columns,
)

# The inbox and its numbers.

heads = Table(
    "heads",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    required("numbers", ARRAY(BigInteger), server_default=ZEROS),
    required("segment", SmallInteger, server_default=text("0")),
    moment(),
    Column("front_at", DateTime(timezone=True)),
    postgresql_with={"fillfactor": "20"},
    comment="The last number given, by queue (places 1 to 8), and when a front door last gave one.",
)

cursors = Table(
    "cursors",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    required("numbers", ARRAY(BigInteger), server_default=ZEROS),
    required("n", BigInteger, server_default=text("0")),
    required("batch", BigInteger, server_default=text("0")),
    required("outbox", BigInteger, server_default=text("0")),
    required("token", LargeBinary, server_default=text("'\\x'::bytea")),
    required("writer", TEXT, server_default=text("''")),
    required("draining", Boolean, server_default=text("false")),
    moment(),
    postgresql_with={"fillfactor": "20"},
    comment="The last number applied, by queue; the last n of the journal; the last number of the outbox.",
)

inbox = Table(
    "inbox",
    metadata,
    required("segment", SmallInteger),
    *place_columns(),
    *event_columns(),
    PrimaryKeyConstraint("segment", "shard", "queue", "number"),
    postgresql_partition_by="LIST (segment)",
    comment="Events that wait to be stepped: insert only, read by cursors, emptied by TRUNCATE of a segment.",
)

inbox_late = Table(
    "inbox_late",
    metadata,
    *place_columns(),
    *event_columns(),
    PrimaryKeyConstraint("shard", "queue", "number"),
    comment="What a shard that lags had left in a segment when it was emptied; same numbers.",
)

held = Table(
    "held",
    metadata,
    *place_columns(),
    *event_columns(),
    required("holder", BigInteger),
    PrimaryKeyConstraint("shard", "holder", "queue", "number"),
    comment="Events of an instance (holder) that is not running, whole; cursors have passed them.",
)

dedupe = Table(
    "dedupe",
    metadata,
    required("generation", SmallInteger),
    required("tenant", Integer),
    required("claim", LargeBinary),
    required("payload_hash", LargeBinary),
    PrimaryKeyConstraint("tenant", "claim", "generation"),
    postgresql_partition_by="LIST (generation)",
    comment="Which events were accepted within the window. A claim begins with the id.",
)

offsets = Table(
    "offsets",
    metadata,
    required("topic_id", TEXT),
    required("partition", Integer),
    required("topic", TEXT),
    required("next", BigInteger),
    Column("stopped", TEXT),
    moment(),
    PrimaryKeyConstraint("topic_id", "partition"),
    postgresql_with={"fillfactor": "50"},
    comment="The next Kafka offset to take, moved by compare-and-set in the transaction that fills the inbox.",
)

intakes = Table(
    "intakes",
    metadata,
    required("topic_id", TEXT),
    required("partition", Integer),
    required("first", BigInteger),
    required("next", BigInteger),
    required("accepted", Integer),
    required("duplicates", Integer),
    required("dead", Integer),
    required("writer", TEXT),
    moment(),
    PrimaryKeyConstraint("topic_id", "partition", "first"),
    comment="One row for each move of an offset: what became of the records from first up to next.",
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("tenant", Integer),
    required("status", TEXT, server_default=text("'open'")),
    required("stage", TEXT),
    required("code", TEXT),
    required("what", TEXT),
    required("place", TEXT),
    required("remedy", TEXT),
    Column("topic_id", TEXT),
    Column("topic", TEXT),
    Column("partition", Integer),
    Column("offset", BigInteger),
    Column("headers", TEXT),
    Column("raw", LargeBinary),
    Column("shard", SmallInteger),
    Column("queue", SmallInteger),
    Column("number", BigInteger),
    Column("instance", BigInteger),
    Column("machine", TEXT),
    Column("key", TEXT),
    Column("event_id", TEXT),
    Column("source", TEXT),
    Column("type", TEXT),
    Column("event", TEXT),
    required("attempts", Integer, server_default=text("1")),
    required("worker", TEXT, server_default=text("''")),
    Column("traceparent", TEXT),
    moment(),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_by", TEXT),
    CheckConstraint("status IN ('open', 'redriven', 'discarded')", name="dead_letters_status"),
    CheckConstraint("stage IN ('decode', 'route', 'step', 'park', 'send')", name="dead_letters_stage"),
    comment="Events set aside with their reason. Stage park: the event itself waits in held, first of its instance. "
    "Stage send: a message that its topic does not take; number is the n of its journal row.",
)
Index(
    "dead_letters_place",
    dead_letters.c.shard,
    dead_letters.c.queue,
    dead_letters.c.number,
    postgresql_where=text("number IS NOT NULL"),
)
Index("dead_letters_tenant", dead_letters.c.tenant, dead_letters.c.id)
Index("dead_letters_parked", dead_letters.c.instance, postgresql_where=text("status = 'open' AND stage = 'park'"))

# Instances and their journal.

instances = Table(
    "instances",
    metadata,
    required("shard", SmallInteger),
    required("id", BigInteger),
    *address_columns(),
    required("channel", TEXT),
    required("placed", BigInteger),
    required("version", Integer),
    required("semantics", Integer),
    required("position", BigInteger),
    required("n", BigInteger),
    required("mode", TEXT, server_default=text("'running'")),
    required("state", TEXT),
    Column("note", TEXT),
    required("released", Boolean, server_default=text("false")),
    moment("born_at"),
    moment("stepped_at"),
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
    required("shard", SmallInteger),
    required("n", BigInteger),
    required("tenant", Integer),
    required("instance", BigInteger),
    required("position", BigInteger),
    Column("previous_n", BigInteger),
    required("kind", SmallInteger),
    required("outcome", SmallInteger),
    required("version", Integer),
    required("semantics", Integer),
    Column("queue", SmallInteger),
    Column("number", BigInteger),
    Column("event_id", TEXT),
    Column("source", TEXT),
    Column("type", TEXT),
    Column("time", TEXT),
    Column("data", TEXT),
    Column("traceparent", TEXT),
    Column("timer", TEXT),
    Column("armed", BigInteger),
    Column("transitions", LargeBinary),
    required("state_hash", LargeBinary),
    Column("state", TEXT),
    Column("detail", TEXT),
    required("at", DateTime(timezone=True)),
    PrimaryKeyConstraint("shard", "n"),
    comment="One row for each macrostep or administrative move: the truth, never updated. `at` is the step's `now`.",
)

batches = Table(
    "batches",
    metadata,
    required("shard", SmallInteger),
    required("batch", BigInteger),
    required("n_before", BigInteger),
    required("n_after", BigInteger),
    required("before", ARRAY(BigInteger)),
    required("after", ARRAY(BigInteger)),
    required("heads", ARRAY(BigInteger)),
    required("stepped", Integer),
    required("held", Integer),
    required("dead", Integer),
    required("dropped", Integer),
    required("drained", Integer),
    required("token_read", LargeBinary),
    required("token", LargeBinary),
    required("writer", TEXT),
    moment(),
    PrimaryKeyConstraint("shard", "batch"),
    comment="One row for each step transaction and shard: where its cursors stood before and after, and who wrote.",
)

attempts = Table(
    "attempts",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    required("numbers", ARRAY(BigInteger)),
    required("unfinished", Integer),
    required("singles", Integer),
    required("single_left", Integer),
    required("writer", TEXT),
    moment(),
    postgresql_with={"fillfactor": "20"},
    comment="Attempts to step from these cursors, written before the step on a connection of its own.",
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    required("code", TEXT),
    Column("tenant", Integer),
    Column("shard", SmallInteger),
    required("what", TEXT),
    required("writer", TEXT),
    moment(),
    comment="What must never happen and did, or what a person should look at: a second writer in a shard, a reused id.",
)

# What waits to be sent, and what waits for its time.

outbox = Table(
    "outbox",
    metadata,
    required("segment", SmallInteger),
    *message_columns(),
    PrimaryKeyConstraint("segment", "shard", "number"),
    postgresql_partition_by="LIST (segment)",
    comment="Messages that wait to be sent, numbered gapless per shard.",
)

outbox_late = Table(
    "outbox_late",
    metadata,
    *message_columns(),
    PrimaryKeyConstraint("shard", "number"),
    comment="What was unsent in a segment when it was emptied; same numbers.",
)

relays = Table(
    "relays",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    required("sent", BigInteger, server_default=text("0")),
    required("changes", BigInteger, server_default=text("0")),
    required("writer", TEXT, server_default=text("''")),
    moment(),
    postgresql_with={"fillfactor": "20"},
    comment="How far each shard's outbox (sent) and journal (changes) have been confirmed by Kafka.",
)

timers = Table(
    "timers",
    metadata,
    required("segment", SmallInteger),
    *timer_columns(),
    PrimaryKeyConstraint("segment", "shard", "instance", "timer", "armed"),
    postgresql_partition_by="LIST (segment)",
    comment="Armed timers. A row is a hint: the timer counts only if the instance's state still has (timer, armed).",
)
Index("timers_due", timers.c.due)

timers_late = Table(
    "timers_late",
    metadata,
    *timer_columns(),
    PrimaryKeyConstraint("shard", "instance", "timer", "armed"),
    comment="Timers that were still armed when their segment was emptied.",
)
Index("timers_late_due", timers_late.c.due)

rings = Table(
    "rings",
    metadata,
    Column("name", TEXT, primary_key=True),
    required("segment", SmallInteger, server_default=text("0")),
    required("segments", SmallInteger),
    required("ready", Boolean, server_default=text("true")),
    moment("rotated_at"),
    comment="Which segment of a ring is written, and whether the one after it is empty.",
)

TENANT_TABLES: Final = (
    api_keys,
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

"""The tables of the registry: few rows, written by people."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from foliot.store.schema.shapes import TEXT, metadata, moment, required

installation = Table(
    "installation",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    required("shards", SmallInteger),
    required("map_epoch", Integer, server_default=text("1")),
    required("revision", BigInteger, server_default=text("1")),
    required("semantics", Integer, server_default=text("1")),
    required("secret", LargeBinary),
    CheckConstraint("one", name="only_one"),
    CheckConstraint("shards BETWEEN 1 AND 4096 AND shards & (shards - 1) = 0", name="shards_power_of_two"),
    comment="What holds for the whole installation; revision moves with every change of the registry.",
)

tenants = Table(
    "tenants",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    required("slug", TEXT, unique=True),
    moment(),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", TEXT, primary_key=True),
    required("tenant", Integer),
    required("name", TEXT),
    required("hash", LargeBinary),
    required("scopes", ARRAY(Text)),
    required("made_by", TEXT, server_default=text("''")),
    moment(),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    comment="Keys of the front doors. The secret is kept as HMAC-SHA256 with a pepper that the database never sees.",
)

machines = Table(
    "machines",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    required("tenant", Integer),
    required("name", TEXT),
    moment(),
    UniqueConstraint("tenant", "name"),
)

versions = Table(
    "versions",
    metadata,
    required("tenant", Integer),
    required("machine", Integer),
    required("version", Integer),
    required("hash", TEXT),
    required("definition", TEXT),
    required("source", TEXT),
    required("published_by", TEXT, server_default=text("''")),
    moment("published_at"),
    Column("deprecated_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("tenant", "machine", "version"),
    UniqueConstraint("tenant", "machine", "hash"),
    comment="Immutable editions of machines; definition is the canonical form, source what was published.",
)

channels = Table(
    "channels",
    metadata,
    required("tenant", Integer),
    required("machine", Integer),
    required("name", TEXT),
    required("revision", BigInteger),
    required("version", Integer),
    Column("all_revision", BigInteger),
    Column("all_version", Integer),
    moment("moved_at"),
    PrimaryKeyConstraint("tenant", "machine", "name"),
    comment="version: for births. all_version: for live instances that were placed before all_revision.",
)

operations = Table(
    "operations",
    metadata,
    required("tenant", Integer),
    required("id", TEXT),
    required("what", TEXT),
    required("detail", TEXT),
    required("by", TEXT, server_default=text("''")),
    moment(),
    PrimaryKeyConstraint("tenant", "id"),
    comment="Administrative calls by their operation id: a call that is repeated answers with what it did.",
)

topics = Table(
    "topics",
    metadata,
    Column("topic", TEXT, primary_key=True),
    required("tenant", Integer),
    moment(),
    comment="Which tenant the events of a Kafka topic belong to.",
)

schemas = Table(
    "schemas",
    metadata,
    required("tenant", Integer),
    required("name", TEXT),
    required("schema", TEXT),
    moment(),
    PrimaryKeyConstraint("tenant", "name"),
    comment="JSON Schemas that routes name for the records of foreign topics.",
)

routes = Table(
    "routes",
    metadata,
    required("tenant", Integer),
    required("name", TEXT),
    required("topic", TEXT),
    required("ordinal", Integer, server_default=text("0")),
    required("definition", TEXT),
    required("enabled", Boolean, server_default=text("true")),
    moment(),
    PrimaryKeyConstraint("tenant", "name"),
    comment="How records of a foreign topic become events: CEL expressions in canonical JSON.",
)

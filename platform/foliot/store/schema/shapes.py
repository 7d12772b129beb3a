"""The metadata of all tables, and the columns that several of them share."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, SmallInteger, Text, text
from sqlalchemy.types import TypeEngine

from foliot.store.vocabulary import QUEUES

metadata = MetaData(
    naming_convention={"ix": "%(table_name)s_%(column_0_N_name)s", "uq": "%(table_name)s_%(column_0_N_name)s_key"}
)

TEXT: Final = Text(collation="C")
"""Compared byte by byte, whatever the database's locale: a libc that sorts otherwise than the one before it would break
every index of keys, and an address would have two lives."""
ZEROS: Final = text(f"'{{{','.join('0' * QUEUES)}}}'::bigint[]")


def required(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]], **options: Any) -> Column[Any]:
    """Make a column that is never null."""
    return Column(name, kind, nullable=False, **options)


def moment(name: str = "at") -> Column[Any]:
    """Make a column that is the database's clock when the row was written."""
    return required(name, DateTime(timezone=True), server_default=text("clock_timestamp()"))


def address_columns() -> tuple[Column[Any], ...]:
    """Make the columns of an instance's address."""
    return (required("tenant", Integer), required("machine", Integer), required("key", TEXT))


def event_columns() -> tuple[Column[Any], ...]:
    """Make the columns of an event as it is stored after routing; `instance`, `timer` and `armed` only for timers."""
    return (
        *address_columns(),
        required("kind", SmallInteger, server_default=text("0")),
        required("event_id", TEXT),
        required("source", TEXT),
        required("type", TEXT),
        Column("time", TEXT),
        Column("data", TEXT),
        Column("traceparent", TEXT),
        Column("instance", BigInteger),
        Column("timer", TEXT),
        Column("armed", BigInteger),
        moment(),
    )


def place_columns() -> tuple[Column[Any], ...]:
    """Make the columns of an event's place in the inbox."""
    return (required("shard", SmallInteger), required("queue", SmallInteger), required("number", BigInteger))


def message_columns() -> tuple[Column[Any], ...]:
    """Make the columns of a message that waits to be sent: `id` and `body` are the same at every sending."""
    return (
        required("shard", SmallInteger),
        required("number", BigInteger),
        *address_columns(),
        required("n", BigInteger),
        required("id", TEXT),
        required("topic", TEXT),
        required("body", TEXT),
        Column("traceparent", TEXT),
        moment(),
    )


def timer_columns() -> tuple[Column[Any], ...]:
    """Make the columns of an armed timer."""
    return (
        required("shard", SmallInteger),
        required("instance", BigInteger),
        required("timer", TEXT),
        required("armed", BigInteger),
        required("due", DateTime(timezone=True)),
        required("ordinal", SmallInteger, server_default=text("0")),
        *address_columns(),
        required("queue", SmallInteger),
        required("type", TEXT),
        Column("data", TEXT),
        Column("traceparent", TEXT),
    )

"""Taking evidence out of a database, in pages: no snapshot is open for longer than one page.

Take it while no worker runs, or the tables will be of different moments and the verdict of none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row

PAGE_ROWS: Final = 5_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Paged:
    """A table that may be long: read in the order of its key, each part with a value before all others."""

    file: str
    table: str
    columns: str
    key: tuple[tuple[str, int | str], ...]
    where: str = "true"


_QUEUED: Final = "shard, queue, number, tenant, machine, key, event_id, source, type, instance, timer, armed"
_BEYOND_CURSOR: Final = (
    "number > coalesce((SELECT c.numbers[queue + 1] FROM cursors c WHERE c.shard = waiting.shard), 0)"
)
_UNSENT: Final = "number > coalesce((SELECT r.sent FROM relays r WHERE r.shard = waiting.shard), 0)"
_MESSAGE: Final = "shard, number, n, id, topic"
_TIMER: Final = "shard, instance, timer, armed, due"
_TIMER_KEY: Final = (("shard", -1), ("instance", -1), ("timer", ""), ("armed", -1))
_PLACE: Final = (("shard", -1), ("queue", -1), ("number", -1))
_SEGMENT: Final = ("segment", -1)

PAGED: Final = (
    Paged(
        "journal",
        "journal",
        "shard, n, tenant, instance, position, previous_n, kind, outcome, version, queue, number, event_id, source,"
        " type, data, timer, armed, state_hash, state, detail, at",
        (("shard", -1), ("n", -1)),
    ),
    Paged(
        "batches",
        "batches",
        'shard, batch, n_before, n_after, before, "after", heads, stepped, held, dead, dropped, drained, token_read,'
        " token, writer, at",
        (("shard", -1), ("batch", -1)),
    ),
    Paged(
        "instances",
        "instances",
        "shard, id, tenant, machine, key, version, position, n, mode, state, note, released",
        (("shard", -1), ("id", -1)),
    ),
    Paged("inbox", "inbox", _QUEUED, (_SEGMENT, *_PLACE), _BEYOND_CURSOR),
    Paged("inbox", "inbox_late", _QUEUED, _PLACE, _BEYOND_CURSOR),
    Paged("held", "held", _QUEUED + ", holder", (("shard", -1), ("holder", -1), ("queue", -1), ("number", -1))),
    Paged(
        "dead_letters",
        "dead_letters",
        'id, tenant, status, stage, code, what, place, remedy, topic_id, topic, "partition", "offset", shard, queue,'
        " number, instance, machine, key, event_id, source, type, attempts, worker",
        (("id", -1),),
    ),
    Paged(
        "intakes",
        "intakes",
        'topic_id, "partition", first, next, accepted, duplicates, dead, writer, at',
        (("topic_id", ""), ("partition", -1), ("first", -1)),
    ),
    Paged("outbox", "outbox", _MESSAGE, (_SEGMENT, ("shard", -1), ("number", -1)), _UNSENT),
    Paged("outbox", "outbox_late", _MESSAGE, (("shard", -1), ("number", -1)), _UNSENT),
    Paged("timers", "timers", _TIMER, (_SEGMENT, *_TIMER_KEY)),
    Paged("timers", "timers_late", _TIMER, _TIMER_KEY),
)

WHOLE: Final = {
    "installation": "SELECT shards, secret, clock_timestamp() AS taken_at FROM installation",
    "heads": "SELECT shard, numbers FROM heads ORDER BY shard",
    "cursors": "SELECT shard, numbers, n, batch, outbox, token, draining FROM cursors ORDER BY shard",
    "offsets": 'SELECT topic_id, "partition", topic, next, stopped FROM offsets ORDER BY topic_id, "partition"',
    "relays": "SELECT shard, sent, changes FROM relays ORDER BY shard",
    "alarms": "SELECT code, tenant, shard, what, writer, at FROM alarms ORDER BY id",
    "versions": "SELECT tenant, machine, version, hash FROM versions ORDER BY tenant, machine, version",
    "tenants": "SELECT number, slug FROM tenants ORDER BY number",
    "machines": "SELECT number, tenant, name FROM machines ORDER BY number",
}
"""Tables that are small: read by one statement each."""


def dump(dsn: str, folder: Path) -> None:
    """Write each table's evidence into `folder`, over what was there; the logs of producer and sink are not touched."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in PAGED:
        (folder / f"{table.file}.jsonl").unlink(missing_ok=True)
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        for file, query in WHOLE.items():
            (folder / f"{file}.jsonl").unlink(missing_ok=True)
            _append(folder / f"{file}.jsonl", connection.execute(sql.SQL(query)).fetchall())
        for table in PAGED:
            for page in _pages(connection, table):
                _append(folder / f"{table.file}.jsonl", page)


def _pages(connection: psycopg.Connection[DictRow], table: Paged) -> Iterator[Sequence[DictRow]]:
    """Read a table page by page; the last page may be empty."""
    names = [name for name, _ in table.key]
    key = sql.SQL(", ").join(sql.Identifier(name) for name in names)
    # The key stands beside the columns under names of its own, so that no column is given twice.
    marks = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(sql.Identifier(name), sql.Identifier(f"key_{name}")) for name in names
    )
    query = sql.SQL(
        "SELECT {columns}, {marks} FROM {table} AS waiting"
        " WHERE ({key}) > ({values}) AND {where} ORDER BY {key} LIMIT {rows}"
    ).format(
        columns=sql.SQL(table.columns),
        marks=marks,
        table=sql.Identifier(table.table),
        key=key,
        values=sql.SQL(", ").join([sql.Placeholder()] * len(names)),
        where=sql.SQL(table.where),
        rows=sql.Literal(PAGE_ROWS),
    )
    last: list[Any] = [first for _, first in table.key]
    while True:
        page = connection.execute(query, last).fetchall()
        last = [page[-1][f"key_{name}"] for name in names] if page else last
        yield [{column: value for column, value in row.items() if not column.startswith("key_")} for row in page]
        if len(page) < PAGE_ROWS:
            return


def _append(path: Path, rows: Sequence[DictRow]) -> None:
    with path.open("a", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, default=_plain, ensure_ascii=False) + "\n")


def _plain(value: object) -> int | str:
    """Turn a moment into microseconds and bytes into hex."""
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    raise TypeError(f"no JSON for {type(value).__name__}")

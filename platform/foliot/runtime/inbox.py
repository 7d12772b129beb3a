"""Rows that are put into the inbox by Foliot itself: timers that fired, events that are redriven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from foliot.store import Connection, columns, load, numbers_text

_SQL: Final = load("intake")
_COLUMNS: Final = (
    *("segments", "shards", "queues", "numbers", "tenants", "machines", "keys", "kinds", "event_ids", "sources"),
    *("types", "times", "data", "traceparents", "instances", "timers", "armed"),
)


def fill_inbox(connection: Connection, rows: Sequence[tuple[object, ...]], heads: Mapping[int, Sequence[int]]) -> None:
    """Insert numbered rows (in the order of the inbox's columns) and move the heads, which are locked, to `heads`."""
    _SQL["insert_inbox"].run(connection, columns(_COLUMNS, rows))
    parameters = {"shards": list(heads), "numbers": [numbers_text(numbers) for numbers in heads.values()]}
    _SQL["move_heads"].run(connection, parameters)

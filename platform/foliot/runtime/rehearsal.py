"""What a child does before its first event comes, so that this one does not wait for it."""

from __future__ import annotations

from itertools import islice
from typing import Final

from foliot.registry import Catalog, Versions
from foliot.runtime.reading import AHEAD_EVENTS_MAX
from foliot.store import Connection, end_reading, load, pipelined

_SQL: Final = load("step")
_STATEMENTS: Final = (
    *("find_work", "lock_cursors", "read_heads", "read_ahead", "read_inbox", "load_instances", "insert_instances"),
    *("update_instances", "insert_journal", "insert_batches", "move_cursors"),
)
"""Those of nearly every batch."""
_SCALARS: Final = {"count": AHEAD_EVENTS_MAX, "few": 0, "at": 1 << 50, "writer": ""}
"""As large as in a batch: an integer's type is by its size, and a statement of another type is another statement."""
_MACHINES_MAX: Final = 32


def rehearse(connection: Connection, catalog: Catalog, versions: Versions) -> None:
    """Compile the machines that births go to, and run the statements of a batch over nothing, so that they are planned.

    A cold first event took 80 ms longer than the next one.

    Raises:
        StoreError: the database did not answer.
        UnknownVersion: a channel's version is gone.
    """
    for machine in islice(catalog.machines.values(), _MACHINES_MAX):
        if (stable := machine.channels.get("stable")) is not None:
            versions.get(connection, machine.number, stable.version)
    with pipelined(connection, "step.rehearse"):
        for name in _STATEMENTS:
            _SQL[name].rehearse(connection, _SCALARS)
    end_reading(connection)

"""What the scenarios of the crash tests do with: a database, events, and steppers that run until nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from addresses import WORK

from foliot.registry import Catalog, load_catalog
from foliot.runtime import Arrival, Record, Stepper, payload_hash, take_in
from foliot.runtime.rings import turn_ring
from foliot.settings import Settings
from foliot.store import Connection, connect

TENANT = 1


@dataclass(frozen=True)
class Site:
    """Where a scenario takes place. A process opens its connections itself, after it was forked."""

    dsn: str
    kafka: str = ""

    @property
    def settings(self) -> Settings:
        """One batch takes all there is, so that a run does the same statements in the same order each time."""
        return Settings(dsn_service=self.dsn, kafka=self.kafka, steal_after_ms=0, step_batch_ms=60_000.0, testing=True)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        with closing(connect(self.dsn, application="foliot-crash")) as connection:
            yield connection

    def drain(self, *, told: bool = False) -> None:
        """Step until nothing is left; with `told` the first batch is told which shards have work."""
        with closing(Stepper(self.settings, writer="crash")) as stepper, self.connected() as connection:
            if told:
                stepper.run_batch([shard for (shard,) in connection.execute(WORK)])
            for _ in range(100):
                stepper.run_batch()
                left = connection.execute(WORK).fetchall()
                connection.rollback()
                if not left:
                    return
        raise AssertionError("it was not stepped in a hundred batches")

    def take(self, *arrivals: Arrival) -> None:
        """Take events that did not come from Kafka."""
        with self.connected() as connection:
            take_in(connection, catalog_of(connection), arrivals, [], [], writer="crash")

    def turn(self, ring: str, *, until: int) -> None:
        """Turn a ring until it writes a segment and the next one is not yet emptied."""
        seconds = {"inbox_segment_s": 1e-6, "timer_segment_s": 1e-6, "dedupe_window_s": 1e-6}
        eager = self.settings.model_copy(update=seconds)
        with self.connected() as connection:
            for _ in range(20):
                found = connection.execute("SELECT segment, ready FROM rings WHERE name = %s", (ring,)).fetchone()
                connection.rollback()
                if found == (until, False):
                    return
                assert turn_ring(connection, eager, ring)
        raise AssertionError(f"{ring} did not come to segment {until}")

    def execute(self, query: str) -> None:
        """Change rows past Foliot."""
        with self.connected() as connection:
            connection.execute(query)
            connection.commit()

    def number(self, query: str) -> int:
        """Ask for one number."""
        with self.connected() as connection:
            row = connection.execute(query).fetchone()
        assert row is not None, query
        return int(row[0])

    def arrivals(self, *events: tuple[Any, ...], machine: str = "station", prefix: str = "e") -> list[Arrival]:
        """Make events of (key, type, data, lane); the ids are the prefix and their place."""
        with self.connected() as connection:
            catalog = catalog_of(connection)
        entry = catalog.machine(TENANT, machine)
        assert entry is not None, machine
        return [arrival(catalog, entry.number, f"{prefix}{place}", *event) for place, event in enumerate(events)]


def catalog_of(connection: Connection) -> Catalog:
    """Read the registry in a transaction of its own."""
    catalog = load_catalog(connection)
    connection.rollback()
    return catalog


def arrival(  # noqa: PLR0917 - a table of events is read by columns
    catalog: Catalog,
    machine: int,
    id_: str,
    key: str,
    type_: str,
    data: object = None,
    lane: int = 2,
    record: Record | None = None,
) -> Arrival:
    """Make an event as ingest would."""
    text = None if data is None else orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()
    hashed = payload_hash(catalog.secret, type_, None, text)
    return Arrival(TENANT, machine, key, lane, id_, "crash", type_, None, text, None, record, hashed)

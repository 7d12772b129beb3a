"""A database with the incident machine, and hands that put events in and step them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from addresses import WORK, Database

from foliot.registry import Catalog, load_catalog, move_channel, publish
from foliot.runtime import Arrival, Receipt, Stepper, payload_hash, take_in
from foliot.settings import Settings
from foliot.store import Connection, connect

EXAMPLES = Path(__file__).parents[3] / "examples"
FRAGILE_CHILD = Path(__file__).with_name("fragile_child.py")
LANES = {"critical": 0, "high": 1, "normal": 2, "low": 3}


@dataclass
class World:
    """A database with machines, seen through the service role."""

    database: Database
    connection: Connection
    settings: Settings
    ids: Iterator[int] = field(default_factory=lambda: count(1))
    steppers: list[Stepper] = field(default_factory=list)

    def catalog(self) -> Catalog:
        catalog = load_catalog(self.connection)
        self.connection.rollback()
        return catalog

    def publish(self, text: str) -> int:
        return publish(self.connection, "default", text, filename="test.yaml", by="test").version

    def publish_incident(self, version: int) -> int:
        return self.publish((EXAMPLES / "incident" / f"incident.v{version}.yaml").read_text())

    def move(self, machine: str, version: int, mode: Any) -> None:
        move_channel(
            self.connection,
            "default",
            machine,
            "stable",
            version,
            mode=mode,
            expected_revision=None,
            operation_id=None,
            by="test",
        )

    def arrival(
        self,
        key: str,
        type_: str,
        data: object = None,
        *,
        lane: str = "normal",
        event_id: str | None = None,
        machine: str = "incident",
    ) -> Arrival:
        catalog = self.catalog()
        entry = catalog.machine(1, machine)
        assert entry is not None
        text = None if data is None else orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()
        return Arrival(
            tenant=1,
            machine=entry.number,
            key=key,
            lane=LANES[lane],
            event_id=event_id or f"e{next(self.ids)}",
            source="test",
            type=type_,
            time=None,
            data=text,
            traceparent=None,
            record=None,
            payload_hash=payload_hash(catalog.secret, type_, None, text),
        )

    def take(self, *arrivals: Arrival) -> Receipt:
        return take_in(self.connection, self.catalog(), arrivals, [], [], writer="test")

    def stepper(self, writer: str = "child", **changes: Any) -> Stepper:
        """Make another child; it is closed with the world."""
        stepper = Stepper(self.settings.model_copy(update=changes), writer=writer)
        self.steppers.append(stepper)
        return stepper

    def step_in_fragile_child(self, event_id: str) -> int:
        """Run a child that is killed when it steps the event; give its exit code."""
        argv = [sys.executable, str(FRAGILE_CHILD), event_id]
        environment = {**os.environ, "FOLIOT_DSN_SERVICE": self.database.service}
        code = subprocess.run(argv, env=environment, check=False, timeout=120).returncode
        # Until its session is gone, the shards of one that was killed are locked, and others would find nothing to do.
        while self.rows("SELECT FROM pg_stat_activity WHERE application_name LIKE 'foliot-step fragile%'"):
            time.sleep(0.01)
        return code

    def drain(self, stepper: Stepper | None = None) -> int:
        """Step until nothing is left; give the number of events."""
        own = stepper or self.stepper()
        events = 0
        for _ in range(1000):
            stepped = own.run_batch()
            events += stepped.events
            if not stepped.shards and not self.rows(WORK):
                break
        return events

    def rows(self, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        found = self.connection.execute(query, parameters).fetchall()
        self.connection.rollback()
        return found

    def state(self, key: str) -> dict[str, Any]:
        [(text,)] = self.rows("SELECT state FROM instances WHERE key = %s AND NOT released", (key,))
        state: dict[str, Any] = orjson.loads(text)
        return state

    def kinds(self, key: str) -> list[tuple[int, int, str | None]]:
        return self.rows(
            "SELECT j.kind, j.outcome, j.type FROM journal j"
            " JOIN instances i ON i.shard = j.shard AND i.id = j.instance WHERE i.key = %s ORDER BY j.n",
            (key,),
        )


@pytest.fixture
def world(fresh_database: Database) -> Iterator[World]:
    connection = connect(fresh_database.service, application="test")
    world = World(fresh_database, connection, Settings(dsn_service=fresh_database.service, steal_after_ms=0))
    yield world
    for stepper in world.steppers:
        stepper.close()
    connection.close()


@pytest.fixture
def incident(world: World) -> World:
    world.publish_incident(1)
    return world

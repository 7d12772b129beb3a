"""A process that is frozen while it holds a shard is ended from outside, wherever in its transaction it stands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

from foliot.runtime.sweeps import end_frozen
from foliot.store import Connection, StoreUnavailable, connect

if TYPE_CHECKING:
    from conftest import World

_MANY_BYTES = "SELECT repeat('x', 1000000) FROM generate_series(1, 100)"


@pytest.fixture
def holder(world: World) -> Iterator[Connection]:
    connection = connect(world.settings.dsn_service, application="foliot-step frozen")
    connection.execute("SELECT FROM cursors WHERE shard = 0 FOR UPDATE")
    yield connection
    connection.close()


def _ended(world: World) -> int:
    """Sweep until something was ended: a busy server takes its time to come to where its client leaves it."""
    until = time.monotonic() + 60
    while not (ended := end_frozen(world.connection, 0.3)) and time.monotonic() < until:
        time.sleep(0.1)
    return ended


def _is_free(world: World) -> bool:
    with connect(world.settings.dsn_service, application="test", timeout_ms=60_000) as connection:
        try:
            connection.execute("SELECT FROM cursors WHERE shard = 0 FOR UPDATE")
        except psycopg.errors.LockNotAvailable:
            return False
    return True


@pytest.mark.usefixtures("holder")
def test_one_that_stands_between_two_statements_is_ended(world: World) -> None:
    ended = _ended(world)

    assert (ended, _is_free(world)) == (1, True)


def test_one_that_stands_in_the_midst_of_a_pipeline_is_ended(world: World, holder: Connection) -> None:
    pipeline = holder.pipeline()
    pipeline.__enter__()
    holder.execute("SELECT 1")

    ended = _ended(world)

    assert (ended, _is_free(world)) == (1, True)


def test_one_that_does_not_take_the_rows_that_it_asked_for_is_ended(world: World, holder: Connection) -> None:
    holder.pgconn.send_query(_MANY_BYTES.encode())

    ended = _ended(world)

    assert (ended, _is_free(world)) == (1, True)


def test_one_that_was_ended_takes_less_the_next_time(incident: World) -> None:
    stepper = incident.stepper()
    incident.take(incident.arrival("a", "reported", {"severity": 3}))
    before = stepper._pace.capacity
    incident.rows(f"SELECT pg_terminate_backend({stepper._open().info.backend_pid})")

    with pytest.raises(StoreUnavailable):
        stepper.run_batch()

    assert stepper._pace.capacity <= before / 2
    assert incident.drain(stepper) == 1

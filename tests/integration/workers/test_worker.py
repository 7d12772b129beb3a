"""The real command, its processes and what is done to them."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from addresses import Database, PostgresAt, ValkeyAt
from integration.workers.site_of_incidents import Site, Start, wait_for

from foliot import store
from foliot.local import Postgres, Valkey
from foliot.settings import Settings
from foliot.store import schema
from foliot_workers import app, waking
from foliot_workers.waking import CeleryWake

POISON_SITE = Path(__file__).parent / "poison_site"
AN_HOUR = 3_600_000


@pytest.fixture
def wake(valkey_server: ValkeyAt, monkeypatch: pytest.MonkeyPatch) -> CeleryWake:
    # A wake-up is a hint, which a broker on a busy machine may be too slow for. Here it is all that there is.
    monkeypatch.setattr(app, "SEND_TIMEOUT_S", 30.0)
    monkeypatch.setattr(waking, "SEND_TIMEOUT_S", 30.0)
    return CeleryWake(Settings(broker_url=valkey_server.url))


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A broker that the test may kill."""
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_site(servers_root: Path) -> Iterator[tuple[Site, Postgres]]:
    """A database on a server that the test may kill."""
    server = Postgres(servers_root / "own")
    server.start()
    owner = PostgresAt(server.dsn)
    schema.upgrade(owner.dsn)
    with psycopg.connect(owner.dsn, autocommit=True) as connection:
        connection.execute("ALTER ROLE foliot_service PASSWORD 'foliot'")
    service = owner.dsn_of("postgres", role="foliot_service", password="foliot")  # noqa: S106 - of a server for tests
    with contextlib.closing(store.connect(service, application="test")) as connection:
        yield Site(Database("postgres", owner.dsn, service, service), connection), server
    server.stop()


def test_events_are_stepped_once_each_and_the_end_leaves_nothing(site: Site, start_worker: Start) -> None:
    worker = start_worker()

    for number in range(20):
        site.send(f"k{number}", 10)
    site.wait_until_stepped()
    code = worker.end()

    site.assert_each_applied_once()
    assert code == 0
    assert not worker.left()


def test_a_wake_up_is_enough_when_nobody_polls(site: Site, start_worker: Start, wake: CeleryWake) -> None:
    start_worker(foliot_poll_ms=AN_HOUR, foliot_sweep_ms=AN_HOUR)

    for number in range(20):
        site.send("k", lane=number % 4, name=f"e{number}-", wake=wake)
        site.wait_until_stepped()

    site.assert_each_applied_once()


def test_what_came_together_with_urgent_work_is_stepped_too_when_nobody_polls(
    site: Site, start_worker: Start, wake: CeleryWake
) -> None:
    start_worker(foliot_poll_ms=AN_HOUR, foliot_sweep_ms=AN_HOUR)

    site.send_all([(f"k{number}", number % 4, "e") for number in range(40)], wake=wake)
    site.wait_until_stepped()

    site.assert_each_applied_once()


@pytest.mark.parametrize("lane_class", ["urgent", "bulk"])
def test_an_urgent_event_does_not_wait_for_frozen_children_of_one_class(
    site: Site, start_worker: Start, wake: CeleryWake, lane_class: str
) -> None:
    worker = start_worker(foliot_poll_ms=AN_HOUR)
    frozen = worker.children(lane_class)
    for child in frozen:
        child.suspend()

    site.send("k", 3, lane=0, wake=wake)
    site.wait_until_stepped()
    for child in frozen:
        child.resume()

    site.assert_each_applied_once()


def test_a_sweep_wakes_shards_whose_wake_up_was_lost(site: Site, start_worker: Start) -> None:
    start_worker(foliot_poll_ms=AN_HOUR)

    site.send("k", 5)
    site.wait_until_stepped()

    site.assert_each_applied_once()


def test_a_killed_child_is_replaced_and_loses_nothing(site: Site, start_worker: Start, wake: CeleryWake) -> None:
    worker = start_worker(foliot_step_batch=20)
    for round_ in range(5):
        site.send_all([(f"k{number}", 2, f"{round_}") for number in range(200)], wake=wake)

        for child in worker.children():
            # One that was killed in the round before may be collected only now.
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    site.wait_until_stepped()

    site.assert_each_applied_once()
    wait_for(lambda: len(worker.children()) == 2, what="the new children")


def test_a_killed_celery_process_takes_its_children_along_and_is_replaced(site: Site, start_worker: Start) -> None:
    worker = start_worker()
    before = worker.family()

    for hand in worker.hands():
        hand.kill()
    site.send("k", 50)
    site.wait_until_stepped()

    wait_for(lambda: not any(one.is_running() for one in before), what="the end of the old processes")
    site.assert_each_applied_once()


def test_the_death_of_the_command_ends_all_its_processes(start_worker: Start) -> None:
    worker = start_worker()
    worker.family()

    worker.process.kill()
    worker.process.wait()

    wait_for(lambda: not worker.left(), what="the end of all processes")


def test_a_child_that_was_frozen_goes_on(site: Site, start_worker: Start) -> None:
    worker = start_worker()
    children = worker.children()
    for child in children:
        child.suspend()
    site.send("k", 20)

    for child in children:
        child.resume()
    site.wait_until_stepped()

    site.assert_each_applied_once()


def test_without_a_broker_children_poll_and_end_in_order(site: Site, start_worker: Start) -> None:
    worker = start_worker("--no-broker", foliot_poll_ms=50)

    site.send("k", 20)
    site.wait_until_stepped()
    code = worker.end()

    site.assert_each_applied_once()
    assert code == 0
    assert not worker.left()


def test_children_go_on_while_the_broker_is_gone_and_are_replaced(
    site: Site, start_worker: Start, own_valkey: Valkey
) -> None:
    worker = start_worker(foliot_broker_url=own_valkey.url, foliot_poll_ms=50)
    own_valkey.kill()
    site.send("before", 20)
    site.wait_until_stepped()

    for child in worker.children():
        child.kill()
    site.send("after", 20)
    site.wait_until_stepped()
    code = worker.end()

    site.assert_each_applied_once()
    assert code == 0
    assert not worker.left()


def test_children_go_on_when_postgres_was_killed_and_is_back(
    own_site: tuple[Site, Postgres], start_worker: Start
) -> None:
    site, postgres = own_site
    start_worker(foliot_dsn_service=site.database.service, foliot_step_batch=20)
    site.send_all([(f"k{number % 50}", 2, str(number)) for number in range(2000)])
    wait_for(lambda: site.stepped() > 0, what="the first batch")

    postgres.kill()
    postgres.start()
    site.wait_until_stepped()

    site.assert_each_applied_once()


def test_wake_ups_work_again_when_the_broker_is_back(site: Site, start_worker: Start, own_valkey: Valkey) -> None:
    start_worker(foliot_broker_url=own_valkey.url, foliot_poll_ms=AN_HOUR, foliot_sweep_ms=AN_HOUR)
    wake = CeleryWake(Settings(broker_url=own_valkey.url))
    site.send("k", name="before", wake=wake)
    site.wait_until_stepped()

    own_valkey.kill()
    own_valkey.start()
    wait_for(lambda: _wakes(site, wake), what="a wake-up through the new broker")

    site.assert_each_applied_once()


def _wakes(site: Site, wake: CeleryWake) -> bool:
    site.send("k", name=f"after{site.sent}", wake=wake)
    try:
        site.wait_until_stepped(seconds=1)
    except AssertionError:
        return False
    return True


def test_an_event_that_kills_its_process_is_parked_and_others_go_on(site: Site, start_worker: Start) -> None:
    worker = start_worker(foliot_poll_ms=100, pythonpath=POISON_SITE, poison_event="bad-e2")
    site.send("bad", 5)
    for number in range(30):
        site.send(f"good{number}", 2)

    wait_for(lambda: bool(site.query("SELECT 1 FROM dead_letters")), what="a dead letter")
    wait_for(lambda: site.stepped() >= 62, what="stepping all others")
    worker.end()

    assert site.query("SELECT count(*) FROM journal WHERE kind = 0") == [(62,)]
    assert site.query("SELECT event_id, code, attempts FROM dead_letters") == [("bad-e2", "process_died", 3)]


def test_the_end_comes_within_the_grace_time_in_the_middle_of_a_backlog(site: Site, start_worker: Start) -> None:
    worker = start_worker(foliot_step_batch=10)
    site.send_all([(f"k{number % 100}", 3, str(number)) for number in range(3000)])
    wait_for(lambda: site.stepped() > 0, what="the first batch")

    code = worker.end(signal.SIGTERM)

    assert code == 0
    assert not worker.left()
    assert "process_killed" not in worker.log.read_text()


def test_a_child_that_is_slow_to_take_a_wake_up_does_not_hold_up_the_end(
    start_worker: Start, valkey_server: ValkeyAt, wake: CeleryWake
) -> None:
    worker = start_worker(foliot_poll_ms=AN_HOUR, foliot_sweep_ms=AN_HOUR)
    (child,) = worker.children("bulk")
    with redis.Redis.from_url(valkey_server.url) as broker:
        wake.post(("bulk",))

        def is_handed_over_unseen() -> bool:
            wait_for(lambda: not broker.keys("foliot.step.bulk*"), what="the answer to the wake-up before")
            # It tells Celery that it is free; one that is not gets nothing handed over.
            time.sleep(0.5)
            child.suspend()
            wake.post(("bulk",))
            time.sleep(1)
            if broker.llen("foliot.step.bulk"):
                # It had not quite ended what it did before.
                child.resume()
            return child.status() == psutil.STATUS_STOPPED

        wait_for(is_handed_over_unseen, what="a wake-up that the child does not see")

    worker.process.send_signal(signal.SIGTERM)
    # Celery's process must have given up what it waits for; it looks every second.
    time.sleep(2)
    child.resume()
    code = worker.end()

    assert code == 0
    assert not worker.left()
    assert "process_killed" not in worker.log.read_text()

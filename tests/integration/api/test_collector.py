"""The collector: what many requests bring goes to Postgres in few transactions, and wakes workers beside them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest
from faults.proxy import Proxy
from integration.api.conftest import PLAIN, gauge

from foliot.access import Caller
from foliot.api import collector as api_collector
from foliot.api.collector import Collector
from foliot.api.meters import Meters
from foliot.cloudevents import CloudEvent
from foliot.runtime import Arrival, NoWake, Verdict, admit, find_machine

if TYPE_CHECKING:
    from conftest import Site


def _arrival(site: Site, event_id: str, key: str = "INC-1") -> Arrival:
    caller = site.doors.caller(site.key())
    catalog = site.doors.catalog(caller)
    event = CloudEvent(event_id, "s", "reported", key, "incident", None, None, None, None)
    machine = find_machine(catalog, caller.tenant, "incident")
    return admit(event, machine, 2, catalog=catalog, key_bytes_max=512, record=None)


async def _submitted(collector: Collector, caller: Caller, arrival: Arrival) -> Sequence[Verdict]:
    return await asyncio.wait_for(collector.submit(caller, [arrival]), 30)


def test_after_a_commit_of_unknown_outcome_an_event_has_its_place(site: Site) -> None:
    caller, arrival = site.doors.caller(site.key()), _arrival(site, "e1")
    parts = urlsplit(site.settings.dsn_front)
    with Proxy(f"{parts.hostname}:{parts.port}", postgres=True) as proxy:
        netloc = f"{parts.netloc.rpartition('@')[0]}@{proxy.address}"
        settings = site.settings.model_copy(update={"dsn_front": parts._replace(netloc=netloc, query=PLAIN).geturl()})
        collector = Collector(settings, NoWake(), site.doors.catalog, Meters())
        collector.start()
        proxy.cut_at_commits(also_of_reads=True)

        [verdict] = asyncio.run(_submitted(collector, caller, arrival))
        collector.stop()

    with psycopg.connect(site.database.owner) as connection:
        rows = connection.execute("SELECT shard, queue, number FROM inbox").fetchall()
    assert proxy.commits_cut == 1
    assert verdict.position is not None
    assert rows == [(verdict.position.shard, verdict.position.queue, verdict.position.number)]


def test_transactions_begin_at_intervals_and_take_in_what_came_meanwhile(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    both_wait = threading.Event()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        assert seconds == 0 or both_wait.wait(60)

    # No time passes: each transaction but the first has the whole interval to wait for.
    monkeypatch.setattr(api_collector, "time", SimpleNamespace(monotonic=lambda: 100.0, sleep=pause))
    caller = site.doors.caller(site.key())
    site.send("INC-1")

    async def one_by_one() -> None:
        taken = [site.doors.collector.submit(caller, [_arrival(site, event_id)]) for event_id in ("e1", "e2")]
        both_wait.set()
        await asyncio.gather(*taken)

    asyncio.run(one_by_one())

    # Callers are answered before anything is counted.
    deadline = time.monotonic() + 60
    while gauge(site.doors, "foliot_api_transaction_events_count") < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert gauge(site.doors, "foliot_api_transaction_events_count") == 2
    assert gauge(site.doors, "foliot_api_transaction_events_sum") == 3
    assert pauses == pytest.approx([0.0, api_collector.GATHERING_S])


def test_callers_are_answered_before_workers_are_woken(site: Site) -> None:
    class Waiting:
        answered = threading.Event()
        was_answered = False

        def wake(self, _: object) -> None:
            self.was_answered = self.answered.wait(30)

    wake = Waiting()
    collector = Collector(site.settings, wake, site.doors.catalog, Meters())
    collector.start()

    [verdict] = asyncio.run(_submitted(collector, site.doors.caller(site.key()), _arrival(site, "e1")))
    wake.answered.set()
    collector.stop()

    assert verdict.standing == "accepted"
    assert wake.was_answered


def test_a_wake_that_fails_ends_neither_the_collector_nor_later_wakes(site: Site) -> None:
    class Failing:
        calls = threading.Semaphore(0)

        def wake(self, _: object) -> None:
            self.calls.release()
            raise RuntimeError("it never raises")

    caller, wake = site.doors.caller(site.key()), Failing()
    collector = Collector(site.settings, wake, site.doors.catalog, Meters())
    collector.start()

    [first] = asyncio.run(_submitted(collector, caller, _arrival(site, "e1")))
    was_woken = wake.calls.acquire(timeout=30)
    [second] = asyncio.run(_submitted(collector, caller, _arrival(site, "e2")))
    was_woken_again = wake.calls.acquire(timeout=30)
    collector.stop()

    assert (first.standing, second.standing) == ("accepted", "accepted")
    assert (was_woken, was_woken_again) == (True, True)


def test_events_are_taken_in_while_a_wake_lasts_and_told_together_after_it(site: Site) -> None:
    class Lasting:
        def __init__(self) -> None:
            self.told: list[set[int]] = []
            self.began, self.ended = threading.Event(), threading.Event()

        def wake(self, shards: Mapping[int, bool]) -> None:
            self.told.append(set(shards))
            self.began.set()
            self.ended.wait(30)

    caller, wake = site.doors.caller(site.key()), Lasting()
    collector = Collector(site.settings, wake, site.doors.catalog, Meters())
    collector.start()

    [first] = asyncio.run(_submitted(collector, caller, _arrival(site, "e1")))
    wake.began.wait(30)
    keys = ("INC-2", "INC-3")
    others = [asyncio.run(_submitted(collector, caller, _arrival(site, key, key)))[0] for key in keys]
    wake.ended.set()
    collector.stop()

    shard, *later = [verdict.position.shard for verdict in (first, *others) if verdict.position]
    assert wake.told == [{shard}, set(later)]

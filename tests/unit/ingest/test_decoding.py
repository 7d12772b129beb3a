"""What a client gave at one poll becomes events and dead letters, in its order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition

from foliot.cloudevents import Event, kafka_record
from foliot.errors import Refusal
from foliot.registry import Catalog, Channel, MachineEntry
from foliot.runtime import Arrival, Record, SetAside
from foliot.settings import Settings
from foliot_ingest.decoding import Fetched, decode_all, sort_out, unstorable
from foliot_ingest.routing import Router

NORMAL = TopicPartition("foliot.events.normal", 3)
LOW = TopicPartition("foliot.events.low", 0)


@pytest.fixture
def router() -> Router:
    machine = MachineEntry(1, 1, "default", "incident", {"stable": Channel("stable", 1, 1)})
    catalog = Catalog(1, 1, 64, b"secret", tenants={"default": 1}, machines={1: machine})
    return Router(Settings(dsn_service="unused"), catalog)


def _record(offset: int, key: str) -> Any:
    event = Event(id=f"e{offset}", source="test", type="opened", key=key, machine="incident", data={"n": offset})
    sent = kafka_record(event)
    return SimpleNamespace(offset=offset, key=sent.key, value=sent.value, headers=list(sent.headers))


def _broken(offset: int) -> Any:
    return SimpleNamespace(offset=offset, key=None, value=b"{", headers=[])


def test_records_keep_their_order_and_say_where_they_lie(router: Router) -> None:
    fetched = [Fetched("n-id", NORMAL, [_record(7, "a"), _broken(9)]), Fetched("l-id", LOW, [_record(2, "b")])]

    decoded = decode_all(router, fetched)

    assert [each.record.place for each in decoded] == [
        Record("n-id", "foliot.events.normal", 3, 7),
        Record("n-id", "foliot.events.normal", 3, 9),
        Record("l-id", "foliot.events.low", 0, 2),
    ]
    assert [each.place for each in decoded] == [NORMAL, NORMAL, LOW]
    assert [type(each.outcome) for each in decoded] == [Arrival, SetAside, Arrival]
    assert [each.outcome.record for each in decoded] == [each.record.place for each in decoded]


def test_each_partition_goes_on_after_its_last_record_whatever_became_of_it(router: Router) -> None:
    fetched = [Fetched("n-id", NORMAL, [_record(7, "a"), _broken(9)]), Fetched("l-id", LOW, [_record(2, "b")])]

    arrivals, aside, following = sort_out(decode_all(router, fetched))

    assert following == {NORMAL: 10, LOW: 3}
    assert [arrival.event_id for arrival in arrivals] == ["e7", "e2"]
    assert [letter.record.offset for letter in aside if letter.record] == [9]


def test_of_a_record_that_postgres_refused_only_its_bytes_and_owner_are_kept(router: Router) -> None:
    record = _record(7, "a")
    decoded = decode_all(router, [Fetched("n-id", NORMAL, [record])])[0]

    outcome = unstorable(decoded, Refusal("data", "bad byte", "", "")).outcome

    assert isinstance(outcome, SetAside)
    assert (outcome.refusal.code, outcome.refusal.what) == ("unstorable", "Postgres refused it: bad byte")
    assert (outcome.raw, outcome.tenant, outcome.record) == (record.value, 1, decoded.record.place)
    assert (outcome.machine, outcome.key, outcome.event_id, outcome.source, outcome.type) == (None,) * 5

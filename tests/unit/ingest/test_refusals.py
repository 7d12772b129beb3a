"""Every bad record gets its reason before any database is asked."""

from __future__ import annotations

import pytest
from unit.ingest.bad_records import BAD_RECORDS, STRUCTURED, BadRecord, structured

from foliot.registry import Catalog, MachineEntry, Route
from foliot.runtime.dead_letters import Record, SetAside
from foliot.runtime.intake import Arrival
from foliot.settings import Settings
from foliot_ingest.codes import CODES
from foliot_ingest.records import KafkaRecord, keep_headers, kept_record
from foliot_ingest.routing import Router

INCIDENT = MachineEntry(1, 1, "default", "incident", {})
FOREIGN = Route(
    1,
    "default",
    "alerts",
    "alerts",
    '{"name":"alerts","topic":"alerts","match":"record.value.kind == \'alert\'","machine":"\'incident\'",'
    '"key":"record.value.host","type":"\'reported\'","id":"record.headers.id","lane":"record.value.lane",'
    '"data":"{\'text\': record.value.text}","schema":"alert"}',
    '{"type":"object","properties":{"text":{"type":"string"}}}',
)
SETTINGS = Settings(event_bytes_max=2048, event_depth_max=8)


def router(**changes: object) -> Router:
    values = {
        "revision": 1,
        "semantics": 1,
        "shards": 64,
        "secret": b"s" * 32,
        "tenants": {"default": 1, "acme": 2},
        "machines": {1: INCIDENT},
        "topics": {"alerts": 1},
        "routing": {"alerts": (FOREIGN,)},
    }
    return Router(SETTINGS, Catalog(**{**values, **changes}))  # type: ignore[arg-type]


def record(
    value: bytes | None,
    headers: tuple[tuple[str, bytes | None], ...] = STRUCTURED,
    key: bytes | None = None,
    topic: str = "foliot.events.normal",
) -> KafkaRecord:
    return KafkaRecord(Record("topic-id", topic, 3, 17), key, value, headers)


def alert(text: str = '"disk full"', lane: str = "high", kind: str = "alert", host: str = "db-1") -> KafkaRecord:
    value = f'{{"kind": "{kind}", "host": "{host}", "lane": "{lane}", "text": {text}}}'
    return record(value.encode(), (("id", b"a-1"),), topic="alerts")


@pytest.mark.parametrize("bad", BAD_RECORDS, ids=lambda bad: bad.name)
def test_a_bad_record_is_set_aside_with_its_code_and_position(bad: BadRecord):
    letter = router().take(record(bad.value, bad.headers, bad.key))

    assert isinstance(letter, SetAside)
    assert letter.refusal.code == bad.code
    assert letter.refusal.code in CODES
    assert letter.refusal.where.startswith("foliot.events.normal[3]@17")
    assert letter.refusal.what
    assert letter.refusal.remedy
    assert letter.raw == bad.value


def test_an_unknown_machine_is_answered_with_a_near_name():
    letter = router().take(record(structured(foliotmachine="incidnet")))

    assert isinstance(letter, SetAside)
    assert "'incident'" in letter.refusal.remedy
    assert (letter.tenant, letter.machine, letter.key, letter.event_id) == (1, "incidnet", "case-1", "e-1")


def test_an_event_with_the_right_kafka_key_arrives():
    arrival = router().take(record(structured(), key=b"default/incident/case-1"))

    assert isinstance(arrival, Arrival)
    assert (arrival.tenant, arrival.machine, arrival.key, arrival.lane) == (1, 1, "case-1", 2)


def test_a_lane_topic_may_be_bound_to_another_tenant():
    acme = MachineEntry(2, 2, "acme", "incident", {})
    bound = router(topics={"foliot.events.normal": 2}, machines={2: acme})

    arrival = bound.take(record(structured(foliottenant="acme"), key=b"acme/incident/case-1"))

    assert isinstance(arrival, Arrival)
    assert (arrival.tenant, arrival.machine) == (2, 2)


@pytest.mark.parametrize(("topic", "owner"), [("foliot.events.normal", 2), ("foliot.events.low", 1), ("strange", None)])
def test_a_record_that_cannot_be_read_is_its_topics_tenants_all_the_same(topic: str, owner: int | None):
    bound = router(topics={"foliot.events.normal": 2})

    letter = bound.take(record(b"{", topic=topic))

    assert isinstance(letter, SetAside)
    assert letter.tenant == owner


def test_a_foreign_record_becomes_what_its_route_says():
    arrival = router().take(alert())

    assert isinstance(arrival, Arrival)
    assert (arrival.event_id, arrival.source, arrival.type) == ("a-1", "kafka/alerts", "reported")
    assert (arrival.key, arrival.lane, arrival.data) == ("db-1", 1, '{"text":"disk full"}')


@pytest.mark.parametrize(
    ("foreign", "code"),
    [
        (alert(kind="metric"), "no_route"),
        (alert(text="7"), "schema_mismatch"),
        (alert(lane="urgent"), "route_result_invalid"),
        (alert(host=""), "route_result_invalid"),
        (record(b'{"kind": "alert"}', (), topic="alerts"), "route_failed"),
        (record(b"[]", (), topic="alerts"), "route_failed"),
        (record(b"{", (), topic="alerts"), "not_json"),
        (record(None, (), topic="alerts"), "tombstone"),
        (record(b"{}", (), topic="others"), "tenant_unbound"),
    ],
)
def test_a_foreign_record_that_no_route_can_take_is_set_aside(foreign: KafkaRecord, code: str):
    letter = router().take(foreign)

    assert isinstance(letter, SetAside)
    assert letter.refusal.code == code
    assert code in CODES


def test_routes_of_a_tenant_that_no_longer_has_the_topic_are_not_used():
    letter = router(topics={"alerts": 2}).take(alert())

    assert isinstance(letter, SetAside)
    assert letter.refusal.code == "no_route"


def test_key_and_headers_are_kept_with_a_dead_letter_whatever_their_bytes():
    headers = (("a", b"text"), ("a", b"\xff\xfe"), ("b", None), ("c", b"\x00"))
    before = record(b"value", headers, b"\x80key")

    assert kept_record(before.place, before.value, keep_headers(before)) == before

"""Forty bad records: each is set aside with its reason, its neighbours are applied, and a redrive applies each once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from addresses import WORK, Database, KafkaAt
from integration.ingest.streams import eventually, ingesting, producing, rows, settings_for
from unit.ingest.bad_records import BAD_RECORDS, STRUCTURED, binary_headers, structured, with_data

from foliot.history import verify
from foliot.registry import (
    Versions,
    bind_topic,
    create_tenant,
    load_catalog,
    move_channel,
    publish,
    publish_route,
    publish_schema,
)
from foliot.runtime import DeadLetterRefused, Stepper, redrive
from foliot.settings import Settings
from foliot.store import Connection, connect
from foliot_ingest.codes import CODES
from foliot_ingest.topics import make_topics, own_topics

INCIDENT = (Path(__file__).parents[2] / "examples" / "incident" / "incident.v1.yaml").read_text()
TICKET = """
foliot: 1
id: ticket
context: {initial: {seen: 0}}
initial: open
states: {open: {on: {"*": {actions: [{assign: {seen: "context.seen + 1"}}]}}}}
"""
STRICT = (
    TICKET.replace("id: ticket", "id: strict")
    + "events: {counted: {schema: {type: object, required: [n], properties: {n: {type: integer}}}}}\n"
)
WIDE = STRICT.replace("required: [n], ", "").replace("n: {type: integer}", "n: {}")
GUARDED = TICKET.replace("id: ticket", "id: guarded\ncreate: explicit")
OPEN = GUARDED.replace("explicit", "on_event")
LOOPER = """
foliot: 1
id: looper
context: {initial: {seen: 0}}
initial: calm
states:
  calm:
    on:
      counted: {actions: [{assign: {seen: "context.seen + 1"}}]}
      looped: {target: one}
  one: {always: [{target: two, guard: "context.seen >= 0"}]}
  two: {always: [{target: one, guard: "context.seen >= 0"}]}
"""
CALM = LOOPER.replace('guard: "context.seen >= 0"', 'guard: "context.seen < 0"').replace(
    "one: {always", "one: {on: {counted: {actions: [{assign: {seen: context.seen + 1}}]}}, always"
)
TICKETS = """
name: tickets
topic: {topic}
match: record.value.kind == 'ticket'
machine: "'incident'"
key: {key}
type: "'noted'"
id: record.value.id
lane: "{lane}"
data: "{{'text': record.value.id}}"
"""
ORDERS = """
name: orders
topic: {topic}
match: record.value.kind == 'order'
machine: "'incident'"
key: record.value.id
type: "'noted'"
id: record.value.id
data: "{{'text': record.value.id}}"
schema: order
"""
ALERTS = ORDERS.replace("orders", "alerts").replace("'order'", "'alert'").replace("schema: order\n", "")
HOPELESS = tuple(
    {
        bad.code: bad
        for bad in BAD_RECORDS
        if bad.code not in {"too_deep", "data_too_large", "tenant_mismatch", "unknown_machine", "key_too_long"}
    }.values()
)
"""One of each reason that no operator can mend."""


@dataclass(frozen=True)
class Sent:
    """A record to send to partition 0; `code` is why it must be set aside, "" where it is good."""

    topic: str
    value: bytes | None
    code: str = ""
    event_id: str = ""
    headers: tuple[tuple[str, bytes | None], ...] = STRUCTURED
    key: bytes | None = None


@dataclass
class Site:
    """One installation whose ingest and worker run in this process."""

    database: Database
    settings: Settings
    connection: Connection

    @property
    def foreign(self) -> str:
        return f"foreign-{self.settings.topic_prefix}"

    def lane(self, name: str) -> str:
        return f"{self.settings.topic_prefix}.{name}"

    def publish(self, text: str, *, mode: Any = None, tenant: str = "default") -> None:
        """Publish a version; with a mode, move the channel to it."""
        published = publish(self.connection, tenant, text, filename="test.yaml", by="test")
        if mode is not None:
            move_channel(
                self.connection,
                tenant,
                published.machine,
                "stable",
                published.version,
                mode=mode,
                expected_revision=None,
                operation_id=None,
                by="test",
            )

    def route(self, text: str, **values: str) -> None:
        publish_route(self.connection, "default", text.format(topic=self.foreign, **values), by="test")

    def ingest(self, records: list[Sent]) -> list[str]:
        """Send records and take them in; give the place of each."""
        with producing(self.settings) as producer:
            futures = [
                producer.send(each.topic, each.value, each.key, headers=list(each.headers), partition=0)
                for each in records
            ]
            places = [f"{each.topic}[0]@{future.get(10).offset}" for each, future in zip(records, futures, strict=True)]
        with ingesting(self.settings):
            taken = "SELECT sum(next - first) FROM intakes HAVING sum(next - first) = %s"
            eventually(lambda: rows(self.database, taken, [len(records)]), seconds=60)
        return places

    def drain(self) -> None:
        """Step until nothing waits."""
        stepper = Stepper(self.settings, writer="test")
        try:
            for _ in range(1000):
                stepper.run_batch()
                if not rows(self.database, WORK):
                    return
        finally:
            stepper.close()
        pytest.fail("something still waits")

    def applied(self) -> Counter[str]:
        """Count the steps that each event has made."""
        return Counter(id_ for (id_,) in rows(self.database, "SELECT event_id FROM journal WHERE kind = 0"))

    def redrive_all(self, settings: Settings) -> dict[int, DeadLetterRefused]:
        """Redrive every dead letter there is; give those that stay."""
        refused: dict[int, DeadLetterRefused] = {}
        for (id_,) in rows(self.database, "SELECT id FROM dead_letters ORDER BY id"):
            try:
                redrive(self.connection, load_catalog(self.connection), settings, id_, by="test")
            except DeadLetterRefused as error:
                refused[id_] = error
        return refused


@pytest.fixture
def site(fresh_database: Database, kafka_server: KafkaAt) -> Iterator[Site]:
    settings = settings_for(
        fresh_database, kafka_server, event_bytes_max=2048, event_depth_max=8, steal_after_ms=0, topic_partitions=1
    )
    with connect(fresh_database.service, application="test") as connection:
        site = Site(fresh_database, settings, connection)
        make_topics(settings, (*own_topics(settings), site.foreign), name="test")
        for text in (INCIDENT, STRICT, GUARDED, LOOPER):
            site.publish(text)
        publish_schema(connection, "default", "order", '{"properties": {"amount": {"type": "integer"}}}', by="test")
        site.route(TICKETS, key="record.value.key", lane="record.value.lane")
        site.route(ORDERS)
        yield site


def _event(topic: str, id_: str, code: str = "", **changes: Any) -> Sent:
    text = structured(**{"id": id_, "subject": id_, "type": "noted", "data": {"text": id_}, **changes})
    return Sent(topic, text, code, id_)


def _foreign(site: Site, id_: str, code: str = "", **value: Any) -> Sent:
    text = json.dumps({"kind": "ticket", "id": id_, "key": id_, "lane": "low", **value})
    return Sent(site.foreign, text.encode(), code, id_, ())


def _mendable(site: Site) -> list[Sent]:
    """Make records whose reason an operator can take away; each has an id of its own."""
    normal, deep = site.lane("normal"), json.dumps(json.loads(with_data("[" * 12 + "]" * 12))["data"])
    nested = structured(id="deep", subject="deep", type="reopened", data=...)[:-1] + f', "data": {deep}}}'.encode()
    unknown = binary_headers({"ce_id": b"unknown-2", "ce_foliotmachine": b"ticket"})
    return [
        _event(normal, "unknown-1", "unknown_machine", foliotmachine="ticket"),
        Sent(normal, b'{"text": "binary"}', "unknown_machine", "unknown-2", unknown),
        _event(site.lane("low"), "acme", "tenant_mismatch", foliottenant="acme"),
        _foreign(site, "alert", "no_route", kind="alert"),
        _foreign(site, "keyless", "route_failed", key=None),
        _foreign(site, "laneless", "route_result_invalid", lane="urgent"),
        _foreign(site, "dear", "schema_mismatch", kind="order", amount="7.50"),
        _event(normal, "large", "data_too_large", data={"text": "x" * 3000}),
        Sent(normal, nested, "too_deep", "deep"),
        _event(normal, "long", "key_too_long", subject="k" * 600),
        _event(normal, "unborn", "data_outside_schema", foliotmachine="strict", type="counted", data={}),
        _event(
            normal, "live", "data_outside_schema", foliotmachine="strict", subject="s", type="counted", data={"n": "1"}
        ),
        _event(normal, "explicit", "no_instance", foliotmachine="guarded"),
        _event(normal, "loop", "engine_failed", foliotmachine="looper", subject="l", type="looped"),
    ]


def _stream(site: Site) -> tuple[list[Sent], list[Sent]]:
    """Make all records, each bad one with a good neighbour behind it; give them all, and the bad ones."""
    normal = site.lane("normal")
    bad = [
        *_mendable(site),
        *(Sent(normal, each.value, each.code, "", each.headers, each.key) for each in HOPELESS),
        Sent(normal, _event(normal, "first", data={"text": "other"}).value, "id_reused"),
    ]
    records = [
        _event(normal, "first"),
        _event(normal, "strict-0", foliotmachine="strict", subject="s", type="counted", data={"n": 1}),
        _event(normal, "looper-0", foliotmachine="looper", subject="l", type="counted"),
    ]
    for number, each in enumerate(bad):
        id_ = f"good-{number}"
        good = _foreign(site, id_) if each.topic == site.foreign else _event(each.topic, id_, subject=f"n{number % 5}")
        records += [each, good]
    return records, bad


def _mend(site: Site) -> Settings:
    """Take away every reason that can be: give the settings with higher limits."""
    site.publish(TICKET)
    create_tenant(site.connection, "acme", by="test")
    site.publish(INCIDENT, tenant="acme")
    bind_topic(site.connection, site.lane("low"), "acme", by="test")
    site.route(ALERTS)
    site.route(TICKETS, key="record.value.id", lane="'low'")
    publish_schema(site.connection, "default", "order", "{}", by="test")
    site.publish(WIDE, mode="all")
    site.publish(OPEN, mode="new")
    site.publish(CALM, mode="all")
    return site.settings.model_copy(update={"event_bytes_max": 1 << 20, "event_depth_max": 64, "key_bytes_max": 2048})


def test_forty_bad_records_are_set_aside_with_reason_and_place_and_their_neighbours_are_applied(site: Site) -> None:
    records, bad = _stream(site)

    places = site.ingest(records)
    site.drain()

    letters = rows(
        site.database,
        "SELECT code, stage, what, remedy, place, topic || '[' || partition || ']@' || \"offset\", shard, number, raw"
        " FROM dead_letters",
    )
    stepped = {"data_outside_schema", "no_instance", "engine_failed"}
    expected = {
        place: each for place, each in zip(places, records, strict=True) if each.code and each.code not in stepped
    }
    assert len(bad) >= 40
    assert Counter(letter[0] for letter in letters) == Counter(each.code for each in bad)
    assert len({letter[0] for letter in letters}) >= 15
    assert all(what and remedy for _, _, what, remedy, *_ in letters)
    assert {place: code for code, stage, _, _, _, place, *_ in letters if stage in {"decode", "route"}} == {
        place: each.code for place, each in expected.items()
    }
    for code, stage, _, _, shown, place, shard, number, raw in letters:
        if stage in {"decode", "route"}:
            assert shown.startswith(place)
            assert raw == expected[place].value or code == "id_reused"
        else:
            assert shard is not None
            assert number > 0
    assert site.applied() == Counter(each.event_id for each in records if not each.code)


def test_a_redrive_after_a_fix_applies_each_bad_record_once_and_refuses_what_cannot_be_mended(site: Site) -> None:
    records, bad = _stream(site)
    follower = _event(site.lane("normal"), "looper-1", foliotmachine="looper", subject="l", type="counted")
    site.ingest([*records, follower])
    site.drain()
    assert site.applied()["looper-1"] == 0
    codes = dict(rows(site.database, "SELECT id, code FROM dead_letters"))

    refused = site.redrive_all(_mend(site))
    site.drain()

    mended = {each.event_id for each in _mendable(site)}
    assert Counter(codes[id_] for id_ in refused) == Counter(each.code for each in bad if each.event_id not in mended)
    for id_, error in refused.items():
        assert error.refusal.remedy
        assert codes[id_] == "id_reused" or any(f": {code}: " in error.refusal.what for code in CODES)
    once = Counter({each.event_id for each in records if each.event_id in mended or not each.code} | {"looper-1"})
    assert site.applied() == once
    assert rows(site.database, "SELECT status, count(*) FROM dead_letters GROUP BY 1 ORDER BY 1") == [
        ("open", len(bad) - len(mended)),
        ("redriven", len(mended)),
    ]
    assert rows(site.database, "SELECT mode, count(*) FROM instances GROUP BY 1") == [
        ("running", len(rows(site.database, "SELECT FROM instances"))),
    ]
    assert verify(site.connection, load_catalog(site.connection), Versions(16)).findings == []

    again = site.redrive_all(site.settings)
    site.drain()

    assert again.keys() == codes.keys()
    assert all("ended before" in again[id_].refusal.what for id_ in codes.keys() - refused.keys())
    assert site.applied() == once

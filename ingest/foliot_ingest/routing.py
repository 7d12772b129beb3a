"""Records into arrivals: whose they are, which machine they go to, and whether they may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import structlog

from foliot.cloudevents import DEFAULT_TENANT, LANES, EventRefused, Limits, address_text, decode, lane_topic, refuse
from foliot.errors import Refusal
from foliot.registry import Catalog
from foliot.runtime import Arrival, Record, SetAside, admit, find_machine
from foliot.settings import Settings
from foliot_ingest.foreign import Routed, route
from foliot_ingest.records import KafkaRecord, keep_headers, kept_record

log = structlog.get_logger(__name__)


def lane_topics(settings: Settings) -> Mapping[str, int]:
    """Map each lane topic to its lane, critical first."""
    return {lane_topic(settings.topic_prefix, name): lane for lane, name in enumerate(LANES)}


class Router:
    """Makes of a record what the registry says, as of one snapshot."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self.catalog = catalog
        self._lanes = lane_topics(settings)
        self._limits = Limits(settings.event_bytes_max, settings.event_depth_max, settings.key_bytes_max)
        self._topics: dict[str, tuple[int | None, int | None]] = {}

    def take(self, record: KafkaRecord) -> Arrival | SetAside:
        """Decode and route one record; what cannot be is set aside with the reason, the position and what is known."""
        known: dict[str, Any] = {}
        stage: Literal["decode", "route"] = "decode"
        # The owner also of a record that cannot be read: its letter must not go to whom the topic is bound to later.
        lane, owner = self._topics.get(record.place.topic) or self._look_up(record.place.topic)
        try:
            if lane is None:
                stage = "route"
                tenant = _bound(owner, record.place.topic)
                routed = self._by_route(record, tenant, known)
            else:
                event = decode(record.value, record.headers, self._limits, known)
                stage = "route"
                tenant = _bound(owner, record.place.topic)
                self._check_tenant(event.tenant, tenant)
                routed = Routed(event, lane)
            return self._arrival(record, routed, tenant, must_match_key=lane is not None)
        except EventRefused as refused:
            return set_aside(record, refused.refusal, stage, known, owner)
        except Exception as error:
            log.exception("record_undecodable", where=record.where)
            what = f"reading it failed: {type(error).__name__}"
            remedy = "Tell the developers of Foliot; then redrive."
            return set_aside(record, Refusal("undecodable", what, "", remedy), stage, {}, owner)

    def _look_up(self, topic: str) -> tuple[int | None, int | None]:
        """Give a topic's lane and tenant."""
        tenant = self.catalog.topic_tenant(topic)
        if tenant is None and topic in self._lanes:
            tenant = self.catalog.tenant(DEFAULT_TENANT)
        self._topics[topic] = self._lanes.get(topic), tenant
        return self._topics[topic]

    def _by_route(self, record: KafkaRecord, tenant: int, known: dict[str, Any]) -> Routed:
        # A topic that was bound to another tenant may still have that tenant's routes.
        own = tuple(each for each in self.catalog.routes(record.place.topic) if each.tenant == tenant)
        return route(record, own, self._limits, known)

    def _check_tenant(self, slug: str | None, tenant: int) -> None:
        if slug is not None and self.catalog.tenant(slug) != tenant:
            remedy = "Send it to a topic of that tenant, or leave foliottenant away."
            refuse("tenant_mismatch", f"the topic is not bound to tenant {slug!r}", "foliottenant", remedy)

    def _arrival(self, record: KafkaRecord, routed: Routed, tenant: int, *, must_match_key: bool) -> Arrival:
        event = routed.event
        machine = find_machine(self.catalog, tenant, event.machine)
        arrival = admit(
            event,
            machine,
            routed.lane,
            catalog=self.catalog,
            key_bytes_max=self._limits.key_bytes_max,
            record=record.place,
        )
        if must_match_key and record.key is not None:
            address = address_text(machine.tenant_slug, machine.name, event.subject)
            if record.key != address.encode():
                what = f"the Kafka key is {record.key[:200]!r}, the address is {address[:200]!r}"
                refuse("key_mismatch", what, "key", "Send the address, tenant/machine/key, as the Kafka key.")
        return arrival


def _bound(owner: int | None, topic: str) -> int:
    if owner is None:
        refuse("tenant_unbound", f"topic {topic} is bound to no tenant", "topic", "Bind the topic to a tenant.")
    return owner


def set_aside(
    record: KafkaRecord,
    refusal: Refusal,
    stage: Literal["decode", "route"],
    known: Mapping[str, Any],
    tenant: int | None,
) -> SetAside:
    """Make the dead letter of a record: raw value, key and headers as they came, and the attributes that were read."""
    place = f"{record.where} {refusal.where}".rstrip()

    def word(name: str) -> str | None:
        value = known.get(name)
        return value if isinstance(value, str) else None

    return SetAside(
        stage=stage,
        refusal=replace(refusal, where=place),
        record=record.place,
        raw=record.value,
        headers=keep_headers(record),
        tenant=tenant,
        machine=word("foliotmachine"),
        key=word("subject"),
        event_id=word("id"),
        source=word("source"),
        type=word("type"),
        traceparent=word("traceparent"),
    )


def decode_again(
    raw: bytes | None, headers: str | None, place: Record, settings: Settings, catalog: Catalog
) -> Arrival | SetAside:
    """Make of a dead letter's record what it would become today; for redrives (entry-point group `foliot.decoders`)."""
    return Router(settings, catalog).take(kept_record(place, raw, headers))

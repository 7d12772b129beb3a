"""Records of foreign topics: the first route that matches makes an event of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from foliot.registry import Catalog
from foliot_ingest.cloud_events import CloudEvent, Limits, with_value
from foliot_ingest.records import KafkaRecord
from foliot_ingest.refused import refuse


@dataclass(frozen=True, slots=True)
class Routed:
    """An event and its lane, 0 (critical) to 3 (low)."""

    event: CloudEvent
    lane: int


def route(record: KafkaRecord, catalog: Catalog, limits: Limits, known: dict[str, Any]) -> Routed:
    """Try the topic's routes in their order.

    Raises:
        RecordRefused: no route matches, or the one that does fails.
    """
    with_value(record.value, limits)
    refuse("no_route", f"no route of topic {record.place.topic} matches", "topic", "Publish a route.")

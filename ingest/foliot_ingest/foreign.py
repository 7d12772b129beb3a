"""Records of foreign topics: the first of the topic's routes that matches makes an event of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from foliot.cel import EvaluationError
from foliot.cloudevents import (
    LANES,
    TEXT_BYTES_MAX,
    CloudEvent,
    Limits,
    check_time,
    data_text,
    parse,
    readable_trace,
    refuse,
    with_value,
)
from foliot.registry import CompiledRoute, Route, RouteRefused, compile_route
from foliot_ingest.records import KafkaRecord

DEFAULT_LANE: Final = "normal"
_TEXTS: Final = {"id": "id", "source": "source", "type": "type", "key": "subject", "machine": "foliotmachine"}
"""What a route gives, and the attribute that it stands for."""


class Routed(NamedTuple):
    """An event and its lane, 0 (critical) to 3 (low)."""

    event: CloudEvent
    lane: int


def route(record: KafkaRecord, routes: tuple[Route, ...], limits: Limits, known: dict[str, Any]) -> Routed:
    """Try routes in their order; `known` is filled with what the one that matches has found.

    Where a route does not say otherwise, the data is the record's value, the lane is normal, and the source is the
    topic.

    Raises:
        EventRefused: the value is no JSON, no route matches, or the one that does fails.
    """
    raw = with_value(record.value, limits)
    seen = _as_seen(record, parse(raw, depth_max=limits.depth_max))
    for candidate in routes:
        where = f"route {candidate.name}"
        try:
            compiled = compile_route(candidate)
            if not compiled.match(seen):
                continue
            _check_schema(compiled, seen["value"], where)
            fields = compiled.event(seen)
        except (EvaluationError, RouteRefused) as error:
            refuse("route_failed", str(error), where, "Correct the route, then redrive; or send what it expects.")
        return _routed(fields, seen, where, limits, known)
    remedy = "Publish a route whose match is true for it, then redrive."
    return refuse("no_route", f"no route of topic {record.place.topic} matches", "topic", remedy)


def _as_seen(record: KafkaRecord, value: Any) -> dict[str, Any]:
    """Make the map that expressions see as `record`; of a header that is there twice, the last."""
    return {
        "topic": record.place.topic,
        "partition": record.place.partition,
        "offset": record.place.offset,
        "key": _words(record.key),
        "headers": {name: _words(header) for name, header in record.headers},
        "value": value,
    }


def _words(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _check_schema(compiled: CompiledRoute, value: Any, where: str) -> None:
    fault = compiled.validate_value(value)
    if fault is not None:
        refuse("schema_mismatch", f"the value does not fit the route's schema: {fault}", where, "Send what fits it.")


def _routed(
    fields: Mapping[str, Any], seen: Mapping[str, Any], where: str, limits: Limits, known: dict[str, Any]
) -> Routed:
    given = {"source": f"kafka/{seen['topic']}", "data": seen["value"], "lane": DEFAULT_LANE, **fields}
    known.update({attribute: given[name] for name, attribute in _TEXTS.items()})
    for name in _TEXTS:
        _check_text(name, given[name], where)
    if given["lane"] not in LANES:
        refuse("route_result_invalid", f"lane is {given['lane']!r}", where, f"Give one of: {', '.join(LANES)}.")
    event = CloudEvent(
        id=given["id"],
        source=given["source"],
        type=given["type"],
        subject=given["key"],
        machine=given["machine"],
        tenant=None,
        time=check_time(given.get("time")),
        data=data_text(given["data"], limits),
        traceparent=readable_trace(seen["headers"].get("traceparent")),
    )
    return Routed(event, LANES.index(given["lane"]))


def _check_text(name: str, value: str, where: str) -> None:
    fault = ""
    if not value:
        fault = "is empty"
    elif not value.isprintable():
        fault = "holds a character that cannot be shown"
    elif len(value.encode()) > TEXT_BYTES_MAX.get(name, len(value.encode())):
        fault = f"has more than {TEXT_BYTES_MAX[name]} bytes"
    if fault:
        refuse("route_result_invalid", f"{name} {fault}", where, "Correct the route, then redrive.")

"""Events in CloudEvents 1.0, checked before a byte is written.

Source: CloudEvents 1.0.2, JSON event format.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from foliot.cloudevents.attributes import JSON, check_required, check_text, check_time, readable_trace
from foliot.cloudevents.events import LANES, Event, Limits
from foliot.cloudevents.json_values import LONE_SURROGATE, data_bytes
from foliot.cloudevents.refused import refuse
from foliot.reserved import RESERVED_EVENT

_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")


def attributes(event: Event, limits: Limits = Limits()) -> dict[str, str]:  # noqa: B008 - an immutable value
    """Give an event's attributes by their CloudEvents names, without those that it lacks.

    The lane is not among them: over Kafka the topic says it.

    Raises:
        EventRefused: a rule is broken; the code is the one that a dead letter would have.
    """
    given = {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.key,
        "foliotmachine": event.machine,
    }
    texts = {name: check_required(name, _text(name, value)) for name, value in given.items()}
    _check_type(texts["type"])
    _check_key(texts["subject"], limits)
    _check_machine(texts["foliotmachine"])
    if event.lane not in LANES:
        refuse("unknown_lane", f"there is no lane {event.lane!r}", "lane", f"Choose one of: {', '.join(LANES)}.")
    optional = {
        "time": check_time(_text("time", event.time)),
        "foliottenant": None if event.tenant is None else check_tenant(event.tenant),
        "traceparent": readable_trace(_text("traceparent", event.traceparent)),
    }
    return {"specversion": "1.0", **texts, **{name: value for name, value in optional.items() if value is not None}}


def document(event: Event, limits: Limits = Limits()) -> dict[str, Any]:  # noqa: B008 - an immutable value
    """Give an event as the object of the JSON format, for `orjson`: the data is written already.

    Raises:
        EventRefused: a rule is broken.
    """
    found: dict[str, Any] = dict(attributes(event, limits))
    if event.data is not None:
        raw = data_bytes(event.data, bytes_max=limits.data_bytes_max, depth_max=limits.depth_max)
        found |= {"datacontenttype": JSON, "data": orjson.Fragment(raw)}
    return found


def structured(event: Event, limits: Limits = Limits()) -> bytes:  # noqa: B008 - an immutable value
    """Write an event in structured mode.

    Raises:
        EventRefused: a rule is broken.
    """
    return orjson.dumps(document(event, limits))


def check_tenant(slug: str) -> str:
    """Return the name of a tenant, if one can have it."""
    if not _SLUG.fullmatch(_text("foliottenant", slug) or ""):
        remedy = "Names of tenants are of a-z, 0-9, '-' and '_', at most 63 of them."
        refuse("tenant_mismatch", f"no tenant can be called {slug[:200]!r}", "foliottenant", remedy)
    return slug


def _text(name: str, value: str | None) -> str | None:
    # Whoever reads an event has decoded UTF-8, which has no such halves; Python's texts may.
    if isinstance(value, str) and LONE_SURROGATE.search(value):
        refuse("lone_surrogate", f"{name} holds half of a surrogate pair", name, "Send whole characters.")
    return check_text(name, value)


def _check_type(type_: str) -> None:
    if RESERVED_EVENT.match(type_):
        what = f"only Foliot itself gives events of type {type_[:200]!r}"
        refuse("type_reserved", what, "type", "Choose another type.")


def _check_key(key: str, limits: Limits) -> None:
    size = len(key.encode())
    if size > limits.key_bytes_max:
        what = f"the key has {size} bytes, more than {limits.key_bytes_max}"
        refuse("key_too_long", what, "subject", "Send a shorter one, or raise FOLIOT_KEY_BYTES_MAX.")


def _check_machine(name: str) -> None:
    if not _SLUG.fullmatch(name):
        remedy = "Names of machines are of a-z, 0-9, '-' and '_', at most 63 of them."
        refuse("unknown_machine", f"no machine can be called {name[:200]!r}", "foliotmachine", remedy)

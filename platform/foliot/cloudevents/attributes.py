"""The rules of a CloudEvent's attributes, shared by those who write events and those who read them.

Source: CloudEvents 1.0.2, "Context attributes" and "Type system"; RFC 3339; W3C Trace Context.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from foliot.cloudevents.json_values import kind_of
from foliot.cloudevents.refused import refuse

STRUCTURED: Final = "application/cloudevents+json"
JSON: Final = "application/json"
ENVELOPE_BYTES_MAX: Final = 65_536
"""What attributes may add to the size of the data."""
TEXT_BYTES_MAX: Final[Mapping[str, int]] = {"id": 1024, "type": 1024, "source": 512}
"""The source stands in an index, whose rows have a limit; ids are hashed there."""

_NAME: Final = re.compile(r"[a-z0-9]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_JSON_TYPE: Final = re.compile(r"(?:application|text)/json|[\w.+-]+/[\w.+-]+\+json", re.ASCII | re.IGNORECASE)
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


def is_name(name: str) -> bool:
    """Tell whether an attribute can have this name."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Refuse a name that no attribute can have."""
    if not is_name(name):
        remedy = "CloudEvents names are of a-z and 0-9."
        refuse("attribute_name_invalid", f"{name!r} is no name of an attribute", name, remedy)


def check_text(name: str, value: Any) -> str | None:
    """Return an attribute that must be a text, or None where there is none."""
    if value is None:
        return None
    if not isinstance(value, str):
        refuse("attribute_not_text", f"{name} is a JSON {kind_of(value)}", name, "Send a text.")
    if _CONTROL.search(value):
        refuse("control_character", f"{name} holds a control character", name, "Send it without.")
    return value


def check_required(name: str, value: str | None) -> str:
    """Return a text that must be there, not empty and not too long."""
    if value is None:
        refuse("attribute_missing", f"{name} is missing", name, f"Send {name}.")
    if not value:
        refuse("attribute_empty", f"{name} is empty", name, f"Send a {name}.")
    check_length(name, value)
    return value


def check_length(name: str, value: str) -> None:
    """Refuse an id, source or type that is too long to be remembered."""
    size_max = TEXT_BYTES_MAX.get(name)
    if size_max is not None and len(value.encode()) > size_max:
        what = f"{name} has {len(value.encode())} bytes, more than {size_max}"
        refuse("attribute_too_long", what, name, "Send a shorter one.")


def check_time(value: str | None) -> str | None:
    """Return a time as it was written, if RFC 3339 allows it."""
    if value is None:
        return None
    if _TIME.fullmatch(value) and _is_day(value[:10]):
        return value
    return refuse("time_invalid", f"{value[:64]!r} is no RFC 3339 time", "time", "Send such as 2026-01-31T12:00:00Z.")


@lru_cache(maxsize=256)
def _is_day(date: str) -> bool:
    try:
        datetime.fromisoformat(date)
    except ValueError:
        return False
    return True


def check_content_type(value: str | None) -> None:
    """Refuse data that is not JSON by its content type."""
    if value is not None and not _JSON_TYPE.fullmatch(value.partition(";")[0].strip()):
        refuse("content_type_unsupported", f"the data is {value[:128]}", "datacontenttype", "Send JSON.")


def readable_trace(traceparent: str | None) -> str | None:
    """Leave away a traceparent that cannot be read, as W3C Trace Context wants it."""
    return traceparent if traceparent is not None and _TRACEPARENT.fullmatch(traceparent) else None

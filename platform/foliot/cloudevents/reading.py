"""CloudEvents 1.0 out of bytes and headers: structured JSON and binary mode. Pure: an event or a refusal comes out.

Source: CloudEvents 1.0.2, JSON event format, Kafka and HTTP protocol bindings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from foliot.cloudevents.attributes import (
    ENVELOPE_BYTES_MAX,
    JSON,
    STRUCTURED,
    TEXT_BYTES_MAX,
    check_content_type,
    check_name,
    check_required,
    check_text,
    check_time,
    is_name,
    readable_trace,
)
from foliot.cloudevents.events import Limits
from foliot.cloudevents.json_text import canonical, parse, repeated_name
from foliot.cloudevents.json_values import kind_of
from foliot.cloudevents.refused import refuse

_HEADER_PREFIX: Final = "ce_"
_REQUIRED: Final = ("id", "source", "type", "subject", "foliotmachine")
_TEXTS: Final = (
    *(*_REQUIRED, "specversion", "time", "datacontenttype", "dataschema", "foliottenant", "foliotlane"),
    "traceparent",
)
_MEMBERS: Final = ("data", "data_base64")
_STRUCTURED_BYTES: Final = STRUCTURED.encode()
_NAMES_MAX: Final = 32
_NAMES_CHARS_MAX: Final = 640
_NAME_SETS_MAX: Final = 256
_UTF8_BYTES_MAX: Final = 4
"""Of one character."""
_ID_MAX, _TYPE_MAX, _SOURCE_MAX = (TEXT_BYTES_MAX[name] // _UTF8_BYTES_MAX for name in ("id", "type", "source"))
"""Characters that are within the limit whatever they are."""
Headers = Sequence[tuple[str, bytes | None]]


class CloudEvent(NamedTuple):
    """A CloudEvent whose data is JSON: `data` is canonical JSON text, None where there is none.

    `machine`, `tenant`, `lane` and `traceparent` come from extension attributes; `subject` is the instance's key.
    """

    id: str
    source: str
    type: str
    subject: str
    machine: str
    tenant: str | None
    time: str | None
    data: str | None
    traceparent: str | None
    lane: str | None = None


def decode(value: bytes | None, headers: Headers, limits: Limits, known: dict[str, Any]) -> CloudEvent:
    """Read an event; `known` is filled with the attributes as they come, so that a refusal can name the event.

    Raises:
        EventRefused: with a code of docs/codes.md.
    """
    raw = with_value(value, limits)
    content_type = _content_type(headers)
    if content_type.startswith("application/cloudevents"):
        return _structured(raw, content_type, limits, known)
    if any(name == "ce_specversion" for name, _ in headers):
        return _binary(raw, headers, limits, known)
    remedy = f"Send the header content-type: {STRUCTURED}, or ce_ headers; or publish a route for the topic."
    return refuse("not_a_cloud_event", "no header says that this is a CloudEvent", "headers", remedy)


def with_value(value: bytes | None, limits: Limits) -> bytes:
    """Refuse a record without a value or with one beyond all limits."""
    if value is None:
        refuse("tombstone", "the record has no value", "value", "Send a value; events cannot be deleted.")
    size_max = limits.data_bytes_max + ENVELOPE_BYTES_MAX
    if len(value) > size_max:
        what = f"the value has {len(value)} bytes, more than {size_max}"
        refuse("record_too_large", what, "value", "Send a reference to the data, or raise FOLIOT_EVENT_BYTES_MAX.")
    return value


def data_text(value: Any, limits: Limits) -> str:
    """Write data in canonical form, within the limit of its size."""
    text = canonical(value)
    if len(text) > limits.data_bytes_max:
        what = f"the data has {len(text)} bytes, more than {limits.data_bytes_max}"
        refuse("data_too_large", what, "data", "Send a reference to the data, or raise FOLIOT_EVENT_BYTES_MAX.")
    return text.decode()


def _content_type(headers: Headers) -> str:
    for name, value in headers:
        if value == _STRUCTURED_BYTES and name == "content-type":
            return STRUCTURED
        if value is not None and name.lower() == "content-type":
            return value.decode("utf-8", "replace").partition(";")[0].strip().lower()
    return ""


def _structured(raw: bytes, content_type: str, limits: Limits, known: dict[str, Any]) -> CloudEvent:
    if content_type.startswith("application/cloudevents-batch"):
        refuse("batch_unsupported", "one record carries a batch", "content-type", "Send one event a record.")
    if content_type != STRUCTURED:
        refuse("format_unsupported", f"the format is {content_type}", "content-type", f"Send {STRUCTURED}.")
    # The attributes stand one level above the data.
    document = parse(raw, depth_max=limits.depth_max + 1)
    if not isinstance(document, dict):
        refuse("not_an_object", f"the value is a JSON {kind_of(document)}", "", "Send a JSON object.")
    known.update(document)
    if (name := repeated_name(raw, document)) is not None:
        refuse("attribute_repeated", f"{name} is there twice", name, "Send each attribute once.")
    if document.get("data_base64") is not None:
        refuse("data_base64", "the data is binary", "data_base64", "Send JSON as data.")
    data = data_text(document["data"], limits) if "data" in document else None
    for name in _MEMBERS:
        document.pop(name, None)
    return _event(document, data)


def _binary(raw: bytes, headers: Headers, limits: Limits, known: dict[str, Any]) -> CloudEvent:
    attributes: dict[str, Any] = {}
    for header, value in headers:
        if header.lower() == "content-type":
            name = "datacontenttype"
        elif header.startswith(_HEADER_PREFIX):
            name = header.removeprefix(_HEADER_PREFIX)
        else:
            continue
        if name in attributes:
            refuse("attribute_repeated", f"the header {header} is there twice", header, "Send each attribute once.")
        try:
            attributes[name] = None if value is None else value.decode()
        except UnicodeDecodeError:
            refuse("header_not_text", f"the header {header} is no UTF-8", header, "Send UTF-8.")
    known.update(attributes)
    if not raw:
        return _event(attributes, None)
    check_content_type(attributes.get("datacontenttype"))
    return _event(attributes, data_text(parse(raw, depth_max=limits.depth_max), limits))


def _event(attributes: Mapping[str, Any], data: str | None) -> CloudEvent:
    if not _is_plain(attributes):
        _check(attributes)
    return CloudEvent(
        attributes["id"],
        attributes["source"],
        attributes["type"],
        attributes["subject"],
        attributes["foliotmachine"],
        attributes.get("foliottenant"),
        check_time(attributes.get("time")),
        data,
        readable_trace(attributes.get("traceparent")),
        attributes.get("foliotlane"),
    )


def _is_plain(attributes: Mapping[str, Any]) -> bool:
    """Tell fast whether nothing can be wrong with them; what is not plain may be right and is looked at one by one."""
    names = tuple(attributes)
    if (names not in _known_names and not _learn(names)) or attributes["specversion"] != "1.0":
        return False
    values = attributes.values()
    try:
        printable = "".join(values).isprintable()
    except TypeError:
        return False
    if not printable or "" in values:
        return False
    if (
        len(attributes["id"]) > _ID_MAX
        or len(attributes["type"]) > _TYPE_MAX
        or len(attributes["source"]) > _SOURCE_MAX
    ):
        return False
    return "datacontenttype" not in attributes or attributes["datacontenttype"] == JSON


_known_names: Final[set[tuple[str, ...]]] = set()
"""Sets of names that events may have, with all that an event needs: producers have a few."""


def _learn(names: tuple[str, ...]) -> bool:
    """Tell whether names are those of attributes, all that are needed among them, and remember them if so."""
    # Names come from outside: what is remembered of them is bounded.
    if len(names) > _NAMES_MAX or sum(map(len, names)) > _NAMES_CHARS_MAX:
        return False
    if not all(map(is_name, names)) or not {*_REQUIRED, "specversion"}.issubset(names):
        return False
    if len(_known_names) >= _NAME_SETS_MAX:
        _known_names.clear()
    _known_names.add(names)
    return True


def _check(attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        check_name(name)
        if isinstance(value, dict | list | float):
            refuse("attribute_not_text", f"{name} is a JSON {kind_of(value)}", name, "Put it into data.")
    if attributes.get("specversion") != "1.0":
        what = f"specversion is {attributes.get('specversion')!r}"
        refuse("specversion_unsupported", what, "specversion", 'Send specversion "1.0".')
    for name in _TEXTS:
        check_text(name, attributes.get(name))
    for name in _REQUIRED:
        check_required(name, attributes.get(name))
    check_content_type(attributes.get("datacontenttype"))

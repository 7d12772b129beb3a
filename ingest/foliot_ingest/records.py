"""A Kafka record as ingest sees it, and the form in which its headers and key are kept with a dead letter."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import orjson

from foliot.cloudevents import Headers
from foliot.runtime import Record


class KafkaRecord(NamedTuple):
    """What lies at one offset."""

    place: Record
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def where(self) -> str:
        """Write the position as refusals show it."""
        return f"{self.place.topic}[{self.place.partition}]@{self.place.offset}"


def keep_headers(record: KafkaRecord) -> str:
    """Write key and headers as JSON text; what is no text becomes `{"base64": …}`."""
    headers = [[name, _keep(value)] for name, value in record.headers]
    return orjson.dumps({"key": _keep(record.key), "headers": headers}).decode()


def kept_record(place: Record, value: bytes | None, kept: str | None) -> KafkaRecord:
    """Make the record again from what `keep_headers` wrote."""
    document = orjson.loads(kept) if kept else {"key": None, "headers": []}
    headers = tuple((name, _kept(header)) for name, header in document["headers"])
    return KafkaRecord(place, _kept(document["key"]), value, headers)


def _keep(value: bytes | None) -> Any:
    if value is None:
        return None
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\x00"
    return {"base64": base64.b64encode(value).decode()} if "\x00" in text else text


def _kept(value: Any) -> bytes | None:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    return None if value is None else str(value).encode()

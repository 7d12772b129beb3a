"""Records that ingest must set aside: each with the code that says why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STRUCTURED = (("content-type", b"application/cloudevents+json"),)


@dataclass(frozen=True)
class BadRecord:
    """A record for a lane topic of tenant `default` with a machine `incident`; limits: 2,048 bytes, depth 8."""

    name: str
    code: str
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = STRUCTURED
    key: bytes | None = field(default=None)


def document(**changes: Any) -> dict[str, Any]:
    """Make a good structured event; a change to `...` removes the attribute."""
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/tests",
        "type": "reported",
        "subject": "case-1",
        "time": "2026-01-31T12:00:00Z",
        "foliotmachine": "incident",
        "data": {"severity": 2},
    }
    return {name: value for name, value in {**event, **changes}.items() if value is not ...}


def structured(**changes: Any) -> bytes:
    """Write a structured event."""
    return json.dumps(document(**changes)).encode()


def with_data(text: str) -> bytes:
    """Write a structured event whose data is this text as it stands."""
    return structured(data=...)[:-1] + b', "data": ' + text.encode("utf-8", "surrogatepass") + b"}"


def binary_headers(changes: Mapping[str, bytes | None] | None = None) -> tuple[tuple[str, bytes | None], ...]:
    """Make the headers of a good binary event, with changes."""
    headers: dict[str, bytes | None] = {
        "ce_specversion": b"1.0",
        "ce_id": b"e-1",
        "ce_source": b"/tests",
        "ce_type": b"reported",
        "ce_subject": b"case-1",
        "ce_foliotmachine": b"incident",
        "content-type": b"application/json",
    }
    return tuple({**headers, **(changes or {})}.items())


BAD_RECORDS = (
    BadRecord("a tombstone", "tombstone", None, key=b"default/incident/case-1"),
    BadRecord("a huge record", "record_too_large", b'"' + b"x" * 80_000 + b'"'),
    BadRecord("plain JSON on a lane topic", "not_a_cloud_event", b'{"a": 1}', ()),
    BadRecord("Avro", "format_unsupported", b"\x00", (("content-type", b"application/cloudevents+avro"),)),
    BadRecord("a batch", "batch_unsupported", b"[]", (("content-type", b"application/cloudevents-batch+json"),)),
    BadRecord("Latin-1", "not_utf8", b'{"id": "caf\xe9"}'),
    BadRecord("half a document", "not_json", structured()[:-1]),
    BadRecord("an empty value", "not_json", b""),
    BadRecord("a byte order mark", "not_json", b"\xef\xbb\xbf" + structured()),
    BadRecord("a list", "not_an_object", b"[1, 2]"),
    BadRecord("NaN", "number_not_finite", with_data('{"a": NaN}')),
    BadRecord("minus Infinity", "number_not_finite", with_data('{"a": -Infinity}')),
    BadRecord("a number beyond doubles", "number_not_finite", with_data("[1e999]")),
    BadRecord("an integer of 65 bits", "integer_out_of_range", with_data("[18446744073709551616]")),
    BadRecord("an unsigned integer of 64 bits", "integer_out_of_range", with_data("[9223372036854775808]")),
    BadRecord("a negative integer of 65 bits", "integer_out_of_range", with_data("[-9223372036854775809]")),
    BadRecord("an integer of a thousand digits", "integer_out_of_range", with_data("9" * 1000)),
    BadRecord("NUL in the data", "nul_character", with_data(r'{"a": "x\u0000y"}')),
    BadRecord("NUL in a name", "nul_character", with_data(r'{"a\u0000": 1}')),
    BadRecord("half a surrogate pair", "lone_surrogate", with_data(r'{"a": "\ud83d"}')),
    BadRecord("nine levels", "too_deep", with_data("[" * 9 + "]" * 9)),
    BadRecord("two thousand levels", "too_deep", with_data("[" * 2000 + "]" * 2000)),
    BadRecord("much data", "data_too_large", structured(data="x" * 3000)),
    BadRecord("an id that is there twice", "attribute_repeated", structured()[:-1] + b', "id": "e-2"}'),
    BadRecord(
        "an id that is there twice, once escaped", "attribute_repeated", structured()[:-1] + rb', "\u0069d": "e"}'
    ),
    BadRecord("data that is there twice", "attribute_repeated", structured()[:-1] + b', "data": 1}'),
    BadRecord("a header that is there twice", "attribute_repeated", b"{}", (*binary_headers(), ("ce_id", b"e-2"))),
    BadRecord("no id", "attribute_missing", structured(id=...)),
    BadRecord("a null id", "attribute_missing", structured(id=None)),
    BadRecord("no source", "attribute_missing", structured(source=...)),
    BadRecord("no type", "attribute_missing", structured(type=...)),
    BadRecord("no subject", "attribute_missing", structured(subject=...)),
    BadRecord("no machine", "attribute_missing", structured(foliotmachine=...)),
    BadRecord("an empty id", "attribute_empty", structured(id="")),
    BadRecord("an empty subject", "attribute_empty", structured(subject="")),
    BadRecord("an empty header", "attribute_empty", b"{}", binary_headers({"ce_type": b""})),
    BadRecord("a number as id", "attribute_not_text", structured(id=7)),
    BadRecord("an object as source", "attribute_not_text", structured(source={})),
    BadRecord("a list as an extension", "attribute_not_text", structured(tags=["a"])),
    BadRecord("an attribute in upper case", "attribute_name_invalid", structured(traceParent="x")),
    BadRecord("a long source", "attribute_too_long", structured(source="s" * 600)),
    BadRecord("a line break in the type", "control_character", structured(type="a\nb")),
    BadRecord("NUL in a header", "control_character", b"{}", binary_headers({"ce_id": b"a\x00b"})),
    BadRecord("version 0.3", "specversion_unsupported", structured(specversion="0.3")),
    BadRecord("no version", "specversion_unsupported", structured(specversion=...)),
    BadRecord("a time without a zone", "time_invalid", structured(time="2026-01-31T12:00:00")),
    BadRecord("the 30th of February", "time_invalid", structured(time="2026-02-30T12:00:00Z")),
    BadRecord("hour 24", "time_invalid", structured(time="2026-01-31T24:00:00Z")),
    BadRecord("data in base 64", "data_base64", structured(data=..., data_base64="AAAA")),
    BadRecord("XML by its content type", "content_type_unsupported", structured(datacontenttype="text/xml")),
    BadRecord("XML by its header", "content_type_unsupported", b"<a/>", binary_headers({"content-type": b"text/xml"})),
    BadRecord("a header in Latin-1", "header_not_text", b"{}", binary_headers({"ce_source": b"caf\xe9"})),
    BadRecord("another tenant", "tenant_mismatch", structured(foliottenant="acme")),
    BadRecord("a machine that is not there", "unknown_machine", structured(foliotmachine="incidnet")),
    BadRecord("a timeout that nobody armed", "type_reserved", structured(type="after.1000.open")),
    BadRecord("a completion that did not happen", "type_reserved", structured(type="done.state.open")),
    BadRecord("a long key", "key_too_long", structured(subject="k" * 600)),
    BadRecord("the wrong Kafka key", "key_mismatch", structured(), key=b"default/incident/case-2"),
    BadRecord("a Kafka key without an address", "key_mismatch", structured(), key=b"case-1"),
)

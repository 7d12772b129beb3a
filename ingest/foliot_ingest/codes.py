"""Every reason for which ingest sets a record aside: the stable code and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DECODE_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tombstone": "The record has no value.",
        "record_too_large": "The record is larger than any event may be.",
        "not_a_cloud_event": "On a lane topic, neither content-type nor ce_ headers say that this is a CloudEvent.",
        "format_unsupported": "A CloudEvent in another format than JSON.",
        "batch_unsupported": "A batch of CloudEvents in one record.",
        "undecodable": "Reading the record failed in a way that nobody foresaw; the log says more.",
        "not_utf8": "The value is no UTF-8 text.",
        "not_json": "The value is no JSON.",
        "not_an_object": "A structured CloudEvent must be a JSON object.",
        "number_not_finite": "NaN, Infinity or a number beyond double precision.",
        "integer_out_of_range": "An integer beyond signed 64 bits.",
        "nul_character": "A text holds the character U+0000, which cannot be stored.",
        "lone_surrogate": "A text holds half of a surrogate pair, which no UTF-8 can say.",
        "too_deep": "The data is nested too deep.",
        "data_too_large": "The data is larger than an event's may be.",
        "attribute_repeated": "An attribute is there twice.",
        "attribute_missing": "A required attribute is missing.",
        "attribute_empty": "A required attribute is empty.",
        "attribute_not_text": "An attribute that must be a text is something else.",
        "attribute_name_invalid": "An attribute's name is not made of lower-case letters and digits.",
        "attribute_too_long": "An attribute is too long to be remembered.",
        "control_character": "An attribute holds a control character.",
        "specversion_unsupported": "Another version of CloudEvents than 1.0.",
        "time_invalid": "The time is not as RFC 3339 wants it.",
        "data_base64": "The data is binary; events carry JSON.",
        "content_type_unsupported": "The data is not JSON by its content type.",
        "header_not_text": "A header that belongs to the event is no UTF-8 text.",
    }
)

ROUTE_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tenant_unbound": "The topic is bound to no tenant.",
        "tenant_mismatch": "The event names another tenant than the one its topic is bound to.",
        "unknown_machine": "The tenant has no machine of this name.",
        "type_reserved": "The event's type is one that only Foliot itself may give: a timeout, a completion, an error.",
        "key_too_long": "The instance's key is too long.",
        "key_mismatch": "The Kafka key differs from the event's address, so order would not hold.",
        "no_route": "No enabled route of the topic matches the record.",
        "route_failed": "An expression of a route failed on the record.",
        "route_result_invalid": "An expression of a route gave something that cannot be used.",
        "schema_mismatch": "The record's value does not fit the schema that its route names.",
        "id_reused": "The event's id was accepted before with another payload.",
        "unstorable": "Postgres refused a value of the event.",
    }
)

CODES: Final[Mapping[str, str]] = MappingProxyType({**DECODE_CODES, **ROUTE_CODES})
"""All of them, as docs/codes.md lists them."""

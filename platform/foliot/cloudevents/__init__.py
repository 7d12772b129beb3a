"""Events as producers write them: what an event is, which ones are refused, and their bytes on the wire.

Needs no server, no client of Kafka and no definition of the machine; all who send events share it.
"""

from foliot.cloudevents.attributes import (
    ENVELOPE_BYTES_MAX,
    JSON,
    STRUCTURED,
    TEXT_BYTES_MAX,
    check_content_type,
    check_length,
    check_name,
    check_required,
    check_text,
    check_time,
    is_name,
    readable_trace,
)
from foliot.cloudevents.events import LANES, Event, Lane, Limits, new_id, time_text
from foliot.cloudevents.json_text import parse, repeated_in_list
from foliot.cloudevents.json_values import LONE_SURROGATE, data_bytes, kind_of
from foliot.cloudevents.reading import CloudEvent, Headers, data_text, decode, with_value
from foliot.cloudevents.records import (
    DEFAULT_TENANT,
    DEFAULT_TOPIC_PREFIX,
    KafkaRecord,
    Mode,
    address_text,
    kafka_record,
    lane_topic,
)
from foliot.cloudevents.refused import EventRefused, refuse
from foliot.cloudevents.writing import attributes, check_tenant, document, structured

__all__ = [
    "DEFAULT_TENANT",
    "DEFAULT_TOPIC_PREFIX",
    "ENVELOPE_BYTES_MAX",
    "JSON",
    "LANES",
    "LONE_SURROGATE",
    "STRUCTURED",
    "TEXT_BYTES_MAX",
    "CloudEvent",
    "Event",
    "EventRefused",
    "Headers",
    "KafkaRecord",
    "Lane",
    "Limits",
    "Mode",
    "address_text",
    "attributes",
    "check_content_type",
    "check_length",
    "check_name",
    "check_required",
    "check_tenant",
    "check_text",
    "check_time",
    "data_bytes",
    "data_text",
    "decode",
    "document",
    "is_name",
    "kafka_record",
    "kind_of",
    "lane_topic",
    "new_id",
    "parse",
    "readable_trace",
    "refuse",
    "repeated_in_list",
    "structured",
    "time_text",
    "with_value",
]

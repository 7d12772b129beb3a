"""Sending events over Kafka: `Producer`, which sets attributes, keys and topics right and tells what became of each."""

from foliot.producer.connecting import (
    RECORD_BYTES_MAX,
    BadServers,
    KafkaUnavailable,
    first_line,
    make_client,
    make_producer,
    translated,
)
from foliot.producer.security import BadSecurity, Security
from foliot.producer.sending import Delivery, NotDelivered, Producer

__all__ = [
    "RECORD_BYTES_MAX",
    "BadSecurity",
    "BadServers",
    "Delivery",
    "KafkaUnavailable",
    "NotDelivered",
    "Producer",
    "Security",
    "first_line",
    "make_client",
    "make_producer",
    "translated",
]

"""Sending events over Kafka: `Producer`, which sets attributes, keys and topics right and tells what became of each."""

from foliot.producer.connecting import RECORD_BYTES_MAX, KafkaUnavailable, knock, make_producer, translated
from foliot.producer.sending import Delivery, NotDelivered, Producer

__all__ = [
    "RECORD_BYTES_MAX",
    "Delivery",
    "KafkaUnavailable",
    "NotDelivered",
    "Producer",
    "knock",
    "make_producer",
    "translated",
]

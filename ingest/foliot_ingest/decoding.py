"""What a client gave at one poll, decoded and routed record by record, and sorted for one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from kafka import TopicPartition

from foliot.errors import Refusal
from foliot.runtime import Arrival, Record, SetAside
from foliot_ingest.records import KafkaRecord
from foliot_ingest.routing import Router, set_aside


class Fetched(NamedTuple):
    """Records of one partition in the order of their offsets, as the client gives them."""

    topic_id: str
    place: TopicPartition
    records: Sequence[Any]


class Decoded(NamedTuple):
    """What became of one record before it is taken in."""

    place: TopicPartition
    record: KafkaRecord
    outcome: Arrival | SetAside


class Outcomes(NamedTuple):
    """What one transaction takes in, and the offset at which each partition goes on after it."""

    arrivals: list[Arrival]
    set_aside: list[SetAside]
    following: dict[TopicPartition, int]


def decode_all(router: Router, fetched: Iterable[Fetched]) -> list[Decoded]:
    """Decode and route what was fetched, in its order."""
    decoded: list[Decoded] = []
    for topic_id, place, records in fetched:
        topic, partition = place
        for record in records:
            # Every record makes three named tuples; their own constructors take longer.
            where = tuple.__new__(Record, (topic_id, topic, partition, record.offset))
            found = tuple.__new__(KafkaRecord, (where, record.key, record.value, record.headers))
            decoded.append(tuple.__new__(Decoded, (place, found, router.take(found))))
    return decoded


def sort_out(decoded: Iterable[Decoded]) -> Outcomes:
    """Tell events from what is set aside."""
    arrivals: list[Arrival] = []
    aside: list[SetAside] = []
    following: dict[TopicPartition, int] = {}
    for place, record, outcome in decoded:
        # Records of one partition are in the order of their offsets, so the last one says where it goes on.
        following[place] = record.place.offset + 1
        if isinstance(outcome, Arrival):
            arrivals.append(outcome)
        else:
            aside.append(outcome)
    return Outcomes(arrivals, aside, following)


def unstorable(decoded: Decoded, refusal: Refusal) -> Decoded:
    """Set aside a record that Postgres refused."""
    remedy = "Look at the value that is named; send the event without it."
    named = Refusal("unstorable", f"Postgres refused it: {refusal.what}", "", remedy)
    # Nothing of what was read is kept but the bytes and whose they are: any of it may be what cannot be stored.
    return decoded._replace(outcome=set_aside(decoded.record, named, "route", {}, decoded.outcome.tenant))

"""The topics that Foliot makes itself."""

from __future__ import annotations

from collections.abc import Iterable

from kafka import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError

from foliot.producer import RECORD_BYTES_MAX
from foliot.settings import Settings
from foliot_ingest.kafka_clients import admin
from foliot_ingest.routing import lane_topics


def own_topics(settings: Settings) -> tuple[str, ...]:
    """Name the lane topics, and the changes topic if changes are announced."""
    return (*lane_topics(settings), *((settings.changes_topic,) if settings.changes_topic else ()))


def make_topics(settings: Settings, topics: Iterable[str], *, name: str) -> tuple[str, ...]:
    """Make those of the topics that are missing, and give their names; calling it again does nothing.

    Raises:
        KafkaUnavailable: no broker answered, or it refused.
    """
    with admin(settings, name=name) as client:
        there = set(client.list_topics())
        made = tuple(topic for topic in topics if topic not in there and _make(client, settings, topic))
        client.wait_for_topics(made)
    return made


def _make(client: KafkaAdminClient, settings: Settings, topic: str) -> bool:
    options = {
        "num_partitions": settings.topic_partitions,
        "replication_factor": settings.topic_replication,
        "configs": {"max.message.bytes": str(RECORD_BYTES_MAX)},
    }
    try:
        client.create_topics({topic: options})
    except TopicAlreadyExistsError:
        return False
    return True

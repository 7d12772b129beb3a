"""Kafka clients with Foliot's settings, and what Foliot asks a broker about topics and records."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError, KafkaTimeoutError, OffsetOutOfRangeError

from foliot.cli.addresses import BadSettings
from foliot.errors import FoliotError
from foliot.producer import RECORD_BYTES_MAX, BadSecurity, Security, make_client, translated
from foliot.settings import Settings
from foliot_ingest.fetching import unpack_plain_batches

_ANSWER_MS_MAX: Final = 5_000
_RECONNECT_MS_MAX: Final = 1_000
_POLL_MS_MAX: Final = 60_000
_METADATA_AGE_MS_MAX: Final = 10_000
"""So soon a group's leader sees that a topic has more partitions; less than the time between two looks at the group."""


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """What a broker says of a topic; `id` is its name where the broker gives no id."""

    id: str
    partitions: int
    compacted: bool


def security(settings: Settings) -> Security:
    """Tell how brokers are spoken to.

    Raises:
        BadSettings: what is said of it does not fit together, or names a file of no use.
    """
    said = {part.name: getattr(settings, f"kafka_{part.name}") for part in fields(Security)}
    try:
        return Security(**said)
    except BadSecurity as error:
        refusal = error.refusal
        raise BadSettings(refusal.what, where=f"FOLIOT_KAFKA_{refusal.where.upper()}", remedy=refusal.remedy) from error


def may_pass(error: FoliotError | KafkaError) -> bool:
    """Tell a program that ran already whether its next try may fare better.

    So it may where files of certificates are of no use: they are being renewed, since they were looked at at the start.
    """
    return not isinstance(error, FoliotError) or error.retryable or isinstance(error, BadSettings)


def make_consumer(settings: Settings, *, group: str | None, name: str) -> KafkaConsumer:
    """Connect a consumer that never commits, never resets an offset and never makes a topic.

    Without a group it reads what it is assigned, beside all groups.

    Raises:
        KafkaUnavailable: no broker answered.
    """
    with translated("consumer"):
        consumer = make_client(
            KafkaConsumer,
            settings.kafka,
            security(settings),
            **_common(name),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            allow_auto_create_topics=False,
            # Aborted transactions of producers are no events.
            isolation_level="read_committed",
            partition_assignment_strategy=[RangePartitionAssignor],
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=max(100, settings.session_timeout_ms // 12),
            # Postgres may be away for this long before the group goes on without us; then we join again.
            max_poll_interval_ms=max(_POLL_MS_MAX, settings.session_timeout_ms),
            max_partition_fetch_bytes=RECORD_BYTES_MAX,
            fetch_max_wait_ms=min(500, settings.ingest_poll_ms),
        )
    unpack_plain_batches(consumer)
    return consumer


class _Admin(KafkaAdminClient):  # type: ignore[misc]  # kafka-python has no types
    def _process_acl_operations(self, described: dict[str, Any]) -> dict[str, Any]:
        """Leave unread what may be done with a group or topic: Tansu names operations that the client does not know."""
        return described


@contextmanager
def admin(settings: Settings, *, name: str) -> Iterator[KafkaAdminClient]:
    """Connect for questions about topics.

    Raises:
        KafkaUnavailable: no broker answered.
    """
    with translated("admin"):
        client = make_client(
            _Admin,
            settings.kafka,
            security(settings),
            client_id=name,
            request_timeout_ms=_ANSWER_MS_MAX,
            bootstrap_timeout_ms=_ANSWER_MS_MAX,
        )
        try:
            yield client
        finally:
            client.close()


def topic_facts(client: KafkaAdminClient, topics: Iterable[str]) -> Mapping[str, TopicFacts]:
    """Describe those of the topics that exist."""
    described = [topic for topic in client.describe_topics(sorted(topics)) if topic["error_code"] == 0]
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic["name"]) for topic in described]
    configs = client.describe_configs(resources, config_filter="all").get("topic", {}) if resources else {}
    facts = {}
    for topic in described:
        name = topic["name"]
        policy = configs.get(name, {}).get("cleanup.policy", {}).get("value") or ""
        facts[name] = TopicFacts(str(topic.get("topic_id") or name), len(topic["partitions"]), "compact" in policy)
    return facts


def have_records(settings: Settings, offsets: Mapping[TopicPartition, int], *, name: str) -> frozenset[TopicPartition]:
    """Name the partitions whose log has a record at exactly the given offset, by reading that record.

    A partition is left out only if the broker answered for it and gave no such record within the time limit.

    Raises:
        KafkaUnavailable: for some partition there was no answer at all.
    """
    with translated("records"):
        consumer = make_consumer(settings, group=None, name=name)
        try:
            return _read_single(consumer, offsets)
        finally:
            consumer.close(autocommit=False, timeout_ms=_ANSWER_MS_MAX)


def _read_single(consumer: KafkaConsumer, offsets: Mapping[TopicPartition, int]) -> frozenset[TopicPartition]:
    deadline = time.monotonic() + _ANSWER_MS_MAX / 1000
    open_places, found = set(offsets), set[TopicPartition]()
    consumer.assign(sorted(open_places))
    for place in open_places:
        consumer.seek(place, offsets[place])
    while open_places and (left_s := deadline - time.monotonic()) > 0:
        try:
            polled = consumer.poll(timeout_ms=int(left_s * 1000) + 1)
        except OffsetOutOfRangeError as error:
            answered = set(error.args[0])
        else:
            answered = set(polled)
            found |= {place for place, records in polled.items() if records[0].offset == offsets[place]}
        open_places -= answered
        consumer.assign(sorted(open_places))
    # A fresh client knows how far a log goes from answers to its reads alone.
    if any(consumer.highwater(place) is None for place in open_places):
        raise KafkaTimeoutError("the broker did not say whether a record is there")
    return frozenset(found)


def _common(name: str) -> dict[str, object]:
    return {
        "client_id": name,
        "bootstrap_timeout_ms": _ANSWER_MS_MAX,
        "request_timeout_ms": 2 * _ANSWER_MS_MAX,
        "reconnect_backoff_max_ms": _RECONNECT_MS_MAX,
        "metadata_max_age_ms": _METADATA_AGE_MS_MAX,
        "metrics_enabled": False,
    }

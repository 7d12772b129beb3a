"""What `foliot doctor` looks at in Kafka: whether events that were sent stay there until they are taken in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType

from foliot.cli.addresses import address
from foliot.cli.doctor import Finding, failure, passed, warning
from foliot.cloudevents import ENVELOPE_BYTES_MAX
from foliot.producer import KafkaUnavailable, translated
from foliot.settings import Settings
from foliot_ingest.kafka_clients import admin, security
from foliot_ingest.topics import own_topics

_PART: Final = "kafka"
_REPLICAS_MIN: Final = 3
_IN_SYNC_MIN: Final = 2


def check_kafka(settings: Settings) -> Iterator[Finding]:
    """Look at the brokers and at Foliot's own topics.

    Raises:
        NoAddress: nobody has said where it is.
        KafkaUnavailable: no broker answered.
    """
    address(settings, "kafka")
    wanted = own_topics(settings)
    with admin(settings, name="foliot-doctor") as client:
        yield passed(_PART, "reachable", f"{settings.kafka} by {security(settings).summary}")
        there = set(client.list_topics())
        missing = [topic for topic in wanted if topic not in there]
        if missing:
            yield failure(_PART, "topics", f"missing: {', '.join(missing)}", "Run: foliot topics")
        names = [topic for topic in wanted if topic in there]
        described = client.describe_topics(names) if names else []
        try:
            with translated("settings of topics"):
                resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
                configs = client.describe_configs(resources, config_filter="all").get("topic", {}) if names else {}
        except KafkaUnavailable as error:
            says = f"not told: {error.refusal.what}"
            yield warning(_PART, "settings", says, "Look at them by the broker's own tools.")
            configs = {}
    for topic in described:
        name = topic["name"]
        yield from _replicas(name, topic["partitions"], configs.get(name, {}))
        yield from _keeping(name, configs.get(name, {}), settings)


def _replicas(name: str, partitions: list[dict[str, Any]], config: Mapping[str, Any]) -> Iterator[Finding]:
    fewest = min((len(partition["replica_nodes"]) for partition in partitions), default=0)
    in_sync = _number(config, "min.insync.replicas")
    says = f"{len(partitions)} partitions, {fewest} replicas, {in_sync or '?'} in sync to acknowledge"
    if fewest < _REPLICAS_MIN or (in_sync is not None and in_sync < _IN_SYNC_MIN):
        remedy = "In production 3 replicas and min.insync.replicas=2: else one lost disk loses events."
        yield warning(_PART, name, says, remedy)
    elif in_sync is not None and in_sync >= fewest:
        yield warning(_PART, name, says, "One broker away stops all producers: let min.insync.replicas be less.")
    else:
        yield passed(_PART, name, says)
    if _text(config, "unclean.leader.election.enable") == "true":
        says = "unclean.leader.election.enable=true: a broker that lags may lead, and events are lost"
        yield failure(_PART, name, says, "Set unclean.leader.election.enable=false.")


def _keeping(name: str, config: Mapping[str, Any], settings: Settings) -> Iterator[Finding]:
    if "compact" in (_text(config, "cleanup.policy") or ""):
        says = "cleanup.policy=compact: events vanish before they are taken in"
        yield failure(_PART, name, says, "Set cleanup.policy=delete.")
    retention_ms = _number(config, "retention.ms")
    if retention_ms is not None and 0 <= retention_ms < settings.dedupe_window_s * 1000:
        hours = retention_ms / 3_600_000
        says = f"retention.ms is {hours:.1f} h: events are gone after a longer stop of ingest"
        remedy = f"Keep them for {settings.dedupe_window_s / 3600:.0f} h (FOLIOT_DEDUPE_WINDOW_S) at least."
        yield warning(_PART, name, says, remedy)
    size = _number(config, "max.message.bytes")
    wanted = settings.event_bytes_max + ENVELOPE_BYTES_MAX
    if name != settings.changes_topic and size is not None and size < wanted:
        says = f"max.message.bytes is {size:,}: producers cannot send what FOLIOT_EVENT_BYTES_MAX allows"
        yield failure(_PART, name, says, f"Set it to {wanted:,} at least, or lower FOLIOT_EVENT_BYTES_MAX.")


def _text(config: Mapping[str, Any], name: str) -> str | None:
    value = config.get(name, {}).get("value")
    return None if value is None else str(value)


def _number(config: Mapping[str, Any], name: str) -> int | None:
    text = _text(config, name)
    return int(text) if text is not None and text.removeprefix("-").isdecimal() else None

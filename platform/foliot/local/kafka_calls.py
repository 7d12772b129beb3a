"""The one question that tells whether a Kafka-protocol broker is ready."""

from __future__ import annotations

import logging

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from foliot.local.free_ports import HOST, accepts


def broker_answers(port: int) -> bool:
    """Ask the broker on `port` to describe its cluster."""
    # While it starts, the client complains about every refused connection.
    if not accepts(port):
        return False
    logging.getLogger("kafka").setLevel(logging.ERROR)
    try:
        client = KafkaAdminClient(
            bootstrap_servers=f"{HOST}:{port}", request_timeout_ms=1_500, bootstrap_timeout_ms=2_000
        )
    except (KafkaError, OSError):
        return False
    try:
        return bool(client.describe_cluster()["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        client.close()

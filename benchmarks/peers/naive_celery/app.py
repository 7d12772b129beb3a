"""The Celery application of the peer; runs in the peer's own environment.

celery -A benchmarks.peers.naive_celery.app worker --pool prefork --concurrency 4 …
"""

from __future__ import annotations

import os
from typing import Any

import psycopg
from celery import Celery
from psycopg_pool import ConnectionPool

from benchmarks.peers.ledger import apply

app = Celery("naive", broker=os.environ["PEER_BROKER"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=False,
    task_default_queue="incidents",
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=int(os.environ.get("PEER_PREFETCH", "4")),
    worker_enable_remote_control=False,
    worker_disable_rate_limits=True,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)


class Connections:
    """Connections of this process, opened at its first task: a pool's child makes its own after the fork."""

    def __init__(self, dsn: str, size: int) -> None:
        self._dsn = dsn
        self._size = size
        self._pool: ConnectionPool[psycopg.Connection[Any]] | None = None

    def pool(self) -> ConnectionPool[psycopg.Connection[Any]]:
        """Give the pool; each connection prepares a statement at its first use."""
        if self._pool is None:
            self._pool = ConnectionPool(
                self._dsn, min_size=self._size, max_size=self._size, kwargs={"prepare_threshold": 0}, open=True
            )
        return self._pool


connections = Connections(os.environ["PEER_DSN"], int(os.environ.get("PEER_CONNECTIONS", "1")))


@app.task(name="incident.step")
def step_incident(document: str) -> None:
    """Apply one event in one transaction."""
    with connections.pool().connection() as connection:
        apply(connection, document)

"""A server that forks processes which die."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from addresses import KafkaAt, PostgresAt
from integration.crashes.stage import Stage

TESTS = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def stage(postgres_server: PostgresAt, template_database: str, request: pytest.FixtureRequest) -> Iterator[Stage]:
    def kafka() -> str:
        at: KafkaAt = request.getfixturevalue("kafka_server")
        return at.address

    forks = subprocess.Popen(
        [sys.executable, "-m", "integration.crashes.fork_server"],
        cwd=TESTS,
        env={**os.environ, "FOLIOT_TESTING": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with psycopg.connect(postgres_server.dsn, autocommit=True) as admin, forks:
        stage = Stage(postgres_server, template_database, kafka, forks, admin)
        yield stage
        stage.close()
        assert forks.stdin is not None
        forks.stdin.close()

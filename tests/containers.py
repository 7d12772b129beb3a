"""Servers in containers, for tests on machines where Docker answers."""

from __future__ import annotations

import contextlib
import gc
import warnings
from collections.abc import Iterator

import docker
import docker.errors
import requests
from testcontainers.community.kafka import KafkaContainer
from testcontainers.community.postgres import PostgresContainer
from testcontainers.community.redis import RedisContainer

_DOCKER_SECONDS_MAX = 2


def docker_answers() -> bool:
    """Tell whether containers can be started here."""
    with warnings.catch_warnings():
        # Where nobody listens, the client leaves its socket to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        answers = _ping()
        gc.collect()
    return answers


def _ping() -> bool:
    try:
        with contextlib.closing(docker.from_env(timeout=_DOCKER_SECONDS_MAX)) as client:
            return bool(client.ping())
    except (docker.errors.DockerException, requests.RequestException):
        return False


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Run PostgreSQL; give a superuser's DSN."""
    with PostgresContainer("postgres:18", driver=None) as container:
        yield container.get_connection_url()


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    """Run Valkey; give its URL."""
    with RedisContainer("valkey/valkey:9") as container:
        yield f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"


@contextlib.contextmanager
def kafka() -> Iterator[str]:
    """Run Kafka; give the address of its broker."""
    with KafkaContainer().with_kraft() as container:
        yield container.get_bootstrap_server()

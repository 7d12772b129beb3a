"""Real servers for the tests: named by the environment, or in containers, or started on this machine."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import pytest
from addresses import KafkaAt, PostgresAt, ValkeyAt
from hypothesis import HealthCheck, settings

from foliot.engine import stepping
from foliot.local import ApacheKafka, Postgres, Server, Tansu, Valkey

AnyServer = TypeVar("AnyServer", bound=Server)
Container = Callable[[], AbstractContextManager[str]]

# How long an example takes, or how long it takes to draw one, says how busy the machine is: beyond 200 ms, and beyond a
# second for some, Hypothesis would call that a failure.
ANY_PACE = settings(settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
# `make test` draws the same every time, so that who changed nothing sees nothing change; `make explore` draws anew.
settings.register_profile("same", ANY_PACE, derandomize=True)
settings.register_profile("explore", ANY_PACE, print_blob=True)
settings.load_profile("same")

# A shell that runs this in the background ignores Ctrl-C for it, and so would all programs that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def interpreted() -> None:
    """Skip where Foliot is compiled (`make test-compiled`): its functions call each other, and none can be replaced."""
    if not str(stepping.__file__).endswith(".py"):
        pytest.skip("the test puts another function in the place of one that is compiled")


@pytest.fixture(scope="session")
def servers_root() -> Iterator[Path]:
    """A folder for the local servers' data that other accounts may enter (pytest's own is closed to them)."""
    with tempfile.TemporaryDirectory(prefix="foliot-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        root.chmod(0o755)
        yield root


@pytest.fixture(scope="session")
def container_of() -> Callable[[str], Container | None]:
    """Tell how to run a kind of server in a container; None where Docker does not answer."""
    # Imported here: it takes a second, which tests without servers need not pay.
    containers = importlib.import_module("containers")
    answers: bool = containers.docker_answers()

    def container(kind: str) -> Container | None:
        return getattr(containers, kind) if answers else None

    return container


@pytest.fixture(scope="session")
def postgres_server(servers_root: Path, container_of: Callable[[str], Container | None]) -> Iterator[PostgresAt]:
    """A PostgreSQL server that all tests of the session share; tests take their databases from `database`."""
    if dsn := os.environ.get("FOLIOT_TEST_DSN"):
        yield PostgresAt(dsn)
    elif container := container_of("postgres"):
        with container() as dsn:
            yield PostgresAt(dsn)
    else:
        # The shared server is never killed, so that it need not wait for the disk.
        with _running(Postgres(servers_root, settings={"fsync": "off", "shared_buffers": "64MB"})) as server:
            yield PostgresAt(server.dsn)


@pytest.fixture(scope="session")
def valkey_server(servers_root: Path, container_of: Callable[[str], Container | None]) -> Iterator[ValkeyAt]:
    """A Valkey server that all tests of the session share."""
    if url := os.environ.get("FOLIOT_TEST_BROKER_URL"):
        yield ValkeyAt(url)
    elif container := container_of("valkey"):
        with container() as url:
            yield ValkeyAt(url)
    else:
        with _running(Valkey(servers_root)) as server:
            yield ValkeyAt(server.url)


@pytest.fixture(scope="session")
def kafka_server(servers_root: Path, container_of: Callable[[str], Container | None]) -> Iterator[KafkaAt]:
    """A broker that all tests of the session share; without Docker Tansu, or Apache Kafka where KAFKA=apache."""
    if address := os.environ.get("FOLIOT_TEST_KAFKA"):
        yield KafkaAt(address, durable=True)
    elif container := container_of("kafka"):
        with container() as address:
            yield KafkaAt(address, durable=True)
    elif os.environ.get("KAFKA") == "apache":
        with _running(ApacheKafka(servers_root)) as node:
            yield KafkaAt(node.address, durable=True)
    else:
        with _running(Tansu(servers_root)) as broker:
            yield KafkaAt(broker.address, durable=False)


@contextlib.contextmanager
def _running(server: AnyServer) -> Iterator[AnyServer]:
    server.start()
    try:
        yield server
    finally:
        server.stop()

"""The servers of one machine start, keep port and data over restarts, and end with their parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from addresses import Database, KafkaAt, PostgresAt, ValkeyAt
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from foliot.local import ApacheKafka, LocalError, PartMissing, Postgres, ProcessDied, Server, Tansu, Valkey
from foliot.local.apache_kafka import jars_folder
from foliot.local.child import wait_until

needs_apache = pytest.mark.skipif(not jars_folder().exists(), reason="Apache Kafka's jars are not installed")


@pytest.fixture
def postgres(servers_root: Path) -> Iterator[Postgres]:
    server = Postgres(servers_root / "own")
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=[Valkey, Tansu])
def light_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    server: Server = request.param(tmp_path)
    server.start()
    yield server
    server.kill()


def test_a_killed_postgres_has_what_was_committed_under_the_same_address(postgres: Postgres) -> None:
    with psycopg.connect(postgres.dsn) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    address = postgres.address

    postgres.kill()
    postgres.start()

    assert postgres.address == address
    with psycopg.connect(postgres.dsn) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
        connection.execute("DROP TABLE kept")


def test_a_kill_of_postgres_reaches_a_backend_that_is_busy(postgres: Postgres) -> None:
    busy = psycopg.connect(postgres.dsn, autocommit=True)
    busy_pid = busy.info.backend_pid
    thread = threading.Thread(target=_sleep_in_the_database, args=(busy,))
    thread.start()
    _wait_for_query(postgres, "pg_sleep")

    postgres.kill()
    postgres.start()

    thread.join(timeout=60)
    assert not thread.is_alive()
    assert _is_gone(busy_pid)


def test_a_postgres_starts_though_nobody_has_buried_the_one_before_it(postgres: Postgres, servers_root: Path) -> None:
    dead = psutil.Process(postgres.child.pid)
    family = [dead, *dead.children()]
    # Its exit is not collected here, as by the first process of a container that collects none.
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    assert wait_until(lambda: not any(map(_runs, family)), seconds_max=60)
    successor = Postgres(servers_root / "own")

    successor.start()

    assert dead.status() == psutil.STATUS_ZOMBIE
    assert _answers(successor)
    successor.kill()


def test_a_frozen_postgres_does_not_answer_until_it_is_thawed(postgres: Postgres) -> None:
    connection = psycopg.connect(postgres.dsn, autocommit=True)
    thread = threading.Thread(target=connection.execute, args=("SELECT 1",))

    postgres.freeze()
    thread.start()
    thread.join(timeout=0.3)
    frozen = thread.is_alive()
    answered_frozen = postgres.answers()
    postgres.thaw()
    thread.join(timeout=60)

    assert frozen
    assert not answered_frozen
    assert not thread.is_alive()
    assert _answers(postgres)
    connection.close()


def test_postgres_syncs_commits_and_listens_on_no_socket_file(postgres: Postgres) -> None:
    names = ("fsync", "synchronous_commit", "autovacuum", "max_connections", "unix_socket_directories")

    with psycopg.connect(postgres.dsn) as connection:
        values = [connection.execute(f"SHOW {name}").fetchone() for name in names]

    assert values == [("on",), ("on",), ("on",), ("100",), ("",)]


def test_a_database_is_copied_from_a_template(postgres: Postgres) -> None:
    with psycopg.connect(postgres.create_database("pattern")) as connection:
        connection.execute("CREATE TABLE copied (n int)")

    dsn = postgres.create_database("copy", template="pattern")

    assert postgres.has_database("copy")
    assert not postgres.has_database("other")
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM copied").fetchone() == (0,)


def test_a_light_server_is_ready_again_at_the_same_address_after_stop_and_kill(light_server: Server) -> None:
    address = light_server.address

    light_server.stop()
    stopped = light_server.child.running()
    light_server.start()
    light_server.kill()
    light_server.start()

    assert not stopped
    assert light_server.address == address
    assert _answers(light_server)


def test_a_frozen_light_server_does_not_answer_until_it_is_thawed(light_server: Server) -> None:
    light_server.freeze()
    frozen = light_server.answers()
    light_server.thaw()

    assert not frozen
    assert _answers(light_server)


def test_a_server_whose_chosen_port_was_taken_starts_on_another(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    with socket.create_server(("127.0.0.1", server.port)):
        taken = server.port

        server.start()

    assert server.port != taken
    assert _answers(server)
    server.kill()


def test_a_server_whose_given_port_is_taken_says_so_with_its_log(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = Valkey(tmp_path, port=other.getsockname()[1])

        with pytest.raises(ProcessDied, match="Address already in use"):
            server.start()


def test_a_server_is_not_started_outside_of_the_main_thread(tmp_path: Path) -> None:
    refused: list[LocalError] = []

    def start() -> None:
        try:
            Valkey(tmp_path).start()
        except LocalError as error:
            refused.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert len(refused) == 1
    assert "main thread" in str(refused[0])


def test_a_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time; from foliot.local import Valkey; "
        "server = Valkey(pathlib.Path(sys.argv[1])); server.start(); "
        "print(server.child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        server_pid = int(parent.stdout.readline())

        os.kill(parent.pid, signal.SIGKILL)

    assert wait_until(lambda: _is_gone(server_pid), seconds_max=60)


def test_apache_kafka_without_java_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PartMissing, match=r"no `java` on the PATH.*apt-get install openjdk"):
        ApacheKafka(tmp_path, install=True).start()


def test_apache_kafka_without_its_jars_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    with pytest.raises(PartMissing, match="make kafka-install"):
        ApacheKafka(tmp_path).start()


@needs_apache
@pytest.mark.slow
def test_a_killed_apache_kafka_has_every_acknowledged_record(tmp_path: Path) -> None:
    broker = ApacheKafka(tmp_path)
    broker.start()
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    admin.close()
    with KafkaProducer(bootstrap_servers=broker.address, acks="all") as producer:
        for number in range(100):
            producer.send("kept", str(number).encode()).get(timeout=60)

    broker.kill()
    broker.start()

    with KafkaConsumer(bootstrap_servers=broker.address, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition("kept", 0)])
        values = [next(consumer).value for _ in range(100)]
    broker.stop()
    assert values == [str(number).encode() for number in range(100)]


def test_the_shared_servers_answer(postgres_server: PostgresAt, valkey_server: ValkeyAt, kafka_server: KafkaAt) -> None:
    assert postgres_server.dsn.startswith("postgresql://")
    assert valkey_server.url.startswith("redis://")
    assert ":" in kafka_server.address


def test_a_database_for_tests_has_the_tables_and_lets_all_three_roles_in(database: Database) -> None:
    for dsn in (database.owner, database.service, database.front):
        with psycopg.connect(dsn) as connection:
            found = connection.execute("SELECT to_regclass('instances') IS NOT NULL").fetchone()

        assert found == (True,)


def _answers(server: Server) -> bool:
    """Ask again and again: one question has a second or two, and a busy machine may take longer."""
    return wait_until(server.answers, seconds_max=60)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _sleep_in_the_database(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    try:
        connection.execute("SELECT pg_sleep(60)")
    except psycopg.OperationalError:
        connection.close()


def _wait_for_query(server: Postgres, text: str) -> None:
    deadline = time.monotonic() + 60
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        while time.monotonic() < deadline:
            query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s AND pid <> pg_backend_pid()"
            if connection.execute(query, (f"%{text}%",)).fetchone() == (1,):
                return
            time.sleep(0.02)
    pytest.fail("the query did not begin")


def _is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True

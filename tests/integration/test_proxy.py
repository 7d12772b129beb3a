"""The proxy for fault tests passes, cuts, freezes, and cuts between a commit and its reply."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from addresses import Database
from faults.proxy import Proxy


@pytest.fixture
def echo_server() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, contextlib.suppress(OSError):
                        while data := connection.recv(1024):
                            connection.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        # A thread that still waits in it would go on with whatever gets its number next.
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def table(database: Database) -> Iterator[Database]:
    with psycopg.connect(database.owner) as connection:
        connection.execute("CREATE TABLE written (n int)")
    yield database
    with psycopg.connect(database.owner) as connection:
        connection.execute("DROP TABLE written")


def test_bytes_pass_until_a_cut_and_again_on_a_new_connection(echo_server: str) -> None:
    with Proxy(echo_server) as proxy:
        with _connected(proxy) as first:
            first.sendall(b"one")
            answer = first.recv(10)

            count = proxy.cut()
            after_cut = first.recv(10)

        with _connected(proxy) as second:
            second.sendall(b"two")
            assert second.recv(10) == b"two"

    assert answer == b"one"
    assert count == 1
    assert after_cut == b""


def test_a_frozen_proxy_holds_bytes_back_until_it_is_thawed(echo_server: str) -> None:
    with Proxy(echo_server) as proxy, _connected(proxy) as client:
        client.sendall(b"before")
        assert client.recv(10) == b"before"

        proxy.freeze()
        # A freeze holds from the next look on.
        threading.Event().wait(0.25)
        client.sendall(b"held")
        client.settimeout(0.4)
        with pytest.raises(TimeoutError):
            client.recv(10)
        proxy.thaw()
        client.settimeout(60)

        assert client.recv(10) == b"held"


@pytest.mark.parametrize("prepared", [False, True], ids=["simple", "prepared"])
def test_a_commit_whose_reply_is_cut_was_done_although_the_client_cannot_know(
    table: Database, *, prepared: bool
) -> None:
    with Proxy(_address(table), postgres=True) as proxy:
        connection = psycopg.connect(_through(proxy, table))
        for _ in range(2):
            connection.execute("SELECT")
            connection.execute("COMMIT", prepare=prepared)
        connection.execute("INSERT INTO written VALUES (1)")
        proxy.cut_at_commits()

        with pytest.raises(psycopg.OperationalError):
            connection.execute("COMMIT", prepare=prepared)

        connection.close()
        assert proxy.commits_cut == 1
    assert _written(table) == [1]


def test_a_pipelined_commit_is_cut_too(table: Database) -> None:
    with Proxy(_address(table), postgres=True) as proxy:
        connection = psycopg.connect(_through(proxy, table))
        proxy.cut_at_commits()

        with pytest.raises(psycopg.OperationalError):
            _insert_and_commit_in_one_go(connection, 2)

        connection.close()
        assert proxy.commits_cut == 1
    assert _written(table) == [2]


def test_a_commit_of_nothing_is_not_cut(table: Database) -> None:
    with (
        Proxy(_address(table), postgres=True) as proxy,
        psycopg.connect(_through(proxy, table)) as connection,
    ):
        connection.execute("INSERT INTO written VALUES (9)")
        connection.rollback()
        proxy.cut_at_commits()

        connection.execute("SELECT * FROM written")
        connection.commit()

        assert proxy.commits_cut == 0


def test_only_as_many_commits_are_cut_as_were_asked_for(table: Database) -> None:
    with Proxy(_address(table), postgres=True) as proxy:
        proxy.cut_at_commits()
        broken = psycopg.connect(_through(proxy, table))
        broken.execute("INSERT INTO written VALUES (3)")
        with pytest.raises(psycopg.OperationalError):
            broken.commit()
        broken.close()

        with psycopg.connect(_through(proxy, table)) as connection:
            connection.execute("INSERT INTO written VALUES (4)")

        assert proxy.commits_cut == 1
    assert _written(table) == [3, 4]


def _connected(proxy: Proxy) -> socket.socket:
    host, _, port = proxy.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=60)


def _address(database: Database) -> str:
    return urlsplit(database.owner).netloc.rpartition("@")[2]


def _through(proxy: Proxy, database: Database) -> str:
    through = database.owner.replace(_address(database), proxy.address)
    return f"{through}?sslmode=disable&gssencmode=disable"


def _insert_and_commit_in_one_go(connection: psycopg.Connection[Any], number: int) -> None:
    with connection.pipeline():
        connection.execute("INSERT INTO written VALUES (%s)", (number,))
        connection.commit()


def _written(database: Database) -> list[int]:
    with psycopg.connect(database.owner) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM written ORDER BY n").fetchall()]

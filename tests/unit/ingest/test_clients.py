"""Clients of Kafka as a process has many of them: what one leaves behind must not hurt the others."""

from __future__ import annotations

import gc
import re
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from kafka import KafkaConsumer
from kafka.protocol.api_header import ResponseClassRegistry
from kafka.protocol.metadata import ApiVersionsResponse

from foliot.producer import BadServers, KafkaUnavailable, Producer, Security, make_client, translated

VERSION = 2


@pytest.fixture
def mute() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def classes(monkeypatch: pytest.MonkeyPatch) -> dict[int, type]:
    """The classes of an answer's versions, of which none has been met yet."""
    met: dict[int, type] = {}
    monkeypatch.setattr(ApiVersionsResponse, "_VERSIONS", met)
    return met


def test_a_version_that_two_clients_meet_at_the_same_time_can_be_read_ever_after(classes: dict[int, type]) -> None:
    first = ApiVersionsResponse[VERSION]
    classes.clear()
    second = ApiVersionsResponse[VERSION]
    classes[VERSION] = first
    del second
    gc.collect()

    asked = SimpleNamespace(request_api_key=ApiVersionsResponse.API_KEY, request_api_version=VERSION)
    assert ResponseClassRegistry.get_response_class(asked) is first


def test_a_client_that_gets_no_answer_leaves_nothing_behind(mute: str) -> None:
    before = threading.active_count()

    with pytest.raises(KafkaUnavailable, match=r"no broker of .* took this client by PLAINTEXT"), translated("test"):
        make_client(KafkaConsumer, mute, Security(), bootstrap_timeout_ms=200, request_timeout_ms=1_000)

    assert threading.active_count() == before


@pytest.mark.parametrize(
    "servers",
    ["localhost", "localhost:", ":9092", "localhost:broker", "localhost:0", "localhost:65536", "a..b:9092", "[]:9092"],
)
def test_what_is_no_list_of_servers_is_refused_by_its_part(servers: str) -> None:
    with pytest.raises(BadServers, match=re.escape(f"{servers!r} is not host:port")) as refused:
        Producer(f"127.0.0.1:9092, {servers}")

    assert not refused.value.retryable

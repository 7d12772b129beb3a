"""Wake-ups through a real broker: one for each class at a time, and never a burden."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis

from foliot.local import Valkey
from foliot.settings import Settings
from foliot_workers import app, waking
from foliot_workers.waking import WAITS_MS, CeleryWake

URGENT, BULK = "foliot.step.urgent", "foliot.step.bulk"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def queues(broker: Valkey) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(broker.url) as client:
        yield client


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the broker, and believe its flags, for longer than a busy machine is away."""
    monkeypatch.setattr(app, "SEND_TIMEOUT_S", 30.0)
    monkeypatch.setattr(waking, "SEND_TIMEOUT_S", 30.0)
    monkeypatch.setattr(waking, "WAITS_MS", 60_000)


@pytest.fixture
def wake(broker: Valkey, unhurried: None) -> CeleryWake:  # noqa: ARG001 - before it opens connections
    return CeleryWake(Settings(broker_url=broker.url))


def test_many_wake_ups_become_one_message_until_it_is_taken(wake: CeleryWake, queues: redis.Redis) -> None:
    for _ in range(5):
        wake.wake({1: False, 2: False})
    before = queues.llen(BULK)
    wake.clear("bulk")
    wake.wake({1: False})

    assert before == 1
    assert queues.llen(BULK) == 2
    assert queues.llen(URGENT) == 0


def test_urgent_work_wakes_urgent_children_alone(wake: CeleryWake, queues: redis.Redis) -> None:
    wake.wake({1: False, 2: True})

    assert (queues.llen(URGENT), queues.llen(BULK)) == (1, 0)


def test_a_message_names_the_shards_where_they_are_few(wake: CeleryWake, queues: redis.Redis) -> None:
    wake.wake({1: False, 2: True})
    wake.wake({3: False, 4: False})
    wake.clear("bulk")
    wake.wake({5: False, 6: False, 7: False})

    assert _told(queues, URGENT) == [[2]]
    assert _told(queues, BULK) == [[3, 4], []]


def _told(queues: redis.Redis, queue: str) -> list[list[int]]:
    messages = queues.lrange(queue, 0, -1)
    assert isinstance(messages, list)
    bodies = [orjson.loads(base64.b64decode(orjson.loads(message)["body"])) for message in reversed(messages)]
    return [arguments[0] for arguments, _, _ in bodies]


def test_no_shards_are_no_message(wake: CeleryWake, queues: redis.Redis) -> None:
    wake.wake({})

    assert queues.llen(BULK) == 0


def test_the_flag_of_a_lost_message_is_believed_for_a_second_only(
    wake: CeleryWake, queues: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "WAITS_MS", WAITS_MS)
    wake.wake({1: False})
    queues.delete(BULK)

    time.sleep(1.1)
    wake.wake({1: False})

    assert queues.llen(BULK) == 1


def test_a_dead_broker_is_tolerated_and_asked_again_a_second_later(
    wake: CeleryWake, queues: redis.Redis, broker: Valkey
) -> None:
    wake.wake({1: False})
    broker.kill()
    wake.wake({1: False})
    broker.start()

    time.sleep(1.1)
    wake.wake({1: False})

    assert queues.llen(BULK) == 1


def test_a_frozen_broker_holds_up_one_call_in_the_time_for_which_it_is_left_alone(
    broker: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    wake = CeleryWake(Settings(broker_url=broker.url))
    monkeypatch.setattr(waking, "_BACK_OFF_S", 600.0)
    tried: list[tuple[str, ...]] = []
    post = waking._Links.post

    def counted(links: waking._Links, classes: tuple[Any, ...], shards: Sequence[int]) -> None:
        tried.append(classes)
        post(links, classes, shards)

    monkeypatch.setattr(waking._Links, "post", counted)
    broker.freeze()

    # The one that is held up comes back by itself: nobody thaws the broker meanwhile.
    for _ in range(100):
        wake.wake({1: True})
    broker.thaw()

    assert tried == [("urgent",)]


def test_a_forked_process_opens_its_own_connections(wake: CeleryWake, queues: redis.Redis) -> None:
    wake.wake({1: False})
    wake.clear("bulk")

    pid = os.fork()
    if pid == 0:
        wake.wake({1: True})
        os._exit(0)
    os.waitpid(pid, 0)
    wake.clear("bulk")
    wake.wake({1: False})

    assert (queues.llen(URGENT), queues.llen(BULK)) == (1, 2)

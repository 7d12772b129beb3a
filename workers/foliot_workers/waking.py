"""The port `Wake` by Celery: small messages that say "there is work", one for each class of children at a time.

Where few shards have work, the message names them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import redis
import structlog
from celery import Celery
from redis.backoff import NoBackoff
from redis.retry import Retry

from foliot.settings import Settings
from foliot_workers.app import SEND_TIMEOUT_S, STEP_QUEUES, STEP_TASK, LaneClass, is_redis, make_app

log = structlog.get_logger(__name__)

WAITS_MS: Final = 1000
"""How long the flag "one is waiting" is believed: a message that was lost costs no more than this."""
_BACK_OFF_S: Final = 1.0
_ONCE_MORE: Final = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
SHARDS_NAMED_MAX: Final = 2
"""Shards that a message names. Where more have work, a look at all of them is the shorter way."""
_COALESCE_S: Final = 0.01
"""Without a flag, a class is told at most so often. Below the pause after which a child looks again."""


class CeleryWake:
    """Wakes children through the broker; a lost or doubled message does no harm.

    With Redis or Valkey a flag beside the queue tells that a message waits already; the child clears it before it looks
    at all shards, after it has stepped those that the message names. Where the broker does not answer, it is left alone
    for a second: the pollers find the work.

    Any thread may call it, and a process made by a fork as well: each process opens its own connections.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._links = _Links(settings)
        self._quiet_until = 0.0

    def wake(self, shards: Mapping[int, bool]) -> None:
        """Say that these shards have work; urgent children tell the bulk ones of the rest, once they have done theirs.

        So nothing else asks for the processor while an urgent event is on its way.
        """
        if shards:
            urgent = any(shards.values())
            named = [shard for shard, is_urgent in shards.items() if is_urgent is urgent]
            self.post(("urgent" if urgent else "bulk",), named if len(named) <= SHARDS_NAMED_MAX else ())

    def post(self, classes: Iterable[LaneClass], shards: Sequence[int] = ()) -> None:
        """Send one message to each class for which none is known to wait; it names `shards` as those to begin with."""
        if time.monotonic() < self._quiet_until:
            return
        try:
            self._open().post(tuple(classes), shards)
        except Exception as error:  # noqa: BLE001 - a hint must not fail what it is about
            self._quiet_until = time.monotonic() + _BACK_OFF_S
            log.warning("wake_up_not_sent", error=str(error))

    def clear(self, lane_class: LaneClass) -> None:
        """Say that the message that waited is taken. Called before all shards are looked at."""
        try:
            self._open().clear(lane_class)
        except Exception as error:  # noqa: BLE001 - the flag goes by itself after a second
            log.debug("flag_not_cleared", error=str(error))

    def _open(self) -> _Links:
        if self._links.pid != os.getpid():
            # Without a lock, which a fork in the middle would leave locked in the child for ever. Of two threads that
            # come here at the same time both open, and one of the results is dropped.
            self._links = _Links(self._settings)
        return self._links


class Unwoken:
    """In the place of `CeleryWake` where there is no broker: children poll."""

    def wake(self, shards: Mapping[int, bool]) -> None:
        """Do nothing."""

    def post(self, classes: Iterable[LaneClass], shards: Sequence[int] = ()) -> None:
        """Do nothing."""

    def clear(self, lane_class: LaneClass) -> None:
        """Do nothing."""


class _Links:
    """The connections of one process, each made at its first use."""

    def __init__(self, settings: Settings) -> None:
        self.pid = os.getpid()
        self._app: Celery = make_app(settings, sends_only=True)
        # What Celery would make at the first message, in a tenth of a second.
        self._app.finalize(auto=True)
        _ = self._app.amqp.send_task_message, self._app.backend
        self._flags = _flags(settings)
        self._sent = dict.fromkeys(STEP_QUEUES, 0.0)

    def post(self, classes: tuple[LaneClass, ...], shards: Sequence[int]) -> None:
        for lane_class in self._claim(classes):
            # The retry is for a connection that broke since the last message.
            self._app.send_task(
                STEP_TASK,
                args=(list(shards),),
                queue=STEP_QUEUES[lane_class],
                # The workers declare their queues.
                declare=(),
                ignore_result=True,
                retry=True,
                retry_policy=_ONCE_MORE,
            )

    def clear(self, lane_class: LaneClass) -> None:
        if self._flags is not None:
            self._flags.delete(_flag(lane_class))

    def _claim(self, classes: tuple[LaneClass, ...]) -> list[LaneClass]:
        if self._flags is None:
            now = time.monotonic()
            due = [lane_class for lane_class in classes if now - self._sent[lane_class] >= _COALESCE_S]
            self._sent.update(dict.fromkeys(due, now))
            return due
        with self._flags.pipeline(transaction=False) as pipeline:
            for lane_class in classes:
                pipeline.set(_flag(lane_class), self.pid, nx=True, px=WAITS_MS)
            answers = pipeline.execute()
        return [lane_class for lane_class, first in zip(classes, answers, strict=True) if first]


def _flag(lane_class: LaneClass) -> str:
    return f"{STEP_QUEUES[lane_class]}.waiting"


def _flags(settings: Settings) -> redis.Redis | None:
    if not is_redis(settings.broker_url):
        return None
    return redis.Redis.from_url(
        settings.broker_url,
        socket_connect_timeout=SEND_TIMEOUT_S,
        socket_timeout=SEND_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )

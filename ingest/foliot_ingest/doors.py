"""How topics take what is sent to them: which are there, which are closed for a while, which refuse for good."""

from __future__ import annotations

import math
import time
from enum import Enum
from typing import Any, ClassVar, Final, NamedTuple

from kafka import KafkaProducer
from kafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from foliot.definition import TOPIC
from foliot.errors import FoliotError
from foliot.producer import KafkaUnavailable, first_line
from foliot.reserved import RESERVED_TOPIC
from foliot.settings import Settings
from foliot_ingest.outgoing import Outgoing, Stream
from foliot_ingest.topics import make_topics, own_topics

CLOSED_S: Final = 30.0
"""How long nothing is tried with a topic that cannot be made or is refused."""
_CLOSED_MAX: Final = 1_000
"""Closed topics that are remembered beyond their time; machines name topics, and may name any number."""
_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)
_FORBIDDEN: Final = (TopicAuthorizationFailedError, PolicyViolationError)
"""What Kafka says of a topic again and again until a person changes something."""
_REFUSALS: Final = (*_TOO_LARGE, *_FORBIDDEN, InvalidTopicError)


class MessageTooLarge(FoliotError):
    """A message is larger than its topic takes."""

    code: ClassVar[str] = "message_too_large"
    remedy: ClassVar[str] = "Raise max.message.bytes of the topic, then redrive; or let the machine send less."


class TopicRefused(FoliotError):
    """Kafka does not let Foliot send to a topic, or there can be none of that name."""

    code: ClassVar[str] = "topic_refused"
    remedy: ClassVar[str] = "Make the topic writable for Foliot, then redrive; or let the machine send elsewhere."


class _Kind(Enum):
    """Why a topic is closed: it is out of reach, Foliot may not write to it, or there can be none of the name."""

    AWAY = 0
    FORBIDDEN = 1
    IMPOSSIBLE = 2


class _Closed(NamedTuple):
    """A topic that is not tried before `until`."""

    why: str
    until: float
    kind: _Kind


class Doors:
    """Hands records over, and remembers how topics took them. For one thread.

    Only messages are refused for good: changes wait until their topic, which is Foliot's own, takes them. Where a topic
    is forbidden, a tenant's messages wait for as long as the settings say, once for all its topics together, since
    others' messages may stand behind them.
    """

    def __init__(self, settings: Settings, *, name: str) -> None:
        self._settings = settings
        self._name = name
        self._own = frozenset(own_topics(settings))
        self._open: set[str] = set()
        self._closed: dict[str, _Closed] = {}
        self._forbidden_since: dict[int, float] = {}
        self._confirmed_at = -math.inf

    def hand_over(self, producer: KafkaProducer, record: Outgoing, *, deadline: float) -> Any:
        """Give a record to the producer, making its topic first where it is missing; gives the report to come.

        Raises:
            MessageTooLarge, TopicRefused: it will never be taken.
            KafkaUnavailable: it is not taken now, or its topic is new and the deadline has passed.
        """
        topic = record.topic
        if record.stream is Stream.MESSAGES:
            self._check_name(topic)
        closed = self._closed.get(topic)
        if closed is not None and time.monotonic() < closed.until:
            raise self._refused(record, closed)
        if topic not in self._open and time.monotonic() > deadline:
            raise KafkaUnavailable("others took all the time there was", where=topic)
        try:
            if topic not in self._open:
                make_topics(self._settings, [topic], name=self._name)
                self._open.add(topic)
            return producer.send(topic, record.value, record.key, list(record.headers))
        except (KafkaUnavailable, KafkaError, ValueError) as error:
            raise self.judge(record, error.__cause__ if isinstance(error, KafkaUnavailable) else error) from error

    def confirm(self, record: Outgoing) -> None:
        """Remember that a topic has taken a record."""
        self._confirmed_at = time.monotonic()
        closed = self._closed.pop(record.topic, None)
        if closed is not None and closed.kind is _Kind.FORBIDDEN:
            self._forbidden_since.pop(_tenant(record), None)

    def judge(self, record: Outgoing, error: BaseException | None) -> FoliotError:
        """Say what an error means for the record that met it, and close its topic where that is to blame.

        One that was reported is certain to be this record's only where no other was on its way: see `is_refusal`.
        """
        why = first_line(error) if isinstance(error, Exception) else "no answer"
        if isinstance(error, _TOO_LARGE) and record.stream is Stream.MESSAGES:
            return MessageTooLarge(why, where=record.topic)
        now = time.monotonic()
        kind = _Kind.AWAY
        if isinstance(error, InvalidTopicError):
            kind = _Kind.IMPOSSIBLE
        elif isinstance(error, _FORBIDDEN):
            kind = _Kind.FORBIDDEN
            self._forbidden_since.setdefault(_tenant(record), now)
        self._open.discard(record.topic)
        if len(self._closed) >= _CLOSED_MAX:
            self._closed = {topic: each for topic, each in self._closed.items() if now < each.until}
        closed = self._closed[record.topic] = _Closed(why, now + CLOSED_S, kind)
        return self._refused(record, closed)

    def _check_name(self, topic: str) -> None:
        if topic in self._own or RESERVED_TOPIC.match(topic):
            whose = "Foliot" if topic in self._own else "Kafka"
            raise TopicRefused(f"{topic!r} is a topic of {whose}'s own", where=topic, remedy="Send elsewhere.")
        if not TOPIC.match(topic):
            raise TopicRefused(f"{topic!r} can't be the name of a topic", where=topic, remedy="Send elsewhere.")

    def _refused(self, record: Outgoing, closed: _Closed) -> FoliotError:
        if record.stream is Stream.MESSAGES and (
            closed.kind is _Kind.IMPOSSIBLE or (closed.kind is _Kind.FORBIDDEN and self._has_waited(record))
        ):
            return TopicRefused(closed.why, where=record.topic)
        return KafkaUnavailable(closed.why, where=record.topic)

    def _has_waited(self, record: Outgoing) -> bool:
        """Whether a tenant's patience is at an end, and Foliot's own rights are not what is missing."""
        since = self._forbidden_since.get(_tenant(record), math.inf)
        return time.monotonic() - since >= self._settings.topic_patience_s and self._confirmed_at >= since


def is_refusal(error: KafkaError) -> bool:
    """Whether Kafka refuses a record for good.

    The producer gives up all that it has on its way for one record that is refused, with the same error: who is to
    blame is known only where the record was alone.
    """
    return isinstance(error, _REFUSALS)


def _tenant(record: Outgoing) -> int:
    return -1 if record.origin is None else record.origin.tenant

"""When a call is tried again, and when it is given up: decided here, done by the clients.

Every call may be tried again whatever became of it: what changes something carries an id, and is done once by it.
Source: Amazon Builders' Library, "Timeouts, retries, and backoff with jitter" (full jitter); RFC 9110, section 10.2.3.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Generic, TypeVar

from foliot.client.calls import Answer, Call
from foliot.client.refusals import ApiError, refusal_of, unanswered, unreadable

T = TypeVar("T")

ANSWER_BYTES_MAX: Final = 67_108_864
_AGAIN: Final = frozenset((HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS))
_TRY_S_MIN: Final = 0.001
_DOUBLINGS_MAX: Final = 32
_PROBLEM: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is tried.

    Attributes:
        total_s: from the first try to the last, beyond what the API was asked to wait; 0 tries once.
        try_s: how long one try waits for the API, beyond what it was asked to wait itself.
        pause_s_first: the bound of the first pause, which is drawn evenly from nothing to the bound.
        pause_s_max: what the bound doubles to.
    """

    total_s: float = 30.0
    try_s: float = 10.0
    pause_s_first: float = 0.1
    pause_s_max: float = 5.0


@dataclass(frozen=True, slots=True)
class Lost:
    """A try that brought no answer, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Try again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """The call's result."""

    value: T


class Backoff:
    """Pauses that grow, each drawn by chance so that many who failed together do not come back together."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._pauses = 0

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._pauses = 0

    def next_s(self, wanted_s: float = 0.0) -> float:
        """Give the next pause; never shorter than what the server wanted."""
        bound = min(self._patience.pause_s_max, self._patience.pause_s_first * 2.0 ** min(self._pauses, _DOUBLINGS_MAX))
        self._pauses += 1
        return wanted_s + secrets.SystemRandom().uniform(0.0, bound)


class Trial(Generic[T]):
    """The tries of one call.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, call: Call[T], patience: Patience, clock: Callable[[], float] = time.monotonic) -> None:
        self._call = call
        self._try_s = patience.try_s + call.wait_s
        self._once = patience.total_s <= 0
        self._backoff = Backoff(patience)
        self._clock = clock
        self._until = clock() + (patience.try_s if self._once else patience.total_s) + call.wait_s

    def timeout_s(self) -> float:
        """Give the time that the next try may take."""
        return max(_TRY_S_MIN, min(self._try_s, self._until - self._clock()))

    def judge(self, outcome: Answer | Lost) -> Done[T] | Pause:
        """Say what follows from a try.

        Raises:
            ApiError: the call is refused, or there is no time left to try it again.
        """
        if isinstance(outcome, Lost):
            return self._again(unanswered(outcome.why, self._call.where), 0.0)
        if outcome.status in self._call.statuses and media_type(outcome) != _PROBLEM:
            return self._read(outcome)
        error = refusal_of(outcome.status, outcome.body, self._call.where)
        if outcome.status in _AGAIN or outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._again(error, retry_after_s(outcome, datetime.now(UTC)))
        raise error

    def _read(self, answer: Answer) -> Done[T] | Pause:
        try:
            return Done(self._call.read(answer))
        except ValueError:
            what = "the answer cannot be read"
            error = unreadable(what, self._call.where, status=answer.status, body=answer.body)
            return self._again(error, 0.0)

    def _again(self, error: ApiError, wanted_s: float) -> Pause:
        pause_s = self._backoff.next_s(wanted_s)
        if self._once or self._clock() + pause_s >= self._until:
            raise error
        return Pause(pause_s)


class Gathering:
    """An answer's body as it comes, bounded in size and in time: a server that dribbles holds nobody for ever."""

    def __init__(self, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = clock() + timeout_s
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> Lost | None:
        """Take a part; tell if it is enough of this try."""
        self._parts.append(part)
        self._size += len(part)
        if self._size > ANSWER_BYTES_MAX:
            return Lost(f"the answer has more than {ANSWER_BYTES_MAX} bytes")
        return Lost("the answer did not end in time") if self._clock() > self._until else None

    @property
    def body(self) -> bytes:
        """All that came."""
        return b"".join(self._parts)


def retry_after_s(answer: Answer, now: datetime) -> float:
    """Read how long the server wants to be left alone: seconds, or a date; 0 where it does not say."""
    text = answer.headers.get("retry-after", "").strip()
    try:
        seconds = float(text) if text.isascii() and text.isdecimal() else _until(text, now)
    except (ValueError, OverflowError):
        return 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _until(text: str, now: datetime) -> float:
    moment = parsedate_to_datetime(text)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()


def media_type(answer: Answer) -> str:
    """Give the type of an answer's body without its parameters."""
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()

"""A watch as a value: what to ask for, what was seen, when to ask again. Nothing here does I/O.

Source: WHATWG HTML, "Server-sent events": the id of the last whole message is sent when the stream is asked for again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from pydantic import ValidationError

from foliot.client.answers import Instance, Problem, Step, Watched
from foliot.client.calls import Answer
from foliot.client.refusals import ApiError, refusal_of, unanswered, unreadable
from foliot.client.trying import Backoff, Patience, media_type, retry_after_s

EVENT_STREAM: Final = "text/event-stream"
_AGAIN: Final = frozenset((HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS))
_PROBLEM: Final = "problem"
_KINDS: Final[Mapping[str, type[Step | Instance]]] = {"step": Step, "instance": Instance}


class Following:
    """One watch over all its connections.

    Args:
        after: the place after which to go on; empty: from now on.
    """

    def __init__(
        self,
        path: str,
        query: Mapping[str, str],
        after: str,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.query = query
        self._place = after
        self._patience = patience
        self._backoff = Backoff(patience)
        self._clock = clock
        self._lost_at = clock()
        self._open = False

    @property
    def headers(self) -> dict[str, str]:
        """Give what the next connection has to say."""
        said = {"accept": EVENT_STREAM, "cache-control": "no-store"}
        return {**said, "last-event-id": self._place} if self._place else said

    def opened(self) -> None:
        """Note that the API has begun to answer."""
        self._open = True

    def take(self, event: str, place: str, data: str) -> Watched | None:
        """Read a message; None for one that is not known, that was there before, or that only moves the place on.

        Raises:
            ApiError: it is a problem that does not pass, or no message of the API's.
        """
        if event == _PROBLEM:
            self._check(data)
            return None
        self._backoff.reset()
        kind = _KINDS.get(event)
        if kind is None or not data or place == self._place:
            self._place = place or self._place
            return None
        try:
            seen = Watched(place=place, what=kind.model_validate_json(data))
        except ValidationError as error:
            raise unreadable(f"a message {event!r} cannot be read", self._where, body=data.encode()) from error
        self._place = place
        return seen

    def _check(self, data: str) -> None:
        """Raise what ends the watch; after what may pass the stream ends, and is asked for again."""
        try:
            status = Problem.model_validate_json(data).status
        except ValidationError as error:
            raise unreadable("a problem cannot be read", self._where, body=data.encode()) from error
        if not _may_pass(status):
            raise refusal_of(status, data.encode(), self._where)

    def lost(self, why: str) -> float:
        """Give the seconds to wait before the next connection.

        Raises:
            NoAnswer: none has come about for as long as a call is tried.
        """
        return self._pause(unanswered(why, self._where), 0.0)

    def refused(self, answer: Answer) -> float:
        """Give the seconds to wait after a refusal that may pass.

        Raises:
            ApiError: it does not pass, or has not for as long as a call is tried.
        """
        error = refusal_of(answer.status, answer.body, self._where)
        if not _may_pass(answer.status):
            raise error
        return self._pause(error, retry_after_s(answer, datetime.now(UTC)))

    def _pause(self, error: ApiError, wanted_s: float) -> float:
        now = self._clock()
        if self._open:
            self._lost_at, self._open = now, False
        pause_s = self._backoff.next_s(wanted_s)
        if now + pause_s >= self._lost_at + self._patience.total_s:
            raise error
        return pause_s

    @property
    def _where(self) -> str:
        return f"GET {self.path}"


def _may_pass(status: int) -> bool:
    return status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def is_stream(answer: Answer) -> bool:
    """Tell whether an answer is a stream of events."""
    return answer.status == HTTPStatus.OK and media_type(answer) == EVENT_STREAM

"""What a call can end in, by who must act: the error's class follows the HTTP status, its code the API's problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import ClassVar, Final

from pydantic import ValidationError

from foliot.client.answers import Accepted, Fault, Problem
from foliot.errors import FoliotError

_QUOTED_MAX: Final = 200


class ApiError(FoliotError):
    """A call to the API came to nothing.

    Attributes:
        refusal: `code`, `what`, `where` and `remedy` as the API says them, or this package where it says nothing.
        status: the HTTP status; None where there was no answer.
        index: which of the events that were sent is meant, from 0.
        diagnostics: all that is wrong with a definition.
        taken: what became of the events in batches before the one that failed. Sending all of them again is safe.
    """

    code: ClassVar[str] = "api_error"

    def __init__(self, problem: Problem, *, status: int | None) -> None:
        super().__init__(problem.detail, where=problem.where, remedy=problem.remedy)
        self.refusal = replace(self.refusal, code=problem.code or self.code)
        self.status = status
        self.index = problem.index
        self.diagnostics: tuple[Fault, ...] = problem.diagnostics or ()
        self.taken: tuple[Accepted | Problem, ...] = ()

    def __str__(self) -> str:
        return str(self.refusal)


class KeyNotAccepted(ApiError):
    """The API key is missing, unknown, expired or revoked (401)."""

    code: ClassVar[str] = "key_not_accepted"
    remedy: ClassVar[str] = "Send a key that is valid; an operator makes one: foliot keys create"


class NotAllowed(ApiError):
    """The key has not the scope, or it is another tenant's (403)."""

    code: ClassVar[str] = "not_allowed"
    remedy: ClassVar[str] = "Ask an operator for a key of this tenant that has the scope."


class NotThere(ApiError):
    """There is no such instance, machine, version or dead letter (404)."""

    code: ClassVar[str] = "not_there"
    remedy: ClassVar[str] = "Check the name, the key or the number, and that the API key is of the right tenant."


class AnotherWasFirst(ApiError):
    """It contradicts what was accepted before: an id with another content, an operation with another meaning (409)."""

    code: ClassVar[str] = "another_was_first"
    remedy: ClassVar[str] = "Look at what is there now; give what is new an id of its own."


class PlaceGone(ApiError):
    """The journal no longer has what comes after the place that a watch was to go on from (410)."""

    code: ClassVar[str] = "place_gone"
    remedy: ClassVar[str] = "Read the present state, then watch from now."


class MovedMeanwhile(ApiError):
    """What was to be changed is not as the caller has seen it (412)."""

    code: ClassVar[str] = "moved_meanwhile"
    remedy: ClassVar[str] = "Read it again, decide again, then send the change with the revision that you have seen."


class RequestRefused(ApiError):
    """The request breaks a rule (any other 4xx): the same request will be refused again."""

    code: ClassVar[str] = "request_refused"
    remedy: ClassVar[str] = "Correct what is named; the same request will be refused again."


class TooBusy(ApiError):
    """Too much waits, or the key is too fast (429), and it stayed so while the call was tried."""

    code: ClassVar[str] = "too_busy"
    retryable: ClassVar[bool] = True
    remedy: ClassVar[str] = "Call again later; send events in batches."


class NoAnswer(ApiError):
    """The API did not answer, or said that it cannot now (408, 5xx), as long as the call was tried.

    What was sent may have arrived. The same call again, with the same ids, does no harm.
    """

    code: ClassVar[str] = "no_answer"
    retryable: ClassVar[bool] = True
    remedy: ClassVar[str] = "Look whether the API can be reached, then make the same call again: it does no harm."


class AnswerUnreadable(ApiError):
    """What answered does not speak as the API does: another server at that address, or a proxy before it.

    What was sent may have arrived. The same call again, with the same ids, does no harm.
    """

    code: ClassVar[str] = "answer_unreadable"
    remedy: ClassVar[str] = "Look whether the API, of this version or a newer one, is at this address."


_BY_STATUS: Final[Mapping[int, type[ApiError]]] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: KeyNotAccepted,
        HTTPStatus.FORBIDDEN: NotAllowed,
        HTTPStatus.NOT_FOUND: NotThere,
        HTTPStatus.REQUEST_TIMEOUT: NoAnswer,
        HTTPStatus.CONFLICT: AnotherWasFirst,
        HTTPStatus.GONE: PlaceGone,
        HTTPStatus.PRECONDITION_FAILED: MovedMeanwhile,
        HTTPStatus.TOO_MANY_REQUESTS: TooBusy,
    }
)


def refusal_of(status: int, body: bytes, where: str) -> ApiError:
    """Make of a refusal's status and body the error that it is; `where` is what was called."""
    if status < HTTPStatus.BAD_REQUEST:
        return unreadable(f"the answer has status {status}", where, status=status, body=body)
    kind = _BY_STATUS.get(status, NoAnswer if status >= HTTPStatus.INTERNAL_SERVER_ERROR else RequestRefused)
    try:
        problem = Problem.model_validate_json(body)
    except ValidationError:
        # A proxy's page: its status alone is to be trusted.
        what = f"the answer has status {status} and is no problem document: {_quoted(body)}"
        problem = Problem(status=status, code=kind.code, detail=what, where=where, remedy="Is the API at this address?")
    return kind(problem, status=status)


def unreadable(what: str, where: str, *, status: int | None = None, body: bytes = b"") -> AnswerUnreadable:
    """Make the error for an answer that is none of the API's."""
    detail = f"{what}: {_quoted(body)}" if body else what
    problem = Problem(status=status or 0, code=AnswerUnreadable.code, detail=detail, where=where)
    return AnswerUnreadable(problem, status=status)


def unanswered(why: str, where: str) -> NoAnswer:
    """Make the error for a call that nobody answered."""
    return NoAnswer(Problem(status=0, code=NoAnswer.code, detail=why, where=where), status=None)


def _quoted(body: bytes) -> str:
    return repr(body[:_QUOTED_MAX].decode("utf-8", "backslashreplace"))

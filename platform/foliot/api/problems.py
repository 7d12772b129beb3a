"""Refusals as problem documents, and which HTTP status each of them has.

Source: RFC 9457, "Problem Details for HTTP APIs".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, Field
from starlette.responses import Response

from foliot.errors import FoliotError, Refusal

MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "urn:foliot:problem:"
"""What a problem's `type` begins with; the rest is its code, which docs/codes.md explains."""

STATUS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "not_http": 400,
        "place_invalid": 400,
        "unauthenticated": 401,
        "forbidden": 403,
        "tenant_mismatch": 403,
        "not_found": 404,
        "unknown_instance": 404,
        "unknown_dead_letter": 404,
        "method_not_allowed": 405,
        "not_acceptable": 406,
        "id_reused": 409,
        "unknown_version": 404,
        "unknown_channel": 404,
        "operation_reused": 409,
        "topic_bound": 409,
        "version_deprecated": 409,
        "dead_letter_refused": 409,
        "not_held": 409,
        "place_gone": 410,
        "channel_moved": 412,
        "body_cut_off": 400,
        "body_too_slow": 408,
        "body_too_large": 413,
        "record_too_large": 413,
        "data_too_large": 413,
        "media_type_unsupported": 415,
        "not_a_cloud_event": 415,
        "format_unsupported": 415,
        "too_many_requests": 429,
        "inbox_full": 429,
        "precondition_required": 428,
        "headers_too_large": 431,
        "internal_error": 500,
        "no_pepper": 500,
        "unsafe_role": 500,
        "store_error": 500,
        "not_yet_applied": 503,
        "too_much_in_hand": 503,
    }
)
"""Every other refusal is the caller's to mend (422), or comes again later (503) where it is retryable."""


class Fault(BaseModel):
    """One fault of a definition: `line` and `column` count from 1; `foliot explain CODE` tells more."""

    code: str
    severity: Literal["error", "warning"]
    line: int
    column: int
    path: str
    what: str
    remedy: str


class Problem(BaseModel):
    """Why a request was refused; `code` is the same as in the command line and in dead letters."""

    type: str = Field(description="A name of this kind of problem", examples=[f"{TYPE}unknown_instance"])
    title: str = Field(description="The HTTP status in words")
    status: int
    code: str = Field(description="Stable word for the reason: see docs/codes.md")
    detail: str = Field(description="What is wrong")
    where: str = Field(description="Where it is wrong: a path into the body, a header, an address")
    remedy: str = Field(description="What to do")
    index: int | None = Field(default=None, description="Which event of a batch is meant, from 0")
    diagnostics: list[Fault] | None = Field(default=None, description="All that is wrong with a definition")


class Refused(FoliotError):
    """A request is refused by the front door itself; `refusal.code` says why."""

    code: ClassVar[str] = "refused"
    remedy: ClassVar[str] = "Correct what is named in the request, then send it again."

    def __init__(self, refusal: Refusal, headers: Mapping[str, str] | None = None, index: int | None = None) -> None:
        super().__init__(refusal.what, where=refusal.where, remedy=refusal.remedy)
        self.refusal = replace(self.refusal, code=refusal.code)
        self.headers = headers or {}
        self.index = index


def too_many(what: str, remedy: str, wait_s: float, headers: Mapping[str, str] | None = None) -> Refused:
    """Make the refusal of a caller that is too fast; `wait_s` is after how long it may come again."""
    said = {**(headers or {}), "retry-after": f"{max(1, math.ceil(wait_s))}"}
    return Refused(Refusal("too_many_requests", what, "authorization", remedy), said)


def status_of(refusal: Refusal, *, retryable: bool) -> int:
    """Give the HTTP status of a refusal."""
    return STATUS.get(refusal.code, 503 if retryable else 422)


def problem(refusal: Refusal, *, retryable: bool = False, index: int | None = None) -> Problem:
    """Write a refusal as a problem."""
    status = status_of(refusal, retryable=retryable)
    return Problem(
        type=f"{TYPE}{refusal.code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=refusal.code,
        detail=refusal.what,
        where=refusal.where,
        remedy=refusal.remedy,
        index=index,
    )


def problem_response(document: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a problem; one that may pass says when to come again."""
    given = dict(headers or {})
    if document.status in {429, 503}:
        given.setdefault("retry-after", "1")
    if document.status == HTTPStatus.UNAUTHORIZED:
        given.setdefault("www-authenticate", 'Bearer realm="foliot"')
    return Response(problem_bytes(document), document.status, given, MEDIA_TYPE)


def problem_bytes(document: Problem) -> bytes:
    """Write a problem as it is sent."""
    # A refusal may quote what has no UTF-8: half of a surrogate pair, which orjson would not write.
    return json.dumps(document.model_dump(exclude_none=True), ensure_ascii=False).encode("utf-8", "replace")


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe refusals for the OpenAPI document."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"content": content, "description": HTTPStatus(status).phrase} for status in statuses}


PROBLEM_RESPONSES: Final = problem_responses(
    400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 415, 422, 428, 429, 431, 500, 503
)
"""What any operation that wants a key may answer with."""

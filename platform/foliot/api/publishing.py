"""Machines are published, and channels moved, over HTTP."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field, ValidationError

from foliot import registry
from foliot.access import Caller
from foliot.api.bodies import RequestBody
from foliot.api.callers import Publisher, SharedDoors, media_type
from foliot.api.doors import Doors
from foliot.api.instances import machine_of
from foliot.api.machines import Channel
from foliot.api.problems import PROBLEM_RESPONSES, Refused
from foliot.errors import Refusal

_OPERATION: Final = Header(
    alias="idempotency-key", max_length=200, description="Makes it safe to repeat the call: the same key is done once"
)
_TAG: Final = re.compile(r'"(\d{1,18})"', re.ASCII)
_DEFINITION: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "application/yaml": {"schema": {"type": "string"}},
        "application/json": {"schema": {"type": "object"}},
        "application/scxml+xml": {"schema": {"type": "string"}},
    },
}
_FILES: Final = {"application/scxml+xml": "body.scxml"}
"""By what name a body goes, where its language is not Foliot's own."""

router = APIRouter(prefix="/v1/machines", tags=["machines"], responses=PROBLEM_RESPONSES)


class Published(BaseModel):
    """A version; `created` is false where the very same machine was there already."""

    machine: str
    version: int
    hash: str
    created: bool


class Move(BaseModel):
    """Where a channel is to point; `all` moves live instances too, each at its next event."""

    version: int = Field(ge=1, le=2**31 - 1)
    mode: Literal["new", "all"] = "new"


_MOVE_BYTES_MAX: Final = 4_096
_MOVE: Final[dict[str, Any]] = {
    "required": True,
    "content": {"application/json": {"schema": Move.model_json_schema()}},
}


@router.post(
    "",
    status_code=201,
    response_model=Published,
    responses={200: {"model": Published, "description": "The same machine is a version already"}},
    openapi_extra={"requestBody": _DEFINITION},
)
async def publish_machine(  # noqa: PLR0917 - the framework passes all by name
    request: Request,
    response: Response,
    caller: Publisher,
    doors: SharedDoors,
    body: RequestBody,
    operation: Annotated[str | None, _OPERATION] = None,
) -> Any:
    """Check a definition (YAML, JSON, SCXML), and add it as a version; 200 where the same content is one already."""
    if media_type(request) not in _DEFINITION["content"]:
        # A page of another site can send texts without being asked for leave, but not these.
        remedy = f"Send one of: {', '.join(_DEFINITION['content'])}."
        raise Refused(Refusal("media_type_unsupported", "the body is not said to be a machine", "content-type", remedy))
    text = await body.read(doors.settings.api_body_bytes_max, setting="FOLIOT_API_BODY_BYTES_MAX")
    filename = _FILES.get(media_type(request), "body")
    with doors.publications.seat(caller.key):
        published = await run_in_threadpool(_publish, doors, caller, text, filename, operation)
    response.status_code = 201 if published.created else 200
    response.headers["location"] = f"/v1/machines/{published.machine}"
    return Published.model_validate(published, from_attributes=True)


@router.put("/{machine}/channels/{channel}", response_model=Channel, openapi_extra={"requestBody": _MOVE})
async def move_channel(  # noqa: PLR0917 - the framework passes all by name
    machine: str,
    channel: str,
    response: Response,
    caller: Publisher,
    doors: SharedDoors,
    body: RequestBody,
    if_match: Annotated[str, Header(description="The revision that you have seen, as an ETag")] = "",
    if_none_match: Annotated[str, Header(description="`*` makes a channel that is not there yet")] = "",
    operation: Annotated[str | None, _OPERATION] = None,
) -> Any:
    """Point a channel at a version, if nobody has moved it since you looked."""
    expected = _expected(if_match, if_none_match)
    try:
        # Not as a parameter: the framework would read it whole before it looks at the key.
        move = Move.model_validate_json(await body.read(_MOVE_BYTES_MAX))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(("body", *map(str, first["loc"])))
        raise Refused(Refusal("request_invalid", first["msg"], where, "See /openapi.json.")) from error
    moved = await run_in_threadpool(_move, doors, caller, (machine, channel), move, expected, operation)
    response.headers["etag"] = f'"{moved.revision}"'
    return Channel.model_validate(moved, from_attributes=True)


def _move(  # noqa: PLR0917 - what the request said
    doors: Doors, caller: Caller, place: tuple[str, str], move: Move, expected: int, operation: str | None
) -> registry.Channel:
    machine, channel = place
    machine_of(doors, caller, machine)
    with doors.reading(caller) as connection:
        return registry.move_channel(
            connection,
            caller.tenant_slug,
            machine,
            channel,
            move.version,
            mode=move.mode,
            expected_revision=expected,
            operation_id=operation,
            by=caller.signature,
        )


def _publish(doors: Doors, caller: Caller, text: bytes, filename: str, operation: str | None) -> registry.Published:
    # Before a connection is lent, for it takes as long as the definition wants, within bounds.
    checked = registry.check_apart(
        text,
        filename=filename,
        cpu_s_max=doors.settings.api_check_s_max,
        memory_mb_max=doors.settings.api_check_mb_max,
    )
    with doors.reading(caller) as connection:
        return registry.publish_checked(
            connection, caller.tenant_slug, checked, by=caller.signature, operation_id=operation
        )


def _expected(if_match: str, if_none_match: str) -> int:
    """Read the revision that the caller has seen; 0 stands for none.

    Raises:
        Refused: the caller does not say it (`precondition_required`).
    """
    if if_none_match.strip() == "*":
        return registry.NO_REVISION
    match = _TAG.fullmatch(if_match.strip().removeprefix("W/"))
    if match is None:
        what = "the request does not say which revision of the channel it has seen"
        remedy = 'Send If-Match: "REVISION" as GET /v1/machines/{machine} shows it, or If-None-Match: * for a new one.'
        raise Refused(Refusal("precondition_required", what, "if-match", remedy))
    return int(match[1])

"""Events in, over the CloudEvents HTTP binding: one by one or many at once, answered after their commit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Annotated, Any, Final, Literal
from urllib.parse import unquote_to_bytes

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from starlette.types import Scope

from foliot.access import Caller
from foliot.api.bodies import Body, RequestBody, in_hand
from foliot.api.callers import Sender, doors_of, media_type, sender_of
from foliot.api.doors import Doors
from foliot.api.positions import Place, place_text
from foliot.api.problems import PROBLEM_RESPONSES, Problem, Refused, problem, problem_response
from foliot.api.quotas import Quotas
from foliot.api.waiting import passed
from foliot.cloudevents import (
    LANES,
    STRUCTURED,
    CloudEvent,
    EventRefused,
    Limits,
    decode,
    parse,
    refuse,
    repeated_in_list,
)
from foliot.errors import Refusal
from foliot.registry import Catalog
from foliot.runtime import Arrival, Verdict, admit, find_machine
from foliot.store import end_reading, load

_SQL: Final = load("front")
BATCH: Final = "application/cloudevents-batch+json"
BATCH_EVENTS_MAX: Final = 1000
WAIT_S_MAX: Final = 30.0
PATH: Final = "/v1/events"
_JSON: Final = "application/json"
_AT_ONCE_BYTES_MAX: Final = 16_384
"""A body that is read in the event loop: less than a millisecond of work, and a thread would cost more."""
_DEFAULT_LANE: Final = "normal"
_PREFIX: Final = b"ce-"
_QUOTED: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)

router = APIRouter(prefix="/v1", tags=["events"])


class Accepted(BaseModel):
    """What became of one event. A repeated event is a duplicate: it was accepted before, and is applied once."""

    id: str
    duplicate: bool
    position: str | None = Field(
        description="Where it stands: epoch.shard.queue.number; null where it was accepted before",
        examples=["1.17.4.4711"],
    )
    state: Literal["accepted", "applied", "held", "dead_letter"] = Field(
        description="With wait: what has become of it meanwhile"
    )
    dead_letter: int | None = Field(default=None, description="The dead letter that says why, if there is one")


class AcceptedBatch(BaseModel):
    """What became of the events of a batch, in their order; an event that was refused has a problem instead."""

    results: list[Accepted | Problem]


_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        STRUCTURED: {
            "schema": {
                "type": "object",
                "required": ["specversion", "id", "source", "type", "subject", "foliotmachine"],
                "properties": {
                    "specversion": {"const": "1.0"},
                    "id": {"type": "string", "minLength": 1, "description": "Unique within the source"},
                    "source": {"type": "string", "minLength": 1},
                    "type": {"type": "string", "minLength": 1, "description": "The event's name"},
                    "subject": {"type": "string", "minLength": 1, "description": "The instance's key"},
                    "foliotmachine": {"type": "string", "minLength": 1},
                    "foliotlane": {"enum": list(LANES)},
                    "time": {"type": "string", "format": "date-time"},
                    "traceparent": {"type": "string"},
                    "data": {},
                },
            }
        },
        BATCH: {"schema": {"type": "array", "maxItems": BATCH_EVENTS_MAX, "items": {"type": "object"}}},
    },
}


@router.post(
    "/events",
    status_code=202,
    response_model=Accepted | AcceptedBatch,
    responses={
        **PROBLEM_RESPONSES,
        200: {"model": Accepted, "description": "It was applied within `wait`"},
        409: {
            "model": AcceptedBatch,
            "description": "An id is reused; of a batch the others were taken in",
            "content": PROBLEM_RESPONSES[409]["content"],
        },
    },
    openapi_extra={"requestBody": _BODY},
)
async def send_events(
    request: Request,
    caller: Sender,
    body: RequestBody,
    wait: Annotated[
        float, Query(ge=0, le=WAIT_S_MAX, description="Seconds to wait until a single event is applied")
    ] = 0.0,
) -> Any:
    """Take in one event (structured or binary mode) or a batch. 202 says that it is committed, once per id.

    The same id with the same content may be sent again and again; with another content it is refused (409). Events of
    one instance and lane are applied in the order of their acceptance.
    """
    with doors_of(request).waiters.seat(caller.key) if wait else nullcontext():
        return await _taken_in(request, caller, body, wait)


def is_plain(scope: Scope) -> bool:
    """Tell whether a request sends events and says nothing that the framework would have to read."""
    return scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST" and not scope["query_string"]


async def send_plainly(request: Request) -> Response:
    """Answer a plain request as `send_events` does, by the same steps, without the framework's solving of parameters.

    Raises:
        FoliotError: it is refused.
    """
    with in_hand(request) as body:
        return await _taken_in(request, await sender_of(request), body, 0.0)


async def _taken_in(request: Request, caller: Caller, body: Body, wait: float) -> Response:
    doors = doors_of(request)
    raw = await body.read(doors.settings.api_body_bytes_max, setting="FOLIOT_API_BODY_BYTES_MAX")
    checked = _checked_at_once(doors, caller, request, raw)
    if checked is None:
        checked = await run_in_threadpool(_checked, doors, caller, request, raw)
    arrivals, epoch = checked
    quotas: Quotas = request.app.state.quotas
    left = quotas.take(caller.key, len(arrivals))
    verdicts = await doors.collector.submit(caller, arrivals) if arrivals else ()
    results = [_result(arrival, verdict, epoch) for arrival, verdict in zip(arrivals, verdicts, strict=True)]
    if media_type(request) == BATCH:
        refused = {index for index, verdict in enumerate(verdicts) if verdict.standing == "id_reused"}
        told = [_reused(arrivals[n], n).model_dump() if n in refused else each for n, each in enumerate(results)]
        return _answer({"results": told}, 409 if refused else 202, left)
    if verdicts[0].standing == "id_reused":
        return problem_response(_reused(arrivals[0], None), left)
    if wait and (position := verdicts[0].position) is not None:
        place = Place(epoch, position.shard, position.queue, position.number)
        if await passed(doors.following, place, wait):
            fate = await run_in_threadpool(_fate, doors, caller, arrivals[0], place)
            return _answer(results[0] | fate, 200, left)
    return _answer(results[0], 202, left)


def _answer(document: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> Response:
    return Response(orjson.dumps(document), status, headers, _JSON)


def _fate(doors: Doors, caller: Caller, arrival: Arrival, place: Place) -> dict[str, Any]:
    """Tell what became of an event that the cursor has passed."""
    at = {"shard": place.shard, "queue": place.queue, "number": place.number}
    with doors.reading(caller) as connection:
        letter = _SQL["place_of_letter"].run(connection, at).fetchone()
        whose = {"tenant": arrival.tenant, "machine": arrival.machine, "key": arrival.key}
        held = _SQL["is_held"].run(connection, at | whose).fetchone()
        end_reading(connection)
    if held is not None:
        return {"state": "held", "dead_letter": letter[0] if letter else None}
    if letter is not None and letter[1] != "park":
        return {"state": "dead_letter", "dead_letter": letter[0]}
    return {"state": "applied"}


def _checked_at_once(
    doors: Doors, caller: Caller, request: Request, raw: bytes
) -> tuple[Sequence[Arrival], int] | None:
    """Check an event as `_checked` does; None where that may take long, or needs a look at the database."""
    if len(raw) > _AT_ONCE_BYTES_MAX or media_type(request) == BATCH:
        return None
    catalog = doors.catalog_at_hand(caller)
    if catalog is None:
        return None
    event = _read(raw, _headers(request), _limits(doors), None)
    if catalog.machine(caller.tenant, event.machine) is None:
        return None
    return (_arrival(doors, caller, catalog, event, None),), catalog.map_epoch


def _checked(doors: Doors, caller: Caller, request: Request, raw: bytes) -> tuple[Sequence[Arrival], int]:
    """Read a body and check every event of it; give the map's epoch with them.

    Raises:
        Refused: with the place of the event in the batch; nothing was taken in.
    """
    if doors.is_full():
        raise Refused(Refusal("inbox_full", "more events wait than are allowed to", "", "Come again a little later."))
    limits, catalog = _limits(doors), doors.catalog(caller)
    if media_type(request) != BATCH:
        event = _read(raw, _headers(request), limits, None)
        return [_arrival(doors, caller, catalog, event, None)], catalog.map_epoch
    # The events stand one level below the list, and their data one below that.
    documents = parse(raw, depth_max=limits.depth_max + 2)
    if not isinstance(documents, list):
        refuse("not_a_batch", "the body is no JSON list", "body", "Send a list of CloudEvents.")
    if len(documents) > BATCH_EVENTS_MAX:
        what = f"the batch has {len(documents)} events, more than {BATCH_EVENTS_MAX}"
        refuse("batch_too_large", what, "body", "Send smaller batches.")
    if (name := repeated_in_list(raw, documents)) is not None:
        refuse("attribute_repeated", f"{name} is there twice in an event", name, "Send each attribute once.")
    content = [("content-type", STRUCTURED.encode())]
    arrivals = [
        _arrival(doors, caller, catalog, _read(orjson.dumps(document), content, limits, index), index)
        for index, document in enumerate(documents)
    ]
    return arrivals, catalog.map_epoch


def _limits(doors: Doors) -> Limits:
    settings = doors.settings
    return Limits(settings.event_bytes_max, settings.event_depth_max, settings.key_bytes_max)


def _read(raw: bytes, headers: Sequence[tuple[str, bytes | None]], limits: Limits, index: int | None) -> CloudEvent:
    try:
        return decode(raw, headers, limits, {})
    except EventRefused as error:
        raise Refused(error.refusal, index=index) from error


def _arrival(doors: Doors, caller: Caller, catalog: Catalog, event: CloudEvent, index: int | None) -> Arrival:
    try:
        if event.tenant not in (None, caller.tenant_slug):
            what = f"the key is of another tenant than {event.tenant!r}"
            refuse("tenant_mismatch", what, "foliottenant", "Leave foliottenant away, or use that tenant's key.")
        lane = event.lane or _DEFAULT_LANE
        if lane not in LANES:
            refuse("lane_unknown", f"there is no lane {lane[:64]!r}", "foliotlane", f"Send one of: {', '.join(LANES)}.")
        if catalog.machine(caller.tenant, event.machine) is None:
            # It may have been published a moment ago.
            catalog = doors.catalog(caller, fresh=True)
        machine = find_machine(catalog, caller.tenant, event.machine)
        return admit(
            event,
            machine,
            LANES.index(lane),
            catalog=catalog,
            key_bytes_max=doors.settings.key_bytes_max,
            record=None,
        )
    except EventRefused as error:
        raise Refused(error.refusal, index=index) from error


def _headers(request: Request) -> list[tuple[str, bytes | None]]:
    """Give an event's headers as the Kafka binding names them."""
    found: list[tuple[str, bytes | None]] = []
    for name, value in request.headers.raw:
        if name.startswith(_PREFIX):
            found.append((f"ce_{name.removeprefix(_PREFIX).decode()}", _header_value(value)))
        elif name == b"content-type":
            found.append((name.decode(), value))
    return found


def _header_value(value: bytes) -> bytes:
    """Read a header's value: out of its quotes, if it stands in such, then out of its percent-encoding, once.

    Source: CloudEvents 1.0.2, HTTP protocol binding, 3.1.3.2; RFC 9110, 5.6.4.
    """
    quoted = _QUOTED.fullmatch(value)
    return unquote_to_bytes(_ESCAPED.sub(rb"\1", quoted[1]) if quoted else value)


def _result(arrival: Arrival, verdict: Verdict, epoch: int) -> dict[str, Any]:
    """Give the members of `Accepted`, of which no model is made for each event."""
    position = verdict.position
    text = None if position is None else place_text(Place(epoch, position.shard, position.queue, position.number))
    is_duplicate = verdict.standing == "duplicate"
    return {
        "id": arrival.event_id,
        "duplicate": is_duplicate,
        "position": text,
        "state": "accepted",
        "dead_letter": None,
    }


def _reused(arrival: Arrival, index: int | None) -> Problem:
    what = f"the id {arrival.event_id!r} of source {arrival.source!r} was accepted before with another content"
    return problem(Refusal("id_reused", what, "id", "Give every event an id of its own."), index=index)

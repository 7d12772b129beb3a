"""Instances as they are and as they were."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Header, Query, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from foliot import history
from foliot.access import Caller
from foliot.api.callers import Reader, SharedDoors
from foliot.api.doors import Doors
from foliot.api.events import WAIT_S_MAX
from foliot.api.filters import WHERE_MAX, wanted_context
from foliot.api.positions import place_of
from foliot.api.problems import PROBLEM_RESPONSES, Refused
from foliot.api.waiting import passed
from foliot.errors import Refusal
from foliot.registry import Catalog, MachineEntry
from foliot.store import load

_SQL: Final = load("front")
PAGE_MAX: Final = 1000
LOOKS_MAX: Final = 20_000
LOOKS_MAX_PARSED: Final = 2_000
"""Instances that one page of a filtered list looks at."""

_CURSOR: Final = re.compile(r"([0-9]{1,4})/([^\x00]*)", re.DOTALL)

router = APIRouter(prefix="/v1/instances", tags=["instances"], responses=PROBLEM_RESPONSES)


class Instance(BaseModel):
    """An instance as of its last step. `note` says why it stays on its version or why it is held."""

    tenant: str
    machine: str
    key: str
    id: int
    shard: int
    n: int
    mode: Literal["running", "held", "draining"]
    channel: str
    version: int
    wants: int
    note: str | None
    position: int
    configuration: tuple[str, ...]
    context: Any
    timers: Any
    done: bool
    held: int
    born_at: datetime
    stepped_at: datetime


class InstanceSummary(BaseModel):
    """An instance in a list."""

    key: str
    id: int
    channel: str
    version: int
    position: int
    n: int
    mode: str
    note: str | None
    born_at: datetime
    stepped_at: datetime


class InstancePage(BaseModel):
    """Some instances; `next` is the cursor of the page after, null on the last."""

    items: list[InstanceSummary]
    next: str | None


class Step(BaseModel):
    """One row of an instance's journal."""

    n: int
    position: int
    kind: str
    outcome: str
    version: int
    lane: str | None
    event_id: str | None
    type: str | None
    source: str | None
    time: str | None
    data: Any
    timer: str | None
    transitions: tuple[int, ...]
    state_hash: str
    detail: Any
    at: datetime


class Steps(BaseModel):
    """Steps, the newest first; `next` is the `before` of the page after, null where the first step is reached."""

    items: list[Step]
    next: int | None


@router.get("/{machine}")
def list_instances(  # noqa: PLR0917 - the framework passes all by name
    machine: str,
    caller: Reader,
    doors: SharedDoors,
    mode: Annotated[Literal["running", "held", "draining"] | None, Query()] = None,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Only those that run on it")] = None,
    state: Annotated[
        str | None, Query(min_length=1, max_length=512, description="Only those in it, or in a state below it")
    ] = None,
    where: Annotated[
        list[str] | None,
        Query(max_length=WHERE_MAX, description="`name:value`: only those with that value at the top of the context"),
    ] = None,
    cursor: Annotated[str, Query(max_length=2048)] = "",
    count: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
) -> InstancePage:
    """List living instances of a machine, in an order that stays the same.

    No index has what an instance is like: a page with filters looks at a bounded number of instances, and has those of
    them that fit. It may be empty and have a page after it; `next` is null on the last alone.
    """
    catalog, entry = machine_of(doors, caller, machine)
    shard, key = _cursor_of(cursor) if cursor else (0, "")
    context = wanted_context(where or ())
    if state is not None and "\x00" in state:
        raise Refused(Refusal("filter_invalid", "no state has U+0000 in its name", "state", "Send a state's name."))
    looks = _looks(count, (mode, version), (state, context))
    parameters = {
        "tenant": caller.tenant,
        "machine": entry.number,
        "shard": shard,
        "shards": catalog.shards,
        "key": key,
        "looks": looks,
        "mode": mode,
        "version": version,
        "state": state,
        "context": context,
        "count": count,
    }
    with doors.reading(caller) as connection:
        rows = _SQL["list_instances"].run(connection, parameters).fetchall()
    return _page(rows, looks=looks, count=count)


def _looks(count: int, cheap: Sequence[object], dear: Sequence[object]) -> int:
    """Tell how many instances a page looks at; for some filters each one's state is parsed."""
    if any(each is not None for each in dear):
        return LOOKS_MAX_PARSED
    return LOOKS_MAX if any(each is not None for each in cheap) else count


def _page(rows: Sequence[Sequence[Any]], *, looks: int, count: int) -> InstancePage:
    names = ("key", "id", "channel", "version", "position", "n", "mode", "note", "born_at", "stepped_at")
    kept = [row[3:] for row in rows if row[3] is not None]
    items = [InstanceSummary(**dict(zip(names, row[1:], strict=True))) for row in kept]
    # What was kept fills the page, or what was looked at came to its bound, or all there is was looked at.
    last = kept[-1] if len(kept) == count else rows[0] if rows and rows[0][2] == looks else None
    return InstancePage(items=items, next=None if last is None else _cursor_text(last[0], last[1]))


@router.get("/{machine}/{key:path}/history")
def show_history(  # noqa: PLR0917 - likewise
    machine: str,
    key: str,
    caller: Reader,
    doors: SharedDoors,
    before: Annotated[int | None, Query(ge=1, description="The n of the step to begin with")] = None,
    count: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
) -> Steps:
    """List the steps of an instance, the newest first."""
    view = view_of(doors, caller, machine, key)
    with doors.reading(caller) as connection:
        steps = history.history(connection, view.shard, before or view.n, count=count + 1, instance=view.id)
    following = steps[count].n if len(steps) > count else None
    return Steps(items=[Step.model_validate(step, from_attributes=True) for step in steps[:count]], next=following)


@router.get(
    "/{machine}/{key:path}",
    response_model=Instance,
    responses={304: {"description": "It is as `If-None-Match` has it"}},
)
async def show_instance(  # noqa: PLR0917 - likewise
    machine: str,
    key: str,
    caller: Reader,
    doors: SharedDoors,
    after: Annotated[str, Query(max_length=64, description="Wait until the event at this position is applied")] = "",
    wait: Annotated[float, Query(ge=0, le=WAIT_S_MAX, description="Seconds to wait for it")] = 5.0,
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Show an instance. With the ETag of an earlier answer it is sent only if it has changed."""
    if after:
        await _applied(doors, caller, after, wait)
    view = await run_in_threadpool(view_of, doors, caller, machine, key)
    body = orjson.dumps(Instance.model_validate(view, from_attributes=True).model_dump())
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    if known & {tag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, "application/json")


def machine_of(doors: Doors, caller: Caller, name: str) -> tuple[Catalog, MachineEntry]:
    """Look a machine of the caller's up.

    Raises:
        Refused: there is none of that name (`not_found`).
    """
    for fresh in (False, True):
        catalog = doors.catalog(caller, fresh=fresh)
        entry = catalog.machine(caller.tenant, name)
        if entry is not None:
            return catalog, entry
    raise Refused(Refusal("not_found", f"there is no machine {name[:64]!r}", "machine", "See: GET /v1/machines"))


async def _applied(doors: Doors, caller: Caller, after: str, wait_s: float) -> None:
    """Wait until the event at a position is applied.

    Raises:
        Refused: it is not yet (`not_yet_applied`), or the position is of another map of shards (`position_invalid`).
    """
    place = place_of(after)
    catalog = await run_in_threadpool(doors.catalog, caller)
    if place.epoch != catalog.map_epoch:
        remedy = "Read without it."
        raise Refused(Refusal("position_invalid", f"{after} is of another map of shards", "after", remedy))
    with doors.waiters.seat(caller.key):
        if not await passed(doors.following, place, wait_s):
            remedy = "Ask again, or wait longer."
            raise Refused(Refusal("not_yet_applied", f"the event at {after} waits still", "after", remedy))


def view_of(doors: Doors, caller: Caller, machine: str, key: str) -> history.InstanceView:
    """Look an instance of the caller's up.

    Raises:
        Refused: there is no such machine (`not_found`).
        UnknownInstance: there is no such instance of it.
    """
    catalog, entry = machine_of(doors, caller, machine)
    with doors.reading(caller) as connection:
        return history.show(connection, catalog, entry, key)


def _cursor_text(shard: int, key: str) -> str:
    return base64.urlsafe_b64encode(f"{shard}/{key}".encode()).decode()


def _cursor_of(text: str) -> tuple[int, str]:
    try:
        match = _CURSOR.fullmatch(base64.b64decode(text, altchars=b"-_", validate=True).decode())
    except (binascii.Error, ValueError):
        match = None
    if match is None:
        remedy = "Send the cursor of an answer as it came."
        raise Refused(Refusal("cursor_invalid", f"{text[:64]!r} is no cursor", "cursor", remedy))
    return int(match[1]), match[2]

"""Steps as they are committed: streams of Server-Sent Events that can be taken up again where they were left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from foliot import history
from foliot.access import Caller
from foliot.api.callers import Reader, SharedDoors, check_again
from foliot.api.doors import Doors
from foliot.api.instances import Instance, Step, machine_of
from foliot.api.problems import PROBLEM_RESPONSES, Refused
from foliot.api.streaming import MEDIA_TYPE, EventStream, Streaming, block, sign_of_life
from foliot.cloudevents import address_text
from foliot.errors import Refusal
from foliot.history import (
    SHARDS_AT_ONCE_MAX,
    Followed,
    Follower,
    InstancePlace,
    Part,
    PlaceInvalid,
    Progress,
    StepFilter,
    Subject,
    VectorPlace,
)
from foliot.runtime import birth_of, shard_of
from foliot.store import StoreError

_SECONDS_MAX: Final = 86_400
_FILTER_CHARS_MAX: Final = 4_096
_PLACE_CHARS_MAX: Final = 4_096
_Seconds: TypeAlias = Annotated[
    float | None, Query(ge=0, le=_SECONDS_MAX, description="End after so many seconds; 0: after what there is")
]
_LastEventId: TypeAlias = Annotated[
    str, Header(max_length=_PLACE_CHARS_MAX, description="The id up to which all was received")
]
_PART: Final = r"^\d{1,4}/\d{1,4}$"
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    **PROBLEM_RESPONSES,
    200: {
        "description": "Events `step`; of one instance the first may be `instance`; the last may be `problem`",
        "content": {
            MEDIA_TYPE: {
                # Of each event: so OpenAPI 3.1 has it.
                "schema": {
                    "type": "object",
                    "properties": {
                        "event": {"enum": ["instance", "step", "problem"]},
                        "id": {"type": "string", "description": "Send it as Last-Event-ID to go on after it"},
                        "data": {"type": "string", "contentMediaType": "application/json"},
                    },
                }
            }
        },
    },
}

router = APIRouter(prefix="/v1", tags=["watching"], responses=_STREAM)


class WatchedStep(Step):
    """A step, and whose it is. `states` are those that its transitions led to; at a birth, the active ones."""

    shard: int
    instance: int
    machine: str
    key: str
    states: tuple[str, ...]


class _Opening(NamedTuple):
    """What a request asks for, but for whose steps."""

    request: Request
    caller: Caller
    doors: Doors
    last_event_id: str


class _Steps:
    """The steps that a caller follows, written as blocks."""

    def __init__(
        self,
        opening: _Opening,
        follower: Follower,
        place: Callable[[Mapping[int, int]], str],
        written: Callable[[Followed], bytes],
    ) -> None:
        self.shards = frozenset(follower.ns)
        self._opening = opening
        self._follower = follower
        self._place_at = place
        self._written = written

    @property
    def place(self) -> str:
        return self._place_at(self._follower.ns)

    def is_behind(self, progress: Progress) -> bool:
        return self._follower.is_behind(progress)

    def read(self, progress: Progress) -> bytes:
        ns = dict(self._follower.ns)
        try:
            with self._opening.doors.reading(self._opening.caller) as connection:
                steps = self._follower.read(connection, progress)
        except StoreError:
            # The connection may have broken when all was read already: it is read again.
            self._follower.ns = ns
            raise
        blocks = []
        for step in steps:
            ns[step.shard] = step.entry.n
            blocks.append(block("step", self._written(step), self._place_at(ns)))
        return b"".join(blocks)

    def check(self) -> None:
        check_again(self._opening.request, "read")


@router.get("/instances/{machine}/{key:path}/watch", status_code=200, response_class=EventStream)
async def watch_instance(  # noqa: PLR0917 - the framework passes all by name
    request: Request,
    machine: str,
    key: str,
    caller: Reader,
    doors: SharedDoors,
    from_: Annotated[
        Literal["now", "start"], Query(alias="from", description="Where to begin without Last-Event-ID")
    ] = "now",
    seconds: _Seconds = None,
    last_event_id: _LastEventId = "",
) -> Response:
    """Watch the steps of an instance, or of one that is yet to be born.

    Each event `step` has a step as the history shows it. From now on: the first event is `instance`, the present state.
    With Last-Event-ID the stream goes on exactly after that id, whatever was sent before the connection broke.
    """
    opening = _Opening(request, caller, doors, last_event_id)
    return await _streaming(opening, seconds, partial(_open_instance, opening, machine, key, from_))


@router.get("/watch", status_code=200, response_class=EventStream)
async def watch_all(  # noqa: PLR0917 - likewise
    request: Request,
    caller: Reader,
    doors: SharedDoors,
    machine: Annotated[str, Query(max_length=256, description="Steps of this machine alone")] = "",
    filter_: Annotated[
        str,
        Query(
            alias="filter",
            max_length=_FILTER_CHARS_MAX,
            description="CEL over `step`, which has what an event's data has: only steps for which it is true",
        ),
    ] = "",
    part: Annotated[
        str, Query(pattern=_PART, description="The shards i of n: `i/n`. Needed where there are more than 256 shards")
    ] = "0/1",
    seconds: _Seconds = None,
    last_event_id: _LastEventId = "",
) -> Response:
    """Watch the steps of all instances, from now on or from Last-Event-ID.

    Each event `step` has a step with its machine, key and shard. Steps of one shard come in the order of its journal,
    and so do those of one instance; between shards there is no order. Every id says what was told of all shards.
    """
    opening = _Opening(request, caller, doors, last_event_id)
    return await _streaming(opening, seconds, partial(_open_all, opening, machine, filter_, part))


async def _streaming(opening: _Opening, seconds: float | None, begin: Callable[[], tuple[_Steps, bytes]]) -> Response:
    doors = opening.doors
    streaming = Streaming(doors.following, doors.readers, doors.settings.api_heartbeat_s)
    with ExitStack() as stack:
        stack.enter_context(doors.watchers.seat(opening.caller.key))
        steps, first = await run_in_threadpool(begin)
        return EventStream(streaming.blocks(steps, first, seconds), stack.pop_all())


def _open_instance(opening: _Opening, machine: str, key: str, from_: str) -> tuple[_Steps, bytes]:
    """Find where to begin with an instance, and what to say first."""
    doors, caller = opening.doors, opening.caller
    catalog, entry = machine_of(doors, caller, machine)
    shard = shard_of(address_text(caller.tenant_slug, entry.name, key), catalog.shards)
    view = None
    with doors.reading(caller) as connection:
        # Before the instance is read: all steps up to here are in its state.
        progress = history.look(connection, {shard})
        n = progress.shards[shard].n
        if opening.last_event_id:
            n = _instance_place(opening.last_event_id, shard, progress)
        else:
            with suppress(history.UnknownInstance):
                view = history.show(connection, catalog, entry, key)
        if view is not None:
            n = birth_of(view.id) - 1 if from_ == "start" else max(n, view.n)
        history.check_kept(connection, {shard: n})
    subject = Subject(caller.tenant, entry.number, key)
    follower = Follower(subject, progress.epoch, {shard: n}, doors.landings)
    steps = _Steps(
        opening,
        follower,
        lambda ns: InstancePlace(progress.epoch, shard, ns[shard]).text(),
        lambda step: Step.model_validate(step.entry, from_attributes=True).model_dump_json().encode(),
    )
    if view is None or from_ == "start":
        return steps, sign_of_life(steps.place)
    present = Instance.model_validate(view, from_attributes=True)
    return steps, block("instance", present.model_dump_json().encode(), steps.place)


def _instance_place(text: str, shard: int, progress: Progress) -> int:
    place = InstancePlace.of(text)
    history.check_epoch(place.epoch, progress)
    if place.shard != shard:
        raise PlaceInvalid(f"{text} is a place of another instance")
    if place.n > progress.shards[shard].n:
        raise PlaceInvalid(f"{text} is beyond the end of the journal")
    return place.n


def _open_all(opening: _Opening, machine: str, filter_: str, part_text: str) -> tuple[_Steps, bytes]:
    """Find where to begin with all instances."""
    doors, caller = opening.doors, opening.caller
    wanted = StepFilter(filter_) if filter_ else None
    catalog = doors.catalog(caller)
    number = machine_of(doors, caller, machine)[1].number if machine else None
    part = _part_of(part_text, catalog.shards)
    shards = part.shards(catalog.shards)
    with doors.reading(caller) as connection:
        progress = history.look(connection, shards)
        ns = {shard: progress.shards[shard].n for shard in shards}
        if opening.last_event_id:
            ns = _vector_place(opening.last_event_id, part, ns, progress)
            history.check_kept(connection, ns)
    follower = Follower(Subject(caller.tenant, number), progress.epoch, ns, doors.landings, wanted)
    steps = _Steps(
        opening,
        follower,
        lambda ns: VectorPlace(progress.epoch, part, [ns[shard] for shard in shards]).text(),
        _watched,
    )
    return steps, sign_of_life(steps.place)


def _vector_place(text: str, part: Part, present: Mapping[int, int], progress: Progress) -> dict[int, int]:
    place = VectorPlace.of(text)
    history.check_epoch(place.epoch, progress)
    if place.part != part or len(place.ns) != len(present):
        raise PlaceInvalid("the place is one of another part of the shards")
    ns = dict(zip(present, place.ns, strict=True))
    if any(n > present[shard] for shard, n in ns.items()):
        raise PlaceInvalid("the place is beyond the end of the journals")
    return ns


def _part_of(text: str, shards: int) -> Part:
    part = Part(*map(int, text.split("/")))
    if not part.part < part.parts <= shards:
        what = f"{text} is no part of {shards} shards"
        raise Refused(Refusal("request_invalid", what, "part", "Send part=i/n, with i from 0 to n - 1."))
    if len(part.shards(shards)) > SHARDS_AT_ONCE_MAX:
        parts = -(-shards // SHARDS_AT_ONCE_MAX)
        what = f"a stream covers {SHARDS_AT_ONCE_MAX} shards at most, and there are {shards}"
        remedy = f"Watch them in parts: part=0/{parts} to part={parts - 1}/{parts}."
        raise Refused(Refusal("too_many_shards", what, "part", remedy))
    return part


def _watched(step: Followed) -> bytes:
    names = WatchedStep.model_fields.keys() - Step.model_fields.keys()
    own = {name: getattr(step, name) for name in names}
    entry = {name: getattr(step.entry, name) for name in Step.model_fields}
    return WatchedStep.model_validate(entry | own).model_dump_json().encode()

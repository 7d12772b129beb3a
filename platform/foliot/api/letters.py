"""Dead letters: events that were set aside, each with its reason."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from foliot import history
from foliot.api.callers import Reader, SharedDoors
from foliot.api.positions import Place, place_text
from foliot.api.problems import PROBLEM_RESPONSES

PAGE_MAX: Final = 1000

router = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"], responses=PROBLEM_RESPONSES)


class DeadLetter(BaseModel):
    """An event that was set aside: why, where it came from, and what is known of it."""

    id: int
    status: Literal["open", "redriven", "discarded"]
    stage: Literal["decode", "route", "step", "park", "send"]
    code: str
    what: str
    where: str
    remedy: str
    topic: str | None
    partition: int | None
    offset: int | None
    machine: str | None
    key: str | None
    event_id: str | None
    source: str | None
    type: str | None
    attempts: int
    at: datetime
    ended_at: datetime | None
    ended_by: str | None


class DeadLetterWhole(DeadLetter):
    """A dead letter with its content: `raw` as it came, where it is text; `event` once it was decoded."""

    position: str | None
    instance: int | None
    raw: str | None
    event: Any


class DeadLetters(BaseModel):
    """Some dead letters in the order of their ids; `next` is the `after` of the page that follows."""

    items: list[DeadLetter]
    next: int | None


@router.get("")
def list_dead_letters(  # noqa: PLR0917 - the framework passes all by name
    caller: Reader,
    doors: SharedDoors,
    status: Annotated[Literal["open", "redriven", "discarded", "all"], Query()] = "open",
    code: Annotated[str | None, Query(max_length=64)] = None,
    machine: Annotated[str | None, Query(max_length=63)] = None,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    count: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
) -> DeadLetters:
    """List dead letters, the oldest first."""
    with doors.reading(caller) as connection:
        letters = history.list_dead_letters(
            connection,
            tenant=caller.tenant,
            status=None if status == "all" else status,
            code=code,
            machine=machine,
            after=after,
            count=count,
        )
    items = [DeadLetter(**_fields(letter)) for letter in letters]
    return DeadLetters(items=items, next=items[-1].id if len(items) == count else None)


@router.get("/{number}")
def show_dead_letter(
    number: Annotated[int, Path(ge=1, le=2**62)], caller: Reader, doors: SharedDoors
) -> DeadLetterWhole:
    """Show one whole."""
    with doors.reading(caller) as connection:
        found = history.show_dead_letter(connection, number)
    raw = None if found.raw is None else found.raw.decode("utf-8", "backslashreplace")
    place = None
    if found.shard is not None and found.queue is not None and found.number is not None:
        place = place_text(Place(doors.catalog(caller).map_epoch, found.shard, found.queue, found.number))
    event = None if found.event is None else orjson.loads(found.event)
    return DeadLetterWhole(**_fields(found.letter), position=place, instance=found.instance, raw=raw, event=event)


def _fields(letter: history.DeadLetter) -> dict[str, Any]:
    refusal = letter.refusal
    said = {"code": refusal.code, "what": refusal.what, "where": refusal.where, "remedy": refusal.remedy}
    names = DeadLetter.model_fields.keys() - said.keys()
    return said | {name: getattr(letter, name) for name in names}

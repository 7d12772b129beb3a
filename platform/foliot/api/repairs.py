"""What operators do: give a dead letter another chance, let a held instance go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from foliot import history, runtime
from foliot.access import Caller
from foliot.api.callers import Operator, SharedDoors
from foliot.api.doors import Doors
from foliot.api.instances import view_of
from foliot.api.problems import PROBLEM_RESPONSES
from foliot.registry import load_own_catalog
from foliot.store import RegistryMoved, load

_TAKE_IN: Final = load("front")["take_in"]
_TRIES_MAX: Final = 3

router = APIRouter(prefix="/v1", responses=PROBLEM_RESPONSES)


class Redriven(BaseModel):
    """A dead letter that had its other chance. `repeated` is true where it had it before this call."""

    id: int
    repeated: bool


class Released(BaseModel):
    """An instance that goes on: it steps what it holds first, and takes new events after that."""

    machine: str
    key: str
    id: int
    held: int = Field(description="Events that it holds")


@router.post("/dead-letters/{number}/redrive", tags=["dead letters"])
def redrive_dead_letter(number: Annotated[int, Path(ge=1, le=2**62)], caller: Operator, doors: SharedDoors) -> Redriven:
    """Give a dead letter another chance, once: what refused it must be mended before.

    An event that has no fault today is accepted as if it came now; an instance that was parked goes on. The call may be
    repeated: what was redriven is not redriven again.
    """
    if _status(doors, caller, number) == "redriven":
        return Redriven(id=number, repeated=True)
    try:
        shards = _redrive(doors, caller, number)
    except runtime.DeadLetterRefused:
        # Somebody else may have been as far at the same time.
        if _status(doors, caller, number) == "redriven":
            return Redriven(id=number, repeated=True)
        raise
    doors.wake.wake(shards)
    return Redriven(id=number, repeated=False)


@router.post("/instances/{machine}/{key:path}/release", tags=["instances"])
def release_instance(machine: str, key: str, caller: Operator, doors: SharedDoors) -> Released:
    """Let a held instance go on with what it holds, the event that stopped it first. 409 where it is not held."""
    view = view_of(doors, caller, machine, key)
    with doors.reading(caller) as connection:
        shards = runtime.release(connection, view.id, by=caller.signature)
    doors.wake.wake(shards)
    return Released(machine=view.machine, key=view.key, id=view.id, held=view.held)


def _redrive(doors: Doors, caller: Caller, number: int) -> Mapping[int, bool]:
    with doors.reading(caller) as connection:
        topic = history.show_dead_letter(connection, number).letter.topic
    for left in reversed(range(_TRIES_MAX)):
        try:
            with doors.reading(caller) as connection:
                catalog = load_own_catalog(connection, topic=topic)
                return runtime.redrive(
                    connection, catalog, doors.settings, number, by=caller.signature, take_in=_TAKE_IN
                )
        except RegistryMoved:
            if not left:
                raise
    raise AssertionError


def _status(doors: Doors, caller: Caller, number: int) -> str:
    with doors.reading(caller) as connection:
        return history.show_dead_letter(connection, number).letter.status

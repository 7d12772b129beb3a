"""Machines, their versions and channels."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel

from foliot.api.callers import Reader, SharedDoors
from foliot.api.instances import machine_of
from foliot.api.problems import PROBLEM_RESPONSES
from foliot.registry import MachineEntry
from foliot.store import load

_SQL: Final = load("front")

router = APIRouter(prefix="/v1/machines", tags=["machines"], responses=PROBLEM_RESPONSES)


class Channel(BaseModel):
    """A movable name for a version; `all_version` is what live instances move to at their next event."""

    name: str
    revision: int
    version: int
    all_revision: int | None
    all_version: int | None


class Machine(BaseModel):
    """A machine and where its channels point."""

    name: str
    channels: list[Channel]


class Version(BaseModel):
    """An immutable edition of a machine."""

    version: int
    hash: str
    published_by: str
    published_at: datetime
    deprecated_at: datetime | None


class MachineVersions(Machine):
    """A machine with its versions, the first one first."""

    versions: list[Version]


class Machines(BaseModel):
    """All machines of a tenant, by name."""

    items: list[Machine]


@router.get("")
def list_machines(caller: Reader, doors: SharedDoors) -> Machines:
    """List machines."""
    entries = doors.catalog(caller).machines.values()
    items = [Machine(name=entry.name, channels=_channels(entry)) for entry in entries]
    return Machines(items=sorted(items, key=lambda machine: machine.name))


@router.get("/{machine}")
def show_machine(machine: str, caller: Reader, doors: SharedDoors) -> MachineVersions:
    """Show a machine with its channels and versions."""
    _, entry = machine_of(doors, caller, machine)
    with doors.reading(caller) as connection:
        rows = _SQL["list_versions"].run(connection, {"machine": entry.number}).fetchall()
    names = ("version", "hash", "published_by", "published_at", "deprecated_at")
    versions = [Version(**dict(zip(names, row, strict=True))) for row in rows]
    return MachineVersions(name=entry.name, channels=_channels(entry), versions=versions)


def _channels(entry: MachineEntry) -> list[Channel]:
    return [Channel.model_validate(each, from_attributes=True) for _, each in sorted(entry.channels.items())]

"""What the API answers with, as values that cannot be changed; fields that a newer API adds are passed over."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

_READ = ConfigDict(frozen=True, extra="ignore")


class Accepted(BaseModel):
    """What became of one event.

    Attributes:
        duplicate: it was accepted before, perhaps by an earlier try of the same call; it is applied once.
        position: to be handed to `instance(…, after=…)`; None where it is a duplicate.
        state: `accepted`, unless `wait` was long enough to see what it came to.
        dead_letter: the dead letter that says why it was not applied, if there is one.
    """

    model_config = _READ

    id: str
    duplicate: bool
    position: str | None
    state: Literal["accepted", "applied", "held", "dead_letter"]
    dead_letter: int | None = None


class Fault(BaseModel):
    """One fault of a definition; `line` and `column` count from 1."""

    model_config = _READ

    code: str
    severity: str
    line: int
    column: int
    path: str
    what: str
    remedy: str


class Problem(BaseModel):
    """Why something was refused (RFC 9457); `code` is one of docs/codes.md, `index` the place in what was sent."""

    model_config = _READ

    status: int
    code: str
    detail: str = ""
    where: str = ""
    remedy: str = ""
    index: int | None = None
    diagnostics: tuple[Fault, ...] | None = None


class Instance(BaseModel):
    """An instance as of its last step. `note` says why it stays on its version or why it is held."""

    model_config = _READ

    tenant: str
    machine: str
    key: str
    id: int
    shard: int
    n: int
    mode: str
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

    model_config = _READ

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


class Step(BaseModel):
    """One row of an instance's journal.

    Attributes:
        machine: said, as are `key`, `shard`, `instance` and `states`, where steps of many instances are watched.
        states: those that its transitions led to; at a birth, the active ones.
    """

    model_config = _READ

    machine: str | None = None
    key: str | None = None
    shard: int | None = None
    instance: int | None = None
    states: tuple[str, ...] | None = None
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


class Watched(BaseModel):
    """What a watch has seen: a step, or first of all the instance as it is.

    `place` is where to go on after it: keep it, and hand it to `watch(…, after=place)` in another process.
    """

    model_config = _READ

    place: str
    what: Step | Instance


class Channel(BaseModel):
    """A movable name for a version; `revision` is what a move has to name."""

    model_config = _READ

    name: str
    revision: int
    version: int
    all_revision: int | None
    all_version: int | None


class Machine(BaseModel):
    """A machine and where its channels point."""

    model_config = _READ

    name: str
    channels: tuple[Channel, ...]


class Version(BaseModel):
    """An immutable edition of a machine."""

    model_config = _READ

    version: int
    hash: str
    published_by: str
    published_at: datetime
    deprecated_at: datetime | None


class MachineVersions(Machine):
    """A machine with its versions, the first one first."""

    versions: tuple[Version, ...]


class Published(BaseModel):
    """A version; `created` is false where the very same machine was there already."""

    model_config = _READ

    machine: str
    version: int
    hash: str
    created: bool


class DeadLetter(BaseModel):
    """An event that was set aside: why, where it came from, and what is known of it."""

    model_config = _READ

    id: int
    status: str
    stage: str
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


class DeadLetterWhole(DeadLetter):
    """A dead letter with its content: `raw` as it came, where it is text; `event` once it was decoded."""

    position: str | None
    instance: int | None
    raw: str | None
    event: Any


class Batch(BaseModel):
    """What became of the events of one batch."""

    model_config = _READ

    results: tuple[Accepted | Problem, ...]


class InstancePage(BaseModel):
    """Some instances; `next` is the cursor of the page after."""

    model_config = _READ

    items: tuple[InstanceSummary, ...]
    next: str | None


class StepPage(BaseModel):
    """Some steps, the newest first."""

    model_config = _READ

    items: tuple[Step, ...]
    next: int | None


class DeadLetterPage(BaseModel):
    """Some dead letters, the oldest first."""

    model_config = _READ

    items: tuple[DeadLetter, ...]
    next: int | None


class Machines(BaseModel):
    """All machines of a tenant, by name."""

    model_config = _READ

    items: tuple[Machine, ...]

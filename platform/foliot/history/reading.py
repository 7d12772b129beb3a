"""An instance as it is, and its journal from the newest row back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

import orjson

from foliot.cloudevents import LANES, address_text
from foliot.errors import FoliotError
from foliot.registry import Catalog, MachineEntry
from foliot.runtime import lane_of, shard_of, transition_numbers
from foliot.store import JOURNAL_KINDS, JOURNAL_OUTCOMES, Connection, end_reading, load

_SQL: Final = load("history")


class UnknownInstance(FoliotError):
    """No instance lives at an address."""

    code: ClassVar[str] = "unknown_instance"
    remedy: ClassVar[str] = "Check the key; the first event of an instance creates it."


@dataclass(frozen=True, slots=True)
class InstanceView:
    """An instance as of its last step; `wants` is the version its channel asks for, `note` why it is not there."""

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


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One row of an instance's journal; `n` counts within the shard, `position` within the instance."""

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


def show(connection: Connection, catalog: Catalog, machine: MachineEntry, key: str) -> InstanceView:
    """Read an instance.

    Raises:
        UnknownInstance: nothing lives at the address.
    """
    address = address_text(machine.tenant_slug, machine.name, key)
    shard = shard_of(address, catalog.shards)
    parameters = {"shard": shard, "tenant": machine.tenant, "machine": machine.number, "key": key}
    row = _SQL["read_instance"].run(connection, parameters).fetchone()
    if row is None:
        end_reading(connection)
        raise UnknownInstance("no instance lives here", where=address)
    shard, id_, channel, placed, version, _, position, n, mode, text, note, born_at, stepped_at = row
    held = _SQL["count_waiting"].run(connection, {"shard": shard, "instance": id_}).fetchone()
    end_reading(connection)
    state = orjson.loads(text)
    return InstanceView(
        tenant=machine.tenant_slug,
        machine=machine.name,
        key=key,
        id=id_,
        shard=shard,
        n=n,
        mode=mode,
        channel=channel,
        version=version,
        wants=_wanted(machine, channel, placed, version),
        note=note,
        position=position,
        configuration=tuple(state["configuration"]),
        context=state["context"],
        timers=state["timers"],
        done=state["done"],
        held=held[0] if held else 0,
        born_at=born_at,
        stepped_at=stepped_at,
    )


def _wanted(machine: MachineEntry, channel_name: str, placed: int, version: int) -> int:
    channel = machine.channels.get(channel_name)
    if channel is None or channel.all_version is None or channel.all_revision is None:
        return version
    return channel.all_version if channel.all_revision > placed else version


def history(
    connection: Connection, shard: int, n: int, *, count: int, instance: int | None = None
) -> tuple[JournalEntry, ...]:
    """Read an instance's journal from the row `n` of its shard backwards, the newest first.

    With `instance` there is nothing to read where that row is another's.
    """
    parameters = {"shard": shard, "n": n, "count": count, "instance": instance}
    rows = _SQL["walk_back"].run(connection, parameters).fetchall()
    end_reading(connection)
    return tuple(journal_entry(row) for row in rows)


def journal_entry(row: tuple[Any, ...]) -> JournalEntry:
    """Read a row of `walk_back`, or of what gives the same columns."""
    n, _, position, kind, outcome, version, _, queue, _, event_id, source, type_, time, data, timer, code, *rest = row
    state_hash, _, detail, at = rest
    return JournalEntry(
        n=n,
        position=position,
        kind=JOURNAL_KINDS[kind],
        outcome=JOURNAL_OUTCOMES[outcome],
        version=version,
        lane=None if queue is None else LANES[lane_of(queue)],
        event_id=event_id,
        type=type_,
        source=source,
        time=time,
        data=None if data is None else orjson.loads(data),
        timer=timer,
        transitions=transition_numbers(code),
        state_hash=bytes(state_hash).hex(),
        detail=None if detail is None else orjson.loads(detail),
        at=at,
    )

"""Events as they come from outside, and what makes two of them the same event."""

from __future__ import annotations

from typing import Final, NamedTuple

from foliot.cloudevents import address_text
from foliot.registry import Catalog
from foliot.runtime.addresses import shard_of
from foliot.runtime.dead_letters import Record
from foliot.runtime.hashing import keyed_hash

_ID_BYTES_MAX: Final = 64


class Arrival(NamedTuple):
    """An event that was decoded and routed; `data` is canonical JSON text, `lane` 0 (critical) to 3 (low)."""

    tenant: int
    machine: int
    key: str
    lane: int
    event_id: str
    source: str
    type: str
    time: str | None
    data: str | None
    traceparent: str | None
    record: Record | None
    payload_hash: bytes


class Claim(NamedTuple):
    """What one event takes: it is the same event as another where tenant and `key` are the same."""

    tenant: int
    key: bytes
    shard: int


def payload_hash(secret: bytes, type_: str, time: str | None, data: str | None) -> bytes:
    """Hash what an event says, keyed with the installation's secret: 16 bytes.

    None of the parts holds U+0000, and no time or data is empty, so no two events have the same text.
    """
    return keyed_hash(secret)(f"{type_}\0{time or ''}\0{data or ''}".encode())


def claim_of(arrival: Arrival, catalog: Catalog) -> Claim:
    """Claim an event: its id, no more than 64 bytes of it, then a keyed hash of id, source and address.

    The id stands first so that ids in order of time (UUIDv7, ULID) stay together in the index.
    """
    machine = catalog.machine_by_number(arrival.machine)
    shard = shard_of(address_text(machine.tenant_slug, machine.name, arrival.key), catalog.shards)
    # None of the texts holds U+0000.
    words = f"{arrival.event_id}\0{arrival.source}\0{arrival.machine}\0{arrival.key}".encode()
    return Claim(arrival.tenant, arrival.event_id.encode()[:_ID_BYTES_MAX] + keyed_hash(catalog.secret)(words), shard)

"""Events as they come from outside, and what makes two of them the same event."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from foliot.cloudevents import address_text
from foliot.registry import Catalog
from foliot.runtime.addresses import shard_of
from foliot.runtime.dead_letters import Record
from foliot.runtime.hashing import keyed_hash

_ID_BYTES_MAX: Final = 64
_PLACES_MAX: Final = 16_384
"""Addresses whose shard and hash are remembered; each takes some hundred bytes."""


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
    """Claim an event: its id, then a keyed hash of source and address; a long id is cut after 64 bytes, and hashed too.

    The id stands first so that ids in order of time (UUIDv7, ULID) stay together in the index.
    """
    machine = catalog.machine_by_number(arrival.machine)
    shard = _shard(machine.tenant_slug, machine.name, arrival.key, catalog.shards)
    id_ = arrival.event_id.encode()
    if len(id_) > _ID_BYTES_MAX:
        # None of the texts holds U+0000, so what is hashed here is never what is hashed for a short id.
        words = f"{arrival.source}\0{arrival.machine}\0{arrival.key}\0".encode() + id_
        return Claim(arrival.tenant, id_[:_ID_BYTES_MAX] + keyed_hash(catalog.secret)(words), shard)
    return Claim(
        arrival.tenant, id_ + _hash_of_place(catalog.secret, arrival.source, arrival.machine, arrival.key), shard
    )


# An instance gets several events, mostly from one source.
@lru_cache(maxsize=_PLACES_MAX)
def _shard(tenant: str, machine: str, key: str, shards: int) -> int:
    return shard_of(address_text(tenant, machine, key), shards)


@lru_cache(maxsize=_PLACES_MAX)
def _hash_of_place(secret: bytes, source: str, machine: int, key: str) -> bytes:
    return keyed_hash(secret)(f"{source}\0{machine}\0{key}".encode())

"""Instances and waiting events in memory, and how they come out of the database's rows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from foliot.engine import State, decode

Mode = Literal["running", "held", "draining"]


class Address(NamedTuple):
    """What names an instance inside the database."""

    tenant: int
    machine: int
    key: str


class Life(NamedTuple):
    """One life of an instance as of its last step: a step makes a new one.

    `n` is its last row in the shard's journal, `encoded` the canonical form of `state`.
    """

    shard: int
    id: int
    address: Address
    channel: str
    placed: int
    version: int
    semantics: int
    n: int
    mode: Mode
    note: str | None
    state: State
    encoded: bytes

    def stepped(self, n: int, semantics: int, state: State, encoded: bytes) -> Life:
        """Give this life after its step; `_replace` would take five times as long."""
        shard, id_, address, channel, placed, version, _, _, mode, note, _, _ = self
        return Life(shard, id_, address, channel, placed, version, semantics, n, mode, note, state, encoded)


class Waiting(NamedTuple):
    """An event that waits in the inbox, or in `held` for the instance `holder`."""

    shard: int
    queue: int
    number: int
    address: Address
    kind: int
    event_id: str
    source: str
    type: str
    time: str | None
    data: str | None
    traceparent: str | None
    instance: int | None
    timer: str | None
    armed: int | None
    holder: int | None = None


@dataclass(frozen=True, slots=True)
class ShardCursor:
    """A shard's cursor row as it was locked."""

    shard: int
    numbers: tuple[int, ...]
    n: int
    batch: int
    outbox: int
    token: bytes
    draining: bool


def waiting_of(row: tuple[Any, ...]) -> Waiting:
    """Read a row of `step.read_inbox` or `step.read_held`."""
    shard, queue, number, tenant, machine, key, *rest = row
    return Waiting(shard, queue, number, Address(tenant, machine, key), *rest)


def life_of(row: tuple[Any, ...]) -> Life:
    """Read a row of `step.load_instances`."""
    shard, tenant, machine, key, id_, channel, placed, version, semantics, _position, n, mode, text, note = row
    encoded = text.encode()
    return Life(
        shard,
        id_,
        Address(tenant, machine, key),
        channel,
        placed,
        version,
        semantics,
        n,
        mode,
        note,
        decode(encoded),
        encoded,
    )


class LifeCache:
    """The lives that this process stepped last, by shard, each shard with the token that it wrote.

    A shard's lives are used only if its cursor row still has that token: nobody else has written since. The least
    recently used shards go first when there are more than `lives_max` lives.
    """

    __slots__ = ("_count", "_lives_max", "_shards", "hits", "misses")

    def __init__(self, lives_max: int) -> None:
        self._shards: OrderedDict[int, tuple[bytes, dict[Address, Life]]] = OrderedDict()
        self._lives_max = lives_max
        self._count = 0
        self.hits = 0
        self.misses = 0

    def lives(self, shard: int, token: bytes, *, compare: bool = True) -> Mapping[Address, Life]:
        """Give what is known of the shard, nothing if another has written it."""
        known = self._shards.get(shard)
        if known is None:
            return {}
        if compare and known[0] != token:
            self.drop(shard)
            return {}
        self._shards.move_to_end(shard)
        return known[1]

    def keep(self, shard: int, token: bytes, changed: Mapping[Address, Life]) -> None:
        """Remember lives after their commit."""
        _, lives = self._shards.pop(shard, (b"", {}))
        before = len(lives)
        lives.update(changed)
        self._count += len(lives) - before
        self._shards[shard] = (token, lives)
        while self._count > self._lives_max and self._shards:
            _, (_, dropped) = self._shards.popitem(last=False)
            self._count -= len(dropped)

    def drop(self, shard: int) -> None:
        """Forget a shard."""
        known = self._shards.pop(shard, None)
        if known is not None:
            self._count -= len(known[1])

    def drop_all(self) -> None:
        """Forget everything."""
        self._shards.clear()
        self._count = 0

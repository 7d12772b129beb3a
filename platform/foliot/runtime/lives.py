"""Instances and waiting events in memory, and how they come out of the database's rows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from foliot.engine import State, decode

Mode = Literal["running", "held", "draining"]
_MODES: Final[Mapping[str, Mode]] = {"running": "running", "held": "held", "draining": "draining"}


class Address(NamedTuple):
    """What names an instance inside the database."""

    tenant: int
    machine: int
    key: str


class Life(NamedTuple):
    """One life of an instance as of its last step: a step makes a new one (`stepped`).

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


Kept: TypeAlias = tuple[int, str, int, int, int, int, Mode, str | None, bytes]
"""A life at rest: `Life` without what its place tells, and the state encoded alone: a seventh of its memory."""

_TURNED_AWAY_SHARE: Final = 1 / 8
"""Of the lives that a cache may have: so many are turned away before a shard makes room."""


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


def waiting_of(row: tuple[Any, ...], holder: int | None = None) -> Waiting:
    """Read a row of `step.read_inbox`, or one of `step.read_held` without its last column, which is the holder."""
    shard, queue, number, tenant, machine, key, kind, event_id = row[:8]
    source, type_, time, data, traceparent, instance, timer, armed = row[8:]
    # Not by their constructors, which take three times as long; so with all that is made of each event.
    address = tuple.__new__(Address, (tenant, machine, key))
    return tuple.__new__(
        Waiting,
        (
            shard,
            queue,
            number,
            address,
            kind,
            event_id,
            source,
            type_,
            time,
            data,
            traceparent,
            instance,
            timer,
            armed,
            holder,
        ),
    )


def stepped(life: Life, n: int, semantics: int, state: State, encoded: bytes) -> Life:
    """Give a life after its step; `_replace` would take ten times as long."""
    shard, id_, address, channel, placed, version, _, _, mode, note, _, _ = life
    made = (shard, id_, address, channel, placed, version, semantics, n, mode, note, state, encoded)
    return tuple.__new__(Life, made)


def life_of(row: tuple[Any, ...]) -> Life:
    """Read a row of `step.load_instances`."""
    shard, tenant, machine, key, id_, channel, placed, version, semantics, _position, n, mode, text, note = row
    # The same few words in every row: one object each, however many lives are kept.
    kept = (id_, intern(channel), placed, version, semantics, n, _MODES[mode], note, text.encode())
    return _awake(shard, Address(tenant, machine, key), kept)


class LifeCache:
    """The lives that this process stepped last, by shard, each shard with the token that it wrote.

    A shard's lives are used only if its cursor row still has that token: nobody else has written since.

    Where there is no room, what is not known already is turned away: were the oldest given up for it, a process that
    meets more lives than it may keep, each as seldom as the others, would give up each of them just before it comes
    again. After so many are turned away as an eighth of `lives_max`, the least recently used shard makes room, so that
    the cache follows what has become of the work.
    """

    __slots__ = ("_count", "_lives_max", "_shards", "_turned_away", "hits", "misses")

    def __init__(self, lives_max: int) -> None:
        self._shards: OrderedDict[int, tuple[bytes, dict[Address, Kept]]] = OrderedDict()
        self._lives_max = lives_max
        self._count = 0
        self._turned_away = 0
        self.hits = 0
        self.misses = 0

    def find(
        self, shard: int, token: bytes, addresses: Iterable[Address], *, compare: bool = True
    ) -> dict[Address, Life]:
        """Give those of the shard's lives that are known: none if another has written it since."""
        known = self._shards.get(shard)
        if known is None:
            return {}
        if compare and known[0] != token:
            self.drop(shard)
            return {}
        self._shards.move_to_end(shard)
        kept = known[1]
        return {address: _awake(shard, address, kept[address]) for address in addresses if address in kept}

    def keep(self, shard: int, token: bytes, changed: Mapping[Address, Life]) -> None:
        """Remember lives after their commit: those that are known or, where there is room, all."""
        _, lives = self._shards.pop(shard, (b"", {}))
        before = len(lives)
        has_room = self._has_room(len(changed))
        for address, life in changed.items():
            if has_room or address in lives:
                lives[address] = _at_rest(life)
            else:
                self._turned_away += 1
        self._count += len(lives) - before
        if lives:
            self._shards[shard] = (token, lives)

    def _has_room(self, count: int) -> bool:
        """Tell whether there is room for so many more, and make it where it is time to."""
        if self._turned_away >= self._lives_max * _TURNED_AWAY_SHARE:
            self._turned_away = 0
            while self._shards and self._count + count > self._lives_max:
                _, (_, dropped) = self._shards.popitem(last=False)
                self._count -= len(dropped)
        return self._count + count <= self._lives_max

    def drop(self, shard: int) -> None:
        """Forget a shard."""
        known = self._shards.pop(shard, None)
        if known is not None:
            self._count -= len(known[1])

    def drop_all(self) -> None:
        """Forget everything."""
        self._shards.clear()
        self._count = 0


def _at_rest(life: Life) -> Kept:
    _, id_, _, channel, placed, version, semantics, n, mode, note, _, encoded = life
    # A copy: what orjson writes holds on to the 4,096 bytes that it began with.
    return id_, channel, placed, version, semantics, n, mode, note, b"%b" % encoded


def _awake(shard: int, address: Address, kept: Kept) -> Life:
    id_, channel, placed, version, semantics, n, mode, note, encoded = kept
    made = (shard, id_, address, channel, placed, version, semantics, n, mode, note, decode(encoded), encoded)
    return tuple.__new__(Life, made)

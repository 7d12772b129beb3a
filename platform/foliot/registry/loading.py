"""The registry as the hot paths see it: read whole at one revision, and versions compiled once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from foliot.definition import Definition
from foliot.engine import Compiled, Room, compile  # noqa: A004 - the contract's word for it
from foliot.registry.entries import Catalog, Channel, MachineEntry, Route
from foliot.registry.failures import RegistryError, UnknownVersion
from foliot.store import Connection, load

_SQL: Final = load("registry")
_FRONT: Final = load("front")

ENTRIES_MAX: Final = 1_048_576
"""What the versions of one process may hold together: 200 MiB."""
_BYTES_PER_ENTRY: Final = 3
"""Bytes of a canonical form that make an entry: a compiled version takes up to 70 times as much memory as that."""

Rows: TypeAlias = Sequence[Sequence[Any]]


def load_catalog(connection: Connection) -> Catalog:
    """Read the whole registry by one statement, in the caller's transaction.

    Raises:
        RegistryError: the database has no installation.
        StoreError: the database did not answer.
    """
    row = _SQL["read_catalog"].run(connection).fetchone()
    if row is None:
        raise RegistryError("the database has no installation", remedy="Run: foliot db upgrade")
    revision, semantics, shards, secret, tenants, machines, channels, topics, routes = row
    return Catalog(
        revision=revision,
        semantics=semantics,
        shards=shards,
        secret=bytes(secret),
        tenants=dict(tenants),
        machines=_machines(machines, channels),
        topics=dict(topics),
        routing=_routing(routes),
    )


def load_own_catalog(connection: Connection, *, topic: str | None = None) -> Catalog:
    """Read the part of the registry that the session's tenant may see: machines and channels, its routes for `topic`.

    A topic that is bound to another tenant is there as bound to nobody that there is.

    Raises:
        RegistryError: there is no such tenant.
        StoreError: the database did not answer.
    """
    row = _FRONT["catalog"].run(connection).fetchone()
    if row is None:
        raise RegistryError("the tenant is not there", where="tenant", remedy="Make it: foliot tenant create")
    revision, semantics, shards, secret, map_epoch, slug, tenant, machines, channels = row
    bound, routes = (None, ()) if topic is None else _own_routing(connection, topic)
    return Catalog(
        revision=revision,
        semantics=semantics,
        shards=shards,
        secret=bytes(secret),
        map_epoch=map_epoch,
        tenants={slug: tenant},
        machines=_machines(machines, channels),
        topics={} if topic is None or bound is None else {topic: bound},
        routing=_routing(routes),
    )


def _own_routing(connection: Connection, topic: str) -> tuple[int | None, Rows]:
    [(bound, routes)] = _FRONT["routing"].run(connection, {"topic": topic}).fetchall()
    return bound, routes


def _machines(machines: Rows, channels: Rows) -> dict[int, MachineEntry]:
    by_machine: dict[int, dict[str, Channel]] = {number: {} for number, *_ in machines}
    for number, name, *rest in channels:
        by_machine[number][name] = Channel(name, *rest)
    return {
        number: MachineEntry(number, tenant, slug, name, by_machine[number]) for number, tenant, slug, name in machines
    }


def _routing(rows: Rows) -> dict[str, tuple[Route, ...]]:
    routing: dict[str, tuple[Route, ...]] = {}
    for row in rows:
        route = Route(*row)
        routing[route.topic] = (*routing.get(route.topic, ()), route)
    return routing


class Versions:
    """Compiled versions, at most `limit`; the one that was not used for longest is forgotten first.

    What they are and what they remember of their ways is counted together, in the engine's entries of about 200 bytes.
    Beyond `entries_max` those that were not used for longest forget their ways, and if that is not enough, they go.
    Versions never change, so what is remembered is right for ever. Not for several threads.
    """

    def __init__(self, limit: int, *, entries_max: int = ENTRIES_MAX) -> None:
        self._limit = limit
        self._entries_max = entries_max
        self._room = Room()
        self._compiled: OrderedDict[tuple[int, int], tuple[Compiled, int]] = OrderedDict()

    @property
    def entries(self) -> int:
        """How much there is, in entries."""
        return self._room.entries

    def get(self, connection: Connection, machine: int, version: int) -> Compiled:
        """Give a version of a machine (by number), compiled.

        Raises:
            UnknownVersion: there is none.
            StoreError: the database did not answer.
        """
        key = (machine, version)
        known = self._compiled.get(key)
        if known is None:
            return self.add(machine, version, _read_canonical(connection, machine, version))
        self._compiled.move_to_end(key)
        if self._room.entries > self._entries_max:
            self._make_room()
        return known[0]

    def add(self, machine: int, version: int, canonical: bytes) -> Compiled:
        """Compile a version (by its canonical form) and keep it."""
        compiled = compile(Definition.from_canonical(canonical), room=self._room)
        weight = len(canonical) // _BYTES_PER_ENTRY
        self._room.entries += weight
        self._compiled[machine, version] = compiled, weight
        if len(self._compiled) > self._limit:
            self._drop()
        if self._room.entries > self._entries_max:
            self._make_room()
        return compiled

    def _make_room(self) -> None:
        """Keep the version that is used now, and of the others as much as there is room for."""
        *others, _ = self._compiled.values()
        for compiled, _ in others:
            compiled.memory.forget()
            if self._room.entries <= self._entries_max:
                return
        while len(self._compiled) > 1 and self._room.entries > self._entries_max:
            self._drop()

    def _drop(self) -> None:
        _, (compiled, weight) = self._compiled.popitem(last=False)
        compiled.memory.leave()
        self._room.entries -= weight


def read_definition(connection: Connection, machine: int, version: int) -> Definition:
    """Read a version of a machine (by number).

    Raises:
        UnknownVersion: there is none.
        StoreError: the database did not answer.
    """
    return Definition.from_canonical(_read_canonical(connection, machine, version))


def _read_canonical(connection: Connection, machine: int, version: int) -> bytes:
    row = _SQL["read_definition"].run(connection, {"machine": machine, "version": version}).fetchone()
    if row is None:
        raise UnknownVersion(f"machine {machine} has no version {version}")
    canonical: str = row[0]
    return canonical.encode()

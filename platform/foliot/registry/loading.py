"""The registry as the hot paths see it: read whole at one revision, and versions compiled once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from foliot.definition import Definition
from foliot.engine import Compiled, compile  # noqa: A004 - the contract's word for it
from foliot.registry.entries import Catalog, Channel, MachineEntry, Route
from foliot.registry.failures import RegistryError, UnknownVersion
from foliot.store import Connection, load

_SQL: Final = load("registry")
_FRONT: Final = load("front")

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

    Versions never change, so what is remembered is right for ever. Not for several threads.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._compiled: OrderedDict[tuple[int, int], Compiled] = OrderedDict()

    def get(self, connection: Connection, machine: int, version: int) -> Compiled:
        """Give a version of a machine (by number), compiled.

        Raises:
            UnknownVersion: there is none.
            StoreError: the database did not answer.
        """
        key = (machine, version)
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = compile(read_definition(connection, machine, version))
            if len(self._compiled) > self._limit:
                self._compiled.popitem(last=False)
        else:
            self._compiled.move_to_end(key)
        return compiled


def read_definition(connection: Connection, machine: int, version: int) -> Definition:
    """Read a version of a machine (by number).

    Raises:
        UnknownVersion: there is none.
        StoreError: the database did not answer.
    """
    row = _SQL["read_definition"].run(connection, {"machine": machine, "version": version}).fetchone()
    if row is None:
        raise UnknownVersion(f"machine {machine} has no version {version}")
    canonical: str = row[0]
    return Definition.from_canonical(canonical.encode())

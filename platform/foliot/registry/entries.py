"""What the registry holds, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from foliot.registry.failures import UnknownMachine


@dataclass(frozen=True, slots=True)
class Channel:
    """A movable name for a version.

    `version` is for births, since `revision`. `all_version` is for live instances that were placed before
    `all_revision`; both are None until the channel is moved for all for the first time.
    """

    name: str
    revision: int
    version: int
    all_revision: int | None = None
    all_version: int | None = None

    def points_at(self, version: int) -> bool:
        """Tell whether births or live instances are sent to that version."""
        return version in (self.version, self.all_version)


@dataclass(frozen=True, slots=True)
class MachineEntry:
    """A machine of a tenant, with its channels by name."""

    number: int
    tenant: int
    tenant_slug: str
    name: str
    channels: Mapping[str, Channel]


@dataclass(frozen=True, slots=True)
class Route:
    """How records of a foreign topic become events of a tenant; `definition` and `schema` are JSON texts.

    `compile_route` makes it ready to run.
    """

    tenant: int
    tenant_slug: str
    name: str
    topic: str
    definition: str
    schema: str | None


_Names: TypeAlias = Mapping[tuple[int, str], MachineEntry]


@dataclass(frozen=True, slots=True)
class Catalog:
    """The whole registry at one revision, immutable; or what one tenant may see of it.

    `tenants` maps slugs to numbers, `machines` is by number, `topics` maps bound topics to their tenants, `routing` has
    the routes of each foreign topic in the order in which a record tries them. `map_epoch` counts the maps of shards.
    """

    revision: int
    semantics: int
    shards: int
    secret: bytes = field(repr=False)
    map_epoch: int = 1
    tenants: Mapping[str, int] = field(default_factory=dict)
    machines: Mapping[int, MachineEntry] = field(default_factory=dict)
    topics: Mapping[str, int] = field(default_factory=dict)
    routing: Mapping[str, tuple[Route, ...]] = field(default_factory=dict)
    _by_name: _Names = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {(machine.tenant, machine.name): machine for machine in self.machines.values()}
        object.__setattr__(self, "_by_name", by_name)

    def tenant(self, slug: str) -> int | None:
        """Look a tenant's number up."""
        return self.tenants.get(slug)

    def machine(self, tenant: int, name: str) -> MachineEntry | None:
        """Look a machine up by its name."""
        return self._by_name.get((tenant, name))

    def machine_by_number(self, number: int) -> MachineEntry:
        """Give the machine that a row names.

        Raises:
            UnknownMachine: the row is newer than this catalog, since machines are never removed.
        """
        entry = self.machines.get(number)
        if entry is None:
            raise UnknownMachine(
                f"no machine has the number {number} at revision {self.revision}", remedy="Load the catalog again."
            )
        return entry

    def topic_tenant(self, topic: str) -> int | None:
        """Tell which tenant a topic is bound to."""
        return self.topics.get(topic)

    def routes(self, topic: str) -> tuple[Route, ...]:
        """Give the routes of a topic, in the order in which a record tries them."""
        return self.routing.get(topic, ())

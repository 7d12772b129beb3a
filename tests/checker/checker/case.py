"""Evidence with the indexes that several invariants need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from checker.evidence import Evidence
from checker.fold import Fold, fold
from checker.model import CursorRow, InstallationRow, InstanceRow, JournalRow, QueuedRow


class Address(NamedTuple):
    """Where an instance lives, in words; a name that no table knows is None."""

    tenant: str | None
    machine: str | None
    key: str | None


class EventKey(NamedTuple):
    """What makes an event one and the same: its id from its source for its address."""

    tenant: str | None
    source: str | None
    id: str | None
    machine: str | None
    key: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """Evidence to be judged. `drained`: the run is over, so nothing may wait any more."""

    evidence: Evidence
    drained: bool
    installation: InstallationRow
    slugs: Mapping[int, str]
    machines: Mapping[int, str]
    instances: Mapping[int, InstanceRow]
    cursors: Mapping[int, CursorRow]
    rows_of_shard: Mapping[int, list[JournalRow]]
    next_offset: Mapping[tuple[str, int], int]
    fold: Fold

    def address(self, instance: int) -> Address:
        """Say where an instance lives."""
        row = self.instances.get(instance)
        if row is None:
            return Address(None, None, None)
        return Address(self.slugs.get(row.tenant), self.machines.get(row.machine), row.key)

    def key_of_step(self, row: JournalRow) -> EventKey:
        """Name the event of a journal row."""
        tenant, machine, key = self.address(row.instance)
        return EventKey(tenant, row.source, row.event_id, machine, key)

    def key_of_waiting(self, row: QueuedRow) -> EventKey:
        """Name an event that is in the inbox or held."""
        return EventKey(self.slugs.get(row.tenant), row.source, row.event_id, self.machines.get(row.machine), row.key)


def open_case(evidence: Evidence, *, drained: bool) -> Case:
    """Index the evidence and fold every journal."""
    rows_of_shard: defaultdict[int, list[JournalRow]] = defaultdict(list)
    for row in sorted(evidence.journal, key=lambda row: (row.shard, row.n)):
        rows_of_shard[row.shard].append(row)
    machines = {row.number: row.name for row in evidence.machines}
    instances = {row.id: row for row in evidence.instances}
    return Case(
        evidence=evidence,
        drained=drained,
        installation=evidence.installation[0],
        slugs={row.number: row.slug for row in evidence.tenants},
        machines=machines,
        instances=instances,
        cursors={row.shard: row for row in evidence.cursors},
        rows_of_shard=rows_of_shard,
        next_offset={(row.topic, row.partition): row.next for row in evidence.offsets},
        fold=fold(
            rows_of_shard, instances, machines, evidence.versions, bytes.fromhex(evidence.installation[0].secret)
        ),
    )

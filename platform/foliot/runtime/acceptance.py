"""What the database's function `take_in` is asked, and what its answer means for each event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from foliot.registry import Catalog
from foliot.runtime.addresses import queue_of
from foliot.runtime.claims import Arrival, Claim, claim_of
from foliot.store import columns

_COLUMNS: Final = (
    *("claims", "hashes", "shards", "queues", "tenants", "machines", "keys", "event_ids", "sources", "types"),
    *("times", "data", "traceparents"),
)

Standing: TypeAlias = Literal["accepted", "duplicate", "id_reused"]


@dataclass(frozen=True, slots=True)
class Position:
    """Where an accepted event stands: it is applied once the cursor of (shard, queue) has reached `number`."""

    shard: int
    queue: int
    number: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an event; a duplicate of one in the same batch has that one's position, any other has none."""

    standing: Standing
    position: Position | None


class Acceptance:
    """Asks for each claim once, for the first event that makes it."""

    def __init__(self, catalog: Catalog, arrivals: Sequence[Arrival]) -> None:
        self._arrivals = arrivals
        self._claims = [claim_of(arrival, catalog) for arrival in arrivals]
        self._first: dict[Claim, int] = {}
        for index, claim in enumerate(self._claims):
            self._first.setdefault(claim, index)
        asked = [arrivals[index] for index in self._first.values()]
        self.parameters = {"revision": catalog.revision, **event_columns(asked, list(self._first))}

    def verdicts(self, row: Sequence[Any] | None) -> tuple[Verdict, ...]:
        """Read the answer: what became of each event, in their order."""
        numbers, reused, hashes = row or ((), None, None)
        accepted = dict(zip(reused or (), map(bytes, hashes or ()), strict=True))
        places = dict(zip(self._first, enumerate(numbers, 1), strict=True))
        return tuple(
            self._verdict(index, claim, *places[claim], accepted=accepted) for index, claim in enumerate(self._claims)
        )

    def _verdict(
        self, index: int, claim: Claim, place: int, number: int | None, *, accepted: Mapping[int, bytes]
    ) -> Verdict:
        first = self._first[claim]
        payload = self._arrivals[index].payload_hash
        if payload != accepted.get(place, self._arrivals[first].payload_hash):
            return Verdict("id_reused", None)
        if number is None:
            return Verdict("duplicate", None)
        position = Position(claim.shard, queue_of(self._arrivals[first].lane), number)
        return Verdict("accepted" if index == first else "duplicate", position)


def event_columns(arrivals: Sequence[Arrival], claims: Sequence[Claim]) -> dict[str, Sequence[Any]]:
    """Write events as the parallel arrays that the database's functions take."""
    rows = [
        (
            *(claim.key, each.payload_hash, claim.shard, queue_of(each.lane), each.tenant, each.machine, each.key),
            *(each.event_id, each.source, each.type, each.time, each.data, each.traceparent),
        )
        for each, claim in zip(arrivals, claims, strict=True)
    ]
    return columns(_COLUMNS, rows)

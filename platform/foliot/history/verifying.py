"""The proof of invariant I3: every instance equals the fold of its journal.

Reads by (shard, n) in short transactions, so that it can run beside the workers: an instance that has stepped beyond
the point where its shard's reading began is left for the next time.

Rows that an engine of another semantics number wrote are not replayed: this one may rightly do something else. Their
chain and what is stored are looked at, and the fold goes on at the first full state, which the first row of each
instance under a new number has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from foliot.engine import SEMANTICS, EngineError, Event, State, adopt, decode, encode, start, step
from foliot.registry import Catalog, Versions
from foliot.runtime import keyed_hash
from foliot.store import JOURNAL_KINDS, JOURNAL_OUTCOMES, Connection, end_reading, load

_SQL: Final = load("history")
ROWS: Final = 2000
"""Rows that one transaction reads."""
FINDINGS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Where the journal, its fold and an instance do not agree."""

    code: str
    shard: int
    n: int
    instance: int
    what: str


@dataclass(slots=True)
class Verified:
    """What was looked at; `findings` stops at a hundred.

    `not_replayed` are those of the rows that an engine of another semantics number wrote.
    """

    rows: int = 0
    not_replayed: int = 0
    instances: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class _Fold:
    """What an instance's rows come to; the state is unknown where another engine wrote the last one."""

    n: int
    position: int
    state: State | None
    hash: bytes


def verify(
    connection: Connection,
    catalog: Catalog,
    versions: Versions,
    *,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Verified:
    """Replay every journal row with the engine and compare hashes, full states and instances.

    `progress` is called after each shard with (shards done, shards in all).
    """
    result = Verified()
    shards = _SQL["read_shards"].run(connection).fetchall()
    end_reading(connection)
    for done, (shard, last) in enumerate(shards, 1):
        _ShardProof(connection, catalog, versions, shard=shard, last=last, result=result).run()
        progress(done, len(shards))
        if len(result.findings) >= FINDINGS_MAX:
            break
    return result


class _ShardProof:
    def __init__(
        self,
        connection: Connection,
        catalog: Catalog,
        versions: Versions,
        *,
        shard: int,
        last: int,
        result: Verified,
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._hash_of = keyed_hash(catalog.secret)
        self._versions = versions
        self._shard = shard
        self._last = last
        self._result = result
        self._folds: dict[int, _Fold] = {}
        self._machines: dict[int, int] = {}

    def run(self) -> None:
        """Fold the shard's journal and compare its instances."""
        self._machines = {row[0]: row[1] for row in self._presents()}
        expected = 1
        for row in self._journal():
            if row[0] != expected:
                self._find("journal_gap", row[0], row[1], f"n goes from {expected - 1} to {row[0]}")
            expected = row[0] + 1
            self._result.rows += 1
            self._fold(row)
        if expected != self._last + 1:
            self._find("journal_short", expected - 1, 0, f"the cursor says {self._last}")
        for id_, _, key, _, position, n, text in self._presents():
            self._compare(id_, key, position, n, text)

    def _journal(self) -> Iterator[tuple[Any, ...]]:
        after = 0
        while after < self._last:
            parameters = {"shard": self._shard, "after": after, "last": self._last, "count": ROWS}
            rows = _SQL["read_journal"].run(self._connection, parameters).fetchall()
            end_reading(self._connection)
            if not rows:
                return
            yield from rows
            after = rows[-1][0]

    def _presents(self) -> Iterator[tuple[Any, ...]]:
        after = 0
        while True:
            parameters = {"shard": self._shard, "after": after, "count": ROWS}
            rows = _SQL["read_presents"].run(self._connection, parameters).fetchall()
            end_reading(self._connection)
            if not rows:
                return
            yield from rows
            after = rows[-1][0]

    def _fold(self, row: tuple[Any, ...]) -> None:
        n, instance, position, previous_n = row[:4]
        before = self._folds.get(instance)
        if previous_n != (before.n if before else None):
            self._find("chain_broken", n, instance, f"the row names {previous_n} as the one before")
        is_ours = row[7] == SEMANTICS
        self._result.not_replayed += not is_ours
        try:
            stored = None if row[17] is None else decode(row[17].encode())
            state = self._replayed(row, before, stored) if is_ours else stored
        except EngineError as error:
            self._find("not_replayable", n, instance, str(error))
            return
        if state is not None:
            self._folds[instance] = _Fold(n, position, state, self._held(row, state))
        elif not is_ours:
            self._folds[instance] = _Fold(n, position, None, bytes(row[16]))

    def _held(self, row: tuple[Any, ...], state: State) -> bytes:
        """Hold a row to the state that comes out of it, and give that state's hash."""
        n, instance, position, _, kind = row[:5]
        text = encode(state)
        hash_ = self._hash_of(text)
        if hash_ != bytes(row[16]):
            self._find("hash_differs", n, instance, f"position {position}, kind {JOURNAL_KINDS[kind]}")
        if row[17] is not None and row[17].encode() != text:
            self._find("state_differs", n, instance, f"the full state at position {position} is not the fold")
        if state.position != position:
            self._find("position_differs", n, instance, f"the fold stands at {state.position}, the row at {position}")
        return hash_

    def _replayed(self, row: tuple[Any, ...], before: _Fold | None, stored: State | None) -> State | None:
        """Give the state that comes out of a row; where that cannot be told, what is stored or was before."""
        n, instance, _, _, kind_number, outcome, version, _, event_id, source, type_, time, data, timer, armed = row[
            :15
        ]
        now = row[18]
        kind, machine = JOURNAL_KINDS[kind_number], self._machines.get(instance)
        if machine is None or (kind != "start" and before is None):
            self._find("no_beginning", n, instance, "a row without an instance, or without a state before it")
            return stored
        was = None if before is None else before.state
        if before is not None and was is None:
            # Another engine wrote the row before: what stands in this one is where the fold goes on.
            if stored is None:
                self._find("no_beginning", n, instance, "no full state in the first row under this semantics number")
            return stored
        compiled = self._versions.get(self._connection, machine, version)
        end_reading(self._connection)
        value = None if data is None else orjson.loads(data)
        event = Event(event_id, source, type_, value, time, None if timer is None else (timer, armed))
        if kind == "start" or was is None:
            return start(compiled, event, now).state
        if kind == "event":
            done = step(compiled, was, event, now)
            if done.outcome != JOURNAL_OUTCOMES[outcome]:
                self._find("outcome_differs", n, instance, f"the fold says {done.outcome}")
            return done.state
        if kind == "migrate":
            moved = adopt(compiled, was)
            if not isinstance(moved, str):
                return moved
            self._find("not_adoptable", n, instance, moved)
        return stored or was

    def _compare(self, id_: int, key: str, position: int, n: int, text: str) -> None:
        fold = self._folds.get(id_)
        if n > self._last:
            return
        self._result.instances += 1
        if fold is None:
            self._find("no_journal", n, id_, f"instance {key!r} has no row")
        elif fold.n != n or fold.position != position:
            self._find("not_its_fold", n, id_, f"instance {key!r} stands at n {n}, its journal at {fold.n}")
        elif fold.hash != self._hash_of(text.encode()):
            self._find("not_its_fold", n, id_, f"instance {key!r} is not the fold of its journal")

    def _find(self, code: str, n: int, instance: int, what: str) -> None:
        if len(self._result.findings) < FINDINGS_MAX:
            self._result.findings.append(Finding(code, self._shard, n, instance, what))

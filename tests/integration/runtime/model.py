"""A plain model of the runtime: what must be true of every instance, whatever the interleaving.

It knows three things: the queue of each (instance, lane) in arrival order, what each event does to its instance, and
which version an instance must run. Every new row of the journal has to be the next thing that the model allows.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import count
from typing import Final, NamedTuple, TypeAlias

from foliot.runtime import instance_id, shard_of
from foliot.store import JOURNAL_KINDS, JOURNAL_OUTCOMES

MACHINE: Final = """
foliot: 1
id: model
context: {initial: {heard: []}}
EVENTS
initial: calm
states:
  calm:
    on: {told: {HEAR}, odd: {HEAR}, armed: {target: waiting, HEAR}, MORE}
  waiting:
    after: {1h: {target: calm, HEAR}}
    on: {told: {HEAR}, odd: {HEAR}, armed: {target: waiting, reenter: true, HEAR}, MORE}
REST
"""
FIRST: Final = (
    MACHINE.replace("EVENTS", "events: {odd: {schema: {required: [fits]}}}")
    .replace("MORE", "hid: {target: cellar, HEAR}, looped: one")
    .replace(
        "REST",
        """
  cellar: {on: {told: {target: calm, HEAR}}}
  one: {always: [{target: two, guard: "size(context.heard) >= 0"}]}
  two: {always: [{target: one, guard: "size(context.heard) >= 0"}]}
""",
    )
    .replace("HEAR", "actions: [{assign: {heard: \"context.heard + ['1 ' + event.id]\"}}]")
)
"""Refuses `odd`, is poisoned by `looped`, and has a cellar from which nobody can be moved to the second version."""
SECOND: Final = (
    MACHINE.replace("EVENTS", "")
    .replace("MORE", "looped: {HEAR}")
    .replace("REST", "")
    .replace("HEAR", "actions: [{assign: {heard: \"context.heard + ['2 ' + event.id]\"}}]")
)
GENERATIONS: Final = 5


def _keys() -> list[str]:
    """Give keys of which some share a shard."""
    found: dict[int, list[str]] = defaultdict(list)
    for number in count():
        place = shard(f"k{number}")
        found[place].append(f"k{number}")
        full = [keys for keys in found.values() if len(keys) == 2]
        if len(full) == 2:
            return [key for keys in full for key in keys]
    raise AssertionError


def shard(key: str) -> int:
    return shard_of(f"default/model/{key}", 64)


KEYS: Final = _keys()
Queue: TypeAlias = tuple[str, int]
"""(key, lane)"""


@dataclass(frozen=True)
class Sent:
    """An event as the model knows it; `armed` is the position at which a timer was armed."""

    id: str
    type: str
    armed: int | None = None


@dataclass
class Life:
    """An instance as the model knows it; `placed` counts moves of the channel."""

    id: int
    version: int
    placed: int
    state: str = "calm"
    heard: list[str] = field(default_factory=list)
    position: int = 1
    n: int = 0
    armed: int | None = None
    armed_lane: int = 0
    fired: bool = False
    held: bool = False

    def owes(self, event: Sent) -> bool:
        """Tell whether a timer still is what the instance waits for."""
        return event.armed is not None and event.armed == self.armed

    def apply(self, event: Sent, lane: int) -> str:
        """Do what the machine does; give the outcome."""
        self.position += 1
        if self.state == "cellar" and event.type != "told":
            return "ignored"
        if event.type == "hid" and self.version == 2:
            return "ignored"
        assert self.version == 2 or event.type not in {"odd", "looped"}, f"{event} cannot be applied by version 1"
        self.heard.append(f"{self.version} {event.id}")
        if self.state == "cellar" or event.armed is not None:
            self.state, self.armed = "calm", None
        elif event.type == "armed":
            self.state, self.armed, self.armed_lane, self.fired = "waiting", self.position, lane, False
        elif event.type == "hid":
            self.state, self.armed = "cellar", None
        return "taken"


class Row(NamedTuple):
    """A row of the journal, with the key of its instance."""

    shard: int
    n: int
    previous_n: int | None
    instance: int
    key: str
    kind: int
    outcome: int
    version: int
    position: int
    queue: int
    event_id: str


@dataclass
class Letter:
    """A dead letter as the model knows it."""

    id: int
    stage: str
    key: str
    event: Sent
    lane: int
    open: bool = True


@dataclass
class Model:
    """What must be true of the runtime."""

    lives: dict[str, Life] = field(default_factory=dict)
    queues: defaultdict[Queue, deque[Sent]] = field(default_factory=lambda: defaultdict(deque))
    heads: Counter[tuple[int, int]] = field(default_factory=Counter)
    letters: list[Letter] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    payloads: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    claims: defaultdict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    turns: int = 0
    next_empty: bool = True
    version: int = 1
    moves: int = 0
    all_version: int = 1
    all_moves: int = -1
    losses: int = 0
    n: Counter[int] = field(default_factory=Counter)

    def take(self, batch: list[tuple[str, int, str, str, int]]) -> tuple[int, int, int]:
        """Accept what is new; give how many are accepted, doubled and refused."""
        accepted = doubled = refused = 0
        for key, lane, id_, type_, payload in batch:
            known = self.payloads.get((key, id_))
            if known is None:
                accepted += 1
                self.payloads[key, id_] = (type_, payload)
                self.arrive(key, lane, Sent(id_, type_))
            elif known == (type_, payload):
                doubled += 1
            else:
                refused += 1
                self.reused.append(id_)
                continue
            self.claims[key, id_].add(self.turns)
        return accepted, doubled, refused

    def arrive(self, key: str, lane: int, event: Sent) -> None:
        self.queues[key, lane].append(event)
        self.heads[shard(key), 2 * lane] += 1

    def turn_dedupe(self) -> None:
        """Write the next generation, or empty the one after the written."""
        if self.next_empty:
            self.turns += 1
        else:
            for claim, turns in list(self.claims.items()):
                turns.discard(self.turns - GENERATIONS + 1)
                if not turns:
                    del self.claims[claim], self.payloads[claim]
        self.next_empty = not self.next_empty

    def waiting_timers(self) -> set[tuple[int, int]]:
        """Give (instance, armed) of the timers that have not fired."""
        return {(life.id, life.armed) for life in self.lives.values() if life.armed is not None and not life.fired}

    def fire(self) -> int:
        """Let every timer's time come."""
        fired = [(key, life) for key, life in self.lives.items() if life.armed is not None and not life.fired]
        for key, life in fired:
            life.fired = True
            id_ = f"{life.id}.after.3600000.waiting.{life.armed}"
            self.arrive(key, life.armed_lane, Sent(id_, "after.3600000.waiting", life.armed))
        return len(fired)

    def migrate(self, life: Life, version: int) -> None:
        assert life.placed < self.all_moves, f"{life} was moved by nobody"
        assert life.state != "cellar", f"{life} cannot move"
        assert life.version != self.all_version == version, f"{life} was moved to version {version}"
        life.version, life.placed = version, self.all_moves

    def take_off(self, key: str, lane: int, id_: str, letters: list[Letter], *, leave: bool = False) -> Sent:
        """Take the event off its queue; before it may only stand timers that were dropped and `letters`."""
        queue, life = self.queues[key, lane], self.lives.get(key)
        while queue:
            front = queue[0]
            if front.id == id_:
                return front if leave else queue.popleft()
            queue.popleft()
            letter = next((letter for letter in letters if letter.event.id == front.id and letter.lane == lane), None)
            if letter is not None:
                letters.remove(letter)
            else:
                stale = front.armed is not None and life is not None and not life.owes(front)
                assert stale, f"{front} of {key} in lane {lane} was passed over by {id_}"
        raise AssertionError(f"{id_} of {key} in lane {lane} was not due: it came twice, or before its time")

    def follow(self, row: Row, letters: list[Letter]) -> None:
        """Do what a row of the journal says was done, if it may be."""
        self.n[row.shard] += 1
        assert row.n == self.n[row.shard], f"shard {row.shard} has a gap before n {row.n}"
        if JOURNAL_KINDS[row.kind] == "start":
            assert row.key not in self.lives
            born = (self.version, instance_id(row.shard, row.n), None)
            assert (row.version, row.instance, row.previous_n) == born
            self.lives[row.key] = Life(row.instance, row.version, self.moves, n=row.n)
            return
        life = self.lives[row.key]
        assert not life.held, f"{life} is held and stepped {row.event_id}"
        assert (row.instance, row.previous_n) == (life.id, life.n)
        life.n = row.n
        if JOURNAL_KINDS[row.kind] == "migrate":
            self.migrate(life, row.version)
            return
        lane = row.queue // 2
        event = self.take_off(row.key, lane, row.event_id, letters)
        assert event.armed is None or life.owes(event), f"{event} was applied to {life}"
        if life.placed < self.all_moves and life.state != "cellar":
            assert life.version == self.all_version, f"{life} was not moved"
            life.placed = self.all_moves
        assert JOURNAL_OUTCOMES[row.outcome] == life.apply(event, lane)
        assert (row.version, row.position) == (life.version, life.position)

    def lost(self, held: dict[Queue, list[str]]) -> list[tuple[Queue, Collection[str]]]:
        """Give the queues that, at rest, have other events left than those held of a held instance."""
        found: list[tuple[Queue, Collection[str]]] = []
        for (key, lane), queue in self.queues.items():
            life = self.lives.get(key)
            stale = {event.id for event in queue if event.armed is not None and not (life and life.owes(event))}
            left = [event.id for event in queue if event.id not in stale]
            kept = [id_ for id_ in held.get((key, lane), []) if id_ not in stale]
            if left != kept or (left and not (life and life.held)):
                found.append(((key, lane), left))
        return found

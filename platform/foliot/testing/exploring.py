"""The ways that a machine can go, the shortest first: states of the search are what decides further ways.

Two instances in the same configuration, with the same memories, timers and deciding values of the context (see
`relevance`), are searched on once. Data of events are samples of their schemas. So the search is exhaustive as far as
these samples stand for all data, the time of a timer matters only by the order in which timers fire, and its budget
lasts; `Explored.complete` says whether it did.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from foliot.definition import EVENT_NAME, Definition
from foliot.engine import Compiled, EngineError, Event, State, Step, start, step
from foliot.reserved import RESERVED_EVENT
from foliot.testing.relevance import all_expressions, deciding_names, event_fields, expressions_of, guards_of, reads_of
from foliot.testing.running import make_event, parent_of
from foliot.testing.samples import constants_of, samples
from foliot.testing.sessions import NO_EVENT, NOT_BEGUN

STEPS_MAX: Final = 20_000
_DUE_MAX: Final = 100
_TYPE: Final = "event.type"


class NeverRests(Exception):
    """Timers that are due at once follow each other without end."""


class Move(NamedTuple):
    """Something that can happen: an event comes, or (without one) time passes until the next timer is due."""

    event: str | None
    data: Any = None


@dataclass(frozen=True, slots=True)
class World:
    """An instance and its clock (microseconds); `count` are the events that it has had."""

    state: State
    now: int
    count: int


BEGINNING: Final = World(NOT_BEGUN, 0, 0)


def apply(machine: Compiled, world: World, move: Move) -> tuple[World, tuple[Step, ...]]:
    """Let something happen, and all that is due then.

    Raises:
        EngineError: the engine stops at a limit.
        NeverRests: timers follow each other without end.
    """
    state, now, count = world.state, world.now, world.count
    steps: list[Step] = []
    event: Event | None = None
    if move.event is not None:
        count += 1
        event = make_event(count, move.event, move.data, now)
    elif state.timers:
        now = max(now, min(timer.due for timer in state.timers.values()))
    if state is NOT_BEGUN:
        born = start(machine, event or NO_EVENT, now)
        steps += (born, *_fire(machine, born.state, now))
    elif event is None:
        steps += _fire(machine, state, now)
    if event is not None:
        taken = step(machine, steps[-1].state if steps else state, event, now)
        steps += (taken, *_fire(machine, taken.state, now))
    return World(steps[-1].state if steps else state, now, count), tuple(steps)


def _fire(machine: Compiled, state: State, now: int) -> Iterator[Step]:
    """Yield the steps of all timers that are due.

    Raises:
        NeverRests: there is no end to them.
    """
    for _ in range(_DUE_MAX):
        due = [(timer.due, timer.armed, timer_id) for timer_id, timer in state.timers.items() if timer.due <= now]
        if not due:
            return
        _, _, timer_id = min(due, key=lambda each: each[:2])
        timer = state.timers[timer_id]
        taken = step(machine, state, Event("", "", timer.event, timer.data, timer=(timer_id, timer.armed)), now)
        state = taken.state
        yield taken
    raise NeverRests(f"more than {_DUE_MAX} timers were due at once")


class Moves:
    """What can happen to instances of a machine: the events that it knows, each with sample data, and time.

    `untried` are events to whose schemas no sample fits: they come, and nobody tries them.
    """

    def __init__(self, definition: Definition) -> None:
        nodes = list(definition.root.walk())
        constants = constants_of(guards_of(definition))
        types = _Types(definition, constants.texts)
        self._parents = parent_of(definition.root)
        self._by_state: dict[str, tuple[str, ...]] = {}
        self._moves: dict[str, tuple[Move, ...]] = {}
        for node in nodes:
            descriptors = [
                name
                for each in node.transitions
                for name in (each.event or "").split()
                if not name.startswith(("done.state", "done.invoke", "error"))
            ]
            descriptors += [name for line in node.defer for name in line.split()]
            descriptors += [
                each.event or ""
                for invocation in node.invocations
                for each in (*invocation.on_done, *invocation.on_error)
            ]
            self._by_state[node.id] = tuple(dict.fromkeys(name for each in descriptors for name in types.of(each)))
        reads = {name: _read_of(name, definition, types) for names in self._by_state.values() for name in names}
        for name, fields in reads.items():
            spec = definition.events.get(name)
            schema = None if spec is None else spec.json_schema
            self._moves[name] = tuple(Move(name, data) for data in samples(schema, constants, reads=fields))
        self.untried = frozenset(name for name, found in self._moves.items() if not found)

    def all(self) -> Iterator[Move]:
        """Yield every event that some state knows, whatever the instance is in."""
        for moves in self._moves.values():
            yield from moves

    def of(self, state: State) -> Iterator[Move]:
        """Yield what can happen to an instance."""
        for name in self._known(state):
            yield from self._moves[name]
        if state.timers:
            yield Move(None)

    def waits(self, state: State) -> bool:
        """Say whether anything can happen to an instance, be it untried."""
        return bool(state.timers or self._known(state))

    def _known(self, state: State) -> dict[str, None]:
        names: dict[str, None] = {}
        for leaf in state.configuration:
            at: str | None = leaf
            while at is not None:
                names |= dict.fromkeys(self._by_state[at])
                at = self._parents[at]
        return names


class _Types:
    """Types of events that stand for all that fit a descriptor."""

    def __init__(self, definition: Definition, texts: Iterable[str]) -> None:
        self._listed = tuple(definition.events)
        is_read = any(_TYPE in reads_of(source) for source in all_expressions(definition))
        named = (each for each in texts if EVENT_NAME.fullmatch(each) and not RESERVED_EVENT.match(each))
        self._compared = tuple(named) if is_read else None

    def of(self, descriptor: str) -> Iterator[str]:
        """Yield those that are listed, else one; where expressions ask for the type, all that differs for them."""
        prefix = descriptor.removesuffix("*").removesuffix(".")
        one, longer = prefix or "anything", f"{prefix}.anything" if prefix else "anything"
        known = [name for name in self._listed if _is_below(name, prefix)]
        yield from known or [one]
        if self._compared is not None:
            yield from (name for name in (*self._compared, one) if _is_below(name, prefix))
        if descriptor.endswith("*") or self._compared is not None:
            yield longer


def _is_below(name: str, prefix: str) -> bool:
    return not prefix or name == prefix or name.startswith(f"{prefix}.")


def _read_of(name: str, definition: Definition, types: _Types) -> frozenset[str]:
    """Name the fields of an event's data that its transitions read."""
    sources: list[str] = []
    for node in definition.root.walk():
        for transition in node.transitions:
            if name in [each for word in (transition.event or "").split() for each in types.of(word)]:
                sources += [transition.guard] if transition.guard else []
                sources += expressions_of(transition.actions)
    return event_fields(sources)


@dataclass(frozen=True, slots=True)
class Explored:
    """What a search came to: whether all was searched, and how many steps it took."""

    complete: bool
    steps: int


@dataclass(frozen=True, slots=True)
class Way:
    """How the search came to a world: the last move, and the way before it."""

    move: Move
    before: Way | None
    came_from: World
    world: World
    steps: tuple[Step, ...]

    def moves(self) -> tuple[Move, ...]:
        """Give all moves in their order."""
        return tuple(each.move for each in self.whole())

    def transitions_backwards(self) -> Iterator[int]:
        """Yield the transitions that were taken, the last one first."""
        way: Way | None = self
        while way is not None:
            for taken in reversed(way.steps):
                yield from reversed(taken.transitions)
            way = way.before

    def whole(self) -> tuple[Way, ...]:
        """Give all parts in their order."""
        parts: list[Way] = []
        way: Way | None = self
        while way is not None:
            parts.append(way)
            way = way.before
        return tuple(reversed(parts))


def explore(
    machine: Compiled,
    look: Callable[[Way], bool],
    *,
    steps_max: int = STEPS_MAX,
    sources: Iterable[str] = (),
    mark: Callable[[Way], Hashable] = lambda _way: None,
    failed: Callable[[Way, Exception], None] = lambda _way, _error: None,
) -> Explored:
    """Search breadth first and show the way of each move to `look`, which ends the search by True.

    `sources` are expressions that matter beside guards. `mark` gives what parts two ways to otherwise alike instances.
    `failed` is shown the moves at which the engine stops, or timers never rest: their ways have no steps.
    """
    names = deciding_names(machine.definition, sources)
    moves = Moves(machine.definition)
    try:
        born = start(machine, NO_EVENT, 0).state
    except EngineError as error:
        failed(Way(Move(None), None, BEGINNING, BEGINNING, ()), error)
        return Explored(complete=True, steps=1)
    waiting: deque[tuple[World, Way | None]] = deque([(BEGINNING, None)])
    known: set[Hashable] = set()
    count = 0
    while waiting:
        world, before = waiting.popleft()
        begun = world.state is not NOT_BEGUN
        for move in (*moves.of(world.state if begun else born), *(() if begun else (Move(None),))):
            if move.event is not None and machine.validate_event(move.event, move.data) is not None:
                continue
            if count >= steps_max:
                return Explored(complete=False, steps=count)
            count += 1
            try:
                after, steps = apply(machine, world, move)
            except (EngineError, NeverRests) as error:
                failed(Way(move, before, world, world, ()), error)
                continue
            way = Way(move, before, world, after, steps)
            if look(way):
                return Explored(complete=False, steps=count)
            key = (mark(way), world_key(after, names))
            if key not in known and not after.state.done:
                known.add(key)
                waiting.append((after, way))
    return Explored(complete=True, steps=count)


def world_key(world: World, names: frozenset[str] | None) -> Hashable:
    """Give what parts two worlds; `names` are those of the context that decide (see `deciding_names`)."""
    state = world.state
    context: Mapping[str, Any] = state.context
    if names is not None:
        context = {name: value for name, value in context.items() if name in names}
    return (
        state.configuration,
        tuple(sorted(state.history.items())),
        tuple(timer_id for timer_id, _ in sorted(state.timers.items(), key=lambda each: (each[1].due, each[0]))),
        tuple(event.type for event in state.deferred),
        orjson.dumps(context, option=orjson.OPT_SORT_KEYS, default=repr),
    )

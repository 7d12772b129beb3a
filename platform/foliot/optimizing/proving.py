"""Whether two machines do the same: their product is searched, then both are run at random.

The search goes through pairs of instances, breadth first from both births, with every event of either machine in every
pair, and time; so a machine that takes an event where the other does not is found, too. It is exhaustive as far as
`foliot.testing.exploring` says of its own; `Proof.complete` tells whether its budget lasted. The random runs take data
beside those samples, and go further than the search where that had to end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson

from foliot.definition import Definition
from foliot.engine import Compiled, EngineError, Limits, Step
from foliot.engine import compile as compile_machine
from foliot.optimizing.rewriting import Names, Optimized
from foliot.optimizing.seeing import SAME, seen_of
from foliot.testing import BEGINNING, NOT_BEGUN, Move, Moves, NeverRests, World, apply, deciding_names, world_key

Pick: TypeAlias = Callable[[int], int]
"""Gives a whole number below another, at random."""
PAIRS_MAX: Final = 20_000
RUNS: Final = 10_000
RUN_MOVES_MAX: Final = 12
_UNKNOWN: Final = Move("foliot-unknown", {})
_ALL_TELL: Final = 500


@dataclass(frozen=True, slots=True)
class Proof:
    """What was compared. With a `difference` (the moves that show it) the machines are not the same.

    `complete`: all pairs that samples lead to were searched; else `steps` is where the budget ended.
    """

    complete: bool
    pairs: int
    steps: int
    runs: int
    run_steps: int
    difference: tuple[Move, ...] = ()


def prove(
    definition: Definition,
    optimized: Optimized,
    pick: Pick,
    *,
    steps_max: int = PAIRS_MAX,
    runs: int = RUNS,
    limits: Limits | None = None,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> Proof:
    """Compare a machine with what was made of it. `tell` is told of the random runs that are done."""
    product = _Product(definition, optimized, limits)
    complete, pairs, steps, difference = product.search(steps_max)
    run_steps = number = 0
    while number < runs and not difference:
        if number % _ALL_TELL == 0:
            tell(number, runs)
        number += 1
        taken, difference = product.run(pick)
        run_steps += taken
    return Proof(complete and not difference, pairs, steps, number, run_steps, difference)


class _Product:
    """Two machines in lock step."""

    def __init__(self, definition: Definition, optimized: Optimized, limits: Limits | None) -> None:
        self._machines = (
            compile_machine(definition, limits=limits),
            compile_machine(optimized.definition, limits=limits),
        )
        self._names = optimized.names
        self._deciding = tuple(deciding_names(each.definition) for each in self._machines)
        found = {
            (move.event, orjson.dumps(move.data, default=repr)): move
            for each in self._machines
            for move in Moves(each.definition).all()
            if self._is_valid(move)
        }
        self._moves = (*found.values(), _UNKNOWN)

    def search(self, steps_max: int) -> tuple[bool, int, int, tuple[Move, ...]]:
        """Search all pairs of instances, the nearest first."""
        waiting: deque[tuple[World, World, tuple[Move, ...]]] = deque([(BEGINNING, BEGINNING, ())])
        known: set[Hashable] = set()
        steps = 0
        while waiting:
            one, other, way = waiting.popleft()
            for move in self._possible(one, other):
                if steps >= steps_max:
                    return False, len(known), steps, ()
                steps += 1
                after = self._both(one, other, move)
                if after is None:
                    return False, len(known), steps, (*way, move)
                if after == (one, other) or after[0].state.done:
                    continue
                key = tuple(world_key(each, names) for each, names in zip(after, self._deciding, strict=True))
                if key not in known:
                    known.add(key)
                    waiting.append((*after, (*way, move)))
        return True, len(known), steps, ()

    def run(self, pick: Pick) -> tuple[int, tuple[Move, ...]]:
        """Run both once, at random; the moves are given if they differ."""
        one, other = BEGINNING, BEGINNING
        way: tuple[Move, ...] = ()
        for _ in range(1 + pick(RUN_MOVES_MAX)):
            possible = tuple(self._possible(one, other))
            move = possible[pick(len(possible))]
            varied = Move(move.event, _vary(move.data, pick))
            if self._is_valid(varied):
                move = varied
            way = (*way, move)
            after = self._both(one, other, move)
            if after is None:
                return len(way), way
            one, other = after
            if one.state.done:
                break
        return len(way), ()

    def _possible(self, one: World, other: World) -> Iterator[Move]:
        yield from self._moves
        if one.state is NOT_BEGUN or one.state.timers or other.state.timers:
            yield Move(None)

    def _is_valid(self, move: Move) -> bool:
        return move.event is None or self._machines[0].validate_event(move.event, move.data) is None

    def _both(self, one: World, other: World, move: Move) -> tuple[World, World] | None:
        """Let the same happen to both; None if what is seen of them differs."""
        ours, seen = _try(self._machines[0], one, move, self._names)
        theirs, seen_there = _try(self._machines[1], other, move, SAME)
        return (ours, theirs) if seen == seen_there else None


def _try(machine: Compiled, world: World, move: Move, names: Names) -> tuple[World, Hashable]:
    """Let something happen; where the engine refuses it, nothing has."""
    steps: tuple[Step, ...]
    try:
        after, steps = apply(machine, world, move)
    except (EngineError, NeverRests) as error:
        return world, type(error).__name__
    return after, seen_of(steps, names)


def _vary(value: Any, pick: Pick) -> Any:
    """Change the numbers and texts of data, about every second."""
    match value:
        case bool() | None:
            return value
        case int() | float():
            return value if pick(2) else value + (pick(201) - 100)
        case str():
            return value if pick(2) else value + "xyz"[: 1 + pick(3)]
        case dict():
            return {name: _vary(each, pick) for name, each in value.items()}
        case list():
            return [_vary(each, pick) for each in value]
        case _:
            return value

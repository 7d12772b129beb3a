"""Machines under Hypothesis: data that fit a schema, events, walks, and what must hold on all of them.

It needs the package `hypothesis` (the extra `testing`), which shrinks what it finds to the shortest walk.
"""

from __future__ import annotations

import math
import re
import string
from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import orjson
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from foliot.definition import Definition, JsonSchema, compile_schema
from foliot.engine import Compiled, EngineError, Event, State
from foliot.engine import compile as compile_machine
from foliot.testing.alternatives import alternatives, kinds_of
from foliot.testing.exploring import BEGINNING, Move, Moves, NeverRests, apply
from foliot.testing.generating import golden
from foliot.testing.samples import Constants, samples
from foliot.testing.scenarios import ScenarioFile
from foliot.testing.sessions import NOT_BEGUN
from foliot.testing.writing import write_scenarios

_DEPTH_MAX: Final = 5
_LENGTH_MAX: Final = 30
_WHOLE_MAX: Final = 2**53
_CHARACTERS: Final = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])
_TEXT: Final = st.text(_CHARACTERS, max_size=20)
_NAMES: Final = st.text(string.ascii_lowercase, min_size=1, max_size=8)
_INTEGERS: Final = st.integers(-_WHOLE_MAX, _WHOLE_MAX)
_FLOATS: Final = st.floats(allow_nan=False, allow_infinity=False, width=32)
_ANY: Final[st.SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | _INTEGERS | _FLOATS | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=8,
)

Invariant: TypeAlias = Callable[[State], bool]


class InvariantBroken(AssertionError):
    """Something that must always hold does not; the text has the shortest walk that was found, as a scenario."""


def data(schema: JsonSchema | None) -> st.SearchStrategy[Any]:
    """Draw data that fit a schema, those at its bounds among them; without a schema, any JSON."""
    if schema is None:
        return _ANY
    validator = compile_schema(schema)
    bounds = samples(schema, Constants())
    drawn = _of(schema, schema if isinstance(schema, Mapping) else {}, 0)
    return (st.sampled_from(bounds) | drawn if bounds else drawn).filter(validator.is_valid)


def events(definition: Definition) -> st.SearchStrategy[Event]:
    """Draw events that the machine lists, with data that fit."""
    listed = [
        st.builds(Event, st.just("e"), st.just("test"), st.just(name), data(spec.json_schema))
        for name, spec in definition.events.items()
    ]
    return st.one_of(listed)


def walks(definition: Definition, *, length_max: int = _LENGTH_MAX) -> st.SearchStrategy[tuple[Move, ...]]:
    """Draw ways of an instance: at each step an event that some active state knows, or time until a timer is due.

    Before the first event it may be there already, as one that no state knows makes it.
    """
    return _walks(definition, compile_machine(definition), length_max)


@st.composite
def _walks(draw: st.DrawFn, definition: Definition, machine: Compiled, length_max: int) -> tuple[Move, ...]:
    moves = Moves(definition)
    specs = {name: data(spec.json_schema) for name, spec in definition.events.items()}
    born, _ = apply(machine, BEGINNING, Move(None))
    world = BEGINNING
    walked: list[Move] = []
    for _ in range(draw(st.integers(1, length_max))):
        state = born.state if world.state is NOT_BEGUN else world.state
        known = [*moves.of(state), *([Move(None)] if world.state is NOT_BEGUN else [])]
        if not known or state.done:
            break
        move = draw(st.sampled_from(known))
        if move.event in specs and draw(st.booleans()):
            move = Move(move.event, draw(specs[move.event]))
        if move.event is not None and machine.validate_event(move.event, move.data) is not None:
            continue
        walked.append(move)
        try:
            world, _ = apply(machine, world, move)
        except (EngineError, NeverRests):
            break
    return tuple(walked)


def check_always(
    definition: Definition,
    invariant: Invariant,
    *,
    examples_max: int = 200,
    length_max: int = _LENGTH_MAX,
    derandomize: bool = False,
) -> None:
    """Walk at random and see that `invariant` holds in every state in which an instance rests.

    Raises:
        InvariantBroken: it does not; the shortest walk that was found is in the text.
    """
    machine = compile_machine(definition)

    @settings(
        max_examples=examples_max,
        deadline=None,
        database=None,
        derandomize=derandomize,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
    )
    @given(walks(definition, length_max=length_max))
    def holds(walk: tuple[Move, ...]) -> None:
        broken = _breaks(machine, invariant, walk)
        if broken:
            raise InvariantBroken(_told(machine, _shortest(machine, invariant, broken)))

    holds()


def _breaks(machine: Compiled, invariant: Invariant, walk: tuple[Move, ...]) -> tuple[Move, ...]:
    """Give the beginning of a walk after which the invariant does not hold, or nothing."""
    world = BEGINNING
    for number, move in enumerate(walk):
        if move.event is not None and machine.validate_event(move.event, move.data) is not None:
            continue
        try:
            world, _ = apply(machine, world, move)
        except (EngineError, NeverRests):
            return ()
        if not invariant(world.state):
            return walk[: number + 1]
    return ()


def _shortest(machine: Compiled, invariant: Invariant, walk: tuple[Move, ...]) -> tuple[Move, ...]:
    """Leave out every move that is not needed."""
    number = 0
    while number < len(walk):
        shorter = _breaks(machine, invariant, (*walk[:number], *walk[number + 1 :]))
        walk, number = (shorter, 0) if shorter else (walk, number + 1)
    return walk


def _told(machine: Compiled, walk: tuple[Move, ...]) -> str:
    scenario = golden(machine, walk, "the invariant does not hold at the end")
    return "the invariant does not hold after this:\n" + write_scenarios(
        ScenarioFile(machine=f"{machine.definition.id}.yaml", scenarios=(scenario,))
    )


def _of(schema: Any, root: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    """Draw what mostly fits a schema; `data` filters the rest."""
    if schema is True or depth > _DEPTH_MAX:
        return _ANY
    return st.one_of([_of_way(each, root, depth) for each in alternatives(schema, root)])


def _of_way(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = kinds_of(schema)
    return st.one_of([_of_type(kind, schema, root, depth) for kind in kinds]) if kinds else _ANY


def _of_type(  # noqa: PLR0911 - one for each type
    kind: str, schema: Mapping[str, Any], root: Mapping[str, Any], depth: int
) -> st.SearchStrategy[Any]:
    match kind:
        case "integer":
            return _integers(schema)
        case "number":
            return _integers(schema) | _floats(schema)
        case "string":
            return _texts(schema)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "array":
            return _lists(schema, root, depth)
        case _:
            return _objects(schema, root, depth)


def _integers(schema: Mapping[str, Any]) -> st.SearchStrategy[int]:
    step = schema.get("multipleOf", 1)
    if not float(step).is_integer():
        step = 1
    lows = [math.ceil(schema["minimum"] / step)] if "minimum" in schema else []
    lows += [math.floor(schema["exclusiveMinimum"] / step) + 1] if "exclusiveMinimum" in schema else []
    highs = [math.floor(schema["maximum"] / step)] if "maximum" in schema else []
    highs += [math.ceil(schema["exclusiveMaximum"] / step) - 1] if "exclusiveMaximum" in schema else []
    low = max(lows, default=min(*highs, 0) - _WHOLE_MAX if highs else -_WHOLE_MAX)
    high = min(highs, default=max(low, 0) + _WHOLE_MAX)
    return st.nothing() if low > high else st.integers(low, high).map(lambda number: number * int(step))


def _floats(schema: Mapping[str, Any]) -> st.SearchStrategy[float]:
    lows = [float(schema[word]) for word in ("minimum", "exclusiveMinimum") if word in schema]
    highs = [float(schema[word]) for word in ("maximum", "exclusiveMaximum") if word in schema]
    low, high = max(lows, default=None), min(highs, default=None)
    if low is not None and high is not None and low > high:
        return st.nothing()
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


def _texts(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    shortest = schema.get("minLength", 0)
    texts = st.text(_CHARACTERS, min_size=shortest, max_size=schema.get("maxLength", shortest + 20))
    if "pattern" not in schema:
        return texts
    try:
        return st.from_regex(re.compile(schema["pattern"], re.ASCII))
    except re.error:
        return texts  # What Python's expressions do not know, such as classes of Unicode.


def _lists(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> st.SearchStrategy[list[Any]]:
    first = [_of(each, root, depth + 1) for each in schema.get("prefixItems", ())]
    fewest = max(schema.get("minItems", 0) - len(first), 0)
    most = max(schema.get("maxItems", len(first) + fewest + 4) - len(first), fewest)
    items = _of(schema.get("items", True), root, depth + 1)
    most = 0 if items.is_empty else most
    unique = orjson.dumps if schema.get("uniqueItems") else None
    rest = st.lists(items, min_size=fewest, max_size=most, unique_by=unique)
    return st.builds(lambda one, other: [*one, *other], st.tuples(*first), rest) if first else rest


def _objects(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> st.SearchStrategy[dict[str, Any]]:
    named = {name: _of(each, root, depth + 1) for name, each in schema.get("properties", {}).items()}
    needed = set(schema.get("required", ()))
    must = {name: named.get(name, _ANY) for name in sorted(needed)}
    may = {name: each for name, each in named.items() if name not in needed}
    known = st.fixed_dictionaries(must, optional=may)
    others = schema.get("additionalProperties", True)
    fewest = max(schema.get("minProperties", 0) - len(must), 0)
    more = [
        st.dictionaries(st.from_regex(re.compile(pattern, re.ASCII)), _of(each, root, depth + 1), max_size=fewest + 2)
        for pattern, each in schema.get("patternProperties", {}).items()
    ]
    if isinstance(others, Mapping) or (others and fewest):
        unnamed = _NAMES.filter(lambda name: name not in named)
        more.append(st.dictionaries(unnamed, _of(others, root, depth + 1), min_size=fewest, max_size=fewest + 2))
    return st.builds(lambda one, *rest: dict(ChainMap(one, *rest)), known, *more) if more else known

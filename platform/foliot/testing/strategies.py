"""Machines under Hypothesis: data that fit a schema, events, walks, and what must hold on all of them.

It needs the package `hypothesis` (the extra `testing`), which shrinks what it finds to the shortest walk.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from foliot.cel import refer
from foliot.definition import Definition, JsonSchema, compile_schema
from foliot.engine import Compiled, EngineError, Event, State
from foliot.engine import compile as compile_machine
from foliot.testing.exploring import BEGINNING, Move, Moves, NeverRests, apply
from foliot.testing.generating import golden
from foliot.testing.samples import Constants, samples
from foliot.testing.scenarios import ScenarioFile
from foliot.testing.sessions import NOT_BEGUN
from foliot.testing.writing import write_scenarios

_DEPTH_MAX: Final = 5
_LENGTH_MAX: Final = 30
_CHARACTERS: Final = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])
_TEXT: Final = st.text(_CHARACTERS, max_size=20)
_NAMES: Final = st.text(string.ascii_lowercase, min_size=1, max_size=8)
_INTEGERS: Final = st.integers(-(2**53), 2**53)
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
    """Draw ways of an instance: at each step an event that some active state knows, or time until a timer is due."""
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
        known = list(moves.of(state))
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


def _of(schema: Any, root: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one each
    """Draw what mostly fits a schema; `data` filters the rest."""
    if not isinstance(schema, Mapping) or depth > _DEPTH_MAX:
        return _ANY
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "$ref" in schema:
        return _of(refer(schema["$ref"], root), root, depth + 1)
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return st.one_of([_of(each, root, depth + 1) for each in several])
    kinds = schema.get("type", "object" if "properties" in schema else None)
    if kinds is None:
        return _ANY
    return st.one_of([_of_type(kind, schema, root, depth) for kind in ([kinds] if isinstance(kinds, str) else kinds)])


def _of_type(  # noqa: PLR0911 - one for each type
    kind: str, schema: Mapping[str, Any], root: Mapping[str, Any], depth: int
) -> st.SearchStrategy[Any]:
    match kind:
        case "integer":
            return st.integers(schema.get("minimum", -(2**53)), schema.get("maximum", 2**53))
        case "number":
            low, high = schema.get("minimum"), schema.get("maximum")
            return st.floats(low, high, allow_nan=False, allow_infinity=False)
        case "string" if "pattern" in schema:
            return st.from_regex(schema["pattern"])
        case "string":
            shortest = schema.get("minLength", 0)
            return st.text(_CHARACTERS, min_size=shortest, max_size=schema.get("maxLength", shortest + 20))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "array":
            fewest = schema.get("minItems", 0)
            items = _of(schema.get("items", True), root, depth + 1)
            return st.lists(items, min_size=fewest, max_size=schema.get("maxItems", fewest + 4))
        case _:
            named = {name: _of(each, root, depth + 1) for name, each in schema.get("properties", {}).items()}
            needed = set(schema.get("required", ()))
            must = {name: named.get(name, _ANY) for name in sorted(needed)}
            may = {name: each for name, each in named.items() if name not in needed}
            return st.fixed_dictionaries(must, optional=may)

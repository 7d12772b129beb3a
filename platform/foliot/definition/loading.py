"""From a text to a definition, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass, field

from foliot.definition import scalars
from foliot.definition.actions import Noted
from foliot.definition.building import Builder, Built
from foliot.definition.census import count_states
from foliot.definition.diagnostics import DefinitionRefused, Diagnostic, Faults, ReadingStopped
from foliot.definition.expressions import ContextNames, ExpressionChecker
from foliot.definition.json_reader import read_json
from foliot.definition.limits import Limits
from foliot.definition.lint import Linter, check_assigned, check_handled
from foliot.definition.model import Definition
from foliot.definition.schema_checks import SchemaChecker
from foliot.definition.schemas import check_instance, check_schema, context_names
from foliot.definition.shape import Shape
from foliot.definition.sizing import check_size
from foliot.definition.tree import Mapping, Place, Tree, positions
from foliot.definition.yaml_reader import read_yaml

_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text is: `definition` is None if a diagnostic is an error.

    `positions` has line and column, from 1, for each path into the text, as in `Diagnostic.path`; `places` has those of
    states and transitions, as far as the language tells them.
    """

    definition: Definition | None
    diagnostics: tuple[Diagnostic, ...]
    positions: dict[str, tuple[int, int]] = field(default_factory=dict)
    places: Places = field(default_factory=lambda: Places({}, {}))


@dataclass(frozen=True, slots=True)
class Places:
    """Where each state (by id) and each transition (by index) stands in the text."""

    states: Table[str, Place]
    transitions: Table[int, Place]


@dataclass(frozen=True, slots=True)
class Understood:
    """What a tree means: the machine, and where its parts stand."""

    definition: Definition
    places: Places


def load(text: str | bytes, *, filename: str, limits: Limits = _LIMITS) -> Definition:
    """Read a machine from YAML or JSON.

    Raises:
        DefinitionRefused: something is wrong; `diagnostics` has all of it.
    """
    reading = read(text, filename=filename, limits=limits)
    if reading.definition is None:
        raise DefinitionRefused(reading.diagnostics)
    return reading.definition


def check(text: str | bytes, *, filename: str, limits: Limits = _LIMITS) -> tuple[Diagnostic, ...]:
    """Tell everything that is wrong with a text, in its order: errors, and warnings of what is hardly meant."""
    return read(text, filename=filename, limits=limits).diagnostics


def read(text: str | bytes, *, filename: str, limits: Limits = _LIMITS) -> Reading:
    """Read a text and keep all that is known of it. Whatever the text is, no exception comes out."""
    faults = Faults(filename, limits)
    tree: Tree | None = None
    understood: Understood | None = None
    try:
        content = decode(text, faults)
        tree = parse(content, filename, faults)
        understood = understand(tree, content, faults)
    except ReadingStopped:
        understood = None
    where = {} if tree is None else positions(tree)
    if understood is None or faults.any_error():
        return Reading(None, faults.sorted(), where)
    return Reading(understood.definition, faults.sorted(), where, understood.places)


def decode(text: str | bytes, faults: Faults) -> str:
    """Make sure that a text is one, and not too large.

    Raises:
        ReadingStopped: it is not; `faults` says why.
    """
    bytes_max = faults.limits.text_bytes_max
    # A text has at least as many bytes as characters: what is far too long is not even encoded.
    too_long = len(text) > bytes_max
    encoded = text if isinstance(text, bytes) or too_long else text.encode("utf-8", "surrogatepass")
    if too_long or len(encoded) > bytes_max:
        faults.error("D102", Place(1, 1), f"The text is larger than {bytes_max} bytes.", "Split the machine.")
        raise ReadingStopped("too large")
    content = _from_utf8(text, faults) if isinstance(text, bytes) else text
    scalars.check_characters(content, faults)
    if faults.any_error():
        raise ReadingStopped("forbidden characters")
    return content.removeprefix("\ufeff")


def _from_utf8(encoded: bytes, faults: Faults) -> str:
    try:
        return encoded.decode("utf-8")
    except UnicodeDecodeError as error:
        before = encoded[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        place = Place(before.count(b"\n") + 1, column)
        faults.error("D114", place, "The text is not UTF-8.", "Save the file as UTF-8.")
        raise ReadingStopped("not UTF-8") from error


def parse(content: str, filename: str, faults: Faults) -> Tree:
    """Read JSON where it says so or looks so, else YAML: `{a: 1}` begins like JSON, too."""
    if filename.endswith(".json"):
        return read_json(content, faults)
    if content.lstrip(" \t\r\n").startswith("{"):
        trial = Faults(filename, faults.limits)
        try:
            tree = read_json(content, trial)
        except ReadingStopped:
            return read_yaml(content, faults)
        return tree if not trial.any_error() else read_json(content, faults)
    return read_yaml(content, faults)


def understand(tree: Tree, content: str, faults: Faults) -> Understood | None:
    """Make a machine of a tree, whose places are places in `content`; `faults` gets all that is wrong with it."""
    shape = Shape(faults)
    document = shape.mapping(tree, "a machine")
    if document is None:
        return None
    census = count_states(document, shape)
    builder = Builder(shape, census)
    built = builder.build(document)
    check_size(built.definition, faults, document)
    known = _check_schemas(document, built, faults)
    noted = builder.actions.noted
    checker = ExpressionChecker(tuple(content.split("\n")), frozenset(census.states), known, faults)
    _check_expressions(noted, checker, built.definition, faults)
    if known is not None:
        check_assigned(noted.assigned, known, faults)
    events = document.values.get("events")
    linter = Linter(built, census, faults)
    linter.check_transitions()
    # These follow targets and initial states, which must be good for that; a fault in an expression is no hindrance.
    if not faults.any_error("D2", "D3", "D4"):
        linter.check_runs()
        check_handled(events if isinstance(events, Mapping) else None, built.definition, faults)
    places = Places(
        {state_id: sketch.where.place for state_id, sketch in census.states.items()},
        {index: located.place for index, located in built.places.items()},
    )
    return Understood(built.definition, places)


def _check_expressions(noted: Noted, checker: ExpressionChecker, definition: Definition, faults: Faults) -> None:
    """Check each expression by itself, and what is good against the schemas, where these are."""
    values = [written for written in noted.expressions if checker.value(written.scalar) is not None]
    guards = [written for written in noted.guards if checker.guard(written.scalar) is not None]
    if faults.any_error("D7"):
        return
    schemas = SchemaChecker(definition, checker.inside, faults)
    for written in values:
        schemas.value(written)
    for written in guards:
        schemas.guard(written)
    for written in noted.constants:
        schemas.constant(written)


def _check_schemas(document: Mapping, built: Built, faults: Faults) -> ContextNames | None:
    """Check all schemas, and the initial context against its own; return the names that the context has."""
    events = document.values.get("events")
    for event in events.values.values() if isinstance(events, Mapping) else ():
        if isinstance(event, Mapping) and "schema" in event.values:
            check_schema(event.values["schema"], faults)
    context = document.values.get("context")
    if not isinstance(context, Mapping) or "schema" not in context.values:
        return None
    validator = check_schema(context.values["schema"], faults)
    if validator is None:
        return None
    empty = Mapping({}, {}, context.place, context.path)
    check_instance(context.values.get("initial", empty), validator, faults)
    return context_names(built.definition.context.json_schema)

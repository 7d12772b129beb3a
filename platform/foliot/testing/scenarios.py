"""Scenarios: what happens to a machine, told in YAML or JSON, and what is expected of it.

The models are the format; `scenario_schema` is its JSON Schema, by which editors complete and check what is typed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from foliot.cel import CelError, text_of
from foliot.definition import (
    Cel,
    Definition,
    Diagnostic,
    Faults,
    Limits,
    Mapping,
    Place,
    ReadingStopped,
    Tree,
    compile_guard,
    decode,
    did_you_mean,
    duration_ms,
    find,
    parse,
    plain,
)

_LIMITS: Final = Limits(text_bytes_max=4_194_304, node_count_max=400_000)
_DURATION: Final = r"^(?:0|[1-9][0-9]{0,14})(?:ms|s|m|h|d)$"

Duration: TypeAlias = Annotated[
    str, Field(pattern=_DURATION, json_schema_extra={"patternErrorMessage": "Write 250ms, 30s, 15m, 2h or 7d."})
]
OutcomeWord: TypeAlias = Literal["taken", "ignored", "deferred", "refused", "failed"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def told(self, name: str) -> bool:
        """Whether the file says something here."""
        return name in self.model_fields_set


class Sent(_Part):
    """A message to a topic, or to another session. What is left out may be anything."""

    event: str
    topic: str | None = Field(None, description="The Kafka topic.")
    target: str | None = Field(None, description="The session, as SCXML names it.")
    data: JsonValue = Field(None, description="All of its data.")


class Invoked(_Part):
    """A service that was begun. What is left out may be anything."""

    id: str | None = None
    source: str | None = None
    data: JsonValue = None


class ExpectedEffect(_Part):
    """One thing that a machine does to the world outside."""

    send: Sent | None = None
    log: str | None = Field(None, description="A line of its log.")
    invoke: Invoked | None = None
    finish: JsonValue = Field(None, description="What it gives when it is done.")


class Expectation(_Part):
    """What must be so after a step. What is left out may be anything."""

    outcome: OutcomeWord | None = Field(
        None,
        description="What became of the event: refused where its data do not fit its schema, failed where the engine "
        "stops at a limit.",
    )
    active: tuple[str, ...] = Field((), alias="in", description="States that are active, at any depth.")
    not_active: tuple[str, ...] = Field((), alias="not_in", description="States that are not active.")
    configuration: tuple[str, ...] | None = Field(None, description="All active states without active children.")
    context: dict[str, JsonValue] = Field(default_factory=dict, description="Values of the context, each whole.")
    absent: tuple[str, ...] = Field((), description="Names that the context does not have.")
    holds: tuple[str, ...] = Field((), description="Conditions in CEL over `context` and `event`.")
    effects: tuple[ExpectedEffect, ...] | None = Field(None, description="All that it does, in order.")
    timers: dict[str, Duration] | None = Field(
        None,
        description="All armed timers by id (that of `after: {5m: …}` is after.300000.STATE), and when they are due.",
    )
    done: StrictBool | None = Field(None, description="Whether the instance has ended.")


class Occurrence(_Part):
    """Time passes, an event comes, or both in this order."""

    event: str | None = Field(None, description="The type of an event.")
    data: JsonValue = Field(None, description="Its data.")
    advance: Duration | None = Field(None, description="How much time passes first.")
    at: Duration | None = Field(None, description="How long after the beginning it happens.")


class ScenarioStep(Occurrence):
    """Something that happens, and what must be so afterwards."""

    expect: Expectation = Field(default_factory=Expectation)


class Replied(_Part):
    """What comes of one attempt of a service: an answer, an error, or nothing at all."""

    answer: JsonValue = Field(None, description="It ends well; the data of done.invoke.")
    error: str | None = Field(None, description="It fails, with these words.")
    after: Duration | None = Field(None, description="How long that takes; at once if left out.")


class Given(_Part):
    """How it is at the beginning; without it there is no instance until the first event comes."""

    events: tuple[Occurrence, ...] = Field((), description="What has happened already.")
    state: tuple[str, ...] = Field((), description="The active states without active children, just entered.")
    context: dict[str, JsonValue] = Field(default_factory=dict, description="Values put over the initial context.")
    services: dict[str, Annotated[tuple[Replied, ...], Field(min_length=1)]] = Field(
        default_factory=dict,
        description="What comes of attempts of services, one after the other, by the name in `src`; the last stays. "
        "A service that is not named never answers.",
    )


class Scenario(_Part):
    """One story of one instance."""

    name: Annotated[str, Field(min_length=1)]
    given: Given = Field(default_factory=Given)
    steps: Annotated[tuple[ScenarioStep, ...], Field(min_length=1)]


class ScenarioFile(_Part):
    """Scenarios of one machine."""

    machine: Annotated[str, Field(min_length=1, description="The machine's file, as seen from this one.")]
    scenarios: Annotated[tuple[Scenario, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class ScenarioReading:
    """What a text is: `scenarios` is None if a diagnostic is an error. `tree` knows where each part stands."""

    scenarios: ScenarioFile | None
    diagnostics: tuple[Diagnostic, ...]
    tree: Tree | None = None

    def place(self, *path: str | int) -> Place:
        """Tell where a part stands, or what is there of it."""
        return Place(1, 1) if self.tree is None else find(self.tree, path).place


def read_scenarios(text: str | bytes, *, filename: str) -> ScenarioReading:
    """Read a file of scenarios. Whatever the text is, no exception comes out."""
    faults = Faults(filename, _LIMITS)
    tree: Tree | None = None
    scenarios: ScenarioFile | None = None
    try:
        tree = parse(decode(text, faults), filename, faults)
        if not faults.any_error():
            scenarios = _understand(tree, faults)
    except ReadingStopped:
        scenarios = None
    return ScenarioReading(None if faults.any_error() else scenarios, faults.sorted(), tree)


def check_against(reading: ScenarioReading, definition: Definition, *, filename: str) -> tuple[Diagnostic, ...]:
    """Tell what scenarios name that the machine does not have."""
    faults = Faults(filename, _LIMITS)
    states = {state.id: state for state in definition.root.walk()}
    for place, name in _named_states(reading):
        if name not in states or not name:
            what = f"The machine has no state {faults.quote(name)}."
            faults.error("D204", place, what, did_you_mean(name, [each for each in states if each]))
        elif states[name].kind == "history":
            faults.error("D204", place, f"{faults.quote(name)} is a history state, which is never active.", "")
    sources = [each.source for node in states.values() for each in node.invocations]
    names = [text_of(each.source) if isinstance(each, Cel) else None for each in sources]
    # What an expression gives may be any name.
    for place, name in _named_services(reading) if None not in names else ():
        if name not in names:
            what = f"The machine invokes no service {faults.quote(name)}."
            faults.error("D204", place, what, did_you_mean(name, [each for each in names if each is not None]))
    return faults.sorted()


def _understand(tree: Tree, faults: Faults) -> ScenarioFile | None:
    if not isinstance(tree, Mapping):
        faults.error("D203", tree, "This is no file of scenarios.", "Write 'machine:' and 'scenarios:'.")
        return None
    try:
        found = ScenarioFile.model_validate(plain(tree))
    except ValidationError as error:
        found_faults = error.errors(include_url=False, include_input=False)
        for fault in found_faults:
            # Pydantic counts the good items alone, and says of a list with a bad one that it is too short.
            path = fault["loc"]
            inside = any(each["loc"][: len(path)] == path and len(each["loc"]) > len(path) for each in found_faults)
            if not inside:
                _note(fault["type"], path, fault["msg"], tree, faults)
        return None
    for number, scenario in enumerate(found.scenarios):
        _check_scenario(scenario, find(tree, ("scenarios", number)), faults)
    return found


def _note(kind: str, path: tuple[str | int, ...], message: str, tree: Tree, faults: Faults) -> None:
    where = find(tree, path)
    name = faults.quote(str(path[-1])) if path else "It"
    match kind:
        case "extra_forbidden":
            parent = find(tree, path[:-1])
            key = parent.keys.get(str(path[-1])) if isinstance(parent, Mapping) else None
            known = _known_keys(path[:-1])
            faults.error("D201", key or where, f"The key {name} is not known here.", did_you_mean(str(path[-1]), known))
        case "missing":
            faults.error(
                "D202", where, f"The key {name} is missing.", "`foliot language schema --scenarios` tells the format."
            )
        case "literal_error" | "string_pattern_mismatch" | "too_short" | "string_too_short":
            remedy = "Write 250ms, 30s, 15m, 2h or 7d." if kind == "string_pattern_mismatch" else ""
            faults.error("D204", where, f"{name} cannot be this: {message}.", remedy)
        case _:
            faults.error("D203", where, f"{name} cannot be this: {message}.", "")


def _known_keys(path: tuple[str | int, ...]) -> list[str]:
    """Name the keys that the model at a path has."""
    model: type[BaseModel] = ScenarioFile
    below: dict[str, type[BaseModel]] = {
        "scenarios": Scenario,
        "given": Given,
        "steps": ScenarioStep,
        "events": Occurrence,
        "services": Replied,
        "expect": Expectation,
        "effects": ExpectedEffect,
        "send": Sent,
        "invoke": Invoked,
    }
    for part in path:
        model = below.get(str(part), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _check_given(given: Given, tree: Tree, faults: Faults) -> None:
    if given.state and given.events:
        what = "Given are both a state and events."
        faults.error("D204", tree, what, "Begin in a state, or with events.")
    if given.context and not given.state:
        what = "A context is given without a state."
        faults.error("D204", tree, what, "Name the active states too: 'state: [waiting]'.")
    for name, replies in given.services.items():
        for number, reply in enumerate(replies):
            _check_reply(reply, find(tree, ("services", name, number)), faults)


def _check_scenario(scenario: Scenario, tree: Tree, faults: Faults) -> None:
    _check_given(scenario.given, find(tree, ("given",)), faults)
    for key, occurrences in (("steps", scenario.steps), ("events", scenario.given.events)):
        for number, each in enumerate(occurrences):
            path = ("steps", number) if key == "steps" else ("given", "events", number)
            _check_occurrence(each, find(tree, path), faults)
    for number, step in enumerate(scenario.steps):
        for place, condition in enumerate(step.expect.holds):
            try:
                compile_guard(condition)
            except CelError as error:
                where = find(tree, ("steps", number, "expect", "holds", place))
                faults.error("D601", where, f"{error.refusal.what.rstrip('.')}.", error.refusal.remedy)
        for place, effect in enumerate(step.expect.effects or ()):
            if len(effect.model_fields_set) != 1:
                where = find(tree, ("steps", number, "expect", "effects", place))
                faults.error("D501", where, "Here not exactly one effect stands.", "Write send, log, invoke or finish.")


def _check_occurrence(occurrence: Occurrence, tree: Tree, faults: Faults) -> None:
    if occurrence.event is None and occurrence.advance is None and occurrence.at is None:
        faults.error("D202", tree, "Nothing happens here.", "Write 'event: …', or 'advance: 5m'.")
    if occurrence.advance is not None and occurrence.at is not None:
        faults.error("D204", tree, "Time is told twice here.", "Write 'advance' or 'at'.")
    if occurrence.told("data") and occurrence.event is None:
        faults.error("D202", tree, "Here are data of no event.", "Write 'event: …'.")


def _check_reply(reply: Replied, tree: Tree, faults: Faults) -> None:
    if reply.told("answer") and reply.told("error"):
        faults.error("D204", tree, "Here are both an answer and an error.", "Write one of them.")
    if reply.told("after") and not (reply.told("answer") or reply.told("error")):
        faults.error("D202", tree, "Nothing comes of this attempt, whenever it may be.", "Write 'answer' or 'error'.")


def _named_states(reading: ScenarioReading) -> Iterator[tuple[Tree, str]]:
    for number, scenario in enumerate(reading.scenarios.scenarios if reading.scenarios else ()):
        base: tuple[str | int, ...] = ("scenarios", number)
        lists: list[tuple[tuple[str | int, ...], tuple[str, ...]]] = [((*base, "given", "state"), scenario.given.state)]
        for place, step in enumerate(scenario.steps):
            at = (*base, "steps", place, "expect")
            lists += [((*at, "in"), step.expect.active), ((*at, "not_in"), step.expect.not_active)]
            lists += [((*at, "configuration"), step.expect.configuration or ())]
        for path, names in lists:
            for item, name in enumerate(names):
                if reading.tree is not None:
                    yield find(reading.tree, (*path, item)), name


def _named_services(reading: ScenarioReading) -> Iterator[tuple[Tree, str]]:
    if reading.tree is None or reading.scenarios is None:
        return
    for number, scenario in enumerate(reading.scenarios.scenarios):
        for name in scenario.given.services:
            yield find(reading.tree, ("scenarios", number, "given", "services", name)), name


def scenario_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of a file of scenarios."""
    schema = ScenarioFile.model_json_schema(schema_generator=_Schema)
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema, "title": "Scenarios of a Foliot machine"}


class _Schema(GenerateJsonSchema):
    """Leaves out titles that repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - Pydantic's own
        return False


def duration_us(text: str) -> int:
    """Read a duration that the format has taken, in microseconds."""
    return (duration_ms(text) or 0) * 1_000


def write_duration(microseconds: int) -> str:
    """Write a duration in its largest whole unit; less than a millisecond is dropped."""
    milliseconds = microseconds // 1_000
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"

"""Routes: how the records of a foreign topic become events, as CEL expressions that are all checked at publication."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

import jsonschema_rs
import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from foliot.cel import (
    BOOL,
    DIGEST,
    DYN,
    MAP,
    STRING,
    CelError,
    Environment,
    EvaluationError,
    compile_expression,
    to_json,
)
from foliot.definition import compile_schema
from foliot.registry.changes import Call, Outcome, perform, tenant_number
from foliot.registry.entries import Route
from foliot.registry.failures import RouteRefused, SchemaRefused, TopicBound, UnknownSchema, hint
from foliot.registry.names import check_slug, check_topic
from foliot.store import Connection, load

_SQL: Final = load("registry")
_TEXT_BYTES_MAX: Final = 65_536
_SCHEMA_BYTES_MAX: Final = 1_048_576
_COMPILED_MAX: Final = 1_024
_PLAIN: Final = frozenset({"name", "topic", "schema"})
_WANTED: Final = {"match": BOOL, "data": DYN}
_ENVIRONMENT: Final = Environment({"record": MAP}, (DIGEST,))

Evaluate: TypeAlias = Callable[[Mapping[str, Any]], Any]


class RouteDefinition(BaseModel):
    """A route as it is written. All but name, topic and schema are CEL over `record`.

    `record` has `topic`, `partition`, `offset`, `key`, `headers` and `value`. `schema` names a schema of the tenant's
    that the value must fit. `match` decides; the others give texts, but `data`, which gives anything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: StrictStr
    topic: StrictStr
    match: StrictStr
    machine: StrictStr
    key: StrictStr
    type: StrictStr
    id: StrictStr
    source: StrictStr | None = None
    data: StrictStr | None = None
    time: StrictStr | None = None
    lane: StrictStr | None = None
    schema_name: StrictStr | None = Field(None, alias="schema")

    def expressions(self) -> dict[str, str]:
        """Give the expressions that are there, by name."""
        return {name: source for name, source in self.canonical_fields().items() if name not in _PLAIN}

    def canonical_fields(self) -> dict[str, str]:
        """Give all that is there, by the name it is written under."""
        fields: dict[str, str] = self.model_dump(by_alias=True, exclude_none=True)
        return fields


@dataclass(frozen=True, slots=True)
class CompiledRoute:
    """A route ready to run. Its functions raise `EvaluationError`, with the name of the expression in `where`.

    `fields` has `machine`, `key`, `type`, `id` and what there is of `source`, `data`, `time` and `lane`.
    """

    route: Route
    match: Evaluate
    fields: Mapping[str, Evaluate]
    validate_value: Callable[[Any], str | None]

    def event(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Make the fields of the event: plain JSON; texts, but for `data`."""
        return {name: to_json(evaluate(record)) for name, evaluate in self.fields.items()}


def publish_route(
    connection: Connection,
    tenant: str,
    definition: bytes | str | Mapping[str, Any],
    *,
    by: str = "",
    filename: str = "",
) -> Route:
    """Add a route, or replace the one of its name. A topic that is bound to nobody is bound to the tenant.

    Raises:
        RouteRefused: the text is no route; all faults are named.
        UnknownSchema: it names a schema that the tenant does not have.
        TopicBound: the topic belongs to another tenant.
    """
    place = filename or "route"
    parsed = _parsed(definition, place)
    canonical = orjson.dumps(parsed.canonical_fields(), option=orjson.OPT_SORT_KEYS).decode()

    def act(number: int, _revision: int) -> Outcome:
        schema = _schema_text(connection, number, parsed.schema_name, place)
        bind(connection, number, parsed.topic, rebind=False)
        parameters = {"tenant": number, "name": parsed.name, "topic": parsed.topic, "definition": canonical}
        _SQL["put_route"].run(connection, parameters)
        return Outcome({"tenant": number, "schema": schema})

    done = perform(connection, Call("publish_route", tenant, parsed.canonical_fields(), by), act)
    return Route(done["tenant"], tenant, parsed.name, parsed.topic, canonical, done["schema"])


def publish_schema(connection: Connection, tenant: str, name: str, schema: bytes | str, *, by: str = "") -> None:
    """Add a JSON Schema (2020-12, as JSON text) that routes can name, or replace the one of its name.

    Raises:
        SchemaRefused: it is no JSON Schema.
    """
    check_slug(name, "schema")
    if len(schema) > _SCHEMA_BYTES_MAX:
        raise SchemaRefused(f"the schema is larger than {_SCHEMA_BYTES_MAX} bytes", where=name, remedy="Split it.")
    try:
        read = orjson.loads(schema)
        compile_schema(read)
    except (ValueError, jsonschema_rs.ValidationError) as error:
        what = str(error).partition("\n")[0]
        raise SchemaRefused(what, where=name) from error
    text = orjson.dumps(read, option=orjson.OPT_SORT_KEYS).decode()

    def act(number: int, _revision: int) -> Outcome:
        _SQL["put_schema"].run(connection, {"tenant": number, "name": name, "schema": text})
        return Outcome({})

    perform(connection, Call("publish_schema", tenant, {"name": name}, by), act)


def list_routes(connection: Connection, tenant: str) -> tuple[Route, ...]:
    """Give the tenant's routes by topic and name."""
    number = tenant_number(connection, tenant)
    return tuple(Route(number, tenant, *row) for row in _SQL["list_routes"].run(connection, {"tenant": number}))


@lru_cache(maxsize=_COMPILED_MAX)
def compile_route(route: Route) -> CompiledRoute:
    """Make a route ready to run. It was checked when it was published.

    Raises:
        RouteRefused: it was not, or by another version of CEL.
    """
    parsed = _parsed(orjson.loads(route.definition), f"route {route.name}")
    compiled = {
        name: _located(name, compile_expression(source, _ENVIRONMENT, want=_WANTED.get(name, STRING)).evaluate)
        for name, source in parsed.expressions().items()
    }
    return CompiledRoute(route, compiled.pop("match"), compiled, _validator(route.schema))


def topic_owner(connection: Connection, topic: str) -> int | None:
    """Tell which tenant a topic is bound to; the front doors get 0 in the place of any other than their own."""
    row = _SQL["read_topic"].run(connection, {"topic": topic}).fetchone()
    return None if row is None else row[0]


def bind(connection: Connection, tenant: int, topic: str, *, rebind: bool) -> bool:
    """Bind a topic in the open transaction; tell whether that changed anything.

    Raises:
        TopicBound: it belongs to another tenant, and `rebind` is false.
    """
    owner = topic_owner(connection, topic)
    if owner == tenant:
        return False
    if owner is not None and not rebind:
        raise TopicBound(
            f"the topic {topic!r} belongs to another tenant",
            where="topic",
            remedy="Bind it to this one first: foliot topic bind --rebind",
        )
    _SQL["put_topic"].run(connection, {"topic": topic, "tenant": tenant})
    return True


def _parsed(definition: bytes | str | Mapping[str, Any], place: str) -> RouteDefinition:
    document = definition if isinstance(definition, Mapping) else _read(definition, place)
    try:
        parsed = RouteDefinition.model_validate(document)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, each['loc'])) or 'the route'}: {each['msg']}" for each in error.errors()]
        remedy = (
            f"A route has: {', '.join(field.alias or name for name, field in RouteDefinition.model_fields.items())}."
        )
        raise RouteRefused("; ".join(faults), where=place, remedy=remedy) from error
    check_slug(parsed.name, "route")
    check_topic(parsed.topic)
    faults = [fault for name, source in parsed.expressions().items() if (fault := _fault(name, source))]
    if faults:
        raise RouteRefused("; ".join(faults), where=place, remedy="Expressions are CEL over 'record'.")
    return parsed


def _read(text: bytes | str, place: str) -> Any:
    if len(text) > _TEXT_BYTES_MAX:
        raise RouteRefused(f"the text is larger than {_TEXT_BYTES_MAX} bytes", where=place, remedy="Split it.")
    try:
        # An alias can make a small text a huge document; the events show it before anything is built.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise RouteRefused("aliases are not allowed", where=place, remedy="Write the value out.")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        what = " ".join(str(error).split())
        raise RouteRefused(f"this is not YAML: {what}", where=place, remedy="Write YAML or JSON.") from error


def _fault(name: str, source: str) -> str:
    try:
        compile_expression(source, _ENVIRONMENT, want=_WANTED.get(name, STRING))
    except CelError as error:
        return f"{name}: {error}"
    return ""


def _located(name: str, evaluate: Evaluate) -> Evaluate:
    def run(record: Mapping[str, Any]) -> Any:
        try:
            return evaluate(record)
        except EvaluationError as error:
            raise EvaluationError(error.reason, f"{name}: {error.what}", remedy=error.hint) from error

    return run


def _schema_text(connection: Connection, tenant: int, name: str | None, place: str) -> str | None:
    if name is None:
        return None
    schemas: dict[str, str] = dict(_SQL["list_schemas"].run(connection, {"tenant": tenant}).fetchall())
    if name not in schemas:
        remedy = hint(name, schemas, UnknownSchema.remedy)
        raise UnknownSchema(f"there is no schema {name!r}", where=place, remedy=remedy)
    return str(schemas[name])


def _validator(schema: str | None) -> Callable[[Any], str | None]:
    if schema is None:
        return lambda _value: None
    validator = compile_schema(orjson.loads(schema))

    def validate(value: Any) -> str | None:
        fault = next(iter(validator.iter_errors(value)), None)
        if fault is None:
            return None
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault.instance_path)
        return f"{path.removeprefix('.') or 'the value'}: {fault.message}"

    return validate

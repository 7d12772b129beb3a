"""Expressions against the schemas of what they read and of what they are assigned to.

What can have no value for any data that meet the schemas is an error; a part that can't, of what may have one, is a
warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from foliot.cel import (
    ANY,
    JSON_KINDS,
    MAPS,
    Doubt,
    Facts,
    Inferred,
    Shape,
    are_apart,
    infer,
    just,
    meet,
    schema_ranges,
    shape_of_schema,
    shape_of_value,
)
from foliot.definition.actions import Written
from foliot.definition.diagnostics import Faults, did_you_mean
from foliot.definition.expressions import ENVIRONMENT
from foliot.definition.model import Definition
from foliot.definition.sent_data import SentData
from foliot.definition.tree import Scalar

Locate: TypeAlias = Callable[[Scalar, int, int], Scalar]
"""Gives where a line and a column of an expression stand in the text."""

_TIMES = {"google.protobuf.Timestamp", "google.protobuf.Duration"}
_SURE = "So the schemas say; mend the expression, or what is declared."


class SchemaChecker:
    """Checks expressions of one machine, of which all schemas are good."""

    def __init__(self, definition: Definition, locate: Locate, faults: Faults) -> None:
        context = definition.context.json_schema
        self._context = ANY if context is None else meet(shape_of_schema(context), MAPS)
        self._facts: Facts = dict(schema_ranges("context", context))
        self._sent = SentData(definition)
        self._events: dict[str | None, Shape] = {}
        self._seen: dict[tuple[str, str | None], Inferred] = {}
        self._silent = context is None and all(spec.json_schema is None for spec in definition.events.values())
        self._locate = locate
        self._faults = faults

    def value(self, written: Written) -> None:
        """Check an expression that may have any type."""
        inferred = self._inferred(written)
        if inferred is not None and written.name is not None:
            self._check_assigned(written, _as_json(inferred.shape))

    def guard(self, written: Written) -> None:
        """Check an expression that must be true or false."""
        inferred = self._inferred(written)
        if inferred is not None and not inferred.shape.is_empty and not inferred.shape.may_be("bool"):
            what = f"A guard is true or false, but by the schemas this is {inferred.shape}."
            self._faults.error("D603", written.scalar, what, "Compare it with something: 'context.count > 0'.")

    def constant(self, written: Written) -> None:
        """Check a constant that is assigned."""
        if not self._silent:
            self._check_assigned(written, shape_of_value(written.scalar.value))

    def _inferred(self, written: Written) -> Inferred | None:
        if self._silent:
            return None
        inferred = self._look(str(written.scalar.value), written.event)
        for doubt in inferred.doubts:
            self._note(doubt, self._locate(written.scalar, doubt.line, doubt.column), is_sure=inferred.shape.is_empty)
        return inferred

    def _look(self, source: str, descriptor: str | None) -> Inferred:
        """Follow an expression once for each descriptor, however often it stands in the machine."""
        key = (source, descriptor)
        if key not in self._seen:
            self._seen[key] = infer(source, ENVIRONMENT, self._shapes(descriptor))
        return self._seen[key]

    def _shapes(self, descriptor: str | None) -> Mapping[str, Shape]:
        if descriptor not in self._events:
            schema = self._sent.schema(descriptor)
            known = schema is not None
            self._events[descriptor] = replace(MAPS, fields={"data": shape_of_schema(schema)}) if known else ANY
        return {"context": self._context, "event": self._events[descriptor]}

    def _note(self, doubt: Doubt, where: Scalar, *, is_sure: bool) -> None:
        note = self._faults.error if is_sure else self._faults.warning
        match doubt.kind:
            case "operation":
                note("D607", where, doubt.what, _SURE)
            case "comparison":
                self._faults.warning("D608", where, doubt.what, "Compare it with what it can be, or take it out.")
            case "field":
                remedy = did_you_mean(doubt.what, sorted(doubt.known)) or "Take it out, or declare it in the schema."
                name = self._faults.quote(doubt.what)
                if doubt.path == f"context.{doubt.what}":
                    note("D604", where, f"The schema of the context does not know {name}.", remedy)
                else:
                    note("D609", where, f"By the schema there is no {name} here.", remedy)

    def _check_assigned(self, written: Written, given: Shape) -> None:
        """Note a value that the schema of the name refuses for certain. An unknown name is noted elsewhere."""
        if written.name is None or given.is_empty:
            return
        wanted = self._context.of_field(written.name)
        if wanted.is_empty:
            return
        if are_apart(given, wanted):
            self._refuse(written, f"{given.described} is assigned, and {wanted.described} is wanted.")
        elif self._is_out_of_range(written.name, given):
            self._refuse(written, f"{given.described} is not within its bounds.")

    def _refuse(self, written: Written, why: str) -> None:
        what = f"The schema of the context refuses this for {self._faults.quote(written.name or '')}: {why}"
        self._faults.error("D517", written.scalar, what, "Assign what fits, or make the schema allow it.")

    def _is_out_of_range(self, name: str, given: Shape) -> bool:
        known = self._facts.get(f"context.{name}")
        if known is None or given.constants is None or len(given.constants) != 1 or not given.is_scalar:
            return False
        [(_, value)] = given.constants
        return known.present().meet(just(value)).is_empty


def _as_json(shape: Shape) -> Shape:
    """Return what becomes of values that leave CEL: times become texts, and some have no JSON."""
    kinds = shape.kinds & JSON_KINDS
    if shape.may_be(*_TIMES):
        return replace(shape, kinds=kinds | {"string"}, constants=None)
    return replace(shape, kinds=kinds)

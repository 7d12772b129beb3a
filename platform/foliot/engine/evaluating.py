"""Expressions of a definition as functions of the context, the event and the active states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from foliot.cel import CelError, Program, to_json
from foliot.definition import Constant, Expression, compile_guard, compile_value
from foliot.engine.errors import DefinitionNotCompilable
from foliot.engine.measures import is_plain

InState: TypeAlias = Callable[[str], bool]
Evaluate: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any], InState], Any]
Guard: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any], InState], bool]


def sees_event(program: Program) -> bool:
    """Tell whether an expression looks at the event."""
    return any(path.partition(".")[0] == "event" for path in program.reads)


def compile_condition(source: str, where: str) -> tuple[Guard, bool]:
    """Compile a guard, and tell whether it looks at the event. `where` is its place in the definition.

    It raises `EvaluationError` where it has no value.
    """
    try:
        program = compile_guard(source)
        return program.evaluate, sees_event(program)
    except CelError as error:
        raise DefinitionNotCompilable(str(error), where=f"guard of {where}") from error


def compile_value_of(expression: Expression, where: str) -> Evaluate:
    """Compile an expression whose value is JSON."""
    run, _ = compile_raw(expression, where)

    def evaluate(context: Mapping[str, Any], event: Mapping[str, Any], in_state: InState) -> Any:
        value = run(context, event, in_state)
        return value if is_plain(value) else to_json(value)

    return evaluate


def compile_raw(expression: Expression, where: str) -> tuple[Evaluate, bool]:
    """Compile an expression whose value is CEL's, and tell whether it looks at the event."""
    if isinstance(expression, Constant):
        value = expression.value
        return lambda _context, _event, _in_state: value, False
    try:
        program = compile_value(expression.source)
        return program.evaluate, sees_event(program)
    except CelError as error:
        raise DefinitionNotCompilable(str(error), where=where) from error

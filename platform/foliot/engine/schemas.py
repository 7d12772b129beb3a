"""JSON Schemas, compiled once, that say in one line what is wrong and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jsonschema_rs

from foliot.definition import JsonSchema, compile_schema
from foliot.engine.errors import DefinitionNotCompilable

Validate: TypeAlias = Callable[[Any], str | None]


def compile_validator(schema: JsonSchema | None, where: str) -> Validate:
    """Make a function that says what is wrong with a value, or None. No schema accepts everything.

    Raises:
        DefinitionNotCompilable: it is no JSON Schema (2020-12).
    """
    if schema is None:
        return lambda _value: None
    try:
        validator = compile_schema(schema)
    except jsonschema_rs.ValidationError as error:
        raise DefinitionNotCompilable(f"no JSON Schema: {error}", where=where) from error

    def validate(value: Any) -> str | None:
        if validator.is_valid(value):
            return None
        fault = next(iter(validator.iter_errors(value)))
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault.instance_path)
        return f"{path.removeprefix('.') or 'the value'}: {fault.message}"

    return validate

"""What a machine is: its normalized model, the reader of its text, and all checks of it."""

from foliot.definition.diagnostics import CODES, DefinitionRefused, Diagnostic, Severity
from foliot.definition.explaining import Example, Explanation, explain
from foliot.definition.expressions import ENVIRONMENT, compile_guard, compile_value
from foliot.definition.language import language_schema
from foliot.definition.limits import Limits
from foliot.definition.loading import Reading, check, load, read
from foliot.definition.model import (
    Action,
    After,
    Assign,
    Cancel,
    Cel,
    Constant,
    ContextSpec,
    Definition,
    EventSpec,
    Expression,
    JsonObject,
    JsonSchema,
    Log,
    Raise,
    Send,
    StateKind,
    StateNode,
    Transition,
    after_id,
    done_event,
)
from foliot.definition.schemas import compile_schema
from foliot.definition.writing import dump

__all__ = [
    "CODES",
    "ENVIRONMENT",
    "Action",
    "After",
    "Assign",
    "Cancel",
    "Cel",
    "Constant",
    "ContextSpec",
    "Definition",
    "DefinitionRefused",
    "Diagnostic",
    "EventSpec",
    "Example",
    "Explanation",
    "Expression",
    "JsonObject",
    "JsonSchema",
    "Limits",
    "Log",
    "Raise",
    "Reading",
    "Send",
    "Severity",
    "StateKind",
    "StateNode",
    "Transition",
    "after_id",
    "check",
    "compile_guard",
    "compile_schema",
    "compile_value",
    "done_event",
    "dump",
    "explain",
    "language_schema",
    "load",
    "read",
]

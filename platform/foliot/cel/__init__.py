"""CEL, the Common Expression Language: text is parsed, type-checked and compiled to a Python function."""

from foliot.cel.environment import DIGEST, FAIL, IN_STATE, Environment, HostFunction
from foliot.cel.failures import CelBudgetExceeded, CelError, CelSyntaxError, CelTypeError, EvaluationError
from foliot.cel.json_values import JSON_DEPTH_MAX, to_json
from foliot.cel.kinds import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    LIST,
    MAP,
    NULL,
    OPTIONAL,
    STRING,
    TIMESTAMP,
    TYPE,
    UINT,
    Type,
    UInt,
    list_of,
    map_of,
    optional_of,
)
from foliot.cel.lexer import SOURCE_BYTES_MAX, Source, Token, tokenize
from foliot.cel.metering import COST_MAX
from foliot.cel.program import Program, compile_expression
from foliot.cel.ranges import ANYTHING, Facts, Range, schema_ranges
from foliot.cel.reasoning import Condition
from foliot.cel.rewriting import free_names, literal, text_of
from foliot.cel.values import Duration, Optional, Timestamp, TypeValue
from foliot.cel.weights import Weight, schema_weights

__all__ = [
    "ANYTHING",
    "BOOL",
    "BYTES",
    "COST_MAX",
    "DIGEST",
    "DOUBLE",
    "DURATION",
    "DYN",
    "FAIL",
    "INT",
    "IN_STATE",
    "JSON_DEPTH_MAX",
    "LIST",
    "MAP",
    "NULL",
    "OPTIONAL",
    "SOURCE_BYTES_MAX",
    "STRING",
    "TIMESTAMP",
    "TYPE",
    "UINT",
    "CelBudgetExceeded",
    "CelError",
    "CelSyntaxError",
    "CelTypeError",
    "Condition",
    "Duration",
    "Environment",
    "EvaluationError",
    "Facts",
    "HostFunction",
    "Optional",
    "Program",
    "Range",
    "Source",
    "Timestamp",
    "Token",
    "Type",
    "TypeValue",
    "UInt",
    "Weight",
    "compile_expression",
    "free_names",
    "list_of",
    "literal",
    "map_of",
    "optional_of",
    "schema_ranges",
    "schema_weights",
    "text_of",
    "to_json",
    "tokenize",
]

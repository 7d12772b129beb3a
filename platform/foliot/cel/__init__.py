"""CEL, the Common Expression Language: text is parsed, type-checked and compiled to a Python function."""

from foliot.cel.environment import Environment
from foliot.cel.failures import CelBudgetExceeded, CelError, CelSyntaxError, CelTypeError, EvaluationError
from foliot.cel.host_functions import DIGEST, FAIL, IN_STATE, HostFunction
from foliot.cel.inference import Doubt, Inferred, infer
from foliot.cel.json_schemas import conjuncts, refer, types_of
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
    TYPE_NAMES,
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
from foliot.cel.ranges import ANYTHING, SOMETHING, Facts, Range, just, schema_ranges
from foliot.cel.reasoning import Condition
from foliot.cel.rewriting import free_names, literal, text_of
from foliot.cel.shapes import ANY, JSON_KINDS, MAPS, Shape, are_apart, meet, shape_of_schema, shape_of_value
from foliot.cel.values import Duration, Optional, Timestamp, TypeValue
from foliot.cel.weights import Weight, schema_weights

__all__ = [
    "ANY",
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
    "JSON_KINDS",
    "LIST",
    "MAP",
    "MAPS",
    "NULL",
    "OPTIONAL",
    "SOMETHING",
    "SOURCE_BYTES_MAX",
    "STRING",
    "TIMESTAMP",
    "TYPE",
    "TYPE_NAMES",
    "UINT",
    "CelBudgetExceeded",
    "CelError",
    "CelSyntaxError",
    "CelTypeError",
    "Condition",
    "Doubt",
    "Duration",
    "Environment",
    "EvaluationError",
    "Facts",
    "HostFunction",
    "Inferred",
    "Optional",
    "Program",
    "Range",
    "Shape",
    "Source",
    "Timestamp",
    "Token",
    "Type",
    "TypeValue",
    "UInt",
    "Weight",
    "are_apart",
    "compile_expression",
    "conjuncts",
    "free_names",
    "infer",
    "just",
    "list_of",
    "literal",
    "map_of",
    "meet",
    "optional_of",
    "refer",
    "schema_ranges",
    "schema_weights",
    "shape_of_schema",
    "shape_of_value",
    "text_of",
    "to_json",
    "tokenize",
    "types_of",
]

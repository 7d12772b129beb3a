"""CEL, the Common Expression Language: text is parsed, type-checked and compiled to a Python function."""

from foliot.cel.environment import DIGEST, FAIL, IN_STATE, Environment, HostFunction
from foliot.cel.failures import CelBudgetExceeded, CelError, CelSyntaxError, CelTypeError, EvaluationError
from foliot.cel.json_values import JSON_DEPTH_MAX, to_json
from foliot.cel.kinds import BOOL, BYTES, DOUBLE, DYN, INT, LIST, MAP, NULL, STRING, UINT, Type, UInt, list_of, map_of
from foliot.cel.lexer import SOURCE_BYTES_MAX, Source, Token, tokenize
from foliot.cel.operations import COST_MAX
from foliot.cel.program import Program, compile_expression
from foliot.cel.rewriting import free_names, literal

__all__ = [
    "BOOL",
    "BYTES",
    "COST_MAX",
    "DIGEST",
    "DOUBLE",
    "DYN",
    "FAIL",
    "INT",
    "IN_STATE",
    "JSON_DEPTH_MAX",
    "LIST",
    "MAP",
    "NULL",
    "SOURCE_BYTES_MAX",
    "STRING",
    "UINT",
    "CelBudgetExceeded",
    "CelError",
    "CelSyntaxError",
    "CelTypeError",
    "Environment",
    "EvaluationError",
    "HostFunction",
    "Program",
    "Source",
    "Token",
    "Type",
    "UInt",
    "compile_expression",
    "free_names",
    "list_of",
    "literal",
    "map_of",
    "to_json",
    "tokenize",
]

"""The closed lists of what generated code may be made of, and the check that holds it to them.

Data is never code: a generated function has no attribute access, no import, no name but its own locals and the
operations below, and no text of the expression but as constants.
"""

from __future__ import annotations

import ast
import re
from types import MappingProxyType
from typing import Final

from foliot.cel import arithmetic, comparing, containers, conversions, host_functions, optionals, texts, times, values
from foliot.cel.failures import EvaluationError
from foliot.cel.kinds import UInt
from foliot.cel.located import absorb, fail
from foliot.cel.metering import Meter

NODES: Final = frozenset(
    {
        ast.Module,
        ast.FunctionDef,
        ast.arguments,
        ast.arg,
        ast.Return,
        ast.Assign,
        ast.Expr,
        ast.If,
        ast.For,
        ast.Break,
        ast.Continue,
        ast.Try,
        ast.ExceptHandler,
        ast.Name,
        ast.Load,
        ast.Store,
        ast.Constant,
        ast.List,
        ast.Dict,
        ast.Subscript,
        ast.Call,
        ast.IfExp,
        ast.BoolOp,
        ast.And,
        ast.UnaryOp,
        ast.Not,
        ast.BinOp,
        ast.Add,
        ast.Sub,
        ast.Mult,
        ast.Compare,
        ast.Is,
        ast.IsNot,
        ast.In,
        ast.Eq,
        ast.NotEq,
        ast.Lt,
        ast.LtE,
        ast.Gt,
        ast.GtE,
    }
)

OPERATIONS: Final = MappingProxyType(
    {
        "Failures": (EvaluationError, KeyError, TypeError),
        "Meter": Meter,
        "TypeValue": values.TypeValue,
        "UInt": UInt,
        "absorb": absorb,
        "add": arithmetic.add,
        "append": list.append,
        "call_passed": host_functions.call_passed,
        "char_at": texts.char_at,
        "conclude": comparing.conclude,
        "contains": texts.contains,
        "contains_item": comparing.contains_item,
        "dict": dict,
        "divide": arithmetic.divide,
        "ends_with": texts.ends_with,
        "equals": comparing.equals,
        "fail": fail,
        "greater": comparing.greater,
        "greater_equal": comparing.greater_equal,
        "greatest": arithmetic.greatest,
        "has_field": containers.has_field,
        "held": optionals.held,
        "index": containers.index,
        "index_of": texts.index_of,
        "index_optional": containers.index_optional,
        "int": int,
        "invert": comparing.invert,
        "is_present": optionals.is_present,
        "iterate": containers.iterate,
        "join": texts.join,
        "last_index_of": texts.last_index_of,
        "least": arithmetic.least,
        "less": comparing.less,
        "less_equal": comparing.less_equal,
        "lower_ascii": texts.lower_ascii,
        "make_list": optionals.make_list,
        "make_map": optionals.make_map,
        "matches": texts.matches,
        "modulo": arithmetic.modulo,
        "multiply": arithmetic.multiply,
        "negate": arithmetic.negate,
        "nothing": optionals.nothing,
        "overflow": arithmetic.overflow,
        "replace": texts.replace,
        "require": comparing.require,
        "require_bool": comparing.require_bool,
        "reverse": texts.reverse,
        "select_optional": values.select_optional,
        "select_time": times.select_time,
        "settle": comparing.settle,
        "size": containers.size,
        "some": optionals.some,
        "some_unless_zero": optionals.some_unless_zero,
        "split": texts.split,
        "starts_with": texts.starts_with,
        "substring": texts.substring,
        "subtract": arithmetic.subtract,
        "to_bool": conversions.to_bool,
        "to_bytes": conversions.to_bytes,
        "to_double": conversions.to_double,
        "to_duration": times.to_duration,
        "to_int": conversions.to_int,
        "to_string": conversions.to_string,
        "to_timestamp": times.to_timestamp,
        "to_uint": conversions.to_uint,
        "trim": texts.trim,
        "type": type,
        "type_of": conversions.type_of,
        "upper_ascii": texts.upper_ascii,
        **{each.operation: each.evaluate for each in host_functions.HOST_FUNCTIONS if not each.is_passed},
    }
)

FUNCTION_NAME: Final = "evaluate"
# Locals are numbered by the generator; no name of the expression or the environment becomes a name in Python.
_LOCAL: Final = re.compile(r"(?:variable|function|local|error)_[0-9]+\Z|meter\Z")
_CONSTANTS: Final = frozenset({type(None), bool, int, float, str, bytes})


def assert_closed(module: ast.Module) -> None:
    """Assert that a generated function has nothing beyond the closed lists. Only our own bug can fail it."""
    for node in ast.walk(module):
        _demand(type(node) in NODES, node)
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                _demand(name in OPERATIONS or _LOCAL.match(name) is not None, node)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.ExceptHandler(name=str() as name):
                _demand(_LOCAL.match(name) is not None, node)
            case ast.FunctionDef():
                _demand(node.name == FUNCTION_NAME and not node.decorator_list, node)
            case ast.Call():
                _demand(isinstance(node.func, ast.Name) and node.func.id in OPERATIONS and not node.keywords, node)
            case ast.Constant():
                _demand(type(node.value) in _CONSTANTS, node)
            case _:
                pass


def _demand(is_allowed: bool, node: ast.AST) -> None:  # noqa: FBT001 (the subject of the sentence)
    # No assert statement: this check stands under `python -O` too.
    if not is_allowed:
        raise AssertionError(f"generated code may not have {ast.dump(node)}")

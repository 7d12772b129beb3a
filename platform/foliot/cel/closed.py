"""The closed lists of what generated code may be made of, and the check that holds it to them.

Data is never code: a generated function has no attribute access, no import, no name but its own locals and the
operations below, and no text of the expression but as constants.
"""

from __future__ import annotations

import ast
import re
from types import MappingProxyType
from typing import Final

from foliot.cel import conversions, operations
from foliot.cel.failures import EvaluationError
from foliot.cel.kinds import UInt
from foliot.cel.located import absorb, fail

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
        "Meter": operations.Meter,
        "UInt": UInt,
        "absorb": absorb,
        "add": operations.add,
        "append": list.append,
        "call_passed": operations.call_passed,
        "conclude": operations.conclude,
        "contains": operations.contains,
        "contains_item": operations.contains_item,
        "dict": dict,
        "digest": operations.digest,
        "divide": operations.divide,
        "ends_with": operations.ends_with,
        "equals": operations.equals,
        "fail": fail,
        "greater": operations.greater,
        "greater_equal": operations.greater_equal,
        "has_field": operations.has_field,
        "index": operations.index,
        "int": int,
        "invert": operations.invert,
        "iterate": operations.iterate,
        "less": operations.less,
        "less_equal": operations.less_equal,
        "make_map": operations.make_map,
        "modulo": operations.modulo,
        "multiply": operations.multiply,
        "negate": operations.negate,
        "overflow": operations.overflow,
        "refuse": operations.refuse,
        "require": operations.require,
        "require_bool": operations.require_bool,
        "settle": operations.settle,
        "size": operations.size,
        "starts_with": operations.starts_with,
        "subtract": operations.subtract,
        "to_bool": conversions.to_bool,
        "to_bytes": conversions.to_bytes,
        "to_double": conversions.to_double,
        "to_int": conversions.to_int,
        "to_string": conversions.to_string,
        "to_uint": conversions.to_uint,
        "type": type,
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

"""Nodes of Python's syntax as the generator makes them."""

from __future__ import annotations

import ast
import sys
from typing import Any, Final

_NO_TYPE_PARAMETERS: Final[dict[str, Any]] = {"type_params": []} if sys.version_info >= (3, 12) else {}
"""A field that a function's tree must have from Python 3.12 on."""


def load(name: str) -> ast.Name:
    """Read a name."""
    return ast.Name(name, ast.Load())


def call(operation: str, *arguments: ast.expr) -> ast.Call:
    """Call one of the operations of the closed list."""
    return ast.Call(load(operation), list(arguments), [])


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.Compare:
    """Compare two values."""
    return ast.Compare(left, [operator], [right])


def is_type(value: ast.expr, name: str) -> ast.expr:
    """Ask whether the value's class is exactly this one."""
    return compare(call("type", value), ast.Is(), load(name))


def both(tests: list[ast.expr]) -> ast.expr:
    """Ask whether all tests are true."""
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)


def list_of(values: list[ast.expr]) -> ast.List:
    """Make a list."""
    return ast.List(values, ast.Load())


def flags(length: int, positions: frozenset[int]) -> ast.List:
    """Make a list of bools that is true at these positions."""
    return list_of([ast.Constant(position in positions) for position in range(length)])


def function_of(name: str, parameters: list[ast.arg], body: ast.stmt) -> ast.FunctionDef:
    """Define a function of positional parameters."""
    return ast.FunctionDef(
        name=name,
        args=ast.arguments([], parameters, None, [], [], None, []),
        body=[body],
        decorator_list=[],
        returns=None,
        type_comment=None,
        **_NO_TYPE_PARAMETERS,
    )

"""Texts of expressions taken apart and put together, for readers and writers of other languages."""

from __future__ import annotations

import math
import re
from typing import Any

from foliot.cel.lexer import Source
from foliot.cel.parsing import parse
from foliot.cel.tree import (
    Binary,
    Call,
    Comprehension,
    Conditional,
    Constant,
    Index,
    ListLiteral,
    Logic,
    MapLiteral,
    Node,
    OptionalMap,
    Select,
    Unary,
    Variable,
)


def free_names(source: str) -> list[tuple[int, str, bool]]:
    """Give offset and name of each variable that no macro binds, and of each function called by itself (True).

    Raises:
        CelSyntaxError: the text is no expression.
    """
    found: list[tuple[int, str, bool]] = []
    waiting: list[tuple[Node, frozenset[str]]] = [(parse(Source(source)), frozenset())]
    while waiting:
        node, bound = waiting.pop()
        if isinstance(node, Variable):
            if node.name not in bound:
                found.append((node.offset, node.name, False))
        elif isinstance(node, Comprehension):
            waiting.append((node.range, bound))
            inner = bound | {node.variable}
            waiting.extend((each, inner) for each in (node.condition, node.body) if each is not None)
        elif isinstance(node, OptionalMap):
            waiting.extend(((node.operand, bound), (node.body, bound | {node.variable})))
        else:
            if isinstance(node, Call) and node.target is None:
                found.append((node.offset, node.function, True))
            waiting.extend((each, bound) for each in _below(node))
    return found


def _below(node: Node) -> tuple[Node, ...]:  # noqa: PLR0911 - one for each kind
    match node:
        case Select() | Unary():
            return (node.operand,)
        case Index():
            return (node.operand, node.key)
        case Call():
            return node.arguments if node.target is None else (node.target, *node.arguments)
        case Binary():
            return (node.left, node.right)
        case Logic():
            return node.operands
        case Conditional():
            return (node.condition, node.then, node.otherwise)
        case ListLiteral():
            return node.elements
        case MapLiteral():
            return tuple(each for entry in node.entries for each in entry)
        case Constant() | Variable() | Comprehension() | OptionalMap():
            return ()


def literal(value: Any) -> str:  # noqa: PLR0911 - one for each type
    """Write a JSON value as CEL does.

    Raises:
        ValueError: an integer is beyond 64 bits, or a number is not finite.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() if -(2**63) <= value < 2**63:
            return str(value)
        case float() if math.isfinite(value):
            return repr(value)
        case str():
            return "'" + "".join(_ESCAPES.get(char, char) for char in value) + "'"
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case dict():
            return "{" + ", ".join(f"{literal(key)}: {literal(each)}" for key, each in value.items()) + "}"
        case _:
            raise ValueError(f"{value!r} has no literal in CEL")


def text_of(source: str) -> str | None:
    """Read back the text of which `literal` wrote an expression; None where the expression is another one."""
    if _TEXT.fullmatch(source) is None:
        return None
    return _ESCAPED.sub(lambda found: _MEANT[found[0]], source[1:-1])


_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MEANT = {escaped: char for char, escaped in _ESCAPES.items()}
_ESCAPED = re.compile(r"\\[\\'nrt]")
_TEXT = re.compile(r"'(?:[^'\\\n\r\t]|\\[\\'nrt])*'", re.DOTALL)

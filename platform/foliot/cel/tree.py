"""The parsed expression. Macros are already nodes of their own; each node knows its offset in the source.

Nodes compare by identity, so that the checker can keep their types in a dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias

from foliot.cel.kinds import UInt

Scalar: TypeAlias = bool | int | UInt | float | str | bytes | None
Macro: TypeAlias = OneOf["all", "exists", "exists_one", "map", "filter"]
LogicOperator: TypeAlias = OneOf["&&", "||"]


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A literal."""

    offset: int
    depth: int
    value: Scalar


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """A variable of the environment or of a macro."""

    offset: int
    depth: int
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Select:
    """`operand.field`, `has(operand.field)` where `is_test`, or `operand.?field` where `is_optional`."""

    offset: int
    depth: int
    operand: Node
    field: str
    is_test: bool = False
    is_optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """`operand[key]`, or `operand[?key]` where `is_optional`."""

    offset: int
    depth: int
    operand: Node
    key: Node
    is_optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """`function(arguments)`, or `target.function(arguments)`; names such as `optional.of` are functions."""

    offset: int
    depth: int
    function: str
    target: Node | None
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Unary:
    """`!operand` or `-operand`."""

    offset: int
    depth: int
    operator: str
    operand: Node


@dataclass(frozen=True, slots=True, eq=False)
class Binary:
    """Arithmetic, comparison and `in`."""

    offset: int
    depth: int
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, eq=False)
class Logic:
    """A chain of two or more operands of the same operator."""

    offset: int
    depth: int
    operator: LogicOperator
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """`condition ? then : otherwise`."""

    offset: int
    depth: int
    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True, eq=False)
class ListLiteral:
    """`[elements]`; `optional` has the positions of those with a question mark."""

    offset: int
    depth: int
    elements: tuple[Node, ...]
    optional: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class MapLiteral:
    """`{key: value}`, in the order of the source; `optional` has the positions of those with a question mark."""

    offset: int
    depth: int
    entries: tuple[tuple[Node, Node], ...]
    optional: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Comprehension:
    """`range.macro(variable, body)`; `condition` is the middle argument of a `map` that has three."""

    offset: int
    depth: int
    macro: Macro
    range: Node
    variable: str
    condition: Node | None
    body: Node


@dataclass(frozen=True, slots=True, eq=False)
class OptionalMap:
    """`operand.optMap(variable, body)`, or `optFlatMap` where `is_flat`."""

    offset: int
    depth: int
    operand: Node
    variable: str
    body: Node
    is_flat: bool


Node: TypeAlias = (
    Constant
    | Variable
    | Select
    | Index
    | Call
    | Unary
    | Binary
    | Logic
    | Conditional
    | ListLiteral
    | MapLiteral
    | Comprehension
    | OptionalMap
)

"""What an expression may give by the schemas of its variables, and which parts of it can never have a value.

This follows evaluation, not the checker: an error is no value, and `&&`, `||` and `?:` do without an operand that has
none. So `Inferred.shape` is empty only if no data that meet the schemas give the expression a value.

Source: P. Cousot, R. Cousot, "Abstract interpretation: a unified lattice model", POPL (1977).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Final, Literal, TypeAlias, assert_never

from foliot.cel.environment import Environment
from foliot.cel.kinds import DYN, Type, is_compatible
from foliot.cel.lexer import Source
from foliot.cel.library import FUNCTIONS
from foliot.cel.operators import arithmetic_kinds, can_order
from foliot.cel.parsing import parse
from foliot.cel.shapes import ANY, NEVER, Shape, are_apart, join, shape_of_kinds, shape_of_value
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

DoubtKind: TypeAlias = Literal["operation", "field", "comparison"]

_BOOL: Final = shape_of_kinds("bool")
_TYPE: Final = shape_of_kinds("type")
_OPTIONAL: Final = shape_of_kinds("optional_type")
_NUMBER: Final = shape_of_kinds("int", "uint", "double")
_KEYS: Final = ("bool", "int", "uint", "double", "string")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A part of an expression that can't do what it is there for; `line` and `column` count from 1.

    An "operation" has no value for its operands; a "field" is not there; a "comparison" always comes out the same.
    `path` is that of the field, where it is read from a variable; `known` are the fields that there are.
    """

    kind: DoubtKind
    what: str
    line: int
    column: int
    path: str = ""
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inferred:
    """What an expression may give, and its doubtful parts in the order in which they are evaluated."""

    shape: Shape
    doubts: tuple[Doubt, ...]


def infer(source: str, environment: Environment, shapes: Mapping[str, Shape]) -> Inferred:
    """Follow an expression, of whose variables `shapes` says what it knows.

    Raises:
        CelSyntaxError: it is no expression.
    """
    text = Source(source)
    inference = _Inference(text, environment, shapes)
    shape = inference.visit(parse(text))
    return Inferred(shape, tuple(inference.doubts))


@dataclass(slots=True)
class _Inference:
    source: Source
    environment: Environment
    shapes: Mapping[str, Shape]
    doubts: list[Doubt] = field(default_factory=list)
    _scopes: list[tuple[str, Shape]] = field(default_factory=list)

    def visit(self, node: Node) -> Shape:  # noqa: C901, PLR0911, PLR0912 (one branch for each kind of node)
        match node:
            case Constant():
                return shape_of_value(node.value)
            case Variable():
                return self._variable(node)
            case Select():
                return self._select(node)
            case Index():
                return self._index(node)
            case Call():
                return self._call(node)
            case Unary():
                return self._unary(node)
            case Binary():
                return self._binary(node)
            case Logic():
                verdicts = [self._condition(operand, f"an operand of {node.operator}") for operand in node.operands]
                return _BOOL if any(verdicts) else NEVER
            case Conditional():
                holds = self._condition(node.condition, "the condition of ?:")
                branches = join(self.visit(node.then), self.visit(node.otherwise))
                return branches if holds else NEVER
            case ListLiteral():
                return self._list(node)
            case MapLiteral():
                return self._map(node)
            case Comprehension():
                return self._comprehension(node)
            case OptionalMap():
                return self._optional_map(node)
            case _:
                assert_never(node)

    def _doubt(self, kind: DoubtKind, node: Node, what: str) -> None:
        line, column = self.source.place(node.offset)
        self.doubts.append(Doubt(kind, what, line, column))

    def _impossible(self, node: Node, operation: str, *operands: Shape) -> Shape:
        """Note an operation that no values of its operands can take, unless an operand has none itself."""
        if not any(operand.is_empty for operand in operands):
            shown = ", ".join(str(operand) for operand in operands)
            self._doubt("operation", node, f"{operation} cannot take ({shown}).")
        return NEVER

    def _condition(self, node: Node, role: str) -> bool:
        """Say whether a condition may be true or false."""
        found = self.visit(node)
        if found.is_empty or found.may_be("bool"):
            return not found.is_empty
        self._doubt("operation", node, f"{role[0].upper()}{role[1:]} must be bool; this is {found}.")
        return False

    def _variable(self, node: Variable) -> Shape:
        for name, found in reversed(self._scopes):
            if name == node.name:
                return found
        if node.name not in self.environment.variables:
            return _TYPE
        return self.shapes.get(node.name, ANY)

    def _select(self, node: Select) -> Shape:
        operand = self.visit(node.operand)
        if not operand.may_be("map", "optional_type"):
            return self._impossible(node, "has()" if node.is_test else f"A selection of '{node.field}'", operand)
        found = self._field(node, operand, node.field)
        if node.is_test:
            return _BOOL
        return _OPTIONAL if node.is_optional else found

    def _field(self, node: Select | Index, operand: Shape, name: str) -> Shape:
        """Return what a map may hold under a name."""
        if operand.may_be("optional_type"):
            return ANY
        found = operand.of_field(name)
        if found.is_empty:
            line, column = self.source.place(node.offset)
            path = self._dotted(node.operand)
            known = tuple(name for name, shape in operand.fields.items() if not shape.is_empty)
            self.doubts.append(Doubt("field", name, line, column, f"{path}.{name}" if path else "", known))
        return found

    def _dotted(self, node: Node) -> str:
        """Return the path that selections read from a variable, '' where they do not."""
        match node:
            case Variable() if all(name != node.name for name, _ in self._scopes):
                return node.name
            case Select(operand=operand, field=step) | Index(operand=operand, key=Constant(value=str() as step)):
                above = self._dotted(operand)
                return above and f"{above}.{step}"
            case _:
                return ""

    def _index(self, node: Index) -> Shape:
        operand, key = self.visit(node.operand), self.visit(node.key)
        if key.is_empty or not operand.may_be("list", "map", "optional_type") or not key.may_be(*_KEYS):
            return self._impossible(node, "[]", operand, key)
        if node.is_optional:
            return _OPTIONAL
        if isinstance(node.key, Constant) and isinstance(node.key.value, str):
            if not operand.may_be("map", "optional_type"):
                return self._impossible(node, "[]", operand, key)
            return self._field(node, operand, node.key.value)
        if operand.may_be("map", "optional_type"):
            return ANY
        return (
            operand.of_element() if key.may_be("int", "uint", "double") else self._impossible(node, "[]", operand, key)
        )

    def _call(self, node: Call) -> Shape:
        nodes = node.arguments if node.target is None else (node.target, *node.arguments)
        arguments = [self.visit(argument) for argument in nodes]
        if node.function in ("or", "orValue") and node.target is not None:
            # The alternative is evaluated only where it is needed.
            return (
                ANY
                if arguments[0].may_be("optional_type")
                else self._impossible(node, f"{node.function}()", arguments[0])
            )
        if any(argument.is_empty for argument in arguments):
            return NEVER
        if node.function in FUNCTIONS and FUNCTIONS[node.function].is_variadic:
            fits = (len(arguments) == 1 and arguments[0].may_be("list")) or all(
                argument.may_be(*_NUMBER.kinds) for argument in arguments
            )
            return _NUMBER if fits else self._impossible(node, f"{node.function}()", *arguments)
        if node.function == "dyn":
            return arguments[0]
        results = [result for parameters, result in self._signatures(node) if _fits(arguments, parameters)]
        if not results:
            return self._impossible(node, f"{node.function}()", *arguments)
        return reduce(join, map(_shape_of_type, results))

    def _signatures(self, node: Call) -> list[tuple[tuple[Type, ...], Type]]:
        if node.target is None:
            for function in self.environment.functions:
                if function.name == node.function:
                    return [((function.parameter,), function.result)]
        overloads = FUNCTIONS[node.function].overloads
        return [(each.parameters, each.result) for each in overloads if each.is_method == (node.target is not None)]

    def _unary(self, node: Unary) -> Shape:
        operand = self.visit(node.operand)
        allowed = ("bool",) if node.operator == "!" else ("int", "double")
        if not operand.may_be(*allowed):
            return self._impossible(node, node.operator, operand)
        return shape_of_kinds(*(kind for kind in allowed if kind in operand.kinds))

    def _binary(self, node: Binary) -> Shape:
        left, right = self.visit(node.left), self.visit(node.right)
        if left.is_empty or right.is_empty:
            return NEVER
        match node.operator:
            case "==" | "!=":
                if are_apart(left, right):
                    self._same(node, left, right, "true" if node.operator == "!=" else "false")
                return _BOOL
            case "in":
                if not right.may_be("list", "map"):
                    return self._impossible(node, "in", left, right)
                if not right.may_be("map") and not right.of_element().is_empty and are_apart(left, right.of_element()):
                    self._same(node, left, right.of_element(), "false")
                return _BOOL
            case "<" | "<=" | ">" | ">=":
                fits = any(can_order(one, other) for one in left.kinds for other in right.kinds)
                return _BOOL if fits else self._impossible(node, node.operator, left, right)
            case operator:
                kinds = arithmetic_kinds(operator, left.kinds, right.kinds)
                return shape_of_kinds(*kinds) if kinds else self._impossible(node, operator, left, right)

    def _same(self, node: Binary, left: Shape, right: Shape, verdict: str) -> None:
        what = f"'{node.operator}' is always {verdict}: the one is {left.described}, the other {right.described}."
        self._doubt("comparison", node, what)

    def _list(self, node: ListLiteral) -> Shape:
        elements = [self.visit(element) for element in node.elements]
        if any(element.is_empty for element in elements):
            return NEVER
        return Shape(frozenset({"list"}), element=ANY if node.optional else reduce(join, elements, NEVER))

    def _map(self, node: MapLiteral) -> Shape:
        entries = [(key, self.visit(key), self.visit(value)) for key, value in node.entries]
        if any(key.is_empty or value.is_empty for _, key, value in entries):
            return NEVER
        named = {
            key.value: value for key, _, value in entries if isinstance(key, Constant) and isinstance(key.value, str)
        }
        is_closed = len(named) == len(entries) and not node.optional
        return Shape(frozenset({"map"}), fields=named if is_closed else {}, rest=NEVER if is_closed else None)

    def _comprehension(self, node: Comprehension) -> Shape:
        over = self.visit(node.range)
        if not over.may_be("list", "map"):
            return self._impossible(node.range, f"{node.macro}()", over)
        element = ANY if over.may_be("map") or over.of_element().is_empty else over.of_element()
        self._scopes.append((node.variable, element))
        if node.condition is not None:
            self._condition(node.condition, "the condition of map()")
        if node.macro == "map":
            held = self.visit(node.body)
        else:
            self._condition(node.body, f"the condition of {node.macro}()")
            held = element
        self._scopes.pop()
        # A list may be empty, and then no part of the body counts.
        return Shape(frozenset({"list"}), element=held) if node.macro in ("map", "filter") else _BOOL

    def _optional_map(self, node: OptionalMap) -> Shape:
        operand = self.visit(node.operand)
        if not operand.may_be("optional_type"):
            return self._impossible(node.operand, "optFlatMap()" if node.is_flat else "optMap()", operand)
        self._scopes.append((node.variable, ANY))
        self.visit(node.body)
        self._scopes.pop()
        return _OPTIONAL


def _fits(arguments: list[Shape], parameters: tuple[Type, ...]) -> bool:
    return len(arguments) == len(parameters) and all(
        any(is_compatible(Type(kind), Type(parameter.name)) for kind in argument.kinds)
        for argument, parameter in zip(arguments, parameters, strict=True)
    )


def _shape_of_type(found: Type) -> Shape:
    return ANY if found == DYN else shape_of_kinds(found.name)

"""A bound of what an evaluation costs, from the tree alone.

It is counted in the units of `foliot.cel.metering`, and holds for every input whose variables weigh no more than
`Environment.weights` says of them, or else `INPUT_WEIGHT` each. Where it is within the budget, nothing has to be
counted while the expression runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, assert_never

from foliot.cel.checking import Checked
from foliot.cel.kinds import BOOL, BYTES, DOUBLE, DURATION, DYN, INT, NULL, STRING, TIMESTAMP, TYPE, UINT
from foliot.cel.library import FUNCTIONS
from foliot.cel.metering import (
    CHARACTERS_PER_UNIT,
    ELEMENTS_PER_UNIT,
    JOINED_PER_UNIT,
    MADE_LENGTH_MAX,
    NODES_PER_UNIT,
)
from foliot.cel.patterns import PROGRAM_SIZE_MAX, compile_pattern, pattern_cost
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
from foliot.cel.weights import INPUT_WEIGHT, SCALAR, Weight

_BYTES_OF_CHARACTER: Final = 4
# Values of these types are compared with others at once.
_FLAT: Final = frozenset({BOOL, INT, UINT, DOUBLE, STRING, NULL, TIMESTAMP, DURATION, TYPE})
# Of numbers and times as texts, and of a digest.
_SHORT_TEXT: Final = Weight(0, 64)


def bound_cost(checked: Checked) -> int:
    """Return the units that no evaluation exceeds."""
    coster = _Coster(checked)
    coster.visit(checked.root)
    return coster.cost


class _Coster:
    """Adds up the cost of the nodes that it visits, and tells the weight of their values."""

    def __init__(self, checked: Checked) -> None:
        self.cost = 0
        self._checked = checked
        self._node_count = 0
        self._scopes: list[tuple[str, Weight]] = []

    def visit(self, node: Node) -> Weight:
        self._node_count += 1
        return self._weight(node)

    def _weight(self, node: Node) -> Weight:  # noqa: C901, PLR0911, PLR0912 (one branch for each kind of node)
        match node:
            case Constant(value=str() | bytes() as text):
                return Weight(0, len(text))
            case Constant():
                return SCALAR
            case Variable():
                return self._variable(node)
            case Select() | Index():
                return self._path(node)
            case Call():
                return self._call(node)
            case Unary():
                self.visit(node.operand)
                return SCALAR
            case Binary():
                return self._binary(node)
            case Logic():
                for operand in node.operands:
                    self.visit(operand)
                return SCALAR
            case Conditional():
                self.visit(node.condition)
                return self.visit(node.then) | self.visit(node.otherwise)
            case ListLiteral():
                return sum(map(self.visit, node.elements), Weight(len(node.elements)))
            case MapLiteral():
                entries = [each for entry in node.entries for each in entry]
                return sum(map(self.visit, entries), Weight(len(node.entries)))
            case Comprehension():
                return self._comprehension(node)
            case OptionalMap():
                with self._bound(node.variable, self.visit(node.operand)):
                    return self.visit(node.body)
            case _:
                assert_never(node)

    def _scan(self, weight: Weight) -> None:
        """Charge for one pass over all of a value."""
        self.cost += weight.elements // ELEMENTS_PER_UNIT + weight.characters // CHARACTERS_PER_UNIT

    @contextmanager
    def _bound(self, name: str, weight: Weight) -> Iterator[None]:
        self._scopes.append((name, weight))
        yield
        self._scopes.pop()

    def _variable(self, node: Variable) -> Weight:
        for name, weight in reversed(self._scopes):
            if name == node.name:
                return weight
        if node.name not in self._checked.environment.variables:
            return SCALAR
        return self._checked.environment.weights.get(node.name, INPUT_WEIGHT)

    def _path(self, node: Select | Index) -> Weight:
        weight = self.visit(node.operand)
        if isinstance(node, Index):
            self.visit(node.key)
        elif node.is_test:
            return SCALAR
        path = self._checked.paths.get(node)
        return weight if path is None else self._checked.environment.weights.get(path, weight)

    def _element(self, node: Node, whole: Weight) -> Weight:
        path = self._checked.paths.get(node)
        return whole if path is None else self._checked.environment.weights.get(f"{path}[]", whole)

    def _binary(self, node: Binary) -> Weight:
        left, right = self.visit(node.left), self.visit(node.right)
        match node.operator:
            case "==" | "!=":
                if not _FLAT & {self._checked.types[node.left], self._checked.types[node.right]}:
                    self._scan(left)
            case "in":
                self.cost += 2 * right.elements // ELEMENTS_PER_UNIT
                self.cost += right.elements * (left.characters // CHARACTERS_PER_UNIT)
            case "+":
                return self._joined(node, left + right)
            case _:
                pass
        return SCALAR

    def _joined(self, node: Binary, made: Weight) -> Weight:
        found = self._checked.types[node]
        if found in (STRING, BYTES):
            made = Weight(0, min(made.characters, MADE_LENGTH_MAX))
        elif found.name not in ("list", DYN.name):
            return SCALAR
        self.cost += made.elements // JOINED_PER_UNIT + made.characters // CHARACTERS_PER_UNIT
        return made

    def _comprehension(self, node: Comprehension) -> Weight:
        over = self.visit(node.range)
        outer_cost, self.cost = self.cost, 0
        outer_count, self._node_count = self._node_count, 0
        with self._bound(node.variable, self._element(node.range, over)):
            if node.condition is not None:
                self.visit(node.condition)
            made = self.visit(node.body)
        turn = 1 + self._node_count // NODES_PER_UNIT + self.cost
        self.cost = outer_cost + over.elements * turn
        self._node_count += outer_count
        match node.macro:
            case "map":
                return (made + Weight(1)) * over.elements
            case "filter":
                return over
            case _:
                return SCALAR

    def _call(self, node: Call) -> Weight:  # noqa: C901, PLR0911 (a branch for each kind of result)
        nodes = node.arguments if node.target is None else (node.target, *node.arguments)
        arguments = [self.visit(argument) for argument in nodes]
        first = arguments[0] if arguments else SCALAR
        match node.function:
            case "optional.of" | "optional.ofNonZeroValue" | "value" | "dyn":
                return first
            case "or" | "orValue":
                return first | arguments[1]
            case "matches":
                self._match(node.arguments[-1], first)
                return SCALAR
            case "string" | "bytes":
                self._scan(first)
                return _SHORT_TEXT | first * _BYTES_OF_CHARACTER
            case "lowerAscii" | "upperAscii":
                self.cost += first.characters // ELEMENTS_PER_UNIT
                return first
            case "split":
                self._scan(first)
                self.cost += (first.characters + 1) // ELEMENTS_PER_UNIT
                return Weight(first.characters + 1, first.characters)
            case "replace":
                self._scan(first)
                return self._made(first.characters + (first.characters + 1) * arguments[2].characters)
            case "join":
                self._scan(first)
                between = arguments[1].characters if len(arguments) > 1 else 0
                return self._made(first.characters + first.elements * between)
            case "substring" | "trim" | "reverse" | "charAt":
                self._scan(first)
                return first
            case _:
                # What is asked of strings and lists; no other function has a long result.
                if node.function not in FUNCTIONS or FUNCTIONS[node.function].is_charged:
                    self._scan(sum(arguments, SCALAR))
                return _SHORT_TEXT

    def _made(self, length: int) -> Weight:
        characters = min(length, MADE_LENGTH_MAX)
        self.cost += characters // CHARACTERS_PER_UNIT
        return Weight(0, characters)

    def _match(self, pattern: Node, target: Weight) -> None:
        size = PROGRAM_SIZE_MAX
        if isinstance(pattern, Constant) and isinstance(pattern.value, str):
            size = compile_pattern(pattern.value).programsize
        self.cost += pattern_cost(target.characters, size)

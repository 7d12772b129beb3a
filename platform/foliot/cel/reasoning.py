"""What can be concluded about a condition before it is evaluated: whether it can be true, can be false, can fail.

`Condition.assume` narrows what is known to where the condition has a verdict. It may keep too much, never too little:
None is a proof that there is no such case. What is not understood counts as an unknown value that is the same wherever
the same words stand.

Source: P. Cousot, R. Cousot, "Abstract interpretation: a unified lattice model", POPL (1977).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, Final

from foliot.cel.checking import check
from foliot.cel.environment import Environment
from foliot.cel.kinds import UInt
from foliot.cel.lexer import Source
from foliot.cel.parsing import parse
from foliot.cel.ranges import (
    ANYTHING,
    BOOLEAN,
    EXACT_MAX,
    NUMBER,
    SOMETHING,
    TEXT,
    WHOLE,
    Facts,
    Interval,
    Range,
    just,
)
from foliot.cel.tree import (
    Binary,
    Call,
    Conditional,
    Constant,
    Index,
    ListLiteral,
    Logic,
    Node,
    Select,
    Unary,
    Variable,
)

_ORDER: Final = ("<", "<=", ">", ">=")
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_BY_TYPE: Final = {"bool": BOOLEAN, "int": WHOLE, "uint": WHOLE, "double": NUMBER, "string": TEXT}
_ROUNDS: Final = 2


class Condition:
    """An expression that is to be true or false."""

    def __init__(self, source: str, environment: Environment) -> None:
        """Parse and check it.

        Raises:
            CelError: it is no expression.
        """
        text = Source(source)
        checked = check(text, parse(text), environment)
        self._root = checked.root
        self._types = checked.types
        self._paths = checked.paths

    def assume(self, verdict: bool, facts: Facts) -> Facts | None:  # noqa: FBT001 - the verdict is what is assumed
        """Narrow what is known to where this has a verdict; None where it can't have it."""
        for _ in range(_ROUNDS):
            narrowed = self._assume(self._root, verdict, facts)
            if narrowed is None:
                return None
            facts = narrowed
        return facts

    def may_fail(self, facts: Facts) -> bool:
        """Say whether it may have no verdict; False is a proof."""
        return self._may_fail_as_condition(self._root, facts)

    def may_lack_value(self, facts: Facts) -> bool:
        """Say whether it may have no value, of whatever kind; False is a proof."""
        return self._may_fail(self._root, facts)

    def _assume(  # noqa: PLR0911 - one for each kind
        self,
        node: Node,
        verdict: bool,  # noqa: FBT001
        facts: Facts,
    ) -> Facts | None:
        match node:
            case Unary(operator="!"):
                return self._assume(node.operand, not verdict, facts)
            case Logic():
                return self._assume_logic(node, verdict, facts)
            case Conditional():
                ways = [
                    None if chosen is None else self._assume(branch, verdict, chosen)
                    for branch, chosen in (
                        (node.then, self._assume(node.condition, True, facts)),  # noqa: FBT003
                        (node.otherwise, self._assume(node.condition, False, facts)),  # noqa: FBT003
                    )
                ]
                return _either(ways, facts)
            case Binary(operator="==" | "!="):
                return self._assume_equal(node, (node.operator == "==") == verdict, facts)
            case Binary(operator="<" | "<=" | ">" | ">="):
                return self._assume_ordered(node, verdict, facts)
            case Binary(operator="in", right=ListLiteral() as listed) if self._is_constant(listed):
                return self._assume_among(node, listed, verdict, facts)
            case Select(is_test=True) if node in self._paths:
                return _assume_present(self._paths[node], verdict, facts)
            case _:
                return self._narrow(node, just(verdict), facts)

    def _assume_logic(self, node: Logic, verdict: bool, facts: Facts) -> Facts | None:  # noqa: FBT001
        if (node.operator == "&&") == verdict:
            found: Facts | None = facts
            for operand in node.operands:
                found = None if found is None else self._assume(operand, verdict, found)
            return found
        return _either([self._assume(operand, verdict, facts) for operand in node.operands], facts)

    def _assume_equal(self, node: Binary, equal: bool, facts: Facts) -> Facts | None:  # noqa: FBT001
        left, right = self._range(node.left, facts), self._range(node.right, facts)
        if equal:
            both = left.meet(right).present()
            return _then(self._narrow(node.left, both, facts), lambda found: self._narrow(node.right, both, found))
        if not (self._is_plain(node.left) and self._is_plain(node.right)):
            # A computed number may be NaN, which differs from all, itself too.
            return facts
        return _then(
            self._narrow(node.left, left.without(right), facts),
            lambda found: self._narrow(node.right, right.without(left), found),
        )

    def _assume_ordered(self, node: Binary, verdict: bool, facts: Facts) -> Facts | None:  # noqa: FBT001
        if not verdict and not (self._is_plain(node.left) and self._is_plain(node.right)):
            return facts
        operator = node.operator if verdict else _OPPOSITE[node.operator]
        left, right = self._range(node.left, facts), self._range(node.right, facts)
        return _then(
            self._narrow(node.left, _ordered(left, operator, right), facts),
            lambda found: self._narrow(node.right, _ordered(right, _MIRRORED[operator], left), found),
        )

    def _assume_among(self, node: Binary, listed: ListLiteral, verdict: bool, facts: Facts) -> Facts | None:  # noqa: FBT001
        found = self._range(node.left, facts)
        ranges = [self._range(element, facts) for element in listed.elements]
        if verdict:
            return self._narrow(node.left, found.meet(reduce(Range.join, ranges, Range())), facts)
        if not self._is_plain(node.left):
            return facts
        return self._narrow(node.left, reduce(Range.without, ranges, found), facts)

    def _narrow(self, node: Node, wanted: Range, facts: Facts) -> Facts | None:
        """Note that a value is among `wanted`, and so that it is there."""
        found = self._range(node, facts).meet(wanted).present()
        if found.is_empty:
            return None
        if isinstance(node, Constant):
            return facts
        return {**facts, self._key(node): found}

    def _range(self, node: Node, facts: Facts) -> Range:
        """Give what a value may be."""
        if isinstance(node, Constant):
            return just(int(node.value) if isinstance(node.value, UInt) else node.value)
        known = facts.get(self._key(node), ANYTHING)
        match node:
            case Binary(operator="+" | "-" | "*"):
                return known.meet(self._computed(node, facts))
            case Unary(operator="-"):
                return known.meet(_negated(self._range(node.operand, facts), is_plain=self._is_plain(node.operand)))
            case Call(function="size"):
                return known.meet(WHOLE.bounded(Interval(low=0)))
            case Conditional():
                found = self._range(node.then, facts).join(self._range(node.otherwise, facts))
                return known.meet(dataclasses.replace(found, missing=True))
            case _:
                return known.meet(dataclasses.replace(_BY_TYPE.get(self._types[node].name, SOMETHING), missing=True))

    def _computed(self, node: Binary, facts: Facts) -> Range:
        left, right = self._range(node.left, facts), self._range(node.right, facts)
        if not (left.is_number and right.is_number and left.numbers and right.numbers):
            return ANYTHING
        one, two = left.hull, right.hull
        match node.operator:
            case "+":
                bounds = [one.low + two.low, one.high + two.high]
            case "-":
                bounds = [one.low - two.high, one.high - two.low]
            case _:
                bounds = [a * b for a in (one.low, one.high) for b in (two.low, two.high)]
        return Range(numbers=(_closed(bounds),), is_whole=left.is_whole and right.is_whole, missing=True)

    def _may_fail(self, node: Node, facts: Facts) -> bool:  # noqa: PLR0911 - one for each kind
        match node:
            case Constant():
                return False
            case Unary(operator="!"):
                return self._may_fail_as_condition(node.operand, facts)
            case Logic():
                return self._logic_may_fail(node, facts)
            case Conditional():
                return self._choice_may_fail(node, facts)
            case Binary(operator="==" | "!="):
                return self._may_fail(node.left, facts) or self._may_fail(node.right, facts)
            case Binary(operator="<" | "<=" | ">" | ">="):
                left, right = self._range(node.left, facts), self._range(node.right, facts)
                if not _are_comparable(left, right):
                    return True
                return self._may_fail(node.left, facts) or self._may_fail(node.right, facts)
            case Binary(operator="in", right=ListLiteral() as listed) if self._is_constant(listed):
                return self._may_fail(node.left, facts)
            case Select(is_test=True):
                return not (isinstance(node.operand, Variable) or self._is_map(node.operand, facts))
            case _:
                return facts.get(self._key(node), ANYTHING).missing

    def _logic_may_fail(self, node: Logic, facts: Facts) -> bool:
        """Logic fails where an operand does and no other decides: the others that can't fail have one verdict."""
        idle = node.operator == "&&"
        failing = [each for each in node.operands if self._may_fail_as_condition(each, facts)]
        sure = [each for each in node.operands if each not in failing]
        found: Facts | None = facts
        for operand in sure:
            found = None if found is None else self._assume(operand, idle, found)
        return found is not None and any(self._may_fail_as_condition(each, found) for each in failing)

    def _choice_may_fail(self, node: Conditional, facts: Facts) -> bool:
        if self._may_fail_as_condition(node.condition, facts):
            return True
        for verdict, branch in ((True, node.then), (False, node.otherwise)):
            found = self._assume(node.condition, verdict, facts)
            if found is not None and self._may_fail(branch, found):
                return True
        return False

    def _may_fail_as_condition(self, node: Node, facts: Facts) -> bool:
        return self._may_fail(node, facts) or not self._range(node, facts).is_boolean

    def _is_map(self, node: Node, facts: Facts) -> bool:
        found = self._range(node, facts)
        return found.is_map and not self._may_fail(node, facts)

    def _is_plain(self, node: Node) -> bool:
        """Say whether a value is a constant or comes as JSON: then it is no NaN."""
        return isinstance(node, Constant) or self._is_path(node)

    def _is_path(self, node: Node) -> bool:
        return isinstance(node, Select | Index) and node in self._paths and not _is_special(node)

    def _is_constant(self, listed: ListLiteral) -> bool:
        return not listed.optional and all(isinstance(element, Constant) for element in listed.elements)

    def _key(self, node: Node) -> str:
        """Name a value: by its path, or else by its words, which are no path."""
        return self._paths[node] if self._is_path(node) else f"({_words(node)})"


def _is_special(node: Select | Index) -> bool:
    """Say whether a selection, or one that it stands on, gives no value but a test or an optional."""
    found: Node = node
    while isinstance(found, Select | Index):
        if found.is_optional or (isinstance(found, Select) and found.is_test):
            return True
        found = found.operand
    return False


def _assume_present(path: str, present: bool, facts: Facts) -> Facts | None:  # noqa: FBT001
    known = facts.get(path, ANYTHING)
    if present:
        return None if known.is_empty else {**facts, path: known.present()}
    return {**facts, path: Range(missing=True)} if known.missing else None


def _then(facts: Facts | None, narrow: Callable[[Facts], Facts | None]) -> Facts | None:
    return None if facts is None else narrow(facts)


def _either(ways: Iterable[Facts | None], facts: Facts) -> Facts | None:
    """Return what is known where one of several ways is gone: what only one says holds if there is no other."""
    possible = [way for way in ways if way is not None]
    if not possible:
        return None
    return possible[0] if len(possible) == 1 else facts


def _ordered(one: Range, operator: str, other: Range) -> Range:
    """Keep the values that may stand in this order to some of the others."""
    numbers = one.numbers and other.numbers
    kept = dataclasses.replace(
        one,
        booleans=one.booleans if other.booleans else frozenset(),
        numbers=one.numbers if numbers else (),
        texts=one.texts if other.texts is None or other.texts else frozenset(),
        null=False,
        maps=False,
        other=one.other and other.other,
    )
    if not numbers:
        return kept
    bound = other.hull
    match operator:
        case "<":
            return kept.bounded(Interval(high=bound.high, high_open=True))
        case "<=":
            return kept.bounded(Interval(high=bound.high, high_open=bound.high_open))
        case ">":
            return kept.bounded(Interval(low=bound.low, low_open=True))
        case _:
            return kept.bounded(Interval(low=bound.low, low_open=bound.low_open))


def _are_comparable(one: Range, other: Range) -> bool:
    return any((one.is_number and other.is_number, one.is_text and other.is_text, one.is_boolean and other.is_boolean))


def _negated(one: Range, *, is_plain: bool) -> Range:
    if not (is_plain and one.is_number and one.numbers):
        return ANYTHING
    hull = one.hull
    return Range(numbers=(_closed([-hull.low, -hull.high]),), is_whole=one.is_whole, missing=True)


def _closed(bounds: list[float]) -> Interval:
    """Return the interval between bounds; one that rounding could pass is left out."""
    if any(math.isnan(bound) for bound in bounds):
        return Interval()
    low, high = min(bounds), max(bounds)
    return Interval(low if low >= -EXACT_MAX else -math.inf, high if high <= EXACT_MAX else math.inf)


def _words(node: Any) -> str:
    """Write a tree without its places in the source."""
    if isinstance(node, tuple):
        return ",".join(_words(each) for each in node)
    if dataclasses.is_dataclass(node):
        parts = (
            _words(getattr(node, each.name))
            for each in dataclasses.fields(node)
            if each.name not in {"offset", "depth"}
        )
        return f"{type(node).__name__}({';'.join(parts)})"
    return repr(sorted(node) if isinstance(node, frozenset) else node)

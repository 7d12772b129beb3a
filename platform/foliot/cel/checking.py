"""Gives every node a type, and refuses what can never be evaluated.

The checker is gradual: `dyn` is compatible with everything. What it promises is always true: a node whose type is not
`dyn` has a value of this type or no value at all; the generator relies on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import reduce
from typing import assert_never

from foliot.cel.environment import Environment
from foliot.cel.failures import CelTypeError, EvaluationError
from foliot.cel.kinds import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    INT,
    NULL,
    OPTIONAL,
    STRING,
    TYPE,
    TYPE_NAMES,
    UINT,
    Type,
    UInt,
    is_compatible,
    join,
    list_of,
    map_of,
    optional_of,
)
from foliot.cel.lexer import Source
from foliot.cel.library import FUNCTIONS, Overload, extreme_result, generic_result
from foliot.cel.operators import binary_result, index_result, unary_result
from foliot.cel.patterns import compile_pattern
from foliot.cel.times import zone_offset
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
    Scalar,
    Select,
    Unary,
    Variable,
)

_SCALARS: dict[type, Type] = {
    bool: BOOL,
    int: INT,
    UInt: UINT,
    float: DOUBLE,
    str: STRING,
    bytes: BYTES,
    type(None): NULL,
}
_KEYS = (BOOL, INT, UINT, STRING, DYN)
# What other languages call what CEL has by another name.
_CONSTANTS = {"None": "null", "True": "true", "False": "false"}
_CALLS = {"len": "size", "length": "size", "lower": "lowerAscii", "upper": "upperAscii"}


@dataclass(frozen=True, slots=True)
class Checked:
    """A tree with the type of each node, and the dotted paths that it reads.

    `paths` has the path of each chain of selections that starts at a variable, and of each of its parts.
    """

    source: Source
    environment: Environment
    root: Node
    types: dict[Node, Type]
    reads: frozenset[str]
    paths: dict[Node, str]


def check(source: Source, root: Node, environment: Environment) -> Checked:
    """Give each node of the tree its type.

    Raises:
        CelTypeError: a name is unknown, or operands can never fit.
    """
    checker = _Checker(source, environment)
    checker.visit(root)
    return Checked(source, environment, root, checker.types, frozenset(checker.reads), checker.paths)


@dataclass(slots=True)
class _Checker:
    source: Source
    environment: Environment
    types: dict[Node, Type] = field(default_factory=dict)
    reads: set[str] = field(default_factory=set)
    paths: dict[Node, str] = field(default_factory=dict)
    _scopes: list[tuple[str, Type]] = field(default_factory=list)
    # Selections that are part of a longer path, which is the one that counts.
    _inner: set[Node] = field(default_factory=set)

    def visit(self, node: Node) -> Type:
        found = self._type(node)
        self.types[node] = found
        return found

    def _type(self, node: Node) -> Type:  # noqa: C901, PLR0911, PLR0912 (one branch for each kind of node)
        match node:
            case Constant():
                return _SCALARS[type(node.value)]
            case Variable():
                return self._variable(node)
            case Select() | Index():
                return self._path(node)
            case Call():
                return self._call(node)
            case Unary():
                operand = self.visit(node.operand)
                return self._known(unary_result(node.operator, operand), node, node.operator, operand)
            case Binary():
                left, right = self.visit(node.left), self.visit(node.right)
                return self._known(binary_result(node.operator, left, right), node, node.operator, left, right)
            case Logic():
                for operand_node in node.operands:
                    self._boolean(operand_node, f"An operand of {node.operator}")
                return BOOL
            case Conditional():
                return self._conditional(node)
            case ListLiteral():
                return list_of(self._joined(node.elements, node.optional))
            case MapLiteral():
                return self._map(node)
            case Comprehension():
                return self._comprehension(node)
            case OptionalMap():
                return self._optional_map(node)
            case _:
                assert_never(node)

    def _refuse(self, node: Node, what: str, remedy: str = "") -> CelTypeError:
        line, column = self.source.place(node.offset)
        return CelTypeError(what, line=line, column=column, remedy=remedy)

    def _known(self, found: Type | None, node: Node, operation: str, *operands: Type) -> Type:
        if found is None:
            shown = ", ".join(str(operand) for operand in operands)
            raise self._refuse(node, f"{operation} cannot take ({shown}).", "Convert an operand, or use dyn().")
        return found

    def _boolean(self, node: Node, role: str) -> None:
        found = self.visit(node)
        if not is_compatible(found, BOOL):
            raise self._refuse(node, f"{role} must be bool; this is {found}.", "Compare it with something.")

    def _joined(self, nodes: tuple[Node, ...], optional: frozenset[int]) -> Type:
        """Return the type that holds all values of a literal's elements."""
        found = [self._held(node) if position in optional else self.visit(node) for position, node in enumerate(nodes)]
        return reduce(join, found) if found else DYN

    def _held(self, node: Node) -> Type:
        """Return the type of what an optional holds."""
        found = self.visit(node)
        if not is_compatible(found, OPTIONAL):
            raise self._refuse(node, f"An optional is wanted; this is {found}.", "Write optional.of() around it.")
        return found.parameters[0] if found.parameters else DYN

    def _variable(self, node: Variable) -> Type:
        for name, found in reversed(self._scopes):
            if name == node.name:
                return found
        if node.name not in self.environment.variables:
            if node.name in TYPE_NAMES:
                return TYPE
            raise self._refuse(node, f"There is no variable {node.name!r}.", self._other_variable(node.name))
        if node not in self._inner:
            self.reads.add(node.name)
        return self.environment.variables[node.name]

    def _other_variable(self, name: str) -> str:
        """Say what may have been meant by the name of a variable that does not exist."""
        if name in _CONSTANTS:
            return f"Write {_CONSTANTS[name]}."
        known = tuple(self.environment.variables)
        if near := get_close_matches(name, known, n=1):
            return f"Did you mean {near[0]}?"
        part = f"Known are: {', '.join(known)}. What is in them is {known[0]}.{name}; a" if known else "A"
        return f"{part} text has quotes: '{name}'."

    def _path(self, node: Select | Index) -> Type:
        if node not in self._inner and (path := self._dotted(node)) is not None:
            self.reads.add(path)
        operand = self.visit(node.operand)
        is_optional = node.is_optional or operand.name == "optional_type"
        within = operand.parameters[0] if operand.name == "optional_type" else operand
        if isinstance(node, Index):
            key = self.visit(node.key)
            found = self._known(index_result(within, key), node, "[]", operand, key)
        else:
            found = self._field(node, within)
        if isinstance(node, Select) and node.is_test:
            return BOOL
        return optional_of(found) if is_optional else found

    def _field(self, node: Select, operand: Type) -> Type:
        if operand.name not in ("dyn", "map"):
            raise self._refuse(
                node, f"A value of type {operand} has no field {node.field!r}.", "Only maps have fields."
            )
        return operand.parameters[1] if operand.parameters else DYN

    def _dotted(self, node: Node) -> str | None:
        """Return the path that a chain of selections reads.

        None where it does not start at a variable, or where a name has a dot and would pass for two.
        """
        match node:
            case Variable() if all(name != node.name for name, _ in self._scopes):
                return node.name
            case Select():
                step = node.field
            case Index(key=Constant(value=str() as text)) if "." not in text:
                step = text
            case _:
                return None
        self._inner.add(node.operand)
        path = self._dotted(node.operand)
        if path is None:
            self._inner.discard(node.operand)
            return None
        self.paths[node] = f"{path}.{step}"
        return self.paths[node]

    def _call(self, node: Call) -> Type:
        nodes = node.arguments if node.target is None else (node.target, *node.arguments)
        if node.function in FUNCTIONS and FUNCTIONS[node.function].is_variadic:
            arguments = [self.visit(argument) for argument in nodes]
            return self._known(extreme_result(arguments), node, f"{node.function}()", *arguments)
        overloads = self._overloads(node)
        fitting = [overload for overload in overloads if len(overload.parameters) == len(nodes)]
        if not fitting:
            counts = sorted({len(overload.parameters) - overload.is_method for overload in overloads})
            wanted = f"{' or '.join(map(str, counts))} argument{'' if counts == [1] else 's'}"
            what = f"{node.function}() takes {wanted}, not {len(node.arguments)}."
            raise self._refuse(node, what, "Give it as many as it takes.")
        arguments = [self.visit(argument) for argument in nodes]
        self._check_constant(node)
        for overload in fitting:
            if all(is_compatible(a, b) for a, b in zip(arguments, overload.parameters, strict=True)):
                found = generic_result(node.function, arguments, overload.result)
                return self._known(found, node, f"{node.function}()", *arguments)
        return self._known(None, node, f"{node.function}()", *arguments)

    def _check_constant(self, node: Call) -> None:
        """Refuse a regular expression or a time zone that is written out, and wrong."""
        match node.arguments:
            case (*_, Constant(value=str() as text) as constant):
                pass
            case _:
                return
        try:
            if node.function == "matches":
                compile_pattern(text)
            elif node.function in FUNCTIONS and FUNCTIONS[node.function].operation == "select_time":
                zone_offset(text)
        except EvaluationError as error:
            raise self._refuse(constant, error.what, error.hint) from None

    def _overloads(self, node: Call) -> tuple[Overload, ...]:
        for function in self.environment.functions:
            if function.name == node.function and node.target is None:
                return (Overload((function.parameter,), function.result),)
        is_method = node.target is not None
        known = FUNCTIONS.get(node.function)
        overloads = tuple(one for one in known.overloads if one.is_method == is_method) if known else ()
        if not overloads:
            role = "method" if is_method else "function"
            raise self._refuse(node, f"There is no {role} {node.function}().", self._other_name(node))
        return overloads

    def _other_name(self, node: Call) -> str:
        """Say what may have been meant by the name of a function or method that does not exist."""
        is_method = node.target is not None
        if node.function in FUNCTIONS:
            return f"Write {node.function}(value)." if is_method else f"Write value.{node.function}()."
        names = [name for name, each in FUNCTIONS.items() if any(one.is_method == is_method for one in each.overloads)]
        names += [] if is_method else [each.name for each in self.environment.functions]
        meant = _CALLS.get(node.function, node.function)
        return "".join(f"Did you mean {near}()?" for near in get_close_matches(meant, names, n=1))

    def _conditional(self, node: Conditional) -> Type:
        self._boolean(node.condition, "The condition of ?:")
        then, otherwise = self.visit(node.then), self.visit(node.otherwise)
        return self._known(
            join(then, otherwise) if is_compatible(then, otherwise) else None, node, "?:", then, otherwise
        )

    def _map(self, node: MapLiteral) -> Type:
        seen: set[tuple[bool, Scalar]] = set()
        for position, (key, _) in enumerate(node.entries):
            found = self.visit(key)
            if found not in _KEYS:
                raise self._refuse(key, f"A map's key is int, uint, bool or string; this is {found}.")
            if isinstance(key, Constant) and position not in node.optional:
                identity = (isinstance(key.value, bool), key.value)
                if identity in seen:
                    raise self._refuse(key, f"The map has the key {key.value!r} twice.", "Take one of them out.")
                seen.add(identity)
        keys = [self.types[key] for key, _ in node.entries] or [DYN]
        return map_of(reduce(join, keys), self._joined(tuple(value for _, value in node.entries), node.optional))

    def _comprehension(self, node: Comprehension) -> Type:
        over = self.visit(node.range)
        if over.name not in ("dyn", "list", "map"):
            raise self._refuse(node.range, f"{node.macro}() loops over a list or a map; this is {over}.")
        element = over.parameters[0] if over.parameters else DYN
        self._scopes.append((node.variable, element))
        if node.condition is not None:
            self._boolean(node.condition, "The condition of map()")
        if node.macro == "map":
            result = list_of(self.visit(node.body))
        else:
            self._boolean(node.body, f"The condition of {node.macro}()")
            result = list_of(element) if node.macro == "filter" else BOOL
        self._scopes.pop()
        return result

    def _optional_map(self, node: OptionalMap) -> Type:
        self._scopes.append((node.variable, self._held(node.operand)))
        result = self._held(node.body) if node.is_flat else self.visit(node.body)
        self._scopes.pop()
        return optional_of(result)

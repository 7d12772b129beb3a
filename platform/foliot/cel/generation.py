"""Checked tree to Python function.

Each CEL node becomes statements that leave its value in a local: the code is flat, so fast paths need no call. Errors
are exceptions; `&&`, `||`, `all` and `exists` catch those of their operands. The tree is built of `ast` nodes alone and
checked against the closed lists (`foliot.cel.closed`) before it is compiled.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, assert_never

from foliot.cel.checking import Checked
from foliot.cel.closed import FUNCTION_NAME, OPERATIONS, assert_closed
from foliot.cel.failures import CelSyntaxError
from foliot.cel.kinds import BOOL, BYTES, DOUBLE, DURATION, DYN, INT, STRING, TIMESTAMP, UINT, Type, UInt
from foliot.cel.lexer import INT_MAX, INT_MIN
from foliot.cel.library import FUNCTIONS
from foliot.cel.metering import NODES_PER_UNIT
from foliot.cel.pyast import both, call, compare, flags, function_of, is_type, list_of, load
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

# CPython compiles at most 20 nested loops and try blocks.
BLOCKS_MAX: Final = 16

_SCALARS: Final = frozenset({BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION})
_INLINE_ARITHMETIC: Final[dict[str, Callable[[], ast.operator]]] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult}
_ARITHMETIC: Final = {"-": "subtract", "*": "multiply", "/": "divide", "%": "modulo"}
_ORDERS: Final[dict[str, tuple[Callable[[], ast.cmpop], str]]] = {
    "<": (ast.Lt, "less"),
    "<=": (ast.LtE, "less_equal"),
    ">": (ast.Gt, "greater"),
    ">=": (ast.GtE, "greater_equal"),
}


def generate(checked: Checked, want: Type | None, budget: int | None) -> Callable[..., Any]:
    """Make the function that evaluates the tree: it takes the variables, then the passed host functions, in order.

    Without a budget nothing is charged.

    Raises:
        CelSyntaxError: more than `BLOCKS_MAX` loops and errors to absorb stand inside each other.
    """
    module = _Generator(checked, budget).module(want)
    assert_closed(module)
    namespace: dict[str, Any] = {"__builtins__": {}, **OPERATIONS}
    exec(compile(module, "<cel>", "exec"), namespace)  # noqa: S102 (a tree of the closed list, never text)
    function: Callable[..., Any] = namespace[FUNCTION_NAME]
    return function


class _Generator:
    def __init__(self, checked: Checked, budget: int | None) -> None:
        self._checked = checked
        self._budget = budget
        self._types = checked.types
        self._names = {name: f"variable_{n}" for n, name in enumerate(checked.environment.variables)}
        passed = [function for function in checked.environment.functions if function.is_passed]
        self._passed = {function.name: f"function_{n}" for n, function in enumerate(passed)}
        self._block: list[ast.stmt] = []
        self._place = (1, 0)
        self._local_count = 0
        self._node_count = 0
        self._block_depth = 1

    def module(self, want: Type | None) -> ast.Module:
        with self._into() as body:
            if self._budget is not None:
                self._assign("meter", call("Meter", ast.Constant(self._budget)))
            result = self._value(self._checked.root)
            if want not in (None, DYN) and self._types[self._checked.root] == DYN:
                result = self._named(result)
                self._do("require", result, ast.Constant(want.name if want else ""))
            self._emit(ast.Return(result))
        parameters = [ast.arg(name) for name in (*self._names.values(), *self._passed.values())]
        handler = ast.ExceptHandler(load("Failures"), "error_0", [ast.Expr(call("fail", load("error_0")))])
        function = function_of(FUNCTION_NAME, parameters, ast.Try(body, [handler], [], []))
        return ast.fix_missing_locations(ast.Module([function], []))

    # Statements

    @contextmanager
    def _into(self) -> Iterator[list[ast.stmt]]:
        """Collect the statements of a block of its own."""
        outer, self._block = self._block, []
        yield self._block
        self._block = outer

    @contextmanager
    def _nested(self, node: Node) -> Iterator[None]:
        """Count a loop or a try block."""
        self._block_depth += 1
        if self._block_depth > BLOCKS_MAX:
            line, column = self._checked.source.place(node.offset)
            raise CelSyntaxError(
                f"More than {BLOCKS_MAX} macros and logical operators stand inside each other.",
                line=line,
                column=column,
                remedy="Split the expression.",
            )
        yield
        self._block_depth -= 1

    def _located(self, made: ast.stmt | ast.expr) -> None:
        made.lineno = made.end_lineno = self._place[0]
        made.col_offset = self._place[1]
        made.end_col_offset = self._place[1] + 1

    def _emit(self, statement: ast.stmt) -> None:
        self._located(statement)
        self._block.append(statement)

    def _assign(self, name: str, value: ast.expr) -> None:
        self._emit(ast.Assign([ast.Name(name, ast.Store())], value))

    def _do(self, operation: str, *arguments: ast.expr) -> None:
        self._emit(ast.Expr(call(operation, *arguments)))

    def _local(self) -> str:
        self._local_count += 1
        return f"local_{self._local_count}"

    def _named(self, value: ast.expr) -> ast.Name:
        """Put a value into a local, unless it is in one."""
        if isinstance(value, ast.Name):
            return value
        name = self._local()
        self._assign(name, value)
        return load(name)

    def _atom(self, node: Node) -> ast.Name | ast.Constant:
        """Return the node's value as something that may be used many times."""
        value = self._value(node)
        return value if isinstance(value, ast.Constant) else self._named(value)

    @property
    def _meter(self) -> ast.expr:
        return ast.Constant(None) if self._budget is None else load("meter")

    # Expressions

    def _value(self, node: Node) -> ast.expr:
        """Generate the node; what it returns must be used in the block that is open now."""
        self._node_count += 1
        line, column = self._checked.source.place(node.offset)
        outer, self._place = self._place, (line, column - 1)
        made = self._made(node)
        self._located(made)
        self._place = outer
        return made

    def _made(self, node: Node) -> ast.expr:  # noqa: C901, PLR0911, PLR0912 (one branch for each kind of node)
        match node:
            case Constant():
                if type(node.value) is UInt:
                    return call("UInt", ast.Constant(int(node.value)))
                return ast.Constant(node.value)
            case Variable():
                name = self._names.get(node.name)
                return call("TypeValue", ast.Constant(node.name)) if name is None else load(name)
            case Select():
                return self._select(node)
            case Index():
                return self._index(node)
            case Call():
                return self._function(node)
            case Unary():
                operand = self._value(node.operand)
                if node.operator == "-":
                    return call("negate", operand)
                if self._types[node.operand] == BOOL:
                    return ast.UnaryOp(ast.Not(), operand)
                return call("invert", operand)
            case Binary():
                return self._binary(node)
            case Logic():
                result = self._local()
                self._logic(node, node.operands, result)
                return load(result)
            case Conditional():
                return self._conditional(node)
            case ListLiteral():
                elements = list_of([self._value(element) for element in node.elements])
                if not node.optional:
                    return elements
                return call("make_list", elements, flags(len(node.elements), node.optional))
            case MapLiteral():
                return self._map(node)
            case Comprehension():
                return self._comprehension(node)
            case OptionalMap():
                return self._optional_map(node)
            case _:
                assert_never(node)

    def _select(self, node: Select) -> ast.expr:
        operand = self._value(node.operand)
        if node.is_optional:
            return call("select_optional", operand, ast.Constant(node.field))
        if not node.is_test:
            return self._field(operand, node.field)
        operand = self._named(operand)
        return ast.IfExp(
            is_type(operand, "dict"),
            compare(ast.Constant(node.field), ast.In(), operand),
            call("has_field", operand, ast.Constant(node.field)),
        )

    def _field(self, operand: ast.expr, field: str) -> ast.expr:
        """Select a field: what is no map, or lacks it, raises one of Python's own errors, which `Failures` names."""
        if not isinstance(operand, (ast.Name, ast.Subscript)):
            # Python warns of such a subscript on a literal.
            operand = self._named(operand)
        return ast.Subscript(operand, ast.Constant(field), ast.Load())

    def _index(self, node: Index) -> ast.expr:
        operand = self._value(node.operand)
        if node.is_optional:
            return call("index_optional", operand, self._value(node.key))
        if isinstance(node.key, Constant) and type(node.key.value) is str:
            return self._field(operand, node.key.value)
        return call("index", operand, self._value(node.key))

    def _function(self, node: Call) -> ast.expr:
        if node.function in ("or", "orValue") and node.target is not None:
            return self._alternative(node, node.target)
        nodes = node.arguments if node.target is None else (node.target, *node.arguments)
        arguments = [self._value(argument) for argument in nodes]
        for host in self._checked.environment.functions:
            if host.name == node.function and host.is_passed:
                texts = [ast.Constant(text) for text in (host.parameter.name, host.result.name)]
                return call("call_passed", load(self._passed[host.name]), ast.Constant(host.name), *arguments, *texts)
            if host.name == node.function:
                return call(host.operation, *arguments, *([self._meter] if host.is_charged else []))
        function = FUNCTIONS[node.function]
        if not function.operation:
            return arguments[0]
        if function.is_variadic:
            arguments = [list_of(arguments)]
        arguments += [ast.Constant(None)] * (function.arity - len(arguments))
        if function.names_itself:
            arguments.append(ast.Constant(node.function))
        return call(function.operation, *arguments, *([self._meter] if function.is_charged else []))

    def _map(self, node: MapLiteral) -> ast.expr:
        keys = [self._value(key) for key, _ in node.entries]
        values = [self._value(value) for _, value in node.entries]
        texts = {key.value for key in keys if isinstance(key, ast.Constant) and type(key.value) is str}
        # Fewer where the checker did not see two of them to be the same, as of `{dyn('a'): 1, 'a': 2}`.
        if len(texts) == len(keys) and not node.optional:
            return ast.Dict(list(keys), values)
        return call("make_map", list_of(keys), list_of(values), flags(len(keys), node.optional))

    # Binary operators

    def _binary(self, node: Binary) -> ast.expr:
        match node.operator:
            case "==" | "!=":
                return self._equality(node)
            case "in":
                return call("contains_item", self._value(node.left), self._value(node.right), self._meter)
            case operator if operator in _ORDERS:
                return self._order(node)
            case _:
                return self._arithmetic(node)

    def _int_tests(self, node: Binary, left: ast.expr, right: ast.expr) -> list[ast.expr] | None:
        """Return what must be true at run time for both operands to be int, None where they cannot be."""
        tests: list[ast.expr] = []
        for operand, found in ((left, self._types[node.left]), (right, self._types[node.right])):
            if found == DYN:
                tests.append(is_type(operand, "int"))
            elif found != INT:
                return None
        return tests

    def _arithmetic(self, node: Binary) -> ast.expr:
        left, right = self._atom(node.left), self._atom(node.right)
        meter = [self._meter] if node.operator == "+" else []
        slow = call(_ARITHMETIC.get(node.operator, "add"), left, right, *meter)
        inline = _INLINE_ARITHMETIC.get(node.operator)
        tests = self._int_tests(node, left, right)
        if inline is None or tests is None:
            return slow
        result = self._local()
        with self._into() as fast_block:
            self._assign(result, ast.BinOp(left, inline(), right))
            is_bounded = ast.Compare(
                ast.Constant(INT_MIN), [ast.LtE(), ast.LtE()], [load(result), ast.Constant(INT_MAX)]
            )
            self._emit(ast.If(ast.UnaryOp(ast.Not(), is_bounded), [ast.Expr(call("overflow"))], []))
        if not tests:
            self._block.extend(fast_block)
            return load(result)
        with self._into() as slow_block:
            self._assign(result, slow)
        self._emit(ast.If(both(tests), fast_block, slow_block))
        return load(result)

    def _order(self, node: Binary) -> ast.expr:
        operator, slow = _ORDERS[node.operator]
        if self._types[node.left] == self._types[node.right] != DYN:
            return compare(self._value(node.left), operator(), self._value(node.right))
        left, right = self._atom(node.left), self._atom(node.right)
        tests = self._int_tests(node, left, right)
        if tests is None:
            return call(slow, left, right)
        return ast.IfExp(both(tests), compare(left, operator(), right), call(slow, left, right))

    def _equality(self, node: Binary) -> ast.expr:
        is_negated = node.operator == "!="
        types = {self._types[node.left], self._types[node.right]}
        if STRING in types or (len(types) == 1 and types <= _SCALARS):
            # A string equals nothing else in Python either, and values of one scalar type compare as in CEL.
            operator = ast.NotEq() if is_negated else ast.Eq()
            return compare(self._value(node.left), operator, self._value(node.right))
        made = None
        if isinstance(node.right, Constant):
            made = self._equals_constant(node.left, node.right.value)
        elif isinstance(node.left, Constant):
            made = self._equals_constant(node.right, node.left.value)
        if made is None:
            made = call("equals", self._value(node.left), self._value(node.right), self._meter)
        return ast.UnaryOp(ast.Not(), made) if is_negated else made

    def _equals_constant(self, node: Node, value: Scalar) -> ast.expr | None:
        """Compare with a literal without a call, where Python's own comparison means the same."""
        constant = ast.Constant(value)
        if value is None or type(value) is bool:
            return compare(self._named(self._value(node)), ast.Is(), constant)
        if type(value) not in (int, float):
            return None
        if value not in (0, 1):
            return compare(self._value(node), ast.Eq(), constant)
        # To Python, True is 1.
        operand = self._named(self._value(node))
        return both([compare(operand, ast.Eq(), constant), compare(operand, ast.IsNot(), ast.Constant(value == 1))])

    # Logic

    def _attempt(self, body: list[ast.stmt], result: str, then: list[ast.stmt]) -> None:
        """Run the body; an error that it ends with becomes the result, and `then` follows."""
        self._local_count += 1
        error = f"error_{self._local_count}"
        caught = ast.Assign([ast.Name(result, ast.Store())], call("absorb", load(error)))
        self._emit(ast.Try(body, [ast.ExceptHandler(load("Failures"), error, [caught, *then])], [], []))

    def _logic(self, node: Logic, operands: tuple[Node, ...], result: str) -> None:
        """Put the value of the operands' chain into the local `result`."""
        first, *rest = operands
        if not rest:
            self._assign(result, self._value(first))
            if self._types[first] != BOOL:
                self._do("require_bool", load(result))
            return
        decisive = ast.Constant(node.operator == "||")
        neutral = ast.Constant(node.operator == "&&")
        left = self._local()
        with self._nested(first), self._into() as body:
            self._assign(left, self._value(first))
        self._attempt(body, left, [])
        with self._into() as decided:
            self._assign(result, decisive)
        with self._into() as undecided:
            self._logic(node, tuple(rest), result)
            settled = ast.Expr(call("settle", load(left), load(result), decisive))
            self._emit(ast.If(compare(load(left), ast.IsNot(), neutral), [settled], []))
        self._emit(ast.If(compare(load(left), ast.Is(), decisive), decided, undecided))

    def _checked_condition(self, node: Node) -> ast.expr:
        """Generate a condition that must be a bool, and is not absorbed if it is not."""
        condition = self._value(node)
        if self._types[node] == BOOL:
            return condition
        condition = self._named(condition)
        self._do("require_bool", condition)
        return condition

    def _conditional(self, node: Conditional) -> ast.expr:
        condition = self._checked_condition(node.condition)
        result = self._local()
        with self._into() as then:
            self._assign(result, self._value(node.then))
        with self._into() as otherwise:
            self._assign(result, self._value(node.otherwise))
        self._emit(ast.If(condition, then, otherwise))
        return load(result)

    # Optionals

    def _alternative(self, node: Call, target: Node) -> ast.expr:
        """`target.or(argument)` and `orValue`: the argument is evaluated only where the target is none."""
        operand = self._named(self._value(target))
        result = self._local()
        with self._into() as present:
            self._assign(result, operand if node.function == "or" else call("held", operand))
        with self._into() as absent:
            self._assign(result, self._value(node.arguments[0]))
            if node.function == "or":
                self._do("is_present", load(result))
        self._emit(ast.If(call("is_present", operand), present, absent))
        return load(result)

    def _optional_map(self, node: OptionalMap) -> ast.expr:
        operand = self._named(self._value(node.operand))
        result, variable = self._local(), self._local()
        with self._into() as present, self._bound(node.variable, variable):
            self._assign(variable, call("held", operand))
            body = self._value(node.body)
            self._assign(result, body if node.is_flat else call("some", body))
            if node.is_flat:
                self._do("is_present", load(result))
        with self._into() as absent:
            self._assign(result, operand)
        self._emit(ast.If(call("is_present", operand), present, absent))
        return load(result)

    @contextmanager
    def _bound(self, name: str, local: str) -> Iterator[None]:
        """Let a name stand for a local. A variable keeps its place: parameters are in the order of names."""
        shadowed = self._names.get(name)
        self._names[name] = local
        yield
        if shadowed is None:
            del self._names[name]
        else:
            self._names[name] = shadowed

    # Macros

    def _comprehension(self, node: Comprehension) -> ast.expr:
        weight = ast.Constant(1)
        items = call("iterate", self._value(node.range), self._meter, weight)
        result, variable = self._local(), self._local()
        is_logic = node.macro in ("all", "exists")
        empty = ast.Constant(0) if node.macro == "exists_one" else ast.List([], ast.Load())
        self._assign(result, ast.Constant(node.macro == "all") if is_logic else empty)
        counted = self._node_count
        with self._nested(node), self._bound(node.variable, variable), self._into() as body:
            if is_logic:
                self._logic_turn(node, result)
            else:
                self._collecting_turn(node, result, variable)
        weight.value = 1 + (self._node_count - counted) // NODES_PER_UNIT
        self._emit(ast.For(ast.Name(variable, ast.Store()), items, body, [], None))
        if is_logic:
            self._do("conclude", load(result))
        if node.macro == "exists_one":
            return compare(load(result), ast.Eq(), ast.Constant(1))
        return load(result)

    def _logic_turn(self, node: Comprehension, result: str) -> None:
        """One turn of `all` or `exists`: the first element that decides ends the loop, errors wait for it."""
        decisive = ast.Constant(node.macro == "exists")
        turn = self._local()
        with self._nested(node), self._into() as body:
            self._assign(turn, self._value(node.body))
            if self._types[node.body] != BOOL:
                self._do("require_bool", load(turn))
        self._attempt(body, result, [ast.Continue()])
        with self._into() as decided:
            self._assign(result, decisive)
            self._emit(ast.Break())
        self._emit(ast.If(compare(load(turn), ast.Is(), decisive), decided, []))

    def _collecting_turn(self, node: Comprehension, result: str, variable: str) -> None:
        """One turn of `map`, `filter` or `exists_one`, of which every error ends the loop."""
        condition = node.condition if node.macro == "map" else node.body
        test = None if condition is None else self._checked_condition(condition)
        with self._into() as taken:
            match node.macro:
                case "map":
                    self._do("append", load(result), self._value(node.body))
                case "filter":
                    self._do("append", load(result), load(variable))
                case _:
                    self._assign(result, ast.BinOp(load(result), ast.Add(), ast.Constant(1)))
        if test is None:
            self._block.extend(taken)
        else:
            self._emit(ast.If(test, taken, []))

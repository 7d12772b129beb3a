"""Tokens to tree: recursive descent for what nests, precedence climbing for what chains.

Source: CEL language definition, "Syntax".
"""

from __future__ import annotations

from typing import Final, cast

from foliot.cel.lexer import INT_MAX, INT_MIN_MAGNITUDE, Source, Token, tokenize
from foliot.cel.tree import (
    Binary,
    Call,
    Comprehension,
    Conditional,
    Constant,
    Index,
    ListLiteral,
    Logic,
    LogicOperator,
    Macro,
    MapLiteral,
    Node,
    OptionalMap,
    Select,
    Unary,
    Variable,
)

# Of brackets, which the parser follows by recursion.
NESTING_MAX: Final = 64
# Of the tree, which the later passes follow by recursion.
DEPTH_MAX: Final = 100

_PRECEDENCE: Final = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "in"), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%"), 5),
}
_WORDS: Final = frozenset({"true", "false", "null", "in"})
_RESERVED: Final = frozenset(
    (
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    )
)
_MACROS: Final = {"all": (2,), "exists": (2,), "exists_one": (2,), "map": (2, 3), "filter": (2,)}
_OPTIONAL_MACROS: Final = ("optMap", "optFlatMap")
# Functions with a namespace before their name.
_NAMESPACES: Final = {"optional": ("of", "none", "ofNonZeroValue"), "math": ("greatest", "least")}
# The types whose names have dots.
_PROTOBUF: Final = ("Timestamp", "Duration")


def parse(source: Source) -> Node:
    """Parse a whole expression.

    Raises:
        CelSyntaxError: the text is no expression, or nests deeper than the limits.
    """
    return _Parser(source).whole()


class _Parser:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._tokens = tokenize(source)
        self._position = 0
        self._nesting = 0

    def whole(self) -> Node:
        node = self._expression()
        self._expect("end")
        return node

    # Tokens

    @property
    def _next(self) -> Token:
        return self._tokens[self._position]

    def _take(self) -> Token:
        token = self._next
        self._position += 1
        return token

    def _accept(self, kind: str) -> Token | None:
        return self._take() if self._next.kind == kind else None

    def _expect(self, kind: str, *, or_else: str = "") -> Token:
        if self._next.kind != kind:
            wanted = {"end": "the end of the expression", "name": "a name"}.get(kind, repr(kind))
            raise self._unexpected(f"{wanted} or {or_else!r}" if or_else else wanted)
        return self._take()

    def _unexpected(self, wanted: str) -> Exception:
        token = self._next
        found = "the end of the expression" if token.kind == "end" else repr(token.text[:40])
        return self._source.refuse(token.offset, f"Expected {wanted}, found {found}.")

    def _depth(self, offset: int, *children: Node) -> int:
        depth = 1 + max((child.depth for child in children), default=0)
        if depth > DEPTH_MAX:
            raise self._too_deep(offset)
        return depth

    def _too_deep(self, offset: int) -> Exception:
        return self._source.refuse(
            offset,
            f"The expression nests too deeply: {NESTING_MAX} brackets, {DEPTH_MAX} operators.",
            "Split it into smaller expressions.",
        )

    # Grammar, from the loosest binding to the tightest

    def _expression(self) -> Node:
        self._nesting += 1
        if self._nesting > NESTING_MAX:
            raise self._too_deep(self._next.offset)
        node = self._chain()
        if question := self._accept("?"):
            then = self._chain()
            self._expect(":")
            otherwise = self._expression()
            depth = self._depth(question.offset, node, then, otherwise)
            node = Conditional(question.offset, depth, node, then, otherwise)
        self._nesting -= 1
        return node

    def _chain(self) -> Node:
        """Parse what binary operators join: two stacks instead of a call for each level of precedence."""
        operands = [self._unary()]
        operators: list[Token] = []
        while precedence := _PRECEDENCE.get(self._next.text):
            while operators and _PRECEDENCE[operators[-1].text] >= precedence:
                self._join(operands, operators.pop())
            operators.append(self._take())
            operands.append(self._unary())
        while operators:
            self._join(operands, operators.pop())
        return operands[0]

    def _join(self, operands: list[Node], operator: Token) -> None:
        right, left = operands.pop(), operands.pop()
        if operator.text not in ("&&", "||"):
            depth = self._depth(operator.offset, left, right)
            operands.append(Binary(operator.offset, depth, operator.text, left, right))
            return
        chained = left.operands if isinstance(left, Logic) and left.operator == operator.text else (left,)
        # A chain is evaluated as nested branches, one for each operand.
        depth = max(self._depth(operator.offset, *chained, right), len(chained) + 1)
        if depth > DEPTH_MAX:
            raise self._too_deep(operator.offset)
        operands.append(Logic(operator.offset, depth, cast("LogicOperator", operator.text), (*chained, right)))

    def _unary(self) -> Node:
        signs: list[Token] = []
        sign = self._next.kind
        if sign in ("!", "-"):
            while token := self._accept(sign):
                signs.append(token)
        number = self._next.value
        # A minus sign belongs to the number behind it, or the smallest int could not be written.
        if sign == "-" and type(number) in (int, float):
            minus, token = signs.pop(), self._take()
            negated = -cast("int | float", number)
            node = self._member(Constant(minus.offset, self._depth(token.offset), negated))
        else:
            node = self._member(self._primary())
        for token in reversed(signs):
            node = Unary(token.offset, self._depth(token.offset, node), token.kind, node)
        return node

    def _member(self, node: Node) -> Node:
        while True:
            if dot := self._accept("."):
                node = self._select_or_call(dot, node)
            elif bracket := self._accept("["):
                is_optional = self._accept("?") is not None
                key = self._expression()
                self._expect("]")
                node = Index(bracket.offset, self._depth(bracket.offset, node, key), node, key, is_optional)
            elif self._next.kind == "{":
                raise self._source.refuse(self._next.offset, "Messages cannot be made here.", "Write a map: {'k': 1}.")
            else:
                return node

    def _select_or_call(self, dot: Token, operand: Node) -> Node:
        is_optional = self._accept("?") is not None
        name = self._expect("name")
        if name.text in _WORDS:
            raise self._source.refuse(
                name.offset, f"{name.text!r} is no field name.", f'Write ["{name.text}"] instead of .{name.text}.'
            )
        if is_optional or not self._accept("("):
            return self._selection(dot, operand, name.text, is_optional=is_optional)
        arguments = self._list(")")
        if isinstance(operand, Variable) and name.text in _NAMESPACES.get(operand.name, ()):
            depth = self._depth(name.offset, *arguments)
            return Call(operand.offset, depth, f"{operand.name}.{name.text}", None, arguments)
        if len(arguments) == 2 and name.text in _OPTIONAL_MACROS:
            return self._optional_map(name, operand, arguments)
        if len(arguments) in _MACROS.get(name.text, ()):
            return self._comprehension(name, operand, arguments)
        depth = self._depth(name.offset, operand, *arguments)
        return Call(name.offset, depth, name.text, operand, arguments)

    def _selection(self, dot: Token, operand: Node, field: str, *, is_optional: bool) -> Node:
        match operand:
            case Select(operand=Variable(name="google"), field="protobuf") if field in _PROTOBUF and not is_optional:
                return Variable(operand.operand.offset, 1, f"google.protobuf.{field}")
            case _:
                depth = self._depth(dot.offset, operand)
                return Select(dot.offset, depth, operand, field, is_optional=is_optional)

    def _bound(self, name: Token, variable: Node) -> str:
        """Return the name that a macro binds."""
        if not isinstance(variable, Variable):
            raise self._source.refuse(variable.offset, f"The first argument of {name.text}() is a plain name.")
        return variable.name

    def _optional_map(self, name: Token, operand: Node, arguments: tuple[Node, ...]) -> Node:
        variable = self._bound(name, arguments[0])
        depth = self._depth(name.offset, operand, *arguments)
        return OptionalMap(name.offset, depth, operand, variable, arguments[1], name.text == "optFlatMap")

    def _comprehension(self, name: Token, operand: Node, arguments: tuple[Node, ...]) -> Node:
        variable = self._bound(name, arguments[0])
        condition = arguments[1] if len(arguments) == 3 else None
        depth = self._depth(name.offset, operand, *arguments)
        macro = cast("Macro", name.text)
        return Comprehension(name.offset, depth, macro, operand, variable, condition, arguments[-1])

    def _primary(self) -> Node:
        token = self._take()
        match token.kind:
            case "literal":
                if type(token.value) is int and token.value > INT_MAX:
                    raise self._source.refuse(token.offset, f"{INT_MIN_MAGNITUDE} is no int: it is beyond 64 bits.")
                return Constant(token.offset, 1, token.value)
            case "(":
                node = self._expression()
                self._expect(")")
                return node
            case "[":
                return self._list_literal(token)
            case "{":
                return self._map(token)
            case "name" if token.text != "in":
                return self._name(token)
            case _:
                self._position -= 1
                raise self._unexpected("a value")

    def _name(self, token: Token) -> Node:
        match token.text:
            case "true" | "false":
                return Constant(token.offset, 1, token.text == "true")
            case "null":
                return Constant(token.offset, 1, None)
            case name if name in _RESERVED:
                raise self._source.refuse(token.offset, f"{name!r} is a reserved word.", "Use another name.")
            case name if not self._accept("("):
                return Variable(token.offset, 1, name)
            case name:
                arguments = self._list(")")
                if name == "has" and len(arguments) == 1:
                    return self._has(token, arguments[0])
                return Call(token.offset, self._depth(token.offset, *arguments), name, None, arguments)

    def _has(self, token: Token, argument: Node) -> Node:
        if not isinstance(argument, Select) or argument.is_test or argument.is_optional:
            raise self._source.refuse(token.offset, "has() takes a field selection.", "Write has(a.b).")
        return Select(token.offset, argument.depth, argument.operand, argument.field, is_test=True)

    def _list(self, closing: str) -> tuple[Node, ...]:
        """Parse expressions up to `closing`, which is taken too."""
        nodes: list[Node] = []
        while self._next.kind != closing:
            if nodes:
                self._expect(",", or_else=closing)
            nodes.append(self._expression())
        self._expect(closing)
        return tuple(nodes)

    def _ends(self, closing: str, *, is_first: bool) -> bool:
        """Take what stands between two elements of a literal; say whether it ends there, maybe behind a comma."""
        if self._accept(closing):
            return True
        if self._next.kind == "," and self._tokens[self._position + 1].kind == closing:
            self._position += 2
            return True
        if not is_first:
            self._expect(",", or_else=closing)
        return False

    def _list_literal(self, bracket: Token) -> Node:
        elements: list[Node] = []
        optional: set[int] = set()
        while not self._ends("]", is_first=not elements):
            if self._accept("?"):
                optional.add(len(elements))
            elements.append(self._expression())
        depth = self._depth(bracket.offset, *elements)
        return ListLiteral(bracket.offset, depth, tuple(elements), frozenset(optional))

    def _map(self, brace: Token) -> Node:
        entries: list[tuple[Node, Node]] = []
        optional: set[int] = set()
        while not self._ends("}", is_first=not entries):
            if self._accept("?"):
                optional.add(len(entries))
            key = self._expression()
            self._expect(":")
            entries.append((key, self._expression()))
        children = [node for entry in entries for node in entry]
        return MapLiteral(brace.offset, self._depth(brace.offset, *children), tuple(entries), frozenset(optional))

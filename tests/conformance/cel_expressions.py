"""Random expressions of CEL: most have the type that they are wanted with, some do not."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

ANYTHING: dict[str, Any] = {
    "int": 5,
    "zero": 0,
    "large": 2**63 - 1,
    "text": "héllo",
    "double": 1.5,
    "yes": True,
    "nothing": None,
    "list": [1, 2, 3],
    "mixed": [1, "a", 2.5, True, None],
    "map": {"k": 7, "n": {"deep": "x"}},
    "one": {"k": 1},
}
PARTS = (
    *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
    *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
)
PATTERNS = ("'a+'", "'^b?$'", r"r'\d'", "'(?i)A|é'", r"r'[[:alpha:]]\b'", "'.*'", "s")
TIMESTAMPS = (
    *("timestamp(0)", "timestamp(i)", "timestamp('2024-02-29T12:34:56.123456789Z')", "timestamp(a.int)"),
    *("timestamp('1969-12-31T23:59:59.5Z')", "timestamp('2024-12-31T23:59:59+01:30')", "timestamp(-3)"),
    *(
        "timestamp('0001-01-01T00:00:00Z')",
        "timestamp('9999-12-31T23:59:59.999999999Z')",
        "timestamp('2024-02-30T00:00:00Z')",
    ),
)
DURATIONS = (
    *("duration('1h30m')", "duration('-1.5s')", "duration('1ns')", "duration('0')", "duration('9000000000s')"),
    *("duration('-0.000001s')", "duration('1d')", "duration('25h61m61.5s')", "duration('200ms')"),
)


class ExpressionMaker:
    """Makes expressions, mostly of a wanted type: one in some has a type that does not fit, or a `dyn` value of it."""

    KINDS = ("int", "uint", "double", "string", "bytes", "bool", "null", "list", "map", "dyn", "timestamp", "duration")
    MISFITS = tuple(kind for kind in KINDS if kind != "null")
    ORDERED = ("int", "uint", "double", "string", "bytes", "bool", "timestamp", "duration")

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.loop_variables: list[str] = []

    def one_of(self, *choices: str) -> str:
        return self.random.choice(choices)

    def make(self, kind: str, depth: int) -> str:
        chance = self.random.random()
        if chance < 0.03:
            kind = self.random.choice(self.MISFITS)
        elif chance < 0.06 and kind != "dyn":
            return f"dyn({self.make(self.random.choice(self.MISFITS), depth - 1)})" if depth > 0 else self.leaf("dyn")
        if depth <= 0 or self.random.random() < 0.12:
            return self.leaf(kind)
        makers: dict[str, Callable[[int], str]] = {
            "int": self.integer,
            "uint": self.unsigned,
            "double": self.double,
            "string": self.string,
            "bytes": self.bytes,
            "bool": self.boolean,
            "list": self.list,
            "map": self.map,
            "dyn": self.dynamic,
            "timestamp": self.timestamp,
            "duration": self.duration,
        }
        return makers[kind](depth - 1) if kind in makers else self.leaf(kind)

    def leaf(self, kind: str) -> str:
        if self.loop_variables and self.random.random() < 0.4:
            return self.random.choice(self.loop_variables)
        leaves = {
            "int": ("0", "1", "2", "-3", "7", "0x1F", "9223372036854775807", "-9223372036854775808", "i", "i"),
            "uint": ("0u", "1u", "3u", "0xFFu", "18446744073709551615u"),
            "double": ("0.0", "-0.0", "1.0", "1.5", "-2.25", "1e3", ".5", "1e300", "d", "d"),
            "string": ("''", "'a'", '"b"', "'1'", "'true'", "'2.5'", r"'\u00e9\n'", r"r'\d'", "'''q'x'''", "s", "s"),
            "bytes": ("b''", "b'a'", r"b'\xff'", "b'é'"),
            "bool": ("true", "false", "b", "has(a.int)", "has(a.absent)", "has(m.map.k)", "inState('a.b')"),
            "null": ("null",),
            "list": ("[1, 2]", "['a']", "[0, 1, 2]", "l", "l"),
            "map": ("{'a': 1}", "{'k': 'v'}", "{1: 2}", "m"),
            "timestamp": TIMESTAMPS,
            "duration": DURATIONS,
            "dyn": tuple(f"{root}.{field}" for root in "am" for field in (*ANYTHING, "absent", "map.k", "map.n.deep")),
        }
        return self.random.choice(leaves[kind])

    def conditional(self, kind: str, depth: int) -> str:
        return f"({self.make('bool', depth)} ? {self.make(kind, depth)} : {self.make(kind, depth)})"

    def arithmetic(self, kind: str, operators: str, depth: int) -> str:
        made = f"{self.make(kind, depth)} {self.random.choice(operators)} {self.make(kind, depth)}"
        return self.one_of(f"({made})", f"({made})", made)

    def integer(self, depth: int) -> str:  # noqa: PLR0911 (a branch for each shape)
        match self.random.randrange(11):
            case 0:
                return f"size({self.make(self.one_of('string', 'bytes', 'list', 'map'), depth)})"
            case 1:
                return f"{self.make(self.one_of('string', 'list', 'map'), depth)}.size()"
            case 2:
                return f"int({self.whole(depth)})"
            case 3:
                return f"-({self.make('int', depth)})"
            case 4:
                return self.conditional("int", depth)
            case 5:
                zone = self.one_of("", "", "'UTC'", "'+05:30'", "'-11:00'", "'02:00'")
                return f"{self.make('timestamp', depth)}.{self.random.choice(PARTS)}({zone})"
            case 6:
                part = self.one_of("getHours", "getMinutes", "getSeconds", "getMilliseconds")
                return f"{self.make('duration', depth)}.{part}()"
            case 7:
                where = self.one_of("", f", {self.one_of('0', '1', '3', 'i', self.leaf('int'))}")
                part = self.one_of("'a'", "' '", "''", self.make("string", depth))
                return f"{self.make('string', depth)}.{self.one_of('indexOf', 'lastIndexOf')}({part}{where})"
            case 8:
                return self.unpacked("int", depth)
            case _:
                return self.arithmetic("int", "+-*/%", depth)

    def whole(self, depth: int) -> str:
        """Make what `int()` takes, and never a duration: Google's checker lets it pass."""
        negated = self.make(self.one_of("int", "double"), depth)
        return self.one_of(f"-({negated})", f"-({negated})", "s", "'1'", "'x'", "3u", *TIMESTAMPS)

    def unsigned(self, depth: int) -> str:
        if self.random.random() < 0.3:
            return f"uint({self.make(self.one_of('int', 'uint', 'double', 'string'), depth)})"
        return self.arithmetic("uint", "+-*/%", depth)

    def double(self, depth: int) -> str:
        match self.random.randrange(6):
            case 5:
                return self.unpacked("double", depth)
            case 0:
                return f"double({self.one_of('1', '2u', '7', 'd', repr('1e5'), repr('inf'), repr('x'), repr(' 1.5'))})"
            case 1:
                return f"-({self.make('double', depth)})"
            case 2:
                return self.conditional("double", depth)
            case _:
                return self.arithmetic("double", "+-*/", depth)

    def string(self, depth: int) -> str:  # noqa: PLR0911 (a branch for each shape)
        match self.random.randrange(12):
            case 0:
                kinds = ("int", "uint", "string", "bytes", "bool", "timestamp", "duration")
                return f"string({self.make(self.random.choice(kinds), depth)})"
            case 4 | 5:
                target, number = self.make("string", depth), self.one_of("0", "1", "2", "-1", "i")
                return self.one_of(
                    f"{target}.{self.one_of('lowerAscii', 'upperAscii', 'trim', 'reverse')}()",
                    f"{target}.charAt({number})",
                    f"{target}.substring({number})",
                    f"({target} + '---').substring({number}, {self.one_of('1', '2')})",
                )
            case 6:
                old, new = self.one_of("'a'", "''", "' '", "s"), self.make("string", depth)
                limit = self.one_of("", ", 1", ", 0", ", -1", ", 2")
                return f"{self.make('string', depth)}.replace({old}, {new}{limit})"
            case 7:
                return f"{self.make('list', depth)}.join({self.one_of('', repr('-'), 's')})"
            case 8:
                limit = self.one_of("", ", 1", ", 2", ", -1")
                separator = self.one_of("' '", "''", "'a'", self.leaf("string"))
                return f"{self.make('string', depth)}.split({separator}{limit}).join('|')"
            case 9:
                return self.unpacked("string", depth)
            case 1:
                return f"string({self.leaf('double')})"
            case 2:
                return f"digest({self.make('string', depth)})"
            case 3:
                return self.conditional("string", depth)
            case _:
                return self.arithmetic("string", "+", depth)

    def bytes(self, depth: int) -> str:
        if self.random.random() < 0.4:
            return f"bytes({self.make('string', depth)})"
        return self.arithmetic("bytes", "+", depth)

    def boolean(self, depth: int) -> str:  # noqa: C901, PLR0911, PLR0912 (a branch for each shape)
        match self.random.randrange(16):
            case 11:
                return f"{self.make('string', depth)}.matches({self.random.choice(PATTERNS)})"
            case 12:
                return f"({self.optional(depth)} {self.one_of('==', '!=')} {self.optional(depth)})"
            case 13:
                return f"{self.optional(depth)}.hasValue()"
            case 14:
                names = ("int", "string", "list", "map", "null_type", "type", "google.protobuf.Duration")
                kind = self.random.choice(self.KINDS)
                return f"(type({self.make(kind, depth)}) == {self.random.choice(names)})"
            case 0 | 1:
                return f"({self.make('bool', depth)} {self.one_of('&&', '||')} {self.make('bool', depth)})"
            case 2:
                operands = [self.make("bool", depth) for _ in range(3)]
                return (
                    f"({operands[0]} {self.one_of('&&', '||')} {operands[1]} {self.one_of('&&', '||')} {operands[2]})"
                )
            case 3:
                return f"!({self.make('bool', depth)})"
            case 4:
                kind = self.random.choice(self.KINDS)
                return f"({self.make(kind, depth)} {self.one_of('==', '!=')} {self.make(kind, depth)})"
            case 5:
                operator = self.one_of("==", "!=")
                small = self.one_of("0", "1", "2u", "1.0", "0.0", "true", "'a'", "null", "5")
                return self.one_of(
                    f"({self.leaf('dyn')} {operator} {small})", f"({small} {operator} {self.leaf('dyn')})"
                )
            case 6:
                kind = self.random.choice(self.ORDERED)
                return f"({self.make(kind, depth)} {self.one_of('<', '<=', '>', '>=')} {self.make(kind, depth)})"
            case 7:
                right = self.one_of("1", "2.5", "3u", "'a'")
                return f"({self.leaf('dyn')} {self.one_of('<', '<=', '>', '>=')} {right})"
            case 8:
                kind = self.one_of("int", "string", "dyn")
                return f"({self.make(kind, depth)} in {self.make(self.one_of('list', 'map', 'dyn'), depth)})"
            case 9:
                method = self.one_of("contains", "startsWith", "endsWith")
                return f"{self.make('string', depth)}.{method}({self.make('string', depth)})"
            case 10:
                return f"bool({self.make(self.one_of('bool', 'string'), depth)})"
            case _:
                return self.loop(self.one_of("all", "exists", "exists_one"), "bool", depth)

    def loop(self, macro: str, kind: str, depth: int, over: str = "") -> str:
        variable = self.one_of("x", "y")
        over = over or self.one_of(
            self.make("list", depth), "a.list", "a.mixed", "a.one", "l", "[1, 0, 2]", self.leaf("dyn")
        )
        if macro in ("map", "filter") and over.split(".")[-1] == "map":
            over = "a.one"
        self.loop_variables.append(variable)
        body = self.make(kind, depth)
        if macro == "map" and self.random.random() < 0.3:
            body = f"{self.make('bool', depth)}, {body}"
        self.loop_variables.pop()
        return f"{over}.{macro}({variable}, {body})"

    def list(self, depth: int) -> str:
        match self.random.randrange(6):
            case 0:
                return self.loop(
                    "map", self.one_of("int", "string", "bool"), depth, self.one_of("l", "a.mixed", "[2, 0]")
                )
            case 1:
                return self.loop("filter", "bool", depth, self.one_of("l", "a.list", "['a', 'b']"))
            case 2:
                return f"dyn({self.make('list', depth)} + {self.make('list', depth)})"
            case 3:
                return self.conditional("list", depth)
            case _:
                kind = self.random.choice(self.KINDS)
                elements = [self.make(kind, depth) for _ in range(self.random.randrange(1, 4))]
                if self.random.random() < 0.15:
                    elements = [
                        *(f"dyn({element})" for element in elements),
                        f"?{self.optional(depth)}.or(optional.of(dyn(1)))",
                    ]
                    self.random.shuffle(elements)
                    return f"dyn([{', '.join(elements)}])"
                return f"[{', '.join(elements)}]"

    def map(self, depth: int) -> str:
        keys = self.random.choice((("'a'", "'k'", "s"), ("1", "2", "i"), ("true", "false"), ("1u", "2u")))
        kind = self.random.choice(self.KINDS)
        entries = [f"{key}: dyn({self.make(kind, depth)})" for key in keys[: self.random.randrange(1, 4)]]
        if keys[0] != "true" and self.random.random() < 0.15:
            entries.append(
                f"?{keys[0].replace('a', 'z').replace('1', '9')}: {self.optional(depth)}.or(optional.of(dyn(1)))"
            )
        return f"{{{', '.join(entries)}}}"

    def dynamic(self, depth: int) -> str:  # noqa: PLR0911 (a branch for each shape)
        match self.random.randrange(7):
            case 5:
                return self.unpacked("dyn", depth)
            case 6:
                numbers = [self.make(self.one_of("int", "double", "uint"), depth) for _ in range(1 + depth)]
                listed = ", ".join(numbers)
                of = self.one_of(listed, f"{self.one_of('1', '2.5', 'a.int')}, {listed}", f"[{listed}]", "a.list", "l")
                return f"dyn(math.{self.one_of('greatest', 'least')}({of}))"
            case 0:
                return f"{self.make('list', depth)}[{self.one_of('0', '1', '-1', '5', 'dyn(1.0)', 'dyn(1u)', 'i')}]"
            case 1:
                return (
                    f"{self.make('map', depth)}[{self.one_of(repr('a'), repr('k'), '1', 'dyn(1.0)', 'dyn(true)', 's')}]"
                )
            case 2:
                return f"{self.make('map', depth)}.{self.one_of('a', 'k', 'absent')}"
            case 3:
                return f"dyn({self.make(self.random.choice(self.KINDS), depth)})"
            case _:
                return self.leaf("dyn")

    def timestamp(self, depth: int) -> str:
        match self.random.randrange(4):
            case 0:
                return f"({self.make('timestamp', depth)} {self.one_of('+', '-')} {self.make('duration', depth)})"
            case 1:
                return f"({self.make('duration', depth)} + {self.make('timestamp', depth)})"
            case 2:
                return f"timestamp({self.make(self.one_of('int', 'timestamp'), depth)})"
            case _:
                return self.conditional("timestamp", depth)

    def duration(self, depth: int) -> str:
        match self.random.randrange(4):
            case 0:
                return f"({self.make('timestamp', depth)} - {self.make('timestamp', depth)})"
            case 1 | 2:
                return f"({self.make('duration', depth)} {self.one_of('+', '-')} {self.make('duration', depth)})"
            case _:
                return f"duration(string({self.make('duration', depth)}))"

    def optional(self, depth: int) -> str:  # noqa: PLR0911 (a branch for each shape)
        """Make an optional, of any type, for what unpacks it at once: Google's values cannot show what one holds."""
        if depth <= 0:
            return self.one_of(
                "optional.ofNonZeroValue(dyn(0))", "optional.of(dyn(1))", "a.?int", "a.?absent", "m.?text", "a.?map.k"
            )
        match self.random.randrange(8):
            case 0:
                return f"optional.of(dyn({self.make(self.random.choice(self.MISFITS), depth - 1)}))"
            case 1:
                return f"optional.ofNonZeroValue(dyn({self.make(self.random.choice(self.MISFITS), depth - 1)}))"
            case 2:
                return f"{self.make(self.one_of('map', 'dyn'), depth - 1)}.?{self.one_of('a', 'k', 'absent')}"
            case 3:
                keys = ("0", "1", "-1", "7", "i", "'a'", "s")
                return f"{self.make(self.one_of('list', 'map', 'dyn'), depth - 1)}[?{self.random.choice(keys)}]"
            case 4:
                return f"{self.optional(depth - 1)}.or({self.optional(depth - 1)})"
            case 5 | 6:
                macro = self.one_of("optMap", "optFlatMap")
                operand, variable = self.optional(depth - 1), self.one_of("x", "y")
                self.loop_variables.append(variable)
                made = self.optional(depth - 1) if macro == "optFlatMap" else f"dyn({self.make('dyn', depth - 1)})"
                self.loop_variables.pop()
                return f"{operand}.{macro}({variable}, {made})"
            case _:
                return self.one_of("a.?map.n.deep", "a.?map.?n", "m.?one.absent", "a[?'list'][?0]")

    def unpacked(self, kind: str, depth: int) -> str:
        made = self.optional(depth)
        return self.one_of(f"{made}.value()", f"{made}.orValue(dyn({self.make(kind, depth)}))")


def make_values(chooser: random.Random) -> dict[str, Any]:
    """Make values for the variables: mostly of the kinds that their names say."""
    integers = (0, 1, 5, -7, 42, 1_700_000_000, 2**63 - 1, -(2**63), chooser.randrange(-1_000, 1_000))
    texts = ("", "a", "a b", "héllo", "A1b2", " x ", "aaab", "1h", "2024-02-29T12:34:56Z", "ab" * chooser.randrange(9))
    doubles = (0.0, -0.25, 1.5, 2.0, -0.0, 1e300, chooser.uniform(-9, 9))
    anything: dict[str, Any] = {
        "int": chooser.choice(integers),
        "zero": 0,
        "large": 2**63 - 1,
        "text": chooser.choice(texts),
        "double": chooser.choice(doubles),
        "yes": chooser.random() < 0.5,
        "nothing": None,
        "list": [chooser.choice(integers) for _ in range(chooser.randrange(5))],
        "mixed": chooser.sample([1, "a", 2.5, True, None, [1], "b", 0], chooser.randrange(1, 6)),
        "map": {"k": chooser.choice((7, "v", None)), "n": {"deep": chooser.choice(texts)}},
        "one": {"k": chooser.choice((1, "x"))},
    }
    for name in chooser.sample(sorted(anything), chooser.randrange(3)):
        del anything[name]
    return {
        "a": anything,
        "m": anything,
        "i": chooser.choice(integers),
        "s": chooser.choice(texts),
        "d": chooser.choice(doubles),
        "b": chooser.random() < 0.5,
        "l": [chooser.choice((3, 1, 2, 0, -1)) for _ in range(chooser.randrange(4))],
    }


VALUES: dict[str, Any] = {"a": ANYTHING, "m": ANYTHING, "i": 42, "s": "a b", "d": -0.25, "b": False, "l": [3, 1, 2]}

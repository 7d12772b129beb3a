"""The one environment of all expressions of a machine, and their checks."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from foliot.cel import (
    BOOL,
    DIGEST,
    DYN,
    FAIL,
    IN_STATE,
    MAP,
    CelError,
    CelSyntaxError,
    Environment,
    Program,
    Type,
    compile_expression,
    literal,
)
from foliot.definition.diagnostics import Faults, did_you_mean
from foliot.definition.model import Cel, Expression
from foliot.definition.tree import Place, Scalar

EVENT_FIELDS = ("id", "type", "source", "time", "data")
# `Program.evaluate(context, event, in_state)`: the order of these is the order of its parameters.
ENVIRONMENT = Environment(MappingProxyType({"context": MAP, "event": MAP}), (IN_STATE, DIGEST, FAIL))

# The same expression often stands in many places of a machine. Programs of so many short ones are kept: some 60 MiB if
# all are as long as they may be, mostly some 4.
_KEPT_MAX = 512
_KEPT_CHARS_MAX = 2_048

IN_STATE_CALL = re.compile(r"""\binState\(\s*(["'])([^"'\\]*)\1\s*\)""")
"""A call that names its state; the second group is the id."""


def compile_guard(source: str) -> Program:
    """Compile a guard; `evaluate` returns a bool.

    Raises:
        CelError: `check` would have refused it.
    """
    return _compile(source, BOOL)


def compile_value(source: str) -> Program:
    """Compile an expression of an action; `evaluate` returns any CEL value.

    Raises:
        CelError: `check` would have refused it.
    """
    return _compile(source, None)


def _compile(source: str, want: Type | None) -> Program:
    if len(source) <= _KEPT_CHARS_MAX:
        return _compile_once(source, want)
    return compile_expression(source, ENVIRONMENT, want=want)


@lru_cache(maxsize=_KEPT_MAX)
def _compile_once(source: str, want: Type | None) -> Program:
    return compile_expression(source, ENVIRONMENT, want=want)


def cel_text(expression: Expression) -> str:
    """Write an expression in CEL, a constant as its literal."""
    return expression.source if isinstance(expression, Cel) else literal(expression.value)


@dataclass(frozen=True, slots=True)
class ContextNames:
    """The names that the schema gives the context; `closed` says that there can be no others."""

    names: frozenset[str]
    closed: bool

    def is_unheard_of(self, name: str) -> bool:
        """Say whether the schema lets a name be there of which it says nothing."""
        return not self.closed and name not in self.names


class _Known(NamedTuple):
    """What a good expression gives, and what it reads."""

    type: Type
    reads: Collection[str]


@dataclass(frozen=True, slots=True)
class ExpressionChecker:
    """Checks expressions where they stand in the text. Without `known` the context may have any name."""

    text_lines: tuple[str, ...]
    state_ids: Collection[str]
    known: ContextNames | None
    faults: Faults
    _seen: dict[str, _Known | CelError] = field(default_factory=dict)

    def value(self, scalar: Scalar) -> Type | None:
        """Check an expression that may have any type, and say which it has, if it is one."""
        source = str(scalar.value)
        known = self._look(source)
        if isinstance(known, CelError):
            code = "D601" if isinstance(known, CelSyntaxError) else "D602"
            where = self.inside(scalar, known.line, known.column)
            self.faults.error(code, where, _sentence(known.refusal.what), known.refusal.remedy)
            return None
        self._check_reads(known.reads, scalar)
        for found in IN_STATE_CALL.finditer(source):
            if found[2] not in self.state_ids:
                what = f"There is no state {self.faults.quote(found[2])} to be in."
                remedy = did_you_mean(found[2], sorted(filter(None, self.state_ids)))
                self.faults.warning("D606", scalar, what, remedy)
        return known.type

    def _look(self, source: str) -> _Known | CelError:
        """Compile an expression once, however often it stands in the machine."""
        if source not in self._seen:
            try:
                program = compile_value(source)
                self._seen[source] = _Known(program.type, program.reads)
            except CelError as error:
                self._seen[source] = error
        return self._seen[source]

    def guard(self, scalar: Scalar) -> Type | None:
        """Check an expression that must be true or false, and say which type it has, if it may."""
        found = self.value(scalar)
        if found is not None and found not in {BOOL, DYN}:
            what = f"A guard is true or false, but this is {found}."
            self.faults.error("D603", scalar, what, "Compare it with something: 'context.count > 0'.")
            return None
        return found

    def _check_reads(self, reads: Collection[str], scalar: Scalar) -> None:
        for path in sorted(reads):
            root, _, rest = path.partition(".")
            name = rest.partition(".")[0]
            if root == "event" and name and name not in EVENT_FIELDS:
                what = f"An event has no field {self.faults.quote(name)}."
                self.faults.error("D605", scalar, what, did_you_mean(name, EVENT_FIELDS))
            if root == "context" and name and self.known is not None and self.known.is_unheard_of(name):
                what = f"The schema of the context does not know {self.faults.quote(name)}."
                self.faults.warning("D604", scalar, what, did_you_mean(name, sorted(self.known.names)))

    def inside(self, scalar: Scalar, line: int, column: int) -> Scalar:
        """Move the place of a scalar to a place within its text, where the text stands there as it is.

        Texts with escapes, or folded over several lines, keep the place where they begin.
        """
        if line < 1 or column < 1:
            return scalar
        place, source = scalar.place, str(scalar.value)
        wanted = source.split("\n")
        here = self.text_lines[place.line - 1][place.column - 1 :] if place.line <= len(self.text_lines) else ""
        if len(wanted) == 1 and line == 1:
            for skipped in (0, 1):
                if here[skipped:].startswith(source):
                    return Scalar(scalar.value, Place(place.line, place.column + skipped + column - 1), scalar.path)
        if here[:1] == "|" and line <= len(wanted) and place.line + line <= len(self.text_lines):
            below = self.text_lines[place.line + line - 1]
            indent = below.find(wanted[line - 1])
            if wanted[line - 1] and indent >= 0:
                return Scalar(scalar.value, Place(place.line + line, indent + column), scalar.path)
        return scalar


def _sentence(what: str) -> str:
    return what if what.endswith((".", "?", "!")) else f"{what}."

"""Text in, function out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from foliot.cel.checking import check
from foliot.cel.costing import bound_cost
from foliot.cel.environment import Environment
from foliot.cel.failures import CelTypeError
from foliot.cel.generation import generate
from foliot.cel.kinds import Type, is_compatible
from foliot.cel.lexer import Source
from foliot.cel.metering import COST_MAX
from foliot.cel.parsing import parse


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled expression.

    `evaluate` takes the values of the environment's variables in their order, then its passed host functions in
    theirs; it may be called from many threads, changes nothing that it is given, and returns a CEL value that may
    share lists and maps with its input (`to_json` copies). It raises `EvaluationError`. The input's lists and maps
    must be finite trees, not deeper than some hundred levels.

    `reads` has the dotted path of each selection that starts at a variable (`event.data.severity`; `context` where it
    is used whole). `type` is what the checker knows of the result, or what was wanted.

    `cost` is a bound of what an evaluation costs, in units of about a microsecond, whatever the input: each variable
    may hold what the environment's `weights` say of it, or else a MiB of JSON. An evaluation whose cost exceeds the
    budget ends with `CelBudgetExceeded`; the cost is counted in steps of the expression, never in seconds.
    """

    source: str
    type: Type
    reads: frozenset[str]
    cost: int
    evaluate: Callable[..., Any]


def compile_expression(
    source: str, environment: Environment, *, want: Type | None = None, budget: int = COST_MAX
) -> Program:
    """Compile an expression, whose result must have the type `want` if one is given.

    No evaluation may cost more than `budget` units.

    Where the checker cannot tell the result's type beforehand, `evaluate` raises `no_matching_overload` for a result of
    another type; of a wanted list or map it looks at the outermost level only.

    Raises:
        CelSyntaxError: the text is no expression, or beyond a limit.
        CelTypeError: the expression names what does not exist, or can never have a value of the wanted type.
    """
    text = Source(source)
    checked = check(text, parse(text), environment)
    found = checked.types[checked.root]
    if want is not None and not is_compatible(found, want):
        line, column = text.place(checked.root.offset)
        raise CelTypeError(f"The expression is {found}; {want} is wanted.", line=line, column=column)
    cost = bound_cost(checked)
    evaluate = generate(checked, want, budget if cost > budget else None)
    return Program(source, found if want is None else want, checked.reads, cost, evaluate)

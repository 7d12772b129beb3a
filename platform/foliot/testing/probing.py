"""A machine that tells which of its guards were asked, and what they said.

Functions that note the verdict are put around the guards of its own transitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from foliot.cel import EvaluationError
from foliot.definition import Definition
from foliot.engine import Compiled, Guard, InState, compile  # noqa: A004 - the engine's own word


class Asked(NamedTuple):
    """A guard (by its transition's index), what it said, and what it was asked about."""

    transition: int
    verdict: bool
    context: Mapping[str, Any]
    event: Mapping[str, Any]
    in_state: InState


Tell: TypeAlias = Callable[[Asked], None]


def probe(definition: Definition, tell: Tell) -> Compiled:
    """Compile a machine whose guards call `tell`; one that has no value counts as false, as in the engine."""
    return compile(definition, around_guard=lambda index, guard: _telling(guard, index, tell))


def _telling(guard: Guard, index: int, tell: Tell) -> Guard:
    def ask(context: Mapping[str, Any], event: Mapping[str, Any], in_state: InState) -> bool:
        try:
            verdict = guard(context, event, in_state)
        except EvaluationError:
            tell(Asked(index, verdict=False, context=context, event=event, in_state=in_state))
            raise
        tell(Asked(index, verdict, context, event, in_state))
        return verdict

    return ask

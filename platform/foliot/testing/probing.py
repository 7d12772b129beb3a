"""A machine that tells which of its guards were asked, and what they said.

Nothing of the engine changes: the machine is compiled as always, and functions that note the verdict are put around
the guards of its own transitions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from foliot.cel import EvaluationError
from foliot.definition import Definition
from foliot.engine import Compiled, compile  # noqa: A004 - the engine's own word
from foliot.engine.chart import Chart, Edge
from foliot.engine.evaluating import Guard, InState
from foliot.engine.memory import Memory


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
    machine = compile(definition)
    nodes = tuple(
        dataclasses.replace(
            node,
            edges=tuple(_told(edge, tell) for edge in node.edges),
            always=tuple(_told(edge, tell) for edge in node.always),
        )
        for node in machine.chart.nodes
    )
    machine.chart = Chart(nodes, machine.chart.numbers)
    machine.memory = Memory(machine.chart)
    machine.completion = machine.memory.root_completion()
    return machine


def _told(edge: Edge, tell: Tell) -> Edge:
    return edge if edge.guard is None else dataclasses.replace(edge, guard=_telling(edge.guard, edge.index, tell))


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

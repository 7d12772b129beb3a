"""The hot swap: whether an instance can go on under another version of its machine."""

from __future__ import annotations

from foliot.engine.chart import Node
from foliot.engine.compiled import Compiled
from foliot.engine.values import State


def adopt(machine: Compiled, state: State) -> State | str:
    """Give the same state for another version of the machine, or say in a sentence why it cannot move.

    Nothing is converted: where a state, a memory or a timer of the instance has no counterpart, the instance stays with
    its version. Timeouts that only the new version has are armed when their states are entered next.
    """
    return (
        _configuration_fault(machine, state)
        or _history_fault(machine, state)
        or _timer_fault(machine, state)
        or _context_fault(machine, state)
        or state
    )


def _configuration_fault(machine: Compiled, state: State) -> str | None:
    numbers, nodes = machine.chart.numbers, machine.chart.nodes
    for state_id in state.configuration:
        if state_id not in numbers:
            return f"The instance is in the state {state_id}, which this version does not have."
        if not nodes[numbers[state_id]].is_leaf:
            return f"The instance is in the state {state_id}, which is {nodes[numbers[state_id]].kind} in this version."
    active = machine.chart.closure(state.configuration)
    if active is None:
        return f"The active states {', '.join(state.configuration)} cannot be active together in this version."
    if machine.chart.in_final_state(0, active) != state.done:
        return (
            "The instance is finished, but would not be in this version."
            if state.done
            else "The instance is not finished, but would be in this version."
        )
    return None


def _history_fault(machine: Compiled, state: State) -> str | None:
    numbers, nodes = machine.chart.numbers, machine.chart.nodes
    for history_id, memory in sorted(state.history.items()):
        number = numbers.get(history_id)
        if number is None or nodes[number].kind != "history":
            return f"The instance remembers the history state {history_id}, which this version does not have."
        for state_id in memory:
            if state_id not in numbers:
                return f"The history state {history_id} remembers {state_id}, which this version does not have."
        if not _fits(machine, nodes[number], memory):
            return f"The history state {history_id} cannot remember {', '.join(memory)} in this version."
    return None


def _fits(machine: Compiled, history: Node, memory: tuple[str, ...]) -> bool:
    """Say whether the history state of this version could remember these states."""
    nodes, parent = machine.chart.nodes, history.ancestors[0]
    if history.deep:
        return machine.chart.closure(memory, parent) is not None
    needed = len(nodes[parent].children) if nodes[parent].kind == "parallel" else 1
    remembered = [machine.chart.numbers[state_id] for state_id in memory]
    return len(remembered) == needed and all(number in nodes[parent].children for number in remembered)


def _timer_fault(machine: Compiled, state: State) -> str | None:
    timeouts = {
        timer_id
        for number in machine.chart.closure(state.configuration) or ()
        for timer_id, _ in machine.chart.nodes[number].timeouts
    }
    for timer_id, timer in sorted(state.timers.items()):
        if timer_id == timer.event and timer_id.startswith("after.") and timer_id not in timeouts:
            return f"The timer {timer_id} is armed, but this version has no such timeout."
    return None


def _context_fault(machine: Compiled, state: State) -> str | None:
    fault = machine.validate_context(state.context)
    return None if fault is None else f"The context does not fit this version's schema: {fault}."

"""Which states the transitions of a version lead to."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from foliot.definition import Definition, StateNode
from foliot.registry import read_definition
from foliot.store import Connection

_VERSIONS_MAX: Final = 256

Landing: TypeAlias = Mapping[int, tuple[str, ...]]
"""By a transition's number: the states that it enters by its targets, each with what is entered below it by default.

A history state stands for itself: where it leads is not a matter of the definition.
"""


class Landings:
    """The landings of versions, those used last; versions never change. For several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int, int], Landing] = OrderedDict()

    def get(self, connection: Connection, machine: int, version: int) -> Landing:
        """Give where the transitions of a machine's (by number) version lead.

        Raises:
            UnknownVersion: there is none.
        """
        key = (machine, version)
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
        landing = landing_of(read_definition(connection, machine, version))
        with self._lock:
            self._known[key] = landing
            while len(self._known) > _VERSIONS_MAX:
                self._known.popitem(last=False)
        return landing


def landing_of(definition: Definition) -> Landing:
    """Work out where the transitions of a definition lead; those without a target lead nowhere."""
    states = {state.id: state for state in definition.root.walk()}
    leading = [each for state in states.values() for each in state.outgoing() if each.targets]
    # Worked out once for each place to go: thousands of transitions may lead into the same regions.
    found = {
        targets: tuple(dict.fromkeys(id_ for target in targets for id_ in _entered(states[target], states)))
        for targets in {each.targets for each in leading}
    }
    return {each.index: found[each.targets] for each in leading}


def _entered(state: StateNode, states: Mapping[str, StateNode]) -> Iterator[str]:
    yield state.id
    if state.kind == "parallel":
        children: tuple[StateNode, ...] = tuple(child for child in state.children if child.kind != "history")
    else:
        children = () if state.initial is None else (states[state.initial],)
    for child in children:
        yield from _entered(child, states)

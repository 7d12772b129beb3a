"""A machine made ready to run."""

from __future__ import annotations

from typing import Any

from foliot.definition import Definition
from foliot.engine.chart import AroundGuard, Chart, build_chart
from foliot.engine.errors import DefinitionNotCompilable
from foliot.engine.memory import ENTRIES_MAX, Memory, Room, Selection
from foliot.engine.schemas import Validate, compile_validator
from foliot.engine.values import Limits


class Compiled:
    """A definition with its expressions, schemas and tree compiled. It may be shared by threads.

    `chart`, `memory`, `completion` and `asks` (whether it sees SCXML's system variables) are the engine's own.
    """

    __slots__ = (
        "_events",
        "asks",
        "chart",
        "completion",
        "definition",
        "limits",
        "memory",
        "states",
        "validate_context",
    )

    def __init__(
        self,
        definition: Definition,
        limits: Limits,
        *,
        entries_max: int,
        room: Room,
        around_guard: AroundGuard | None,
    ) -> None:
        self.definition = definition
        self.limits = limits
        self.chart: Chart = build_chart(definition.root, around_guard)
        self.states: tuple[str, ...] = tuple(node.id for node in self.chart.nodes)
        self.validate_context: Validate = compile_validator(definition.context.json_schema, "context.schema")
        self._events = {
            name: compile_validator(event.json_schema, f"events.{name}.schema")
            for name, event in definition.events.items()
        }
        self.memory = Memory(self.chart, microsteps_max=limits.microsteps_max, entries_max=entries_max, room=room)
        self.completion: Selection = self.memory.root_completion()
        self.asks: bool = definition.system

    def validate_event(self, event_type: str, data: Any) -> str | None:
        """Say what is wrong with the data of an event, or None. An event that is not listed may carry anything."""
        validate = self._events.get(event_type)
        return None if validate is None else validate(data)

    def __repr__(self) -> str:
        return f"Compiled({self.definition.id}, {len(self.states)} states)"


def compile(  # noqa: A001 - the word of the contract; it stands for the built-in nowhere in this package
    definition: Definition,
    *,
    limits: Limits | None = None,
    entries_max: int = ENTRIES_MAX,
    room: Room | None = None,
    around_guard: AroundGuard | None = None,
) -> Compiled:
    """Make a definition ready to run. `entries_max` bounds what the machine remembers of the ways that it went.

    In `room` that is counted together with what other machines remember.

    `around_guard` makes another guard of each transition's: one that listens, say. It may be asked more than once in a
    step, and is given an empty event where the expression looks at none.

    Raises:
        DefinitionNotCompilable: the definition was not checked, or its initial context does not fit its own schema.
    """
    machine = Compiled(
        definition, limits or Limits(), entries_max=entries_max, room=room or Room(), around_guard=around_guard
    )
    fault = machine.validate_context(definition.context.initial)
    if fault is not None:
        machine.memory.leave()
        raise DefinitionNotCompilable(f"the initial context does not fit the schema: {fault}", where="context.initial")
    return machine

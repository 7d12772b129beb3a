"""Which schema holds for the data of the event that a guard or an action sees."""

from __future__ import annotations

from foliot.definition.model import Action, Definition, Dispatch, JsonSchema, Raise, Send


class SentData:
    """What is known of the data of a machine's events.

    An event that the machine makes itself is held to no schema.
    """

    def __init__(self, definition: Definition) -> None:
        self._events = definition.events
        actions = list(definition.actions())
        self._makes_any = any(isinstance(action, Dispatch) for action in actions)
        self._made = frozenset(name for action in actions if (name := _made(action)) is not None)

    def schema(self, descriptor: str | None) -> JsonSchema | None:
        """Return the schema of the one declared event that fits a descriptor; None where it may be another one.

        An eventless transition sees any event (None), and so does `*`, which events of the engine fit too. What is not
        declared, and fits, is not reckoned with: a schema says what is meant.
        """
        if descriptor is None or self._makes_any or descriptor == "*" or " " in descriptor:
            return None
        prefix = descriptor.removesuffix(".*")
        fitting = [name for name in self._events if _fits(name, prefix)]
        if len(fitting) != 1 or (prefix == descriptor and fitting != [prefix]):
            return None
        if any(_fits(name, prefix) for name in self._made):
            return None
        return self._events[fitting[0]].json_schema


def _fits(name: str, prefix: str) -> bool:
    return f"{name}.".startswith(f"{prefix}.")


def _made(action: Action) -> str | None:
    return action.event if isinstance(action, Raise) or (isinstance(action, Send) and action.topic is None) else None

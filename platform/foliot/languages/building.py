"""A machine put together in Python, without decorators or classes of its own: what is said is Foliot's language.

order = Machine("order", context={"paid": 0})
open_ = order.state("open").initial()
open_.on("pay", "paid", guard="event.data.amount > 0", assign={"paid": "event.data.amount"})
order.state("paid").after("7d", "open")
definition = order.build()
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self, TypeAlias

import orjson

from foliot.definition import Definition, load

Action: TypeAlias = Mapping[str, Any]
"""One action, as the language has it: `{"raise": "go"}`. The functions below make them."""
Target: TypeAlias = "str | State | Sequence[str | State] | None"
_KIND: Final = "type"


def assign(**values: str | float | bool | None) -> Action:
    """Set names of the context; texts are CEL."""
    return {"assign": values}


def raise_(event: str, **data: str | float | bool | None) -> Action:
    """Raise an event inside of this step."""
    return {"raise": {"event": event, "data": data} if data else event}


def send(
    event: str,
    *,
    delay: str | None = None,
    id: str | None = None,  # noqa: A002 - the language's word
    topic: str | None = None,
    **data: Any,
) -> Action:
    """Send an event to the instance itself, after a delay if one is given, or to a Kafka topic."""
    optional = {"delay": delay, "id": id, "to": None if topic is None else {"topic": topic}, "data": data or None}
    return {"send": {"event": event, **{name: value for name, value in optional.items() if value is not None}}}


def cancel(timer_id: str) -> Action:
    """Disarm the timer of a send with this id."""
    return {"cancel": timer_id}


def log(expression: str) -> Action:
    """Write the value of an expression to the log."""
    return {"log": expression}


def branch(*branches: tuple[str | None, Sequence[Action]]) -> Action:
    """Run the actions of the first branch (guard, actions) whose guard holds; None as a guard stands for all others."""
    return {
        "if": [
            {"actions": list(actions)} if guard is None else {"guard": guard, "actions": list(actions)}
            for guard, actions in branches
        ]
    }


def for_each(array: str, item: str, *actions: Action, index: str | None = None) -> Action:
    """Run actions for each item of a list."""
    named = {} if index is None else {"index": index}
    return {"foreach": {"array": array, "item": item, **named, "actions": list(actions)}}


class State:
    """A state while it is put together; each call adds to it and gives it back."""

    def __init__(self, path: str, parent: State | None) -> None:
        self.path = path
        self._parent = parent
        self._body: dict[str, Any] = {}
        self._states: dict[str, State] = {}

    def state(self, name: str, kind: Literal["parallel", "final"] | None = None) -> State:
        """Make a state inside of this one, or give the one that is there."""
        if name not in self._states:
            self._states[name] = State(f"{self.path}.{name}" if self.path else name, self)
        if kind is not None:
            self._states[name]._body[_KIND] = kind  # noqa: SLF001 - another of its own
        return self._states[name]

    def history(self, name: str, *, deep: bool = False, target: Target = None) -> State:
        """Make a history state inside of this one."""
        made = self.state(name)
        made._body |= {"history": "deep" if deep else "shallow", **_targets(target)}  # noqa: SLF001 - as above
        return made

    def parallel(self) -> Self:
        """Make all children active at the same time."""
        self._body[_KIND] = "parallel"
        return self

    def initial(self) -> Self:
        """Enter this state first when its parent is entered."""
        if self._parent is None:
            raise ValueError("the machine itself is no child of anything")
        self._parent._body["initial"] = self.path.rpartition(".")[2]  # noqa: SLF001 - as above
        return self

    def on(self, event: str, target: Target = None, *actions: Action, **about: Any) -> Self:
        """Add a transition for an event: `guard` and `assign` (names to CEL), `reenter` and `description` beside."""
        self._body.setdefault("on", {}).setdefault(event, []).append(_transition(target, actions, about))
        return self

    def always(self, target: Target = None, *actions: Action, **about: Any) -> Self:
        """Add a transition that needs no event."""
        self._body.setdefault("always", []).append(_transition(target, actions, about))
        return self

    def after(self, delay: str, target: Target = None, *actions: Action, **about: Any) -> Self:
        """Add a transition that is taken after a time in this state."""
        self._body.setdefault("after", {}).setdefault(delay, []).append(_transition(target, actions, about))
        return self

    def on_done(self, target: Target = None, *actions: Action, **about: Any) -> Self:
        """Add a transition that is taken when the state is done."""
        self._body.setdefault("onDone", []).append(_transition(target, actions, about))
        return self

    def on_error(self, target: Target = None, *actions: Action, **about: Any) -> Self:
        """Add a transition that is taken when an action or a guard fails."""
        self._body.setdefault("onError", []).append(_transition(target, actions, about))
        return self

    def roll_back(self) -> Self:
        """Undo the whole step of an action that fails in this state."""
        self._body.setdefault("onError", []).append("rollback")
        return self

    def entry(self, *actions: Action) -> Self:
        """Add actions on entering."""
        self._body.setdefault("entry", []).extend(actions)
        return self

    def exit(self, *actions: Action) -> Self:
        """Add actions on leaving."""
        self._body.setdefault("exit", []).extend(actions)
        return self

    def defer(self, *events: str) -> Self:
        """Keep events until no active state defers them."""
        self._body.setdefault("defer", []).extend(events)
        return self

    def output(self, **values: Any) -> Self:
        """Say what a final state gives."""
        self._body["output"] = values
        return self

    def describe(self, text: str) -> Self:
        """Say what it is for."""
        self._body["description"] = text
        return self

    def document(self) -> dict[str, Any]:
        """Give the state as the language has it."""
        states = {name: state.document() for name, state in self._states.items()}
        return {**self._body, **({"states": states} if states else {})}


class Machine(State):
    """A machine while it is put together."""

    def __init__(
        self,
        name: str,
        *,
        context: Mapping[str, Any] | None = None,
        context_schema: Mapping[str, Any] | None = None,
        events: Mapping[str, Mapping[str, Any] | None] | None = None,
    ) -> None:
        """Name it; `context` is its initial one, `events` has the schemas of its events' data."""
        super().__init__("", None)
        self._head: dict[str, Any] = {"foliot": 1, "id": name}
        about = {"initial": context, "schema": context_schema}
        if any(value is not None for value in about.values()):
            self._head["context"] = {key: value for key, value in about.items() if value is not None}
        if events:
            self._head["events"] = {
                event: None if schema is None else {"schema": schema} for event, schema in events.items()
            }

    def text(self) -> str:
        """Write it in Foliot's language, as JSON."""
        return orjson.dumps(self._head | self.document(), option=orjson.OPT_INDENT_2).decode()

    def build(self) -> Definition:
        """Read what was put together.

        Raises:
            DefinitionRefused: something is wrong; the lines are those of `text()`.
        """
        return load(self.text(), filename=f"{self._head['id']}.json")


def _transition(target: Target, actions: Sequence[Action], about: Mapping[str, Any]) -> dict[str, Any]:
    given = dict(about)
    values = given.pop("assign", None)
    unknown = given.keys() - {"guard", "reenter", "description"}
    if unknown:
        raise TypeError(f"a transition has no {', '.join(sorted(unknown))}: guard, assign, reenter or description")
    all_actions = [*([{"assign": values}] if values else []), *actions]
    return {**_targets(target), **given, **({"actions": all_actions} if all_actions else {})}


def _targets(target: Target) -> dict[str, Any]:
    if target is None:
        return {}
    listed = [target] if isinstance(target, str | State) else target
    names = [f"#{each.path}" if isinstance(each, State) else each for each in listed]
    return {"target": names[0] if len(names) == 1 else names}

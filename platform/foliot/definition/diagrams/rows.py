"""What a diagram says of a state and of a transition, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from foliot.cel import text_of
from foliot.definition.model import (
    Action,
    Assign,
    Block,
    Cancel,
    Cel,
    Dispatch,
    Expression,
    ForEach,
    If,
    Log,
    Raise,
    Send,
    StateNode,
    Transition,
    Withdraw,
)

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a state: a transition, or what it does beside (`transition` is None then)."""

    trigger: str
    guard: str
    effect: str
    transition: Transition | None = None

    def text(self) -> str:
        """Write it as UML does: `trigger [guard] / effect`."""
        guard = f" [{self.guard}]" if self.guard else ""
        effect = f" / {self.effect}" if self.effect else ""
        return f"{self.trigger}{guard}{effect}"

    @property
    def targets(self) -> tuple[str, ...]:
        """Name the states that it leads to."""
        return () if self.transition is None else self.transition.targets


def rows_of(state: StateNode) -> Iterator[Row]:
    """Give a state's rows: what it does beside, then its transitions in the order in which they are looked at."""
    yield from _beside(state)
    for transition in state.always:
        yield _row("always", transition)
    for timeout in state.after:
        for transition in timeout.transitions:
            yield _row(f"after {duration(timeout.delay_ms)}", transition)
    for transition in state.on_done:
        yield _row("done", transition)
    for invocation in state.invocations:
        name = invocation.id or "service"
        yield from (_row(f"done {name}", transition) for transition in invocation.on_done)
        yield from (_row(f"error {name}", transition) for transition in invocation.on_error)
    for transition in state.on_error:
        yield _row("error", transition)
    for transition in state.transitions:
        yield _row(transition.event or "", transition)


def _beside(state: StateNode) -> Iterator[Row]:
    for word, actions in (("entry", state.entry), ("exit", state.exit)):
        if actions:
            yield Row(word, "", _effect(actions))
    for invocation in state.invocations:
        service = invocation.source or invocation.content
        yield Row("invoke", "", "" if service is None else _text(service))
    for descriptor in state.defer:
        yield Row(descriptor, "", "defer")


def needs_box(root: StateNode) -> bool:
    """Tell whether the machine itself is drawn as a state: for what it does, or around its regions."""
    return root.kind == "parallel" or any(rows_of(root))


def duration(milliseconds: int) -> str:
    """Write a duration as definitions do: `90m`, `3d`, `250ms`."""
    size, unit = next(((size, unit) for size, unit in _UNITS if milliseconds % size == 0), _UNITS[-1])
    return f"{milliseconds // size}{unit}" if milliseconds else "0s"


def one_line(text: str) -> str:
    """Write a text on one line."""
    return " ".join(text.split())


def _row(trigger: str, transition: Transition) -> Row:
    return Row(trigger, one_line(transition.guard or ""), _effect(transition.actions), transition)


def _effect(actions: tuple[Action, ...]) -> str:
    return "; ".join(map(_action, actions))


def _action(action: Action) -> str:  # noqa: C901, PLR0911 - one for each kind
    match action:
        case Assign():
            return f"assign {', '.join(sorted(action.values))}"
        case Raise():
            return f"raise {action.event}"
        case Send():
            whither = f" to {action.topic}" if action.topic is not None else ""
            when = f" in {duration(action.delay_ms)}" if action.delay_ms else ""
            return f"send {action.event}{whither}{when}"
        case Cancel():
            return f"cancel {action.id}"
        case Log():
            return "log"
        case If():
            return "if …"
        case ForEach():
            return f"foreach {action.item}"
        case Block():
            return _effect(action.actions)
        case Dispatch():
            return f"send {_text(action.event)}"
        case Withdraw():
            return f"cancel {_text(action.id)}"
        case _:
            assert_never(action)


def _text(expression: Expression) -> str:
    """Write an expression, and a text without its quotes."""
    source = expression.source if isinstance(expression, Cel) else str(expression.value)
    return one_line(text_of(source) or source)

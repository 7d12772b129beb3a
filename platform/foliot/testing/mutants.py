"""Machines with one small fault each: what a test must notice.

Source: R. A. DeMillo, R. J. Lipton, F. G. Sayward, "Hints on Test Data Selection", Computer 11(4) (1978).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from foliot.definition import (
    Action,
    After,
    Assign,
    Branch,
    Cancel,
    Cel,
    Constant,
    Definition,
    Expression,
    ForEach,
    If,
    Log,
    Raise,
    Send,
    StateNode,
    Transition,
    after_id,
    cel_text,
)
from foliot.definition import Block as BlockOf
from foliot.testing.coverage import name_transition
from foliot.testing.variants import guard_variants, value_variants

Kind: TypeAlias = Literal["guard", "target", "transition", "action", "value", "delay", "initial"]
Actions: TypeAlias = tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed machine. `transition` is the index of that which changed, -1 where it is the state itself."""

    kind: Kind
    what: str
    state: str
    transition: int
    before: str
    after: str
    definition: Definition


@dataclass(frozen=True, slots=True)
class _Change:
    kind: Kind
    what: str
    before: str
    after: str


def mutants(definition: Definition) -> Iterator[Mutant]:
    """Yield all mutants, in document order of what is changed."""
    for node in definition.root.walk():
        for change, changed, index in _of_state(node, definition.root):
            root = _replaced(definition.root, changed)
            mutated = definition.model_copy(update={"root": root})
            yield Mutant(change.kind, change.what, node.id, index, change.before, change.after, mutated)


def _replaced(node: StateNode, changed: StateNode) -> StateNode:
    if node.id == changed.id:
        return changed
    return node.model_copy(update={"children": tuple(_replaced(child, changed) for child in node.children)})


def _of_state(node: StateNode, root: StateNode) -> Iterator[tuple[_Change, StateNode, int]]:
    name = node.id or "the machine"
    for child in node.children:
        if node.initial not in {None, child.id} and child.kind != "history":
            change = _Change("initial", f"initial of {name}", str(node.initial), child.id)
            yield change, node.model_copy(update={"initial": child.id}), -1
    for field, word in (("entry", "entry"), ("exit", "exit"), ("default_actions", "default")):
        for change, block in _of_block(getattr(node, field), f"{word} of {name}"):
            yield change, node.model_copy(update={field: block}), -1
    for number, timeout in enumerate(node.after):
        for delay_ms in (timeout.delay_ms * 2, timeout.delay_ms // 2):
            if all(delay_ms != other.delay_ms for other in node.after):
                change = _Change("delay", f"after of {name}", f"{timeout.delay_ms} ms", f"{delay_ms} ms")
                after = (*node.after[:number], _delayed(timeout, delay_ms, node.id), *node.after[number + 1 :])
                yield change, node.model_copy(update={"after": after}), timeout.transitions[0].index
    for transition in node.outgoing():
        for change, changed in _of_transition(transition, node, root):
            yield change, _with_transition(node, transition.index, changed), transition.index


def _delayed(timeout: After, delay_ms: int, state: str) -> After:
    timer_id = after_id(delay_ms, state)
    moved = tuple(each.model_copy(update={"event": timer_id}) for each in timeout.transitions)
    return After(delay_ms=delay_ms, id=timer_id, transitions=moved)


def _with_transition(node: StateNode, index: int, changed: Transition | None) -> StateNode:
    instead = () if changed is None else (changed,)
    mended = node.regrouped(lambda group: (new for t in group for new in (instead if t.index == index else (t,))))
    return mended.model_copy(update={"after": tuple(each for each in mended.after if each.transitions)})


def _of_transition(
    transition: Transition, node: StateNode, root: StateNode
) -> Iterator[tuple[_Change, Transition | None]]:
    name = name_transition(node.id, transition)
    yield _Change("transition", name, name, "nothing"), None
    if transition.guard is not None:
        for guard in guard_variants(transition.guard):
            yield _Change("guard", name, transition.guard, guard), transition.model_copy(update={"guard": guard})
    for number, target in enumerate(transition.targets):
        for sibling in _siblings(root, target):
            targets = (*transition.targets[:number], sibling, *transition.targets[number + 1 :])
            yield _Change("target", name, target, sibling), transition.model_copy(update={"targets": targets})
    if transition.targets == (node.id,) and node.id:
        yield _Change("target", name, node.id, "no target"), transition.model_copy(update={"targets": ()})
    for change, block in _of_block(transition.actions, name):
        yield change, transition.model_copy(update={"actions": block})


def _siblings(root: StateNode, target: str) -> Iterator[str]:
    """Name the states beside a target; a region of a parallel state cannot be chosen in the place of another."""
    for node in root.walk():
        if node.kind != "parallel" and any(child.id == target for child in node.children):
            yield from (child.id for child in node.children if child.id != target)


def _of_block(actions: Actions, where: str) -> Iterator[tuple[_Change, Actions]]:
    """Yield the block without each action, and with each action changed."""
    for number, action in enumerate(actions):
        before, behind = actions[:number], actions[number + 1 :]
        yield _Change("action", where, _told(action), "nothing"), (*before, *behind)
        for change, changed in _of_action(action, where):
            yield change, (*before, changed, *behind)


def _of_action(action: Action, where: str) -> Iterator[tuple[_Change, Action]]:
    match action:
        case Assign():
            yield from _of_values(action.values, where, lambda values: Assign(values=values))
        case Raise() | Send():
            yield from _of_values(
                action.data, where, lambda data: action.model_copy(update={"data": data}), may_be_empty=True
            )
            if isinstance(action, Send) and action.delay_ms:
                twice = action.delay_ms * 2
                change = _Change("delay", where, f"{action.delay_ms} ms", f"{twice} ms")
                yield change, action.model_copy(update={"delay_ms": twice})
        case Log():
            for change, expression in _of_expression(action.expression, where, "log"):
                yield change, Log(expression=expression)
        case If():
            yield from _of_branches(action, where)
        case ForEach() | BlockOf():
            for change, actions in _of_block(action.actions, where):
                yield change, action.model_copy(update={"actions": actions})
        case _:
            pass


def _of_branches(action: If, where: str) -> Iterator[tuple[_Change, Action]]:
    for number, branch in enumerate(action.branches):
        before, behind = action.branches[:number], action.branches[number + 1 :]
        for change, changed in _of_branch(branch, where):
            yield change, If(branches=(*before, changed, *behind))


def _of_branch(branch: Branch, where: str) -> Iterator[tuple[_Change, Branch]]:
    if branch.guard is not None:
        for guard in guard_variants(branch.guard):
            yield _Change("guard", f"if in {where}", branch.guard, guard), branch.model_copy(update={"guard": guard})
    for change, actions in _of_block(branch.actions, where):
        yield change, branch.model_copy(update={"actions": actions})


def _of_values(
    values: dict[str, Expression],
    where: str,
    made: Callable[[dict[str, Expression]], Action],
    *,
    may_be_empty: bool = False,
) -> Iterator[tuple[_Change, Action]]:
    for name, expression in values.items():
        if len(values) > 1 or may_be_empty:
            left = {other: each for other, each in values.items() if other != name}
            yield _Change("value", where, f"{name}: {cel_text(expression)}", "nothing"), made(left)
        for change, changed in _of_expression(expression, where, name):
            yield change, made({**values, name: changed})


def _of_expression(expression: Expression, where: str, name: str) -> Iterator[tuple[_Change, Expression]]:
    before = f"{name}: {cel_text(expression)}"
    if isinstance(expression, Cel):
        for variant in value_variants(expression.source):
            yield _Change("value", where, before, f"{name}: {variant}"), Cel(source=variant)
        return
    for changed in _other_constants(expression):
        yield _Change("value", where, before, f"{name}: {cel_text(changed)}"), changed


def _other_constants(constant: Constant) -> tuple[Constant, ...]:
    match constant.value:
        case bool():
            return (Constant(value=not constant.value),)
        case int() | float():
            return (Constant(value=constant.value + 1), Constant(value=constant.value - 1))
        case None:
            return (Constant(value=False),)


def _told(action: Action) -> str:
    match action:
        case Assign():
            return f"assign {', '.join(f'{name}: {cel_text(each)}' for name, each in action.values.items())}"
        case Raise() | Send():
            return f"{action.kind} {action.event}"
        case Cancel():
            return f"cancel {action.id}"
        case Log():
            return f"log {cel_text(action.expression)}"
        case _:
            return action.kind

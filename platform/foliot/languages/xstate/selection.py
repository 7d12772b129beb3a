"""What XState does while it selects transitions, said by guards, for which Foliot does as SCXML does.

- To XState an event is called exactly so, unless the descriptor ends in `.*`.
- A transition is taken only where none inside of its state is, in any region. SCXML asks region by region, so that a
  parallel state's transition without a target is taken beside one of a region.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from foliot.cel import SOURCE_BYTES_MAX, literal
from foliot.definition import Block, StateNode, Transition
from foliot.languages.xstate.conditions import (
    covers,
    exactly,
    fits,
    is_narrowed,
    is_pattern,
    narrowed,
    prefix_of,
    unless,
    widened,
)

_BYTES_PER_CHAR: Final = 4
_PAIRS_MAX: Final = 20_000
"""Transitions above and below that are compared, all states taken together; hundreds of states have fewer."""
_CHARS_MAX: Final = 30_000
"""Of all guards that are made longer."""


def as_xstate_selects(root: StateNode, with_beginning: Collection[str]) -> tuple[StateNode, bool]:
    """Give a machine the guards by which it selects as XState does, and say whether all could be given.

    In the states `with_beginning` the last of the actions on entry are those of the initial transition.
    """
    selecting = _Selecting(with_beginning, narrows=True)
    return selecting.state(root)[0], selecting.is_complete


def taken_beside(root: StateNode) -> Iterator[tuple[str, Transition]]:
    """Find the transitions, with their states, that are taken beside one in a region below, where XState takes one."""
    changed = {each.index: each for _, each in _all(_Selecting((), narrows=False).state(root)[0])}
    for state_id, transition in _all(root):
        if changed[transition.index].guard != transition.guard:
            yield state_id, transition


class Inner(NamedTuple):
    """A transition somewhere below. `is_parted` says that it lies in one of several regions below the state above.

    `leaves_nothing`: it may be taken beside another, since no state is left.
    """

    source: str
    transition: Transition
    leaves_nothing: bool
    is_parted: bool


class _Selecting:
    def __init__(self, with_beginning: Collection[str], *, narrows: bool) -> None:
        self._with_beginning = with_beginning
        self._narrows = narrows
        self._pairs = 0
        self._chars = 0
        self.is_complete = True

    def state(self, node: StateNode, histories: frozenset[str] = frozenset()) -> tuple[StateNode, tuple[Inner, ...]]:
        """Rewrite a state and all below it; beside it comes what can be taken in it.

        `histories` are those of the states above, which may lead back to where a transition begins.
        """
        node = self._begun(node)
        node = _with_exact_events(node) if self._narrows else node
        known = histories.union(child.id for child in node.children if child.kind == "history")
        rewritten = [self.state(child, known) for child in node.children]
        regions = [child for child in node.children if child.kind != "history"]
        is_parting = node.kind == "parallel" and len(regions) > 1
        below = tuple(
            inner._replace(is_parted=True) if is_parting else inner for _, inners in rewritten for inner in inners
        )
        own = tuple(
            Inner(node.id, each, _leaves_nothing(node, each, histories), is_parted=False) for each in _with_events(node)
        )
        parted = [inner for inner in below if inner.is_parted]
        children = tuple(child for child, _ in rewritten)
        update: dict[str, object] = {"children": children}
        if parted:
            update |= {
                "after": tuple(
                    timeout.model_copy(update={"transitions": self._yielding(timeout.transitions, parted)})
                    for timeout in node.after
                ),
                "on_done": self._yielding(node.on_done, parted),
                "invocations": tuple(
                    each.model_copy(
                        update={
                            "on_done": self._yielding(each.on_done, parted),
                            "on_error": self._yielding(each.on_error, parted),
                        }
                    )
                    for each in node.invocations
                ),
                "transitions": self._yielding(node.transitions, parted),
            }
        return node.model_copy(update=update), (*own, *below)

    def _begun(self, node: StateNode) -> StateNode:
        """Make what the reader put last on entry what runs on the way to the initial state."""
        if node.id not in self._with_beginning:
            return node
        last = node.entry[-1]
        actions = last.actions if isinstance(last, Block) else ()
        children = tuple(
            child.model_copy(update={"default_actions": actions})
            if child.kind == "history" and not child.default_targets
            else child
            for child in node.children
        )
        return node.model_copy(update={"entry": node.entry[:-1], "default_actions": actions, "children": children})

    def _yielding(self, transitions: tuple[Transition, ...], inners: list[Inner]) -> tuple[Transition, ...]:
        return tuple(self._yield(transition, inners) for transition in transitions)

    def _yield(self, transition: Transition, inners: list[Inner]) -> Transition:
        """Let a transition wait for those inside, where SCXML would take both."""
        self._pairs += len(inners)
        if self._pairs > _PAIRS_MAX:
            self.is_complete = False
            return transition
        event, guard = transition.event or "", transition.guard
        rivals = [
            rival
            for inner in inners
            if (not transition.targets or inner.leaves_nothing) and _meets(transition, inner.transition)
            if f"!{(rival := _enabled(transition, inner))}" not in (guard or "")
        ]
        if is_narrowed(event, guard):
            guard = narrowed(event, unless(widened(event, guard or ""), rivals))
        else:
            guard = unless(guard, rivals)
        if not rivals:
            return transition
        self._chars += len(guard or "")
        is_short = len(guard or "") * _BYTES_PER_CHAR <= SOURCE_BYTES_MAX and self._chars <= _CHARS_MAX
        self.is_complete = self.is_complete and is_short
        if not is_short:
            return transition
        return transition.model_copy(update={"guard": guard})


def _leaves_nothing(source: StateNode, transition: Transition, histories: Collection[str]) -> bool:
    leads_back = source.kind == "atomic" and not transition.reenter
    return not transition.targets or (leads_back and {source.id, *histories}.issuperset(transition.targets))


def _all(root: StateNode) -> Iterator[tuple[str, Transition]]:
    for node in root.walk():
        for transition in _with_events(node):
            yield node.id, transition


def _with_events(node: StateNode) -> Iterator[Transition]:
    for timeout in node.after:
        yield from timeout.transitions
    yield from node.on_done
    for invocation in node.invocations:
        yield from (*invocation.on_done, *invocation.on_error)
    yield from node.transitions


def _with_exact_events(node: StateNode) -> StateNode:
    transitions = tuple(
        each
        if each.event is None or is_pattern(each.event)
        else each.model_copy(update={"guard": narrowed(each.event, each.guard)})
        for each in node.transitions
    )
    return node.model_copy(update={"transitions": transitions}) if transitions else node


def _is_whole(transition: Transition) -> bool:
    event = transition.event or ""
    return event.startswith("after.") or is_narrowed(event, transition.guard)


def _meets(one: Transition, other: Transition) -> bool:
    """Say whether one event may fit both."""
    first, second = prefix_of(one.event or ""), prefix_of(other.event or "")
    if _is_whole(one) and _is_whole(other):
        return first == second
    return (covers(first, second) and not _is_whole(one)) or (covers(second, first) and not _is_whole(other))


def _enabled(outer: Transition, inner: Inner) -> str:
    """Write the condition that an inner transition would be taken for an event of the outer one."""
    event, guard = inner.transition.event or "", inner.transition.guard
    parts = [f"inState({literal(inner.source)})"]
    if event.startswith("after."):
        parts.append(exactly(event))
    elif not is_narrowed(event, guard) and not covers(prefix_of(event), prefix_of(outer.event or "")):
        parts.append(f"({fits(prefix_of(event))})")
    if guard is not None:
        parts.append(f"({guard})")
    return f"({' && '.join(parts)})"

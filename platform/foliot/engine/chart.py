"""The compiled tree: states as numbers in document order, transitions with their functions in place.

Numbering in document order (preorder) makes the two questions that the algorithm asks all the time cheap: which of two
states comes first, and whether one lies below the other (its number lies within the other's interval).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from foliot.definition import StateNode, Transition
from foliot.engine.actions import Routine, compile_block
from foliot.engine.errors import DefinitionNotCompilable
from foliot.engine.evaluating import Guard, compile_condition
from foliot.engine.sending import DataOf, Invoking, compile_invocation, compile_output

AroundGuard: TypeAlias = Callable[[int, Guard], Guard]
"""Makes another guard of a transition's (by its index): who tests a machine listens there."""
Matcher: TypeAlias = Literal["descriptor", "timer", "completion", "service"]


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """A transition. Edges are compared by identity, so that a tuple of them is a cheap key.

    `matcher` says how `event` is compared: as an SCXML descriptor, or whole with an event of a timer, a completion or a
    service.
    """

    index: int
    source: int
    targets: tuple[int, ...]
    event: str | None
    matcher: Matcher
    guard: Guard | None
    guard_sees_event: bool
    block: Routine | None
    reenter: bool
    where: str

    def matches(self, event_type: str, *, timer: bool) -> bool:
        """Say whether an event of this type, brought by a timer or not, fits the descriptor."""
        match self.matcher:
            case "timer":
                return timer and event_type == self.event
            case "completion" | "service":
                return event_type == self.event
            case "descriptor":
                return self.event is not None and descriptor_matches(self.event, event_type)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A state. `last` is the highest number in its subtree; `children` leaves history states out.

    `needed` of the children are active while it is. `ancestors` run from the parent to the root. `defaults` are the
    states that a history state without a memory enters, or the initial ones of a compound state, and `default_block`
    runs on the way. `timeouts` are (timer id, delay in microseconds).
    """

    number: int
    id: str
    kind: Literal["atomic", "compound", "parallel", "final", "history"]
    last: int
    ancestors: tuple[int, ...]
    children: tuple[int, ...]
    needed: int
    histories: tuple[int, ...]
    deep: bool
    defaults: tuple[int, ...]
    default_block: Routine | None
    entry: Routine | None
    exit: Routine | None
    timeouts: tuple[tuple[str, int], ...]
    edges: tuple[Edge, ...]
    always: tuple[Edge, ...]
    output: DataOf | None
    invocations: tuple[Invoking, ...]
    defers: tuple[str, ...]

    def holds(self, other: int) -> bool:
        """Say whether the other state lies below this one."""
        return self.number < other <= self.last

    @property
    def is_leaf(self) -> bool:
        """Say whether the state is active with no active child."""
        return self.kind in {"atomic", "final"}


@dataclass(frozen=True, slots=True)
class Chart:
    """All states by number, and their numbers by id. The root has number 0."""

    nodes: tuple[Node, ...]
    numbers: dict[str, int]

    def in_final_state(self, number: int, active: Container[int]) -> bool:
        """Say whether an active state is done, by what is active below it (`isInFinalState` of SCXML)."""
        node = self.nodes[number]
        match node.kind:
            case "compound":
                return any(child in active and self.nodes[child].kind == "final" for child in node.children)
            case "parallel":
                return all(child in active and self.in_final_state(child, active) for child in node.children)
            case _:
                return node.kind == "final"

    def leaves(self, active: frozenset[int], top: int = 0) -> tuple[str, ...] | None:
        """Give the ids of the leaves of a configuration in document order, or None if it is not legal below `top`."""
        if top not in active:
            return None
        # Counted from below: a state may have thousands of children, of which few are active.
        chosen = dict.fromkeys(active, 0)
        for number in active:
            if number != top:
                parent = self.nodes[number].ancestors[0]
                if parent not in chosen:
                    return None
                chosen[parent] += 1
        found: list[str] = []
        for number in sorted(active):
            node = self.nodes[number]
            if chosen[number] != node.needed:
                return None
            if node.needed == 0:
                found.append(node.id)
        return tuple(found)

    def closure(self, leaves: tuple[str, ...], top: int = 0) -> frozenset[int] | None:
        """Give all that is active from `top` down, by the ids of the leaves; None if they are no configuration."""
        numbers = [self.numbers[leaf] for leaf in leaves if leaf in self.numbers]
        above = {ancestor for number in numbers for ancestor in self.nodes[number].ancestors if ancestor >= top}
        active = frozenset(numbers) | above
        return active if self.leaves(active, top) == leaves else None


def descriptor_matches(descriptor: str, event_type: str) -> bool:
    """Match as SCXML 1.0 (3.12.1) does: whole tokens from the left; a trailing `.*` or `.` changes nothing."""
    for name in descriptor.split():
        prefix = name.removesuffix("*").removesuffix(".")
        if not prefix and name == "*":
            return True
        if event_type == prefix or event_type.startswith(prefix + "."):
            return True
    return False


def build_chart(root: StateNode, around_guard: AroundGuard | None = None) -> Chart:
    """Give each state its number and compile what hangs on them.

    Raises:
        DefinitionNotCompilable: a target is no state, or an expression does not compile.
    """
    numbers = {state.id: number for number, state in enumerate(root.walk())}
    return Chart(tuple(_Builder(numbers, around_guard).build(root, None, (), rollback=root.rollback)), numbers)


class _Builder:
    def __init__(self, numbers: dict[str, int], around_guard: AroundGuard | None) -> None:
        self._numbers = numbers
        self._around_guard = around_guard

    def build(
        self, state: StateNode, parent: StateNode | None, ancestors: tuple[int, ...], *, rollback: bool
    ) -> Iterator[Node]:
        """Yield the node of a state, and those below it. `rollback`: what fails in it undoes its macrostep."""
        number = self._numbers[state.id]
        name = state.id or "the root"
        children = tuple(self._numbers[child.id] for child in state.children if child.kind != "history")
        yield Node(
            number=number,
            id=state.id,
            kind=state.kind,
            last=number + sum(1 for _ in state.walk()) - 1,
            ancestors=ancestors,
            children=children,
            needed={"compound": 1, "parallel": len(children), "history": -1}.get(state.kind, 0),
            histories=tuple(self._numbers[child.id] for child in state.children if child.kind == "history"),
            deep=state.history == "deep",
            defaults=tuple(self._number(target, name) for target in _default_ids(state, parent)),
            default_block=compile_block(state.default_actions, f"default of {name}", rollback=rollback),
            entry=compile_block(state.entry, f"entry of {name}", rollback=rollback),
            exit=compile_block(state.exit, f"exit of {name}", rollback=rollback),
            timeouts=tuple((timeout.id, timeout.delay_ms * 1_000) for timeout in state.after),
            edges=tuple(self._edges(state, rollback=rollback)),
            always=tuple(self._edge(state, transition, "descriptor", rollback=rollback) for transition in state.always),
            output=None if state.output is None else compile_output(state.output, f"output of {name}"),
            invocations=tuple(self._invocations(state)),
            defers=state.defer,
        )
        for child in state.children:
            yield from self.build(child, state, (number, *ancestors), rollback=rollback or child.rollback)

    def _invocations(self, state: StateNode) -> Iterator[Invoking]:
        for number, invocation in enumerate(state.invocations):
            key = f"{state.id}#{number}"
            finalize = compile_block(invocation.finalize, f"finalize of {key}")
            yield compile_invocation(invocation, key, state.id, None if finalize is None else finalize.perform)

    def _edges(self, state: StateNode, *, rollback: bool) -> Iterator[Edge]:
        for timeout in state.after:
            for transition in timeout.transitions:
                yield self._edge(state, transition, "timer", rollback=rollback)
        for transition in state.on_done:
            yield self._edge(state, transition, "completion", rollback=rollback)
        for invocation in state.invocations:
            for transition in (*invocation.on_done, *invocation.on_error):
                yield self._edge(state, transition, "service", rollback=rollback)
        for transition in (*state.on_error, *state.transitions):
            yield self._edge(state, transition, "descriptor", rollback=rollback)

    def _edge(self, state: StateNode, transition: Transition, matcher: Matcher, *, rollback: bool) -> Edge:
        where = f"transition {transition.index} of {state.id or 'the root'}"
        if matcher == "completion" and not state.id and transition.targets:
            raise DefinitionNotCompilable("the machine is over when its root is done: no target is left", where=where)
        guard, sees_event = None, False
        if transition.guard is not None:
            guard, sees_event = compile_condition(transition.guard, where)
            if self._around_guard is not None:
                guard = self._around_guard(transition.index, guard)
        return Edge(
            index=transition.index,
            source=self._numbers[state.id],
            targets=tuple(self._number(target, where) for target in transition.targets),
            event=transition.event,
            matcher=matcher,
            guard=guard,
            guard_sees_event=sees_event,
            block=compile_block(transition.actions, where, rollback=rollback),
            reenter=transition.reenter,
            where=where,
        )

    def _number(self, state_id: str, where: str) -> int:
        if state_id not in self._numbers:
            raise DefinitionNotCompilable(f"there is no state {state_id!r}", where=where)
        return self._numbers[state_id]


def _default_ids(state: StateNode, parent: StateNode | None) -> tuple[str, ...]:
    if state.kind == "compound":
        return state.default_targets if state.initial is None else (state.initial,)
    if state.kind != "history" or parent is None:
        return ()
    if state.default_targets:
        return state.default_targets
    if parent.initial is not None:
        return (parent.initial,)
    if parent.default_targets:
        return parent.default_targets
    return tuple(child.id for child in parent.children if child.kind != "history")

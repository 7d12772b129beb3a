"""Redundancy planted in machines: what an optimizer must find, told by the states and transitions that can go.

It is planted where it is redundant for certain, which this file judges by itself: states whose names show nowhere (in
`inState`, in a timer or a completion whose type an expression could read), and guards that cannot fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

from foliot.definition import Definition, StateNode, Transition
from foliot.optimizing import Optimized

Kind = Literal["duplicate", "unreachable", "shadowed", "wrapped", "copied", "lowered"]
CERTAIN = ("true", "false", None)


@dataclass(frozen=True)
class Planted:
    """Something that can go: a state, or (from 0) a transition. Of a state and its `twin` one can go, whichever."""

    kind: Kind
    state: str
    transition: int = -1
    twin: str = ""

    def is_found(self, optimized: Optimized) -> bool:
        if self.transition >= 0:
            return any(each.transition == self.transition for each in optimized.removals) or not self._stays(optimized)
        return not self._stays(optimized) or (bool(self.twin) and self.twin not in optimized.names.states)

    def _stays(self, optimized: Optimized) -> bool:
        states = optimized.names.states
        now = states.get(self.state)
        return now is not None and next(old for old, new in states.items() if new == now) == self.state


def plant(random: Random, definition: Definition, count: int) -> tuple[Definition, list[Planted]]:
    """Plant up to `count` pieces, each of another kind."""
    planted: list[Planted] = []
    kinds = random.sample(list(PLANTERS), count)
    # What was copied from a state is not redundant where the state's own is taken away.
    for kind in [each for each in kinds if each != "lowered" or "copied" not in kinds]:
        planter = PLANTERS[kind](random, definition.root, definition.model_dump_json())
        found = planter.planted()
        if found is not None:
            root, pieces = found
            definition = definition.model_copy(update={"root": root})
            # Where a later piece changes the id of an earlier one's state, the earlier one is forgotten.
            ids = {node.id for node in root.walk()}
            planted = [each for each in planted if each.state in ids and (not each.twin or each.twin in ids)] + pieces
    return definition, planted


class _Planter:
    def __init__(self, random: Random, root: StateNode, text: str) -> None:
        self.random = random
        self.root = root
        self.nodes = {node.id: node for node in root.walk()}
        self.parents = {child.id: node for node in self.nodes.values() for child in node.children}
        self.named = set(re.findall(r"""inState\(\\"([^"\\]*)\\"\)""", text))
        self.free = 1 + max((each.index for node in self.nodes.values() for each in node.outgoing()), default=0)

    def planted(self) -> tuple[StateNode, list[Planted]] | None:
        sites = [node for node in self.nodes.values() if self.fits(node)]
        return self.at(self.random.choice(sites)) if sites else None

    def fits(self, node: StateNode) -> bool:
        raise NotImplementedError

    def at(self, node: StateNode) -> tuple[StateNode, list[Planted]]:
        raise NotImplementedError

    def index(self) -> int:
        self.free += 1
        return self.free - 1

    def is_nameless(self, node: StateNode) -> bool:
        return all(
            each.id not in self.named
            and not each.after
            and each.kind != "history"
            and not each.on_done
            and not any(child.kind == "final" for child in each.children)
            for each in node.walk()
        )

    def targets(self) -> Iterator[str]:
        return (target for node in self.nodes.values() for each in node.outgoing() for target in each.targets)


class _Duplicate(_Planter):
    """A state under another name, to which some of the transitions lead that led to it."""

    def fits(self, node: StateNode) -> bool:
        parent = self.parents.get(node.id)
        if parent is None or parent.kind != "compound" or not self.is_nameless(node):
            return False
        # What a history state remembers decides what is left; guards must not fail twice in a step.
        around = [each for each in self.nodes.values() if any(child.kind == "history" for child in each.children)]
        return all(each.guard in CERTAIN for inner in node.walk() for each in inner.outgoing()) and not any(
            node in each.walk() for each in around
        )

    def at(self, node: StateNode) -> tuple[StateNode, list[Planted]]:
        name = f"copy{self.free}"
        new = _joined(self.parents[node.id].id, name)
        moved = {each.id: new + each.id.removeprefix(node.id) for each in node.walk()}

        def turned(each: Transition) -> Transition:
            if each.targets == (node.id,) and self.random.random() < 0.5:
                return each.model_copy(update={"targets": (new,)})
            return each

        def edit(state: StateNode) -> StateNode:
            if state.id in moved:
                return state
            return _over(state, turned)

        root = _edited(self.root, edit)
        copy = _renamed(node, moved, self.index).model_copy(update={"name": name})

        def beside(state: StateNode) -> StateNode:
            if state.id != self.parents[node.id].id:
                return state
            place = [child.id for child in state.children].index(node.id) + 1
            return state.model_copy(update={"children": (*state.children[:place], copy, *state.children[place:])})

        return _edited(root, beside), [Planted("duplicate", new, twin=node.id)]


class _Unreachable(_Planter):
    """A state that nothing leads to, and that leads to others."""

    def fits(self, node: StateNode) -> bool:
        return node.kind == "compound"

    def at(self, node: StateNode) -> tuple[StateNode, list[Planted]]:
        name = f"lost{self.free}"
        lost = StateNode(
            id=_joined(node.id, name),
            name=name,
            kind="atomic",
            transitions=(_transition(self.index(), "b", (self.random.choice(node.children).id,)),),
        )
        children = (*node.children, lost)
        return _put(self.root, node.model_copy(update={"children": children})), [Planted("unreachable", lost.id)]


class _Shadowed(_Planter):
    """A transition behind one that has no guard and fits the same events."""

    def fits(self, node: StateNode) -> bool:
        return any(each.guard is None for each in node.transitions)

    def at(self, node: StateNode) -> tuple[StateNode, list[Planted]]:
        first = self.random.choice([each for each in node.transitions if each.guard is None])
        target = self.random.choice([each.id for each in self.nodes.values() if each.id])
        narrow = first.event if first.event != "a" or self.random.random() < 0.5 else "a.b"
        index = self.index()
        behind = _transition(index, narrow or "*", (target,), self.random.choice((None, "context.n < 4")))
        changed = node.model_copy(update={"transitions": (*node.transitions, behind)})
        return _put(self.root, changed), [Planted("shadowed", node.id, index)]


class _Wrapped(_Planter):
    """A state in a state that has no other child."""

    def fits(self, node: StateNode) -> bool:
        if not node.id or node.kind not in {"atomic", "compound"} or node.rollback or not self.is_nameless(node):
            return False
        # Beside other regions it matters whether a transition to itself leaves a child.
        return node.kind == "compound" or not any(each.targets == (node.id,) for each in node.outgoing())

    def at(self, node: StateNode) -> tuple[StateNode, list[Planted]]:
        only = f"{node.id}.only{self.free}"
        moved = {each.id: only + each.id.removeprefix(node.id) for each in node.walk() if each.id != node.id}
        inner = StateNode(
            id=only,
            name=f"only{self.free}",
            kind=node.kind,
            initial=node.initial,
            children=node.children,
            default_targets=node.default_targets,
            default_actions=node.default_actions,
        )
        kept: dict[str, object] = {"kind": "compound", "initial": only, "default_targets": (), "default_actions": ()}
        if node.kind == "atomic" and self.random.random() < 0.5:
            inner = inner.model_copy(update={"exit": node.exit, "always": node.always, "transitions": node.transitions})
            kept |= {"exit": (), "always": (), "transitions": ()}
        outer = node.model_copy(update={**kept, "children": (inner,)})
        return _renamed(_put(self.root, outer), moved), [Planted("wrapped", only)]


class _Copied(_Planter):
    """A transition of a state at all of its children, too, where it comes last."""

    kind: Kind = "copied"
    stays = True

    def fits(self, node: StateNode) -> bool:
        return self._copyable(node) is not None

    def _copyable(self, node: StateNode) -> Transition | None:
        children = [child for child in node.children if child.kind != "history"]
        if node.kind != "compound" or any(child.kind == "final" or child.rollback for child in children):
            return None
        for number, each in enumerate(node.transitions):
            first = not any(_touch(each.event or "", other.event or "") for other in node.transitions[:number])
            plain = (each.event or "*") in {"a", "a.b", "a.*", "b", "c"} and each.guard in CERTAIN
            whole = all(self.nodes[target].kind != "history" and target != node.id for target in each.targets)
            inside = any(target.startswith(f"{node.id}." if node.id else "") for target in each.targets)
            if first and plain and whole and not (inside and (each.reenter or len(each.targets) > 1)):
                return each
        return None

    def at(self, node: StateNode) -> tuple[StateNode, list[Planted]]:
        copied = self._copyable(node)
        assert copied is not None
        planted: list[Planted] = []

        def edit(child: StateNode) -> StateNode:
            if child.kind == "history":
                return child
            index = self.index()
            planted.append(Planted(self.kind, child.id, index))
            within = any(target == child.id or target.startswith(f"{child.id}.") for target in copied.targets)
            copy = copied.model_copy(update={"index": index, "reenter": within})
            return child.model_copy(update={"transitions": (*child.transitions, copy)})

        children = tuple(edit(child) for child in node.children)
        left = tuple(each for each in node.transitions if self.stays or each.index != copied.index)
        return _put(self.root, node.model_copy(update={"children": children, "transitions": left})), planted


class _Lowered(_Copied):
    """A transition of a state at all of its children, and no longer at itself."""

    kind = "lowered"
    stays = False

    def fits(self, node: StateNode) -> bool:
        return sum(child.kind != "history" for child in node.children) > 1 and super().fits(node)


PLANTERS: dict[Kind, type[_Planter]] = {
    "duplicate": _Duplicate,
    "unreachable": _Unreachable,
    "shadowed": _Shadowed,
    "wrapped": _Wrapped,
    "copied": _Copied,
    "lowered": _Lowered,
}


def _transition(index: int, event: str, targets: tuple[str, ...], guard: str | None = None) -> Transition:
    return Transition(index=index, event=event, targets=targets, guard=guard, actions=(), reenter=False)


def _joined(parent: str, name: str) -> str:
    return f"{parent}.{name}" if parent else name


def _touch(one: str, other: str) -> bool:
    """Say whether some event fits both; the names of the drawn machines have one token or begin alike."""
    one, other = (each.removesuffix("*").removesuffix(".") for each in (one, other))
    return not one or not other or f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _edited(node: StateNode, edit: Callable[[StateNode], StateNode]) -> StateNode:
    return edit(node.model_copy(update={"children": tuple(_edited(child, edit) for child in node.children)}))


def _put(root: StateNode, changed: StateNode) -> StateNode:
    return _edited(root, lambda node: changed if node.id == changed.id else node)


def _over(node: StateNode, change: Callable[[Transition], Transition]) -> StateNode:
    groups = {
        name: tuple(change(each) for each in getattr(node, name))
        for name in ("always", "on_done", "on_error", "transitions")
    }
    after = tuple(
        each.model_copy(update={"transitions": tuple(change(t) for t in each.transitions)}) for each in node.after
    )
    return node.model_copy(update={**groups, "after": after})


def _renamed(root: StateNode, moved: dict[str, str], index: Callable[[], int] | None = None) -> StateNode:
    """Give states other ids, wherever these stand below `root`; those of timers and completions are not among them."""

    def change(each: Transition) -> Transition:
        targets = tuple(moved.get(target, target) for target in each.targets)
        return each.model_copy(update={"targets": targets, "index": each.index if index is None else index()})

    def edit(node: StateNode) -> StateNode:
        update = {
            "id": moved.get(node.id, node.id),
            "initial": None if node.initial is None else moved.get(node.initial, node.initial),
            "default_targets": tuple(moved.get(each, each) for each in node.default_targets),
        }
        return _over(node, change).model_copy(update=update)

    return _edited(root, edit)

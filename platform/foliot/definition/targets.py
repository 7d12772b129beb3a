"""Where transitions lead: finding the state that a target names, and sets of targets that can't be entered together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from foliot.definition import words
from foliot.definition.census import Census, Sketch, parent_id, within
from foliot.definition.diagnostics import did_you_mean
from foliot.definition.shape import Shape
from foliot.definition.tree import Scalar, Sequence, Tree


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Two targets, and the lowest state that has both below it or is one of them: they are not in two regions of it."""

    one: str
    other: str
    common: str

    remedy: ClassVar[str] = "Name one target, or one in each region of a parallel state."

    @property
    def what(self) -> str:
        """What is wrong, for whoever wrote it."""
        return f"'{self.one}' and '{self.other}' can't be entered together: they are not in different parallel regions."

    @property
    def is_nested(self) -> bool:
        """Say whether one target is the other, or lies below it."""
        return self.common in {self.one, self.other}


def exclusions(
    targets: Iterable[str], parent: Callable[[str], str], is_parallel: Callable[[str], bool]
) -> Iterator[Exclusion | None]:
    """Yield for each target one before it that excludes it, or None. The root's id is empty.

    A target is looked at in one place: at the lowest state that it has in common with those before it.
    """
    entered: dict[str, tuple[str, str]] = {}
    for target in targets:
        child, state_id = "", target
        while state_id and state_id not in entered:
            entered[state_id] = (child, target)
            child, state_id = state_id, parent(state_id)
        region, before = entered.get(state_id, ("", ""))
        if not region:
            entered[state_id] = (child, target)
        is_apart = not before or (child and region and is_parallel(state_id))
        yield None if is_apart else Exclusion(before, target, state_id)


class TargetReader:
    """Turns what stands under `target` into full ids of states."""

    def __init__(self, shape: Shape, census: Census) -> None:
        self._shape = shape
        self._faults = shape.faults
        self._census = census

    def targets(self, tree: Tree | None, source: Sketch) -> tuple[str, ...]:
        """Read the targets of a transition from `source`."""
        if tree is None:
            return ()
        wanted = "the name of a state, or a list of names"
        items = self._shape.items(tree, wanted) if not isinstance(tree, Scalar) else (tree,)
        if isinstance(tree, Sequence) and not items:
            remedy = "Name at least one state, or leave 'target' out."
            self._faults.error("D402", tree, "This list of targets is empty.", remedy)
        found: list[tuple[str, Tree]] = []
        for item in items:
            target = self._one(item, source)
            if target is not None:
                found.append((target, item))
        excluded = exclusions([target for target, _ in found], parent_id, self._is_parallel)
        for exclusion, (_, item) in zip(excluded, found, strict=True):
            if exclusion is not None:
                self._faults.error("D403", item, exclusion.what, exclusion.remedy)
        if source.kind != "history":
            for target, item in found:
                self._check_crossing(target, item, source)
        return tuple(target for target, _ in found)

    def _one(self, tree: Tree, source: Sketch) -> str | None:
        text = self._shape.text(tree, "the name of a state")
        if text is None:
            return None
        if not words.TARGET.match(text):
            remedy = words.TARGET_FORM
            self._faults.error("D402", tree, f"{self._faults.quote(text)} can't be a target.", remedy)
            return None
        base = "" if text[0] == "#" else source.id if text[0] == "." else parent_id(source.id)
        name = text.lstrip("#.")
        target = f"{base}.{name}" if base else name
        if target in self._census.states:
            return target
        where = f"below '{base}'" if base else "at the top"
        what = f"There is no state {self._faults.quote(name)} {where}."
        self._faults.error("D401", tree, what, self._suggest(text, name, base))
        return None

    def _suggest(self, text: str, name: str, base: str) -> str:
        # A state with a bad name is no good suggestion.
        ids = [state_id for state_id in self._census.states if words.TARGET.match(state_id)]
        elsewhere = [state_id for state_id in ids if state_id.rpartition(".")[2] == name.rpartition(".")[2]]
        if elsewhere and text[0] != "#":
            return f"Did you mean '#{elsewhere[0]}'?"
        mark = text[0] if text[0] in "#." else ""
        below = [state_id for state_id in self._census.states if state_id != base and within(state_id, base)]
        near = [path for state_id in below if words.TARGET.match(path := state_id[len(base) + 1 if base else 0 :])]
        if not near:
            return "There are no states in it; without a dot before it, a name stands for a state beside this one."
        return did_you_mean(text, [f"{mark}{path}" for path in near])

    def _is_parallel(self, state_id: str) -> bool:
        return self._census.states[state_id].kind == "parallel"

    def _check_crossing(self, target: str, tree: Tree, source: Sketch) -> None:
        common = self._census.common(source.id, target)
        if common.kind == "parallel" and common.id not in {source.id, target}:
            name = f"'{common.id}'" if common.id else "the machine"
            what = f"The target '{target}' is in another region: all regions of {name} are left and entered anew."
            self._faults.warning("D404", tree, what, "Raise an event that the other region handles.")

"""The first look at a machine: which states there are, of which kind, and where each is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from foliot.definition import words
from foliot.definition.diagnostics import did_you_mean, nearest
from foliot.definition.model import StateKind
from foliot.definition.shape import Shape
from foliot.definition.tree import Key, Located, Mapping, Scalar, Sequence, Tree

KINDS = ("atomic", "compound", "parallel", "final", "history")
HEAD_KEYS = ("foliot", "id", "description", "create", "poison", "context", "events")
_BODY_KEYS = ("on", "entry", "exit", "always", "after", "onDone", "onError", "initial", "states", "type", "invoke")
ROOT_KEYS = (*HEAD_KEYS, *_BODY_KEYS)
STATE_KEYS = ("description", *_BODY_KEYS, "history", "target", "output", "defer")
_ALL_KEYS = frozenset((*ROOT_KEYS, *STATE_KEYS))
_OF_NAMES = frozenset({"on", "after", "states", "events"})
"""Keys under which users' own names or durations stand."""
_OF_ONE = MappingProxyType(
    {
        **dict.fromkeys(("always", "onDone", "onError"), frozenset({"target", "guard", "actions", "reenter"})),
        "invoke": frozenset({"src", "content"}),
        "context": frozenset({"schema"}),
    }
)
"""Words that tell what stands under a key from a state."""
# Keys that a state of this kind can't have, each told apart from a key that nobody has.
FOREIGN: MappingProxyType[StateKind, frozenset[str]] = MappingProxyType(
    {
        "atomic": frozenset({"initial", "history", "target", "onDone", "output"}),
        "compound": frozenset({"history", "target", "output"}),
        "parallel": frozenset({"initial", "history", "target", "output"}),
        "final": frozenset(
            {"initial", "history", "target", "on", "always", "after", "onDone", "onError", "states", "defer", "invoke"}
        ),
        "history": frozenset(
            {
                "initial",
                "on",
                "always",
                "after",
                "onDone",
                "onError",
                "states",
                "entry",
                "exit",
                "output",
                "defer",
                "invoke",
            }
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Sketch:
    """A state as it is written. `where` is its name's place; `children` are in document order."""

    id: str
    name: str
    kind: StateKind
    where: Located
    body: Mapping
    initial: str | None
    children: tuple[Sketch, ...]

    def walk(self) -> Iterator[Sketch]:
        """Yield this state and all below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Census:
    """All states of a machine by id, in document order."""

    root: Sketch
    states: dict[str, Sketch]

    def parent(self, state_id: str) -> Sketch:
        """Look up the parent of a state below the root."""
        return self.states[parent_id(state_id)]

    def common(self, one: str, other: str) -> Sketch:
        """Find the lowest state that is an ancestor of both, or one of them."""
        while not within(other, one):
            one = parent_id(one)
        return self.states[one]


def parent_id(state_id: str) -> str:
    """Name the state one level up; the root's id is empty."""
    return state_id.rpartition(".")[0]


def within(state_id: str, ancestor_id: str) -> bool:
    """Whether the state is the other or lies below it."""
    return not ancestor_id or state_id == ancestor_id or state_id.startswith(f"{ancestor_id}.")


def count_states(document: Mapping, shape: Shape) -> Census:
    """Find all states of a machine and check what each may contain."""
    root = _Surveyor(shape).state("", "", document, document)
    return Census(root, {sketch.id: sketch for sketch in root.walk()})


class _Surveyor:
    """Walks down the `states` of a text."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._faults = shape.faults

    def state(self, state_id: str, name: str, where: Located, body: Mapping) -> Sketch:
        """Survey one state and all below it."""
        self._shape.only(body, STATE_KEYS if state_id else ROOT_KEYS)
        kind = self._kind(body, is_root=not state_id)
        self._check_keys(kind, body)
        children = self._children(state_id, body) if kind in {"compound", "parallel"} else ()
        if kind in {"compound", "parallel"} and not children and not _has_entries(body.values.get("states")):
            remedy = f"Put its children under 'states'{', or take the type out' if 'type' in body.values else ''}."
            self._faults.error("D305", where, f"A {kind} state needs child states.", remedy)
        initial = self._initial(where, body, children) if kind == "compound" and children else None
        if kind == "parallel":
            self._check_regions(children)
        return Sketch(state_id, name, kind, where, body, initial, children)

    def _kind(self, body: Mapping, *, is_root: bool) -> StateKind:
        inferred: StateKind = "compound" if "states" in body.values else "atomic"
        if "history" in body.values and not is_root:
            inferred = "history"
        written = body.values.get("type")
        word = None if written is None else self._shape.word(written, KINDS)
        if written is None or word is None:
            return inferred
        kind = cast("StateKind", word)
        if is_root and kind in {"final", "history"}:
            remedy = "Leave the type out, or make it compound or parallel."
            self._faults.error("D308", written, f"The machine itself can't be a {kind} state.", remedy)
            return inferred
        if kind == "atomic" and "states" in body.values:
            remedy = "Leave the type out, or make it compound or parallel."
            self._faults.error("D306", written, "An atomic state has no child states, but there are 'states'.", remedy)
            return inferred
        return kind

    def _check_keys(self, kind: StateKind, body: Mapping) -> None:
        for name in body.values:
            key = body.keys[name]
            if name == "onDone" and kind in {"atomic", "history"}:
                remedy = "Give the state children with a final one among them, or take it out."
                self._faults.error("D309", key, f"A state of type {kind} is never done.", remedy)
            elif kind == "final" and name in FOREIGN[kind]:
                remedy = "Take it out, or take 'type: final' out."
                self._faults.error("D307", key, f"A final state can't have '{name}': nothing happens after it.", remedy)
            elif name in FOREIGN[kind]:
                remedy = "Take it out, or change the state's type."
                self._faults.error("D207", key, f"'{name}' has no meaning for a state of type {kind}.", remedy)

    def _children(self, state_id: str, body: Mapping) -> tuple[Sketch, ...]:
        if "states" not in body.values:
            return ()
        states = self._shape.mapping(body.values["states"], "an object of states")
        if states is None:
            return ()
        sketches = []
        for name, key in states.keys.items():
            if _is_meant_as_key(name, states.values[name]):
                what = f"{self._faults.quote(name)} stands among the states, so it would be a state of that name."
                remedy = f"Put '{name}:' beside 'states:', or inside of the state that it belongs to."
                self._faults.error("D207", key, what, remedy)
                continue
            child = self._body(states.values[name])
            self._check_name(name, key)
            # What is inside of a state with a bad name has faults of its own; a dot would make it another's child.
            plain = name.encode(errors="replace").decode().replace(".", "·") or "?"
            sketches.append(self.state(f"{state_id}.{plain}" if state_id else plain, name, key, child))
        return tuple(sketches)

    def _body(self, tree: Tree) -> Mapping:
        """Read what a state has. One that cannot be read is there all the same, or its name would be a fault too."""
        empty = Mapping({}, {}, tree.place, tree.path)
        if isinstance(tree, Scalar) and tree.value is None:
            return empty  # `waiting:` with nothing after it
        return self._shape.mapping(tree, "a state") or empty

    def _check_name(self, name: str, key: Key) -> None:
        if words.STATE_NAME.match(name):
            self._shape.short(name, key)
        else:
            what = f"{self._faults.quote(name)} can't be the name of a state."
            self._faults.error("D301", key, what, words.STATE_NAME_FORM)

    def _initial(self, where: Located, body: Mapping, children: tuple[Sketch, ...]) -> str | None:
        names = [child.name for child in children if child.kind != "history" and words.STATE_NAME.match(child.name)]
        if "initial" not in body.values:
            remedy = f"Say which child is entered first{': ' if names else ''}{' or '.join(names[:5])}."
            self._faults.error("D302", where, "A state with children needs 'initial'.", remedy)
            return None
        tree = body.values["initial"]
        text = self._shape.text(tree, "the name of a child state")
        if text is None:
            return None
        found = next((child for child in children if child.name == text), None)
        if found is None:
            what = f"The initial state {self._faults.quote(text)} is not a child of this state."
            self._faults.error("D303", tree, what, did_you_mean(text, names))
            return None
        if found.kind == "history":
            what = f"The initial state {self._faults.quote(text)} is a history state: there is no history yet."
            self._faults.error("D304", tree, what, did_you_mean("", names))
            return None
        return found.id

    def _check_regions(self, children: tuple[Sketch, ...]) -> None:
        for child in children:
            if child.kind == "final":
                remedy = "Wrap it: a region is a state of its own with a final state among its children."
                self._faults.error("D313", child.where, "A final state can't be a region of a parallel state.", remedy)


def _is_meant_as_key(name: str, tree: Tree) -> bool:
    """Whether what stands among states is a key of the language by its name and its content, and no state."""
    if name not in _ALL_KEYS:
        return False
    if not isinstance(tree, Mapping):
        return isinstance(tree, Sequence) or (isinstance(tree, Scalar) and tree.value is not None)
    if name in _OF_NAMES:
        return bool(tree.values) and not any(nearest(inner, STATE_KEYS) for inner in tree.values)
    return not _OF_ONE.get(name, frozenset()).isdisjoint(tree.values) and tree.values.keys().isdisjoint(
        ("history", "type")
    )


def _has_entries(tree: Tree | None) -> bool:
    """Whether something stands under `states`, good or bad: if bad, that is the fault, not that nothing is there."""
    return bool(tree.values) if isinstance(tree, Mapping) else tree is not None

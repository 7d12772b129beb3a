"""What the names of guards, actions and delays mean: XState has JavaScript for that, Foliot CEL and its own actions.

They stand in the document under `foliot`, which XState passes over, or are given to the reader:

    "foliot": {"guards": {"isReady": "context.n > params.least"},
               "actions": {"count": [{"assign": {"n": "context.n + 1"}}]},
               "delays": {"patience": 30000}}
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Fields
from dataclasses import dataclass, field
from typing import Any, Final

from foliot.cel import CelError, free_names, literal
from foliot.definition import Mapping, Place, ReadingStopped, Scalar, Sequence, Shape, Tree, did_you_mean, plain
from foliot.languages.trees import json_tree, object_tree
from foliot.languages.xstate.remarks import Remarks

PARTS: Final = ("guards", "actions", "delays")
_CHARS_PART: Final = 4
"""What is put in the place of names may have a part of the characters that a text may have: each costs more to compile
than to read."""
_NO_EXPRESSIONS: Final = frozenset({"raise", "event", "cancel", "id", "delay", "topic", "item", "index", "script"})
"""Keys of actions under which a text is a name."""


@dataclass(frozen=True, slots=True)
class Meanings:
    """What names mean, as far as it is told. `inlined` counts what was put where names stood."""

    known: dict[str, dict[str, Tree]]
    shape: Shape
    remarks: Remarks
    inlined: list[int] = field(default_factory=lambda: [0, 0])

    def guard(self, tree: Tree) -> Scalar | None:
        """Give the condition that a guard's name stands for; one that is not known fails when it is asked."""
        name, params = self._named(tree, "guard")
        if name is None:
            return None
        meaning = self.known["guards"].get(name)
        if meaning is None:
            what = f"No condition is told for the guard {self.shape.faults.quote(name)}: it fails whenever it is asked."
            self._untold(tree, what, "guards", name)
            return Scalar(
                f"fail({literal(f'The guard {name} of XState has no condition here.')})", tree.place, tree.path
            )
        self._count(meaning)
        text = self.shape.text(meaning, "a condition in CEL")
        if text is None or params is None:
            return None if text is None else Scalar(text, meaning.place, meaning.path)
        return Scalar(self._filled(text, params, tree), meaning.place, meaning.path)

    def actions(self, tree: Tree) -> Iterator[Tree]:
        """Give the actions that names stand for, in their order."""
        for item in tree.items if isinstance(tree, Sequence) else (tree,):
            if isinstance(item, Scalar) and item.value is None:
                what = "Here stood a function of JavaScript, for which JSON has no words."
                remedy = "Give the function a name in setup()."
                self.remarks.tell("D809", item, f"{what} It is left out.", remedy, kind="function")
            else:
                yield from self._action(item)

    def delay_ms(self, name: str) -> Tree | None:
        """Give the duration that a name of a delay stands for."""
        return self.known["delays"].get(name)

    def _action(self, tree: Tree) -> Iterator[Tree]:
        name, params = self._named(tree, "action")
        if name is None:
            return
        meaning = self.known["actions"].get(name)
        if meaning is None and isinstance(tree, Mapping) and name.startswith("xstate."):
            meaning = _built_in(name, tree)
        if meaning is None:
            what = f"Nothing is told for the action {self.shape.faults.quote(name)}: it is left out."
            self._untold(tree, what, "actions", name)
            return
        for action in meaning.items if isinstance(meaning, Sequence) else (meaning,):
            self._count(action)
            yield action if params is None else self._fill(action, params)

    def _named(self, tree: Tree, kind: str) -> tuple[str | None, Any]:
        """Read a name, or an object with its name as `type` and perhaps `params`."""
        if not isinstance(tree, Mapping):
            return self.shape.text(tree, f"the name of a {kind}" if kind == "guard" else "the name of an action"), None
        typed = self.shape.need(tree, "type", f"Name the {kind}.")
        params = tree.values.get("params")
        return None if typed is None else self.shape.text(typed), None if params is None else plain(params)

    def _untold(self, tree: Tree, what: str, part: str, name: str) -> None:
        def remedy() -> str:
            return did_you_mean(name, self.known[part]) or f'Tell it under "foliot": {{"{part}": {{…}}}}.'

        self.remarks.tell("D808", tree, what, remedy, kind=f"{part} {name}")

    def _fill(self, tree: Tree, params: Any) -> Tree:
        """Put what an action is given in the place of `params` in its expressions."""
        match tree:
            case Scalar(value=str(source)):
                return Scalar(self._filled(source, params, tree), tree.place, tree.path)
            case Mapping():
                filled = {
                    name: value if name in _NO_EXPRESSIONS and isinstance(value, Scalar) else self._fill(value, params)
                    for name, value in tree.values.items()
                }
                return Mapping(filled, tree.keys, tree.place, tree.path)
            case Sequence():
                return Sequence(tuple(self._fill(item, params) for item in tree.items), tree.place, tree.path)
            case _:
                return tree

    def _filled(self, source: str, params: Any, where: Tree) -> str:
        try:
            names = sorted(free_names(source), reverse=True) if "params" in source else []
        except CelError:
            return source  # It is told as what it is, where it stands.
        offsets = [offset for offset, name, is_call in names if name == "params" and not is_call]
        value = literal(params)
        self.spend(0, len(offsets) * len(value), where)
        for offset in offsets:
            source = source[:offset] + value + source[offset + len("params") :]
        return source

    def _count(self, tree: Tree) -> None:
        """Count what is put in a name's place: a small text with many names must not become a large one."""
        scalars = list(_scalars(tree))
        self.spend(len(scalars), sum(len(str(scalar.value)) for scalar in scalars), tree)

    def spend(self, values: int, chars: int, tree: Tree) -> None:
        """Take of what all that is put in the place of names may be, taken together.

        Raises:
            ReadingStopped: there is no more of it; `faults` says so.
        """
        limits = self.shape.faults.limits
        self.inlined[0] += values
        self.inlined[1] += chars
        if self.inlined[0] > limits.node_count_max or self.inlined[1] > limits.text_bytes_max // _CHARS_PART:
            what = "What the names of guards and actions stand for is more than a machine may have, all taken together."
            self.shape.faults.error("D104", tree, what, "Split the machine.")
            raise ReadingStopped(what)


def read_meanings(
    section: Mapping | None, given: Fields[str, Fields[str, Any]], shape: Shape, remarks: Remarks
) -> Meanings:
    """Read what the document tells under `foliot`; what is given beside it comes before it."""
    known: dict[str, dict[str, Tree]] = {part: {} for part in PARTS}
    for part in PARTS:
        tree = None if section is None else section.values.get(part)
        told = None if tree is None else shape.mapping(tree, f"an object of {part}")
        known[part].update({} if told is None else told.values)
        known[part].update({name: json_tree(value, Place(1, 1), (part, name)) for name, value in given[part].items()})
    return Meanings(known, shape, remarks)


def _built_in(name: str, tree: Mapping) -> Tree | None:
    """Read one of XState's own actions where its JSON has more than its name."""
    params = tree.values.get("params")
    fields = {**tree.values, **(params.values if isinstance(params, Mapping) else {})}
    if name == "xstate.cancel" and "sendId" in fields:
        return object_tree({"cancel": fields["sendId"]}, tree.place, tree.path)
    event = fields.get("event")
    if name != "xstate.raise" or not isinstance(event, Mapping) or "type" not in event.values:
        return None
    data = {key: constant(each) for key, each in event.values.items() if key != "type"}
    body: dict[str, Tree] = {"event": event.values["type"]}
    if data:
        body["data"] = object_tree(data, event.place, event.path)
    body |= {key: fields[key] for key in ("delay", "id") if "delay" in fields and key in fields}
    verb = "send" if "delay" in fields else "raise"
    return object_tree({verb: object_tree(body, tree.place, tree.path)}, tree.place, tree.path)


def constant(tree: Tree) -> Scalar:
    """Make the expression whose value is this JSON."""
    if isinstance(tree, Scalar) and not isinstance(tree.value, str):
        return tree
    return Scalar(literal(plain(tree)), tree.place, tree.path)


def _scalars(tree: Tree) -> Iterator[Scalar]:
    match tree:
        case Scalar():
            yield tree
        case Mapping():
            for value in tree.values.values():
                yield from _scalars(value)
        case Sequence():
            for value in tree.items:
                yield from _scalars(value)
        case _:
            return

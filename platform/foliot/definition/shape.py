"""Asking a tree for what the language wants there; each answer is None where a fault was noted instead."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

from foliot.definition.diagnostics import Faults, did_you_mean, nearest
from foliot.definition.tree import Located, Mapping, Scalar, Sequence, Tree, Unread

_REMEDIES = MappingProxyType(
    {
        "a machine": "Write 'foliot: 1' and what follows.",
        "a state": "Write {} for a state with nothing in it.",
        "a text": "Put it in quotes.",
        "a condition in CEL": 'Put it in quotes: "context.count > 0".',
        "a list of actions": "Write each action as an item: [{log: \"'here'\"}].",
        "an action": "Write its name as a key: {log: \"'here'\"}.",
        "an object of events": "Write {event: target}.",
        "an object of states": "Write {name: {}, other: {}}.",
        "a target or a transition": "Name a state, or write {target: name, guard: condition, actions: […]}.",
        "a list of branches, each with guard and actions": "Write [{guard: condition, actions: […]}].",
        "an object": "Write {name: value}.",
        "a JSON Schema": "Write {type: object, properties: {…}}.",
        "true or false": "Write true or false, without quotes.",
        "an object with schema and initial": "Write {schema: {…}, initial: {…}}.",
        "an object with event, data, delay, id and to": "Write {event: name}.",
        "an object with topic or target": "Write {topic: name}.",
        "the name of a service, or an object with expression": "Write src: charge_card.",
        "an object of names and expressions": "Write {name: expression}.",
        "an object of durations": "Write {30s: target}.",
        "the name of an event, or an object with event and data": "Write raise: name, or {event: name, data: {…}}.",
        "an object with array, item, index and actions": "Write {array: context.list, item: name, actions: […]}.",
        "an object with attempts, delay, factor and delayMax": "Write {attempts: 3, delay: 1s}.",
    }
)
"""What to write instead, by what is wanted; where it is not here, what is wanted says it."""

_ELSEWHERE = MappingProxyType(
    {
        "cond": "guard",
        "conditions": "guard",
        "dest": "target",
        "transitions": "on",
        "on_enter": "entry",
        "on_exit": "exit",
    }
)
"""Keys of this language by the words that others have for them."""


class Shape:
    """Reads values of the wanted type out of a tree."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def mapping(self, tree: Tree, wanted: str) -> Mapping | None:
        """Read an object."""
        if isinstance(tree, Mapping):
            return tree
        self.wrong(tree, wanted)
        return None

    def items(self, tree: Tree, wanted: str) -> tuple[Tree, ...]:
        """Read a list; empty where it is none."""
        if isinstance(tree, Sequence):
            return tree.items
        self.wrong(tree, wanted)
        return ()

    def text(self, tree: Tree, wanted: str = "a text") -> str | None:
        """Read a text."""
        if isinstance(tree, Scalar) and isinstance(tree.value, str):
            return tree.value
        self.wrong(tree, wanted)
        return None

    def boolean(self, tree: Tree) -> bool | None:
        """Read true or false."""
        if isinstance(tree, Scalar) and isinstance(tree.value, bool):
            return tree.value
        self.wrong(tree, "true or false")
        return None

    def word(self, tree: Tree, allowed: Collection[str]) -> str | None:
        """Read one of a few words."""
        text = self.text(tree, f"one of {', '.join(allowed)}")
        if text is not None and text not in allowed:
            what = f"{self.faults.quote(text)} is not allowed here."
            self.faults.error("D204", tree, what, did_you_mean(text, allowed))
            return None
        return text

    def only(self, mapping: Mapping, allowed: Collection[str], otherwise: str = "") -> None:
        """Note each key of an object that is not among those that it may have; `otherwise` is for one like none."""
        for name, key in mapping.keys.items():
            if name not in allowed:
                what = f"The key {self.faults.quote(name)} is not known here."
                meant = _ELSEWHERE.get(name, name)
                remedy = did_you_mean(meant, allowed) if nearest(meant, allowed) or not otherwise else otherwise
                self.faults.error("D201", key, what, remedy)

    def need(self, mapping: Mapping, name: str, remedy: str) -> Tree | None:
        """Read an entry that must be there."""
        if name not in mapping.values:
            self.faults.error("D202", mapping, f"The key '{name}' is missing.", remedy)
            return None
        return mapping.values[name]

    def wrong(self, tree: Tree, wanted: str, remedy: str = "") -> None:
        """Note that something else is wanted here."""
        if not isinstance(tree, Unread):
            remedy = remedy or _REMEDIES.get(wanted, f"Write {wanted}.")
            self.faults.error("D203", tree, f"Here {_found(tree)} stands instead of {wanted}.", remedy)

    def short(self, name: str, where: Located) -> bool:
        """Whether a name is short enough."""
        chars_max = self.faults.limits.name_chars_max
        if len(name) <= chars_max:
            return True
        self.faults.error("D204", where, f"The name is longer than {chars_max} characters.", "Shorten it.")
        return False


def _found(tree: Tree) -> str:
    match tree:
        case Mapping():
            return "an object"
        case Sequence():
            return "a list"
        case Scalar(value=str()):
            return "a text"
        case Scalar(value=bool(value)):
            return "true" if value else "false"
        case Scalar(value=None):
            return "nothing"
        case _:
            return "a number"

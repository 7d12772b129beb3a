"""A small machine as arrows, one transition a line.

    let count = 0
    [*] --> idle
    idle --new_task / count = context.count + 1--> planning
    planning --planned [context.count < 10]--> working
    working --after 30s--> idle
    working --> idle
    idle --quit--> [*]

Dots make states inside of states (`open.waiting`); the child that is named first is entered first, unless an arrow
from `[*]`, or from `open.[*]`, says otherwise. What is read is Foliot's own language; only the spelling is another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

import orjson

from foliot.definition import (
    Faults,
    Key,
    Limits,
    Mapping,
    Place,
    Reading,
    ReadingStopped,
    Scalar,
    Sequence,
    Tree,
    decode,
    understand,
)
from foliot.languages.trees import json_tree, machine_id, object_tree

_LIMITS: Final = Limits()
_STATE: Final = r"(?:[A-Za-z_][A-Za-z0-9_-]*\.)*(?:[A-Za-z_][A-Za-z0-9_-]*|\[\*\])"
_ARROW: Final = re.compile(rf"(?P<source>{_STATE})\s*--(?P<label>.*?)(?<!-)-->\s*(?P<target>{_STATE})\s*\Z")
_BARE: Final = re.compile(rf"(?P<source>{_STATE})\s*-->\s*(?P<target>{_STATE})\s*\Z")
_LET: Final = re.compile(r"let\s+(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)\Z")
_NAME: Final = re.compile(r"machine\s+(?P<name>\S+)\Z")
_AFTER: Final = re.compile(r"after\s+(?P<delay>\S.*)\Z")
_POINT: Final = "[*]"
_END: Final = "end"


@dataclass(slots=True)
class _State:
    """A state while it is put together."""

    place: Place
    children: dict[str, _State] = field(default_factory=dict)
    initial: Scalar | None = None
    on: dict[str, list[Tree]] = field(default_factory=dict)
    after: dict[str, list[Tree]] = field(default_factory=dict)
    always: list[Tree] = field(default_factory=list)
    keys: dict[str, Place] = field(default_factory=dict)
    is_final: bool = False


def reading_of_arrows(text: str | bytes, *, filename: str, limits: Limits = _LIMITS) -> Reading:
    """Read a text and keep all that is known of it."""
    faults = Faults(filename, limits)
    try:
        content = decode(text, faults)
        tree = _Arrows(faults, PurePath(filename).stem).read(content)
        understood = None if faults.any_error() else understand(tree, content, faults)
    except ReadingStopped:
        understood = None
    if understood is None or faults.any_error():
        return Reading(None, faults.sorted())
    return Reading(understood.definition, faults.sorted(), places=understood.places)


class _Arrows:
    def __init__(self, faults: Faults, name: str) -> None:
        self._faults = faults
        self._name = Scalar(machine_id(name), Place(1, 1), ("id",))
        self._root = _State(Place(1, 1))
        self._context: dict[str, Tree] = {}
        self._lets: dict[str, Key] = {}

    def read(self, content: str) -> Mapping:
        """Read all lines into the tree of a definition."""
        for number, line in enumerate(content.split("\n"), start=1):
            stripped = line.split(" #", 1)[0].strip() if not line.lstrip().startswith("#") else ""
            if stripped:
                self._line(stripped, Place(number, line.index(stripped) + 1))
        if not self._root.children and not self._faults.any_error():
            self._faults.error("D302", Place(1, 1), "There is no arrow.", "Write: idle --new_task--> working")
        root = _Trees().state(self._root, ())
        head: dict[str, Tree] = {"foliot": Scalar(1, Place(1, 1), ("foliot",)), "id": self._name}
        if self._context:
            initial = Mapping(self._context, self._lets, Place(1, 1), ("context", "initial"))
            head["context"] = object_tree({"initial": initial}, Place(1, 1), ("context",))
        keys = {name: Key(name, tree.place, (name,)) for name, tree in head.items()}
        return Mapping({**head, **root.values}, {**keys, **root.keys}, Place(1, 1), ())

    def _line(self, line: str, place: Place) -> None:
        if found := _NAME.match(line):
            self._name = Scalar(found["name"], Place(place.line, place.column + found.start("name")), ("id",))
        elif found := _LET.match(line):
            self._let(found, place)
        elif found := _BARE.match(line):
            self._arrow(found["source"], "", found["target"], place, place)
        elif found := _ARROW.match(line):
            label = found["label"]
            at = Place(place.line, place.column + found.start("label") + len(label) - len(label.lstrip()))
            self._arrow(found["source"], label.strip(), found["target"], place, at)
        else:
            remedy = "Write: source --event [guard] / name = value--> target, let name = value, or machine name."
            self._faults.error("D901", place, f"{self._faults.quote(line)} is no arrow.", remedy)

    def _let(self, found: re.Match[str], place: Place) -> None:
        at = Place(place.line, place.column + found.start("value"))
        try:
            value = orjson.loads(found["value"])
        except orjson.JSONDecodeError:
            what = f"{self._faults.quote(found['value'])} is no JSON value."
            self._faults.error("D902", at, what, 'Write 0, true, null, "a text", [1, 2] or {"a": 1}.')
            return
        path = ("context", "initial", found["name"])
        self._context[found["name"]] = json_tree(value, at, path)
        self._lets[found["name"]] = Key(found["name"], Place(place.line, place.column + found.start("name")), path)

    def _arrow(self, source: str, label: str, target: str, place: Place, at: Place) -> None:
        above, _, last = source.rpartition(".")
        parent = self._state(above, place)
        if last == _POINT:
            if label:
                what = "Where all begins there is no event, no guard and no action."
                self._faults.error("D901", at, what, f"Write: {source} --> {target}")
            self._state(target, place)
            self._begin(parent, above, target, place)
            return
        state = self._state(source, place)
        to = self._target(above, target, place)
        trigger, rest = _split(label)
        fields: dict[str, Tree] = {"target": Scalar(f"#{to}", place, ())}
        if rest is None or not self._conditions(rest, Place(at.line, at.column + len(label) - len(rest)), fields):
            remedy = "Write: event [guard] / name = value; raise other"
            self._faults.error("D901", at, f"{self._faults.quote(label)} cannot be read.", remedy)
            return
        transition = object_tree(fields, at, ())
        if not trigger:
            state.always.append(transition)
        elif found := _AFTER.match(trigger):
            state.after.setdefault(found["delay"], []).append(transition)
            state.keys.setdefault(found["delay"], at)
        else:
            state.on.setdefault(trigger, []).append(transition)
            state.keys.setdefault(trigger, at)

    def _begin(self, parent: _State, above: str, target: str, place: Place) -> None:
        prefix = f"{above}." if above else ""
        child = target.removeprefix(prefix).split(".")[0]
        if not target.startswith(prefix) or child not in parent.children:
            outer = self._faults.quote(above) if above else "the machine"
            what = f"{self._faults.quote(target)} is not inside of {outer}."
            self._faults.error("D303", place, what, "Begin in a state inside.")
            return
        parent.initial = Scalar(child, place, ())

    def _target(self, above: str, target: str, place: Place) -> str:
        inside, _, last = target.rpartition(".")
        if last != _POINT:
            self._state(target, place)
            return target
        path = ".".join(part for part in (inside or above, _END) if part)
        self._state(path, place).is_final = True
        return path

    def _state(self, path: str, place: Place) -> _State:
        depth_max = self._faults.limits.depth_max
        if path.count(".") >= depth_max:
            what = f"States are nested deeper than {depth_max}."
            self._faults.error("D103", place, what, "Make it flatter.")
            raise ReadingStopped(what)
        state = self._root
        for name in path.split(".") if path else ():
            state = state.children.setdefault(name, _State(place))
        return state

    def _conditions(self, rest: str, at: Place, fields: dict[str, Tree]) -> bool:
        """Read `[guard] / actions`."""
        begin = at.column
        if rest.startswith("["):
            end = _closing(rest)
            if end < 0:
                return False
            inner = rest[1:end]
            column = begin + 1 + len(inner) - len(inner.lstrip())
            fields["guard"] = Scalar(inner.strip(), Place(at.line, column), ())
            begin += end + 1 + len(rest[end + 1 :]) - len(rest[end + 1 :].lstrip())
            rest = rest[end + 1 :].lstrip()
        if not rest:
            return True
        if not rest.startswith("/"):
            return False
        actions: list[Tree] = []
        offset = 1
        for part in rest[1:].split(";"):
            text = part.strip()
            where = Place(at.line, begin + offset + len(part) - len(part.lstrip()))
            name = "raise" if text.startswith("raise ") else "script"
            value = Scalar(text.removeprefix("raise ").strip(), where, ())
            actions.append(object_tree({name: value}, where, ()))
            offset += len(part) + 1
        fields["actions"] = Sequence(tuple(actions), at, ())
        return True


class _Trees:
    """Turns states into trees as the reader of definitions wants them."""

    def state(self, state: _State, path: tuple[str | int, ...]) -> Mapping:
        fields: dict[str, Tree] = {}
        if state.is_final:
            fields["type"] = Scalar("final", state.place, (*path, "type"))
        if state.children:
            below = {name: self.state(child, (*path, "states", name)) for name, child in state.children.items()}
            fields["states"] = object_tree(below, state.place, (*path, "states"))
            first = next(iter(state.children))
            fields["initial"] = state.initial or Scalar(first, state.place, (*path, "initial"))
        if state.always:
            fields["always"] = Sequence(tuple(state.always), state.always[0].place, (*path, "always"))
        for name, group in (("on", state.on), ("after", state.after)):
            if group:
                lists = {key: Sequence(tuple(each), state.keys[key], (*path, name, key)) for key, each in group.items()}
                keys = {key: Key(key, state.keys[key], (*path, name, key)) for key in group}
                fields[name] = Mapping(dict(lists), keys, state.place, (*path, name))
        return object_tree(fields, state.place, path)


def _split(label: str) -> tuple[str, str | None]:
    """Part the trigger from what follows it."""
    found = re.match(r"([^\[/]*)(.*)\Z", label, re.DOTALL)
    return ("", None) if found is None else (found[1].strip(), found[2])


def _closing(text: str) -> int:
    """Find the bracket that closes the first one; quotes hide brackets. -1 where there is none."""
    depth, quote = 0, ""
    for place, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "[]":
            depth += 1 if char == "[" else -1
            if depth == 0:
                return place
    return -1

"""From a machine of XState v5, written as JSON, to a machine.

What is read is turned into Foliot's own language, of which all checks are then true; what only XState does in its way
(events that fit whole, transitions of a parallel state that those inside of it replace) becomes guards afterwards.

Source: XState 5.33.3, `packages/core/src/stateUtils.ts`, and https://stately.ai/docs.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Fields
from dataclasses import dataclass
from typing import Any, Final

from foliot.cel import CelError
from foliot.definition import (
    EVENT_NAME,
    Definition,
    DefinitionRefused,
    Diagnostic,
    Faults,
    Key,
    Limits,
    Mapping,
    Places,
    Reading,
    ReadingStopped,
    Scalar,
    Sequence,
    Shape,
    StateNode,
    Tree,
    compile_guard,
    decode,
    did_you_mean,
    plain,
    read_json,
    understand,
)
from foliot.languages.trees import machine_id, object_tree
from foliot.languages.xstate.conditions import deepest, is_pattern, narrowed, prefix_of
from foliot.languages.xstate.differences import differences
from foliot.languages.xstate.meanings import PARTS, Meanings, constant, read_meanings
from foliot.languages.xstate.remarks import Remarks
from foliot.languages.xstate.selection import as_xstate_selects
from foliot.languages.xstate.targets import Path, States, Target, kind_of

_LIMITS: Final = Limits()
_PLAIN_CHARS_MAX: Final = 80
"""A guard that is no longer cannot be near the depth at which CEL ends."""
_NONE: Final[Fields[str, Any]] = {}
_SECTION: Final = (*PARTS, "context", "events", "create", "poison")
_STATE_SECTION: Final = ("defer", "output")
_BODY: Final = (
    "type",
    "initial",
    "states",
    "on",
    "always",
    "after",
    "onDone",
    "entry",
    "exit",
    "history",
    "target",
    "invoke",
)
_KNOWN: Final = frozenset((*_BODY, "id", "description", "output", "context", "foliot"))
_PRINTED: Final = frozenset({"key", "order", "transitions", "source", "eventType", "event", "delay"})
"""Keys that `machine.toJSON()` adds to a state or a transition, which say nothing new."""
_EDGE: Final = frozenset({"target", "guard", "actions", "reenter", "description"})
_WHY: Final[Fields[str, str]] = {
    "onSnapshot": "Let the service send events instead.",
    "systemId": "Send to it by its id.",
    "cond": "XState 5 says 'guard'.",
    "internal": "XState 5 says 'reenter'.",
    "tags": "Ask for states by inState('path').",
}
_INVOKE: Final = frozenset({"id", "src", "input", "onDone", "onError", "foliot"})
_INVOKE_SECTION: Final = (
    *("idLocation", "type", "content", "input", "inputOptional", "autoForward", "finalize", "retry", "timeout"),
)
_ACTORS: Final = (("xstate.done.actor.", "done.invoke."), ("xstate.error.actor.", "error.communication.invoke."))
_DONE: Final = "xstate.done.state."
_AFTER: Final = "xstate.after."


@dataclass(frozen=True, slots=True)
class XstateReading:
    """A machine read. `diagnostics` has what was noticed: names that mean nothing (D808), what is left out (D809)."""

    definition: Definition
    diagnostics: tuple[Diagnostic, ...]


def read_xstate(
    text: str | bytes,
    *,
    filename: str,
    guards: Fields[str, str] = _NONE,
    actions: Fields[str, Any] = _NONE,
    delays: Fields[str, int] = _NONE,
) -> XstateReading:
    """Read a machine. `guards` (CEL), `actions` (lists of Foliot's actions) and `delays` (ms) say what names mean.

    Raises:
        DefinitionRefused: it is no machine, or says what cannot be; `diagnostics` has all of it.
    """
    reading = _read(text, Faults(filename, _LIMITS), {"guards": guards, "actions": actions, "delays": delays})
    if reading.definition is None:
        raise DefinitionRefused(reading.diagnostics)
    return XstateReading(reading.definition, reading.diagnostics)


def reading_of_xstate(text: str | bytes, *, filename: str, limits: Limits = _LIMITS) -> Reading:
    """Read a machine and keep all that is known of it."""
    return _read(text, Faults(filename, limits), dict.fromkeys(PARTS, _NONE))


def _read(text: str | bytes, faults: Faults, given: Fields[str, Fields[str, Any]]) -> Reading:
    try:
        content = decode(text, faults)
        document = Shape(faults).mapping(read_json(content, faults), "a machine")
        if document is not None:
            reader = _Document(document, faults, given)
            understood = understand(reader.translated(), content, faults)
            if understood is not None and not faults.any_error():
                definition = reader.finished(understood.definition, understood.places)
                return Reading(None if faults.any_error() else definition, faults.sorted(), places=understood.places)
    except ReadingStopped:
        pass
    return Reading(None, faults.sorted())


class _Document:
    """One document while it is turned into Foliot's language."""

    def __init__(self, document: Mapping, faults: Faults, given: Fields[str, Fields[str, Any]]) -> None:
        self._document = document
        self._faults = faults
        self._shape = Shape(faults)
        self._section = self._sections(document, _SECTION)
        self._remarks = Remarks(faults)
        self._meanings: Meanings = read_meanings(self._section, given, self._shape, self._remarks)
        self._states = States(document, faults)
        self._is_printed = {"key", "transitions", "order"} <= document.values.keys()
        self._with_beginning: set[str] = set()

    def translated(self) -> Mapping:
        """Turn all of it into the tree of a definition."""
        place = self._document.place
        if self._is_printed:
            what = "This is what machine.toJSON() prints: eventless transitions and all functions are missing in it."
            remedy = "Write the machine's config instead: JSON.stringify(machine.config)."
            self._faults.warning("D809", self._document, what, remedy)
        head: dict[str, Tree] = {
            "foliot": Scalar(1, place, ("foliot",)),
            "id": Scalar(
                machine_id(self._states.machine), self._document.values.get("id", self._document).place, ("id",)
            ),
            "context": self._context(),
        }
        told = {} if self._section is None else self._section.values
        head |= {name: told[name] for name in ("events", "create", "poison") if name in told}
        root = self._state((), self._document)
        keys = {name: Key(name, tree.place, (name,)) for name, tree in head.items()}
        return Mapping({**head, **root.values}, {**keys, **root.keys}, place, ())

    def finished(self, definition: Definition, places: Places) -> Definition:
        """Say what the language has no words for."""
        root, is_complete = as_xstate_selects(definition.root, self._with_beginning)
        self._check_guards(definition.root, places)
        for difference in differences(root, self._states.machine):
            place = self._states.bodies.get(difference.path, self._document)
            self._remarks.tell("D810", place, difference.what, difference.remedy, kind=difference.remedy)
        if not is_complete:
            what = "There are too many transitions in regions: some may be taken beside others, where XState takes one."
            self._remarks.tell("D810", self._document, what, "Split the machine.", kind="size")
        self._remarks.finish()
        return definition.model_copy(update={"root": root})

    def _check_guards(self, root: StateNode, places: Places) -> None:
        """Try each long guard in the deepest place that it may be put to."""
        for transition in (each for node in root.walk() for each in node.outgoing()):
            if transition.guard is None or len(transition.guard) <= _PLAIN_CHARS_MAX:
                continue
            try:
                compile_guard(deepest(transition.guard))
            except CelError:
                what = "This guard is too deep beside what XState knows by itself: the event's name, other regions."
                self._faults.error("D601", places.transitions[transition.index], what, "Part it into smaller ones.")

    def _context(self) -> Mapping:
        fields: dict[str, Tree] = {}
        told = None if self._section is None else self._section.values.get("context")
        mapping = None if told is None else self._shape.mapping(told, "an object with schema")
        if mapping is not None:
            self._shape.only(mapping, ("schema",))
            fields |= mapping.values
        if "context" in self._document.values:
            fields["initial"] = self._document.values["context"]
        return object_tree(fields, self._document.place, ("context",))

    def _sections(self, body: Mapping, allowed: tuple[str, ...]) -> Mapping | None:
        tree = body.values.get("foliot")
        section = None if tree is None else self._shape.mapping(tree, f"an object with {', '.join(allowed)}")
        if section is not None:
            self._shape.only(section, allowed)
        return section

    def _state(self, path: Path, body: Mapping) -> Mapping:
        values = body.values
        kind = kind_of(values)
        fields: dict[str, Tree] = {name: values[name] for name in ("type", "description") if name in values}
        if kind in {"compound", "parallel"} and "states" in values:
            fields["states"] = self._below(path, values["states"])
        if kind == "compound" and "initial" in values:
            fields["initial"] = self._initial(path, values["initial"])
        if kind == "history":
            fields |= self._history(path, values)
        on, after, done = self._events(path, body)
        groups = {"on": on, "after": after}
        fields |= {name: group for name, group in groups.items() if group.values}
        if "always" in values:
            fields["always"] = self._transitions(path, values["always"])
        if done is not None and path:
            fields["onDone"] = done
        elif done is not None:
            self._leave_out(
                body.keys.get("onDone", done), "XState's machine is over before its own onDone is looked at."
            )
        if "invoke" in values and kind not in {"final", "history"}:
            fields["invoke"] = self._invocations(path, values["invoke"])
        fields |= self._entry_and_exit(path, body, timers=len(after.values))
        section = self._sections(body, _STATE_SECTION) if path else None
        if "output" in values:
            fields |= self._output(path, kind, values["output"], body)
        fields |= {} if section is None else section.values
        self._leave_out_others(body, is_root=not path)
        keys = {name: body.keys.get(name) or Key(name, tree.place, (*body.path, name)) for name, tree in fields.items()}
        return Mapping(fields, keys, body.place, body.path)

    def _below(self, path: Path, tree: Tree) -> Tree:
        if not isinstance(tree, Mapping):
            return tree
        below = {
            name: self._state((*path, name), child) if isinstance(child, Mapping) else child
            for name, child in tree.values.items()
        }
        return Mapping(below, tree.keys, tree.place, tree.path)

    def _initial(self, path: Path, tree: Tree) -> Tree:
        """Read the beginning: the name of a child, or an object that has actions beside it."""
        if not isinstance(tree, Mapping):
            return tree
        self._shape.only(tree, ("target", "actions", "description", "meta", *_PRINTED))
        if "actions" in tree.values and any(True for _ in self._meanings.actions(tree.values["actions"])):
            self._with_beginning.add(".".join(path))
        target = self._shape.need(tree, "target", "Name the child that is entered first.")
        if isinstance(target, Sequence) and len(target.items) == 1:
            [target] = target.items
        if isinstance(target, Scalar) and isinstance(target.value, str) and target.value.startswith("#"):
            return Scalar(target.value.rpartition(".")[2], target.place, target.path)
        return target or Scalar("", tree.place, tree.path)

    def _history(self, path: Path, values: Fields[str, Tree]) -> Iterator[tuple[str, Tree]]:
        tree = values.get("history")
        if isinstance(tree, Scalar) and isinstance(tree.value, bool):
            tree = Scalar("shallow", tree.place, tree.path) if tree.value else None
        if tree is not None:
            yield "history", tree
        if "target" in values:
            targets = self._targets(path, values["target"])
            if targets is not None:
                yield "target", targets[0]

    def _events(self, path: Path, body: Mapping) -> tuple[Mapping, Mapping, Tree | None]:
        """Read `on`, `after` and `onDone`, which `machine.toJSON()` prints as one."""
        on: dict[str, tuple[Key, Tree]] = {}
        after: dict[str, tuple[Key, Tree]] = {}
        done = body.values.get("onDone")
        done = None if done is None else self._transitions(path, done)
        written = self._entries(body, "on")
        hiding = _hiding([key.name for key, _ in written], self._faults.limits.name_chars_max)
        for key, tree in sorted(written, key=lambda entry: (is_pattern(entry[0].name), -len(entry[0].name))):
            name = key.name
            if name.startswith(_AFTER) and self._is_printed:
                delay = name.removeprefix(_AFTER).partition(".")[0]
                self._add_timeout(after, Key(delay, key.place, key.path), self._transitions(path, tree))
            elif self._is_printed and any(name.startswith(actor) for actor, _ in _ACTORS):
                continue  # They stand in `invoke`, too.
            elif name.startswith(_DONE) and self._states.done_state(name.removeprefix(_DONE)) == path:
                done = done or self._transitions(path, tree)
            else:
                event = self._event(name)
                exact = event if name in hiding and not is_pattern(name) else None
                on[event] = (Key(event, key.place, key.path), self._transitions(path, tree, exact))
        for key, tree in self._entries(body, "after"):
            self._add_timeout(after, key, self._transitions(path, tree))
        return self._group(on, body, "on"), self._group(after, body, "after"), done

    def _entries(self, body: Mapping, name: str) -> list[tuple[Key, Tree]]:
        tree = body.values.get(name)
        mapping = None if tree is None else self._shape.mapping(tree, "an object of events or delays")
        return [] if mapping is None else [(mapping.keys[each], mapping.values[each]) for each in mapping.values]

    def _group(self, entries: dict[str, tuple[Key, Tree]], body: Mapping, name: str) -> Mapping:
        keys = {each: key for each, (key, _) in entries.items()}
        values = {each: tree for each, (_, tree) in entries.items()}
        return Mapping(values, keys, body.values.get(name, body).place, (*body.path, name))

    def _event(self, name: str) -> str:
        """Translate the events that only the engine makes."""
        for actor, service in _ACTORS:
            if name.startswith(actor):
                return service + name.removeprefix(actor)
        if name.startswith(_DONE) and name != f"{_DONE}*":
            state = name.removeprefix(_DONE).removesuffix(".*")
            path = self._states.done_state(state)
            if path is not None:
                return ".".join(("done.state", *path, *(["*"] if name.endswith(".*") else [])))
        return name.removeprefix("xstate.") if name in {f"{_DONE}*", "xstate.done.*", "xstate.after.*"} else name

    def _add_timeout(self, after: dict[str, tuple[Key, Tree]], key: Key, transitions: Tree) -> None:
        name = key.name
        if not name.isdecimal():
            meaning = self._meanings.delay_ms(name)
            if meaning is None:
                what = f"No duration is told for the delay {self._faults.quote(name)}."
                remedy = 'Tell its milliseconds: "foliot": {"delays": {…}}.'
                self._faults.error("D407", key, what, remedy)
                return
            name = str(plain(meaning))
            key = Key(name, meaning.place, meaning.path)
        if name in after and isinstance(transitions, Sequence):
            first = after[name][1]
            more = first.items if isinstance(first, Sequence) else (first,)
            transitions = Sequence((*more, *transitions.items), transitions.place, transitions.path)
        after[name] = (Key(name, key.place, key.path), transitions)

    def _entry_and_exit(self, path: Path, body: Mapping, *, timers: int) -> Iterator[tuple[str, Tree]]:
        built_in = {"entry": "xstate.raise", "exit": "xstate.cancel"}
        for name in ("entry", "exit"):
            tree = body.values.get(name)
            actions: list[Tree] = []
            if tree is not None:
                listed = tree.items if isinstance(tree, Sequence) else (tree,)
                listed = _without_timers(listed, built_in[name], timers) if self._is_printed else listed
                actions = list(self._meanings.actions(Sequence(listed, tree.place, tree.path)))
            if name == "entry" and ".".join(path) in self._with_beginning:
                initial = body.values["initial"]
                first = initial.values["actions"] if isinstance(initial, Mapping) else initial
                begun = Sequence(tuple(self._meanings.actions(first)), first.place, first.path)
                actions.append(object_tree({"block": begun}, first.place, first.path))
            if actions:
                where = body if tree is None else tree
                yield name, Sequence(tuple(actions), where.place, (*body.path, name))

    def _output(self, path: Path, kind: str, tree: Tree, body: Mapping) -> Iterator[tuple[str, Tree]]:
        if kind == "final" and path:
            is_object = isinstance(tree, Mapping)
            values = {name: constant(each) for name, each in tree.values.items()} if isinstance(tree, Mapping) else {}
            yield "output", object_tree(values, tree.place, tree.path) if is_object else constant(tree)
        else:
            self._leave_out(body.keys["output"], "Only a final state has an output.")

    def _invocations(self, path: Path, tree: Tree) -> Sequence:
        items = tree.items if isinstance(tree, Sequence) else (tree,)
        read = (self._invocation(path, number, item) for number, item in enumerate(items))
        return Sequence(tuple(each for each in read if each is not None), tree.place, tree.path)

    def _invocation(self, path: Path, number: int, tree: Tree) -> Tree | None:
        """Read a service: what XState has no words for stands in it under `foliot`."""
        mapping = self._shape.mapping(tree, "an object with src")
        if mapping is None:
            return None
        values = mapping.values
        fields: dict[str, Tree] = {name: values[name] for name in ("id", "src") if name in values}
        default = ".".join((str(number), self._states.machine, *path))
        if "id" not in values and EVENT_NAME.match(default):
            fields["id"] = Scalar(default, mapping.place, mapping.path)
        given = values.get("input")
        if isinstance(given, Mapping):
            named = {name: constant(each) for name, each in given.values.items()}
            fields["input"] = object_tree(named, given.place, given.path)
        elif given is not None:
            fields["input"] = constant(given)
        for name in ("onDone", "onError"):
            if name in values:
                fields[name] = self._transitions(path, values[name])
        section = self._sections(mapping, _INVOKE_SECTION)
        fields |= {} if section is None else section.values
        for name, key in mapping.keys.items():
            if name not in _INVOKE and not self._is_printed:
                self._leave_out(key, f"{self._faults.quote(name)} says nothing that Foliot knows.", name)
        return object_tree(fields, mapping.place, mapping.path)

    def _leave_out_others(self, body: Mapping, *, is_root: bool) -> None:
        for name, key in body.keys.items():
            value = plain(body.values[name]) if not isinstance(body.values[name], Mapping) else True
            says_something = value not in (None, [], {}, False, "")
            if name in _KNOWN and (is_root or name != "context"):
                continue
            if says_something and not (self._is_printed and name in _PRINTED):
                self._leave_out(key, f"{self._faults.quote(name)} says nothing that Foliot knows.", name)

    def _leave_out(self, where: Key | Tree, what: str, name: str = "") -> None:
        remedy = _WHY.get(name) or (did_you_mean(name, sorted(_KNOWN)) if name else "")
        remedy = (
            remedy if remedy.startswith("Did") or name in _WHY else "Nothing needs to be done where it is not missed."
        )
        self._remarks.tell("D809", where, f"{what} It is left out.", remedy, kind=name or what)

    def _transitions(self, path: Path, tree: Tree, event: str | None = None) -> Sequence:
        items = tree.items if isinstance(tree, Sequence) else (tree,)
        read = (self._transition(path, item, event) for item in items)
        return Sequence(tuple(each for each in read if each is not None), tree.place, tree.path)

    def _transition(self, path: Path, tree: Tree, event: str | None) -> Tree | None:
        """Read one transition; with an `event` it fits that alone."""
        fields: dict[str, Tree] = {}
        target: Tree | None = tree
        if isinstance(tree, Mapping):
            target = tree.values.get("target")
            fields = {name: tree.values[name] for name in ("reenter", "description") if name in tree.values}
            if "guard" in tree.values:
                guard = self._meanings.guard(tree.values["guard"])
                fields |= {} if guard is None else {"guard": guard}
            if "actions" in tree.values:
                actions = tree.values["actions"]
                listed = tuple(self._meanings.actions(actions))
                fields["actions"] = Sequence(listed, actions.place, actions.path)
            self._leave_out_of_edge(tree)
        elif not isinstance(tree, Scalar) or not isinstance(tree.value, str):
            self._shape.wrong(tree, "a target or a transition")
            return None
        if event is not None:
            condition = fields.get("guard")
            written = str(condition.value) if isinstance(condition, Scalar) else None
            fields["guard"] = Scalar(narrowed(event, written), tree.place, tree.path)
        if target is not None and plain(target) not in (None, ""):
            targets = self._targets(path, target)
            if targets is None:
                return None
            fields["target"], reenters = targets
            if reenters:
                fields["reenter"] = Scalar(value=True, place=tree.place, path=tree.path)
        return object_tree(fields, tree.place, tree.path)

    def _leave_out_of_edge(self, tree: Mapping) -> None:
        for name, key in tree.keys.items():
            if name not in _EDGE and not (self._is_printed and name in _PRINTED):
                self._leave_out(key, f"{self._faults.quote(name)} says nothing that Foliot knows.", name)

    def _targets(self, path: Path, tree: Tree) -> tuple[Tree, bool] | None:
        """Translate targets; True where what they lead to is entered anew."""
        items = tree.items if isinstance(tree, Sequence) else (tree,)
        found = [(item, self._states.resolve(item, path)) for item in items]
        if any(target is None for _, target in found):
            return None
        known: list[tuple[Tree, Target]] = [(item, target) for item, target in found if target is not None]
        if any(target.is_root for _, target in known):
            self._meanings.spend(sum(len(target.names) for _, target in known), 0, tree)
        names = [Scalar(name, item.place, item.path) for item, target in known for name in target.names]
        for item, target in known:
            if target.is_root and path and {"entry", "after"} & self._document.values.keys():
                what = "XState runs what the machine itself does on entry once more here; it is never left by Foliot."
                self._remarks.tell("D810", item, what, "Name a child of the machine.", kind="root")
        reenters = any(target.reenters for _, target in known)
        return (names[0] if len(names) == 1 else Sequence(tuple(names), tree.place, tree.path)), reenters


def _hiding(names: list[str], chars_max: int) -> frozenset[str]:
    """Give what would hide another descriptor of the same state, were it taken as a prefix."""
    found: set[str] = set()
    for name in names:
        tokens = prefix_of(name).split(".") if len(name) <= chars_max else []
        found.update(".".join(tokens[:count]) for count in range(1, len(tokens) + is_pattern(name)))
    return frozenset(found)


def _without_timers(actions: tuple[Tree, ...], name: str, count: int) -> tuple[Tree, ...]:
    """Take away what `machine.toJSON()` prints of the timers: as many of these actions, from the end."""
    kept = list(actions)
    for place in range(len(kept) - 1, -1, -1):
        if count and plain(kept[place]) == {"type": name}:
            del kept[place]
            count -= 1
    return tuple(kept)

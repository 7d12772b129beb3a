"""From a machine to XState v5 as JSON.

XState's JSON has only names of guards and actions. What they mean stands under `foliot`, for `read_xstate` and for
whoever writes them in JavaScript.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from foliot.cel import text_of
from foliot.definition import (
    IN_STATE_CALL,
    STATE_NAME,
    Action,
    Constant,
    ContextSpec,
    Definition,
    EventSpec,
    Expression,
    Invocation,
    NotWritable,
    Payload,
    StateNode,
    Transition,
    dump_actions,
    dump_expression,
    dump_invocation,
)
from foliot.languages.xstate.conditions import covers, is_narrowed, is_pattern, prefix_of, widened
from foliot.languages.xstate.differences import differences
from foliot.languages.xstate.selection import taken_beside

_Json = dict[str, Any]
_OF_ACTORS: Final = frozenset({"id", "src", "onDone", "onError"})
_EVENTS: Final = (("error.communication.invoke", "xstate.error.actor"), ("done.invoke", "xstate.done.actor"))
_LOCAL: Final = "XState has no word for it; it stands under 'foliot', where Foliot alone reads it."


class LeftOut(NamedTuple):
    """A part of a machine that XState does not do: where it stands, and why."""

    path: str
    reason: str


class XstateText(NamedTuple):
    """A machine as JSON for XState, and what XState does not do of it."""

    text: str
    left_out: tuple[LeftOut, ...]


def write_xstate(definition: Definition) -> XstateText:
    """Write a machine; `read_xstate` reads one back that does the same, but for what is left out."""
    writer = _Writer(definition)
    document = writer.document()
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"
    return XstateText(text, tuple(dict.fromkeys(writer.left_out)))


@dataclass(slots=True)
class _Names:
    """Gives each guard and each list of actions a name, the same ones the same."""

    word: str
    meanings: _Json
    _known: dict[bytes, str]

    @classmethod
    def empty(cls, word: str) -> _Names:
        return cls(word, {}, {})

    def name(self, meaning: Any) -> str:
        key = orjson.dumps(meaning)
        if key not in self._known:
            self._known[key] = f"{self.word}{len(self._known) + 1}"
            self.meanings[self._known[key]] = meaning
        return self._known[key]


class _Writer:
    def __init__(self, definition: Definition) -> None:
        self.left_out: list[LeftOut] = []
        self._definition = definition
        self._guards = _Names.empty("guard")
        self._actions = _Names.empty("action")
        self._paths: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._name_all(definition.root, "")

    def document(self) -> _Json:
        definition = self._definition
        body = self._state(definition.root, None)
        document: _Json = {"id": definition.id}
        if definition.description:
            document["description"] = definition.description
        if definition.context.initial:
            document["context"] = definition.context.initial
        for difference in differences(definition.root, definition.id) if self._has_paths() else ():
            self._leave_out(".".join(difference.path), difference.what)
        for state_id, transition in taken_beside(definition.root):
            what = f"A transition for {transition.event} is taken beside one inside of its state; XState takes one."
            self._leave_out(self._paths[state_id], what)
        if definition.system:
            self._leave_out("", "Expressions read SCXML's system variables.")
        return document | body | self._section()

    def _section(self) -> _Json:
        definition = self._definition
        section: _Json = {"guards": self._guards.meanings, "actions": self._actions.meanings}
        section |= {"context": _schema(definition.context)}
        section |= {"events": {name: _schema(spec) for name, spec in definition.events.items()}}
        section |= {"create": "explicit"} if definition.create == "explicit" else {}
        section |= {"poison": "skip"} if definition.poison == "skip" else {}
        for name in ("context", "events", "create", "poison"):
            if section.get(name):
                self._leave_out(name, _LOCAL)
        told = {name: value for name, value in section.items() if value}
        return {"foliot": told} if told else {}

    def _name_all(self, node: StateNode, path: str) -> None:
        """Give each state the key and the path that it has in XState; ids of SCXML are other than paths."""
        self._paths[node.id] = path
        taken: set[str] = set()
        for child in node.children:
            name = child.name if STATE_NAME.match(child.name) else re.sub(r"[^A-Za-z0-9_-]", "_", f"_{child.name}")
            key = next(
                each
                for each in itertools.chain([name], map(f"{name}_{{}}".format, itertools.count(2)))
                if each not in taken
            )
            taken.add(key)
            self._keys[child.id] = key
            self._name_all(child, f"{path}.{key}" if path else key)

    def _has_paths(self) -> bool:
        return all(state_id == path for state_id, path in self._paths.items())

    def _state(self, node: StateNode, parent: StateNode | None) -> _Json:
        where = self._paths[node.id]
        body: _Json = {}
        if node.kind in {"parallel", "final", "history"}:
            body["type"] = node.kind
        if node.description:
            body["description"] = node.description
        if node.kind == "compound":
            body["initial"] = self._initial(node)
        if node.kind == "history":
            body |= self._history(node, parent)
        body |= {name: listed for name in ("entry", "exit") if (listed := self._listed(getattr(node, name), where))}
        always = self._group(node.always)
        after = {str(each.delay_ms): self._group(each.transitions) for each in node.after}
        done = self._group(node.on_done)
        if done and not node.id:
            self._leave_out("onDone", "XState's machine is over before its own onDone is looked at.")
            done = []
        on = self._on(node)
        body |= {
            name: group for name, group in (("always", always), ("after", after), ("onDone", done), ("on", on)) if group
        }
        if node.on_error or node.rollback:
            self._leave_out(f"{where}.onError" if where else "onError", "XState throws where Foliot raises an error.")
        body |= self._local(node)
        if node.output is not None:
            body |= self._output(node, node.output, body.pop("foliot", {}))
        invoke = [self._invocation(each, where) for each in node.invocations]
        body |= {"invoke": [each for each in invoke if each]} if any(invoke) else {}
        if node.children:
            body["states"] = {self._keys[child.id]: self._state(child, node) for child in node.children}
        return body

    def _invocation(self, invocation: Invocation, where: str) -> _Json:
        """Write a service as XState's actor; empty where XState could not name it."""
        where = f"{where}.invoke" if where else "invoke"
        told = dump_invocation(invocation)
        if invocation.id is None or not isinstance(told.get("src"), str):
            self._leave_out(where, "XState's actors have an id and a name.")
            return {}
        written: _Json = {"id": invocation.id, "src": told["src"]}
        given = _constants(invocation.payload)
        if given is not None:
            written |= given
            told.pop("input")
        for name, group in (("onDone", invocation.on_done), ("onError", invocation.on_error)):
            if group:
                written[name] = self._group(group)
        others = {name: self._renamed(each) for name, each in told.items() if name not in _OF_ACTORS}
        if others:
            self._leave_out(where, f"{', '.join(others)}: {_LOCAL}")
            written["foliot"] = others
        return written

    def _initial(self, node: StateNode) -> Any:
        targets = node.default_targets if node.initial is None else (node.initial,)
        inside = next(child for child in node.children if any(each.id == targets[0] for each in child.walk()))
        if targets != (inside.id,) or inside.kind == "history":
            self._leave_out(
                f"{self._paths[node.id]}.initial", "XState begins in one child, and in that child's own beginning."
            )
        if not node.default_actions:
            return self._keys[inside.id]
        listed = self._listed(node.default_actions, self._paths[node.id])
        return {"target": self._keys[inside.id], "actions": listed}

    def _history(self, node: StateNode, parent: StateNode | None) -> _Json:
        where = self._paths[node.id]
        expected = () if parent is None or node.default_targets else parent.default_actions
        if node.default_actions != expected:
            self._leave_out(where, "The default of XState's history states has no actions.")
        body: _Json = {"history": node.history or "shallow"}
        if node.default_targets:
            body["target"] = self._targets(node.default_targets)
        return body

    def _local(self, node: StateNode) -> _Json:
        if not node.defer:
            return {}
        self._leave_out(f"{self._paths[node.id]}.defer", f"XState defers no events. {_LOCAL}")
        return {"foliot": {"defer": list(node.defer)}}

    def _output(self, node: StateNode, payload: Payload, section: _Json) -> _Json:
        """Write constants as XState's output; what has to be computed is for Foliot alone."""
        expressions = [*payload.values.values(), *([] if payload.content is None else [payload.content])]
        if payload.content is None and not payload.required and all(isinstance(each, Constant) for each in expressions):
            written = {name: dump_expression(each) for name, each in payload.values.items()}
            return {"output": written} | ({"foliot": section} if section else {})
        if payload.required:
            self._leave_out(f"{self._paths[node.id]}.output", "A part without a value spoils no other in XState.")
        self._leave_out(f"{self._paths[node.id]}.output", f"XState computes outputs in JavaScript. {_LOCAL}")
        told = (
            self._expressions(payload.values | payload.required)
            if payload.content is None
            else self._renamed(dump_expression(payload.content))
        )
        return {"foliot": {**section, "output": told}}

    def _on(self, node: StateNode) -> _Json:
        """Write transitions by event so that XState, which asks the nearest descriptor first, keeps their order."""
        keyed = [(key, each) for each in node.transitions for key in self._descriptors(each)]
        written: _Json = {}
        for key in dict.fromkeys(key for key, _ in keyed):
            covering = [(other, each) for other, each in keyed if other == key or _reaches(other, key)]
            nearest_first = sorted(covering, key=lambda entry: (is_pattern(entry[0]), -len(entry[0])))
            chosen = (
                [each for other, each in covering if other == key]
                if covering == nearest_first
                else [each for _, each in covering]
            )
            written[key] = self._group(chosen, is_on=True)
        return written

    def _descriptors(self, transition: Transition) -> Iterator[str]:
        """Yield what XState's transition is listed under: SCXML has several descriptors in one."""
        for event in (transition.event or "*").split():
            if event == "*":
                yield event
            else:
                name = self._event(prefix_of(event))
                is_exact = not is_pattern(event) and is_narrowed(event, transition.guard)
                yield name if is_exact else f"{name}.*"

    def _event(self, name: str) -> str:
        if name == "error.execution" or covers(name, "error.execution"):
            self._leave_out(f"on.{name}", "XState throws where Foliot raises error.execution.")
        for state_id, path in self._paths.items() if name.startswith("done.state") else ():
            if name == f"done.state.{state_id}" and state_id:
                return f"xstate.done.state.{self._definition.id}.{path}"
        for ours, theirs in _EVENTS:
            if name == ours or name.startswith(f"{ours}."):
                return theirs + name.removeprefix(ours)
        if name in {"done", "done.state"}:
            return f"xstate.{name}"
        return name

    def _group(self, transitions: Iterable[Transition], *, is_on: bool = False) -> list[_Json]:
        """Write transitions for one event, as far as one of them can be taken."""
        written: list[_Json] = []
        for transition in transitions:
            written.append(self._transition(transition, is_on=is_on))
            if "guard" not in written[-1]:
                break
        return written

    def _transition(self, transition: Transition, *, is_on: bool) -> _Json:
        written: _Json = {}
        guard = transition.guard
        if guard is not None and is_on and is_narrowed(transition.event or "", guard):
            guard = widened(transition.event or "", guard)
        if transition.targets:
            written["target"] = self._targets(transition.targets)
        if guard is not None:
            written["guard"] = self._guards.name(self._renamed(guard))
        if transition.actions:
            written["actions"] = self._listed(transition.actions, f"transition {transition.index}")
        if transition.reenter:
            written["reenter"] = True
        if transition.description:
            written["description"] = transition.description
        return written

    def _targets(self, targets: Sequence[str]) -> Any:
        names = [".".join(filter(None, (f"#{self._definition.id}", self._paths[target]))) for target in targets]
        return names[0] if len(names) == 1 else names

    def _listed(self, actions: Iterable[Action], where: str) -> list[str]:
        return [name for action in actions for name in self._action(action, where)]

    def _action(self, action: Action, where: str) -> Iterator[str]:
        try:
            [written] = dump_actions([action])
        except NotWritable as refusal:
            self._leave_out(where, f"{refusal}.")
            return
        yield self._actions.name([self._renamed(written)])

    def _expressions(self, expressions: dict[str, Expression]) -> _Json:
        return {name: self._renamed(dump_expression(each)) for name, each in expressions.items()}

    def _renamed(self, value: Any) -> Any:
        """Call the states in expressions as they are called in what is written."""
        match value:
            case str():
                # In the same quotes: it may stand in a text, which has others around it.
                return IN_STATE_CALL.sub(
                    lambda found: f"inState({found[1]}{self._paths.get(found[2], found[2])}{found[1]})", value
                )
            case dict():
                return {name: self._renamed(each) for name, each in value.items()}
            case list():
                return [self._renamed(each) for each in value]
            case _:
                return value

    def _leave_out(self, path: str, reason: str) -> None:
        self.left_out.append(LeftOut(path, reason))


def _constants(payload: Payload) -> _Json | None:
    """Give what a service is given as XState has it; None where some of it is computed, or nothing is given."""
    if payload.content is not None:
        found = _constant(payload.content)
        return None if found is None else {"input": found[0]}
    values = {name: _constant(each) for name, each in payload.required.items()}
    known = {name: found[0] for name, found in values.items() if found is not None}
    return {"input": known} if known and len(known) == len(values) else None


def _constant(expression: Expression) -> tuple[Any] | None:
    if isinstance(expression, Constant):
        return (expression.value,)
    text = text_of(expression.source)
    return None if text is None else (text,)


def _schema(spec: ContextSpec | EventSpec) -> _Json:
    return {} if spec.json_schema is None else {"schema": spec.json_schema}


def _reaches(other: str, key: str) -> bool:
    """Say whether a transition under another descriptor fits all events of this one."""
    return is_pattern(other) and covers(prefix_of(other), prefix_of(key))

"""From a machine to SCXML 1.0 on the CEL data model.

What SCXML has no word for stands in elements and attributes of Foliot's own namespace, which other processors pass
over: events that are deferred, assignments made together, blocks inside of blocks, messages to topics, retries and
timeouts of services, schemas, descriptions, and how instances begin and what becomes of bad events.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from typing import Any, Final, assert_never

import orjson

from foliot.cel import TYPE_NAMES
from foliot.definition import (
    Action,
    Assign,
    Block,
    Branch,
    Cancel,
    Definition,
    Dispatch,
    Expression,
    Faults,
    ForEach,
    If,
    Invocation,
    Limits,
    Log,
    NotWritable,
    Payload,
    Raise,
    ReadingStopped,
    Send,
    StateNode,
    Transition,
    Withdraw,
    cel_text,
    decode,
)
from foliot.languages.scxml.elements import FOLIOT_NAMESPACE, SCXML_NAMESPACE, TOPICS
from foliot.languages.scxml.expressions import is_field

_S: Final = f"{{{SCXML_NAMESPACE}}}"
_F: Final = f"{{{FOLIOT_NAMESPACE}}}"
_AFTER: Final = f"{_F}after"
"""On what says to other processors that a timeout is armed and disarmed, and on the transitions that it triggers."""


def write_scxml(definition: Definition) -> str:
    """Write a machine; `read_scxml` reads one back that does the same.

    Raises:
        NotWritable: it is too large for a document, or has a character that none may have.
    """
    ET.register_namespace("", SCXML_NAMESPACE)
    ET.register_namespace("foliot", FOLIOT_NAMESPACE)
    root = _Writer().root(definition)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode") + "\n"
    faults = Faults(definition.id, Limits())
    try:
        decode(text, faults)
    except ReadingStopped as stopped:
        raise NotWritable(f"no document can hold it: {faults.sorted()[0].what}", where=definition.id) from stopped
    return text


class _Writer:
    def __init__(self) -> None:
        self._nodes: dict[str, StateNode] = {}
        # The id of a machine's root where it has more than SCXML's document can have.
        self._root = "_root"

    def root(self, definition: Definition) -> ET.Element:
        self._nodes = {node.id: node for node in definition.root.walk()}
        while self._root in self._nodes:
            self._root += "_"
        root = ET.Element(f"{_S}scxml", {"version": "1.0", "datamodel": "cel", "name": definition.id})
        self._head(root, definition)
        top = definition.root
        more = (
            top.entry,
            top.exit,
            tuple(top.outgoing()),
            top.default_actions,
            top.defer,
            top.invocations,
            top.rollback,
        )
        has_more = any(more)
        if top.kind == "compound" and not has_more:
            self._initial(root, top)
            for child in top.children:
                self._state(root, child)
        else:
            # The document itself has no transitions, handlers or regions.
            self._state(root, top.model_copy(update={"id": self._root}))
            root[-1].set(f"{_F}root", "true")
        assigned = _assigned(definition) - definition.context.initial.keys()
        if not all(_may_be_bare(name) for name in (*definition.context.initial, *assigned)):
            root.set(f"{_F}whole", "true")
        elif assigned:
            root.set(f"{_F}names", " ".join(sorted(assigned)))
        return root

    def _head(self, root: ET.Element, definition: Definition) -> None:
        """Write what is the machine's as a whole, most of it in words of Foliot's own."""
        _describe(root, definition.description)
        for name, value, default in (
            ("create", definition.create, "on_event"),
            ("poison", definition.poison, "park"),
            ("system", "true" if definition.system else "", ""),
        ):
            if value != default:
                root.set(f"{_F}{name}", value)
        context = definition.context
        if context.initial:
            model = ET.SubElement(root, f"{_S}datamodel", {f"{_F}initial": "true"})
            for name, initial in context.initial.items():
                ET.SubElement(model, f"{_S}data", {"id": name}).text = _json(initial)
        if context.json_schema is not None:
            ET.SubElement(root, f"{_F}context").text = _json(context.json_schema)
        for name, spec in definition.events.items():
            event = ET.SubElement(root, f"{_F}event", {"name": name})
            event.text = None if spec.json_schema is None else _json(spec.json_schema)

    def _state(self, parent: ET.Element, node: StateNode) -> None:
        if node.kind == "history":
            self._history(parent, node)
            return
        name = {"parallel": "parallel", "final": "final"}.get(node.kind, "state")
        element = ET.SubElement(parent, f"{_S}{name}", {"id": node.id})
        _describe(element, node.description)
        if node.defer:
            element.set(f"{_F}defer", " ".join(node.defer))
        if node.rollback:
            element.set(f"{_F}rollback", "true")
        if node.kind == "compound":
            self._initial(element, node)
        self._blocks(element, node)
        self._transitions(element, node)
        for invocation in node.invocations:
            self._invocation(element, invocation)
        if node.output is not None:
            self._payload(ET.SubElement(element, f"{_S}donedata"), node.output)
        for child in node.children:
            self._state(element, child)

    def _blocks(self, element: ET.Element, node: StateNode) -> None:
        for timeout in node.after:
            handler = ET.SubElement(element, f"{_S}onentry")
            attributes = {"event": timeout.id, "id": timeout.id, "delay": f"{timeout.delay_ms}ms", _AFTER: "true"}
            ET.SubElement(handler, f"{_S}send", attributes)
        self._handlers(element, "onentry", node.entry)
        self._handlers(element, "onexit", node.exit)
        for timeout in node.after:
            ET.SubElement(ET.SubElement(element, f"{_S}onexit"), f"{_S}cancel", {"sendid": timeout.id, _AFTER: "true"})

    def _transitions(self, element: ET.Element, node: StateNode) -> None:
        for transition in node.always:
            self._transition(element, node, transition)
        for timeout in node.after:
            for transition in timeout.transitions:
                self._transition(element, node, transition).set(_AFTER, str(timeout.delay_ms))
        for transition in node.on_done:
            self._transition(element, node, transition).set(f"{_F}done", "true")
        for place, invocation in enumerate(node.invocations):
            for word, group in (("done", invocation.on_done), ("error", invocation.on_error)):
                for transition in group:
                    self._transition(element, node, transition).set(f"{_F}invoke", f"{place} {word}")
        for transition in node.on_error:
            self._transition(element, node, transition).set(f"{_F}error", "true")
        for transition in node.transitions:
            self._transition(element, node, transition)

    def _initial(self, element: ET.Element, node: StateNode) -> None:
        targets = " ".join(node.default_targets if node.initial is None else (node.initial,))
        if node.default_actions and element.tag != f"{_S}scxml":
            transition = ET.SubElement(ET.SubElement(element, f"{_S}initial"), f"{_S}transition", {"target": targets})
            self._actions(transition, node.default_actions)
        else:
            element.set("initial", targets)

    def _history(self, parent: ET.Element, node: StateNode) -> None:
        element = ET.SubElement(parent, f"{_S}history", {"id": node.id, "type": node.history or "shallow"})
        _describe(element, node.description)
        targets = node.default_targets or self._defaults_of(parent.get("id", ""))
        transition = ET.SubElement(element, f"{_S}transition", {"target": " ".join(targets)})
        self._actions(transition, node.default_actions)

    def _defaults_of(self, state_id: str) -> tuple[str, ...]:
        node = self._nodes["" if state_id == self._root else state_id]
        if node.kind == "parallel":
            return tuple(child.id for child in node.children if child.kind != "history")
        return node.default_targets if node.initial is None else (node.initial,)

    def _handlers(self, element: ET.Element, name: str, actions: tuple[Action, ...]) -> None:
        """Write blocks as handlers of their own, which they are to SCXML, where there is nothing beside them."""
        blocks = [action.actions for action in actions if isinstance(action, Block)]
        for block in blocks if len(blocks) == len(actions) else [actions]:
            if block:
                self._actions(ET.SubElement(element, f"{_S}{name}"), block)

    def _transition(self, parent: ET.Element, node: StateNode, transition: Transition) -> ET.Element:
        attributes: dict[str, str] = {}
        if transition.event is not None:
            attributes["event"] = transition.event
        if transition.guard is not None:
            attributes["cond"] = transition.guard
        targets = transition.targets
        if targets:
            source = "" if node.id == self._root else node.id
            inside = not transition.reenter and all(self._holds(source, target) for target in targets)
            attributes["target"] = " ".join(targets)
            if inside:
                attributes["type"] = "internal"
            if not transition.reenter:
                # It is told when the transition is taken where a history state leads to.
                attributes[f"{_F}stays"] = "true"
        element = ET.SubElement(parent, f"{_S}transition", attributes)
        _describe(element, transition.description)
        self._actions(element, transition.actions)
        return element

    def _holds(self, source: str, target: str) -> bool:
        return any(node.id == target for node in self._nodes[source].walk())

    def _invocation(self, parent: ET.Element, invocation: Invocation) -> None:
        element = ET.SubElement(parent, f"{_S}invoke")
        for name, value in (("id", invocation.id), ("idlocation", invocation.id_location)):
            if value is not None:
                element.set(name, value)
        self._either(element, "type", invocation.type)
        self._either(element, "src", invocation.source)
        if invocation.forwards:
            element.set("autoforward", "true")
        retry, payload = invocation.retry, invocation.payload
        if retry is not None:
            told = f"{retry.attempts} {retry.delay_ms} {retry.factor} {retry.delay_max_ms}"
            element.set(f"{_F}retry", told)
        if invocation.timeout_ms is not None:
            element.set(f"{_F}timeout", str(invocation.timeout_ms))
        if payload.content is not None:
            element.set(f"{_F}input", cel_text(payload.content))
        self._payload(element, payload.model_copy(update={"content": invocation.content}))
        if invocation.finalize:
            self._actions(ET.SubElement(element, f"{_S}finalize"), invocation.finalize)

    def _payload(self, element: ET.Element, payload: Payload) -> None:
        if payload.content is not None:
            ET.SubElement(element, f"{_S}content", {"expr": cel_text(payload.content)})
        self._params(element, payload.required, strict=True)
        self._params(element, payload.values)

    def _params(self, element: ET.Element, values: Mapping[str, Expression], *, strict: bool = False) -> None:
        for name, value in values.items():
            param = ET.SubElement(element, f"{_S}param", {"name": name, "expr": cel_text(value)})
            if strict:
                param.set(f"{_F}required", "true")

    def _actions(self, parent: ET.Element, actions: Iterable[Action]) -> None:
        for action in actions:
            self._action(parent, action)

    def _action(self, parent: ET.Element, action: Action) -> None:  # noqa: C901 - one for each kind
        match action:
            case Assign():
                self._assign(parent, action)
            case Raise():
                self._raise(parent, action)
            case Send():
                self._send(parent, action)
            case Cancel():
                ET.SubElement(parent, f"{_S}cancel", {"sendid": action.id})
            case Log():
                ET.SubElement(parent, f"{_S}log", {"expr": cel_text(action.expression)})
            case If():
                self._if(parent, action.branches)
            case ForEach():
                attributes = {"array": cel_text(action.array), "item": action.item}
                if action.index is not None:
                    attributes["index"] = action.index
                self._actions(ET.SubElement(parent, f"{_S}foreach", attributes), action.actions)
            case Block():
                self._actions(ET.SubElement(parent, f"{_F}block"), action.actions)
            case Dispatch():
                self._dispatch(parent, action)
            case Withdraw():
                ET.SubElement(parent, f"{_S}cancel", {"sendidexpr": cel_text(action.id)})
            case _:
                assert_never(action)

    def _assign(self, parent: ET.Element, action: Assign) -> None:
        if len(action.values) > 1:
            parent = ET.SubElement(parent, f"{_F}together")
        for name, value in action.values.items():
            ET.SubElement(parent, f"{_S}assign", {"location": name, "expr": cel_text(value)})

    def _raise(self, parent: ET.Element, action: Raise) -> None:
        if not action.data:
            ET.SubElement(parent, f"{_S}raise", {"event": action.event})
            return
        element = ET.SubElement(parent, f"{_S}send", {"event": action.event, "target": "#_internal"})
        self._params(element, action.data, strict=True)

    def _send(self, parent: ET.Element, action: Send) -> None:
        element = ET.SubElement(parent, f"{_S}send", {"event": action.event})
        if action.topic is not None:
            element.set("type", TOPICS)
            element.set("target", action.topic)
        if action.delay_ms:
            element.set("delay", f"{action.delay_ms}ms")
        if action.id is not None:
            element.set("id", action.id)
        self._params(element, action.data, strict=True)

    def _dispatch(self, parent: ET.Element, action: Dispatch) -> None:
        element = ET.SubElement(parent, f"{_S}send")
        self._either(element, "event", action.event)
        self._either(element, "target", action.target)
        self._either(element, "type", action.processor)
        self._either(element, "delay", action.delay)
        for name, value in (("id", action.id), ("idlocation", action.id_location)):
            if value is not None:
                element.set(name, value)
        self._payload(element, action.payload)

    def _either(self, element: ET.Element, name: str, expression: Expression | None) -> None:
        if expression is not None:
            element.set(f"{name}expr", cel_text(expression))

    def _if(self, parent: ET.Element, branches: tuple[Branch, ...]) -> None:
        first, *others = branches
        element = ET.SubElement(parent, f"{_S}if", {"cond": "true" if first.guard is None else first.guard})
        self._actions(element, first.actions)
        for branch in others:
            if branch.guard is None:
                ET.SubElement(element, f"{_S}else")
            else:
                ET.SubElement(element, f"{_S}elseif", {"cond": branch.guard})
            self._actions(element, branch.actions)


_VARIABLES: Final = frozenset({"context", "event"}) | TYPE_NAMES
"""What expressions of a machine name by itself."""


def _may_be_bare(name: str) -> bool:
    """Say whether a reader may take this name by itself for the data of this name, and for nothing else."""
    return is_field(name) and name not in _VARIABLES


def _describe(element: ET.Element, description: str) -> None:
    if description:
        element.set(f"{_F}description", description)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _assigned(definition: Definition) -> set[str]:
    """Collect the names that actions assign."""
    names: set[str | None] = set()
    for action in definition.actions():
        if isinstance(action, Assign):
            names.update(action.values)
        elif isinstance(action, ForEach):
            names |= {action.item, action.index}
    return {name for name in names if name is not None}

"""From SCXML to a definition, for documents whose expressions need no datamodel.

What cannot be said is refused with its reason. SCXML's default is an external transition, here `reenter: true`; its
`type="internal"` is our default. An initial state that is a history state or no child, or has content, becomes a
state of its own that is left at once.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCXML = "{http://www.w3.org/2005/07/scxml}"
STATES = {"state", "parallel", "final", "history"}
IN_STATE = re.compile(r"""\s*(!?)In\(['"]([^'"]+)['"]\)\s*""")
ENTER = "enter_"


class NotConvertible(Exception):
    """The document says something that the language or this converter does not have."""


@dataclass
class Converted:
    """A definition as JSON, and the SCXML id of each path."""

    definition: dict[str, Any]
    scxml_ids: dict[str, str] = field(default_factory=dict)


def convert(path: Path) -> Converted:
    root = ET.parse(path).getroot()  # noqa: S314 - files of our own
    return _Converter(root).convert()


class _Converter:
    def __init__(self, root: ET.Element) -> None:
        self.root = root
        self.paths: dict[str, str] = {}
        self.unnamed = 0

    def convert(self) -> Converted:
        self.name(self.root, "")
        body = self.state(self.root)
        converted = Converted({"foliot": 1, "id": "converted", **body})
        converted.scxml_ids = {path: scxml_id for scxml_id, path in self.paths.items()}
        return converted

    def name(self, element: ET.Element, path: str) -> None:
        for child in states_of(element):
            if "id" not in child.attrib:
                self.unnamed += 1
                child.set("id", f"unnamed_{self.unnamed}")
            name = re.sub(r"[^A-Za-z0-9_-]", "_", child.attrib["id"])
            child_path = f"{path}.{name}" if path else name
            if child_path in self.paths.values():
                raise NotConvertible("two ids become one name")
            self.paths[child.attrib["id"]] = child_path
            self.name(child, child_path)

    def state(self, element: ET.Element) -> dict[str, Any]:
        kind = tag(element)
        if kind == "history":
            return self.history(element)
        body: dict[str, Any] = {}
        children = {self.paths[child.attrib["id"]].split(".")[-1]: child for child in states_of(element)}
        if kind in {"parallel", "final"}:
            body["type"] = kind
        if children:
            body["states"] = {name: self.state(child) for name, child in children.items()}
        if children and kind != "parallel":
            self.initial(element, body)
        for block, key in (("onentry", "entry"), ("onexit", "exit")):
            actions = [action for child in element.findall(SCXML + block) for action in self.actions(child)]
            if actions:
                body[key] = actions
        self.transitions(element, body)
        for child in element:
            if tag(child) not in STATES | {"transition", "onentry", "onexit", "initial", "datamodel"}:
                raise NotConvertible(f"<{tag(child)}>")
            if tag(child) == "datamodel" and len(child):
                raise NotConvertible("<datamodel>")
        return body

    def initial(self, element: ET.Element, body: dict[str, Any]) -> None:
        children = [child for child in states_of(element) if tag(child) != "history"]
        target, actions = element.get("initial"), []
        node = element.find(SCXML + "initial")
        if node is not None:
            transition = node.find(SCXML + "transition")
            assert transition is not None
            target, actions = transition.attrib["target"], self.actions(transition)
        if target is None:
            target = children[0].attrib["id"]
        paths = [self.paths[each] for each in target.split()]
        names = [self.paths[child.attrib["id"]] for child in children]
        if not actions and len(paths) == 1 and paths[0] in names:
            body["initial"] = paths[0].rpartition(".")[2]
            return
        always = {"target": [f"#{each}" for each in paths], "actions": actions}
        body["states"][ENTER] = {"always": always}
        body["initial"] = ENTER

    def history(self, element: ET.Element) -> dict[str, Any]:
        transition = element.find(SCXML + "transition")
        assert transition is not None
        if len(transition):
            raise NotConvertible("actions in the default of a history state")
        targets = [f"#{self.paths[each]}" for each in transition.attrib["target"].split()]
        return {"type": "history", "history": element.get("type", "shallow"), "target": targets}

    def transitions(self, element: ET.Element, body: dict[str, Any]) -> None:
        on: dict[str, list[dict[str, Any]]] = {}
        always = []
        elements = element.findall(SCXML + "transition")
        for child in elements:
            transition = self.transition(child)
            if child is not elements[-1]:
                # What can never be taken is refused in a definition, and there are scripts about just that.
                transition.setdefault("guard", "true")
            if "event" not in child.attrib:
                always.append(transition)
            for descriptor in child.get("event", "").split():
                if descriptor in on and list(on)[-1] != descriptor:
                    raise NotConvertible("an event whose transitions do not stand together")
                on.setdefault(descriptor.removesuffix("."), []).append(transition)
        if on:
            body["on"] = on
        if always:
            body["always"] = always

    def transition(self, element: ET.Element) -> dict[str, Any]:
        transition: dict[str, Any] = {}
        if "target" in element.attrib:
            transition["target"] = [f"#{self.paths[each]}" for each in element.attrib["target"].split()]
            transition["reenter"] = element.get("type") != "internal"
        if "cond" in element.attrib:
            transition["guard"] = self.guard(element.attrib["cond"])
        actions = self.actions(element)
        if actions:
            transition["actions"] = actions
        return transition

    def guard(self, condition: str) -> str:
        found = IN_STATE.fullmatch(condition)
        if found:
            return f"{found[1]}inState('{self.paths[found[2]]}')"
        if condition.strip() in {"true", "false"}:
            return condition.strip()
        raise NotConvertible(f"the condition {condition.strip()}")

    def actions(self, element: ET.Element) -> list[dict[str, Any]]:
        return [action for child in element for action in self.action(child)]

    def action(self, element: ET.Element) -> list[dict[str, Any]]:
        attributes = element.attrib
        match tag(element):
            case "raise":
                return [{"raise": attributes["event"]}]
            case "log":
                return [{"log": "'log'"}]
            case "cancel" if "sendid" in attributes:
                return [{"cancel": attributes["sendid"]}]
            case "send" if set(attributes) <= {"event", "delay", "id"} and not len(element):
                send = {"event": attributes["event"], "delay": attributes.get("delay", "0s")}
                return [{"send": {**send, "id": attributes["id"]} if "id" in attributes else send}]
            case name:
                extra = " ".join(sorted(set(attributes) - {"event", "delay", "id"})) if name == "send" else ""
                raise NotConvertible(f"<{name}> {extra}".strip())


def tag(element: ET.Element) -> str:
    return element.tag.removeprefix(SCXML)


def states_of(element: ET.Element) -> list[ET.Element]:
    return [child for child in element if tag(child) in STATES]

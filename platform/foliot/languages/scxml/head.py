"""What a document says of the machine as a whole in Foliot's own words, as `write_scxml` writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast

from foliot.definition import (
    EVENT_NAME,
    ContextSpec,
    EventSpec,
    Faults,
    JsonSchema,
    Mapping,
    ReadingStopped,
    Scalar,
    Tree,
    check_instance,
    check_schema,
    plain,
    read_json,
)
from foliot.languages.scxml.elements import Element
from foliot.languages.trees import json_tree, object_tree

_NO_SCHEMA: Final = "Write a JSON Schema, as the writer does."


@dataclass(frozen=True, slots=True)
class Head:
    """What stands in a definition beside its states."""

    description: str
    create: Literal["on_event", "explicit"]
    poison: Literal["park", "skip"]
    context: ContextSpec
    events: dict[str, EventSpec]


def initial_data(root: Element) -> list[Element]:
    """Give the data that are the initial context, as JSON, and not assigned on entry as SCXML has it."""
    models = [model for model in root.all("datamodel") if model.attributes.get("foliot:initial") == "true"]
    return [data for model in models for data in model.all("data")]


def read_head(root: Element, faults: Faults) -> Head:
    """Read it; `check_elements` has looked at its words."""
    initial = _initial(root, faults)
    schema = None
    for element in root.all("foliot:context"):
        tree = _schema(element, faults)
        validator = None if tree is None else check_schema(tree, faults)
        if tree is not None and validator is not None:
            check_instance(object_tree(initial, element.place, ("context", "initial")), validator, faults)
            schema = cast("JsonSchema", plain(tree))
    attributes = root.attributes
    return Head(
        description=attributes.get("foliot:description", ""),
        create="explicit" if attributes.get("foliot:create") == "explicit" else "on_event",
        poison="skip" if attributes.get("foliot:poison") == "skip" else "park",
        context=ContextSpec(json_schema=schema, initial={name: plain(value) for name, value in initial.items()}),
        events=dict(_event(element, faults) for element in root.all("foliot:event")),
    )


def _initial(root: Element, faults: Faults) -> dict[str, Tree]:
    found: dict[str, Tree] = {}
    for data in initial_data(root):
        tree = _value(data, faults)
        if tree is not None:
            found[data.attributes.get("id", "")] = tree
    return found


def _event(element: Element, faults: Faults) -> tuple[str, EventSpec]:
    name = element.attributes.get("name", "")
    if not EVENT_NAME.match(name):
        what = f"{faults.quote(name)} can't be the name of an event."
        faults.error("D503", element.place, what, 'Write <foliot:event name="…">.')
    tree = _schema(element, faults) if element.text.strip() else None
    if tree is None or check_schema(tree, faults) is None:
        return name, EventSpec()
    return name, EventSpec(json_schema=cast("JsonSchema", plain(tree)))


def _schema(element: Element, faults: Faults) -> Tree | None:
    tree = _value(element, faults)
    if tree is None or isinstance(tree, Mapping) or (isinstance(tree, Scalar) and isinstance(tree.value, bool)):
        return tree
    faults.error("D203", element.place, "Here something else stands instead of a JSON Schema.", _NO_SCHEMA)
    return None


def _value(element: Element, faults: Faults) -> Tree | None:
    """Read the JSON between tags, all of it at the place of its element; None where it is none."""
    inner = Faults("", faults.limits)
    try:
        tree = read_json(element.text, inner)
    except ReadingStopped:
        tree = None
    for fault in inner.sorted():
        faults.error(fault.code, element.place, f"Between the tags: {fault.what}", fault.remedy)
    return None if tree is None or inner.any_error() else json_tree(plain(tree), element.place, (element.name,))

"""What SCXML's schema would refuse in a document: elements, attributes and words that mean nothing where they stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from foliot.definition import Faults, Place, did_you_mean, exclusions
from foliot.languages.scxml.elements import Element

_ACTIONS: Final = frozenset({"raise", "if", "foreach", "log", "assign", "script", "send", "cancel"})
_IN_STATE: Final = frozenset({"onentry", "onexit", "transition", "state", "parallel", "history", "datamodel", "invoke"})
_CHILDREN: Final[Mapping[str, Collection[str]]] = MappingProxyType(
    {
        "scxml": _IN_STATE - {"invoke"} | {"final", "script"},
        "state": _IN_STATE | {"final", "initial", "script"},
        "parallel": _IN_STATE | {"script"},
        "final": frozenset({"onentry", "onexit", "donedata"}),
        "history": frozenset({"transition"}),
        "initial": frozenset({"transition"}),
        "datamodel": frozenset({"data"}),
        "donedata": frozenset({"content", "param"}),
        "send": frozenset({"content", "param"}),
        "invoke": frozenset({"content", "param", "finalize"}),
    }
)
"""What may stand in what, where it is not read as a list of actions; the root may have what Foliot writes there."""
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "raise": ("event",),
        "assign": ("location",),
        "if": ("cond",),
        "elseif": ("cond",),
        "foreach": ("array", "item"),
        "data": ("id",),
        "param": ("name",),
    }
)
_WORDS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = MappingProxyType(
    {
        ("transition", "type"): ("internal", "external"),
        ("history", "type"): ("shallow", "deep"),
        ("scxml", "binding"): ("early", "late"),
        ("scxml", "foliot:create"): ("on_event", "explicit"),
        ("scxml", "foliot:poison"): ("park", "skip"),
    }
)
_ATTRIBUTES: Final[Mapping[str, Collection[str]]] = MappingProxyType(
    {
        "scxml": ("initial", "name", "version", "datamodel", "binding", "exmode"),
        "state": ("id", "initial"),
        "parallel": ("id",),
        "final": ("id",),
        "history": ("id", "type"),
        "initial": (),
        "transition": ("event", "cond", "target", "type"),
        "onentry": (),
        "onexit": (),
        "datamodel": (),
        "data": ("id", "src", "expr"),
        "donedata": (),
        "content": ("expr",),
        "param": ("name", "expr", "location"),
        "raise": ("event",),
        "if": ("cond",),
        "elseif": ("cond",),
        "else": (),
        "foreach": ("array", "item", "index"),
        "log": ("label", "expr"),
        "assign": ("location", "expr", "type", "attr"),
        "script": ("src",),
        "send": (
            *("event", "eventexpr", "target", "targetexpr", "type", "typeexpr", "id", "idlocation"),
            *("delay", "delayexpr", "namelist"),
        ),
        "cancel": ("sendid", "sendidexpr"),
        "invoke": ("type", "typeexpr", "src", "srcexpr", "id", "idlocation", "namelist", "autoforward"),
        "finalize": (),
    }
)
_ASKED: Final = re.compile(r"""\bIn\(\s*(['"])([^'"]*)\1\s*\)""")


def check_elements(element: Element, states: Collection[str], faults: Faults) -> None:
    """Note what means nothing in an element and below it; `states` are the ids of the document's states."""
    _check_attributes(element, faults)
    for source in (element.attributes.get("cond", ""), element.attributes.get("expr", "")):
        for found in _ASKED.finditer(source):
            if found[2] not in states:
                what = f"There is no state {faults.quote(found[2])} to be in."
                faults.warning("D606", element.place, what, did_you_mean(found[2], states))
    allowed = _CHILDREN.get(element.name)
    for child in element.children:
        is_own = not child.name.startswith(("{", "foliot:"))
        if allowed is not None and is_own and child.name not in allowed:
            what = f"<{child.name}> has no meaning in <{element.name}>."
            faults.error("D803", child.place, what, did_you_mean(child.name, sorted(allowed)))
        if is_own and child.name != "scxml":
            check_elements(child, states, faults)


def _check_attributes(element: Element, faults: Faults) -> None:
    known = _ATTRIBUTES.get(element.name, element.attributes)
    for name in element.attributes:
        if name not in known and not name.startswith(("{", "foliot:")):
            what = f"<{element.name}> has no attribute {faults.quote(name)}."
            faults.error("D201", element.place, what, did_you_mean(name, known) or "Take it out.")
    for name in _NEEDED.get(element.name, ()):
        if name not in element.attributes:
            faults.error("D804", element.place, f"<{element.name}> needs {name}.", f'Write {name}="…".')
    for (owner, name), allowed in _WORDS.items():
        word = element.attributes.get(name)
        if owner == element.name and word is not None and word not in allowed:
            what = f"{faults.quote(word)} is not allowed here."
            faults.error("D204", element.place, what, did_you_mean(word, allowed))


def not_below(targets: Iterable[str], parents: Mapping[str, str], state: str) -> Iterator[str]:
    """Yield the targets that do not lie below a state (no id: the root); `parents` names the state around each."""
    for target in targets if state else ():
        above = parents.get(target)
        while above not in {None, state}:
            above = parents.get(above)
        if above is None:
            yield target


def check_together(
    targets: Sequence[str],
    states: Mapping[str, Element],
    parents: Mapping[str, str],
    element: Element,
    note: Callable[[str, Place, str, str], None],
) -> None:
    """Note targets of an element that can't be active together; `parents` names the state around each, if any."""

    def parent(state: str) -> str:
        return parents.get(state, "")

    def is_parallel(state: str) -> bool:
        return state in states and states[state].name == "parallel"

    for exclusion in exclusions(targets, parent, is_parallel):
        # To SCXML a state and one below it are no contradiction: both are active then.
        if exclusion is not None and not exclusion.is_nested:
            note("D403", element.place, exclusion.what, exclusion.remedy)

"""From a document in SCXML 1.0 to a machine.

Source: W3C Recommendation "State Chart XML (SCXML)", 1 September 2015, on the data model "cel" (or "null").
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from foliot.definition import (
    Action,
    After,
    Block,
    Definition,
    DefinitionRefused,
    Diagnostic,
    Faults,
    Invocation,
    Limits,
    Payload,
    Place,
    Places,
    Reading,
    ReadingStopped,
    StateKind,
    StateNode,
    Transition,
    check_size,
    decode,
    did_you_mean,
    duration_ms,
)
from foliot.languages.scxml.actions import ActionReader, Resource, script_lines
from foliot.languages.scxml.checking import check_elements, check_together, not_below
from foliot.languages.scxml.elements import TOPICS, Element, parse_xml
from foliot.languages.scxml.expressions import Translator, is_field
from foliot.languages.scxml.head import initial_data, read_head
from foliot.languages.trees import machine_id

_KINDS: Final = ("state", "parallel", "final", "history")
_DATAMODELS: Final = ("cel", "null", "")
_LIMITS: Final = Limits()
_OF_GROUPS: Final = frozenset({"event", "foliot:after", "foliot:done", "foliot:invoke", "foliot:error"})
"""Attributes by which transitions are parted; most have the first alone."""


@dataclass(frozen=True, slots=True)
class ScxmlReading:
    """A document read: the machine, the names that who invokes it may give values to, and what was noticed."""

    definition: Definition
    parameters: frozenset[str]
    diagnostics: tuple[Diagnostic, ...]
    places: Places


def read_scxml(text: str | bytes, *, filename: str, resource: Resource | None = None) -> ScxmlReading:
    """Read a document. `resource` gives what a `src` names; without it every `src` is an error when it is needed.

    Raises:
        DefinitionRefused: it is no SCXML, or says what cannot be; `diagnostics` has all of it.
    """
    faults = Faults(filename, _LIMITS)
    reading = _read(text, faults, resource or _nothing)
    if reading is None or faults.any_error():
        raise DefinitionRefused(faults.sorted())
    return reading


def reading_of_scxml(text: str | bytes, *, filename: str, limits: Limits = _LIMITS) -> Reading:
    """Read a document and keep all that is known of it."""
    faults = Faults(filename, limits)
    reading = _read(text, faults, _nothing)
    if reading is None or faults.any_error():
        return Reading(None, faults.sorted())
    return Reading(reading.definition, faults.sorted(), places=reading.places)


def _read(text: str | bytes, faults: Faults, resource: Resource) -> ScxmlReading | None:
    try:
        return _Document(parse_xml(decode(text, faults), faults), faults, resource).read()
    except ReadingStopped:
        return None


def _nothing(uri: str) -> str:
    raise LookupError(f"{uri[:80]} cannot be fetched: nothing outside of the document is read here.")


def _walk(element: Element) -> Iterator[Element]:
    """Yield the element and all below it that belong to the same document."""
    yield element
    for child in element.children:
        if child.name != "scxml":
            yield from _walk(child)


@dataclass(frozen=True, slots=True)
class _Groups:
    """The transitions of a state; those of its invocations by place and end, as in `0 done`."""

    always: tuple[Transition, ...] = ()
    after: tuple[After, ...] = ()
    done: tuple[Transition, ...] = ()
    services: Mapping[str, tuple[Transition, ...]] = field(default_factory=dict)
    errors: tuple[Transition, ...] = ()
    others: tuple[Transition, ...] = ()


class _Document:
    def __init__(self, root: Element, faults: Faults, resource: Resource) -> None:
        self._root = root
        self._faults = faults
        self._numbers = itertools.count()
        self._places: dict[int, Place] = {}
        self._initial = frozenset(id(each) for each in initial_data(root))
        self._late = root.attributes.get("binding") == "late"
        name = root.attributes.get("name", "machine")
        bare = root.attributes.get("foliot:whole") != "true"
        asks = root.attributes.get("foliot:system") == "true"
        self._translator = Translator(name, _data_names(root, bare=bare), bare, asks)
        delivers = any(each.name == "send" and _is_for_others(each.attributes) for each in _walk(root))
        self._actions = ActionReader(self._translator, faults, resource, delivers=delivers)

    def read(self) -> ScxmlReading:
        if self._root.name != "scxml":
            self._faults.error("D803", self._root.place, "The document is no <scxml>.", "Begin with <scxml>.")
            raise ReadingStopped("no scxml")
        datamodel = self._root.attributes.get("datamodel", "")
        if datamodel not in _DATAMODELS:
            remedy = 'Write its expressions in CEL, and datamodel="cel".'
            what = f"The data model {self._faults.quote(datamodel)} is not known here."
            self._faults.error("D807", self._root.place, what, remedy)
        self._name_all()
        check_elements(self._root, self._ids, self._faults)
        head = read_head(self._root, self._faults)
        root = self._top()
        definition = Definition(
            id=machine_id(self._translator.name),
            description=head.description,
            create=head.create,
            poison=head.poison,
            context=head.context,
            events=head.events,
            system=self._translator.asks,
            root=root,
        )
        check_size(definition, self._faults, self._root.place)
        parameters = frozenset(data.attributes.get("id", "") for data in _declared(self._root))
        states = {"": self._root.place} | {name: element.place for name, element in self._ids.items()}
        return ScxmlReading(definition, parameters, self._faults.sorted(), Places(states, self._places))

    def _top(self) -> StateNode:
        """Read the root: the document, or the one state in it that stands for all of the machine."""
        states = [child for child in self._root.children if child.name in _KINDS]
        if len(states) != 1 or states[0].attributes.get("foliot:root") != "true":
            return self._state(self._root, is_root=True)
        [top] = states
        bindings = self._entry(self._root, is_root=True)
        root = self._state(top, is_root=True)
        return root.model_copy(update={"entry": (*bindings, *root.entry)})

    def _name_all(self) -> None:
        """Give an id to each state that has none, and note those that two have."""
        self._ids: dict[str, Element] = {}
        self._parents: dict[str, str] = {}
        states = [each for each in _walk(self._root) if each.name in _KINDS]
        given = {each.attributes.get("id") for each in states}
        for number, element in enumerate(states, start=1):
            made = f"_{number}"
            while made in given:
                made += "_"
            name = element.attributes.setdefault("id", made)
            if name.split() != [name]:
                what = f"{self._faults.quote(name)} is not allowed as an id."
                self._faults.error("D204", element.place, what, "Write one without blanks, or leave it out.")
            if name in self._ids:
                what = f"Another state has the id {self._faults.quote(name)} too."
                self._faults.error("D806", element.place, what, "Give each state an id of its own.")
            self._ids[name] = element
        for name, element in self._ids.items():
            self._parents |= {child.attributes["id"]: name for child in element.children if child.name in _KINDS}

    def _state(self, element: Element, parent_id: str = "", *, is_root: bool = False) -> StateNode:
        children = [child for child in element.children if child.name in _KINDS]
        kind = self._kind(element, children)
        state_id = "" if is_root else element.attributes["id"]
        defaults, default_actions = self._defaults(element, kind, children)
        simple = len(defaults) == 1 and any(child.attributes["id"] == defaults[0] for child in children)
        is_child = kind == "compound" and simple and self._ids[defaults[0]].name != "history"
        groups = self._groups(element, kind)
        return StateNode(
            id=state_id,
            # An id that is a path, as `write_scxml` writes them, ends in the name.
            name=state_id.removeprefix(f"{parent_id}."),
            kind=kind,
            description="" if is_root else element.attributes.get("foliot:description", ""),
            initial=defaults[0] if is_child else None,
            default_targets=() if is_child else defaults,
            default_actions=default_actions,
            always=groups.always,
            after=groups.after,
            on_done=groups.done,
            on_error=groups.errors,
            rollback="foliot:rollback" in element.attributes,
            transitions=groups.others,
            entry=self._entry(element, is_root=is_root),
            exit=self._actions.blocks(element.all("onexit")),
            history=_history(element),
            output=self._output(element),
            invocations=self._invocations(element, groups.services),
            defer=tuple(element.attributes.get("foliot:defer", "").split()),
            children=tuple(self._state(child, state_id) for child in children),
        )

    def _kind(self, element: Element, children: list[Element]) -> StateKind:
        match element.name:
            case "parallel":
                return "parallel"
            case "final":
                return "final"
            case "history":
                return "history"
            case _:
                return "compound" if any(child.name != "history" for child in children) else "atomic"

    def _defaults(
        self, element: Element, kind: StateKind, children: list[Element]
    ) -> tuple[tuple[str, ...], tuple[Action, ...]]:
        if kind == "history":
            for transition in element.all("transition"):
                parent = self._parents.get(element.attributes["id"], "")
                targets = self._default_targets(transition, "target", parent, "D311")
                if any(self._ids[target].name == "history" for target in targets):
                    what, remedy = "A history state leads to a history state.", "Name a state that is none."
                    self._faults.error("D311", transition.place, what, remedy)
                return targets, self._actions.block(transition)
            self._faults.error("D804", element.place, "A history state needs a <transition>.", "Say its default.")
            return (), ()
        if kind != "compound":
            return (), ()
        for initial in element.all("initial"):
            for transition in initial.all("transition"):
                targets = self._default_targets(transition, "target", element.attributes.get("id", ""), "D303")
                return targets, self._actions.block(transition)
            self._faults.error("D804", initial.place, "<initial> needs a <transition>.", "Say which state is entered.")
        if "initial" in element.attributes:
            return self._default_targets(element, "initial", element.attributes.get("id", ""), "D303"), ()
        first = next(child for child in children if child.name != "history")
        return (first.attributes["id"],), ()

    def _targets(self, element: Element) -> tuple[str, ...]:
        return self._known(element.attributes.get("target", ""), element)

    def _default_targets(self, element: Element, attribute: str, state: str, code: str) -> tuple[str, ...]:
        """Read what is entered by default, which lies below `state`; `code` is of the fault where it does not."""
        names = element.attributes.get(attribute, "")
        if not names.split():
            what = f"<{element.name}> needs a state in {attribute}: it is entered by default."
            self._faults.error("D804", element.place, what, f'Write {attribute}="…".')
        targets = self._known(names, element, by_default=True)
        for target in not_below(targets, self._parents, state):
            what = f"{self._faults.quote(target)} does not lie below {self._faults.quote(state)}."
            self._faults.error(code, element.place, what, "Name a state in it.")
        return targets

    def _known(self, names: str, element: Element, *, by_default: bool = False) -> tuple[str, ...]:
        for name in names.split():
            if name not in self._ids:
                what = f"There is no state {self._faults.quote(name)}."
                self._faults.error("D805", element.place, what, did_you_mean(name, self._ids))
        known = tuple(name for name in names.split() if name in self._ids)
        # A transition may never be taken; what is entered by default mostly is.
        note = self._faults.error if by_default else self._faults.warning
        check_together(known, self._ids, self._parents, element, note)
        return known

    def _groups(self, element: Element, kind: StateKind) -> _Groups:
        """Read the transitions, in the order in which Foliot numbers them."""
        if kind == "history":
            return _Groups()
        below = {each.attributes["id"] for each in _walk(element) if each is not element and each.name in _KINDS}
        inside = below if kind == "compound" else set()
        elements = element.all("transition")
        always = [each for each in elements if "event" not in each.attributes]
        timed = [each for each in elements if "foliot:after" in each.attributes]
        done = [each for each in elements if "foliot:done" in each.attributes]
        errors = [each for each in elements if "foliot:error" in each.attributes]
        others = [each for each in elements if each.attributes.keys() & _OF_GROUPS == {"event"}]
        eventless = tuple(self._transition(each, inside) for each in always)
        delays = dict(_armed(element))
        after: dict[str, list[Transition]] = {timer_id: [] for timer_id in delays}
        for each in timed:
            timer_id = each.attributes.get("event", "")
            delays[timer_id] = self._milliseconds(each)
            after.setdefault(timer_id, []).append(self._transition(each, inside))
        finished = tuple(self._transition(each, inside) for each in done)
        services: dict[str, tuple[Transition, ...]] = {}
        for each in elements:
            if "foliot:invoke" in each.attributes:
                end = each.attributes["foliot:invoke"]
                services[end] = (*services.get(end, ()), self._transition(each, inside))
        return _Groups(
            always=eventless,
            after=tuple(
                After(delay_ms=delays[timer_id], id=timer_id, transitions=tuple(group))
                for timer_id, group in after.items()
            ),
            done=finished,
            services=services,
            errors=tuple(self._transition(each, inside) for each in errors),
            others=tuple(self._transition(each, inside) for each in others),
        )

    def _milliseconds(self, element: Element) -> int:
        written = element.attributes["foliot:after"]
        if re.fullmatch(r"[0-9]{1,15}", written) is None:
            what = f"{self._faults.quote(written)} is no number of milliseconds."
            self._faults.error("D407", element.place, what, "Write foliot:after as a number, as the writer does.")
            return 0
        return int(written)

    def _transition(self, element: Element, inside: set[str]) -> Transition:
        attributes = element.attributes
        targets = self._targets(element)
        is_internal = attributes.get("type") == "internal" and bool(inside) and inside.issuperset(targets)
        stays = is_internal or attributes.get("foliot:stays") == "true"
        index = next(self._numbers)
        self._places[index] = element.place
        return Transition(
            index=index,
            event=attributes.get("event"),
            targets=targets,
            guard=self._actions.guard(element),
            actions=self._actions.block(element),
            reenter="target" in attributes and not stays,
            description=attributes.get("foliot:description", ""),
        )

    def _entry(self, element: Element, *, is_root: bool) -> tuple[Action, ...]:
        handlers = self._actions.blocks(element.all("onentry"))
        data: list[Element] = []
        if self._late:
            data = _declared(element)
        elif is_root:
            data = [each for state in _walk(element) for each in _declared(state)] if element is self._root else []
        bound = [each for each in data if "id" in each.attributes and id(each) not in self._initial]
        bindings = [self._actions.data(each) for each in bound]
        scripts = [Block(actions=self._actions.script(each)) for each in element.all("script")] if is_root else []
        if not bindings and not scripts:
            return handlers
        return (*bindings, *scripts, *((Block(actions=handlers),) if handlers else ()))

    def _output(self, element: Element) -> Payload | None:
        for donedata in element.all("donedata") if element.name == "final" else ():
            return self._actions.payload(donedata)
        return None

    def _invocations(self, element: Element, services: Mapping[str, tuple[Transition, ...]]) -> tuple[Invocation, ...]:
        return tuple(
            self._actions.invocation(each).model_copy(
                update={"on_done": services.get(f"{place} done", ()), "on_error": services.get(f"{place} error", ())}
            )
            for place, each in enumerate(element.all("invoke"))
        )


def _is_for_others(send: dict[str, str]) -> bool:
    goes_elsewhere = "targetexpr" in send or send.get("target", "#_internal") != "#_internal"
    return goes_elsewhere and send.get("type") != TOPICS


def _armed(element: Element) -> Iterator[tuple[str, int]]:
    """Yield the timers that a state arms for transitions of its own, also those that trigger none."""
    for send in (each for handler in element.all("onentry") for each in handler.all("send")):
        delay_ms = duration_ms(send.attributes.get("delay", "")) if "foliot:after" in send.attributes else None
        if delay_ms is not None:
            yield send.attributes.get("event", ""), delay_ms


def _declared(element: Element) -> list[Element]:
    return [data for model in element.all("datamodel") for data in model.all("data")]


def _data_names(root: Element, *, bare: bool) -> frozenset[str]:
    """Collect all names that the document's data may have: those that are declared, and those that are assigned.

    Where expressions name none as they are, it may be any text.
    """
    names: set[str] = set()
    for element in _walk(root):
        attributes = element.attributes
        if element.name == "data":
            names.add(attributes.get("id", ""))
        for place in ("item", "index") if element.name == "foreach" else ():
            names.add(attributes.get(place, ""))
        if element.name == "assign" and not bare:
            names.add(attributes.get("location", ""))
        if element.name in {"send", "invoke"}:
            names.add(attributes.get("idlocation", ""))
        names.update(attributes.get("foliot:names", "").split() if element.name == "scxml" else ())
        if element.name == "script":
            names.update(line.partition("=")[0].strip() for line in script_lines(element.text))
    return frozenset(name for name in names if not bare or is_field(name))


def _history(element: Element) -> Literal["shallow", "deep"] | None:
    if element.name != "history":
        return None
    return "deep" if element.attributes.get("type") == "deep" else "shallow"

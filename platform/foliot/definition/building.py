"""From the tree of the text to the normalized model; every fault that has a place is noted on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, cast

from foliot.definition import words
from foliot.definition.actions import ActionReader
from foliot.definition.census import Census, Sketch, parent_id, within
from foliot.definition.invoking import InvocationReader
from foliot.definition.model import (
    ERROR,
    After,
    ContextSpec,
    Definition,
    EventSpec,
    JsonObject,
    JsonSchema,
    StateNode,
    Transition,
    after_id,
    done_event,
)
from foliot.definition.shape import Shape
from foliot.definition.targets import TargetReader
from foliot.definition.tree import Located, Mapping, Scalar, Sequence, Tree, plain

ROLLBACK = "rollback"
TRANSITION_KEYS = ("target", "guard", "actions", "reenter", "description")


@dataclass(frozen=True, slots=True)
class Built:
    """The model, where each transition stands (by index), and what else was noted."""

    definition: Definition
    places: dict[int, Located] = field(repr=False)


class Builder:
    """Builds one definition. Where a fault was noted, the model is a guess that nobody uses but later checks."""

    def __init__(self, shape: Shape, census: Census) -> None:
        self.actions = ActionReader(shape)
        self._shape = shape
        self._faults = shape.faults
        self._census = census
        self._targets = TargetReader(shape, census)
        self._places: dict[int, Located] = {}

    def build(self, document: Mapping) -> Built:
        """Build the whole machine."""
        self._check_version(document)
        create = self._word(document, "create", ("on_event", "explicit"), "on_event")
        poison = self._word(document, "poison", ("park", "skip"), "park")
        machine_id = self._machine_id(document)
        self._invocations = InvocationReader(self._shape, self._census, self.actions, machine_id)
        definition = Definition(
            id=machine_id,
            description=self._description(document),
            create=cast("Literal['on_event', 'explicit']", create),
            poison=cast("Literal['park', 'skip']", poison),
            context=self._context(document.values.get("context")),
            events=self._events(document.values.get("events")),
            root=self._state(self._census.root),
        )
        self.actions.finish()
        return Built(definition, self._places)

    def _check_version(self, document: Mapping) -> None:
        version = self._shape.need(document, "foliot", "Write 'foliot: 1', the version of the language.")
        if isinstance(version, Scalar) and type(version.value) is int and version.value == 1:
            return
        if version is not None:
            self._faults.error("D205", version, "This version of the language is not known.", "Write 'foliot: 1'.")

    def _machine_id(self, document: Mapping) -> str:
        tree = self._shape.need(document, "id", "Name the machine: 'id: order'.")
        text = None if tree is None else self._shape.text(tree)
        if tree is not None and text is not None and not words.MACHINE_ID.match(text):
            what = f"{self._faults.quote(text)} can't be the id of a machine."
            remedy = words.MACHINE_ID_FORM
            self._faults.error("D206", tree, what, remedy)
        return text or ""

    def _word(self, mapping: Mapping, name: str, allowed: tuple[str, ...], default: str) -> str:
        tree = mapping.values.get(name)
        return default if tree is None else self._shape.word(tree, allowed) or default

    def _description(self, mapping: Mapping) -> str:
        tree = mapping.values.get("description")
        return "" if tree is None else self._shape.text(tree) or ""

    def _context(self, tree: Tree | None) -> ContextSpec:
        mapping = None if tree is None else self._shape.mapping(tree, "an object with schema and initial")
        if mapping is None:
            return ContextSpec()
        self._shape.only(mapping, ("schema", "initial"), "Write the values under 'initial': {initial: {name: value}}.")
        initial = mapping.values.get("initial")
        values = None if initial is None else self._shape.mapping(initial, "an object")
        return ContextSpec(
            json_schema=self._schema(mapping),
            initial={} if values is None else cast("JsonObject", plain(values)),
        )

    def _events(self, tree: Tree | None) -> dict[str, EventSpec]:
        events = None if tree is None else self._shape.mapping(tree, "an object of events")
        if events is None:
            return {}
        specs: dict[str, EventSpec] = {}
        for name, value in events.values.items():
            self.actions.good_event(name, events.keys[name], to_itself=True)
            if isinstance(value, Scalar) and value.value is None:
                specs[name] = EventSpec()
            elif (mapping := self._shape.mapping(value, "an object with schema")) is not None:
                self._shape.only(mapping, ("schema",))
                specs[name] = EventSpec(json_schema=self._schema(mapping))
        return specs

    def _schema(self, mapping: Mapping) -> JsonSchema | None:
        tree = mapping.values.get("schema")
        if isinstance(tree, Mapping) or (isinstance(tree, Scalar) and isinstance(tree.value, bool)):
            return cast("JsonSchema", plain(tree))
        if tree is not None:
            self._shape.wrong(tree, "a JSON Schema")
        return None

    def _state(self, sketch: Sketch) -> StateNode:
        body = sketch.body.values
        history = self._history(sketch) if sketch.kind == "history" else None
        # Faults inside of what may not be here would only hide the first one.
        leads_on = sketch.kind not in {"history", "final"}
        always = self._listed(body.get("always"), None, sketch) if leads_on else ()
        after = self._after(body.get("after"), sketch) if leads_on else ()
        on_done = self._listed(body.get("onDone"), done_event(sketch.id), sketch) if leads_on else ()
        invocations = self._invocations.invocations(body.get("invoke"), sketch, self._listed) if leads_on else ()
        on_error, rollback = self._on_error(body.get("onError"), sketch) if leads_on else ((), False)
        return StateNode(
            id=sketch.id,
            name=sketch.name,
            kind=sketch.kind,
            description="" if not sketch.id else self._description(sketch.body),
            initial=sketch.initial,
            always=always,
            after=after,
            on_done=on_done,
            invocations=invocations,
            on_error=on_error,
            rollback=rollback,
            transitions=self._on(body.get("on"), sketch) if leads_on else (),
            entry=() if history else self.actions.block(body.get("entry")),
            exit=() if history else self.actions.block(body.get("exit")),
            history=history,
            defer=self._defer(body["defer"]) if leads_on and "defer" in body else (),
            output=self.actions.payload(body["output"]) if sketch.kind == "final" and "output" in body else None,
            default_targets=self._default_targets(sketch) if history else (),
            children=tuple(self._state(child) for child in sketch.children),
        )

    def _history(self, sketch: Sketch) -> Literal["shallow", "deep"]:
        tree = sketch.body.values.get("history")
        word = None if tree is None else self._shape.word(tree, ("shallow", "deep"))
        return "deep" if word == "deep" else "shallow"

    def _default_targets(self, sketch: Sketch) -> tuple[str, ...]:
        tree = sketch.body.values.get("target")
        targets = self._targets.targets(tree, sketch)
        parent = parent_id(sketch.id)
        for target in targets if tree is not None else ():
            inside = target != parent and within(target, parent)
            if (not inside or self._census.states[target].kind == "history") and tree is not None:
                what = f"The default '{target}' is not a state that '{parent or 'the machine'}' could have been in."
                remedy = "Name a state, not a history, beside this history state or below such a one."
                self._faults.error("D311", tree, what, remedy)
        return targets

    def _on(self, tree: Tree | None, sketch: Sketch) -> tuple[Transition, ...]:
        mapping = None if tree is None else self._shape.mapping(tree, "an object of events")
        if mapping is None:
            return ()
        found: list[Transition] = []
        for descriptor, key in mapping.keys.items():
            if not words.EVENT_DESCRIPTOR.match(descriptor):
                what = f"{self._faults.quote(descriptor)} fits no event."
                remedy = words.EVENT_DESCRIPTOR_FORM
                self._faults.error("D409", key, what, remedy)
            found.extend(self._listed(mapping.values[descriptor], descriptor, sketch))
        return tuple(found)

    def _defer(self, tree: Tree) -> tuple[str, ...]:
        items = tree.items if isinstance(tree, Sequence) else (tree,)
        read = [(self._shape.text(item, "an event, or a list of events"), item) for item in items]
        for descriptor, item in read:
            if descriptor is not None and not words.EVENT_DESCRIPTOR.match(descriptor):
                what = f"{self._faults.quote(descriptor)} fits no event."
                self._faults.error("D409", item, what, words.EVENT_DESCRIPTOR_FORM)
        return tuple(descriptor for descriptor, _ in read if descriptor is not None)

    def _after(self, tree: Tree | None, sketch: Sketch) -> tuple[After, ...]:
        mapping = None if tree is None else self._shape.mapping(tree, "an object of durations")
        if mapping is None:
            return ()
        found: dict[int, After] = {}
        for name, key in mapping.keys.items():
            delay_ms = self.actions.duration(key)
            event = after_id(delay_ms or 0, sketch.id)
            transitions = self._listed(mapping.values[name], event, sketch)
            if delay_ms is None:
                continue
            if delay_ms in found:
                what = f"Another timeout of this state takes {delay_ms} ms too."
                self._faults.error("D410", key, what, "Put both transitions into one list.")
            found[delay_ms] = After(delay_ms=delay_ms, id=event, transitions=transitions)
        return tuple(found.values())

    def _listed(self, tree: Tree | None, event: str | None, sketch: Sketch) -> tuple[Transition, ...]:
        """Read what stands for an event: a target, a transition, or a list of these."""
        if tree is None:
            return ()
        items = tree.items if isinstance(tree, Sequence) else (tree,)
        read = [self._transition(item, event, sketch) for item in items]
        return tuple(transition for transition in read if transition is not None)

    def _on_error(self, tree: Tree | None, sketch: Sketch) -> tuple[tuple[Transition, ...], bool]:
        """Read transitions for errors, and whether the word for undoing stands among them."""
        items = tree.items if isinstance(tree, Sequence) else () if tree is None else (tree,)
        others = [item for item in items if not (isinstance(item, Scalar) and item.value == ROLLBACK)]
        read = [self._transition(item, ERROR, sketch) for item in others]
        return tuple(transition for transition in read if transition is not None), len(others) < len(items)

    def _transition(self, tree: Tree, event: str | None, sketch: Sketch) -> Transition | None:
        index = len(self._places)
        self._places[index] = tree
        if isinstance(tree, Scalar) and isinstance(tree.value, str):
            targets = self._targets.targets(tree, sketch)
            return Transition(index=index, event=event, targets=targets, guard=None, actions=(), reenter=False)
        mapping = self._shape.mapping(tree, "a target or a transition")
        if mapping is None:
            return None
        self._shape.only(mapping, TRANSITION_KEYS)
        values = mapping.values
        reenter = self._shape.boolean(values["reenter"]) or False if "reenter" in values else False
        with self.actions.seeing(event):
            guard = self.actions.guard(values["guard"]) if "guard" in values else None
            actions = self.actions.block(values.get("actions"))
        if reenter and "target" not in values:
            remedy = "Name the state as its own target, or take 'reenter' out."
            self._faults.warning("D411", mapping.keys["reenter"], "Without a target no state is entered again.", remedy)
        return Transition(
            index=index,
            event=event,
            targets=self._targets.targets(values.get("target"), sketch),
            guard=guard,
            actions=actions,
            reenter=reenter,
            description=self._description(mapping),
        )

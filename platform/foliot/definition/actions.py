"""Reading actions: what a machine does on entry, on exit and on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from foliot.cel import literal
from foliot.definition import words
from foliot.definition.diagnostics import did_you_mean
from foliot.definition.model import (
    Action,
    Assign,
    Block,
    Branch,
    Cancel,
    Cel,
    Constant,
    Dispatch,
    Expression,
    ForEach,
    If,
    Log,
    Payload,
    Raise,
    Send,
    Withdraw,
)
from foliot.definition.shape import Shape
from foliot.definition.tree import Key, Located, Mapping, Scalar, Sequence, Tree, Unread
from foliot.reserved import RESERVED_EVENT

ACTIONS = ("assign", "raise", "send", "cancel", "log", "if", "foreach", "script", "block")
SEND_KEYS = ("event", "data", "delay", "id", "to", "type", "idLocation", "dataOptional")
_DYNAMIC_KEYS = ("type", "idLocation", "dataOptional")
_MS_PER_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Written:
    """An expression or a constant where it stands.

    `event` is the descriptor of the event that it sees, None where that may be any; `name` is that of the context to
    which its value is assigned.
    """

    scalar: Scalar
    event: str | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """What the whole machine must be looked at for, with the places."""

    expressions: list[Written] = field(default_factory=list)
    guards: list[Written] = field(default_factory=list)
    constants: list[Written] = field(default_factory=list)
    assigned: list[Key] = field(default_factory=list)
    timer_ids: set[str] = field(default_factory=set)
    delivery_ids: set[str] = field(default_factory=set)
    cancelled: list[tuple[str, Located]] = field(default_factory=list)


class ActionReader:
    """Turns lists of actions into models and keeps in `noted` what is checked later."""

    def __init__(self, shape: Shape) -> None:
        self.noted = Noted()
        self._shape = shape
        self._faults = shape.faults
        self._event: str | None = None

    @contextmanager
    def seeing(self, event: str | None) -> Iterator[None]:
        """Read what sees the events of a descriptor."""
        outer, self._event = self._event, event
        yield
        self._event = outer

    def block(self, tree: Tree | None) -> tuple[Action, ...]:
        """Read a list of actions."""
        if tree is None:
            return ()
        return tuple(action for item in self._shape.items(tree, "a list of actions") for action in self._action(item))

    def payload(self, tree: Tree) -> Payload | None:
        """Read what an event or an end carries: an object of names and expressions, or one expression."""
        if isinstance(tree, Mapping):
            return Payload(values=self._expressions(tree))
        expression = self.expression(tree)
        return None if expression is None else Payload(content=expression)

    def strict_payload(self, mapping: Mapping, name: str) -> Payload:
        """Read the payload under a name, whose parts must have values; those under `nameOptional` may lack them."""
        given, optional = mapping.values.get(name), mapping.values.get(f"{name}Optional")
        named = None if optional is None else self._shape.mapping(optional, "an object of names and expressions")
        values = {} if named is None else self._expressions(named)
        if given is None:
            return Payload(values=values)
        if isinstance(given, Mapping):
            return Payload(values=values, required=self._expressions(given))
        if optional is not None:
            what = f"'{name}' is one expression for all of it: there are no parts beside it."
            self._faults.error("D207", mapping.keys[f"{name}Optional"], what, f"Write '{name}' as an object.")
        return Payload(content=self.expression(given))

    def dynamic(self, tree: Tree, wanted: str) -> Expression | None:
        """Read a text that stands for itself, or an object with the expression that gives it."""
        if isinstance(tree, Scalar) and isinstance(tree.value, str):
            return Cel(source=literal(tree.value))
        mapping = self._shape.mapping(tree, f"{wanted}, or an object with expression")
        if mapping is None:
            return None
        self._shape.only(mapping, ("expression",))
        found = self._shape.need(mapping, "expression", 'Write {expression: "…"}, in CEL.')
        return None if found is None else self.expression(found)

    def guard(self, tree: Tree) -> str:
        """Read a condition."""
        text = self._shape.text(tree, "a condition in CEL")
        if text is not None and isinstance(tree, Scalar):
            self.noted.guards.append(Written(tree, self._event))
        # A guard with a fault is still a guard: what follows it is not out of reach.
        return text or "false"

    def finish(self) -> None:
        """Check what only the whole machine can tell."""
        for timer_id, where in self.noted.cancelled:
            if timer_id in self.noted.delivery_ids - self.noted.timer_ids:
                what = (
                    f"What has the id {self._faults.quote(timer_id)} is sent to somebody else; 'cancel' stops timers."
                )
                remedy = f'Write cancel: {{expression: "{literal(timer_id)}"}}.'
                self._faults.error("D505", where, what, remedy)
            elif timer_id not in self.noted.timer_ids:
                what = f"No 'send' of this machine has the id {self._faults.quote(timer_id)}."
                remedy = did_you_mean(timer_id, sorted(self.noted.timer_ids)) or "Give the 'send' an 'id'."
                self._faults.error("D505", where, what, remedy)

    def event_name(self, tree: Tree, *, to_itself: bool = True) -> str | None:
        """Read the name of one event; wildcards are for descriptors only."""
        text = self._shape.text(tree, "the name of an event")
        return text if text is not None and self.good_event(text, tree, to_itself=to_itself) else None

    def good_event(self, name: str, where: Located, *, to_itself: bool) -> bool:
        """Check the name of an event."""
        if not words.EVENT_NAME.match(name):
            what = f"{self._faults.quote(name)} can't be the name of an event."
            self._faults.error("D503", where, what, words.EVENT_NAME_FORM)
            return False
        if to_itself and RESERVED_EVENT.match(name):
            what = f"Only the engine makes events like {self._faults.quote(name)}."
            self._faults.error("D504", where, what, "Choose a name that does not begin like it.")
            return False
        return self._shape.short(name, where)

    def duration(self, tree: Tree | Key) -> int | None:
        """Read a duration in milliseconds."""
        value = tree.name if isinstance(tree, Key) else tree.value if isinstance(tree, Scalar) else None
        if isinstance(tree, Unread):
            return None
        remedy = words.DURATION_FORM
        ms = None if value is None or isinstance(value, bool | float) else words.duration_ms(str(value))
        if ms is None:
            shown = self._faults.quote(str(value)) if value is not None else "This"
            self._faults.error("D407", tree, f"{shown} is not a duration.", remedy)
            return None
        days_max = self._faults.limits.duration_days_max
        if ms > days_max * _MS_PER_DAY:
            self._faults.error("D408", tree, f"The duration is longer than {days_max} days.", "Shorten it.")
            return None
        return ms

    def _action(self, tree: Tree) -> tuple[Action, ...]:
        mapping = self._shape.mapping(tree, "an action")
        if mapping is None:
            return ()
        for name in mapping.values:
            if name not in ACTIONS:
                what = f"{self._faults.quote(name)} is no action."
                self._faults.error("D502", mapping.keys[name], what, did_you_mean(name, ACTIONS))
        known = [name for name in mapping.values if name in ACTIONS]
        if len(mapping.values) != 1:
            remedy = f"Write each action as a list item of its own; there is: {', '.join(ACTIONS)}."
            self._faults.error("D501", mapping, f"This action has {len(mapping.values)} keys instead of one.", remedy)
        if len(known) != 1:
            return ()
        [name] = known
        if name == "script":
            return self._script(mapping.values[name])
        action = self._known(name, mapping.values[name])
        return () if action is None else (action,)

    def _known(self, name: str, tree: Tree) -> Action | None:
        readers: dict[str, Callable[[Tree], Action | None]] = {
            "assign": self._assign,
            "raise": self._raise,
            "send": self._send,
            "cancel": self._cancel,
            "if": self._if,
            "foreach": self._for_each,
            "block": lambda inner: Block(actions=self.block(inner)),
            "log": self._log,
        }
        return readers[name](tree)

    def _log(self, tree: Tree) -> Log | None:
        expression = self.expression(tree)
        return None if expression is None else Log(expression=expression)

    def _if(self, tree: Tree) -> If | None:
        items = self._shape.items(tree, "a list of branches, each with guard and actions")
        branches = tuple(self._branch(item, is_last=item is items[-1]) for item in items)
        if isinstance(tree, Sequence) and not items:
            self._faults.error("D512", tree, "This 'if' has no branch.", "Write [{guard: condition, actions: […]}].")
        return If(branches=tuple(branch for branch in branches if branch is not None)) if items else None

    def _branch(self, tree: Tree, *, is_last: bool) -> Branch | None:
        mapping = self._shape.mapping(tree, "an object with guard and actions")
        if mapping is None:
            return None
        self._shape.only(mapping, ("guard", "actions"))
        guard = self.guard(mapping.values["guard"]) if "guard" in mapping.values else None
        if guard is None and not is_last:
            remedy = "Give it a guard, or put it last, where it stands for all other cases."
            self._faults.error("D512", mapping, "What follows a branch without a guard is never run.", remedy)
        return Branch(guard=guard, actions=self.block(mapping.values.get("actions")))

    def _for_each(self, tree: Tree) -> ForEach | None:
        mapping = self._shape.mapping(tree, "an object with array, item, index and actions")
        if mapping is None:
            return None
        self._shape.only(mapping, ("array", "item", "index", "actions"))
        listed = self._shape.need(mapping, "array", "Say which list: an expression.")
        named = self._shape.need(mapping, "item", "Name what each item is called in the context.")
        array = None if listed is None else self.expression(listed)
        item = None if named is None else self.variable(named)
        index = self.variable(mapping.values["index"]) if "index" in mapping.values else None
        actions = self.block(mapping.values.get("actions"))
        return None if array is None or item is None else ForEach(array=array, item=item, index=index, actions=actions)

    def _script(self, tree: Tree) -> tuple[Action, ...]:
        lines = tree.items if isinstance(tree, Sequence) else (tree,)
        read = [self._statement(line) for line in lines]
        if (isinstance(tree, Sequence) and not lines) or (isinstance(tree, Scalar) and tree.value == ""):
            self._faults.error("D513", tree, "This script is empty.", "Write 'name = expression', or take it out.")
        return tuple(assign for assign in read if assign is not None)

    def _statement(self, tree: Tree) -> Assign | None:
        text = self._shape.text(tree, "a line 'name = expression'")
        if text is None:
            return None
        found = words.STATEMENT.fullmatch(text)
        if found is None and text:
            what = f"{self._faults.quote(text)} assigns nothing."
            self._faults.error("D513", tree, what, "Write 'name = expression', each by itself.")
        if found is None:
            return None
        self.noted.assigned.append(Key(found[1], tree.place, tree.path))
        self.noted.expressions.append(Written(Scalar(found[2], tree.place, tree.path), self._event, found[1]))
        return Assign(values={found[1]: Cel(source=found[2])})

    def variable(self, tree: Tree) -> str | None:
        """Read a name of the context that is written to."""
        text = self._shape.text(tree, "a name of the context")
        if text is not None and not words.VARIABLE.match(text):
            what = f"{self._faults.quote(text)} can't be a name of the context here."
            self._faults.error("D514", tree, what, "Use letters, digits and _, and begin with a letter or _.")
            return None
        if text is not None:
            self.noted.assigned.append(Key(text, tree.place, tree.path))
        return text

    def _assign(self, tree: Tree) -> Assign | None:
        mapping = self._shape.mapping(tree, "an object of names and expressions")
        if mapping is None:
            return None
        if not mapping.values:
            remedy = "Write {name: expression}, or take it out."
            self._faults.error("D509", mapping, "This 'assign' assigns nothing.", remedy)
        self.noted.assigned.extend(mapping.keys.values())
        for name, key in mapping.keys.items():
            if name.startswith("context."):
                what = f"This sets the name {self._faults.quote(name)} of the context."
                self._faults.warning(
                    "D514", key, what, f"Write '{name.removeprefix('context.')}', a name at the top of it."
                )
        read = {name: self.expression(value, name) for name, value in mapping.values.items()}
        return Assign(values=_good(read))

    def _raise(self, tree: Tree) -> Raise | None:
        if isinstance(tree, Scalar):
            event = self.event_name(tree)
            return None if event is None else Raise(event=event, data={})
        mapping = self._shape.mapping(tree, "the name of an event, or an object with event and data")
        if mapping is None:
            return None
        self._shape.only(mapping, ("event", "data"))
        named = self._shape.need(mapping, "event", "Name the event to raise.")
        event = None if named is None else self.event_name(named)
        data = self._data(mapping)
        return None if event is None else Raise(event=event, data=data)

    def _send(self, tree: Tree) -> Send | Dispatch | None:
        mapping = self._shape.mapping(tree, "an object with event, data, delay, id and to")
        if mapping is None:
            return None
        self._shape.only(mapping, SEND_KEYS)
        to = mapping.values.get("to")
        if isinstance(to, Mapping) and "target" in to.values:
            return self._dispatch(mapping, to)
        if to is not None:
            return self._message(mapping, to)
        return self._dispatch(mapping, None) if _is_dynamic(mapping) else self._to_itself(mapping)

    def _to_itself(self, mapping: Mapping) -> Send | None:
        """Read a send of which all is known but the data."""
        delay_ms = self.duration(mapping.values["delay"]) if "delay" in mapping.values else 0
        timer_id = self._sent_id(mapping, self.noted.timer_ids)
        named = self._shape.need(mapping, "event", "Name the event to send.")
        event = None if named is None else self.event_name(named)
        data = self._data(mapping)
        if event is None:
            return None
        return Send(event=event, data=data, delay_ms=delay_ms or 0, id=timer_id, topic=None)

    def _message(self, mapping: Mapping, to: Tree) -> Send | None:
        topic = self._topic(to)
        for name in ("delay", "id", *_DYNAMIC_KEYS):
            if name in mapping.values:
                remedy = "Send the delayed event to the instance itself, and the message when it comes."
                what = f"A message to a topic leaves at once, with its data; '{name}' has no meaning for it."
                self._faults.error("D507", mapping.keys[name], what, remedy)
        named = self._shape.need(mapping, "event", "Name the event to send.")
        event = None if named is None else self.event_name(named, to_itself=False)
        data = self._data(mapping)
        return None if event is None else Send(event=event, data=data, delay_ms=None, id=None, topic=topic)

    def _dispatch(self, mapping: Mapping, to: Mapping | None) -> Dispatch | None:
        """Read a send of which more than the data is told by expressions, or that goes to a session."""
        values = mapping.values
        if to is not None:
            self._shape.only(to, ("target",))
        send_id = self._sent_id(mapping, self.noted.timer_ids if to is None else self.noted.delivery_ids)
        named = self._shape.need(mapping, "event", "Name the event to send.")
        event: Expression | None = None
        if isinstance(named, Mapping):
            event = self.dynamic(named, "the name of an event")
        elif named is not None and (name := self.event_name(named, to_itself=to is None)) is not None:
            event = Cel(source=literal(name))
        target = None if to is None else self.dynamic(to.values["target"], "the target as SCXML names it")
        processor = self.dynamic(values["type"], "the type of a processor") if "type" in values else None
        delay = self._delay(values["delay"]) if "delay" in values else None
        id_location = self.variable(values["idLocation"]) if "idLocation" in values else None
        payload = self.strict_payload(mapping, "data")
        if event is None:
            return None
        return Dispatch(
            event=event,
            target=target,
            processor=processor,
            delay=delay,
            id=send_id,
            id_location=id_location,
            payload=payload,
        )

    def _delay(self, tree: Tree) -> Expression | None:
        if isinstance(tree, Mapping):
            return self.dynamic(tree, "a duration")
        delay_ms = self.duration(tree)
        return None if delay_ms is None else Cel(source=literal(f"{delay_ms}ms"))

    def _sent_id(self, mapping: Mapping, noted: set[str]) -> str | None:
        timer_id = self._timer_id(mapping.values["id"]) if "id" in mapping.values else None
        if timer_id is not None:
            noted.add(timer_id)
        return timer_id

    def _topic(self, tree: Tree) -> str | None:
        mapping = self._shape.mapping(tree, "an object with topic or target")
        if mapping is None:
            return None
        self._shape.only(mapping, ("topic",))
        named = self._shape.need(mapping, "topic", "Write {topic: name}.")
        topic = None if named is None else self._shape.text(named, "the name of a topic")
        if named is not None and topic is not None and not words.TOPIC.match(topic):
            what = f"{self._faults.quote(topic)} can't be the name of a Kafka topic."
            self._faults.error("D508", named, what, words.TOPIC_FORM)
        return topic

    def _cancel(self, tree: Tree) -> Cancel | Withdraw | None:
        if isinstance(tree, Mapping):
            expression = self.dynamic(tree, "the id of a timer")
            return None if expression is None else Withdraw(id=expression)
        timer_id = self._timer_id(tree)
        if timer_id is None:
            return None
        self.noted.cancelled.append((timer_id, tree))
        return Cancel(id=timer_id)

    def _timer_id(self, tree: Tree) -> str | None:
        text = self._shape.text(tree, "the id of a timer")
        if text is not None and (not words.TIMER_ID.match(text) or RESERVED_EVENT.match(text)):
            what = f"{self._faults.quote(text)} can't be the id of a timer."
            remedy = words.TIMER_ID_FORM
            self._faults.error("D510", tree, what, remedy)
            return None
        return text if text is not None and self._shape.short(text, tree) else None

    def _data(self, mapping: Mapping) -> dict[str, Expression]:
        if "data" not in mapping.values:
            return {}
        data = self._shape.mapping(mapping.values["data"], "an object of names and expressions")
        return {} if data is None else self._expressions(data)

    def _expressions(self, mapping: Mapping) -> dict[str, Expression]:
        return _good({name: self.expression(value) for name, value in mapping.values.items()})

    def expression(self, tree: Tree, assigned: str | None = None) -> Expression | None:
        """Read an expression, or a constant in its place; `assigned` is the name of the context that gets its value."""
        match tree:
            case Scalar(value=str(source)):
                self.noted.expressions.append(Written(tree, self._event, assigned))
                return Cel(source=source)
            case Scalar(value=bool() | int() | float() | None as value):
                self.noted.constants.append(Written(tree, self._event, assigned))
                return Constant(value=value)
            case Unread():
                return None
            case _:
                remedy = 'Write lists and objects in CEL, in quotes: "[1, 2]" or "{\'a\': 1}".'
                self._shape.wrong(tree, "an expression", remedy)
                return None


def _good(read: dict[str, Expression | None]) -> dict[str, Expression]:
    return {name: expression for name, expression in read.items() if expression is not None}


def _is_dynamic(mapping: Mapping) -> bool:
    values = mapping.values
    told = any(isinstance(values.get(name), Mapping) for name in ("event", "delay"))
    return told or any(name in values for name in _DYNAMIC_KEYS) or isinstance(values.get("data"), Scalar)

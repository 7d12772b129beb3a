"""Random machines and events: small trees with everything that the language has, built as models without text."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from unit.engine.expressions import GUARDS, VALUES

from foliot.definition import Definition
from foliot.engine import Event, State

EVENTS = ("a", "a.b", "a.b.c", "b", "c")
DESCRIPTORS = ("a", "a.b", "a.*", "b", "c", "c", "*", "error.execution", "done.state.*")
RAISED = ("a", "b", "c", "a.b")
NOW = 1_700_000_000_000_000

_ALWAYS_TAKEN: dict[str, Any] = {"guard": None, "reenter": False}


@dataclass
class _Sketch:
    """A state before its transitions are known."""

    id: str
    kind: str
    children: list[_Sketch] = field(default_factory=list)
    deep: bool = False

    def walk(self) -> list[_Sketch]:
        return [self, *(each for child in self.children for each in child.walk())]


def random_definition(random: Random, *, quiet: bool = False) -> Definition:
    """Make a machine of up to about 25 states; a quiet one has no timers, and its actions do nothing but assign."""
    return Definition.model_validate(_Maker(random, quiet=quiet).definition())


def random_event(random: Random, state: State, number: int) -> Event:
    """Make an event: one of a few types, or a timer of this state that fires, or one that is no longer armed."""
    if state.timers and random.random() < 0.4:
        timer_id = random.choice(sorted(state.timers))
        timer = state.timers[timer_id]
        stale = random.random() < 0.2
        return Event(f"t{number}", "timers", timer.event, timer.data, None, (timer_id, timer.armed - int(stale)))
    return Event(f"e{number}", "test", random.choice((*EVENTS, "unknown")), {"k": number}, "2026-01-01T00:00:00Z")


class _Maker:
    def __init__(self, random: Random, *, quiet: bool) -> None:
        self.random = random
        self.quiet = quiet
        self.index = 0
        self.root = _Sketch("", "")
        self.all: list[_Sketch] = []

    def definition(self) -> dict[str, Any]:
        self.root = self.sketch("", 0, self.random.choice(("compound", "compound", "compound", "parallel")))
        self.all = [each for each in self.root.walk() if each.id]
        return {
            "id": "random",
            "context": {"initial": {"n": 0, "trace": ""}},
            "root": self.state(self.root),
        }

    def sketch(self, path: str, depth: int, kind: str) -> _Sketch:
        sketch = _Sketch(path, kind)
        if kind in ("compound", "parallel"):
            for number in range(self.random.randint(2, 3)):
                sketch.children.append(self.sketch(_below(path, f"s{number}"), depth + 1, self.child_kind(kind, depth)))
            if kind == "compound" and self.chance(0.4):
                sketch.children.append(_Sketch(_below(path, "end"), "final"))
            if path and self.chance(0.4):
                sketch.children.append(_Sketch(_below(path, "h"), "history", deep=self.chance(0.5)))
        return sketch

    def child_kind(self, parent: str, depth: int) -> str:
        if depth >= 3:
            return "atomic"
        weights = (1, 3, 1) if parent == "parallel" else (4, 2, 2)
        return self.random.choices(("atomic", "compound", "parallel"), weights)[0]

    def state(self, sketch: _Sketch) -> dict[str, Any]:
        name = sketch.id.rsplit(".", 1)[-1]
        node: dict[str, Any] = {"id": sketch.id, "name": name, "kind": sketch.kind}
        if sketch.kind == "history":
            targets = (self.random.choice(self.real_below(sketch.id)),) if self.chance(0.5) else ()
            history = {"history": "deep" if sketch.deep else "shallow", "default_targets": targets}
            return {**node, **history, "default_actions": self.actions(0.3)}
        node |= {"entry": self.actions(0.4), "exit": self.actions(0.4)}
        if sketch.kind == "final":
            return {**node, "output": {"values": self.data()} if self.chance(0.4) else None}
        if sketch.kind == "compound":
            node["initial"] = self.random.choice([each.id for each in sketch.children])
            if node["initial"].endswith("end") and not sketch.id:
                node["initial"] = sketch.children[0].id
            if node["initial"].endswith(".h"):
                node["initial"] = sketch.children[0].id
            node["default_actions"] = self.actions(0.2)
            if self.chance(0.2):
                deep = [
                    each.id
                    for child in sketch.children
                    for each in child.walk()
                    if each.kind not in ("final", "history")
                ]
                node |= {"initial": None, "default_targets": (self.random.choice(deep),)}
        node["always"] = [self.transition(sketch, None, guarded=0.95)] if self.chance(0.1) else []
        if self.chance(0.25) and not self.quiet:
            delay = self.random.choice((10, 1000))
            timer = f"after.{delay}.{sketch.id}"
            node["after"] = [{"delay_ms": delay, "id": timer, "transitions": [self.transition(sketch, timer)]}]
        if sketch.children and self.chance(0.5):
            node["on_done"] = [self.transition(sketch, f"done.state.{sketch.id}", targets=bool(sketch.id))]
        if self.chance(0.2):
            node["on_error"] = [self.transition(sketch, "error")]
        node["rollback"] = self.chance(0.1)
        node["transitions"] = [
            self.transition(sketch, self.random.choice(DESCRIPTORS)) for _ in range(self.random.randint(0, 3))
        ]
        node["children"] = [self.state(child) for child in sketch.children]
        return node

    def transition(
        self, sketch: _Sketch, event: str | None, *, guarded: float = 0.35, targets: bool = True
    ) -> dict[str, Any]:
        self.index += 1
        return {
            "index": self.index,
            "event": event,
            "targets": self.targets(sketch) if targets else (),
            "guard": self.guard() if self.chance(guarded) else None,
            "actions": self.actions(0.5),
            "reenter": self.chance(0.4),
        }

    def targets(self, source: _Sketch) -> tuple[str, ...]:
        draw = self.random.random()
        if draw < 0.15:
            return ()
        if draw < 0.3 and source.id:
            return (source.id,)
        if draw < 0.45 and source.children:
            return (self.random.choice(source.walk()[1:]).id,)
        parallels = [each for each in self.all if each.kind == "parallel"]
        if draw < 0.6 and parallels:
            regions = [each for each in self.random.choice(parallels).children if each.kind != "history"]
            return tuple(self.random.choice(region.walk()).id for region in regions[:2])
        if draw < 0.62:
            return tuple(each.id for each in self.random.choices(self.all, k=2))
        return (self.random.choice(self.all).id,)

    def guard(self) -> str:
        if self.chance(0.4):
            negation = self.random.choice(("", "!"))
            return f'{negation}inState("{self.random.choice(self.all).id}")'
        return self.random.choice(list(GUARDS))

    def actions(self, chance: float) -> list[dict[str, Any]]:
        return [self.action() for _ in range(self.random.randint(1, 2))] if self.chance(chance) else []

    def action(self, depth: int = 0) -> dict[str, Any]:  # noqa: PLR0911 - one for each kind
        kind = self.kind(depth)
        if kind == "block":
            return {"kind": "block", "actions": [self.action(depth + 1) for _ in range(2)]}
        if kind == "foreach":
            index = self.random.choice((None, "i"))
            actions = [self.action(depth + 1)]
            return {"kind": "foreach", "array": _cel("[1, 2, 3]"), "item": "n", "index": index, "actions": actions}
        if kind == "if":
            guards = [self.guard(), self.guard(), *self.random.choice(([None], []))]
            return {"kind": "if", "branches": [{"guard": g, "actions": [self.action(depth + 1)]} for g in guards]}
        if kind == "assign":
            source = "context.missing + 1" if self.chance(0.1) else self.random.choice(list(VALUES)[:2])
            return {"kind": "assign", "values": {"n": _cel(source)}}
        if kind == "trace":
            return {"kind": "assign", "values": {"trace": _cel("context.trace + event.type + ';'")}}
        if kind == "raise":
            return {"kind": "raise", "event": self.random.choice(RAISED), "data": self.data()}
        if kind == "send":
            topic = {"event": "out", "data": self.data(), "delay_ms": None, "id": None, "topic": "topic"}
            return {"kind": "send", **topic}
        if kind == "timer":
            timer_id = self.random.choice((None, "one", "two"))
            fields = {"event": self.random.choice(EVENTS), "data": self.data(), "delay_ms": self.random.choice((0, 50))}
            return {"kind": "send", **fields, "id": timer_id, "topic": None}
        if kind == "cancel":
            return {"kind": "cancel", "id": self.random.choice(("one", "two"))}
        return {"kind": "log", "expression": _cel("event.type")}

    def kind(self, depth: int) -> str:
        if self.quiet:
            return self.random.choice(("assign", "trace"))
        simple = ("assign", "assign", "assign", "trace", "trace", "raise", "send", "timer", "cancel", "log")
        return self.random.choice((*simple, "if", "foreach", "block") if depth < 2 else simple)

    def data(self) -> dict[str, Any]:
        if self.chance(0.5):
            return {}
        return {"k": _cel(self.random.choice(list(VALUES))), "c": {"kind": "constant", "value": 7}}

    def real_below(self, history: str) -> list[str]:
        parent = next(each for each in self.root.walk() if any(child.id == history for child in each.children))
        return [each.id for each in parent.walk()[1:] if each.kind != "history"]

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _cel(source: str) -> dict[str, str]:
    return {"kind": "cel", "source": source}


def deferring_definition(random: Random) -> Definition:
    """Make a machine of a few states, in two levels, that keep events for each other and undo what fails in them."""
    maker = _Maker(random, quiet=False)
    names = ("p.x", "p.y", "q", "r")
    maker.all = [_Sketch(name, "atomic") for name in names]

    def state(name: str, *children: str) -> dict[str, Any]:
        node: dict[str, Any] = {"id": name, "name": name.rpartition(".")[2], "kind": "atomic"}
        if children:
            node |= {"kind": "compound", "initial": children[0], "children": [state(child) for child in children]}
        handled = random.sample(EVENTS, 2)
        kept = random.sample([each for each in EVENTS if each not in handled], 2)
        return node | {
            "defer": kept if maker.chance(0.6) else [],
            "rollback": maker.chance(0.5),
            "on_error": [edge("error", 0.2)] if maker.chance(0.3) else [],
            "exit": actions(0.2),
            "transitions": [edge(each, 0.8) for each in handled],
        }

    def edge(event: str, moving: float) -> dict[str, Any]:
        maker.index += 1
        targets = [random.choice(names)] if maker.chance(moving) else []
        return {"index": maker.index, "event": event, "targets": targets, "actions": actions(0.7), **_ALWAYS_TAKEN}

    def actions(chance: float) -> list[dict[str, Any]]:
        fails = {"kind": "assign", "values": {"n": _cel("context.missing + 1")}}
        return [maker.action(), maker.action(), *([fails] if maker.chance(0.3) else [])] if maker.chance(chance) else []

    states = [state("p", "p.x", "p.y"), state("q"), state("r")]
    root = {"id": "", "name": "", "kind": "compound", "initial": "p", "children": states}
    return Definition.model_validate({"id": "deferring", "context": {"initial": {"n": 0, "trace": ""}}, "root": root})

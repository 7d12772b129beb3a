"""Random machines of XState as JSON, and what happens to them: small trees with all that both sides know.

Their CEL is of the kind that JavaScript reads the same. None of their guards and actions fails: XState throws there.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

EVENTS: Final = ("a", "a.b", "a.b.c", "b", "c", "unknown")
DESCRIPTORS: Final = ("a", "a", "a.b", "a.*", "b", "b", "c", "c", "*", "xstate.done.state.*")
GUARDS: Final = {
    "few": "context.n < 3",
    "even": "context.n % 2 == 0",
    "some": "context.n > 0",
    "isA": "event.type == 'a' || event.type == 'a.b'",
    "atLeast": "context.n >= params.least",
}
ACTIONS: Final = {
    "count": [{"assign": {"n": "context.n + 1"}}],
    "reset": [{"assign": {"n": 0}}],
    "raiseA": [{"raise": {"event": "a", "data": {"k": "context.n"}}}],
    "raiseC": [{"raise": "c"}],
    "later": [{"cancel": "later"}, {"send": {"event": "b", "delay": 13, "id": "later"}}],
    "latest": [{"send": {"event": "a.b", "delay": 170}}],
    "stop": [{"cancel": "later"}],
    "choose": [
        {
            "if": [
                {"guard": "context.n < 2", "actions": [{"assign": {"n": "context.n + 5"}}]},
                {"actions": [{"raise": "b"}]},
            ]
        }
    ],
    "add": [{"assign": {"n": "context.n + params.by"}}],
}
# With parameters XState's own JavaScript would be needed on the other side; there `params` is put in their place.
_WITH_PARAMS: Final = {"atLeast": {"least": 2}, "add": {"by": 3}}
_OFTEN: Final = (
    "count",
    "count",
    "count",
    "add",
    "add",
    "reset",
    "raiseA",
    "raiseC",
    "later",
    "latest",
    "stop",
    "choose",
) + (
    "count",
    "reset",
) * 3


@dataclass
class _Sketch:
    path: tuple[str, ...]
    kind: str
    children: list[_Sketch] = field(default_factory=list)

    def walk(self) -> list[_Sketch]:
        return [self, *(each for child in self.children for each in child.walk())]


def random_machine(random: Random) -> dict[str, Any]:
    """Make a machine of up to about 25 states."""
    return _Maker(random).document()


def random_script(random: Random, length: int) -> list[dict[str, Any]]:
    """Make what happens to a machine: events, and time that passes (ms)."""
    return [
        {"wait": random.choice((5, 8, 100, 200))}
        if random.random() < 0.3
        else {"event": random.choice(EVENTS), "data": {"k": number}}
        for number in range(length)
    ]


class _Maker:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.depth_max = random.choice((1, 1, 2, 2, 3))
        # In one of five machines stands what the two sides do otherwise, as docs/languages.md tells.
        self.is_odd = random.random() < 0.2
        self.root = _Sketch((), "")
        self.all: list[_Sketch] = []
        self.actions: dict[str, Any] = {}
        self.guards: dict[str, Any] = {}

    def document(self) -> dict[str, Any]:
        self.root = self.sketch((), 0, self.random.choice(("compound", "compound", "compound", "parallel")))
        self.all = self.root.walk()[1:]
        body = self.state(self.root)
        if "stop" in self.actions:
            body["entry"] = [*body.get("entry", ()), self.reference("later", self.actions, ACTIONS)]
        return {
            "id": "m",
            "context": {"n": 0, "trace": ""},
            **body,
            "foliot": {"guards": self.guards, "actions": self.actions},
        }

    def sketch(self, path: tuple[str, ...], depth: int, kind: str) -> _Sketch:
        sketch = _Sketch(path, kind)
        if kind in {"compound", "parallel"}:
            for number in range(self.random.randint(2, 3)):
                sketch.children.append(self.sketch((*path, f"s{number}"), depth + 1, self.child_kind(kind, depth)))
            if kind == "compound" and self.chance(0.4):
                sketch.children.append(_Sketch((*path, "end"), "final"))
            if path and self.chance(0.4):
                sketch.children.append(_Sketch((*path, "h"), "history"))
        return sketch

    def child_kind(self, parent: str, depth: int) -> str:
        if depth >= self.depth_max:
            return "atomic"
        weights = (1, 3, 1) if parent == "parallel" else (4, 2, 2)
        return self.random.choices(("atomic", "compound", "parallel"), weights)[0]

    def state(self, sketch: _Sketch) -> dict[str, Any]:
        body: dict[str, Any] = {"type": sketch.kind} if sketch.kind != "compound" or self.chance(0.2) else {}
        if sketch.kind == "history":
            body |= {"history": self.random.choice(("shallow", "deep"))} if self.chance(0.8) else {}
            return body | ({"target": self.default(sketch)} if self.chance(0.5) else {})
        if sketch.path and self.chance(0.1):
            body["description"] = "a state"
        body |= self.entry_and_exit(sketch)
        if sketch.kind == "final":
            return body | ({"output": {"k": self.random.randint(0, 9)}} if self.chance(0.3) else {})
        if sketch.kind == "compound":
            first = self.random.choice([each for each in sketch.children if each.kind not in {"history", "final"}])
            body["initial"] = first.path[-1]
            if self.is_odd and self.chance(0.2):
                body["initial"] = {
                    "target": first.path[-1],
                    "actions": self.listed(("+".join(sketch.path) or "m") + ":initial"),
                }
        return body | self.leading_on(sketch)

    def leading_on(self, sketch: _Sketch) -> dict[str, Any]:
        body: dict[str, Any] = {}
        if self.chance(0.07):
            body["always"] = self.always(sketch)
        if self.chance(0.25):
            body["after"] = {str(self.random.choice((7, 110))): self.transition(sketch)}
        if sketch.children and sketch.path and self.chance(0.5):
            body["onDone"] = self.transition(sketch)
        for _ in range(self.random.randint(0, 2)):
            listed = body.setdefault("on", {}).setdefault(self.random.choice(DESCRIPTORS), [])
            # What follows a transition without a guard is never taken, and refused as such.
            if not listed or "guard" in listed[-1]:
                listed.append(self.transition(sketch))
        if sketch.children:
            body["states"] = {child.path[-1]: self.state(child) for child in sketch.children}
        return body

    def always(self, sketch: _Sketch) -> dict[str, Any]:
        if self.is_odd:
            return self.transition(sketch, guarded=1.0)
        guard = self.reference("few", self.guards, GUARDS)
        count = self.reference("count", self.actions, ACTIONS)
        return self.transition(sketch) | {"guard": guard, "actions": [count]}

    def default(self, history: _Sketch) -> str:
        inside = [each.path for each in self.all if each.path[: len(history.path) - 1] == history.path[:-1]]
        inside = [path for path in inside if len(path) >= len(history.path) and path[-1] != "h"]
        return ".".join(self.random.choice(inside)[len(history.path) - 1 :])

    def entry_and_exit(self, sketch: _Sketch) -> dict[str, Any]:
        name = "+".join(sketch.path) or "m"
        return {when: self.listed(f"{name}:{when}") for when in ("entry", "exit") if self.chance(0.3)}

    def transition(self, sketch: _Sketch, *, guarded: float = 0.35) -> dict[str, Any]:
        body: dict[str, Any] = {}
        targets = self.targets(sketch)
        if not self.is_odd and (self.crosses(sketch, targets) or self.leads_back(sketch, targets)):
            targets = []
        if targets:
            body["target"] = targets[0] if len(targets) == 1 else targets
        if self.chance(guarded):
            body["guard"] = self.reference(self.random.choice(list(GUARDS)), self.guards, GUARDS)
        if self.chance(0.5):
            body["actions"] = self.listed("+".join(sketch.path) or "m")
        if self.chance(0.3) and (sketch.path or self.is_odd):
            body["reenter"] = True
        return body

    def targets(self, source: _Sketch) -> list[str]:
        draw = self.random.random()
        if draw < 0.2:
            return []
        if draw < 0.3 and source.path:
            return [source.path[-1]]
        if draw < 0.45 and source.children:
            inside = self.random.choice(source.walk()[1:]).path[len(source.path) :]
            return ["." + ".".join(inside)]
        parallels = [each for each in self.all if each.kind == "parallel"]
        if draw < 0.55 and parallels:
            regions = [each for each in self.random.choice(parallels).children if each.kind != "history"]
            return [self.id(self.random.choice(region.walk())) for region in regions[:2]]
        beside = [each for each in self.all if each.path[:-1] == source.path[:-1]]
        if draw < 0.8 and source.path:
            return [self.random.choice(beside).path[-1]]
        return [self.id(self.random.choice(self.all))]

    def crosses(self, source: _Sketch, targets: list[str]) -> bool:
        """Say whether it is a parallel state that source and target have in common."""
        kinds = {each.path: each.kind for each in self.root.walk()}
        for target in targets:
            name = target.removeprefix("#m.")
            path = tuple(name.split(".")) if target.startswith("#") else (*source.path[:-1], name)
            pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(source.path[:-1], path[:-1], strict=False))
            common = tuple(name for name, _ in pairs)
            if not target.startswith(".") and kinds.get(common) == "parallel":
                return True
        return False

    def leads_back(self, source: _Sketch, targets: list[str]) -> bool:
        """Say whether a target is a history state that may remember the source, or a state around it."""
        return any(target.endswith("h") and self.is_near(source, target) for target in targets)

    def is_near(self, source: _Sketch, target: str) -> bool:
        if target.startswith("#"):
            parent = tuple(target.removeprefix("#m.").split(".")[:-1])
            return source.path[: len(parent)] == parent and (source.path != parent or source.kind == "parallel")
        return not target.startswith(".") or (target == ".h" and source.kind == "parallel")

    def id(self, sketch: _Sketch) -> str:
        return "#" + ".".join(("m", *sketch.path))

    def reference(self, name: str, used: dict[str, Any], known: Any) -> Any:
        if name not in _WITH_PARAMS:
            used[name] = known[name]
            return name if self.chance(0.7) else {"type": name}
        used[name] = known[name]
        return {"type": name, "params": _WITH_PARAMS[name]}

    def listed(self, where: str) -> list[Any]:
        """Say where the actions run, in the context, then do something."""
        names = [self.random.choice(_OFTEN) for _ in range(self.random.choice((0, 0, 1, 2)))]
        done = [self.reference(name, self.actions, ACTIONS) for name in names]
        if done and self.chance(0.4):
            return done
        trace = f"trace {where}"
        self.actions[trace] = [{"assign": {"trace": f"context.trace + '{where}<' + event.type + ';'"}}]
        return [trace, *done]

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

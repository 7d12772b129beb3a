"""Where the targets of a machine of XState lead: names beside a state, `.below` it, and `#ids`."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Fields
from dataclasses import dataclass
from functools import cached_property

from foliot.definition import Faults, Mapping, Scalar, Tree, did_you_mean

Path = tuple[str, ...]
"""The names from below the root down to a state; the root's is empty."""


@dataclass(frozen=True, slots=True)
class Target:
    """A state that a transition leads to; of the root, the states that are entered with it.

    `reenters`: whatever is active of it is left and entered anew, as it is where the machine itself is the target, or a
    history state that may lead back to where the transition begins.
    """

    names: tuple[str, ...]
    is_root: bool = False
    reenters: bool = False


class States:
    """All states of one machine by path, and the ids that they are called by."""

    def __init__(self, document: Mapping, faults: Faults) -> None:
        self.bodies: dict[Path, Mapping] = {}
        self._faults = faults
        named = document.values.get("id")
        self.machine = named.value if isinstance(named, Scalar) and isinstance(named.value, str) else "(machine)"
        self._ids: dict[str, Path] = {self.machine: ()}
        for path, body in _walk((), document):
            self.bodies[path] = body
            if path:
                self._name(path, body)

    def resolve(self, tree: Tree, source: Path) -> Target | None:
        """Find the state that a target of `source` names; None where a fault was noted instead."""
        if not isinstance(tree, Scalar) or not isinstance(tree.value, str) or not tree.value.strip("."):
            remedy = "Write name, name.child, .child (below this state) or #id."
            self._faults.error("D402", tree, "This can't be a target.", remedy)
            return None
        path = self._path(tree.value, source)
        if path is None or path not in self.bodies:
            shown = self._faults.quote(tree.value)
            self._faults.error("D401", tree, f"The target {shown} is no state.", self._suggest(tree.value))
            return None
        if not path:
            return Target(self._beginning, is_root=True, reenters=True)
        leads_back = kind_of(self.bodies[path].values) == "history" and path[:-1] == source[: len(path) - 1] != source
        return Target((f"#{'.'.join(path)}",), reenters=leads_back)

    def done_state(self, name: str) -> Path | None:
        """Find the state whose end the event `xstate.done.state.NAME` tells."""
        if name in self._ids:
            return self._ids[name]
        path = self._by_id(name.split("."))
        return path if path in self.bodies else None

    def _name(self, path: Path, body: Mapping) -> None:
        tree = body.values.get("id")
        if not isinstance(tree, Scalar) or not isinstance(tree.value, str):
            return
        known = self._ids.get(tree.value, path)
        if known != path:
            what = f"Another state has the id {self._faults.quote(tree.value)} too."
            self._faults.error("D806", tree, what, "Give each state an id of its own.")
        self._ids[tree.value] = path

    def _path(self, text: str, source: Path) -> Path | None:
        if text.startswith("#"):
            return self._by_id(text[1:].split("."))
        parts = tuple(text.lstrip(".").split("."))
        if text.startswith("."):
            return (*source, *parts)
        # From the root nothing stands beside it.
        return (*source[:-1], *parts) if source else None

    def _by_id(self, parts: list[str]) -> Path | None:
        above = self._ids.get(parts[0])
        return None if above is None else (*above, *parts[1:])

    @cached_property
    def _beginning(self) -> tuple[str, ...]:
        root = self.bodies[()]
        initial = root.values.get("initial")
        if kind_of(root.values) == "parallel":
            regions = [
                path for path, body in self.bodies.items() if len(path) == 1 and kind_of(body.values) != "history"
            ]
            return tuple(f"#{path[0]}" for path in regions)
        if isinstance(initial, Mapping):
            initial = initial.values.get("target")
        return (f"#{initial.value}",) if isinstance(initial, Scalar) else ()

    def _suggest(self, text: str) -> str:
        last = text.lstrip("#.").rpartition(".")[2]
        same = [path for path in self.bodies if path and path[-1] == last][:1]
        if same:
            return f"Did you mean '#{'.'.join((self.machine, *same[0]))}'?"
        return did_you_mean(last, [path[-1] for path in self.bodies if path])


def kind_of(values: Fields[str, Tree]) -> str:
    """Say what kind of state a body is: as written, or as it follows from the rest."""
    written = values.get("type")
    if isinstance(written, Scalar) and isinstance(written.value, str):
        return written.value
    states = values.get("states")
    if isinstance(states, Mapping) and states.values:
        return "compound"
    history = values.get("history")
    return "history" if isinstance(history, Scalar) and history.value else "atomic"


def _walk(path: Path, body: Mapping) -> Iterator[tuple[Path, Mapping]]:
    yield path, body
    states = body.values.get("states")
    for name, child in states.values.items() if isinstance(states, Mapping) else ():
        if isinstance(child, Mapping):
            yield from _walk((*path, name), child)

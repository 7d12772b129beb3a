"""Where a machine does something else here than in XState, and no guard can mend it.

- XState leaves no parallel state for a transition between its regions, or from a region to itself; SCXML, and Foliot,
  leave it and enter it anew.
- XState can leave and enter the machine itself, which is never left here.
- An eventless transition that changes nothing is taken by XState once for each event, and here as long as its guard
  holds.
- XState asks eventless transitions in the order in which states were entered, not in that of the document.
- XState passes over the actions of an initial transition where a region is entered beside another one, or a history
  state leads there.
- XState enters a state without leaving it where a history state leads back to it, or into a state around the source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from foliot.definition import Assign, StateNode, Transition


@dataclass(frozen=True, slots=True)
class Difference:
    """What is done otherwise in a state, by its path, and what helps."""

    path: tuple[str, ...]
    what: str
    remedy: str


def differences(root: StateNode, machine: str) -> Iterator[Difference]:
    """Find what a machine whose ids are paths does otherwise in XState."""
    nodes = {node.id: node for node in root.walk()}
    for node in nodes.values():
        path = tuple(node.id.split(".")) if node.id else ()
        for transition in node.outgoing():
            what = _left(nodes, node, transition, machine)
            if what:
                yield Difference(path, what, "Let an event raised inside do it, or say it in the states below.")
        if node.kind == "parallel" and sum(map(_has_eventless, node.children)) > 1:
            what = "XState asks the eventless transitions of regions in the order in which their states were entered."
            yield Difference(path, what, "Foliot asks them in the order of the text: let nothing depend on it.")
        if any(_leads_back(nodes, node, each) for each in node.outgoing()):
            what = "Where a history state leads back into what is active, XState enters it without leaving it."
            yield Difference(
                path, what, "Foliot leaves it first, or lets it be as it is: name a state that is no history state."
            )
        if any(_may_change_nothing(node, each) for each in node.always):
            what = (
                "An eventless transition here may change nothing: XState takes it once, Foliot while its guard holds."
            )
            yield Difference(path, what, "Give it a guard that what it does makes false.")
        if (
            node.id
            and node.default_actions
            and node.kind == "compound"
            and _is_entered_otherwise(nodes[_parent(node.id)])
        ):
            what = f"XState passes over the actions of the beginning of '{node.id}' where it is entered beside others."
            yield Difference(path, what, "Put them on the entry of the child.")


def _has_eventless(region: StateNode) -> bool:
    return any(node.always for node in region.walk())


def _leads_back(nodes: dict[str, StateNode], source: StateNode, transition: Transition) -> bool:
    """Say whether a transition may lead, by a history state, into states that it does not leave, and that shows."""
    for target in transition.targets:
        parent = _parent(target)
        if nodes[target].kind != "history" or not _within(source.id, parent):
            continue
        if source.id == parent and source.kind == "parallel" and not nodes[target].default_targets:
            return _notices(source)
        if source.id != parent:
            return _parent(source.id) != parent or _notices(source) or _is_in_region(nodes, parent)
    return False


def _is_in_region(nodes: dict[str, StateNode], state_id: str) -> bool:
    """Say whether other regions have transitions beside those in a state: what is left there may keep them from it."""
    while nodes[state_id].kind != "parallel" and state_id:
        state_id = _parent(state_id)
    return nodes[state_id].kind == "parallel"


def _may_change_nothing(node: StateNode, transition: Transition) -> bool:
    assigns = any(isinstance(action, Assign) for action in transition.actions)
    return not assigns and all(_within(target, node.id) or _within(node.id, target) for target in transition.targets)


def _is_entered_otherwise(parent: StateNode) -> bool:
    return parent.kind == "parallel" or any(child.history == "shallow" for child in parent.children)


def _left(nodes: dict[str, StateNode], source: StateNode, transition: Transition, machine: str) -> str:
    """Say what is left that XState leaves alone, or the other way round; the empty text where that is the same."""
    targets = transition.targets
    if not targets or (not transition.reenter and all(_within(target, source.id) for target in targets)):
        return ""
    if not source.id:
        what = f"XState leaves and enters '{machine}' itself here; it is never left by Foliot."
        return what if _notices(nodes[""]) else ""
    common = _parent(source.id)
    while not all(_within(target, common) and target != common for target in targets):
        common = _parent(common)
    node = nodes[common]
    if not common or node.kind != "parallel":
        return ""
    if _notices(node) or nodes[_parent(common)].kind == "parallel":
        return f"A transition leaves and enters '{common}' with all its regions here; XState leaves the regions alone."
    return ""


def _notices(node: StateNode) -> bool:
    """Say whether it shows that a state was left and entered."""
    return bool(node.entry or node.exit or node.after) or any(child.kind == "history" for child in node.children)


def _parent(state_id: str) -> str:
    return state_id.rpartition(".")[0]


def _within(state_id: str, ancestor_id: str) -> bool:
    return not ancestor_id or state_id == ancestor_id or state_id.startswith(f"{ancestor_id}.")

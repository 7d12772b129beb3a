"""Guards that can't be true, guards that never differ, and transitions that an earlier one covers.

First by reasoning with what the schemas of the context and of events say (see `foliot.cel.reasoning`); a schema says
what is meant, so what the search saw contradicts it. Then by the search, where that is a proof.
"""

from __future__ import annotations

from collections.abc import Iterator

from foliot.analysis.findings import Finding
from foliot.analysis.searching import Search, fits
from foliot.cel import Condition, Facts, schema_ranges
from foliot.definition import ENVIRONMENT, Definition, SentData, Transition
from foliot.testing import name_transition


def constant_guards(search: Search) -> Iterator[Finding]:
    """Find guards that are never true, and guards that always are."""
    chart, seen = search.chart, search.seen
    for index, (node, transition) in chart.transitions.items():
        if transition.guard is None or node.id not in seen.states:
            continue
        verdict, by = _judged(search, transition)
        if verdict is None or (index, not verdict) in seen.verdicts:
            continue
        way = seen.verdicts.get((index, verdict))
        if verdict:
            what = f"The guard [{transition.guard}] is always true{by}."
            remedy = "Take it out, or compare with what can differ."
            yield Finding("D005", node.id, what, remedy, index, way, "Asked after")
        else:
            what = f"The guard [{transition.guard}] can't be true{by}."
            remedy = "Mend it, or take the transition out."
            yield Finding("D004", node.id, what, remedy, index, way, "Asked after")


def shadowed_transitions(search: Search) -> Iterator[Finding]:
    """Find transitions whose guard is true only where that of an earlier one for the same events is."""
    chart, seen = search.chart, search.seen
    for node in chart.nodes.values():
        if node.id not in seen.states:
            continue
        for group in node.groups():
            for place, transition in enumerate(group):
                earlier = next((each for each in group[:place] if _covers(each, transition, chart.definition)), None)
                if earlier is None or transition.index in seen.taken:
                    continue
                what = (
                    f"The transition {name_transition(node.id, transition)} is never taken: wherever its guard "
                    f"[{transition.guard}] is true, [{earlier.guard}] of an earlier transition is."
                )
                way = seen.verdicts.get((earlier.index, True)) or seen.states[node.id]
                yield Finding(
                    "D003", node.id, what, "Put it before the other, or narrow that one.", transition.index, way
                )


def _judged(search: Search, transition: Transition) -> tuple[bool | None, str]:
    condition = _condition(transition)
    facts = known_facts(search.chart.definition, transition)
    if condition.assume(False, facts) is None and not condition.may_fail(facts):  # noqa: FBT003
        return True, ", by what the schemas say" if _needs_schema(condition, verdict=True) else ""
    if condition.assume(True, facts) is None:  # noqa: FBT003
        return False, ", by what the schemas say" if _needs_schema(condition, verdict=False) else ""
    verdicts = [verdict for verdict in (True, False) if (transition.index, verdict) in search.seen.verdicts]
    if search.is_proof and len(verdicts) == 1:
        return verdicts[0], ": so it is on all ways of the machine"
    return None, ""


def _needs_schema(condition: Condition, *, verdict: bool) -> bool:
    if verdict:
        return condition.assume(False, {}) is not None or condition.may_fail({})  # noqa: FBT003
    return condition.assume(True, {}) is not None  # noqa: FBT003


def _covers(earlier: Transition, later: Transition, definition: Definition) -> bool:
    if earlier.guard is None or later.guard is None or not _is_wider(earlier.event, later.event):
        return False
    facts = known_facts(definition, later)
    within = _condition(later).assume(True, facts)  # noqa: FBT003
    if within is None:
        return False
    weaker = _condition(earlier)
    return weaker.assume(False, within) is None and not weaker.may_fail(within)  # noqa: FBT003


def _is_wider(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(fits(one, name.removesuffix("*").removesuffix(".")) for name in other.split())


def _condition(transition: Transition) -> Condition:
    return Condition(transition.guard or "true", ENVIRONMENT)


def known_facts(definition: Definition, transition: Transition) -> Facts:
    """Tell what is known where a guard is asked: of the context by its schema, of the event by its own.

    An event that the machine makes itself is held to no schema, and an eventless guard sees any event.
    """
    facts = dict(schema_ranges("context", definition.context.json_schema))
    sent = SentData(definition).schema(transition.event)
    return facts if sent is None else facts | dict(schema_ranges("event.data", sent))

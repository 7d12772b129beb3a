"""Steps that never end, states in which nothing can happen any more, and states from where there is no end."""

from __future__ import annotations

from collections.abc import Iterator

from foliot.analysis.exactness import is_faithful
from foliot.analysis.findings import Finding
from foliot.analysis.searching import Search, backwards
from foliot.engine import MicrostepLimitReached
from foliot.testing import Moves, NeverRests, active_states


def livelocks(search: Search) -> Iterator[Finding]:
    """Find moves after which the machine does not come to rest: one for each place where it happens."""
    told: set[int | tuple[str, ...]] = set()
    for way, error, index in search.seen.stuck:
        leaves = way.came_from.state.configuration
        place = leaves if index < 0 else index
        if not isinstance(error, MicrostepLimitReached | NeverRests) or place in told:
            continue
        told.add(place)
        state = search.chart.transitions[index][0].id if index >= 0 else next(iter(leaves), "")
        by = (
            "timers that are due at once"
            if isinstance(error, NeverRests)
            else "eventless transitions and raised events"
        )
        what = f"The machine never comes to rest: {by} follow each other without end."
        yield Finding("D007", state, what, "Let a guard end it, or wait for an event.", index, way)


def dead_ends(search: Search) -> Iterator[Finding]:
    """Find states that are not final and in which nothing can happen any more."""
    moves = Moves(search.chart.definition)
    told: set[str] = set()
    for way in search.seen.rests.values():
        state = way.world.state
        if state.done or state.invocations or moves.waits(state):
            continue
        leaf = next((each for each in state.configuration if search.chart.nodes[each].kind != "final"), None)
        if leaf is not None and leaf not in told:
            told.add(leaf)
            what = f"Nothing leads out of '{leaf}': no active state waits for an event or a timer, and it is not final."
            yield Finding("D008", leaf, what, "Make it 'type: final', or give it a way out.", way=way)


def traps(search: Search) -> Iterator[Finding]:
    """Find states from where the machine, which can be done, no longer can."""
    chart, seen = search.chart, search.seen
    ends = [key for key, way in seen.rests.items() if way.world.state.done]
    if not ends or not search.explored.complete or not is_faithful(chart.definition) or seen.stuck:
        return
    moves = Moves(chart.definition)
    free = backwards(seen.onward, ends)
    escaping = {
        leaf
        for key in free & seen.rests.keys()
        for leaf in active_states(chart.parents, seen.rests[key].world.state.configuration)
    }
    told: set[str] = set()
    for key, way in seen.rests.items():
        state = way.world.state
        if key in free or not moves.waits(state):
            continue
        caught = [each for each in state.configuration if each not in escaping and chart.nodes[each].kind != "final"]
        # Of a whole trap the place where it is entered is told.
        if (
            caught
            and (way.before is None or _is_free(way.before.world.state.configuration, escaping))
            and caught[0] not in told
        ):
            told.add(caught[0])
            what = f"From '{caught[0]}' on the machine is never done, though it has an end.{search.limit}"
            yield Finding("D009", caught[0], what, "Give it a way to a final state.", way=way)


def _is_free(configuration: tuple[str, ...], escaping: set[str]) -> bool:
    return all(leaf in escaping for leaf in configuration)

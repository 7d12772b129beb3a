"""Deferred events (UML 2.5.1) for the second interpreter: kept while a state defers them, taken in the step after."""

from __future__ import annotations

from copy import deepcopy

from unit.engine.reference import Reference, Run
from unit.engine.reference_tree import Undone, name_match

from foliot.engine import Event, State, Step


class DeferringReference(Reference):
    """A machine with states that defer."""

    def step(self, state: State, event: Event, now: int) -> Step:
        if state.done or (event.timer is not None and not _is_armed(state, *event.timer)):
            return super().step(state, event, now)
        run, kept = Run(self, state, event, now), list(state.deferred)
        run.undoes = True
        was_kept = False
        try:
            was_kept = self.begin(run, event, kept)
            self.recall(run, kept)
        except Undone:
            run, kept = Run(self, state, event, now), list(state.deferred)
            run.answer()
            self.recall(run, kept)
        step = run.result("taken" if run.transitions else "deferred" if was_kept else "ignored")
        return step._replace(state=step.state._replace(deferred=() if run.done else tuple(kept)))

    def begin(self, run: Run, event: Event, kept: list[Event]) -> bool:
        """Take the event, or keep it; tell which."""
        enabled = run.fitting(event.type, is_timer=event.timer is not None)
        # The event of a timeout is never kept: its state waits for it.
        deferrers = [] if event.timer is not None and event.timer[0] == event.type else self.deferrers(run, event)
        free = [each for each in enabled if not any(self.is_descendant(one, run.source(each)) for one in deferrers)]
        if deferrers and not free:
            kept.append(event._replace(timer=None))
            run.main_loop([])
            return True
        run.main_loop(run.remove_conflicting(free))
        return False

    def deferrers(self, run: Run, event: Event) -> list[str]:
        return [
            state
            for state in self.in_order(run.configuration)
            if any(name_match(descriptor, event.type) for descriptor in self.nodes[state].defer)
        ]

    def recall(self, run: Run, kept: list[Event]) -> None:
        while not run.done:
            event = next((each for each in kept if not self.deferrers(run, each)), None)
            if event is None:
                return
            kept.remove(event)
            before = {name: value for name, value in vars(run).items() if name not in {"machine", "nodes"}}
            before = deepcopy(before)
            run.see(event)
            run.undoes = True
            try:
                run.main_loop(run.select(event.type))
            except Undone:
                # Nothing is left of it but its error, and the microsteps that it took of the limit.
                microsteps = run.microsteps
                vars(run).update(before)
                run.microsteps = microsteps
                run.see(event)
                run.answer()


def _is_armed(state: State, timer_id: str, armed: int) -> bool:
    return timer_id in state.timers and state.timers[timer_id].armed == armed

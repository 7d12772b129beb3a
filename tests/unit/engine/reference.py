"""A second interpreter for comparison: SCXML 1.0, appendix D, written down as it stands there, slow and unmemoized.

It shares nothing with the engine but the definition's model and the value classes. States are ids, sets are lists, and
expressions are looked up in `expressions.py` instead of being compiled. Where the language departs from SCXML (the rule
for `reenter`, `after`, net timer effects), the departure is written anew here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unit.engine.expressions import Fault, evaluate
from unit.engine.reference_tree import ANY, Illegal, Loops, Stopped, Tree, Undone, name_match

from foliot.definition import Action, Branch, Definition, Expression, Payload, StateNode, Transition
from foliot.engine import ArmTimer, CancelTimer, Effect, Event, Finish, Log, Send, State, Step, Timer


class Reference(Tree):
    def __init__(self, definition: Definition, microsteps_max: int) -> None:
        super().__init__(definition)
        self.microsteps_max = microsteps_max

    def start(self, event: Event, now: int) -> Step:
        run = Run(self, State((), dict(self.definition.context.initial), {}, {}, 0, done=False), event, now)
        run.count()
        to_enter: list[str] = []
        run.add_descendants("", to_enter)
        run.enter(to_enter)
        run.main_loop([])
        return run.result("taken")

    def step(self, state: State, event: Event, now: int) -> Step:
        if event.timer is not None:
            timer = state.timers.get(event.timer[0])
            if timer is None or timer.armed != event.timer[1]:
                return Step(state, "dropped", (), ())
        run = Run(self, state, event, now)
        run.undoes = True
        try:
            if not state.done:
                run.main_loop(run.select(event.type, is_timer=event.timer is not None))
        except Undone:
            run = Run(self, state, event, now)
            run.answer()
        return run.result("taken" if run.microsteps else "ignored")


class Run:
    def __init__(self, machine: Reference, state: State, event: Event, now: int) -> None:
        self.machine = machine
        self.undoes = False
        self.has_stopped = False
        self.nodes = machine.nodes
        self.configuration = {
            each for leaf in state.configuration for each in [leaf, *machine.proper_ancestors(leaf, None)]
        }
        self.context = dict(state.context)
        self.history = dict(state.history)
        self.timers = dict(state.timers)
        if event.timer is not None:
            del self.timers[event.timer[0]]
        self.before = dict(self.timers)
        self.event: dict[str, Any] = {}
        self.time: str | None = None
        self.see(event)
        self.now = now
        self.position = state.position + 1
        self.done = state.done
        self.queue: list[tuple[str, Any]] = []
        self.outgoing: list[Effect] = []
        self.transitions: list[int] = []
        self.microsteps = 0
        self.generated = 0
        self.reported: set[int] = set()
        self.default_entry: set[str] = set()
        self.default_history: dict[str, tuple[Action, ...]] = {}
        self.output: Any = None

    def see(self, event: Event) -> None:
        fields = ("id", "source", "type", "data", "time")
        self.event, self.time = {name: getattr(event, name) for name in fields}, event.time

    def answer(self) -> None:
        """Give the error of what was undone to the state as it was."""
        self.undoes = False
        self.outgoing.append(Log("rolled back"))
        self.queue.append(("error.execution", ANY))
        self.main_loop([])

    def result(self, outcome: Any) -> Step:
        leaves = tuple(
            each for each in self.machine.in_order(self.configuration) if self.nodes[each].kind in ("atomic", "final")
        )
        timers = {} if self.done else self.timers
        cancelled = [
            CancelTimer(timer_id, self.before[timer_id].armed)
            for timer_id in sorted(self.before)
            if timers.get(timer_id) != self.before[timer_id]
        ]
        armed = [
            ArmTimer(timer_id, timer.armed, timer.due, timer.event, timer.data)
            for timer_id, timer in timers.items()
            if timer != self.before.get(timer_id)
        ]
        state = State(leaves, self.context, self.history, timers, self.position, self.done)
        return Step(state, outcome, (*cancelled, *armed, *self.outgoing), tuple(self.transitions))

    def count(self) -> None:
        self.microsteps += 1
        if self.microsteps > self.machine.microsteps_max:
            raise Loops

    # --- appendix D

    def main_loop(self, enabled: list[Transition]) -> None:
        if enabled:
            self.microstep(enabled)
        while not self.done:
            enabled = self.select(None)
            if not enabled:
                if not self.queue:
                    break
                event_type, data = self.queue.pop(0)
                self.event = {"id": "", "source": "", "type": event_type, "data": data, "time": self.time}
                enabled = self.select(event_type)
            if enabled:
                self.microstep(enabled)

    def select(self, event_type: str | None, *, is_timer: bool = False) -> list[Transition]:
        return self.remove_conflicting(self.fitting(event_type, is_timer=is_timer))

    def fitting(self, event_type: str | None, *, is_timer: bool) -> list[Transition]:
        enabled: list[Transition] = []
        verdicts: dict[int, bool] = {}
        for leaf in self.machine.in_order(self.configuration):
            if self.nodes[leaf].kind not in ("atomic", "final"):
                continue
            for state in [leaf, *self.machine.proper_ancestors(leaf, None)]:
                found = self.first_enabled(self.nodes[state], event_type, verdicts, is_timer=is_timer)
                if found is not None:
                    if all(found is not each for each in enabled):
                        enabled.append(found)
                    break
        return enabled

    def first_enabled(
        self, node: StateNode, event_type: str | None, verdicts: dict[int, bool], *, is_timer: bool
    ) -> Transition | None:
        if event_type is None:
            candidates = list(node.always)
        else:
            candidates = []
            if is_timer:
                candidates += [each for after in node.after for each in after.transitions if each.event == event_type]
            candidates += [each for each in node.on_done if each.event == event_type]
            others = (*node.on_error, *node.transitions)
            candidates += [each for each in others if name_match(each.event or "", event_type)]
        for transition in sorted(candidates, key=lambda each: each.index):
            if transition.index not in verdicts:
                verdicts[transition.index] = self.condition_match(transition)
            if verdicts[transition.index]:
                return transition
        return None

    def condition_match(self, transition: Transition) -> bool:
        if transition.guard is None:
            return True
        try:
            return bool(evaluate(transition.guard, self.context, self.event, self.in_state()))
        except Fault:
            if transition.index not in self.reported:
                self.reported.add(transition.index)
                self.queue.append(("error.execution", ANY))
            return False

    def remove_conflicting(self, enabled: list[Transition]) -> list[Transition]:
        filtered: list[Transition] = []
        for t1 in enabled:
            preempted = False
            to_remove = []
            for t2 in filtered:
                if set(self.exit_set([t1])) & set(self.exit_set([t2])):
                    if self.machine.is_descendant(self.source(t1), self.source(t2)):
                        to_remove.append(t2)
                    else:
                        preempted = True
                        break
            if not preempted:
                filtered = [each for each in filtered if all(each is not other for other in to_remove)]
                filtered.append(t1)
        return filtered

    def microstep(self, enabled: list[Transition]) -> None:
        self.count()
        self.transitions.extend(each.index for each in enabled)
        to_exit = self.exit_set(enabled)
        self.exit(to_exit)
        for transition in enabled:
            self.execute(transition.actions, self.source(transition))
        to_enter: list[str] = []
        self.compute_entry_set(enabled, to_enter)
        self.enter(to_enter)

    def exit(self, to_exit: list[str]) -> None:
        for state in to_exit:
            for child in self.nodes[state].children:
                if child.kind == "history":
                    if child.history == "deep":
                        kept = [
                            each
                            for each in self.machine.in_order(self.configuration)
                            if self.nodes[each].kind in ("atomic", "final") and self.machine.is_descendant(each, state)
                        ]
                    else:
                        kept = [
                            each
                            for each in self.machine.in_order(self.configuration)
                            if self.machine.parents[each] == state
                        ]
                    self.history[child.id] = tuple(kept)
        for state in reversed(self.machine.in_order(to_exit)):
            self.execute(self.nodes[state].exit, state)
            for after in self.nodes[state].after:
                self.timers.pop(after.id, None)
            self.configuration.discard(state)

    def enter(self, to_enter: list[str]) -> None:
        ended = False
        for state in self.machine.in_order(to_enter):
            if state in self.configuration:
                continue
            self.configuration.add(state)
            for after in self.nodes[state].after:
                self.timers.pop(after.id, None)
                self.timers[after.id] = Timer(self.position, after.id, None, self.now + after.delay_ms * 1000)
            self.execute(self.nodes[state].entry, state)
            if state in self.default_entry:
                self.execute(self.nodes[state].default_actions, state)
            self.execute(self.default_history.get(state, ()), state)
            if self.nodes[state].kind == "final":
                ended = self.complete(state) or ended
        self.default_entry, self.default_history = set(), {}
        self.check_legal()
        if ended:
            self.end()

    def complete(self, final: str) -> bool:
        parent = self.machine.parents[final] or ""
        if parent == "":
            return True
        self.queue.append((f"done.state.{parent}", self.payload(self.nodes[final].output)))
        around = self.machine.parents[parent]
        while around is not None and self.nodes[around].kind == "parallel" and self.in_final_state(around):
            if around == "":
                return True
            self.queue.append((f"done.state.{around}", None))
            around = self.machine.parents[around]
        return False

    def end(self) -> None:
        self.done = True
        for transition in self.nodes[""].on_done:
            if self.condition_match(transition):
                self.transitions.append(transition.index)
                self.execute(transition.actions, "")
                break
        leaves = set(self.configuration)
        for state in reversed(self.machine.in_order(leaves)):
            self.execute(self.nodes[state].exit, state)
            self.configuration.discard(state)
            if self.nodes[state].kind == "final" and self.machine.parents[state] == "":
                self.output = self.payload(self.nodes[state].output)
        self.configuration = leaves
        if self.output is not None:
            self.outgoing.append(Finish(self.output))

    def in_final_state(self, state: str) -> bool:
        kind = self.nodes[state].kind
        children = self.machine.child_states(state)
        if kind == "compound":
            return any(self.nodes[each].kind == "final" and each in self.configuration for each in children)
        if kind == "parallel":
            return all(self.in_final_state(each) for each in children)
        return False

    def exit_set(self, transitions: list[Transition]) -> list[str]:
        found: list[str] = []
        for transition in transitions:
            if transition.targets:
                domain = self.domain(transition)
                found += [each for each in self.configuration if self.machine.is_descendant(each, domain)]
        return self.machine.in_order(found)

    def compute_entry_set(self, transitions: list[Transition], to_enter: list[str]) -> None:
        for transition in transitions:
            if not transition.targets:
                continue
            domain = self.domain(transition)
            for target in transition.targets:
                if target == domain:
                    self.add_defaults(target, to_enter)
                else:
                    self.add_descendants(target, to_enter)
            for target in self.effective_targets(transition.targets):
                self.add_ancestors(target, domain, to_enter)
            if self.nodes[domain].kind == "parallel":
                self.add_regions(domain, to_enter)

    def add_descendants(self, state: str, to_enter: list[str]) -> None:
        node = self.nodes[state]
        if node.kind == "history":
            parent = self.machine.parents[state] or ""
            if state not in self.history:
                self.default_history[parent] = node.default_actions
            targets = self.history.get(state) or self.history_defaults(node)
            for target in targets:
                self.add_descendants(target, to_enter)
            for target in targets:
                self.add_ancestors(target, parent, to_enter)
            return
        if state not in to_enter:
            to_enter.append(state)
        self.add_defaults(state, to_enter)

    def add_defaults(self, state: str, to_enter: list[str]) -> None:
        node = self.nodes[state]
        if node.kind == "compound":
            self.default_entry.add(state)
            initial = node.default_targets if node.initial is None else (node.initial,)
            for target in initial:
                self.add_descendants(target, to_enter)
            for target in initial:
                self.add_ancestors(target, state, to_enter)
        elif node.kind == "parallel":
            self.add_regions(state, to_enter)

    def add_ancestors(self, state: str, limit: str, to_enter: list[str]) -> None:
        for ancestor in self.machine.proper_ancestors(state, limit):
            if ancestor not in to_enter:
                to_enter.append(ancestor)
            if self.nodes[ancestor].kind == "parallel":
                self.add_regions(ancestor, to_enter)

    def add_regions(self, state: str, to_enter: list[str]) -> None:
        for child in self.machine.child_states(state):
            if not any(self.machine.is_descendant(each, child) for each in to_enter):
                self.add_descendants(child, to_enter)

    def history_defaults(self, node: StateNode) -> tuple[str, ...]:
        if node.default_targets:
            return node.default_targets
        parent = self.nodes[self.machine.parents[node.id] or ""]
        if parent.initial is not None:
            return (parent.initial,)
        if parent.default_targets:
            return parent.default_targets
        return tuple(self.machine.child_states(parent.id))

    def effective_targets(self, targets: tuple[str, ...]) -> list[str]:
        found: list[str] = []
        for target in targets:
            node = self.nodes[target]
            if node.kind == "history":
                found += self.effective_targets(self.history.get(target) or self.history_defaults(node))
            else:
                found.append(target)
        return found

    def domain(self, transition: Transition) -> str:
        source = self.source(transition)
        targets = self.effective_targets(transition.targets)
        inside = all(target == source or self.machine.is_descendant(target, source) for target in targets)
        if inside and not transition.reenter:
            return source
        for ancestor in self.machine.proper_ancestors(source, None):
            is_candidate = ancestor == "" or self.nodes[ancestor].kind == "compound"
            if is_candidate and all(self.machine.is_descendant(target, ancestor) for target in targets):
                return ancestor
        return ""

    def source(self, transition: Transition) -> str:
        return self.machine.sources[transition.index]

    def check_legal(self) -> None:
        for state in self.order_of_configuration():
            active = [child for child in self.machine.child_states(state) if child in self.configuration]
            kind = self.nodes[state].kind
            parent = self.machine.parents[state]
            wanted = {"compound": 1, "parallel": len(self.machine.child_states(state))}.get(kind, 0)
            if len(active) != wanted or (parent is not None and parent not in self.configuration):
                raise Illegal

    def order_of_configuration(self) -> list[str]:
        return self.machine.in_order(self.configuration)

    # --- executable content

    def in_state(self) -> Callable[[str], bool]:
        return self.configuration.__contains__

    def execute(self, actions: tuple[Action, ...], owner: str) -> None:
        self.has_stopped = False
        self.block(actions)
        around = [owner, *self.machine.proper_ancestors(owner, None)]
        if self.has_stopped and self.undoes and any(self.nodes[each].rollback for each in around):
            raise Undone

    def block(self, actions: tuple[Action, ...]) -> None:
        try:
            for action in actions:
                self.perform(action)
        except (Fault, Stopped) as stop:
            self.has_stopped = True
            if isinstance(stop, Fault):
                self.queue.append(("error.execution", ANY))

    def nested(self, actions: tuple[Action, ...]) -> None:
        try:
            for action in actions:
                self.perform(action)
        except Fault:
            self.queue.append(("error.execution", ANY))
            raise Stopped from None

    def choose(self, branches: tuple[Branch, ...]) -> None:
        for branch in branches:
            try:
                holds = branch.guard is None or evaluate(branch.guard, self.context, self.event, self.in_state())
            except Fault:
                self.queue.append(("error.execution", ANY))
                continue
            if holds:
                self.nested(branch.actions)
                return

    def payload(self, payload: Payload | None) -> Any:
        if payload is None:
            return None
        found: dict[str, Any] = {}
        for name, expression in payload.values.items():
            try:
                found[name] = self.value(expression)
            except Fault:
                self.queue.append(("error.execution", ANY))
        return found or None

    def value(self, expression: Expression) -> Any:
        if expression.kind == "constant":
            return expression.value
        return evaluate(expression.source, self.context, self.event, self.in_state())

    def perform(self, action: Action) -> None:  # noqa: C901 - one for each kind
        if action.kind == "assign":
            self.context = {**self.context, **{name: self.value(each) for name, each in action.values.items()}}
        elif action.kind == "raise":
            self.queue.append((action.event, self.data(action.data)))
        elif action.kind == "cancel":
            self.timers.pop(action.id, None)
        elif action.kind == "if":
            self.choose(action.branches)
        elif action.kind == "foreach":
            for number, item in enumerate(list(self.value(action.array))):
                self.context = {**self.context, action.item: item}
                if action.index is not None:
                    self.context = {**self.context, action.index: number}
                self.nested(action.actions)
        elif action.kind == "block":
            self.block(action.actions)
        elif action.kind == "log":
            self.outgoing.append(Log(str(self.value(action.expression))))
        elif action.kind == "send" and action.topic is not None:
            ordinal = sum(isinstance(each, Send) for each in self.outgoing)
            self.outgoing.append(Send(ordinal, action.topic, action.event, self.data(action.data)))
        else:
            assert action.kind == "send"
            data = self.data(action.data)
            timer_id = action.id
            if timer_id is None:
                timer_id = f"send.{self.position}.{self.generated}"
                self.generated += 1
            self.timers.pop(timer_id, None)
            self.timers[timer_id] = Timer(self.position, action.event, data, self.now + (action.delay_ms or 0) * 1000)

    def data(self, data: dict[str, Expression]) -> Any:
        return {name: self.value(each) for name, each in data.items()} or None

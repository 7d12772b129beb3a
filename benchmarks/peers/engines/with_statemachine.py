"""python-statemachine: a StateChart class a machine, its context on the model, as its documentation has it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import Any, Final

import orjson
from statemachine import HistoryState, State, StateChart
from statemachine.orderedset import OrderedSet

from benchmarks.peers.engines.measuring import Make, Sight, run


class Chart(StateChart):
    """What all four have: nothing is told of errors by events, and a step writes the model once, which is faster."""

    atomic_configuration_update = True
    catch_errors_as_events = False


class Ring(Chart):
    """Four states in a circle."""

    a = State(initial=True)
    b = State()
    c = State()
    d = State()
    go = a.to(b) | b.to(c) | c.to(d) | d.to(a)


class Parallel(Chart):
    """Three regions that one event moves."""

    class regions(State.Parallel):  # noqa: N801 - the class's name is the state's
        """All three at once."""

        class left(State.Compound):  # noqa: N801
            """Moves."""

            left_a = State(initial=True)
            left_b = State()
            go = left_a.to(left_b) | left_b.to(left_a)

        class middle(State.Compound):  # noqa: N801
            """Moves if its guard lets it."""

            middle_a = State(initial=True)
            middle_b = State()
            go = middle_a.to(middle_b, cond="counted") | middle_b.to(middle_a)

        class right(State.Compound):  # noqa: N801
            """Moves and counts."""

            right_a = State(initial=True)
            right_b = State()
            go = right_a.to(right_b, on="count") | right_b.to(right_a)

    def counted(self) -> bool:
        """Whether the counter is no less than 0."""
        return bool(self.model.n >= 0)

    def count(self) -> None:
        """Count."""
        self.model.n += 1


class History(Chart):
    """Five levels that are left and come back to."""

    class work(State.Compound, enter="arrive", exit="depart"):  # noqa: N801
        """All that history remembers."""

        class phase(State.Compound, initial=True, enter="arrive", exit="depart"):  # noqa: N801
            """Level two."""

            class task(State.Compound, initial=True, enter="arrive", exit="depart"):  # noqa: N801
                """Level three."""

                class first(State.Compound, initial=True, enter="arrive", exit="depart"):  # noqa: N801
                    """Level four, with three leaves."""

                    x = State(initial=True, enter="arrive", exit="depart")
                    y = State(enter="arrive", exit="depart")
                    z = State(enter="arrive", exit="depart")
                    move = x.to(y) | y.to(z) | z.to(x)

                class second(State.Compound, enter="arrive", exit="depart"):  # noqa: N801
                    """Level four, with two leaves."""

                    u = State(initial=True, enter="arrive", exit="depart")
                    v = State(enter="arrive", exit="depart")
                    move = u.to(v) | v.to(u)

                shift = first.to(second) | second.to(first)

        recall = HistoryState(type="deep")

    away = State()
    leave = work.to(away)
    back = away.to(work.recall)

    def arrive(self) -> None:
        """Count an entry."""
        self.model.entered += 1

    def depart(self) -> None:
        """Count an exit."""
        self.model.left += 1


class Agent(Chart):
    """The turns of an agent."""

    idle = State(initial=True)

    class turn(State.Compound):  # noqa: N801
        """From a question to its answer."""

        planning = State(initial=True)

        class executing(State.Compound):  # noqa: N801
            """A call of a tool, with its retries."""

            calling = State(initial=True)
            resting = State()
            retry = resting.to(calling, on="try_again")
            tool_failed = calling.to(resting, cond="may_retry")

        asking = State()
        plan_tool = planning.to(executing, on="choose")
        plan_question = planning.to(asking)
        tool_succeeded = executing.calling.to(planning, on="keep_result")
        tool_failed = executing.calling.to(planning, on="keep_reason")
        replied = asking.to(planning, on="keep_text")

    done = State()
    asked = idle.to(turn, on="begin")
    plan_answer = turn.planning.to(done, on="answer")
    cancelled = turn.to(idle)
    acknowledged = done.to(idle)

    def may_retry(self) -> bool:
        """Whether a tool may be tried once more."""
        return bool(self.model.attempts < 3)

    def begin(self, question: str) -> None:
        """Forget the last turn."""
        model = self.model
        model.question, model.answer, model.observation, model.tool_calls, model.attempts = question, "", "", 0, 0

    def choose(self, tool: str) -> None:
        """Count a call."""
        self.model.tool, self.model.attempts = tool, 1
        self.model.tool_calls += 1

    def try_again(self) -> None:
        """Count an attempt."""
        self.model.attempts += 1

    def answer(self, text: str) -> None:
        """Keep the answer."""
        self.model.answer = text

    def keep_result(self, result: str) -> None:
        """Keep what a tool found."""
        self.model.observation = result

    def keep_reason(self, reason: str) -> None:
        """Keep why a tool failed."""
        self.model.observation = reason

    def keep_text(self, text: str) -> None:
        """Keep what the user said."""
        self.model.observation = text


class Model:
    """The context, and the active states where the library keeps them."""

    def __init__(self, state: Any, context: dict[str, Any]) -> None:
        self.state = state
        self.__dict__.update(context)


class Charts:
    """A machine of the library."""

    def __init__(
        self, chart: type[StateChart], context: dict[str, Any], events: Sequence[tuple[str, dict[str, Any]]]
    ) -> None:
        self._chart = chart
        self._context = context
        self._events = [(event, data) for event, data in events]

    def create(self) -> StateChart:
        """Make a chart with a model of its own; the constructor enters the initial states."""
        return self._chart(Model(None, self._context))

    def send(self, chart: StateChart, number: int) -> StateChart:
        """Send one event."""
        event, data = self._events[number]
        chart.send(event, **data)
        return chart

    def drive(self, chart: StateChart, times: int) -> StateChart:
        """Call all events, which is a little faster than to send their names."""
        events = [(getattr(chart, event), data) for event, data in self._events]
        for _ in range(times):
            for event, data in events:
                event(**data)
        return chart

    def look(self, chart: StateChart) -> Sight:
        """Name the active states without children."""
        leaves = [state.id for state in chart.configuration if not state.states]
        return leaves, {name: getattr(chart.model, name) for name in self._context}

    def save(self, chart: StateChart) -> bytes:
        """Write the model, and what history remembers."""
        history = {name: [state.value for state in states] for name, states in chart.history_values.items()}
        fields = {**chart.model.__dict__, "state": list(chart.configuration_values), "history": history}
        return orjson.dumps(fields)

    def load(self, saved: bytes) -> StateChart:
        """Make a chart on the model; it goes on where the model is."""
        fields = orjson.loads(saved)
        history, values = fields.pop("history"), fields.pop("state")
        chart = self._chart(Model(OrderedSet(values) if len(values) > 1 else values[0], fields))
        states = chart.states_map
        chart.history_values = {name: [states[value] for value in values] for name, values in history.items()}
        return chart


def _charts(chart: type[StateChart], **context: Any) -> Make:
    return partial(Charts, chart, context)


MACHINES: Final[dict[str, Make | str]] = {
    "ring": _charts(Ring),
    "parallel": _charts(Parallel, n=0),
    "history": _charts(History, entered=0, left=0),
    "agent": _charts(Agent, question="", answer="", tool="", observation="", tool_calls=0, attempts=0),
}

if __name__ == "__main__":
    run(f"python-statemachine {version('python-statemachine')}", MACHINES)

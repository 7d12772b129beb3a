from __future__ import annotations

from pathlib import Path

import pytest
from unit.engine.sessions import NOW, Session, event, machine_of

from foliot.definition import load
from foliot.engine import State, Timer, adopt, compile, start, step  # noqa: A004 - the engine's own word

EXAMPLES = Path(__file__).parents[3] / "examples" / "incident"
OLD = """
    initial: a
    states:
      a: {after: {10s: b}, on: {go: p}}
      b: {}
      p:
        initial: x
        states: {x: {}, y: {}, h: {type: history}}
        on: {back: a}
"""


def adopted(text: str, state: State) -> State | str:
    return adopt(machine_of(text), state)


def test_an_instance_moves_with_the_same_values_when_all_it_has_exists() -> None:
    session = Session(OLD)

    assert adopted(OLD.replace("b: {}", "b: {}\n      more: {}"), session.state) == session.state


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            "a: {after: {10s: b}, on: {go: p}}",
            "z: {after: {10s: b}, on: {go: p}}",
            "in the state a, which this version",
        ),
        (
            "a: {after: {10s: b}",
            "a: {initial: i, states: {i: {}}, after: {10s: b}",
            "in the state a, which is compound",
        ),
        (
            "after: {10s: b}",
            "after: {20s: b}",
            "The timer after.10000.a is armed, but this version has no such timeout",
        ),
        ("    states:", "    type: parallel\n    states:", "The active states a cannot be active together"),
        ("a: {after: {10s: b}, on: {go: p}}", "a: {type: final}", "is not finished, but would be"),
    ],
)
def test_an_instance_stays_with_a_reason_when_its_states_or_timers_do_not_exist(
    old: str, new: str, reason: str
) -> None:
    session = Session(OLD)
    text = OLD.replace(old, new, 1).replace("initial: a", "initial: z" if "z:" in new else "initial: a", 1)
    if "z:" in new:
        text = text.replace("back: a", "back: z")
    if "parallel" in new:
        text = text.replace("    initial: a\n", "", 1)

    answer = adopted(text, session.state)

    assert isinstance(answer, str)
    assert reason in answer


def test_an_instance_stays_when_what_it_remembers_does_not_exist() -> None:
    session = Session(OLD)
    session.send("go")
    session.send("back")
    assert session.state.history == {"p.h": ("p.x",)}

    without_history = adopted(OLD.replace(", h: {type: history}", ""), session.state)
    without_state = adopted(OLD.replace("initial: x", "initial: y").replace("x: {}, ", ""), session.state)

    assert without_history == "The instance remembers the history state p.h, which this version does not have."
    assert without_state == "The history state p.h remembers p.x, which this version does not have."


def test_an_instance_stays_when_a_memory_does_not_fit_the_shape_of_the_new_version() -> None:
    session = Session(OLD)
    session.send("go")
    session.send("back")

    answer = adopted(OLD.replace("initial: x", "type: parallel").replace("y: {}", "y: {}, z: {}"), session.state)

    assert answer == "The history state p.h cannot remember p.x in this version."


def test_an_instance_stays_when_its_context_does_not_fit_the_schema() -> None:
    session = Session(OLD)
    schema = "context: {initial: {n: 0}, schema: {properties: {n: {type: integer}, seen: {type: integer}}}}\n"

    answer = adopted(schema + OLD.replace("\n    ", "\n"), session.state)

    assert isinstance(answer, str)
    assert answer.startswith("The context does not fit this version's schema: seen: ")


def test_a_finished_instance_does_not_move_to_where_it_would_run_again() -> None:
    session = Session("{initial: a, states: {a: {on: {go: end}}, end: {type: final}}}")
    session.send("go")

    answer = adopted("{initial: a, states: {a: {on: {go: end}}, end: {}}}", session.state)

    assert answer == "The instance is finished, but would not be in this version."


def test_timers_of_sends_move_along() -> None:
    session = Session(OLD)
    state = session.state._replace(timers={**session.state.timers, "send.1.0": Timer(1, "ping", None, NOW)})

    assert adopted(OLD, state) == state


def test_incidents_move_from_version_1_to_2_and_escalated_ones_stay_when_3_renames_their_state() -> None:
    one, two, three = (
        compile(load((EXAMPLES / f"incident.v{number}.yaml").read_bytes(), filename=f"incident.v{number}.yaml"))
        for number in (1, 2, 3)
    )
    reported = event("reported", {"severity": 3})
    waiting = step(one, start(one, reported, NOW).state, reported, NOW).state
    working = step(one, waiting, event("acknowledged"), NOW).state
    escalated = step(one, working, event("escalated"), NOW).state

    assert adopt(two, escalated) == escalated
    assert adopt(three, waiting) == waiting
    assert adopt(three, escalated) == ("The instance is in the state open.escalated, which this version does not have.")

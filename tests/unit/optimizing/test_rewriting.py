"""Each rewrite does what it says, leaves alone what would show, and a wrong one does not get past the proof."""

from __future__ import annotations

from random import Random

import pytest

from foliot.definition import Definition, NotWritable, StateNode, load
from foliot.languages import read
from foliot.optimizing import Names, Optimized, Proof, prove, rewrite, write


def machine(states: str, *, context: str = "n: 0") -> Definition:
    return load(
        f"foliot: 1\nid: m\ncontext: {{initial: {{{context}}}}}\ninitial: a\nstates: {{{states}}}\n", filename="m.yaml"
    )


def kinds(definition: Definition) -> list[tuple[str, str]]:
    return [(each.kind, each.state) for each in rewrite(definition).removals]


def compared(before: Definition, after: Definition, names: Names | None = None) -> Proof:
    return prove(before, Optimized(after, names or Names({}, {}), ()), Random(1).randrange, runs=200)


def proven(definition: Definition) -> Optimized:
    optimized = rewrite(definition)
    proof = prove(definition, optimized, Random(1).randrange, runs=200)
    assert proof.difference == ()
    assert proof.complete
    return optimized


def ids(definition: Definition) -> list[str]:
    return [node.id for node in definition.root.walk() if node.id]


TWINS = "a: {on: {x: b, y: c}}, b: {on: {z: a}}, c: {on: {z: a}}"


def test_states_that_do_the_same_become_one():
    optimized = proven(machine(TWINS))

    assert ids(optimized.definition) == ["a", "b"]
    assert optimized.names.states == {"": "", "a": "a", "b": "b", "c": "b"}


def test_states_that_lead_to_each_other_are_left_when_they_were_left():
    optimized = proven(
        machine("a: {on: {x: b}}, b: {entry: [{log: '1'}], on: {z: c}}, c: {entry: [{log: '1'}], on: {z: b}}")
    )

    assert ids(optimized.definition) == ["a", "b"]
    assert [each.reenter for each in optimized.definition.root.children[1].transitions] == [True]


@pytest.mark.parametrize(
    "states",
    [
        "a: {on: {x: b, y: c}}, b: {on: {z: a}}, c: {on: {z: b}}",
        "a: {on: {x: b, y: c}}, b: {on: {z: a}}, c: {on: {z: {target: a, guard: 'context.n > 0'}}}",
        "a: {on: {x: b, y: c}}, b: {on: {z: a}}, c: {on: {z: a}, entry: [{log: '1'}]}",
        "a: {on: {x: b, y: c}}, b: {on: {z: a}}, c: {on: {z: a}, after: {1s: a}}",
        "a: {on: {x: b, y: c, q: {guard: 'inState(\"c\")', target: a}}}, b: {on: {z: a}}, c: {on: {z: a}}",
        # A self-transition without `reenter` leaves nothing.
        "a: {on: {x: b, y: c}}, b: {exit: [{log: '1'}], on: {z: b}}, c: {exit: [{log: '1'}], on: {z: b}}",
        # The type of a timer's event is read.
        "a: {on: {x: b, y: c}, entry: [{log: event.type}]}, b: {after: {1s: a}}, c: {after: {1s: a}}",
    ],
)
def test_states_that_differ_stay(states: str):
    assert "merged" not in [each.kind for each in proven(machine(states)).removals]


def test_timers_of_merged_states_are_the_same_under_another_name():
    optimized = proven(machine("a: {on: {x: b, y: c}}, b: {after: {1s: a}}, c: {after: {1s: a}}"))

    assert ids(optimized.definition) == ["a", "b"]
    assert optimized.names.timers == {"after.1000.c": "after.1000.b"}


def test_a_state_with_one_child_is_flattened_with_its_actions_in_order():
    states = (
        "a: {on: {x: p}}, p: {initial: q, entry: [{log: '1'}], exit: [{log: '4'}], on: {y: a}, states: "
        "{q: {initial: r, entry: [{log: '2'}], exit: [{log: '3'}], states: "
        "{r: {on: {z: s}}, s: {on: {z: r, y: '#p'}}}}}}"
    )

    optimized = proven(machine(states))

    assert ids(optimized.definition) == ["a", "p", "p.r", "p.s"]
    assert optimized.names.states["p.q.s"] == "p.s"


@pytest.mark.parametrize(
    "states",
    [
        # The child alone is left and entered.
        "a: {on: {x: p}}, p: {initial: q, on: {y: .q}, states: {q: {entry: [{log: '1'}], on: {z: '#a'}}}}",
        # It would be done when its region is.
        (
            "a: {type: parallel, onDone: b, states: {r: {initial: q, states: {q: {initial: i, states: "
            "{i: {on: {z: j}}, j: {type: final}}}}}, "
            "s: {initial: k, states: {k: {on: {y: l}}, l: {type: final}}}}}, b: {}"
        ),
        "a: {on: {x: p}}, p: {initial: q, on: {y: {guard: 'inState(\"p.q\")', target: a}}, states: {q: {}}}",
        "a: {on: {x: p}}, p: {initial: q, on: {y: {guard: 'inState(\"p.\\x71\")', target: a}}, states: {q: {}}}",
    ],
)
def test_what_would_show_is_not_flattened(states: str):
    assert "flattened" not in [each.kind for each in proven(machine(states)).removals]


def test_what_all_children_have_goes_to_their_parent():
    states = (
        "a: {on: {x: p}}, p: {initial: q, states: {q: {on: {y: '#a', z: r}}, r: {entry: [{log: '1'}], on: {y: '#a'}}}}"
    )

    optimized = proven(machine(states))

    assert kinds(machine(states)) == [("hoisted", "p.q"), ("hoisted", "p.r")]
    assert [each.event for each in optimized.definition.root.children[1].transitions] == ["y"]


@pytest.mark.parametrize(
    "states",
    [
        (
            "a: {on: {x: p}}, p: {initial: q, states: "
            "{q: {on: {y: '#a', z: r}}, r: {on: {y: '#a', z: s}}, s: {type: final}}}"
        ),
        # In r it leaves nothing, in q it leaves q.
        "a: {on: {x: p}}, p: {initial: q, states: {q: {on: {y: r}}, r: {entry: [{log: '1'}], on: {y: r}}}}",
        "a: {on: {x: p}}, p: {initial: q, states: {q: {on: {y: '#a', z: r}}, r: {defer: y, on: {y: '#a', z: q}}}}",
    ],
)
def test_what_would_be_taken_otherwise_is_not_hoisted(states: str):
    assert "hoisted" not in [each.kind for each in proven(machine(states)).removals]


def test_the_order_of_a_guard_and_what_stands_behind_it_stays():
    states = "a: {on: {x: [{guard: 'context.n > 0', target: b}, {target: c}], y: b}}, b: {entry: [{log: '1'}]}, c: {}"

    assert proven(machine(states)).removals == ()


def test_an_unreachable_state_stays_where_a_guard_names_it():
    assert kinds(machine("a: {on: {x: {guard: 'inState(\"b\")', target: a}}}, b: {}")) == []
    assert kinds(machine("a: {}, b: {}")) == [("unreachable", "b")]


def test_what_is_written_is_read_back_to_the_same():
    optimized = proven(machine(TWINS))

    assert load(write(optimized.definition), filename="o.json").hash == optimized.definition.hash


def test_what_the_language_cannot_say_is_not_written():
    text = (
        '<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" name="m" initial="a">'
        '<state id="a"><onentry><log expr="_sessionid"/></onentry></state></scxml>'
    )
    definition = read(text, filename="m.scxml").definition
    assert definition is not None

    with pytest.raises(NotWritable):
        write(definition)


def wrong(definition: Definition, **update: object) -> Definition:
    """Change the machine's second state as a wrong rewrite would."""

    def changed(node: StateNode, number: int) -> StateNode:
        return node.model_copy(update=update) if number == 1 else node

    children = tuple(changed(node, number) for number, node in enumerate(definition.root.children))
    return definition.model_copy(update={"root": definition.root.model_copy(update={"children": children})})


def test_a_wrong_merge_is_told_apart_with_the_moves_that_show_it():
    before = machine("a: {on: {x: b, y: c}}, b: {on: {z: a}}, c: {on: {z: b}}")
    after = machine("a: {on: {x: b, y: b}}, b: {on: {z: a}}, c: {on: {z: b}}")

    proof = compared(before, after, Names({"c": "b"}, {}))

    assert [move.event for move in proof.difference] == ["y", "z"]


def test_a_transition_that_the_smaller_machine_has_in_addition_is_found():
    before = machine("a: {on: {x: b}}, b: {}, c: {on: {q: a}}")
    donor = before.root.children[2].transitions

    proof = compared(before, wrong(before, transitions=donor))

    assert [move.event for move in proof.difference] == ["x", "q"]


def test_a_lost_action_is_found():
    before = machine("a: {on: {x: b}}, b: {entry: [{log: '1'}]}")

    assert [move.event for move in compared(before, wrong(before, entry=())).difference] == ["x"]


def test_random_runs_find_what_no_sample_shows():
    before = machine("a: {on: {x: {guard: 'event.data.k * event.data.k == 49 && event.data.k > 0', target: b}}}, b: {}")
    root = before.root.children[0].model_copy(update={"transitions": ()})
    after = before.model_copy(
        update={"root": before.root.model_copy(update={"children": (root, before.root.children[1])})}
    )

    optimized = Optimized(after, Names({}, {}), ())
    searched = prove(before, optimized, Random(1).randrange, runs=0)
    proof = prove(before, optimized, Random(1).randrange, runs=10_000)

    assert searched.complete
    assert proof.difference

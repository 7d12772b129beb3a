"""Each rule of the language, by an example."""

from __future__ import annotations

import pytest
from unit.engine.sessions import NOW, Session, machine_of

from foliot.engine import DefinitionNotCompilable, Finish, Log, Send
from foliot.engine.chart import descriptor_matches

TRACE = "[{assign: {seen: \"context.seen + '%s '\"}}]"


def trace(word: str) -> str:
    return TRACE % word


def seen(session: Session) -> list[str]:
    return str(session.state.context["seen"]).split()


@pytest.mark.parametrize(
    ("descriptor", "event_type", "fits"),
    [
        ("a", "a", True),
        ("a", "a.b.c", True),
        ("a", "ab", False),
        ("a.b", "a", False),
        ("a.*", "a", True),
        ("a.*", "a.b", True),
        ("a.", "a.b", True),
        ("*", "anything.at.all", True),
        ("b a", "a.c", True),
    ],
)
def test_a_descriptor_fits_whole_tokens_from_the_left(descriptor: str, event_type: str, fits: bool) -> None:  # noqa: FBT001
    assert descriptor_matches(descriptor, event_type) is fits


def test_birth_enters_the_initial_states_and_does_not_consume_the_event_that_caused_it() -> None:
    session = Session("{initial: a, states: {a: {initial: b, states: {b: {on: {birth: c}}, c: {}}}}}")

    assert session.active == ("a.b",)
    assert (session.state.position, session.last.outcome) == (1, "taken")


def test_the_first_transition_in_document_order_whose_guard_holds_is_taken() -> None:
    session = Session("""
        initial: a
        states:
          a: {on: {go: [{guard: context.n > 0, target: b}, {guard: context.n == 0, target: c}, d]}}
          b: {}
          c: {}
          d: {}
    """)

    session.send("go")

    assert session.active == ("c",)


def test_a_child_is_asked_before_its_parent() -> None:
    session = Session("""
        initial: a
        states:
          a: {initial: b, on: {go: outer}, states: {b: {on: {go: c}}, c: {}}}
          outer: {}
    """)

    session.send("go")
    assert session.active == ("a.c",)

    session.send("go")
    assert session.active == ("outer",)


def test_a_transition_out_of_a_region_is_preempted_by_one_that_comes_first() -> None:
    session = Session("""
        initial: p
        states:
          p:
            type: parallel
            states:
              one: {initial: a, states: {a: {on: {go: b}}, b: {}}}
              two: {initial: a, states: {a: {on: {go: '#out'}}}}
          out: {}
    """)

    taken = session.send("go")

    assert session.active == ("p.one.b", "p.two.a")
    assert taken.transitions == (0,)


def test_the_transition_of_a_descendant_preempts_one_of_its_ancestor() -> None:
    session = Session("""
        type: parallel
        states:
          p:
            type: parallel
            on: {go: {target: p, reenter: true}}
            states:
              one: {initial: a, states: {a: {}}}
              two: {initial: a, states: {a: {on: {go: b}}, b: {}}}
          q: {}
    """)

    session.send("go")

    assert session.active == ("p.one.a", "p.two.b", "q")


def test_states_are_left_from_the_inside_and_entered_from_the_outside() -> None:
    session = Session(f"""
        initial: a
        states:
          a:
            exit: {trace("-a")}
            initial: b
            states: {{b: {{exit: {trace("-a.b")}, on: {{go: {{target: '#c', actions: {trace("go")}}}}}}}}}
          c:
            entry: {trace("+c")}
            initial: d
            states: {{d: {{entry: {trace("+c.d")}}}}}
    """)

    session.send("go")

    assert seen(session) == ["-a.b", "-a", "go", "+c", "+c.d"]


def test_a_transition_to_a_descendant_leaves_its_source_only_with_reenter() -> None:
    session = Session(f"""
        initial: a
        states:
          a:
            entry: {trace("+a")}
            initial: b
            on: {{stay: .c, again: {{target: .c, reenter: true}}}}
            states: {{b: {{}}, c: {{}}}}
    """)

    session.send("stay")
    assert (seen(session), session.active) == (["+a"], ("a.c",))

    session.send("again")
    assert seen(session) == ["+a", "+a"]


def test_a_transition_to_itself_runs_only_its_actions_without_reenter() -> None:
    session = Session(f"""
        initial: a
        states:
          a:
            entry: {trace("+a")}
            on: {{stay: {{target: a, actions: {trace("x")}}}, again: {{target: a, reenter: true}}}}
    """)

    session.send("stay")
    assert seen(session) == ["+a", "x"]

    session.send("again")
    assert seen(session) == ["+a", "x", "+a"]


def test_a_transition_without_target_leaves_nothing() -> None:
    session = Session(f"{{initial: a, states: {{a: {{exit: {trace('-a')}, on: {{go: {{actions: {trace('x')}}}}}}}}}}}")

    session.send("go")

    assert seen(session) == ["x"]


@pytest.mark.parametrize(("kind", "expected"), [("shallow", "a.one.x"), ("deep", "a.one.y")])
def test_history_brings_back_the_child_or_the_leaves(kind: str, expected: str) -> None:
    session = Session(f"""
        initial: a
        states:
          a:
            initial: two
            on: {{leave: out, go: .one.y}}
            states:
              one: {{initial: x, states: {{x: {{}}, y: {{}}}}}}
              two: {{}}
              h: {{type: history, history: {kind}, target: one}}
          out: {{on: {{back: a.h}}}}
    """)

    for event_type in ("go", "leave", "back"):
        session.send(event_type)

    assert session.active == (expected,)


def test_history_without_memory_enters_its_default_or_else_what_its_parent_enters() -> None:
    text = """
        initial: out
        states:
          a: {initial: one, states: {one: {}, two: {}, h: {type: history%s}}}
          out: {on: {go: a.h}}
    """
    with_default, without = Session(text % ", target: two"), Session(text % "")

    with_default.send("go")
    without.send("go")

    assert (with_default.active, without.active) == (("a.two",), ("a.one",))


def test_a_history_that_leads_back_into_what_is_active_enters_only_what_is_not() -> None:
    session = Session(f"""
        initial: outer
        states:
          outer:
            initial: a
            states:
              a:
                entry: {trace("a")}
                exit: {trace("-a")}
                initial: x
                states: {{x: {{on: {{back: "#outer.h"}}}}, y: {{}}}}
              h: {{history: deep, target: a.y}}
    """)

    session.send("back")

    assert (session.active, seen(session)) == (("outer.a.y",), ["a"])


def test_a_history_that_leads_to_its_own_source_runs_only_the_actions() -> None:
    session = Session(f"""
        initial: outer
        states:
          outer:
            initial: x
            states:
              x: {{entry: {trace("x")}, on: {{back: {{target: h, actions: {trace("did")}}}}}}}
              h: {{history: shallow}}
    """)

    session.send("back")

    assert (session.active, seen(session)) == (("outer.x",), ["x", "did"])


def test_a_compound_state_is_done_when_its_final_child_is_entered() -> None:
    session = Session("""
        initial: a
        states:
          a: {initial: b, onDone: c, states: {b: {on: {go: end}}, end: {type: final}}}
          c: {}
    """)

    taken = session.send("go")

    assert session.active == ("c",)
    assert len(taken.transitions) == 2


def test_a_parallel_state_is_done_when_all_its_regions_are_also_inside_another_parallel_state() -> None:
    region = "{initial: a, states: {a: {on: {%s: end}}, end: {type: final}}}"
    session = Session(f"""
        initial: p
        states:
          p:
            type: parallel
            onDone: done
            states:
              q: {{type: parallel, states: {{x: {region % "one"}, y: {region % "two"}}}}}
              z: {region % "zero"}
          done: {{}}
    """)

    session.send("zero")
    session.send("one")
    before_the_last = session.active
    session.send("two")

    assert before_the_last == ("p.q.x.end", "p.q.y.a", "p.z.end")
    assert session.active == ("done",)


def test_a_child_that_is_done_is_not_taken_for_its_parent_whose_id_it_begins_with() -> None:
    session = Session("""
        initial: a
        states:
          a:
            initial: b
            onDone: wrong
            states: {b: {initial: c, states: {c: {on: {go: end}}, end: {type: final}}}, end: {type: final}}
          wrong: {}
    """)

    session.send("go")

    assert session.active == ("a.b.end",)


def test_a_final_state_at_the_top_ends_the_machine_with_all_exits_and_no_timers() -> None:
    session = Session(f"""
        exit: {trace("-root")}
        initial: a
        after: {{1h: {{actions: []}}}}
        states:
          a: {{on: {{go: end}}}}
          end: {{type: final, exit: {trace("-end")}}}
    """)

    ended = session.send("go")
    ignored = session.send("go")

    assert (ended.state.done, ended.state.timers, seen(session)) == (True, {}, ["-end", "-root"])
    assert [type(effect).__name__ for effect in ended.effects] == ["CancelTimer"]
    assert (ignored.outcome, ignored.state.position, ignored.state.done) == ("ignored", 3, True)


def test_always_is_taken_until_none_holds() -> None:
    session = Session("""
        initial: a
        states:
          a: {on: {go: b}}
          b: {always: {guard: context.n < 3, target: b, reenter: true, actions: [{assign: {n: context.n + 1}}]}}
    """)

    taken = session.send("go")

    assert session.state.context["n"] == 3
    assert taken.transitions == (0, 1, 1, 1)


def test_raised_events_come_after_eventless_transitions_and_in_order() -> None:
    session = Session(f"""
        initial: a
        states:
          a: {{on: {{go: {{target: b, actions: [{{raise: one}}, {{raise: {{event: two, data: {{k: "40 + 2"}}}}}}]}}}}}}
          b: {{always: {{target: c, actions: {trace("always")}}}}}
          c:
            on:
              one: {{actions: {trace("one")}}}
              two: {{actions: [{{assign: {{seen: "context.seen + 'two ' + string(event.data.k)"}}}}]}}
    """)

    session.send("go")

    assert seen(session) == ["always", "one", "two", "42"]


def test_all_expressions_of_an_assign_see_the_context_from_before() -> None:
    session = Session("""
        context: {initial: {a: 1, b: 2}}
        initial: s
        states: {s: {on: {swap: {actions: [{assign: {a: context.b, b: context.a}}]}}}}
    """)

    session.send("swap")

    assert session.state.context == {"a": 2, "b": 1}


def test_a_guard_without_value_is_false_and_raises_an_error_once() -> None:
    session = Session("""
        initial: a
        states:
          a:
            on:
              go: [{guard: event.data.missing, target: b}, {actions: [{assign: {n: context.n + 1}}]}]
              error.execution: {actions: [{assign: {seen: event.data.where}}]}
          b: {}
    """)

    session.send("go", {})

    assert session.active == ("a",)
    assert session.state.context == {"n": 1, "seen": "guard of transition 0 of a"}


def test_a_failing_guard_without_event_does_not_loop() -> None:
    session = Session("{initial: a, states: {a: {always: {guard: context.missing == 1, target: b}}, b: {}}}")

    assert session.active == ("a",)
    assert session.send("go").outcome == "ignored"


def test_an_error_stops_its_block_keeps_what_was_done_and_names_its_place() -> None:
    session = Session("""
        initial: a
        states:
          a:
            on:
              go:
                actions:
                  - assign: {n: context.n + 1}
                  - assign: {n: 10 / (context.n - 1)}
                  - assign: {n: "100"}
              error.execution: {actions: [{assign: {seen: event.data.where}}]}
    """)

    taken = session.send("go")

    assert session.state.context == {"n": 1, "seen": "assign, action 1 of transition 0 of a"}
    assert taken.outcome == "taken"


def test_in_state_sees_what_is_active_while_an_action_runs() -> None:
    session = Session("""
        initial: a
        states:
          a:
            exit: [{log: "inState('a')"}]
            on: {go: {target: b, actions: [{log: "inState('a') || inState('b')"}]}}
          b: {entry: [{log: "inState('b') && !inState('a')"}]}
    """)

    taken = session.send("go")

    assert taken.effects == (Log("true"), Log("false"), Log("true"))


def test_sends_and_logs_stay_in_order_and_sends_are_numbered() -> None:
    session = Session("""
        initial: a
        states:
          a:
            on:
              go:
                actions:
                  - send: {event: one, to: {topic: t}}
                  - log: "{'b': [1, 2.0], 'a': 'x'}"
                  - send: {event: two, to: {topic: t}, data: {n: context.n, k: 1.0}}
    """)

    taken = session.send("go")

    assert taken.effects == (
        Send(0, "t", "one", None),
        Log('{"a":"x","b":[1,2.0]}'),
        Send(1, "t", "two", {"k": 1.0, "n": 0}),
    )


def test_an_event_that_nothing_takes_is_ignored_and_changes_the_position_alone() -> None:
    session = Session("{initial: a, states: {a: {on: {go: a}}}}")
    before = session.state

    ignored = session.send("unknown", now=NOW + 5)

    assert (ignored.outcome, ignored.effects, ignored.transitions) == ("ignored", (), ())
    assert ignored.state.position == before.position + 1
    assert (ignored.state.configuration, ignored.state.context) == (before.configuration, before.context)


def test_on_done_of_the_root_runs_its_actions_when_the_machine_ends() -> None:
    session = Session(f"""
        onDone: {{actions: {trace("over")}}}
        initial: a
        states: {{a: {{on: {{go: end}}}}, end: {{type: final}}}}
    """)

    session.send("go")

    assert (seen(session), session.state.done) == (["over"], True)


def test_on_done_of_the_root_cannot_lead_anywhere() -> None:
    with pytest.raises(DefinitionNotCompilable, match="the machine is over"):
        machine_of("{onDone: a, initial: a, states: {a: {on: {go: end}}, end: {type: final}}}")


def test_a_final_state_gives_what_the_event_of_its_parent_carries() -> None:
    session = Session("""
        initial: a
        states:
          a:
            initial: b
            states: {b: {on: {go: c}}, c: {type: final, output: {n: context.n + 1, bad: context.missing}}}
            onDone: {target: d, actions: [{assign: {n: event.data.n, seen: "has(event.data.bad) ? 'bad' : 'good'"}}]}
          d: {}
    """)

    session.send("go")

    assert (session.active, session.state.context["n"], session.state.context["seen"]) == (("d",), 1, "good")


def test_the_output_of_the_machine_is_an_effect() -> None:
    session = Session("{initial: a, states: {a: {on: {go: b}}, b: {type: final, output: context.n + 7}}}")

    session.send("go")

    assert session.last.effects == (Finish(7),)
    assert session.state.done


def test_the_output_of_the_machine_is_worked_out_after_its_exit_blocks() -> None:
    session = Session("""
        initial: a
        exit: [{assign: {n: context.n * 10}}]
        states:
          a: {on: {go: b}}
          b:
            type: final
            exit: [{assign: {n: context.n + 1}}]
            output: context.n
    """)

    session.send("go")

    # The root is left last, when the output is known.
    assert session.last.effects == (Finish(1),)
    assert session.state.context["n"] == 10

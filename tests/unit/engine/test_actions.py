"""Actions inside of actions, each by an example."""

from __future__ import annotations

from unit.engine.sessions import Session


def test_the_first_branch_whose_guard_holds_is_run() -> None:
    session = Session("""
        initial: a
        states:
          a:
            on:
              go:
                actions:
                  - if:
                      - {guard: context.n > 0, actions: [{assign: {seen: "'positive'"}}]}
                      - {guard: context.n < 0, actions: [{assign: {seen: "'negative'"}}]}
                      - {actions: [{script: [seen = 'zero', n = context.n + 1]}]}
    """)

    session.send("go")
    assert (session.state.context["seen"], session.state.context["n"]) == ("zero", 1)

    session.send("go")
    assert session.state.context["seen"] == "positive"


def test_a_guard_of_a_branch_without_a_value_counts_as_false_and_is_told() -> None:
    session = Session("""
        initial: a
        states:
          a:
            on:
              go: {actions: [{if: [{guard: context.missing, actions: [{raise: never}]}, {actions: [{raise: other}]}]}]}
              other: {actions: [{assign: {n: context.n + 1}}]}
              error.execution: b
          b: {}
    """)

    session.send("go")

    assert (session.active, session.state.context["n"]) == (("b",), 0)


def test_items_are_gone_through_as_they_were_before_the_first_action() -> None:
    session = Session("""
        context: {initial: {list: [3, 4], seen: [], item: null, at: null}}
        initial: a
        states:
          a:
            on:
              go:
                actions:
                  - foreach:
                      array: context.list
                      item: item
                      index: at
                      actions:
                        - assign: {seen: "context.seen + [context.item, context.at]", list: "context.list + [9]"}
    """)

    session.send("go")

    assert session.state.context["seen"] == [3, 0, 4, 1]
    assert session.state.context["list"] == [3, 4, 9, 9]


def test_an_error_in_a_loop_ends_the_block_around_and_in_a_block_only_that_block() -> None:
    session = Session("""
        context: {initial: {seen: []}}
        initial: a
        states:
          a:
            on:
              loop:
                actions:
                  - foreach:
                      array: '[1, 0, 2]'
                      item: i
                      actions: [{assign: {seen: 'context.seen + [6 / context.i]'}}]
                  - assign: {seen: "context.seen + [100]"}
              block:
                actions:
                  - block: [{log: context.missing}, {assign: {seen: "context.seen + [200]"}}]
                  - assign: {seen: "context.seen + [300]"}
    """)

    session.send("loop")
    session.send("block")

    assert session.state.context["seen"] == [6, 300]


def test_what_is_no_list_cannot_be_gone_through() -> None:
    session = Session("""
        initial: a
        states:
          a:
            on: {go: {actions: [{foreach: {array: context.n, item: i, actions: [{log: '1'}]}}]}, error.execution: b}
          b: {}
    """)

    session.send("go")

    assert session.active == ("b",)

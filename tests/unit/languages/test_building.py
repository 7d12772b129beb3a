"""Machines put together in Python, and machines as arrows, are those that the language says."""

from __future__ import annotations

import pytest

from foliot.definition import Definition, DefinitionRefused
from foliot.languages import load
from foliot.languages.building import Machine, assign, branch, cancel, for_each, log, raise_, send


def test_a_machine_is_put_together_as_the_language_says_it() -> None:
    order = Machine("order", context={"paid": 0}, events={"pay": {"type": "object"}})
    waiting = order.state("waiting").initial()
    waiting.on("pay", "done", guard="event.data.amount > 0", assign={"paid": "event.data.amount"})
    waiting.after("7d", waiting, reenter=True).defer("ship")
    order.state("done", "final").output(paid="context.paid")

    assert order.build() == load(
        """
        foliot: 1
        id: order
        context: {initial: {paid: 0}}
        events: {pay: {schema: {type: object}}}
        initial: waiting
        states:
          waiting:
            on: {pay: {target: done, guard: event.data.amount > 0, actions: [{assign: {paid: event.data.amount}}]}}
            after: {7d: {target: '#waiting', reenter: true}}
            defer: [ship]
          done: {type: final, output: {paid: context.paid}}
        """,
        filename="order.yaml",
    )


def test_every_action_and_kind_of_state_can_be_said() -> None:
    machine = Machine("all", context={"n": 0, "list": [1]})
    pair = machine.state("pair").initial().parallel()
    left = pair.state("left")
    left.state("a").initial().entry(assign(n=1), raise_("go", k="1"), send("later", delay="1s", id="t"), cancel("t"))
    left.state("b").exit(log("'left'"), branch(("context.n > 0", [log("'some'")]), (None, [raise_("go")])))
    left.history("before", deep=True, target=left.state("a"))
    right = pair.state("right")
    right.state("c").initial().on("go", [left.state("b"), "d"]).always(guard="context.n > 9")
    right.state("d").entry(for_each("context.list", "item", log("context.item"), index="i"), send("out", topic="t"))
    pair.on_done("end").describe("two at a time")
    machine.state("end", "final")

    assert machine.build() == load(
        """
        foliot: 1
        id: all
        context: {initial: {n: 0, list: [1]}}
        initial: pair
        states:
          pair:
            type: parallel
            description: two at a time
            onDone: '#end'
            states:
              left:
                initial: a
                states:
                  a:
                    entry:
                      - assign: {n: 1}
                      - raise: {event: go, data: {k: '1'}}
                      - send: {event: later, delay: 1s, id: t}
                      - cancel: t
                  b:
                    exit:
                      - log: "'left'"
                      - if: [{guard: context.n > 0, actions: [{log: "'some'"}]}, {actions: [{raise: go}]}]
                  before: {history: deep, target: '#pair.left.a'}
              right:
                initial: c
                states:
                  c:
                    on: {go: {target: ['#pair.left.b', d]}}
                    always: {guard: context.n > 9}
                  d:
                    entry:
                      - foreach: {array: context.list, item: item, index: i, actions: [{log: context.item}]}
                      - send: {event: out, to: {topic: t}}
          end: {type: final}
        """,
        filename="all.yaml",
    )


def test_what_is_wrong_is_refused_with_the_place_in_the_text() -> None:
    machine = Machine("broken")
    machine.state("a").initial().on("go", "nowhere")

    with pytest.raises(DefinitionRefused) as refusal:
        machine.build()

    [fault] = refusal.value.diagnostics
    assert fault.code == "D401"
    assert '"nowhere"' in machine.text().split("\n")[fault.line - 1]


def test_a_transition_takes_no_unknown_word() -> None:
    with pytest.raises(TypeError, match="no gard"):
        Machine("m").state("a").on("go", gard="true")


ARROWS = """
machine agent   # what it is called
let count = 0
[*] --> idle
idle --new_task / count = context.count + 1--> planning
planning --planned [context.count < 10 && [1][0] == 1] / raise go; count = 3--> working.fast
planning --planned--> idle
working --after 30s--> idle
working.fast --slow--> working.slow
working --> idle
idle --quit--> [*]
"""
SAME = """
foliot: 1
id: agent
context: {initial: {count: 0}}
initial: idle
states:
  idle:
    on:
      new_task: {target: planning, actions: [{assign: {count: context.count + 1}}]}
      quit: '#end'
  planning:
    on:
      planned:
        - target: '#working.fast'
          guard: context.count < 10 && [1][0] == 1
          actions: [{raise: go}, {assign: {count: '3'}}]
        - idle
  working:
    initial: fast
    always: idle
    after: {30s: idle}
    states:
      fast: {on: {slow: slow}}
      slow: {}
  end: {type: final}
"""


def test_arrows_are_the_same_machine() -> None:
    def plain(definition: Definition) -> object:
        return definition.model_dump()

    assert plain(load(ARROWS, filename="x.arrows")) == plain(load(SAME, filename="x.yaml"))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("An_Agent 2_.arrows", "a --x--> b"),
        ("m.scxml", '<scxml xmlns="http://www.w3.org/2005/07/scxml" name="An_Agent 2_"><state id="a"/></scxml>'),
        ("m.xstate.json", '{"id": "An_Agent 2_", "initial": "a", "states": {"a": {}}}'),
    ],
)
def test_a_name_makes_the_same_id_in_each_language(file: str, text: str) -> None:
    assert load(text, filename=file).id == "an_agent-2"

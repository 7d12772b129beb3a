"""How large a machine may be, whatever language it is read from."""

from __future__ import annotations

import dataclasses

import pytest

from foliot.definition import Limits
from foliot.languages import check

HEAD = "foliot: 1\nid: m\ncontext: {initial: {n: 0}}\ninitial: a\n"
REGIONS = "states: {a: {type: parallel, states: {x: {initial: y, states: {y: {}, z: {}}}, v: {}, h: {history: deep}}}}"
EXPRESSIONS = """
states:
  a:
    entry: [{if: [{guard: context.n > 1, actions: [{log: context.n}]}, {actions: []}]}]
    on: {go: {guard: context.n > 2, actions: [{assign: {n: context.n + 1}}, {raise: {event: x, data: {k: context.n}}}]}}
"""


@pytest.mark.parametrize(
    ("text", "limit", "most", "code"),
    [
        (REGIONS, "states_max", 6, "D116"),
        ("states: {a: {on: {x: a, y: a}, always: [{guard: 'false', target: a}]}}", "transitions_max", 3, "D116"),
        (EXPRESSIONS, "expressions_max", 5, "D116"),
        (REGIONS, "active_max", 5, "D117"),
        # a.x.y and a.v are active, and the history state remembers both.
        (REGIONS, "kept_names_bytes_max", 16, "D118"),
    ],
)
def test_a_machine_may_be_as_large_as_its_limits_and_no_larger(text: str, limit: str, most: int, code: str) -> None:
    def codes(value: int) -> list[str]:
        found = check(HEAD + text, filename="m.yaml", limits=dataclasses.replace(Limits(), **{limit: value}))
        return [each.code for each in found if each.severity == "error"]

    assert (codes(most), codes(most - 1)) == ([], [code])


def test_a_document_of_scxml_has_the_same_limits() -> None:
    states = "".join(f'<state id="s{number}"/>' for number in range(5))
    text = f'<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" name="m">{states}</scxml>'

    assert [each.code for each in check(text, filename="m.scxml", limits=Limits(states_max=4))] == ["D116"]


def test_arrows_between_very_deep_states_are_refused_at_once() -> None:
    names = [f"s{number}" for number in range(5_000)]

    found = check(f"{'.'.join(names)} --go--> b\n", filename="m.arrows")

    assert [each.code for each in found] == ["D103"]
    assert check(f"{'.'.join(names[:64])} --go--> b\n", filename="m.arrows") == ()

from __future__ import annotations

from collections import Counter

import pytest
from unit.engine.sessions import machine_of

from foliot.cel import BOOL, Environment, Program, Type
from foliot.definition import compile_value, expressions
from foliot.engine import evaluating


@pytest.mark.parametrize("other", ["", ", {raise: x}"])
def test_each_expression_of_a_machine_is_compiled_once(monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    compiled: Counter[str] = Counter()

    def count(source: str) -> Program:
        compiled[source] += 1
        return compile_value(source)

    monkeypatch.setattr(evaluating, "compile_value", count)
    machine_of(f"""
        initial: a
        states:
          a:
            entry: [{{assign: {{n: context.n + 1}}}}{other}]
            on: {{go: {{actions: [{{assign: {{n: context.n + 2}}}}, {{block: [{{assign: {{n: context.n + 3}}}}]}}]}}}}
    """)

    assert compiled == {f"context.n + {number}": 1 for number in (1, 2, 3)}


def test_an_expression_that_stands_in_many_places_is_compiled_for_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: Counter[tuple[str, object]] = Counter()
    compile_expression = expressions.compile_expression

    def count(source: str, environment: Environment, *, want: Type | None = None) -> Program:
        compiled[source, want] += 1
        return compile_expression(source, environment, want=want)

    monkeypatch.setattr(expressions, "compile_expression", count)
    expressions._compile_once.cache_clear()
    transition = "{guard: context.many == 41, actions: [{assign: {n: context.many + 41}}]}"
    machine_of(f"""
        initial: a
        states:
          a: {{on: {{go: {transition}, stay: {transition}}}}}
    """)

    # A guard is checked before it is known to be one.
    assert compiled == {
        ("context.many == 41", None): 1,
        ("context.many == 41", BOOL): 1,
        ("context.many + 41", None): 1,
    }

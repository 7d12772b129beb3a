from __future__ import annotations

from collections import Counter

import pytest
from unit.engine.sessions import machine_of

from foliot.cel import Program
from foliot.definition import compile_value
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

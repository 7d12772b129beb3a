"""Definitions checked in a process of their own."""

from __future__ import annotations

import pytest

from foliot.definition import DefinitionRefused
from foliot.registry import CheckTooCostly, MachineNotStartable, check_apart, check_machine

GOOD = b"{foliot: 1, id: door, initial: shut, states: {shut: {}}}"
FAULTY = b"{foliot: 1, id: door, initial: shut, states: {shut: {on: {go: nowhere, x: {guard: '1 +'}}}}}"
ONES = f"[{', '.join('1' * 100)}]"


def looping(turns: int, expression: str) -> bytes:
    return f"""
foliot: 1
id: loops
context: {{initial: {{n: 0, m: 1}}}}
initial: a
states:
  a:
    always: [{{guard: context.n < {turns}, target: b}}]
  b:
    always:
      - guard: context.n > -1
        target: a
        actions: [{{assign: {{n: context.n + 1, m: "{expression}"}}}}]
""".encode()


# Each expression is within its own budget; four hundred of them take many seconds.
COSTLY = looping(400, f"size({ONES}.map(x, {ONES}.map(y, [x, y])))")
STATES = b", ".join(b"s%d: {on: {e: s%d}}" % (number, number + 1) for number in range(2_000))
LARGE = b"{foliot: 1, id: large, initial: s0, states: {%s, s2000: {}}}" % STATES


def test_a_machine_that_is_checked_apart_is_the_same() -> None:
    assert check_apart(GOOD, filename="body", cpu_s_max=10, memory_mb_max=1024) == check_machine(GOOD, filename="body")


def test_all_faults_are_told_as_they_are() -> None:
    with pytest.raises(DefinitionRefused) as expected:
        check_machine(FAULTY, filename="body")

    with pytest.raises(DefinitionRefused) as error:
        check_apart(FAULTY, filename="body", cpu_s_max=10, memory_mb_max=1024)

    assert error.value.diagnostics == expected.value.diagnostics
    assert len(error.value.diagnostics) > 1


def test_a_machine_that_cannot_be_born_is_refused_apart_too() -> None:
    with pytest.raises(MachineNotStartable, match="microsteps"):
        check_apart(looping(1_000, "1"), filename="body", cpu_s_max=10, memory_mb_max=1024)


@pytest.mark.parametrize(("text", "cpu_s_max", "memory_mb_max"), [(COSTLY, 1, 1024), (LARGE, 10, 10)])
def test_a_check_that_takes_too_much_is_ended(text: bytes, cpu_s_max: int, memory_mb_max: int) -> None:
    with pytest.raises(CheckTooCostly):
        check_apart(text, filename="body", cpu_s_max=cpu_s_max, memory_mb_max=memory_mb_max)

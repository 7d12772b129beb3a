"""What compiled versions hold together, without a database."""

from __future__ import annotations

from foliot.definition import load
from foliot.engine import Compiled, Event, start, step
from foliot.registry import Versions


def canonical(number: int) -> bytes:
    text = "{foliot: 1, id: m%d, initial: a, states: {a: {on: {'*': b}}, b: {on: {'*': a}}}}"
    return load(text % number, filename="m.yaml").canonical()


def walk(machine: Compiled, ways: int) -> None:
    state = start(machine, Event("e", "test", "born", None), 0).state
    for number in range(ways):
        state = step(machine, state, Event("e", "test", f"type{number}", None), 0).state


def test_what_many_machines_remember_is_bounded_for_all_of_them_together() -> None:
    versions = Versions(256, entries_max=100_000)

    most = 0
    for number in range(60):
        walk(versions.add(number, 1, canonical(number)), 2_000)
        most = max(most, versions.entries)

    assert 100_000 < most < 110_000


def test_the_machine_that_was_not_used_for_longest_forgets_first_and_is_still_there() -> None:
    versions = Versions(256, entries_max=40_000)
    machines = [versions.add(number, 1, canonical(number)) for number in range(3)]
    for machine in machines:
        walk(machine, 2_000)
    assert versions.entries < 40_000

    versions.get(None, 0, 1)
    walk(machines[2], 6_000)
    versions.get(None, 0, 1)

    remembered = [bool(machine.memory.vertices) for machine in machines]
    assert remembered == [True, False, True]
    assert [versions.get(None, number, 1) for number in range(3)] == machines


def test_versions_that_are_too_large_together_go() -> None:
    texts = [canonical(number) for number in range(10)]
    versions = Versions(256, entries_max=3 * len(texts[0]) // 3)

    for number, text in enumerate(texts):
        versions.add(number, 1, text)

    assert versions.entries < 4 * len(texts[0]) // 3


def test_what_is_dropped_gives_its_room_back() -> None:
    versions = Versions(1)
    first = versions.add(1, 1, canonical(1))
    walk(first, 100)
    alone = versions.entries
    walk(versions.add(2, 1, canonical(2)), 100)
    walk(first, 100)

    assert versions.entries == alone

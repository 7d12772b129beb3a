"""Machines of very many regions."""

from __future__ import annotations

import tracemalloc

from unit.engine.sessions import Session

REGIONS = 300
BLOCK = "[{log: 'string(inState(\"p.r1.b\"))'}]"


def session_of(regions: int) -> Session:
    states = ", ".join(
        f"r{number}: {{initial: a, states: {{a: {{exit: {BLOCK}, on: {{go: b}}}}, b: {{entry: {BLOCK}}}}}}}"
        for number in range(regions)
    )
    return Session(f"{{initial: p, states: {{p: {{type: parallel, states: {{{states}}}}}}}}}")


def test_what_each_block_sees_of_the_states_is_shared_among_the_blocks_of_a_step() -> None:
    session = session_of(REGIONS)

    tracemalloc.start()
    session.send("go")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # A set of 601 names for each of 600 blocks would be 20 MB.
    assert held < 2_000_000
    # The exits of all regions come first, then the entries in document order; a state is active in its own blocks.
    seen = [effect.text for effect in session.last.effects]
    assert seen == ["false"] * REGIONS + ["false"] + ["true"] * (REGIONS - 1)


def test_a_transition_into_very_many_regions_enters_each_once() -> None:
    names = [f"r{number}" for number in range(REGIONS)]
    states = ", ".join(f"{name}: {{initial: a, states: {{a: {{}}, b: {{}}}}}}" for name in names)
    targets = ", ".join(f"p.{name}.b" for name in names[::2])
    session = Session(
        f"{{initial: s, states: {{s: {{on: {{go: {{target: [{targets}]}}}}}}, "
        f"p: {{type: parallel, states: {{{states}}}}}}}}}"
    )

    session.send("go")

    assert session.active == tuple(f"p.{name}.{'ab'[number % 2 == 0]}" for number, name in enumerate(names))

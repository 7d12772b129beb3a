"""Machines of XState do on Foliot's engine what they do on npm's xstate; `make xstate` compares thousands."""

from __future__ import annotations

import json

import pytest
from conformance.xstate.comparing import (
    PACKAGE,
    Trial,
    draw,
    first_difference,
    missing,
    read,
    run_foliot,
    run_xstate,
    told,
)

from foliot.languages.xstate import write_xstate

MACHINES = 80


@pytest.fixture(scope="module", autouse=True)
def xstate() -> None:
    if why := missing():
        pytest.skip(f"NO COMPARISON WITH XSTATE: {why}; nothing of it was tested")


def test_it_is_the_version_that_is_spoken_of() -> None:
    assert json.loads((PACKAGE / "package.json").read_text())["version"] == "5.33.3"


def test_random_machines_do_the_same_on_both_sides_but_where_check_tells_it() -> None:
    trials = [draw(seed) for seed in range(MACHINES)]

    parted = [
        trial.seed
        for trial, theirs in zip(trials, run_xstate(trials), strict=True)
        if not told(reading := read(trial))
        and first_difference(theirs, run_foliot(trial, reading.definition)) is not None
    ]

    assert parted == []


def test_what_is_written_does_on_xstate_what_was_read() -> None:
    trials = [draw(seed) for seed in range(MACHINES, MACHINES + 40)]
    written = [again(trial) for trial in trials]

    parted = [
        trial.seed
        for trial, one, other in zip(trials, run_xstate(trials), run_xstate(written), strict=True)
        if first_difference(one, other) is not None
    ]

    assert parted == []


def again(trial: Trial) -> Trial:
    return Trial(trial.seed, json.loads(write_xstate(read(trial).definition).text), trial.script)


@pytest.mark.parametrize(
    ("descriptor", "event", "is_taken"),
    [
        ("error", "error.execution", False),
        ("a", "a.b", False),
        ("a.*", "a", True),
        ("a.*", "a.b.c", True),
        ("*", "anything", True),
    ],
)
def test_a_descriptor_fits_what_it_fits_in_xstate(descriptor: str, event: str, is_taken: bool) -> None:  # noqa: FBT001
    machine = {"id": "m", "initial": "a", "states": {"a": {"on": {descriptor: "b"}}, "b": {}}}
    trial = Trial(0, machine, [{"event": event, "data": {}}])

    [theirs], ours = run_xstate([trial]), run_foliot(trial, read(trial).definition)

    assert theirs.steps == ours.steps
    assert theirs.steps[-1]["configuration"] == (["b"] if is_taken else ["a"])

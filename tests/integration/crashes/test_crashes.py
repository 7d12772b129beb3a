"""A process is killed after every statement of every transaction, and nobody can tell afterwards."""

from __future__ import annotations

import ast
import re
import signal
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from integration.crashes.dump import NOT_DUMPED, dumped_tables
from integration.crashes.hands import catalog_of
from integration.crashes.scenarios import SCENARIOS, Scenario
from integration.crashes.stage import Scene, Stage

import foliot
import foliot_ingest
import foliot_workers
from foliot.history import verify
from foliot.registry import Versions
from foliot.store import load
from foliot.store.schema import tables

_FRONT_READS = [
    f"front.{name}"
    for name in (
        *("set_tenant", "role", "key", "tenant", "has_keys", "catalog", "routing", "places", "depth", "list_instances"),
        *("list_versions", "is_held", "place_of_letter"),
    )
]
_KEY_CHANGES = [
    f"access.{name}"
    for name in ("insert_key", "list_keys", "lock_key", "end_key", "revoke_key", "before_commit", "commit")
]
NOT_CRASHED = {
    "step.read_cursors": "a test gets it instead of lock_cursors when it switches the lock off",
    "intake.read_depth": "reads, to decide whether to pause a topic",
    "intake.begin_offsets": "does nothing where a row is; the tests of ingest begin partitions twice",
    "intake.stop_offset": "says once more what the next ingester finds by itself",
    "begin_offsets.before_commit": "the transaction of begin_offsets alone",
    "begin_offsets.commit": "likewise",
    "stop_partition.before_commit": "the transaction of stop_offset alone",
    "stop_partition.commit": "likewise",
    "relay.insert_alarm": "tells of a topic that cannot be written to; brokers do not agree on which can be",
    "sweep.alarm_stuck_ring": "tells of a ring that stands still, in a transaction of its own",
    "ring_alarm.before_commit": "likewise",
    "ring_alarm.commit": "likewise",
    "repair.list_dead_letters": "reads, for people",
    "repair.list_own_dead_letters": "reads, for people",
    "registry.read_version": "reads, for people",
    "registry.list_routes": "reads, for people",
    "registry.has_tables": "reads, for people",
    "registry.read_tables_revision": "reads, for people",
    "front.take_in": "calls the function of intake.take_in; whoever asks again after a death is known by the claims",
    "front.take_in_alone": "likewise",
    "front.before_commit": "likewise",
    "front.commit": "likewise",
    **dict.fromkeys(_FRONT_READS, "reads, for the front doors"),
    **dict.fromkeys(_KEY_CHANGES, "one transaction of a person's, with nothing beside it"),
}
READING_FILES = {"doctor", "following", "history", "top", "views"}
_PLACES = [
    (scenario.name, point)
    for scenario in SCENARIOS.values()
    for point in (scenario.points.split() if not scenario.only_once else scenario.points.split()[-1:])
]
"""Where a scenario is one transaction, one database serves for all its places."""


def _statements() -> Iterator[str]:
    for file in resources.files("foliot.store").joinpath("sql").iterdir():
        path = file.name.removesuffix(".sql")
        yield from (f"{path}.{name}" for name in load(path))


def _commits() -> Iterator[str]:
    """Find the name of every transaction in the sources."""
    for package in (foliot, foliot_ingest, foliot_workers):
        for file in Path(package.__path__[0]).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield from _names(node, node.func.id)


def _names(call: ast.Call, function: str) -> Iterator[str]:
    if function in {"commit", "commit_alone", "committing"}:
        argument: ast.expr | None = call.args[1]
    else:
        named = (each.value for each in call.keywords if (function, each.arg) == ("write_and_commit", "name"))
        argument = next(named, None)
    if isinstance(argument, ast.Constant):
        yield str(argument.value)
    elif argument is not None and ast.unparse(argument) == "f'ring_{name}'":
        yield from (f"ring_{ring}" for ring in ("inbox", "outbox", "timers", "dedupe"))
    else:
        # `write_and_commit` hands its own name on.
        assert argument is None or ast.unparse(call) == "committing(connection, name)"


def _bare(points: str) -> set[str]:
    return {point.partition(":")[0] for point in points.split()}


def test_every_statement_and_every_commit_is_crashed_at_or_excused() -> None:
    steps = {f"{name}.{place}" for name in _commits() for place in ("before_commit", "commit")}
    there = set(_statements()) | steps | {"step.stepped"}
    crashed = {point for scenario in SCENARIOS.values() for point in _bare(scenario.points)}
    reading = {name for name in there if name.partition(".")[0] in READING_FILES}

    assert there - crashed - set(NOT_CRASHED) - reading == set()
    assert (crashed | set(NOT_CRASHED)) - there == set()
    assert crashed & (set(NOT_CRASHED) | reading) == set()


@pytest.mark.parametrize("path", sorted(READING_FILES))
def test_files_that_are_excused_only_read(path: str) -> None:
    for statement in load(path).values():
        words = set(re.findall(r"[A-Z]+", re.sub(r"(?m)^--.*$", "", statement.text)))
        assert words.isdisjoint({"INSERT", "UPDATE", "DELETE", "TRUNCATE", "CALL"}), statement.name


def test_every_table_is_compared() -> None:
    assert dumped_tables() | NOT_DUMPED == {table.name for table in tables.metadata.sorted_tables}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_a_scenario_passes_the_points_that_it_names_and_no_others(stage: Stage, scenario: Scenario) -> None:
    with stage.scene(scenario) as scene:
        ran = scene.run("act")

    besides = SCENARIOS[scenario.besides].points if scenario.besides else ""
    assert ran.status == 0
    assert set(ran.passed) - _bare(besides) - _bare(scenario.points) == set()
    assert [point for point in scenario.points.split() if ran.passed.count(_name(point)) < _count(point)] == []


def _name(point: str) -> str:
    return point.partition(":")[0]


def _count(point: str) -> int:
    return int(point.partition(":")[2] or 1)


@pytest.mark.parametrize(("name", "point"), _PLACES, ids=[f"{name}-{point}" for name, point in _PLACES])
def test_a_process_that_is_killed_there_leaves_no_trace_once_another_has_run(
    stage: Stage, name: str, point: str
) -> None:
    scenario = SCENARIOS[name]
    with stage.scene(scenario) as scene:
        killed = scene.run("act", crash_at=point)
        again = scene.run("act")

        assert (killed.status, killed.passed[-1]) == (-signal.SIGKILL, _name(point))
        assert killed.passed.count(_name(point)) == _count(point)
        assert again.status == 0
        assert scene.dump() == stage.end_of(scenario)
        _settle(scene)


@pytest.mark.parametrize("name", [name for name, scenario in SCENARIOS.items() if scenario.only_once])
def test_a_process_that_is_killed_anywhere_in_one_transaction_leaves_nothing_or_all(stage: Stage, name: str) -> None:
    """One database for all places: each death before the commit must leave it as it was."""
    scenario = SCENARIOS[name]
    points = scenario.points.split()
    committed = next(place for place, point in enumerate(points) if point.endswith(".commit"))
    with stage.scene(scenario) as scene:
        before = scene.dump()

        for point in points[:committed]:
            killed = scene.run("act", crash_at=point)

            assert (killed.status, killed.passed[-1]) == (-signal.SIGKILL, point)
            assert scene.dump() == before

        killed = scene.run("act", crash_at=points[committed])
        assert (killed.status, killed.passed[-1]) == (-signal.SIGKILL, points[committed])
        assert scene.dump() == stage.end_of(scenario)
        assert scene.run("act").status == 0
        assert scene.dump() == stage.end_of(scenario)
        _settle(scene)


def _settle(scene: Scene) -> None:
    """Step what is left; the journal must prove every instance."""
    assert scene.run("settle").status == 0
    with scene.site.connected() as connection:
        proof = verify(connection, catalog_of(connection), Versions(9))
    assert proof.findings == []

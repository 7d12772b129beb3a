from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from anomalies import ANOMALIES, Anomaly
from checker import interpreter
from checker.case import open_case
from checker.evidence import Evidence, EvidenceInvalid, read_evidence, write_evidence
from checker.interpreter import Happening
from checker.invariants import INVARIANTS
from checker.model import EVENT, MIGRATE
from checker.report import Demand, Verdict, judge
from counting import calls_of
from world import World

FOLDER = Path(__file__).parent
NOW = 1_000_000


def verdict_of(evidence: Evidence, *, drained: bool = True, demand: Demand | None = None) -> Verdict:
    return judge(open_case(evidence, drained=drained), demand or Demand())


@pytest.fixture(scope="module")
def clean() -> Evidence:
    return World(seed=1, instances=50, events=1200).run()


def run_program(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FOLDER / "check.py"), "--evidence", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def walk(version: int, *types: str, now: int = NOW) -> tuple[interpreter.State, list[str]]:
    state, sent = interpreter.birth(), []
    for number, event_type in enumerate(types):
        outcome = interpreter.step(version, state, Happening(f"e{number}", event_type, {"severity": 1}), now)
        assert outcome is not None
        state = outcome.state
        sent += [message.type for message in outcome.messages]
    return state, sent


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_clean_world_is_green_whatever_the_seed(seed: int) -> None:
    evidence = World(seed=seed, instances=50, events=600).run()

    verdict = verdict_of(evidence)

    assert verdict.is_green, verdict.lines


def test_the_clean_world_has_everything_that_can_happen(clean: Evidence) -> None:
    rows = clean.journal

    assert any(row.timer for row in rows)
    assert any(row.kind == MIGRATE for row in rows)
    assert any(row.kind == EVENT and row.outcome == 1 for row in rows)
    assert {row.version for row in rows} == {1, 2, 3}
    assert sum(batch.dropped for batch in clean.batches)
    assert sum(batch.drained for batch in clean.batches)
    assert clean.held
    assert {letter.stage for letter in clean.dead_letters} == {"decode", "step", "park"}
    assert {letter.status for letter in clean.dead_letters} == {"open", "redriven"}
    assert sum(intake.duplicates for intake in clean.intakes)
    assert any(record.ack == "unknown" for record in clean.produced)
    assert len({seen.id for seen in clean.seen}) < len(clean.seen)


@pytest.mark.parametrize("anomaly", ANOMALIES, ids=lambda anomaly: anomaly.name)
def test_a_planted_anomaly_is_caught_by_name(clean: Evidence, anomaly: Anomaly) -> None:
    evidence = copy.copy(clean)
    for name, value in vars(clean).items():
        setattr(evidence, name, copy.copy(value))

    anomaly.spoil(evidence)
    verdict = verdict_of(evidence)

    assert anomaly.finding in verdict.names
    assert not verdict.is_green


def test_what_still_waits_is_no_fault_while_the_run_goes_on(clean: Evidence) -> None:
    evidence = copy.copy(clean)
    last = clean.offsets[0]
    record = next(each for each in clean.produced if each.expect == "applied" and each.topic == last.topic)
    late = replace(record, id="late", offset=last.next, partition=last.partition)
    evidence.produced = [*clean.produced, late]

    running, drained = verdict_of(evidence, drained=False), verdict_of(evidence, drained=True)

    assert running.is_green
    assert drained.names == {"I1_pending"}


def test_a_run_without_events_is_red() -> None:
    clean = World(seed=1, instances=5, events=0).run()

    verdict = verdict_of(clean)

    assert verdict.invalid
    assert not verdict.is_green


@pytest.mark.parametrize(
    "demand",
    [Demand(events_min=10_000), Demand(faults_min=2), Demand(kinds=frozenset({"kill_postgres"}))],
    ids=["events", "faults", "kinds"],
)
def test_a_run_that_is_too_small_is_red(clean: Evidence, demand: Demand) -> None:
    verdict = verdict_of(clean, demand=demand)

    assert len(verdict.invalid) == 1
    assert not verdict.is_green


def test_the_program_says_green_red_or_unfit_by_its_exit_code(clean: Evidence, tmp_path: Path) -> None:
    write_evidence(tmp_path, clean)

    green = run_program(tmp_path, "--drained", "--kinds", "kill_worker")
    with (tmp_path / "alarms.jsonl").open("a") as file:
        file.write('{"code":"shard_conflict","shard":1,"what":"two writers"}\n')
    red = run_program(tmp_path, "--drained", "--json")
    (tmp_path / "journal.jsonl").unlink()
    unfit = run_program(tmp_path)

    assert (green.returncode, green.stdout.splitlines()[-1]) == (0, "VERDICT: green")
    assert (red.returncode, json.loads(red.stdout)["green"]) == (1, False)
    assert (unfit.returncode, "journal.jsonl is missing" in unfit.stderr) == (2, True)


def test_evidence_is_read_as_it_was_written(clean: Evidence, tmp_path: Path) -> None:
    write_evidence(tmp_path, clean)

    again = read_evidence(tmp_path)

    assert again == clean


def test_a_line_that_cannot_be_read_is_named(clean: Evidence, tmp_path: Path) -> None:
    write_evidence(tmp_path, clean)
    (tmp_path / "heads.jsonl").write_text('{"shard":0}\n')

    with pytest.raises(EvidenceInvalid, match=r"heads\.jsonl, line 1: lacks numbers"):
        read_evidence(tmp_path)


def test_a_log_can_be_done_without_only_by_saying_so(clean: Evidence, tmp_path: Path) -> None:
    write_evidence(tmp_path, clean)
    (tmp_path / "sink.jsonl").unlink()

    assert run_program(tmp_path).returncode == 2
    assert run_program(tmp_path, "--without", "sink").returncode == 0
    assert run_program(tmp_path, "--without", "journal").returncode == 2


def test_sixty_thousand_events_are_judged(tmp_path: Path) -> None:
    write_evidence(tmp_path, World(seed=1, instances=400, events=60_000).run())

    done = run_program(tmp_path, "--drained", "--events-min", "55000")

    assert done.returncode == 0, done.stdout


def test_judging_takes_as_many_calls_as_there_are_events() -> None:
    worlds = [World(seed=1, instances=50, events=events).run() for events in (500, 4_000)]

    few, many = (calls_of(lambda evidence=evidence: verdict_of(evidence)) for evidence in worlds)

    # Each event beside each other one would be sixty-four times as many.
    assert many < 12 * few


def test_the_readme_lists_each_name_that_a_finding_can_have() -> None:
    text = (FOLDER / "README.md").read_text()
    names = {name for invariant in INVARIANTS for name in invariant.names}

    missing = {name for name in names if f"`{name}`" not in text}

    assert missing == set()


def test_the_checker_imports_nothing_of_foliot() -> None:
    code = "import sys, check; print([name for name in sys.modules if name.startswith('foliot')])"

    done = subprocess.run([sys.executable, "-c", code], cwd=FOLDER, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_report_opens_an_incident_and_arms_its_timer() -> None:
    state, sent = walk(1, "reported")

    assert json.loads(interpreter.canonical(state)) == {
        "configuration": ["open.waiting"],
        "context": {
            "chain": "ac2d73dc00478aa019a51f6a28086cb1",
            "escalations": 0,
            "notes": 0,
            "seen": 1,
            "severity": 1,
        },
        "done": False,
        "history": {},
        "position": 2,
        "timers": {
            "after.1800000.open.waiting": {
                "armed": 2,
                "data": None,
                "due": NOW + 1_800_000_000,
                "event": "after.1800000.open.waiting",
            }
        },
    }
    assert sent == []


@pytest.mark.parametrize(("version", "leaf"), [(1, "open.escalated"), (2, "open.escalated"), (3, "open.major")])
def test_an_escalation_goes_where_the_version_says_and_sends(version: int, leaf: str) -> None:
    state, sent = walk(version, "reported", "acknowledged", "escalated")

    assert (state.leaf, state.context["escalations"], state.timers) == (leaf, 1, {})
    assert sent == ["incident.escalated"]


def test_the_most_severe_reprioritization_pages_before_it_greets() -> None:
    state, _ = walk(1, "reported")
    state = interpreter.State(state.leaf, {**state.context, "severity": 3}, state.timers, state.position)

    outcome = interpreter.step(1, state, Happening("e", "reprioritized", {"severity": 1}), NOW)

    assert outcome is not None
    assert [(message.type, message.data) for message in outcome.messages] == [
        ("incident.paged", {"severity": 1, "seen": 2}),
        ("incident.escalated", {"severity": 1, "escalations": 1}),
    ]


def test_suspending_is_known_from_version_two_on() -> None:
    types = ("reported", "acknowledged", "suspended")

    assert walk(1, *types)[0].leaf == "open.working"
    assert walk(2, *types)[0].leaf == "open.suspended"
    assert walk(2, *types)[0].context["suspensions"] == 1


def test_a_timer_of_another_arming_is_dropped() -> None:
    state, _ = walk(1, "reported")
    name = "after.1800000.open.waiting"

    assert interpreter.step(1, state, Happening("t", name, None, name, 1), NOW) is None
    fired = interpreter.step(1, state, Happening("t", name, None, name, 2), NOW)
    assert fired is not None
    assert fired.state.context["chain"] == state.context["chain"]
    assert fired.state.leaf == "open.escalated"


def test_a_closed_incident_ignores_everything() -> None:
    state, _ = walk(3, "reported", "resolved", "closed")

    outcome = interpreter.step(3, state, Happening("e", "reopened", None), NOW)

    assert outcome is not None
    assert not outcome.taken
    assert (outcome.state.leaf, outcome.state.position) == ("closed", state.position + 1)


@pytest.mark.parametrize(
    "data", [None, {}, {"severity": 0}, {"severity": True}, {"severity": "1"}, {"severity": 1.5}, []]
)
def test_data_outside_of_its_schema_is_refused(data: object) -> None:
    assert interpreter.outside_schema("reported", data) is not None


@pytest.mark.parametrize("data", [{"severity": 5, "title": "down"}, {"severity": 2.0, "more": []}])
def test_data_within_its_schema_is_let_through(data: object) -> None:
    assert interpreter.outside_schema("reported", data) is None

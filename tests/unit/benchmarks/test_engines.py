import copy
import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from benchmarks.engines.comparing import OPERATIONS, EnginesPlan, as_engine_figures, check_agreement
from benchmarks.engines.entrants import Entrant, find_entrants
from benchmarks.foliot_alone.four import MACHINES, NOW, FoliotMachine
from benchmarks.foliot_alone.sizes import LIMITS, STATES, hierarchy, regions, ring
from benchmarks.measure import Failed
from benchmarks.peers.engines import by_hand
from benchmarks.peers.engines.measuring import EVENTS, measure, trace, trace_resumed
from benchmarks.report.engines_section import as_engines_section
from benchmarks.report.targets import judge
from benchmarks.rig import ROOT

from foliot.definition import load
from foliot.engine import Event, compile, start, step  # noqa: A004 - the engine's own word

SURROUNDINGS = {
    "machine": {"cores": 2, "processor": "x", "memory_gb": 1.0, "python": "3"},
    "servers": {"foliot": "1"},
}
ENTRANTS = (
    Entrant("foliot", "Foliot", "subject", ()),
    Entrant("slow", "Slow", "peer", ()),
    Entrant("quick", "Quick", "peer", ()),
    Entrant("node", "XState, actors", "xstate", ()),
)


def subject(name: str) -> FoliotMachine:
    return MACHINES[name](EVENTS[name])


@pytest.mark.parametrize("name", EVENTS)
def test_foliot_and_the_tables_by_hand_do_the_same(name: str) -> None:
    events = len(EVENTS[name])
    tables = by_hand.MACHINES[name](EVENTS[name])

    expected = trace(subject(name), events)

    assert trace_resumed(subject(name), events) == expected
    assert trace(tables, events) == expected
    assert trace_resumed(tables, events) == expected


@pytest.mark.parametrize("name", EVENTS)
def test_the_events_lead_once_around_and_each_does_something(name: str) -> None:
    sights = trace(subject(name), len(EVENTS[name]))

    assert sights[0][0] == sights[-1][0]
    assert all(before != after for before, after in pairwise(sights))


def test_deep_history_comes_back_to_more_than_one_leaf() -> None:
    sights = trace(subject("history"), len(EVENTS["history"]))

    names = [event for event, _ in EVENTS["history"]]
    returns = {sight[0][0] for event, sight in zip(names, sights[1:], strict=True) if event == "back"}
    assert len(returns) > 2


def test_the_agent_tries_again_and_gives_up() -> None:
    sights = trace(subject("agent"), len(EVENTS["agent"]))

    assert max(context["attempts"] for _, context in sights) == 3
    assert any(context["observation"] == "no such host" for _, context in sights)
    assert {leaf for leaves, _ in sights for leaf in leaves} == set(by_hand._AGENT)


def test_all_that_is_measured_has_a_figure() -> None:
    seen = measure(subject("ring"), len(EVENTS["ring"]), seconds=0.001, alive=2)

    assert all(seen[name]["operations"] > 0 and seen[name]["cpu_seconds"] > 0 for name in OPERATIONS)
    assert seen["memory_bytes"] > 0
    assert seen["saved_bytes"] > len('{"configuration":["a"]}')


def test_an_engine_that_does_something_else_ends_the_run() -> None:
    answer = {"trace": [[["a"], {}], [["b"], {}]], "resumed": [[["a"], {}], [["b"], {}]]}
    other = copy.deepcopy(answer)
    other["resumed"][1][0][0] = "c"

    check_agreement("ring", {"foliot": answer, "same": answer, "none": {"missing": "no"}})
    with pytest.raises(Failed, match="ring: after 1 events short is in None"):
        check_agreement("ring", {"foliot": answer, "short": answer | {"trace": answer["trace"][:1]}})
    with pytest.raises(Failed, match=r"ring: after 1 events other is in .*'c'.* \(resumed\), foliot in .*'b'"):
        check_agreement("ring", {"foliot": answer, "same": answer, "other": other})


def test_without_xstate_the_others_take_part_and_it_is_said(tmp_path: Path) -> None:
    python = tmp_path / "engines" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()

    entrants, not_measured = find_entrants(tmp_path, plain=python)

    assert [entrant.role for entrant in entrants] == ["subject", "plain", "tables", "peer", "peer", "peer", "peer"]
    assert [reason.partition(":")[0] for reason in not_measured] == ["XState"]


def test_a_missing_environment_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="make setup"):
        find_entrants(tmp_path, plain=tmp_path / "python")


def test_xstate_is_pinned_by_version_and_hash() -> None:
    pinned = (ROOT / "benchmarks" / "peers" / "xstate.sha256").read_text()

    assert re.fullmatch(r"[0-9a-f]{64}  xstate-\d+\.\d+\.\d+\.tgz\n", pinned)


@pytest.mark.parametrize(("make", "states"), [(ring, 100), (hierarchy, 100), (regions, 12)])
def test_machines_of_many_states_have_as_many_and_move(make: Any, states: int) -> None:
    count = 4 if make is regions else states

    machine = compile(load(json.dumps(make(count)), filename="large.json"))

    go = Event("e", "test", "go", {}, None)
    first = start(machine, go, NOW).state
    assert len(machine.states) == states + 1
    assert step(machine, first, go, NOW).state.configuration != first.configuration


def test_an_event_for_one_region_moves_no_other() -> None:
    machine = compile(load(json.dumps(regions(3)), filename="regions.json"))
    only = Event("e", "test", "only.r1", {}, None)

    after = step(machine, start(machine, only, NOW).state, only, NOW).state

    assert after.configuration == ("r0.a", "r1.b", "r2.a")


@pytest.mark.parametrize("make", [ring, hierarchy])
def test_the_largest_of_the_machines_is_no_larger_than_a_machine_may_be(make: Callable[[int], dict[str, Any]]) -> None:
    assert load(json.dumps(make(STATES[-1])), filename="large.json", limits=LIMITS)


def figures(rates: dict[str, int], *, ring_costs: tuple[float, float] = (1.0, 1.1)) -> Any:
    """Two rounds in which every operation of an engine has one rate."""

    def answer(name: str, round_: int) -> dict[str, Any]:
        rate = rates[name] * (1, 10)[round_]
        seen = {operation: {"operations": rate, "cpu_seconds": 1.0} for operation in OPERATIONS}
        return {"version": f"{name} 1", "memory_bytes": 700, "saved_bytes": 100, **seen}

    sizes = {
        "ring": dict(zip(("10", "10000"), ring_costs, strict=True)),
        "hierarchy": {"10": 1.0, "10000": 1.0},
        "corner": {"10": 1.0, "10000": 1.0},
        "regions": {"1": 1.0, "32": 8.0},
        "strays": {"1": 1.0, "32": 40.0},
        "anew": {"1": 10.0, "32": 40.0},
        "making": {"ring": {"load_s": 2.0, "compile_s": 1.0}},
    }
    rounds = []
    for round_ in range(2):
        machines = {machine: {one.name: answer(one.name, round_) for one in ENTRANTS} for machine in EVENTS}
        machines["history"]["quick"] = {"version": "quick 1", "missing": "it has no history"}
        rounds.append({"machines": machines, "sizes": sizes})
    around = [{"load_before": 0.5, "stolen": 0.01}, {"load_before": 1.0, "stolen": 0.02}]
    return as_engine_figures(ENTRANTS, [], EnginesPlan(2, 0.5, 500), rounds, around) | SURROUNDINGS


FAST = {"foliot": 2_000_000, "slow": 1_000, "quick": 100_000, "node": 3_000_000}


def test_ratios_are_formed_within_a_round_against_the_best_that_has_the_machine() -> None:
    text = "\n".join(as_engines_section(figures(FAST)))

    assert "| Foliot against the best Python peer | 20.0 × | 20.0 × | 2000.0 × | 20.0 × |" in text
    assert "| Foliot against XState | 0.7 × | 0.7 × | 0.7 × | 0.7 × |" in text
    assert "| Quick | 550,000 | 550,000 | – | 550,000 |" in text
    assert "Quick is not in history, since it has no history" in text
    assert "2 rounds; load before them 0.5 to 1.0, taken by others of the machine 1% to 2%." in text


def test_the_section_says_of_each_target_whether_it_is_met() -> None:
    text = "\n".join(as_engines_section(figures(FAST, ring_costs=(1.0, 1.3))))

    ring_line = "| steps of the ring | ≥ 1,500,000/s, ≥ 10 × the best Python peer | 11,000,000/s, 20.0 × | yes |"
    assert ring_line in text
    assert "| ahead on every line | behind on 12 of 12: step of ring 0.67 ×, " in text
    assert (
        "| a step's cost in a ring, 10 to 10,000 states | the same (≤ 1.25 × the cheapest) | 1.30 × | **no** |" in text
    )
    assert "one, where one moves | grows with them (≤ 32 ×) | 40.0 × | **no** |" in text


def test_a_rate_without_the_ratio_is_not_enough() -> None:
    met = {target.what: target.met for target in judge(figures({**FAST, "quick": 150_000, "node": 1_000}))}

    assert met["steps of the ring"]
    assert not met["steps of the parallel machine"]
    assert met["instances made; every machine"]
    assert met["against XState on node, the better of its two ways"]


def test_what_could_not_be_measured_is_said_and_not_judged() -> None:
    seen = figures(FAST)
    del seen["entrants"]["node"]
    for one in seen["rounds"]:
        for answers in one["machines"].values():
            del answers["node"]
    seen["not_measured"] = ["XState: there is no node"]

    text = "\n".join(as_engines_section(seen))

    assert "**Not measured:** XState: there is no node." in text
    assert "against XState" not in text

"""Measure Foliot and its peers on this machine.

python -m benchmarks contest [--long] [--report docs/benchmarks]
python -m benchmarks engines [--rounds 3] [--peers .venv-peers]
python -m benchmarks growth [--instances 1000,100000,1000000] [--remembered 20000000]
python -m benchmarks latency [--rounds 5]
python -m benchmarks scaling [--crews 1x1,1x2,2x2,2x4,4x4] [--rounds 3]
python -m benchmarks soak [--per-second 3000] [--hours 1]
python -m benchmarks page
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.contenders import Contender, DbosWorkflows, LanggraphCheckpoints, NaiveCelery, Subject
from benchmarks.contest import Plan, hold
from benchmarks.engines import EnginesPlan, compare, find_entrants
from benchmarks.growth import Population, grow
from benchmarks.latency import LatencyPlan, look_at_latency
from benchmarks.measure import Failed, Window
from benchmarks.report import Figures, as_figures, judge, write_json, write_report
from benchmarks.rig import facts, rig
from benchmarks.scaling import Crew, ScalingPlan, scale
from benchmarks.soak import SoakPlan, soak

REPORT = Path("docs/benchmarks")
SHORT = Plan(
    rounds=3, settings_max=3, trial=Window(1.0, 3.0), window=Window(1.5, 6.0), instances=500, whole_events=30_000
)
LATENCY = LatencyPlan(
    rounds=5,
    quiet_events=200,
    backlog=200_000,
    critical_events=300,
    critical_per_s=25.0,
    requests=5_000,
    requests_per_s=500.0,
    bulk=150_000,
    steady_per_s=3_000.0,
)
SCALING = ScalingPlan(rounds=3, first=30_000, events=120_000, instances=1000)
LONG = Plan(
    rounds=5, settings_max=9, trial=Window(3.0, 10.0), window=Window(3.0, 15.0), instances=1000, whole_events=200_000
)


def main() -> None:
    """Measure and report."""
    options = _options()
    # Asked to end, it stops its servers and programs on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("The measurement was ended."))
    try:
        options.run(options)
    except Failed as failure:
        sys.exit(f"The measurement broke off: {failure}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    contest = commands.add_parser("contest", help="Foliot and its peers in turn")
    contest.add_argument("--long", action="store_true", help="longer windows, more rounds, every setting")
    contest.add_argument("--peers", type=Path, default=Path(".venv-peers"), help="where `make peers` put environments")
    contest.set_defaults(run=_contest)
    engines = commands.add_parser("engines", help="Foliot's engine alone and other engines")
    engines.add_argument("--rounds", type=int, default=3)
    engines.add_argument("--seconds", type=float, default=0.5, help="of CPU for each operation of each engine")
    engines.add_argument("--peers", type=Path, default=Path(".venv-peers"), help="where their environments are")
    engines.add_argument("--plain", type=Path, default=Path(".venv/bin/python"), help="a Python with Foliot uncompiled")
    engines.set_defaults(run=_engines)
    growth = commands.add_parser("growth", help="Foliot beside more and more instances and remembered ids")
    growth.add_argument("--instances", default="1000,100000,1000000", help="sizes, the one to compare with first")
    growth.add_argument("--remembered", type=int, default=20_000_000, help="ids in the dedupe window; 0: leave it out")
    growth.add_argument("--events", type=int, default=100_000, help="in each measurement")
    growth.add_argument("--rounds", type=int, default=3)
    growth.set_defaults(run=_growth)
    latency = commands.add_parser("latency", help="quiet, beside a backlog, and over HTTP beside others")
    latency.add_argument("--rounds", type=int, default=5)
    latency.add_argument("--backlog", type=int, default=200_000, help="events of the low lane beside the critical one")
    latency.set_defaults(run=_latency)
    scaling = commands.add_parser("scaling", help="Foliot with more and more processes")
    scaling.add_argument(
        "--crews", default="1x1,1x2,2x2,2x4,4x4", help="ingesters x children; first what to compare with"
    )
    scaling.add_argument("--rounds", type=int, default=SCALING.rounds)
    scaling.add_argument("--events", type=int, default=SCALING.events, help="in each measurement")
    scaling.add_argument("--first", type=int, default=SCALING.first, help="events to warm up with before each")
    scaling.set_defaults(run=_scaling)
    soaking = commands.add_parser("soak", help="an even load on Foliot for a long time")
    soaking.add_argument("--per-second", type=float, help="half of the top rate, which is measured first, if not given")
    soaking.add_argument("--hours", type=float, default=1.0)
    soaking.add_argument("--instances", type=int, default=100_000)
    soaking.add_argument("--every-s", type=float, default=60.0)
    soaking.add_argument("--relay", action="store_true", help="run the relay, too")
    soaking.set_defaults(run=_soak)
    page = commands.add_parser("page", help="write the page and the plots anew from the report's figures")
    page.set_defaults(run=lambda options: write_report(_contest_of(options), options.report))
    for command in (contest, engines, growth, latency, scaling, soaking, page):
        command.add_argument("--report", type=Path, default=REPORT, help="the folder that has the report")
    return parser.parse_args()


def _contest(options: argparse.Namespace) -> None:
    contenders: Sequence[Contender] = (
        Subject(),
        Subject("foliot_relay", relay=True),
        NaiveCelery(options.peers),
        DbosWorkflows(options.peers),
        LanggraphCheckpoints(options.peers),
    )
    with rig() as made:
        seen = hold(made, contenders, LONG if options.long else SHORT, say)
        figures = as_figures(seen, contenders, facts(), made.versions())
    for name, ratio in figures["ratios"].items():
        say(f"{ratio['events_per_s']:.1f} times the rate and {ratio['events_per_cpu_s']:.1f} times per CPU of {name}")
    write_report(figures, options.report)


def _engines(options: argparse.Namespace) -> None:
    entrants, not_measured = find_entrants(options.peers, options.plain.absolute())
    figures = compare(entrants, not_measured, EnginesPlan(options.rounds, options.seconds, alive=200), say)
    engines = (entrant for entrant in figures["entrants"].values() if entrant["role"] != "tables")
    versions = [engine["version"].partition(",")[0].partition(" ") for engine in engines]
    _keep(figures, {name: version for name, _, version in versions}, "engines", options)
    for target in judge(figures):
        say(f"{'met' if target.met else 'NOT MET'}: {target.what}: {target.seen} (asked: {target.asked})")
    for reason in not_measured:
        say(f"NOT MEASURED: {reason}")


def _growth(options: argparse.Namespace) -> None:
    sizes = [int(size) for size in options.instances.split(",")]
    populations = [Population(f"foliot_{size}", size) for size in sizes]
    if options.remembered:
        populations.append(Population("foliot_remembered", sizes[0], options.remembered))
    with rig() as made:
        figures = grow(made, populations, options.rounds, options.events, say)
        _keep(figures, made.versions(), "growth", options)
    for title, ratio in figures["against_the_first"].items():
        say(f"{title}: {ratio['cpu']:.2f} times the CPU and {ratio['wal']:.2f} times the WAL of the first")


def _latency(options: argparse.Namespace) -> None:
    plan = replace(LATENCY, rounds=options.rounds, backlog=options.backlog)
    with rig() as made:
        figures = look_at_latency(made, plan, say)
        _keep(figures, made.versions(), "latency", options)
    for name, times in figures["best"].items():
        say(
            f"{name}: median {times['p50_ms']:.1f} ms, p99 {times['p99_ms']:.1f} ms in the best of {plan.rounds} rounds"
        )


def _scaling(options: argparse.Namespace) -> None:
    crews = [Crew(*map(int, crew.split("x"))) for crew in options.crews.split(",")]
    plan = replace(SCALING, rounds=options.rounds, events=options.events, first=options.first)
    with rig() as made:
        figures = scale(made, crews, plan, say)
        _keep(figures, made.versions(), "scaling", options)
    for crew in figures["crews"]:
        rate, cpu = crew["against_the_first"]["events_per_s"], crew["against_the_first"]["cpu"]
        say(f"{crew['title']}: {rate:.2f} times the rate and {cpu:.2f} times the CPU of the first")


def _soak(options: argparse.Namespace) -> None:
    with rig() as made:
        seconds = options.hours * 3600
        plan = SoakPlan(options.per_second, seconds, options.instances, options.every_s, options.relay)
        figures = soak(made, plan, say)
        _keep(figures, made.versions(), "soak", options)


def _keep(figures: Figures, servers: Mapping[str, str], name: str, options: argparse.Namespace) -> None:
    """Write what was measured beside the contest, and the page anew."""
    write_json(figures | {"machine": asdict(facts()), "servers": dict(servers)}, options.report / f"{name}.json")
    if (options.report / "contest.json").exists():
        write_report(_contest_of(options), options.report)


def _contest_of(options: argparse.Namespace) -> Figures:
    file = options.report / "contest.json"
    if not file.exists():
        sys.exit(f"there is no {file}: run `make bench` first")
    figures: Figures = json.loads(file.read_text())
    return figures


def say(line: str) -> None:
    """Print a line with the time."""
    print(time.strftime("%H:%M:%S"), line, flush=True)


if __name__ == "__main__":
    main()

"""Run Foliot under load while its processes and servers are killed, frozen and cut off; end with the checker's verdict.

Exit: 0 green, 1 red (also where too little happened).
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from acceptance.chaos.deeds import Deeds
from acceptance.chaos.figures import machine, measure
from acceptance.chaos.plan import CUT, KINDS, MOVE_ALL, Fault, Move, make_moves, make_plan
from acceptance.chaos.report import write_report
from acceptance.rig.evidence import check, findings, lane_ends, waiting, write_outputs
from acceptance.rig.traffic import Traffic
from acceptance.rig.world import World, open_world

from foliot.local.demo.workload import incidents

_TICK_S: Final = 0.05
_TICKS_TOLD: Final = 200
_SPARE_S: Final = 180.0
"""How much longer than planned the faults may take before the run is given up."""
_DRAIN_S_MAX: Final = 120.0
_ENDED: Final = (0, -signal.SIGTERM)
"""Exit codes after SIGTERM; it ends a program at once that has not yet begun to listen to it."""
_RECORDS_MAX: Final = 10_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run."""
    options = _parser().parse_args(arguments)
    asked = tuple(options.only.split(",")) if options.only else KINDS
    kinds = tuple(kind for kind in asked if options.kafka == "apache" or kind != "kill_kafka")
    if options.kafka != "apache":
        _say("Without Apache Kafka: the broker is not killed, so this run says nothing about its durability.")
    plan = make_plan(
        options.seed,
        faults=options.faults,
        interval_s=options.interval,
        outage_s=options.outage,
        postgres_kills=options.postgres_kills,
        kinds=kinds,
    )
    moves = make_moves(options.seed, until_s=plan[-1].at_s)
    about: dict[str, Any] = {"seed": options.seed, "kafka": options.kafka, "machine": machine()}
    with open_world(kafka=options.kafka, session_timeout_ms=6000, grace_s=10) as world:
        _say(f"seed {options.seed}: {len(plan)} faults, {len(moves)} moves; evidence in {world.evidence}")
        run = about | _run(world, plan, moves, options)
        kept = run["green"] or _keep(world)
    run["load_at_end"] = [round(value, 2) for value in os.getloadavg()]
    if options.report is not None:
        write_report(options.report, run)
    _tell(run)
    if not run["green"]:
        _say(f"The evidence is in {kept}.")
    return 0 if run["green"] else 1


def _run(world: World, plan: tuple[Fault, ...], moves: tuple[Move, ...], options: argparse.Namespace) -> dict[str, Any]:
    world.start_programs(each=2)
    records = incidents(options.seed, _RECORDS_MAX)
    traffic = Traffic(world.kafka.address, records, rate=options.rate, log=world.evidence / "producer.jsonl")
    began_us = time.time_ns() // 1000
    traffic.start()
    deeds = Deeds(world, list(plan), list(moves))
    complaints = _break(world, deeds, traffic, options)
    traffic.finish()
    stopped = time.monotonic()
    ends: dict[tuple[str, int], int] = {}
    drained = world.wait(world.kafka.answers, seconds_max=_DRAIN_S_MAX)
    if drained:
        ends = lane_ends(world)
        drained = world.wait(
            lambda: not any(waiting(world, ends=ends).values()), seconds_max=_DRAIN_S_MAX, pause_seconds=0.5
        )
    drained_s = round(time.monotonic() - stopped, 1)
    if not drained:
        complaints.append(f"not drained after {drained_s} s: {waiting(world, ends=ends)}")
    # The last fault may have killed a program that does not run again yet; that is not how it ends when asked to.
    world.wait(lambda: all(each.process is not None for each in world.programs.values()), seconds_max=_DRAIN_S_MAX)
    starts = sum(program.starts for program in world.programs.values())
    for name, program in world.programs.items():
        complaints += [f"{name} ended by itself with code {code}" for code in program.ended_by_itself]
    codes = world.end_programs()
    complaints += [f"{name} ended with code {code} when asked to" for name, code in codes.items() if code not in _ENDED]
    write_outputs(world)
    kinds = (*(fault.kind for fault in plan), MOVE_ALL)
    floors = ["--events-min", str(options.events), "--faults-min", str(options.faults + deeds.moved)]
    verdict = check(world, arguments=[*floors, "--kinds", ",".join(sorted(set(kinds)))])
    complaints += [f"{name}: {count}" for name, count in findings(verdict).items()] + verdict["invalid"]
    if CUT in kinds and world.proxy.commits_cut < 1:
        complaints.append("no commit's reply was cut")
    return {
        "green": not complaints,
        "complaints": complaints,
        "sent": traffic.sent,
        "unknown_sends": traffic.unknown,
        "faults": deeds.done,
        "moves": deeds.moved,
        "commits_cut": world.proxy.commits_cut,
        "drained_s": drained_s,
        "starts": starts,
        "figures": measure(world.evidence, began_us=began_us).as_json(),
        "verdict": verdict,
    }


def _break(world: World, deeds: Deeds, traffic: Traffic, options: argparse.Namespace) -> list[str]:
    """Do all faults while the load lasts, and let it last until there were enough events; give what went wrong."""
    planned_s = deeds.faults[-1].at_s if deeds.faults else 0.0
    deadline = time.monotonic() + planned_s + options.outage + options.events / options.rate + _SPARE_S
    for tick in itertools.count():
        deeds.tick()
        if deeds.over and traffic.sent >= options.events * 1.02 + 50:
            deeds.mend()
            return []
        if time.monotonic() > deadline or traffic.failure is not None:
            left = [fault.kind for fault in deeds.faults]
            deeds.mend()
            return [f"given up: {traffic.sent} records sent ({traffic.failure}), faults not done: {left}"]
        if tick % _TICKS_TOLD == 0:
            _say(f"{deeds.seconds:6.1f} s  {deeds.done} faults, {traffic.sent:,} sent, waiting {waiting(world)}")
        time.sleep(_TICK_S)
    raise AssertionError("unreachable")


def _keep(world: World) -> Path:
    """Copy evidence and logs to where they outlive the world."""
    kept = Path(world.folder.parent / f"{world.folder.name}-red")
    for part in (world.evidence, world.logs):
        shutil.copytree(part, kept / part.name)
    for server in world.servers.values():
        shutil.copy(server.child.log, kept / "logs" / server.child.log.name)
    return kept


def _tell(run: dict[str, Any]) -> None:
    figures = run["figures"]
    _say(
        f"{figures['events']:,} events stepped, {figures['events_per_second']}/s; {run['faults']} faults,"
        f" {run['moves']} moves; recovery p50 {figures['recovery_p50_s']} s, p95 {figures['recovery_p95_s']} s,"
        f" most {figures['recovery_max_s']} s; drained in {run['drained_s']} s; load {run['load_at_end']}"
    )
    for line in run["verdict"]["lines"]:
        _say(f"{'RED  ' if line['red'] else 'green'}  {line['title']:<42} {line['checked']:>10,} checked")
        for finding in line["first"][:5] if line["red"] else ():
            _say(f"       {finding['invariant']}: {finding['what']} ({finding['where']})")
    for complaint in run["complaints"]:
        _say(f"RED: {complaint}")
    _say(f"VERDICT: {'green' if run['green'] else 'RED'}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="a run with fewer is red")
    parser.add_argument("--faults", type=int, default=40, help="a run with fewer is red; channel moves are not counted")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="decides traffic, faults, times and victims")
    parser.add_argument("--interval", type=float, default=5.0, help="seconds from one fault to the next on average")
    parser.add_argument("--outage", type=float, default=60.0, help="seconds for which the Celery broker is off")
    parser.add_argument("--postgres-kills", type=int, default=5)
    parser.add_argument("--only", default="", help="these kinds of fault alone, parted by commas")
    parser.add_argument("--rate", type=float, default=150.0, help="events sent a second")
    parser.add_argument("--kafka", choices=("apache", "tansu"), default="apache")
    parser.add_argument("--report", type=Path, help="where to write the report, without a suffix")
    return parser


if __name__ == "__main__":
    sys.exit(main())

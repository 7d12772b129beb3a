"""Mutants of the example machines against generated scenarios and those by hand: `make machine-mutants`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from foliot.testing import (
    Judged,
    MachineFile,
    Scenario,
    generate,
    judge_mutants,
    load_machine,
    load_suite,
    mutants,
    score,
)

EXAMPLES = Path(__file__).parents[3] / "examples"
MACHINES = ("incident/incident.v3.yaml", "order/order.yaml", "agent_turn/agent_turn.yaml")
WANTED_PERCENT = 90


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, help="where to write the report, without a suffix")
    options = parser.parse_args()
    rows = [row for name in MACHINES for row in rows_of(name)]
    for row in rows:
        print({name: value for name, value in row.items() if name != "survivors"})  # noqa: T201
    if options.report is not None:
        options.report.with_suffix(".json").write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")
        options.report.with_suffix(".md").write_text("\n".join(page(rows)) + "\n", "utf-8")
    return int(any(row["percent_of_all"] < WANTED_PERCENT for row in rows if row["scenarios"] == "generated"))


def rows_of(name: str) -> Iterator[dict[str, object]]:
    file = EXAMPLES / name
    machine = load_machine(str(file), read)
    yield row_of(name, machine, "generated", generate(machine.definition).scenarios)
    by_hand = file.with_suffix("").with_suffix(".test.yaml")
    if by_hand.exists():
        yield row_of(name, machine, "by hand", load_suite(str(by_hand), read).scenarios)


def row_of(name: str, machine: MachineFile, kind: str, scenarios: Sequence[Scenario]) -> dict[str, object]:
    began = time.monotonic()
    count = sum(1 for _ in mutants(machine.definition))
    judged: list[Judged] = []
    for each in judge_mutants(machine.definition, scenarios):
        judged.append(each)
        if len(judged) % 20 == 0:
            print(f"{name}, {kind}: {len(judged)} of {count}", file=sys.stderr)  # noqa: T201
    counts = score(judged)
    return {
        "machine": name,
        "scenarios": kind,
        "count": len(scenarios),
        "mutants": count,
        "caught": counts.caught,
        "missed": counts.missed,
        "alike": counts.alike,
        "undecided": counts.undecided,
        "percent_of_all": round(counts.percent_of_all, 1),
        "percent": round(counts.percent, 1),
        "kinds": dict(sorted(Counter(each.mutant.kind for each in judged).items())),
        "seconds": round(time.monotonic() - began, 1),
        "survivors": [
            {
                "verdict": each.verdict,
                "line": machine.place(each.mutant.state, each.mutant.transition).line,
                "kind": each.mutant.kind,
                "what": each.mutant.what,
                "before": each.mutant.before,
                "after": each.mutant.after,
            }
            for each in judged
            if each.verdict != "caught"
        ],
    }


def page(rows: Sequence[dict[str, object]]) -> Iterator[str]:
    yield from ("# Mutants of the example machines", "")
    yield "Written by `make machine-mutants`: each machine is changed in small ways, one at a time, and its scenarios"
    yield "are run. The generated ones seek moments at which a changed expression has another value, by changes that"
    yield "the mutants have. That these are caught says that what differs is also seen; it says less of other faults."
    columns = ("machine", "scenarios", "count", "mutants", "caught", "missed", "alike", "undecided")
    yield from ("", f"| {' | '.join(columns)} | caught of all | of those not alike |", "|---" * 10 + "|")
    for row in rows:
        cells = " | ".join(str(row[name]) for name in columns)
        yield f"| {cells} | {row['percent_of_all']} % | {row['percent']} % |"
    yield from ("", "What the generated scenarios do not catch:", "")
    yield from ("| machine | line | verdict | what | before | after |", "|---|---|---|---|---|---|")
    for row in rows:
        survivors = row["survivors"]
        for each in survivors if row["scenarios"] == "generated" and isinstance(survivors, list) else ():
            words = (f"`{each[name]}`".replace("|", r"\|") for name in ("what", "before", "after"))
            yield f"| {row['machine']} | {each['line']} | {each['verdict']} | {' | '.join(words)} |"


def read(file: str) -> bytes:
    return Path(file).read_bytes()


if __name__ == "__main__":
    sys.exit(main())

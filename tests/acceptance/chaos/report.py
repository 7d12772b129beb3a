"""The report of a run, for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any


def write_report(path: Path, run: dict[str, Any]) -> None:
    """Write `<path>.md` and `<path>.json`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(as_markdown(run), encoding="utf-8")


def as_markdown(run: dict[str, Any]) -> str:
    """Write the run as a page."""
    figures, machine = run["figures"], run["machine"]
    loads = f"load {machine['load'][0]} at the start and {run['load_at_end'][0]} at the end"
    rate = f"{figures['events_per_second']} a second; the load is paced"
    recovery = f"median {figures['recovery_p50_s']} s, p95 {figures['recovery_p95_s']} s"
    most = f"at most {figures['recovery_max_s']} s; longest standstill {figures['standstill_s']} s"
    lines = [
        f"# Chaos on real processes: {'green' if run['green'] else 'RED'}",
        "",
        f"Seed {run['seed']}, Kafka: {run['kafka']}, {machine['cores']} cores, {loads}, Python {machine['python']}.",
        "",
        f"- {run['sent']:,} records sent, {run['unknown_sends']} without a report",
        f"- {figures['events']:,} events stepped in {figures['seconds']} s ({rate})",
        f"- {run['faults']} faults and {run['moves']} channel moves; {run['commits_cut']} commits whose reply was cut",
        f"- until the next commit after a fault: {recovery}, {most}",
        f"- drained {run['drained_s']} s after the load ended; programs were started {run['starts']} times",
        "",
        "| invariants | checked | red |",
        "|---|---|---|",
        *(f"| {line['title']} | {line['checked']:,} | {line['red']} |" for line in run["verdict"]["lines"]),
        "",
        "| fault | times | recovery s: median | most |",
        "|---|---|---|---|",
        *_by_kind(figures["faults"]),
    ]
    if run["complaints"]:
        lines += ["", "Why it is red:", "", *(f"- {complaint}" for complaint in run["complaints"])]
    return "\n".join(lines) + "\n"


def _by_kind(faults: list[dict[str, Any]]) -> list[str]:
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for fault in faults:
        seconds[fault["kind"]].append(fault["recovery_s"] if fault["recovery_s"] is not None else float("inf"))
    return [
        f"| {kind} | {len(values)} | {sorted(values)[len(values) // 2]} | {max(values)} |"
        for kind, values in sorted(seconds.items())
    ]

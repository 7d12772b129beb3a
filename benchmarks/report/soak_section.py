"""The page's section on the soak: an even load for a long time, in as many slices as fit on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.report.surroundings import as_heading
from benchmarks.report.tables import as_table

_HOW = Path(__file__).with_name("soak.md")
_SLICES: Final = 6
_COLUMNS: Final = (
    *("minutes", "events/s", "CPU µs an event", "to the step: median ms", "p99 ms", "behind the plan", "waiting"),
    *("journal MB", "instances MB", "rings MB", "all else MB", "largest child MB", "ingester MB"),
)


def as_soak_section(figures: Mapping[str, Any]) -> list[str]:
    """Write the section."""
    plan, looks = figures["plan"], figures["looks"]
    size = max(1, -(-len(looks) // _SLICES))
    edges = [*range(0, len(looks), size), len(looks)]
    rows = []
    for start, end in pairwise(edges):
        before = looks[start - 1] if start else {"at_s": 0.0, "applied": figures["applied_before"]}
        rows.append(_row(before, looks[start:end]))
    return [
        *as_heading("soak", figures),
        "",
        *as_table(_COLUMNS, rows),
        "",
        _HOW.read_text().format(**plan, minutes=plan["seconds"] / 60, top=figures["top"]),
    ]


def _row(before: Mapping[str, Any], looks: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    last = looks[-1]
    events, seconds = last["applied"] - before["applied"], last["at_s"] - before["at_s"]
    middles = ("cpu_us_per_event", "applied_p50_ms", "applied_p99_ms", "behind", "waiting")
    sizes = ("journal_bytes", "instances_bytes", "ring_bytes", "other_bytes")
    return (
        f"{before['at_s'] / 60:.0f} to {last['at_s'] / 60:.0f}",
        f"{events / seconds:,.0f}",
        *(f"{median(look[name] for look in looks):,.0f}" for name in middles),
        *(f"{last[name] / 1e6:,.0f}" for name in sizes),
        *(f"{max(look['largest_process_bytes'][name] for look in looks) / 1e6:,.0f}" for name in ("worker", "ingest")),
    )

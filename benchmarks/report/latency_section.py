"""The page's section on latency: medians and tails of every round, and how busy the machine was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.report.surroundings import as_heading
from benchmarks.report.tables import as_table

_HOW = Path(__file__).with_name("latency.md")
_TITLES: Final = {
    "quiet": "an event on a quiet system",
    "critical": "the critical lane beside a backlog",
    "http": "HTTP beside a full topic",
    "http_steady": "HTTP beside a steady load",
}


def as_latency_section(figures: Mapping[str, Any]) -> list[str]:
    """Write the section."""
    columns = ("", "best: median ms", "p99 ms", "longest ms", "p99 ms of each round", "load", "taken by others")
    return [
        *as_heading("latency", figures),
        "",
        *as_table(columns, [_row(figures, name) for name in _TITLES]),
        "",
        _HOW.read_text().format(**figures["plan"]),
    ]


def _row(figures: Mapping[str, Any], name: str) -> tuple[str, ...]:
    best, rounds = figures["best"][name], figures["rounds"][name]
    return (
        _TITLES[name],
        *(f"{best[part]:.1f}" for part in ("p50_ms", "p99_ms", "max_ms")),
        ", ".join(f"{one['p99_ms']:.0f}" for one in rounds),
        f"{min(one['load'] for one in rounds):.1f} to {max(one['load'] for one in rounds):.1f}",
        f"{min(one['stolen'] for one in rounds):.0%} to {max(one['stolen'] for one in rounds):.0%}",
    )

"""The page's section on growth: what an event costs beside more and more instances and remembered ids."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report.surroundings import as_heading, as_surroundings
from benchmarks.report.tables import as_table

_HOW = Path(__file__).with_name("growth.md")


def as_growth_section(figures: Mapping[str, Any]) -> list[str]:
    """Write the section."""
    even = figures["evenly"]
    return [
        *as_heading("growth", figures),
        as_surroundings(figures["rounds"]),
        "",
        *_table(figures, f"a full topic of {figures['events']:,} events"),
        "",
        *_table(even, f"an even load of {even['per_second']:,} events a second"),
        "",
        _HOW.read_text().format(events=figures["events"], per_second=even["per_second"], seconds=even["seconds"]),
    ]


def _table(figures: Mapping[str, Any], title: str) -> list[str]:
    columns = (title, "events/s", "CPU µs an event", "against the first", "WAL B an event", "against the first")
    ratios = figures["against_the_first"]
    return as_table(columns, [_row(figures, place, name, ratio) for place, (name, ratio) in enumerate(ratios.items())])


def _row(figures: Mapping[str, Any], place: int, title: str, ratio: Mapping[str, float]) -> tuple[str, ...]:
    samples = [one[place] for one in figures["rounds"]]
    rate = median(sample["events"] / sample["seconds"] for sample in samples)
    cpu = median(sum(sample["cpu_seconds"].values()) / sample["events"] * 1e6 for sample in samples)
    wal = median(sample["wal_bytes"] / sample["events"] for sample in samples)
    return (title, f"{rate:,.0f}", f"{cpu:,.0f}", f"{ratio['cpu']:.2f} ×", f"{wal:,.0f}", f"{ratio['wal']:.2f} ×")

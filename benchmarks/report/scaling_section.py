"""The page's section on scaling: rates, CPU by part, and what the processes waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report.surroundings import as_heading, as_surroundings
from benchmarks.report.tables import as_table

_HOW = Path(__file__).with_name("scaling.md")
_WAITS_MAX = 3
"""Kinds of waits that are named for each crew; all of them are in scaling.json."""
_SEEN_MIN = 0.0005
"""Sessions below which a wait is not named: the page would say 0.000."""


def as_scaling_section(figures: Mapping[str, Any]) -> list[str]:
    """Write the section."""
    plan, crews, cores = figures["plan"], figures["crews"], figures["machine"]["cores"]
    samples = [sample for one in figures["rounds"] for sample in one]
    before = max(sample["waiting_before"] / sample["events"] for sample in samples)
    return [
        *as_heading("scaling", figures),
        as_surroundings(figures["rounds"]),
        "",
        *_rates(crews, cores),
        "",
        "CPU an event by part, µs:",
        "",
        *_parts(crews),
        "",
        "What the processes waited for:",
        "",
        *_waits(crews),
        "",
        *_named(crews),
        "",
        _HOW.read_text().format(**plan, cores=cores, before=before),
    ]


def _rates(crews: Sequence[Mapping[str, Any]], cores: int) -> list[str]:
    columns = (
        *("", "events/s", "against the first", "CPU µs an event", "against the first", "cores busy"),
        "cores / CPU",
    )
    rows = []
    for crew in crews:
        cpu, ratio = crew["cpu_us_per_event"], crew["against_the_first"]
        rate = (f"{crew['events_per_s']:,.0f}", f"{ratio['events_per_s']:.2f} ×")
        cost = (f"{cpu:,.0f}", f"{ratio['cpu']:.2f} ×", f"{crew['cores']:.2f}", f"{cores / cpu * 1e6:,.0f}")
        rows.append((crew["title"], *rate, *cost))
    return as_table(columns, rows)


def _parts(crews: Sequence[Mapping[str, Any]]) -> list[str]:
    names = sorted({name for crew in crews for name in crew["cpu_us_per_event_by_part"]})
    return as_table(
        ("", *names),
        [
            (crew["title"], *(f"{crew['cpu_us_per_event_by_part'].get(name, 0.0):,.0f}" for name in names))
            for crew in crews
        ],
    )


def _waits(crews: Sequence[Mapping[str, Any]]) -> list[str]:
    columns = (
        "",
        "looks with a wait for a lock",
        "for one within the server",
        "events a step transaction",
        "an intake",
        "transactions lost",
        "children idle",
        "switches an event: voluntary",
        "forced",
    )
    rows = []
    for crew in crews:
        steps, switches = crew["doing"].get("step", {}), crew["switches_per_event"]
        idle = steps.get("idle", 0.0) / (sum(steps.values()) or 1.0)
        waits = (f"{crew['lock']:.1%}", f"{crew['lwlock']:.1%}")
        batches = (f"{crew['events_per_step']:,.0f}", f"{crew['events_per_intake']:,.0f}")
        rest = (f"{crew['lost']:.1%}", f"{idle:.0%}", f"{switches['voluntary']:.2f}", f"{switches['forced']:.2f}")
        rows.append((crew["title"], *waits, *batches, *rest))
    return as_table(columns, rows)


def _named(crews: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the waits of each crew, and how many of its processes had nothing to do at all."""
    lines = ["How many sessions waited for which lock, on average:", ""]
    for crew in crews:
        waits = [f"{name} {count:.3f}" for name, count in crew["waiting"].items() if count >= _SEEN_MIN][:_WAITS_MAX]
        said = "; ".join(waits) or "none was seen to wait"
        if crew["stepping_children"] < crew["children"]:
            said += f" (in a round {crew['stepping_children']} of {crew['children']} children stepped)"
        if crew["accepting_ingesters"] < crew["ingesters"]:
            said += f" (in a round {crew['accepting_ingesters']} of {crew['ingesters']} ingesters took something)"
        lines.append(f"- {crew['title']}: {said}")
    return lines

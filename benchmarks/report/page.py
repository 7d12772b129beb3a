"""The page of a contest: tables, plots, how it was measured, and what it does not show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.report.engines_section import as_engines_section
from benchmarks.report.figures import Figures
from benchmarks.report.growth_section import as_growth_section
from benchmarks.report.latency_section import as_latency_section
from benchmarks.report.scaling_section import as_scaling_section
from benchmarks.report.soak_section import as_soak_section
from benchmarks.report.surroundings import as_machine, as_surroundings
from benchmarks.report.tables import as_table
from benchmarks.rig.servers import SERVER_SETTINGS

SECTIONS: Final[Mapping[str, Callable[[Figures], list[str]]]] = {
    "engines": as_engines_section,
    "latency": as_latency_section,
    "scaling": as_scaling_section,
    "growth": as_growth_section,
    "soak": as_soak_section,
}
"""What was measured beside the contest, by the name of its file."""
_HOW = Path(__file__).with_name("how.md")


def as_page(figures: Figures, others: Mapping[str, Figures]) -> str:
    """Write the page: of a contest, and of what else was measured."""
    plan, machine, contenders = figures["plan"], figures["machine"], figures["contenders"]
    subject = next(iter(contenders))
    return "\n".join(
        [
            "# Benchmarks",
            "",
            f"`make bench` on {as_machine(machine, figures['servers'])}.",
            as_surroundings(figures["rounds"]),
            "",
            *_table(contenders),
            "",
            *_ratios(figures["ratios"], contenders, subject),
            "",
            "![Events per second](events.svg)",
            "![CPU an event](cpu.svg)",
            "![Bytes kept an event](kept.svg)",
            "",
            *_parts(contenders),
            "",
            *_redeliveries(contenders),
            "",
            _HOW.read_text().format(
                **plan,
                **plan["window"],
                cores=machine["cores"],
                server_settings=", ".join(f"{name} {value}" for name, value in SERVER_SETTINGS.items()),
            ),
            *(line for name, write in SECTIONS.items() if name in others for line in write(others[name])),
            *_settings(figures),
        ]
    )


def as_summary(figures: Figures) -> str:
    """Write the few figures that README.md begins with."""
    rows = []
    for name, one in figures["contenders"].items():
        seen, ratio = one["median"], figures["ratios"].get(name, {"events_per_cpu_s": 1.0})
        cpu = (f"{seen['cpu_us_per_event']:,.0f}", f"{ratio['events_per_cpu_s']:.1f} ×")
        kept = (f"{one['kept']['per_event']:,.0f}", str(one["redelivery"]["doubled"]))
        rows.append((one["title"], f"{seen['events_per_s']:,.0f}", *cpu, *kept))
    columns = (
        "",
        "events/s",
        "CPU µs an event",
        "against Foliot",
        "bytes kept",
        "of 100 repeated events applied twice",
    )
    return "\n".join(as_table(columns, rows))


def _table(contenders: Mapping[str, Any]) -> list[str]:
    columns = (
        *("", "events/s", "CPU µs an event", "WAL B an event", "kept B an event", "B for the incidents"),
        "ring B",
    )
    return as_table(columns, [_row(one["title"], one["median"], one["kept"]) for one in contenders.values()])


def _row(title: str, seen: Mapping[str, Any], kept: Mapping[str, Any]) -> Sequence[str]:
    return (
        title,
        *(f"{seen[name]:,.0f}" for name in ("events_per_s", "cpu_us_per_event", "wal_bytes_per_event")),
        *(f"{kept['per_event']:,.0f}", f"{kept['instances_bytes']:,}", f"{kept['ring_bytes']:,}"),
    )


def _ratios(ratios: Mapping[str, Any], contenders: Mapping[str, Any], subject: str) -> list[str]:
    return as_table(
        (f"{contenders[subject]['title']} against", "events a second", "events a CPU second"),
        [
            (contenders[name]["title"], f"{ratio['events_per_s']:.1f} ×", f"{ratio['events_per_cpu_s']:.1f} ×")
            for name, ratio in ratios.items()
        ],
    )


def _parts(contenders: Mapping[str, Any]) -> list[str]:
    lines = ["CPU an event by part, µs (medians):", ""]
    for one in contenders.values():
        parts = one["median"]["cpu_us_per_event_by_part"]
        lines.append(f"- {one['title']}: " + ", ".join(f"{part} {micros:,.0f}" for part, micros in parts.items()))
    return lines


def _redeliveries(contenders: Mapping[str, Any]) -> list[str]:
    names = ("exact", "doubled", "astray")
    return [
        "An event of each of 100 incidents is delivered a second time:",
        "",
        *as_table(
            ("", "exactly as sent", "applied twice", "astray: out of order or not applied"),
            [(one["title"], *(str(one["redelivery"][name]) for name in names)) for one in contenders.values()],
        ),
    ]


def _settings(figures: Figures) -> list[str]:
    rows = []
    for sample in figures["trials"]:
        one = figures["contenders"][sample["contender"]]
        rate, cpu, load = sample["events_per_s"], sample["cpu_us_per_event"], sample["load_before"]
        chosen = "taken" if one["setting"] == sample["setting"] else ""
        rows.append((one["title"], sample["setting"], f"{rate:,.0f}", f"{cpu:,.0f}", f"{load:.1f}", chosen))
    rows += [(name, "did not get through its trial", "", "", "", "") for name in figures["failed"]]
    columns = ("", "setting", "events/s", "CPU µs an event", "load", "")
    versions = "; ".join(dict.fromkeys(one["version"] for one in figures["contenders"].values()))
    return ["## Settings tried", "", *as_table(columns, rows, texts=(0, 1, 5)), "", f"Versions: {versions}.", ""]

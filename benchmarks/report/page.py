"""The page of a contest: tables, plots, how it was measured, and what it does not show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report.figures import Figures
from benchmarks.report.scaling_section import as_scaling_section
from benchmarks.report.surroundings import as_machine, as_surroundings
from benchmarks.rig.servers import SERVER_SETTINGS

_HOW = Path(__file__).with_name("how.md")


def as_page(figures: Figures, scaling: Figures | None = None) -> str:
    """Write the page: of a contest, and of scaling where that was measured."""
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
            *(as_scaling_section(scaling) if scaling else ()),
            *_settings(figures),
        ]
    )


def _table(contenders: Mapping[str, Any]) -> list[str]:
    lines = [
        "| | events/s | CPU µs an event | WAL B an event | kept B an event | B for the incidents | ring B |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in contenders.values():
        seen, kept = one["median"], one["kept"]
        lines.append(
            f"| {one['title']} | {seen['events_per_s']:,.0f} | {seen['cpu_us_per_event']:,.0f}"
            f" | {seen['wal_bytes_per_event']:,.0f} | {kept['per_event']:,.0f} | {kept['instances_bytes']:,}"
            f" | {kept['ring_bytes']:,} |"
        )
    return lines


def _ratios(ratios: Mapping[str, Any], contenders: Mapping[str, Any], subject: str) -> list[str]:
    lines = [f"| {contenders[subject]['title']} against | events a second | events a CPU second |", "|---|---:|---:|"]
    for name, ratio in ratios.items():
        lines.append(
            f"| {contenders[name]['title']} | {ratio['events_per_s']:.1f} × | {ratio['events_per_cpu_s']:.1f} × |"
        )
    return lines


def _parts(contenders: Mapping[str, Any]) -> list[str]:
    lines = ["CPU an event by part, µs (medians):", ""]
    for one in contenders.values():
        parts = one["median"]["cpu_us_per_event_by_part"]
        lines.append(f"- {one['title']}: " + ", ".join(f"{part} {micros:,.0f}" for part, micros in parts.items()))
    return lines


def _redeliveries(contenders: Mapping[str, Any]) -> list[str]:
    lines = [
        "An event of each of 100 incidents is delivered a second time:",
        "",
        "| | exactly as sent | applied twice | astray: out of order or not applied |",
        "|---|---:|---:|---:|",
    ]
    for one in contenders.values():
        seen = one["redelivery"]
        lines.append(f"| {one['title']} | {seen['exact']} | {seen['doubled']} | {seen['astray']} |")
    return lines


def _settings(figures: Figures) -> list[str]:
    lines = [
        "## Settings tried",
        "| | setting | events/s | CPU µs an event | load | |",
        "|---|---|---:|---:|---:|---|",
    ]
    for sample in figures["trials"]:
        one = figures["contenders"][sample["contender"]]
        chosen = "taken" if one["setting"] == sample["setting"] else ""
        lines.append(
            f"| {one['title']} | {sample['setting']} | {sample['events_per_s']:,.0f}"
            f" | {sample['cpu_us_per_event']:,.0f} | {sample['load_before']:.1f} | {chosen} |"
        )
    lines += [f"| {name} | did not get through its trial | | | | |" for name in figures["failed"]]
    versions = "; ".join(dict.fromkeys(one["version"] for one in figures["contenders"].values()))
    return [*lines, "", f"Versions: {versions}.", ""]

"""The page's section on engines: operations a CPU second of Foliot's engine and of others, held to what was asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.report.surroundings import as_heading
from benchmarks.report.tables import as_table
from benchmarks.report.targets import Target, judge, ratio_to_best

_HOW = Path(__file__).with_name("engines.md")
_TABLES: Final = {
    "step": "steps a CPU second",
    "create": "instances made a CPU second",
    "resume": "read, step, write a CPU second",
}
_WEIGHTS: Final = {"memory_bytes": "bytes of an idle instance in memory", "saved_bytes": "bytes of an instance written"}
_SIZES: Final = {
    "ring": "a ring, through all states",
    "hierarchy": "a hierarchy, through all states",
    "corner": "a hierarchy, nine of its states",
    "regions": "all regions move",
    "strays": "one region moves, drawn at random",
    "anew": "one region moves, and nothing is remembered",
}


def as_engines_section(figures: Mapping[str, Any]) -> list[str]:
    """Write the section."""
    return [
        *as_heading("engines", figures),
        _surroundings(figures["surroundings"]),
        *(f"**Not measured:** {reason}." for reason in figures["not_measured"]),
        "",
        *_targets(judge(figures)),
        "",
        *(line for name, title in _TABLES.items() for line in (*_rates(figures, name, title), "")),
        *(line for name, title in _WEIGHTS.items() for line in (*_weights(figures, name, title), "")),
        *_sizes(figures["rounds"], ("ring", "hierarchy", "corner"), "states"),
        "",
        *_sizes(figures["rounds"], ("regions", "strays", "anew"), "regions"),
        "",
        *_makings(figures["rounds"]),
        "",
        _HOW.read_text().format(
            **figures["plan"], missing=_missing(figures["entrants"]), versions=_versions(figures["entrants"])
        ),
    ]


def _surroundings(seen: Sequence[Mapping[str, float]]) -> str:
    loads, stolen = [one["load_before"] for one in seen], [one["stolen"] for one in seen]
    return (
        f"{len(seen)} rounds; load before them {min(loads):.1f} to {max(loads):.1f},"
        f" taken by others of the machine {min(stolen):.0%} to {max(stolen):.0%}."
    )


def _targets(targets: Iterable[Target]) -> list[str]:
    rows = [(one.what, one.asked, one.seen, "yes" if one.met else "**no**") for one in targets]
    return as_table(("what", "asked", "seen", "met"), rows, texts=(0, 1, 2, 3))


def _rates(figures: Mapping[str, Any], operation: str, title: str) -> list[str]:
    rows = [*_rows(figures, operation), _ratios(figures, operation, "peer", "Foliot against the best Python peer")]
    if any(entrant["role"] == "xstate" for entrant in figures["entrants"].values()):
        rows.append(_ratios(figures, operation, "xstate", "Foliot against XState"))
    return as_table((title, *figures["events"]), rows)


def _weights(figures: Mapping[str, Any], name: str, title: str) -> list[str]:
    return as_table((title, *figures["events"]), _rows(figures, name))


def _rows(figures: Mapping[str, Any], name: str) -> list[tuple[str, ...]]:
    return [
        (entrant["title"], *(_middle(figures["rounds"], machine, key, name) for machine in figures["events"]))
        for key, entrant in figures["entrants"].items()
    ]


def _middle(rounds: Sequence[Mapping[str, Any]], machine: str, entrant: str, name: str) -> str:
    values = [one["machines"][machine][entrant][name] for one in rounds if entrant in one["machines"][machine]]
    return f"{median(values):,.0f}" if values else "–"


def _ratios(figures: Mapping[str, Any], operation: str, role: str, title: str) -> tuple[str, ...]:
    return (title, *(f"{ratio_to_best(figures, machine, operation, role):.1f} ×" for machine in figures["events"]))


def _sizes(rounds: Sequence[Mapping[str, Any]], names: Sequence[str], what: str) -> list[str]:
    counts = rounds[0]["sizes"][names[0]]
    columns = (f"µs of CPU a step of Foliot, by {what}", *(f"{int(count):,}" for count in counts))
    costs = {name: [[one["sizes"][name][count] for one in rounds] for count in counts] for name in names}
    return as_table(columns, [(_SIZES[name], *(f"{median(seen):.2f}" for seen in costs[name])) for name in names])


def _makings(rounds: Sequence[Mapping[str, Any]]) -> list[str]:
    makings = [one["sizes"]["making"] for one in rounds]
    rows = [
        (name, *(f"{median(making[name][part] for making in makings):.2f}" for part in ("load_s", "compile_s")))
        for name in makings[0]
    ]
    return as_table(("seconds of CPU for 10,000 states", "read and check", "compile"), rows)


def _missing(entrants: Mapping[str, Any]) -> str:
    reasons = [
        f"{entrant['title']} is not in {machine}, since {reason}"
        for entrant in entrants.values()
        for machine, reason in entrant["missing"].items()
    ]
    return "; ".join(reasons) or "everybody could express all four"


def _versions(entrants: Mapping[str, Any]) -> str:
    return "; ".join(dict.fromkeys(entrant["version"] for entrant in entrants.values()))

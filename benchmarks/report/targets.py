"""What was asked of Foliot's engine, and whether the figures have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

_OPERATIONS: Final = ("step", "create", "resume")
_KIB: Final = 1_024
_SPREAD_MAX: Final = 1.25
"""Steps count as independent of the number of states if none costs more than this many times the cheapest."""


@dataclass(frozen=True, slots=True)
class Target:
    """One line of what was asked."""

    what: str
    asked: str
    seen: str
    met: bool


@dataclass(frozen=True, slots=True)
class _Floor:
    """A rate that was asked for, on each of some machines; `times` the best Python peer, where that was asked, too."""

    what: str
    operation: str
    machines: Sequence[str]
    per_cpu_s: int
    times: int | None


def judge(figures: Mapping[str, Any]) -> list[Target]:
    """Hold the figures to what was asked. Where it holds for all machines, the worst of them counts."""
    machines = tuple(figures["events"])
    targets = [
        _rate(figures, _Floor("steps of the ring", "step", ("ring",), 1_500_000, 10)),
        _rate(figures, _Floor("steps of the parallel machine", "step", ("parallel",), 800_000, 14)),
        _rate(figures, _Floor("read, step, write; every machine", "resume", machines, 80_000, 10)),
        _rate(figures, _Floor("instances made; every machine", "create", machines, 200_000, None)),
    ]
    if any(entrant["role"] == "xstate" for entrant in figures["entrants"].values()):
        targets.append(_ahead(figures))
    return [*targets, *_memory(figures), *_spread(figures["rounds"])]


def ratio_to_best(figures: Mapping[str, Any], machine: str, operation: str, role: str) -> float:
    """Form Foliot ÷ the best of a role within each round, where the machine was the same for all; give the median."""
    roles = {name: entrant["role"] for name, entrant in figures["entrants"].items()}
    ratios = []
    for one in figures["rounds"]:
        rates = {name: seen[operation] for name, seen in one["machines"][machine].items()}
        best = max(rate for name, rate in rates.items() if roles[name] == role)
        ratios.append(rates["foliot"] / best)
    return float(median(ratios))


def _rate(figures: Mapping[str, Any], floor: _Floor) -> Target:
    rate = min(
        median(one["machines"][machine]["foliot"][floor.operation] for one in figures["rounds"])
        for machine in floor.machines
    )
    asked, seen, met = f"≥ {floor.per_cpu_s:,}/s", f"{rate:,.0f}/s", rate >= floor.per_cpu_s
    if floor.times is not None:
        ratio = min(ratio_to_best(figures, machine, floor.operation, "peer") for machine in floor.machines)
        asked, seen = f"{asked}, ≥ {floor.times} × the best Python peer", f"{seen}, {ratio:.1f} ×"
        met = met and ratio >= floor.times
    return Target(floor.what, asked, seen, met)


def _ahead(figures: Mapping[str, Any]) -> Target:
    ratios = {
        f"{operation} of {machine}": ratio_to_best(figures, machine, operation, "xstate")
        for operation in _OPERATIONS
        for machine in figures["events"]
    }
    behind = [f"{line} {ratio:.2f} ×" for line, ratio in ratios.items() if ratio <= 1]
    least = f"{min(ratios.values()):.1f} × at least"
    seen = f"behind on {len(behind)} of {len(ratios)}: {', '.join(behind)}" if behind else least
    return Target("against XState on node, the better of its two ways", "ahead on every line", seen, not behind)


def _memory(figures: Mapping[str, Any]) -> Iterator[Target]:
    for name, what in (("memory_bytes", "its State in memory"), ("saved_bytes", "its encoded bytes")):
        largest = max(
            one["machines"][machine]["foliot"][name] for one in figures["rounds"] for machine in figures["events"]
        )
        yield Target(f"an idle instance, {what}; every machine", f"≤ {_KIB:,} B", f"{largest:,.0f} B", largest <= _KIB)


def _spread(rounds: Sequence[Mapping[str, Any]]) -> Iterator[Target]:
    titles = {"ring": "a ring", "hierarchy": "a hierarchy", "corner": "nine states of a hierarchy"}
    for name, title in titles.items():
        costs = _costs(rounds, name)
        spread = max(costs.values()) / min(costs.values())
        yield Target(
            f"a step's cost in {title}, 10 to 10,000 states",
            f"the same (≤ {_SPREAD_MAX:g} × the cheapest)",
            f"{spread:.2f} ×",
            spread <= _SPREAD_MAX,
        )
    ways = {
        "regions": "where all move",
        "strays": "where one moves",
        "anew": "where one moves and nothing is remembered",
    }
    for name, title in ways.items():
        costs = _costs(rounds, name)
        growth, regions = costs["32"] / costs["1"], 32
        yield Target(
            f"a step's cost with {regions} active regions against one, {title}",
            f"grows with them (≤ {regions} ×)",
            f"{growth:.1f} ×",
            growth <= regions,
        )


def _costs(rounds: Sequence[Mapping[str, Any]], name: str) -> dict[str, float]:
    return {count: median(one["sizes"][name][count] for one in rounds) for count in rounds[0]["sizes"][name]}

"""What a page says of the machine around its samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

OTHERS_CORES_MAX = 0.2
"""Cores that others may keep busy before the page says so."""


def as_machine(machine: Mapping[str, Any], servers: Mapping[str, str]) -> str:
    """Say what the machine is and which servers ran."""
    facts = f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GB, Python {machine['python']}"
    return f"{facts}; " + ", ".join(f"{name} {version}" for name, version in servers.items())


def as_heading(name: str, figures: Mapping[str, Any]) -> list[str]:
    """Begin a section: its title, the command that measured it, and where."""
    on = as_machine(figures["machine"], figures["servers"])
    return [f"## {name.capitalize()}", "", f"`python -m benchmarks {name}` on {on}."]


def as_surroundings(rounds: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    """Say how busy the machine was with other things."""
    samples = [sample for one in rounds for sample in one]
    around = (
        f"{len(rounds)} rounds; load before the windows {_range(samples, 'load_before')},"
        f" cores that others kept busy {_range(samples, 'others_cores')}."
    )
    if max(sample["others_cores"] for sample in samples) > OTHERS_CORES_MAX:
        around += (
            " **The machine was not quiet:** rates are low for everybody, and CPU an event is raised by caches that"
            " others empty; what remains are the orders of magnitude and the ratios within a round."
        )
    return around


def _range(samples: Sequence[Mapping[str, Any]], name: str) -> str:
    values = [sample[name] for sample in samples]
    return f"{min(values):.1f} to {max(values):.1f}"

"""How much a definition may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a definition's text and of what is reported about it. A text beyond them is refused, never cut."""

    text_bytes_max: int = 1_048_576
    depth_max: int = 64
    node_count_max: int = 50_000
    states_max: int = 10_000
    transitions_max: int = 20_000
    expressions_max: int = 10_000
    active_max: int = 1_000
    kept_names_bytes_max: int = 262_144
    name_chars_max: int = 128
    duration_days_max: int = 3_650
    diagnostic_count_max: int = 200
    quoted_chars_max: int = 80

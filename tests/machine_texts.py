"""Small machines as texts."""

from __future__ import annotations


def door(*, steps: int = 1, name: str = "door") -> str:
    """Give a machine that goes through `steps` states one after the other."""
    states = "".join(f"  s{n}: {{on: {{go: s{n + 1}}}}}\n" for n in range(steps))
    return f"foliot: 1\nid: {name}\ninitial: s0\nstates:\n{states}  s{steps}: {{type: final}}\n"

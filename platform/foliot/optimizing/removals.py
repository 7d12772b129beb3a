"""What a rewrite gives: the new tree, where its states went, and what was removed and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from foliot.definition import StateNode

Kind: TypeAlias = Literal["dead", "inherited", "unreachable", "merged", "flattened", "hoisted"]


class Removal(NamedTuple):
    """Something that is no longer there: a state, or one of its transitions (by index, -1 for the state itself)."""

    kind: Kind
    state: str
    transition: int
    what: str
    why: str


class Rewrite(NamedTuple):
    """One rewrite. `moved` has the states that now are another, or have another id."""

    root: StateNode
    removals: tuple[Removal, ...]
    moved: Mapping[str, str]

"""Targets that can't be entered together, against a look at each pair of them."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from foliot.definition import check

NAMES = ("a", "b", "c")
PATHS = [(), *((one,) for one in NAMES), *((one, other) for one in NAMES for other in NAMES)]
PARALLELS = st.sets(st.sampled_from(PATHS))
TARGETS = st.lists(st.sampled_from([(*path, name) for path in PATHS for name in NAMES]), min_size=1, max_size=5)


@given(PARALLELS, TARGETS)
def test_targets_are_refused_where_two_of_them_exclude_each_other(
    parallels: set[tuple[str, ...]], targets: list[tuple[str, ...]]
):
    document = {"foliot": 1, "id": "m", **state((), parallels)}
    document["on"] = {"go": {"target": ["#" + ".".join(path) for path in targets]}}

    found = check(json.dumps(document), filename="m.json")

    excluding = any(excludes(one, other, parallels) for one, other in combinations(targets, 2))
    assert ("D403" in {each.code for each in found}) == excluding


def state(path: tuple[str, ...], parallels: set[tuple[str, ...]]) -> dict[str, Any]:
    """Make a state whose children reach three levels down."""
    if len(path) > 2:
        return {}
    kind: dict[str, Any] = {"type": "parallel"} if path in parallels else {"initial": "a"}
    return kind | {"states": {name: state((*path, name), parallels) for name in NAMES}}


def excludes(one: tuple[str, ...], other: tuple[str, ...], parallels: set[tuple[str, ...]]) -> bool:
    """Say whether two states are never active together by a transition to both: what SCXML calls an illegal set."""
    shared = [first for first, second in zip(one, other, strict=False) if first == second]
    common = one[
        : next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(shared))
    ]
    return common in {one, other} or common not in parallels

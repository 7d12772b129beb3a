"""What descriptors of events have in common (SCXML 1.0, 3.12.1: whole tokens from the left)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from foliot.definition import Transition


def covers(wide: str | None, narrow: str | None) -> bool:
    """Say whether whatever fits `narrow` fits `wide`; None is the descriptor of an eventless transition."""
    if wide is None or narrow is None:
        return wide is narrow
    return all(any(_within(name, other) for other in _names(wide)) for name in _names(narrow))


def overlap(one: str | None, other: str | None) -> bool:
    """Say whether some event fits both."""
    if one is None or other is None:
        return one is other
    return any(_within(a, b) or _within(b, a) for a in _names(one) for b in _names(other))


def grouped(transitions: Iterable[Transition]) -> tuple[Transition, ...] | None:
    """Put those of one descriptor side by side, as the language has them; None where that changes which comes first."""
    before = tuple(transitions)
    groups: dict[str | None, list[Transition]] = {}
    for each in before:
        groups.setdefault(each.event, []).append(each)
    after = tuple(each for group in groups.values() for each in group)
    place = {each.index: number for number, each in enumerate(after)}
    for number, first in enumerate(before):
        for second in before[number + 1 :]:
            if place[first.index] > place[second.index] and overlap(first.event, second.event):
                return None
    return after


def _names(descriptor: str) -> Iterator[str]:
    for name in descriptor.split():
        yield name.removesuffix("*").removesuffix(".")


def _within(name: str, prefix: str) -> bool:
    return not prefix or name == prefix or name.startswith(f"{prefix}.")

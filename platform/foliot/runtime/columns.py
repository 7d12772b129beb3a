"""Rows into parallel arrays, as `INSERT … SELECT unnest(…)` takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def columns(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Turn rows into one list a name, in order."""
    turned = [list(column) for column in zip(*rows, strict=True)]
    return dict(zip(names, turned or [[] for _ in names], strict=True))


def numbers_text(numbers: Iterable[int]) -> str:
    """Write numbers as a Postgres array literal: arrays of arrays do not pass through unnest."""
    return "{" + ",".join(map(str, numbers)) + "}"

"""Tables as Markdown has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def as_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, texts: Sequence[int] = (0,)) -> list[str]:
    """Write a table; the columns at the places `texts` begin at the left, all others are numbers."""
    rule = "".join("---|" if place in texts else "---:|" for place in range(len(columns)))
    return [_line(columns), f"|{rule}", *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"

"""Plots as SVG, written by hand: rows of dots on a logarithmic axis need no library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from statistics import median
from typing import Final

_WIDTH: Final = 760
_LEFT: Final = 190
_RIGHT: Final = 90
_TOP: Final = 56
_ROW: Final = 38
_BOTTOM: Final = 40
_STYLE: Final = """<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; }
  .axis { font-size: 11px; fill: #57606a; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .dot { fill: #8c959f; fill-opacity: .75; }
  .dot.subject { fill: #0a66c2; }
  .median { stroke: #57606a; stroke-width: 2.5; }
  .median.subject { stroke: #0a66c2; }
</style>"""


@dataclass(frozen=True, slots=True)
class Row:
    """One contender's values, one for each round."""

    label: str
    values: Sequence[float]
    is_subject: bool = False


def dot_plot(title: str, unit: str, rows: Sequence[Row]) -> str:
    """Draw a row of dots for each contender and a stroke at its median; the axis is logarithmic, values are above 0."""
    values = [value for row in rows for value in row.values]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    height = _TOP + _ROW * len(rows) + _BOTTOM
    size = f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        _STYLE,
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text class="title" x="16" y="26">{escape(title)}</text>',
        *_axis(low, high, unit, height),
    ]
    for number, row in enumerate(rows):
        parts += _row(row, _TOP + _ROW * number + _ROW / 2, low, high)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axis(low: int, high: int, unit: str, height: int) -> list[str]:
    bottom = height - _BOTTOM
    lines = []
    for power in range(low, high + 1):
        x = _place(10.0**power, low, high)
        lines.append(f'<line class="grid" x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{bottom}"/>')
        lines.append(f'<text class="axis" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{10.0**power:,g}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    lines.append(f'<text class="axis" x="{middle:.1f}" y="{bottom + 32}" text-anchor="middle">{escape(unit)}</text>')
    return lines


def _row(row: Row, y: float, low: int, high: int) -> list[str]:
    subject = " subject" if row.is_subject else ""
    middle = median(row.values)
    x = _place(middle, low, high)
    marks = [f'<text x="{_LEFT - 12}" y="{y + 4:.1f}" text-anchor="end">{escape(row.label)}</text>']
    marks += [
        f'<circle class="dot{subject}" cx="{_place(value, low, high):.1f}" cy="{y:.1f}" r="5"/>' for value in row.values
    ]
    marks.append(f'<line class="median{subject}" x1="{x:.1f}" y1="{y - 11:.1f}" x2="{x:.1f}" y2="{y + 11:.1f}"/>')
    right = max(_place(value, low, high) for value in row.values)
    marks.append(f'<text x="{right + 12:.1f}" y="{y + 4:.1f}">{_short(middle)}</text>')
    return marks


def _place(value: float, low: int, high: int) -> float:
    return _LEFT + (math.log10(value) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"

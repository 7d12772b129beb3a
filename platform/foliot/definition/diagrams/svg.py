"""Machines as SVG that stands alone: no script, no font, no link; a text of its own where a browser shows it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from foliot.definition.diagrams.layout import MARGIN, Box, Layout, Line, Rail, lay_out, shortened, text_width
from foliot.definition.diagrams.marks import Marks
from foliot.definition.diagrams.rows import one_line
from foliot.definition.model import Definition

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COLOURS = (
    "#2563eb",
    "#0f766e",
    "#9333ea",
    "#c2410c",
    "#be185d",
    "#4d7c0f",
    "#0369a1",
    "#7c3aed",
    "#a16207",
    "#475569",
)
_CORNER = 6.0
_STYLE = """
text { font-family: system-ui, "Segoe UI", "DejaVu Sans", Helvetica, sans-serif; font-size: 12px; fill: #1f2937 }
.title { font-size: 18px; font-weight: 700 }
.name { font-size: 14px; font-weight: 600 }
.more { fill: #6b7280 }
.guard { fill: #92400e }
.effect { fill: #6b7280; font-style: italic }
.count { font-weight: 700; fill: #b45309 }
.box { fill: #ffffff; stroke: #9ca3af; stroke-width: 1.2 }
.outer { fill: #f8fafc }
.active { fill: #ffe2a8; stroke: #b45309; stroke-width: 2 }
.outer.active { fill: #fffaf0 }
.final { fill: none; stroke: #9ca3af }
.region { stroke: #cbd5e1; stroke-dasharray: 5 4 }
.dot { fill: #1f2937 }
.start { stroke: #1f2937; fill: none }
.rail { fill: none; stroke-width: 1.4 }
.rail.taken { stroke-width: 2.8 }
.halo { fill: none; stroke: #ffffff; stroke-width: 5 }
"""


def svg(definition: Definition, marks: Marks = Marks()) -> str:  # noqa: B008 - an immutable value
    """Draw the diagram. All that users wrote is text or a tooltip, and whole where it had to be cut off."""
    lines = [definition.description, marks.caption]
    headings = [shortened(one_line(line)) for line in lines if line]
    width_min = max((text_width(line) for line in (definition.id * 2, *headings)), default=0.0)
    layout = lay_out(definition.root, top=MARGIN + 30 + 18 * len(headings), width_min=width_min)
    parts = [*_open(definition, layout), *_heading(definition, headings)]
    for box in layout.boxes:
        parts += _box(box, definition, marks)
    for number, rail in enumerate(layout.rails):
        parts += _rail(rail, _COLOURS[number % len(_COLOURS)], marks)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _open(definition: Definition, layout: Layout) -> Iterator[str]:
    size = f"{layout.width:.0f} {layout.height:.0f}"
    width, _, height = size.partition(" ")
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{width}" height="{height}" role="img"'
        f' aria-label="{_text(f"State diagram of {definition.id}")}">'
    )
    yield f"<style>{_STYLE}</style>"
    yield f'<rect width="{width}" height="{height}" fill="#ffffff"/>'


def _heading(definition: Definition, headings: list[str]) -> Iterator[str]:
    yield f'<text class="title" x="{MARGIN}" y="{MARGIN + 12}">{_text(definition.id)}</text>'
    for number, line in enumerate(headings):
        yield f'<text class="more" x="{MARGIN}" y="{MARGIN + 32 + 18 * number}">{_text(line)}</text>'


def _box(box: Box, definition: Definition, marks: Marks) -> Iterator[str]:
    state = box.state
    classes = f"box{' outer' if state.children else ''}{' active' if state.id in marks.active else ''}"
    about = f": {state.description}" if state.description else ""
    yield f"<g><title>{_text(f'{state.id or definition.id}{about}')}</title>"
    yield _rect(classes, box.left, box.top, box.right, box.bottom)
    if state.kind == "final":
        yield _rect("final", box.left + 3, box.top + 3, box.right - 3, box.bottom - 3)
    if box.is_initial:
        x, y = box.left - 15, box.head_y
        yield f'<circle class="dot" cx="{x}" cy="{y}" r="4.5"/><path class="start" d="M {x} {y} H {box.left - 2}"/>'
        yield f'<path class="dot" d="{_arrow_right(box.left - 1, y)}"/>'
    yield f'<text class="name" x="{box.left + 12}" y="{box.head_y + 5}">{_text(state.name or definition.id)}</text>'
    yield from _corner(box, marks.visits.get(state.id, 0))
    for y in box.separators:
        yield f'<path class="region" d="M {box.left + 8} {y} H {box.right - 8}"/>'
    for line in box.lines:
        yield from _line(box, line, marks)
    yield "</g>"


def _corner(box: Box, visits: int) -> Iterator[str]:
    """Write what kind of state it is, and how often it was entered, at the right of its name."""
    kinds = {"parallel": "parallel", "final": "final", "history": f"history, {box.state.history}"}
    right, count = box.right - 12, f"×{visits}" if visits else ""
    for kind, word in (("count", count), ("more", kinds.get(box.state.kind, ""))):
        if word:
            yield f'<text class="{kind}" x="{right:.1f}" y="{box.head_y + 5}" text-anchor="end">{_text(word)}</text>'
            right -= text_width(word, size=14) + 8


def _line(box: Box, line: Line, marks: Marks) -> Iterator[str]:
    row, left = line.row, shortened(line.row.text())
    guard = f" [{row.guard}]" if row.guard else ""
    effect = f" / {row.effect}" if row.effect else ""
    spans = []
    for kind, piece in (("", row.trigger), ("guard", guard), ("effect", effect)):
        shown, left = left[: len(piece)], left[len(piece) :]
        if shown:
            spans.append(f'<tspan class="{kind}">{_text(shown)}</tspan>' if kind else _text(shown))
    yield f'<text x="{box.left + 14}" y="{line.y + 4}" xml:space="preserve">{"".join(spans)}'
    yield f"<title>{_text(row.text())}{_text(_description(line))}</title></text>"
    if taken := marks.times(row):
        yield f'<text class="count" x="{box.right - 12}" y="{line.y + 4}" text-anchor="end">×{taken}</text>'


def _rail(rail: Rail, colour: str, marks: Marks) -> Iterator[str]:
    target, x = rail.target, rail.x
    for box, line in rail.joins:
        down = _CORNER if target.head_y > line.y else -_CORNER
        path = (
            f"M {box.right} {line.y} H {x - _CORNER} Q {x} {line.y} {x} {line.y + down} "
            f"V {target.head_y - down} Q {x} {target.head_y} {x - _CORNER} {target.head_y} H {target.right + 3}"
        )
        taken = " taken" if marks.times(line.row) else ""
        yield f'<path class="halo" d="M {box.right + 2} {line.y} H {x - _CORNER - 2}"/>'
        yield f'<path class="rail{taken}" stroke="{colour}" d="{path}"/>'
        yield f'<circle cx="{box.right}" cy="{line.y}" r="2.5" fill="{colour}"/>'
    yield f'<path fill="{colour}" d="{_arrow_left(target.right + 1, target.head_y)}"/>'


def _description(line: Line) -> str:
    transition = line.row.transition
    return f" — {transition.description}" if transition is not None and transition.description else ""


def _rect(classes: str, left: float, top: float, right: float, bottom: float) -> str:
    size = f'width="{right - left:.1f}" height="{bottom - top:.1f}"'
    return f'<rect class="{classes}" x="{left:.1f}" y="{top:.1f}" {size} rx="7"/>'


def _arrow_right(x: float, y: float) -> str:
    return f"M {x} {y} l -7 -3.5 v 7 z"


def _arrow_left(x: float, y: float) -> str:
    return f"M {x} {y} l 9 -4.5 v 9 z"


def _text(text: str) -> str:
    """Make text of anything: what XML cannot hold is shown as a replacement character."""
    return html.escape(_NO_XML.sub("\ufffd", text))

"""Where everything of a machine stands on a page: states nested in one column, transitions as lines on rails beside it.

A state is a box with its name and a row for each of its transitions; children stand inside it, one below the other.
From the right end of a row a line goes out to the rail of its target and along it to the target's name. All lines to
one target share its rail, so there are as many rails as targets, no line crosses a text, and any machine stays
readable, however deep it is nested. Layered drawings of graphs are nicer for five states and a thicket for fifty.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from foliot.definition.diagrams.rows import Row, needs_box, rows_of
from foliot.definition.model import StateNode

MARGIN = 24.0
HEAD = 30.0
ROW = 19.0
PAD = 12.0
GAP = 16.0
INDENT = 30.0
INSET = 12.0
RAIL = 13.0
TEXT_CHARS_MAX = 90
_NARROW = frozenset("iljtfr.,:;'|![]()/ I\"")
_WIDE = frozenset("mwMW@%")


@dataclass(slots=True)
class Line:
    """A row of a box; `y` is the middle of its text."""

    row: Row
    y: float


@dataclass(slots=True)
class Box:
    """A state on the page; `head_y` is the middle of its name."""

    state: StateNode
    depth: int
    left: float
    top: float
    head_y: float
    right: float = 0.0
    bottom: float = 0.0
    is_initial: bool = False
    lines: list[Line] = field(default_factory=list)
    separators: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rail:
    """The vertical line at `x` that leads to a target, and the rows (box and line) that join it."""

    target: Box
    x: float
    joins: tuple[tuple[Box, Line], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole page; boxes are in document order, so that inner ones come after outer ones."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    rails: tuple[Rail, ...]


def lay_out(root: StateNode, *, top: float, width_min: float = 0.0) -> Layout:
    """Place a machine below `top`."""
    boxes: list[Box] = []
    place = _place if needs_box(root) else _place_children
    bottom = place(root, 0, top, boxes)
    right = max((box.left + _width(box) + box.depth * INSET for box in boxes), default=MARGIN)
    for box in boxes:
        box.right = right - box.depth * INSET
    rails = tuple(_rails(boxes, right))
    last_x = max((rail.x for rail in rails), default=right)
    return Layout(max(last_x, width_min) + MARGIN, bottom + MARGIN, tuple(boxes), rails)


def text_width(text: str, *, size: float = 12.0) -> float:
    """Guess how wide a text will be; no font is at hand, so it is on the safe side."""
    return sum(map(_char_width, text)) * size


def shortened(text: str) -> str:
    """Cut a long text off; the whole of it goes into a tooltip."""
    return text if len(text) <= TEXT_CHARS_MAX else f"{text[: TEXT_CHARS_MAX - 1]}…"


def _place(state: StateNode, depth: int, top: float, boxes: list[Box]) -> float:
    box = Box(state, depth, MARGIN + INDENT * (depth + 0.5), top, top + HEAD / 2)
    boxes.append(box)
    y = top + HEAD
    for row in rows_of(state):
        box.lines.append(Line(row, y + ROW / 2 - 2))
        y += ROW
    y += PAD / 2 if box.lines else 0.0
    if state.children:
        y = _place_children(state, depth + 1, y + PAD / 2, boxes, box.separators) + PAD
    box.bottom = y
    return y


def _place_children(
    state: StateNode, depth: int, top: float, boxes: list[Box], separators: list[float] | None = None
) -> float:
    y = top
    for number, child in enumerate(state.children):
        if number:
            y += GAP
            if state.kind == "parallel" and child.kind != "history" and separators is not None:
                separators.append(y - GAP / 2)
        first = len(boxes)
        y = _place(child, depth, y, boxes)
        boxes[first].is_initial = child.id == state.initial
    return y


def _width(box: Box) -> float:
    name = text_width(box.state.name, size=14) + 130
    rows = (text_width(shortened(line.row.text())) + 62 for line in box.lines)
    return max(name, *rows, 190.0)


def _char_width(char: str) -> float:
    if char in _NARROW:
        return 0.34
    if char in _WIDE or unicodedata.east_asian_width(char) in "WF":
        return 1.0
    return 0.68 if char.isupper() else 0.57


def _rails(boxes: Iterable[Box], right: float) -> Iterator[Rail]:
    by_id = {box.state.id: box for box in boxes}
    joins: dict[str, list[tuple[Box, Line]]] = {}
    for box in by_id.values():
        for line in box.lines:
            for target in line.row.targets:
                if target in by_id:
                    joins.setdefault(target, []).append((box, line))
    spans = {target: _span(by_id[target], found) for target, found in joins.items()}
    lanes: list[list[tuple[float, float]]] = []
    # Short ones stand nearest, so that they cross few others.
    for target in sorted(spans, key=lambda id_: (spans[id_][1] - spans[id_][0], spans[id_])):
        low, high = spans[target]
        free = (number for number, taken in enumerate(lanes) if all(high < a or b < low for a, b in taken))
        number = next(free, len(lanes))
        if number == len(lanes):
            lanes.append([])
        lanes[number].append((low, high))
        yield Rail(by_id[target], right + RAIL * (number + 1.5), tuple(joins[target]))


def _span(target: Box, joins: Iterable[tuple[Box, Line]]) -> tuple[float, float]:
    heights = [target.head_y, *(line.y for _, line in joins)]
    return min(heights) - 6, max(heights) + 6

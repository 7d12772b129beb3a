"""Machines as Mermaid's stateDiagram-v2, for pages that draw it themselves (GitHub, GitLab, many wikis)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from foliot.definition.diagrams.marks import Marks, with_count
from foliot.definition.diagrams.rows import Row, needs_box, one_line, rows_of
from foliot.definition.model import Definition, StateNode

_INDENT = "    "


def mermaid(definition: Definition, marks: Marks = Marks()) -> str:  # noqa: B008 - an immutable value
    """Write the diagram. States go by made-up names (`s3`); all that users wrote stands in labels, escaped."""
    return "\n".join(_Writer(definition, marks).lines()) + "\n"


class _Writer:
    def __init__(self, definition: Definition, marks: Marks) -> None:
        self._root = definition.root
        self._title = definition.id
        self._marks = marks
        self._names = {state.id: f"s{number}" for state, number in zip(definition.root.walk(), count(), strict=False)}

    def lines(self) -> Iterator[str]:
        """Give the diagram line by line."""
        yield "stateDiagram-v2"
        if needs_box(self._root):
            yield from self._state(self._root, 1)
        else:
            yield from self._inside(self._root, 1)
        yield from self._edges()
        yield f"{_INDENT}classDef active fill:#ffe2a8,stroke:#b45309,stroke-width:2px,color:#000"
        active = [self._names[state.id] for state in self._root.walk() if state.id in self._marks.active]
        if active:
            yield f"{_INDENT}class {','.join(active)} active"

    def _state(self, state: StateNode, depth: int) -> Iterator[str]:
        pad, name = _INDENT * depth, self._names[state.id]
        yield f'{pad}state "{escaped(self._label(state))}" as {name}'
        if state.children:
            yield f"{pad}state {name} {{"
            yield from self._inside(state, depth + 1)
            yield f"{pad}}}"
        own = [row for row in rows_of(state) if not row.targets]
        if state.children and own:
            yield f"{pad}note right of {name} : {escaped(' · '.join(map(self._row, own)))}"
        else:
            yield from (f"{pad}{name} : {escaped(self._row(row))}" for row in own)

    def _inside(self, state: StateNode, depth: int) -> Iterator[str]:
        if state.initial is not None:
            yield f"{_INDENT * depth}[*] --> {self._names[state.initial]}"
        for number, child in enumerate(state.children):
            if state.kind == "parallel" and number and child.kind != "history":
                yield f"{_INDENT * depth}--"
            yield from self._state(child, depth)
            if child.kind == "final":
                yield f"{_INDENT * depth}{self._names[child.id]} --> [*]"

    def _edges(self) -> Iterator[str]:
        for state in self._root.walk():
            for row in rows_of(state):
                for target in row.targets:
                    line = f"{self._names[state.id]} --> {self._names[target]} : {escaped(self._row(row))}"
                    yield f"{_INDENT}{line}"
            for target in state.default_targets:
                yield f"{_INDENT}{self._names[state.id]} --> {self._names[target]}"

    def _row(self, row: Row) -> str:
        return with_count(row.text(), self._marks.times(row))

    def _label(self, state: StateNode) -> str:
        name = state.name if state.id else self._title
        if state.kind == "history":
            name = f"{name} (H*)" if state.history == "deep" else f"{name} (H)"
        return with_count(name, self._marks.visits.get(state.id, 0))


def escaped(text: str) -> str:
    """Write any text as a label: letters, digits and a few marks as they are, all else by its number.

    Mermaid reads `#34;` before anything else, so that no text can end a label, a line or the diagram.
    """
    return "".join(char if char.isalnum() or char in " _./,×·" else f"#{ord(char)};" for char in one_line(text))

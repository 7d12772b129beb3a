"""Machines as Graphviz DOT, states with children as clusters.

Source: graphviz.org, "DOT Language" and "escString".
"""

from __future__ import annotations

from collections.abc import Iterator

from foliot.definition.diagrams.marks import Marks, with_count
from foliot.definition.diagrams.rows import Row, needs_box, one_line, rows_of
from foliot.definition.model import Definition, StateNode

_INDENT = "  "
_CLUSTER = 'fillcolor="#f8fafc"; color="#9ca3af"'
_ACTIVE_CLUSTER = 'fillcolor="#fffaf0"; color="#b45309"; penwidth=2'
_ACTIVE = 'fillcolor="#ffe2a8", color="#b45309", penwidth=2'


def dot(definition: Definition, marks: Marks = Marks()) -> str:  # noqa: B008 - an immutable value
    """Write the diagram for `dot`. States go by made-up names; all that users wrote stands in quoted labels."""
    return "\n".join(_Writer(definition, marks).lines()) + "\n"


class _Writer:
    def __init__(self, definition: Definition, marks: Marks) -> None:
        self._root = definition.root
        self._title = definition.id
        self._marks = marks
        self._numbers = {state.id: number for number, state in enumerate(definition.root.walk())}
        self._clusters = frozenset(state.id for state in definition.root.walk() if state.children)

    def lines(self) -> Iterator[str]:
        """Give the diagram line by line."""
        yield "digraph machine {"
        yield f'{_INDENT}graph [compound=true, rankdir=TB, fontname="Helvetica", nodesep=0.4, ranksep=0.5];'
        yield f'{_INDENT}node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica", fontsize=11];'
        yield f'{_INDENT}edge [fontname="Helvetica", fontsize=9];'
        if not needs_box(self._root):
            yield f"{_INDENT}label={quoted(self._title)};"
            yield from self._inside(self._root, 1)
        else:
            yield from self._state(self._root, 1)
        yield from self._edges()
        yield "}"

    def _state(self, state: StateNode, depth: int, *, is_region: bool = False) -> Iterator[str]:
        pad, active = _INDENT * depth, state.id in self._marks.active
        own = [self._row(row) for row in rows_of(state) if not row.targets]
        label = quoted(self._label(state), *own)
        # As dashes part regions in other diagrams.
        line = "rounded,filled,dashed" if is_region else "rounded,filled"
        if state.children:
            yield f"{pad}subgraph cluster_{self._numbers[state.id]} {{"
            style = _ACTIVE_CLUSTER if active else _CLUSTER
            yield f'{pad}{_INDENT}label={label}; style="{line}"; {style};'
            yield from self._inside(state, depth + 1)
            yield f"{pad}}}"
            return
        shape = {"final": ", peripheries=2", "history": ", shape=circle"}.get(state.kind, "")
        shape += f', style="{line}"' if is_region else ""
        yield f"{pad}{self._node(state.id)} [label={label}{shape}{f', {_ACTIVE}' if active else ''}];"

    def _inside(self, state: StateNode, depth: int) -> Iterator[str]:
        pad = _INDENT * depth
        # Edges of a cluster begin and end at a point inside it, and are cut at its border.
        yield f'{pad}p{self._numbers[state.id]} [shape=point, style=invis, width=0, height=0, label=""];'
        if state.initial is not None:
            start = f"i{self._numbers[state.id]}"
            yield f'{pad}{start} [shape=point, width=0.12, fillcolor=black, label=""];'
            yield f"{pad}{start} -> {self._edge_end(state.initial)}{self._head(state.initial)};"
        for child in state.children:
            yield from self._state(child, depth, is_region=state.kind == "parallel" and child.kind != "history")

    def _edges(self) -> Iterator[str]:
        for state in self._root.walk():
            for row in rows_of(state):
                for target in row.targets:
                    ends = f"{self._edge_end(state.id)} -> {self._edge_end(target)}"
                    options = [f"label={quoted(self._row(row))}", *self._cuts(state.id, target)]
                    yield f"{_INDENT}{ends} [{', '.join(options)}];"
            for target in state.default_targets:
                yield f"{_INDENT}{self._edge_end(state.id)} -> {self._edge_end(target)} [style=dashed];"

    def _cuts(self, source: str, target: str) -> Iterator[str]:
        # Graphviz refuses to cut an edge at a cluster that holds its other end.
        if self._is_cluster(source) and not target.startswith(f"{source}." if source else ""):
            yield f"ltail=cluster_{self._numbers[source]}"
        if self._is_cluster(target) and source != target and not source.startswith(f"{target}."):
            yield f"lhead=cluster_{self._numbers[target]}"

    def _head(self, target: str) -> str:
        return f" [lhead=cluster_{self._numbers[target]}]" if self._is_cluster(target) else ""

    def _edge_end(self, id_: str) -> str:
        return f"p{self._numbers[id_]}" if self._is_cluster(id_) else self._node(id_)

    def _node(self, id_: str) -> str:
        return f"s{self._numbers[id_]}"

    def _is_cluster(self, id_: str) -> bool:
        return id_ in self._clusters

    def _row(self, row: Row) -> str:
        return with_count(row.text(), self._marks.times(row))

    def _label(self, state: StateNode) -> str:
        name = state.name if state.id else self._title
        if state.kind == "history":
            name = "H*" if state.history == "deep" else "H"
        return with_count(name, self._marks.visits.get(state.id, 0))


def quoted(*lines: str) -> str:
    r"""Write texts as one quoted label, a line each.

    A backslash would begin an escape (`\N` is the node's name) and an ampersand an entity: both are doubled or named.
    """
    escaped = (one_line(line).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") for line in lines)
    return '"' + "\\n".join(escaped) + '"'

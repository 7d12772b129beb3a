"""The text as a tree of plain values, each of which knows where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from pydantic import JsonValue

Path: TypeAlias = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """A character of the text; both numbers count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text, number, boolean or null."""

    value: str | int | float | bool | None
    place: Place
    path: Path


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Tree, ...]
    place: Place
    path: Path


@dataclass(frozen=True, slots=True)
class Mapping:
    """An object; both dicts have the same keys, in the order of the text."""

    values: dict[str, Tree]
    keys: dict[str, Key]
    place: Place
    path: Path


@dataclass(frozen=True, slots=True)
class Key:
    """The name of an entry of a mapping."""

    name: str
    place: Place
    path: Path


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that the reader has refused already. Nobody says anything more about it."""

    place: Place
    path: Path


Tree: TypeAlias = Scalar | Sequence | Mapping | Unread
Located: TypeAlias = Tree | Key


def plain(tree: Tree) -> JsonValue:
    """Drop the places. What could not be read becomes null."""
    match tree:
        case Scalar():
            return tree.value
        case Sequence():
            return [plain(item) for item in tree.items]
        case Mapping():
            return {name: plain(value) for name, value in tree.values.items()}
        case Unread():
            return None
        case _:
            assert_never(tree)


def walk(tree: Tree) -> Iterator[Tree]:
    """Yield the tree and all below it, in the order of the text."""
    yield tree
    match tree:
        case Sequence():
            for item in tree.items:
                yield from walk(item)
        case Mapping():
            for value in tree.values.values():
                yield from walk(value)
        case Scalar() | Unread():
            return
        case _:
            assert_never(tree)


def find(tree: Tree, path: Path) -> Tree:
    """Go down `path` as far as the tree goes."""
    for part in path:
        if isinstance(tree, Mapping) and isinstance(part, str) and part in tree.values:
            tree = tree.values[part]
        elif isinstance(tree, Sequence) and isinstance(part, int) and part < len(tree.items):
            tree = tree.items[part]
        else:
            break
    return tree


def show_path(path: Path) -> str:
    """Write a path as people do: `states.open.on["a.b"][0].guard`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.match(part):
            text += f".{part}" if text else part
        else:
            escaped = part.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{escaped}"]'
    return text


def positions(tree: Tree) -> dict[str, tuple[int, int]]:
    """Tell for each path of the text the line and the column where its value stands."""
    return {show_path(node.path): (node.place.line, node.place.column) for node in walk(tree)}

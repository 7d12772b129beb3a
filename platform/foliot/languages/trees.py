"""Trees of the language that readers of other languages put together, and small words that they share."""

from __future__ import annotations

import re
from collections.abc import Mapping as Fields
from typing import Any

from foliot.definition import Key, Mapping, Place, Scalar, Sequence, Tree


def object_tree(fields: Fields[str, Tree], place: Place, path: tuple[str | int, ...]) -> Mapping:
    """Make an object of trees that have their places."""
    values = dict(fields)
    return Mapping(values, {name: Key(name, tree.place, (*path, name)) for name, tree in values.items()}, place, path)


def json_tree(value: Any, place: Place, path: tuple[str | int, ...]) -> Tree:
    """Make a tree of a JSON value, all of it at one place."""
    match value:
        case dict():
            return object_tree(
                {name: json_tree(each, place, (*path, name)) for name, each in value.items()}, place, path
            )
        case list():
            return Sequence(tuple(json_tree(each, place, (*path, n)) for n, each in enumerate(value)), place, path)
        case str() | int() | float() | bool() | None:
            return Scalar(value, place, path)
        case _:
            raise AssertionError(value)


def machine_id(name: str) -> str:
    """Make a machine's id of any name."""
    plain = re.sub(r"[^a-z0-9_-]", "-", name.lower()).strip("-_")
    return plain[:63].strip("-_") or "machine"

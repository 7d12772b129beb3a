"""JSON into the same tree as YAML. A reader of its own, since YAML refuses tabs and does not tell JSON's faults."""

from __future__ import annotations

import json
import re
from typing import NoReturn

from foliot.definition import scalars
from foliot.definition.counting import ValueCount
from foliot.definition.diagnostics import Faults, ReadingStopped
from foliot.definition.tree import Key, Mapping, Path, Place, Sequence, Tree

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORD = re.compile(r"true|false|null")
_VALUES = (
    'Write a number, true, false, null, "a text", […] or {…}; without its last comma a list ends before this place.'
)
_KEYS = 'Write "key": value; JSON has no comments, and no comma before a closing bracket.'
_TEXTS = r"Write a line break as \n, a tab as \t, a backslash as \\ and a quote as \"."


def read_json(text: str, faults: Faults) -> Tree:
    """Read one JSON value.

    Raises:
        ReadingStopped: the rest of the text can't be understood; `faults` says why.
    """
    reader = _Reader(text, faults)
    if not text.strip(" \t\r\n"):
        faults.error("D108", Place(1, 1), "The text is empty.", 'Write {"foliot": 1, …}.')
        raise ReadingStopped("empty")
    tree = reader.value((), 1)
    reader.expect_end()
    return tree


class _Reader:
    """A recursive descent over the text; the depth limit bounds the recursion."""

    def __init__(self, text: str, faults: Faults) -> None:
        self._text = text
        self._faults = faults
        self._at = len(text) - len(text.lstrip(" \t\n\r"))
        self._line = 1
        self._line_start = 0
        self._counted_to = 0
        self._count = ValueCount(faults)

    def value(self, path: Path, depth: int) -> Tree:
        """Read the value at the present place."""
        place = self._place()
        self._count.add(place, depth)
        char = self._text[self._at : self._at + 1]
        if char == "{":
            return self._object(place, path, depth)
        if char == "[":
            return self._array(place, path, depth)
        if char == '"':
            return scalars.text(self._string(), place, path, self._faults)
        found = _NUMBER.match(self._text, self._at) or _WORD.match(self._text, self._at)
        if found is None:
            self._stop("a value is missing or misspelt here", _VALUES)
        self._at = found.end()
        return scalars.resolve(found[0], place, path, self._faults)

    def expect_end(self) -> None:
        """Refuse anything after the value."""
        self._skip_space()
        if self._at < len(self._text):
            self._stop("the text goes on after its value", "Put each machine into a file of its own.")

    def _object(self, place: Place, path: Path, depth: int) -> Mapping:
        values: dict[str, Tree] = {}
        keys: dict[str, Key] = {}
        self._at += 1
        while not self._closes("}", first=not keys):
            if self._text[self._at : self._at + 1] != '"':
                self._stop("a key in double quotes is missing here", _KEYS)
            key_place = self._place()
            name = self._string()
            key = Key(name, key_place, (*path, name))
            scalars.text(name, key_place, key.path, self._faults)
            self._skip_space()
            if self._text[self._at : self._at + 1] != ":":
                self._stop("a colon is missing here", 'Write "key": value.')
            self._at += 1
            self._skip_space()
            value = self.value(key.path, depth + 1)
            if name in keys:
                what = f"The key {self._faults.quote(name)} is here twice; first in line {keys[name].place.line}."
                self._faults.error("D109", key, what, "Rename or remove one of them.")
                continue
            keys[name], values[name] = key, value
        return Mapping(values, keys, place, path)

    def _array(self, place: Place, path: Path, depth: int) -> Sequence:
        items: list[Tree] = []
        self._at += 1
        while not self._closes("]", first=not items):
            items.append(self.value((*path, len(items)), depth + 1))
        return Sequence(tuple(items), place, path)

    def _closes(self, bracket: str, *, first: bool) -> bool:
        """Step over the closing bracket or else over the comma before the next entry."""
        self._skip_space()
        char = self._text[self._at : self._at + 1]
        if char == bracket:
            self._at += 1
            return True
        if not first:
            if char != ",":
                self._stop(
                    f"a comma or {bracket} is missing here", "Put a comma between two entries, and close each bracket."
                )
            self._at += 1
            self._skip_space()
        return False

    def _string(self) -> str:
        found = _STRING.match(self._text, self._at)
        if found is None:
            self._stop("this text in quotes does not end on its line", _TEXTS)
        try:
            value = json.loads(found[0])
        except ValueError:
            self._stop("this text in quotes has a bad escape", _TEXTS)
        self._at = found.end()
        return str(value)

    def _skip_space(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _place(self) -> Place:
        """Tell where we are; newlines are counted once, from the last place on."""
        newlines = self._text.count("\n", self._counted_to, self._at)
        if newlines:
            self._line += newlines
            self._line_start = self._text.rfind("\n", 0, self._at) + 1
        self._counted_to = self._at
        return Place(self._line, self._at - self._line_start + 1)

    def _stop(self, what: str, remedy: str) -> NoReturn:
        self._faults.error("D101", self._place(), f"This is not JSON: {what}.", remedy)
        raise ReadingStopped(what)

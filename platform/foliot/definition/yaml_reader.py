"""YAML into a tree of values with places: no aliases, no tags, one document, within the limits.

It walks PyYAML's events, one at a time, so that a text is refused at the first event beyond a limit and nothing is ever
constructed from a tag. The scanner in pure Python is used on purpose: every platform then refuses the same texts.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from foliot.definition import scalars
from foliot.definition.counting import ValueCount
from foliot.definition.diagnostics import Faults, ReadingStopped
from foliot.definition.tree import Key, Mapping, Path, Place, Scalar, Sequence, Tree, Unread

_MARKED = frozenset({"while scanning an alias", "while scanning an anchor", "while scanning a tag"})
_TAB = r"'\t'"


def read_yaml(text: str, faults: Faults) -> Tree:
    """Read one document.

    Raises:
        ReadingStopped: the rest of the text can't be understood; `faults` says why.
    """
    events = _events(text, faults)
    tree: Tree | None = None
    for event in events:
        if not isinstance(event, DocumentStartEvent):
            continue
        if tree is not None:
            place = _place(event)
            faults.error("D107", place, "A second document begins here.", "Put each machine into a file of its own.")
            raise ReadingStopped("more than one document")
        tree = _Reader(events, faults).value(next(events), (), 1)
    if tree is None:
        faults.error("D108", Place(1, 1), "The text is empty.", "Write 'foliot: 1' and what follows.")
        raise ReadingStopped("empty")
    return tree


class _Reader:
    """Builds the tree from the events of one document."""

    def __init__(self, events: Iterator[Event], faults: Faults) -> None:
        self._events = events
        self._faults = faults
        self._count = ValueCount(faults)

    def value(self, event: Event, path: Path, depth: int) -> Tree:
        """Read the value that begins with `event`."""
        place = _place(event)
        self._count.add(place, depth)
        if isinstance(event, AliasEvent):
            return self._alias(event, path)
        if isinstance(event, ScalarEvent):
            self._refuse_anchor(event, path)
            return self._scalar(event, path)
        if isinstance(event, SequenceStartEvent):
            self._refuse_anchor(event, path)
            return self._sequence(place, path, depth)
        if isinstance(event, MappingStartEvent):
            self._refuse_anchor(event, path)
            return self._mapping(place, path, depth)
        raise AssertionError(f"no value begins with {event}")

    def _scalar(self, event: ScalarEvent, path: Path) -> Scalar | Unread:
        if event.tag is not None:
            return self._tagged(event.tag, _place(event), path)
        if event.style is None:
            return scalars.resolve(event.value, _place(event), path, self._faults)
        # JSON writes characters beyond U+FFFF as two escapes; the scanner leaves them as two halves.
        value = event.value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return scalars.text(value, _place(event), path, self._faults)

    def _sequence(self, place: Place, path: Path, depth: int) -> Sequence:
        items: list[Tree] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self.value(event, (*path, len(items)), depth + 1))
        return Sequence(tuple(items), place, path)

    def _mapping(self, place: Place, path: Path, depth: int) -> Mapping:
        values: dict[str, Tree] = {}
        keys: dict[str, Key] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._key(event, path, depth)
            value = self.value(next(self._events), (*path, "?") if key is None else key.path, depth + 1)
            if key is None:
                continue
            if key.name in keys:
                first = keys[key.name].place
                self._faults.error(
                    "D109",
                    key,
                    f"The key {self._faults.quote(key.name)} is here twice; first in line {first.line}.",
                    "Rename or remove one of them.",
                )
                continue
            keys[key.name], values[key.name] = key, value
        return Mapping(values, keys, place, path)

    def _key(self, event: Event, path: Path, depth: int) -> Key | None:
        """Read a key. A plain integer is taken as its text, as in `after: {1000: …}`."""
        place = _place(event)
        if isinstance(event, ScalarEvent) and event.tag is None:
            self._refuse_anchor(event, path)
            scalar = self._scalar(event, (*path, event.value))
            if isinstance(scalar, Unread):
                return None
            if isinstance(scalar.value, str):
                return Key(scalar.value, place, (*path, scalar.value))
            if isinstance(scalar.value, int) and not isinstance(scalar.value, bool):
                return Key(event.value, place, (*path, event.value))
            self._faults.error("D110", scalar, f"The key {event.value!r} is no text.", "Quote it.")
            return None
        tree = self.value(event, (*path, "?"), depth + 1)
        if not isinstance(tree, Unread):
            self._faults.error("D110", tree, "A key must be a text.", "Write the key as a plain or quoted word.")
        return None

    def _refuse_anchor(self, event: ScalarEvent | SequenceStartEvent | MappingStartEvent, path: Path) -> None:
        place = _place(event)
        if event.anchor is not None:
            remedy = "Write the value out where it is needed."
            what = f"The anchor {self._faults.quote(f'&{event.anchor}')} is not allowed."
            self._faults.error("D105", Unread(place, path), what, remedy)
        if event.tag is not None and not isinstance(event, ScalarEvent):
            self._tagged(event.tag, place, path)

    def _alias(self, event: AliasEvent, path: Path) -> Unread:
        unread = Unread(_place(event), path)
        what = f"The alias {self._faults.quote(f'*{event.anchor}')} is not allowed."
        self._faults.error("D105", unread, what, "Write the value out here; a text that begins with * needs quotes.")
        return unread

    def _tagged(self, tag: str, place: Place, path: Path) -> Unread:
        unread = Unread(place, path)
        what = f"The tag {self._faults.quote(tag)} is not allowed."
        self._faults.error("D106", unread, what, "Take it out; a text that begins with ! needs quotes.")
        return unread


def _events(text: str, faults: Faults) -> Iterator[Event]:
    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        faults.error("D101", place, f"This is not YAML: {_yaml_problem(error)}.", _yaml_remedy(error))
        raise ReadingStopped("not YAML") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # Escapes and directives with absurd numbers come out of the scanner as plain Python errors without a place.
        remedy = r"Look for texts in quotes with \x, \u or \U, and for lines that begin with %."
        faults.error("D101", Place(1, 1), "This is not YAML: an escape or a directive is out of range.", remedy)
        raise ReadingStopped("not YAML") from error


def _yaml_problem(error: yaml.MarkedYAMLError) -> str:
    if "<block" in (error.problem or ""):
        return "this does not belong to what stands above it"
    if _TAB in (error.problem or ""):
        return "a tab stands here"
    return error.problem or error.context or "it cannot be read"


def _yaml_remedy(error: yaml.MarkedYAMLError) -> str:
    if _TAB in (error.problem or ""):
        return "Indent with spaces, and put none but spaces between words: YAML takes no tabs there."
    if error.context in _MARKED:
        return "A text that begins with *, & or ! needs quotes."
    if "<block" in (error.problem or ""):
        return "Begin each line in the column of its neighbours; what belongs to a key stands further in."
    if error.context and error.context_mark:
        return f"It happened {error.context} that begins in line {error.context_mark.line + 1}."
    return "Look at the indentation, the quotes and the brackets above this place."


def _place(event: Event) -> Place:
    mark = event.start_mark
    # The scanner marks every event; the stubs speak of those that people make.
    assert mark is not None  # noqa: S101 - only our own bug could break it
    return Place(mark.line + 1, mark.column + 1)

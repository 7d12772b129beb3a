"""XML as a tree whose elements know where they stand; what could be a bomb is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from foliot.definition import Faults, Place, ReadingStopped

SCXML_NAMESPACE: Final = "http://www.w3.org/2005/07/scxml"
FOLIOT_NAMESPACE: Final = "urn:foliot:scxml"
"""Of what SCXML has no word for; other processors pass over it."""
TOPICS: Final = "urn:foliot:topic"
"""The type of a send whose target is a Kafka topic."""
_DEPTH_MAX: Final = 64
_ELEMENTS_MAX: Final = 100_000
_SEPARATOR: Final = "\t"


@dataclass(slots=True)
class Element:
    """An element; `name` is without its namespace where that is SCXML's or none, else with `foliot:` or it in braces.

    `text` is all character data right inside of it; `inner` is what stands between its tags, as it was written.
    """

    name: str
    attributes: dict[str, str]
    place: Place
    children: list[Element] = field(default_factory=list)
    text: str = ""
    inner: str = ""

    def all(self, name: str) -> list[Element]:
        """Give the children of this name."""
        return [child for child in self.children if child.name == name]


def parse_xml(text: str, faults: Faults) -> Element:
    """Parse a document.

    Raises:
        ReadingStopped: it is no XML, has a document type or entities of its own, or is too large; `faults` says so.
    """
    return _Reader(text, faults).read()


class _Reader:
    def __init__(self, text: str, faults: Faults) -> None:
        self._bytes = text.encode()
        self._faults = faults
        self._stack: list[tuple[Element, int, list[str]]] = []
        self._root: Element | None = None
        self._count = 0
        self._parser = expat.ParserCreate("utf-8", _SEPARATOR)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._refuse_type

    def read(self) -> Element:
        try:
            self._parser.Parse(self._bytes, True)  # noqa: FBT003 - expat's own
        except expat.ExpatError as error:
            what = f"The text is no XML: {expat.ErrorString(error.code)}."
            self._stop("D801", Place(error.lineno, error.offset + 1), what, self._remedy())
        assert self._root is not None  # noqa: S101 - expat has found it
        return self._root

    def _remedy(self) -> str:
        if self._root is None:
            return 'Write <scxml xmlns="http://www.w3.org/2005/07/scxml" datamodel="cel">.'
        if self._stack:
            element = self._stack[-1][0]
            return f"<{element.name}> of line {element.place.line} is open here; write < as &lt; and values in quotes."
        return "Nothing may follow the end of the document."

    def _place(self) -> Place:
        return Place(self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._stack) >= _DEPTH_MAX or self._count > _ELEMENTS_MAX:
            what = f"More than {_DEPTH_MAX} levels, or {_ELEMENTS_MAX} elements."
            self._stop("D103", self._place(), what, "Split the machine.")
        element = Element(_plain(name), {_plain(key): value for key, value in attributes.items()}, self._place())
        if self._stack:
            self._stack[-1][0].children.append(element)
        else:
            self._root = element
        self._stack.append((element, self._behind_tag(), []))

    def _behind_tag(self) -> int:
        """Find where the start tag ends: a `>` may stand inside of a quoted value."""
        at, quote = self._parser.CurrentByteIndex, 0
        while quote or self._bytes[at] != 0x3E:
            byte = self._bytes[at]
            if quote:
                quote = 0 if byte == quote else quote
            elif byte in b"\"'":
                quote = byte
            at += 1
        return at + 1

    def _end(self, _name: str) -> None:
        element, begin, texts = self._stack.pop()
        element.text = "".join(texts)
        # An empty element's end is told at its start tag.
        element.inner = self._bytes[begin : max(begin, self._parser.CurrentByteIndex)].decode()

    def _characters(self, text: str) -> None:
        if self._stack:
            self._stack[-1][2].append(text)

    def _refuse_type(self, *_: object) -> None:
        remedy = "Take the <!DOCTYPE …> out, and write what entities of its own stand for."
        self._stop("D802", self._place(), "A document type is not read: its entities could be a bomb.", remedy)

    def _stop(self, code: str, place: Place, what: str, remedy: str) -> None:
        self._faults.error(code, place, what, remedy)
        raise ReadingStopped(what)


def _plain(name: str) -> str:
    namespace, _, local = name.rpartition(_SEPARATOR)
    if namespace == FOLIOT_NAMESPACE:
        return f"foliot:{local}"
    return local if namespace in {"", SCXML_NAMESPACE} else f"{{{namespace}}}{local}"

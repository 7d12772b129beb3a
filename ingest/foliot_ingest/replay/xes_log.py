"""Event logs as XES: traces of events in XML, read as a stream, with documents that could harm refused.

Source: IEEE 1849-2023, "eXtensible Event Stream"; only its elements log, trace, event and typed attributes are used.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl, Locator

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import create_parser

from foliot_ingest.replay.entries import ColumnFault, Columns, Entries, Entry, Fault, LogRefused, Tell, read_moment

NAME: Final = "concept:name"
TIME: Final = "time:timestamp"
DEPTH_MAX: Final = 32
ATTRIBUTES_MAX: Final = 1_000
_CHUNK_BYTES: Final = 65_536
_INT64: Final = range(-(2**63), 2**63)


@dataclass(slots=True)
class _Open:
    """A trace or an event that has begun: the text of its attributes, and the kind of each."""

    line: int
    texts: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


def read_xes(file: Path, columns: Columns, *, tell: Tell) -> Entries:
    """Read a log. Lists, containers and attributes of attributes are left away, as are a trace's own but its name.

    Raises:
        LogRefused: it is no XML, or has a document type, which a log needs not and an attacker would.
    """
    named = replace(
        columns,
        case=columns.case or NAME,
        activity=columns.activity or NAME,
        timestamp=columns.timestamp or TIME,
    )
    parser = create_parser(forbid_dtd=True)
    handler = _Log(file, named, parser)
    parser.setContentHandler(handler)
    try:
        with file.open("rb") as stream:
            size = file.stat().st_size
            if not size:
                raise LogRefused("this is no XML: it is empty", where=str(file), remedy="Mend the file.")
            while chunk := stream.read(_CHUNK_BYTES):
                parser.feed(chunk)
                while handler.done:
                    yield handler.done.popleft()
                tell(stream.tell(), size)
        parser.close()
    except SAXParseException as error:
        where = f"{file}:{error.getLineNumber()}:{error.getColumnNumber()}"
        raise LogRefused(f"this is no XML: {error.getMessage()}", where=where, remedy="Mend the file.") from None
    except DefusedXmlException:
        remedy = "Remove the line <!DOCTYPE …>."
        raise LogRefused("the file has a document type", where=str(file), remedy=remedy) from None
    yield from handler.done


class _Log(ContentHandler):
    """Puts entries and faults into `done` as events end."""

    def __init__(self, file: Path, columns: Columns, place: Locator) -> None:
        super().__init__()
        self.done: deque[Entry | Fault] = deque()
        self._file = file
        self._columns = columns
        self._place = place
        self._path: list[str] = []
        self._trace: _Open | None = None
        self._event: _Open | None = None
        self._number = 0

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - the interface's name
        local = name.rpartition(":")[2]
        self._path.append(local)
        if len(self._path) == 1 and local != "log":
            raise LogRefused(f"the outermost element is {name!r}", where=f"{self._file}:1", remedy="Give an XES log.")
        if len(self._path) > DEPTH_MAX:
            raise LogRefused(f"elements are nested deeper than {DEPTH_MAX}", where=self._where(), remedy="Flatten it.")
        match self._path:
            case ["log", "trace"]:
                self._trace = _Open(self._line())
            case ["log", "trace", "event"] | ["log", "event"]:
                self._event = _Open(self._line())
            case ["log", "trace", _] if self._trace is not None:
                self._note(self._trace, local, attrs)
            case ["log", "trace", "event", _] if self._event is not None:
                self._note(self._event, local, attrs)
            case _:
                pass

    def endElement(self, name: str) -> None:  # noqa: ARG002, N802 - likewise
        match self._path:
            case ["log", "trace"]:
                self._trace = None
            case ["log", "trace", "event"] | ["log", "event"] if self._event is not None:
                self._number += 1
                self.done.append(self._finished(self._event))
                self._event = None
            case _:
                pass
        self._path.pop()

    def _finished(self, event: _Open) -> Entry | Fault:
        try:
            return self._entry(event, _Open(event.line) if self._trace is None else self._trace)
        except ColumnFault as fault:
            return fault.at(self._file, event.line)

    def _entry(self, event: _Open, trace: _Open) -> Entry:
        columns, texts = self._columns, event.texts
        data = texts.keys() - {columns.activity, columns.timestamp} if columns.data is None else columns.data
        return Entry(
            number=self._number,
            line=event.line,
            case=_needed(trace.texts, columns.case),
            activity=_needed(texts, columns.activity),
            at=read_moment(_needed(texts, columns.timestamp), columns),
            data={key: _value(key, event.kinds[key], texts[key]) for key in sorted(data) if key in texts},
        )

    def _note(self, owner: _Open, kind: str, attrs: AttributesImpl) -> None:
        if kind not in _READ or "key" not in attrs or "value" not in attrs:
            return
        if len(owner.texts) >= ATTRIBUTES_MAX:
            what = f"there are more than {ATTRIBUTES_MAX} attributes"
            raise LogRefused(what, where=self._where(), remedy="Leave some away.")
        owner.texts[attrs["key"]] = attrs["value"]
        owner.kinds[attrs["key"]] = kind

    def _line(self) -> int:
        return self._place.getLineNumber() or 0

    def _where(self) -> str:
        return f"{self._file}:{self._line()}"


def _needed(texts: Mapping[str, str], name: str) -> str:
    text = texts.get(name, "").strip()
    if not text:
        raise ColumnFault(name, "this is missing or empty")
    return text


def _value(key: str, kind: str, text: str) -> Any:
    try:
        return _READ[kind](text)
    except ValueError:
        raise ColumnFault(key, f"{text[:64]!r} is no {kind}") from None


def _integer(text: str) -> int:
    # Twenty characters are more than any 64-bit integer needs.
    if len(text) > 20 or (number := int(text)) not in _INT64:
        raise ValueError(text)
    return number


def _decimal(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in _BOOLEANS:
        raise ValueError(text)
    return _BOOLEANS[word]


_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "1": True, "false": False, "0": False}
_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "string": str,
    "date": str,
    "id": str,
    "int": _integer,
    "float": _decimal,
    "boolean": _boolean,
}
"""The kinds of attributes that become values."""

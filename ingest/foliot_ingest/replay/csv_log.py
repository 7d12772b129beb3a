"""Event logs as CSV: a line of names, then one line for each event."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

from foliot_ingest.replay.entries import ColumnFault, Columns, Entries, Entry, LogRefused, Tell, read_moment

DELIMITERS: Final = (",", ";", "\t", "|")
_USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "case": ("case id", "case_id", "caseid", "case", "case:concept:name"),
    "activity": ("activity", "activity_id", "concept:name", "event"),
    "timestamp": ("timestamp", "complete timestamp", "time:timestamp", "time", "completetime", "start timestamp"),
}
"""Names, in any case of letters, by which columns are found that were not named."""
_SAMPLE_LINES: Final = 50
_LINE_CHARS_MAX: Final = 1_048_576
_TOLD_EACH: Final = 1_000
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,30}\.[0-9]{1,30}(?:[eE][+-]?[0-9]{1,3})?")
_NOT_UTF8: Final = re.compile("[\udc80-\udcff]")
"""What bytes become that are no UTF-8."""


def read_csv(file: Path, columns: Columns, *, delimiter: str, tell: Tell) -> Entries:
    """Read a log; an empty `delimiter` is found out from the first lines.

    Raises:
        LogRefused: there is no line of names, or a column is missing.
    """
    with (
        file.open("rb") as raw,
        io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="") as text,
    ):
        size = file.stat().st_size
        sample = [line[:_LINE_CHARS_MAX] for line in islice(text, _SAMPLE_LINES)]
        text.seek(0)
        for number, entry in enumerate(_entries(file, text, columns, delimiter or _delimiter(file, sample)), start=1):
            yield entry
            if number % _TOLD_EACH == 0:
                tell(raw.tell(), size)


def value_of(text: str) -> Any:
    """Give a cell its type: an integer, a decimal number or a boolean if it is written as JSON has it, else a text.

    An integer beyond 18 digits and one that begins with a zero stay texts; so do ids. `True` and `FALSE` are booleans.
    """
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return {"true": True, "false": False}.get(text.lower(), text)


def _entries(file: Path, text: Iterable[str], columns: Columns, delimiter: str) -> Entries:
    rows = csv.reader(text, delimiter=delimiter, strict=False)
    names = tuple(name.strip() for name in next(rows, []))
    found = _find_columns(file, names, columns)
    number = 0
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows, None)
            if row is None:
                return
            number += bool(row)
            if row:
                yield _entry(number, line, dict(_paired(names, row)), found)
        except csv.Error as error:
            number += 1
            yield ColumnFault("", str(error)).at(file, line)
        except ColumnFault as fault:
            yield fault.at(file, line)


def _delimiter(file: Path, sample: Sequence[str]) -> str:
    """Choose the one that parts the names into the most columns and the first lines into as many."""

    def width(delimiter: str) -> int:
        try:
            widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        except csv.Error:
            return 0
        # The sample's last line may go on beyond it.
        return widths[0] if widths and all(each == widths[0] for each in widths[1:-1]) else 0

    best = max(DELIMITERS, key=width)
    if width(best) < len(_USUAL):
        what = "no delimiter parts the lines into columns that are alike"
        raise LogRefused(what, where=f"{file}:1", remedy="Name it: --delimiter ';'.")
    return best


def _find_columns(file: Path, names: Sequence[str], asked: Columns) -> Columns:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise LogRefused(f"the column {repeated[0]!r} is there twice", where=f"{file}:1", remedy="Rename one of them.")
    chosen = {part: _find_column(file, names, part, getattr(asked, part)) for part in _USUAL}
    others = tuple(name for name in names if name not in chosen.values())
    data = others if asked.data is None else asked.data
    for name in data:
        _find_column(file, names, "data", name)
    return replace(asked, **chosen, data=data)


def _find_column(file: Path, names: Sequence[str], part: str, asked: str) -> str:
    if asked in names:
        return asked
    by_lower = {name.lower(): name for name in names}
    usual = next((by_lower[name] for name in _USUAL.get(part, ()) if name in by_lower), None)
    if asked or usual is None:
        what = f"there is no column {asked!r}" if asked else f"no column is called as one of the {part} usually is"
        remedy = f"Name one: --{part} COLUMN. There are: {', '.join(names)}."
        raise LogRefused(what, where=f"{file}:1", remedy=remedy)
    return usual


def _paired(names: Sequence[str], row: Sequence[str]) -> zip[tuple[str, str]]:
    if len(row) != len(names):
        raise ColumnFault("", f"the line has {len(row)} columns, the names are {len(names)}")
    return zip(names, row, strict=True)


def _entry(number: int, line: int, cells: Mapping[str, str], columns: Columns) -> Entry:
    for name in (columns.case, columns.activity, columns.timestamp, *(columns.data or ())):
        if _NOT_UTF8.search(cells[name]):
            raise ColumnFault(name, "this is no UTF-8")
    for name in (columns.case, columns.activity, columns.timestamp):
        if not cells[name].strip():
            raise ColumnFault(name, "this is empty")
    return Entry(
        number=number,
        line=line,
        case=cells[columns.case].strip(),
        activity=cells[columns.activity].strip(),
        at=read_moment(cells[columns.timestamp].strip(), columns),
        # What a log does not know of an event, it leaves empty.
        data={name: value_of(cells[name]) for name in columns.data or () if cells[name]},
    )

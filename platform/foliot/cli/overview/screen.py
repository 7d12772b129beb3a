"""An overview as it is drawn on a terminal, and as tables for a pipe."""

from __future__ import annotations

from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from foliot.cli.answers import Table
from foliot.cli.overview.reading import Overview
from foliot.cli.wording import visible

_STYLES: Final = {"critical": "bold red", "high": "yellow", "normal": "cyan", "low": "dim"}
_NAME_CHARS_MAX: Final = 40
_NOTE_CHARS_MAX: Final = 60
_MINUTE: Final = 60
_HOUR: Final = 3600


def draw(overview: Overview | None, *, trouble: str = "") -> RenderableType:
    """Draw an overview; with `trouble`, why there is no newer one."""
    parts: list[RenderableType] = []
    if overview is not None:
        parts.append(Text(f"Foliot  {overview.at:%H:%M:%S}  {_headline(overview)}", "bold"))
        for title, table in tables(overview).items():
            if table.rows:
                parts += [Text(), Text(title, "dim"), _rich(title, table)]
    if trouble:
        parts += [Text(), Text(visible(trouble), "bold red")]
    parts += [Text(), Text("q: quit", "dim")]
    return Group(*parts)


def tables(overview: Overview) -> dict[str, Table]:
    """Give an overview as tables, by title."""
    lanes = Table(
        ("lane", "waiting", "in/s", "steps/s", "p50 ms", "p99 ms"),
        tuple(
            (
                each.lane,
                f"{each.waiting:,}",
                *(_figure(rate) for rate in (each.accepted_per_s, each.stepped_per_s)),
                *(_figure(time, 1) for time in (each.p50_ms, each.p99_ms)),
            )
            for each in overview.lanes
        ),
    )
    shards = Table(
        ("shard", "waiting", "written", "by"),
        tuple((str(s.shard), f"{s.waiting:,}", _ago(s.idle_s), _short(s.writer)) for s in overview.shards),
    )
    writers = Table(
        ("child", "shards", "wrote"), tuple((_short(w.writer), str(w.shards), _ago(w.idle_s)) for w in overview.writers)
    )
    sessions = Table(
        ("sessions", "count", "active", "open transaction"),
        tuple(
            (visible(each.application), str(each.sessions), str(each.active), _figure(each.transaction_s, 2, " s"))
            for each in overview.sessions
        ),
    )
    crowded = Table(
        ("instance", "waiting", "oldest"),
        tuple(
            (f"{each.machine}/{_short(each.key)}", str(each.waiting), _ago(each.oldest_s)) for each in overview.crowded
        ),
    )
    stuck = Table(
        ("instance", "mode", "waiting", "since", "why"),
        tuple(
            (f"{each.machine}/{_short(each.key)}", each.mode, str(each.waiting), _ago(each.idle_s), _note(each.note))
            for each in overview.stuck
        ),
    )
    letters = Table(
        ("id", "code", "instance", "set aside"),
        tuple(
            (str(each.id), each.code, f"{visible(each.machine)}/{_short(each.key or '')}", _ago(each.age_s))
            for each in overview.letters
        ),
    )
    return {
        "lanes": lanes,
        "shards where most waits": shards,
        "children that wrote last": writers,
        "sessions": sessions,
        "instances for which most waits": crowded,
        "instances that do not run": stuck,
        f"dead letters: {overview.letters_open} open among the last 1,000": letters,
    }


def _headline(overview: Overview) -> str:
    return (
        f"{_figure(overview.accepted_per_s)} events/s in   {_figure(overview.stepped_per_s)} steps/s   "
        f"{overview.waiting:,} waiting   {overview.unsent:,} unsent   {overview.unannounced:,} unannounced"
    )


def _rich(title: str, table: Table) -> RichTable:
    drawn = RichTable(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for number, column in enumerate(table.columns):
        left = number == 0 or column in {"by", "why", "code", "instance", "mode"}
        drawn.add_column(column, justify="left" if left else "right", no_wrap=True, overflow="ellipsis")
    for row in table.rows:
        first = Text(row[0], _STYLES.get(row[0], "") if title == "lanes" else "")
        drawn.add_row(first, *(Text(cell) for cell in row[1:]))
    return drawn


def _figure(value: float | None, digits: int = 0, unit: str = "") -> str:
    return "–" if value is None else f"{value:,.{digits}f}{unit}"


def _ago(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{max(0.0, seconds):.1f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < _HOUR else f"{seconds / _HOUR:.0f} h"


def _short(name: str) -> str:
    return visible(name, chars_max=_NAME_CHARS_MAX)


def _note(note: str | None) -> str:
    return visible(note, chars_max=_NOTE_CHARS_MAX)

"""The demo's live view: a panel on a terminal, a line a second in a pipe."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from foliot.local.demo.figures import Figures

_STYLES: Final = {"critical": "bold red", "high": "yellow", "normal": "cyan", "low": "dim"}
_NOTES_SHOWN: Final = 6


class Screen:
    """Shows figures and notes; a context manager, so that the terminal is given back."""

    def __init__(self, console: Console, records: int) -> None:
        self._console = console
        self._records = records
        self._began = time.monotonic()
        self._notes: deque[tuple[str, str]] = deque(maxlen=_NOTES_SHOWN)
        self._seen: deque[tuple[float, int]] = deque(maxlen=12)
        self._live = Live(console=console, refresh_per_second=5) if console.is_terminal else None
        self._line_at = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def note(self, text: str) -> None:
        """Tell of something that happened."""
        stamp = f"{time.monotonic() - self._began:5.1f} s"
        self._notes.append((stamp, text))
        if self._live is None:
            self._console.print(f"{stamp}  {text}", highlight=False, soft_wrap=True)

    def show(self, figures: Figures, sent: int) -> None:
        """Show the newest figures."""
        now = time.monotonic()
        self._seen.append((now, figures.stepped))
        if self._live is not None:
            self._live.update(self._panel(figures, sent))
        elif now - self._line_at >= 2.0:
            self._line_at = now
            waiting = sum(lane.backlog for lane in figures.lanes.values())
            self._console.print(
                f"{now - self._began:5.1f} s  sent {sent:,}  stepped {figures.stepped:,}  waiting {waiting:,}"
                f"  {self._rate():,.0f} events/s",
                highlight=False,
                soft_wrap=True,
            )

    def _rate(self) -> float:
        (then, before), (now, after) = self._seen[0], self._seen[-1]
        return (after - before) / (now - then) if now > then else 0.0

    def _panel(self, figures: Figures, sent: int) -> Panel:
        bars = Table.grid(padding=(0, 2))
        for name, count in (("sent", sent), ("accepted", figures.accepted), ("stepped", figures.stepped)):
            bars.add_row(name, ProgressBar(total=self._records, completed=count, width=44), f"{count:>7,}")
        lanes = Table(box=None, padding=(0, 2), header_style="dim")
        for title in ("lane", "waiting", "p50 ms", "p99 ms"):
            lanes.add_column(title, justify="left" if title == "lane" else "right")
        for name, lane in figures.lanes.items():
            times = [f"{value:,.0f}" if value is not None else "–" for value in (lane.p50_ms, lane.p99_ms)]
            lanes.add_row(Text(name, _STYLES[name]), f"{lane.backlog:,}", *times)
        versions = "  ".join(f"v{version}: {count:,}" for version, count in figures.versions.items())
        facts = Text(f"{self._rate():,.0f} steps/s   instances  {versions or '–'}", "bold")
        notes = Table.grid(padding=(0, 2))
        for stamp, text in self._notes:
            notes.add_row(Text(stamp, "dim", no_wrap=True), Text(text))
        title = f"Foliot  {time.monotonic() - self._began:.0f} s"
        return Panel(Group(bars, Text(), facts, Text(), lanes, Text(), notes), title=title, width=78)

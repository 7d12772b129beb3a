"""`foliot top`."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, suppress
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.live import Live

from foliot.cli.addresses import address, read_settings
from foliot.cli.answers import Answer, View
from foliot.cli.overview.keyboard import Keyboard
from foliot.cli.overview.reading import Looker, Overview
from foliot.cli.overview.screen import draw, tables
from foliot.store import Connection, StoreError, connect, discard

_TIMEOUT_MS: Final = 5_000
_REDRAW_S: Final = 0.25
"""How soon the drawing follows a terminal whose size has changed."""
_QUIT: Final = frozenset("qQ\x03\x04")


def top(
    context: typer.Context,
    *,
    interval: Annotated[float, typer.Option("--interval", "-i", min=0.2, max=60, help="Seconds between looks.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look twice, for the rates, and end.")] = False,
) -> Answer | None:
    """Show lanes, shards, rates, latencies and what is stuck, live; q or Ctrl-C ends it. In a pipe it looks once."""
    dsn = address(read_settings(), "dsn_service")
    if once or context.params["json"] or not sys.stdout.isatty():
        return _once(dsn, interval)
    with suppress(KeyboardInterrupt):
        _live(dsn, interval)
    return None


def _once(dsn: str, interval_s: float) -> Answer:
    looker = Looker()
    with connect(dsn, application="foliot", timeout_ms=_TIMEOUT_MS) as connection:
        looker.look(connection)
        time.sleep(interval_s)
        overview = looker.look(connection)
    views: list[View] = []
    for title, table in tables(overview).items():
        if table.rows:
            views += [title, table, " "]
    return Answer(overview, tuple(views[:-1]))


def _live(dsn: str, interval_s: float) -> None:
    console = Console()
    watch = _Watch(dsn)
    with ExitStack() as stack:
        keyboard = stack.enter_context(Keyboard())
        live = stack.enter_context(Live(console=console, screen=True, auto_refresh=False, transient=True))
        stack.callback(watch.close)
        due = 0.0
        while True:
            now = time.monotonic()
            if now >= due:
                watch.look()
                due = now + interval_s
            live.update(draw(watch.overview, trouble=watch.trouble), refresh=True)
            if _QUIT & set(keyboard.wait(max(0.0, min(_REDRAW_S, due - time.monotonic())))):
                return


class _Watch:
    """Looks over one connection, and over another after it broke; the last overview stays meanwhile."""

    def __init__(self, dsn: str) -> None:
        self.overview: Overview | None = None
        self.trouble = ""
        self._dsn = dsn
        self._looker = Looker()
        self._connection: Connection | None = None

    def look(self) -> None:
        try:
            if self._connection is None:
                self._connection = connect(self._dsn, application="foliot", timeout_ms=_TIMEOUT_MS)
            self.overview = self._looker.look(self._connection)
            self.trouble = ""
        except StoreError as error:
            self.trouble = str(error)
            self.close()

    def close(self) -> None:
        if self._connection is not None:
            discard(self._connection)
            self._connection = None

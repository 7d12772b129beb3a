"""A loop for peers that need no queue: threads that take events from a file, in order per incident."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias
from zlib import crc32

import orjson

Apply: TypeAlias = Callable[[str, str, str], None]
"""Applies one event: its id, its incident's key, its whole text."""


def drive(file: Path, appliers: Sequence[Apply], *, share: int, of: int) -> None:
    """Apply the events of this process's share, one thread for each applier; then wait for SIGTERM.

    An incident belongs to one process (`share` of `of`) and in it to one thread, so its events keep their order and no
    two wait for each other. The lines are read before the work begins: reading is the producer's business.
    """
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    lanes: list[list[tuple[str, str, str]]] = [[] for _ in appliers]
    for line in file.read_text().splitlines():
        event = orjson.loads(line)
        place = crc32(event["subject"].encode())
        if place % of == share:
            lanes[place // of % len(lanes)].append((event["id"], event["subject"], line))
    threads = [
        threading.Thread(target=_work, args=(applier, lane)) for applier, lane in zip(appliers, lanes, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    signal.pause()


def _work(applier: Apply, lane: list[tuple[str, str, str]]) -> None:
    for id_, key, document in lane:
        applier(id_, key, document)

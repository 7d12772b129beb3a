"""Instances that were seen before, by their ETags, so that one that has not changed is not sent again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from foliot.client.answers import Instance
from foliot.client.calls import Answer, Call, show_instance

BYTES_MAX: Final = 16_777_216


@dataclass(frozen=True, slots=True)
class _Seen:
    tag: str
    body: bytes


class Tags:
    """Bodies by address, as bytes, so that nobody changes what the next caller gets; the least recent go first."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, str], _Seen] = OrderedDict()
        self._size = 0

    def call(self, machine: str, key: str, after: str | None, wait_s: float) -> Call[Instance]:
        """Ask for an instance, unless it is still as it was seen last."""
        with self._lock:
            seen = self._seen.get((machine, key))

        def read(answer: Answer) -> Instance:
            if seen is not None and answer.status == HTTPStatus.NOT_MODIFIED:
                return Instance.model_validate_json(seen.body)
            found = Instance.model_validate_json(answer.body)
            self._keep(machine, key, answer)
            return found

        return show_instance(machine, key, read, after=after, wait_s=wait_s, tag=None if seen is None else seen.tag)

    def _keep(self, machine: str, key: str, answer: Answer) -> None:
        tag = answer.headers.get("etag")
        with self._lock:
            before = self._seen.pop((machine, key), None)
            self._size -= 0 if before is None else len(before.body)
            if tag is None:
                return
            self._seen[machine, key] = _Seen(tag, answer.body)
            self._size += len(answer.body)
            while self._size > self._bytes_max:
                _, oldest = self._seen.popitem(last=False)
                self._size -= len(oldest.body)

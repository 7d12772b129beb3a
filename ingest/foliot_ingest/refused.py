"""How decoding and routing say no: an exception inside this package, a dead letter outside it."""

from __future__ import annotations

from typing import NoReturn

from foliot.errors import Refusal


class RecordRefused(Exception):
    """A record cannot become an event; `refusal.where` is a path into the record, without its position."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(str(refusal))


def refuse(code: str, what: str, where: str, remedy: str) -> NoReturn:
    """Give up on the record; `code` is one of `foliot_ingest.codes`."""
    raise RecordRefused(Refusal(code, what, where, remedy))

"""How events are refused, by the one who writes them as by the one who reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, NoReturn

from foliot.errors import FoliotError, Refusal


class EventRefused(FoliotError):
    """An event breaks a rule; `refusal.code` says which, `refusal.where` is a path into the event.

    The same fault has the same code wherever it is found: here before the sending, or in a dead letter after it.
    """

    code: ClassVar[str] = "event_refused"
    remedy: ClassVar[str] = "Correct what is named in the event, then send it again."

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.what, where=refusal.where, remedy=refusal.remedy)
        self.refusal = replace(self.refusal, code=refusal.code)

    def __str__(self) -> str:
        return str(self.refusal)


def refuse(code: str, what: str, where: str, remedy: str) -> NoReturn:
    """Give up on the event; `code` is one of docs/codes.md."""
    raise EventRefused(Refusal(code, what, where, remedy))

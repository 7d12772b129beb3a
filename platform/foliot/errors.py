"""What can go wrong, in words that name who must act: what, where, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not accepted; the same text and code in the CLI, the API and the dead letters.

    `code` is a stable snake_case word listed in docs/codes.md, `where` a place (file:line, topic[partition]@offset, a
    path into the data), `remedy` what the reader can do about it.
    """

    code: str
    what: str
    where: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        where = f" at {self.where}" if self.where else ""
        stop = "" if self.what.endswith((".", "!", "?", "…")) else "."
        remedy = f"{stop} {self.remedy}" if self.remedy else ""
        return f"{self.code}{where}: {self.what}{remedy}"


class FoliotError(Exception):
    """The root of all errors that Foliot raises on purpose.

    `retryable` says who must act: the caller, by trying again, or a person. `remedy` is what to do where the raise has
    no words of its own for it; docs/codes.md lists it. A class that is never raised itself has none.
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    remedy: ClassVar[str] = ""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.refusal = Refusal(self.code, what, where, remedy or self.remedy)
        super().__init__(str(self.refusal))

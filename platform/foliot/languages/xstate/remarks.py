"""Warnings of one document: a few of each kind are shown, since a text may have no more than so many diagnostics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from foliot.definition import Faults, Key, Place, Tree

_SHOWN_OF_A_KIND: Final = 10
_SHOWN: Final = 100


class Remarks:
    """Tells what is left out, and what is done otherwise."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._told: Counter[str] = Counter()
        self._hidden: Counter[str] = Counter()

    def tell(self, code: str, where: Tree | Key, what: str, remedy: str | Callable[[], str], *, kind: str) -> None:
        """Warn, unless much of this kind was told already; a remedy that has to be searched for is a function."""
        self._told[kind] += 1
        if self._told[kind] > _SHOWN_OF_A_KIND or self._told.total() - self._hidden.total() > _SHOWN:
            self._hidden[code] += 1
        else:
            self._faults.warning(code, where, what, remedy if isinstance(remedy, str) else remedy())

    def finish(self) -> None:
        """Tell how many were not shown."""
        for code, count in self._hidden.items():
            what = f"{count} more of these are not shown."
            self._faults.warning(code, Place(1, 1), what, "Mend or take out those that are shown.")

"""Expressions of the CEL data model as Foliot's: bare names of data, system variables and `In`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import orjson

from foliot.cel import free_names, literal
from foliot.definition import Cel, compile_guard, compile_value

_NO_FIELDS = frozenset({"in", "true", "false", "null"})
"""Words of CEL that cannot be selected from the context."""
_SYSTEM = {"_event": "event.scxml", "_sessionid": "event.session", "_ioprocessors": "event.processors"}


@dataclass
class Translator:
    """Translates expressions of one document; `name` is the machine's, `data` the names that its data may have.

    `bare` says whether expressions name data as they are, beside `context`.
    `asks` says whether one of them has named a system variable that the engine has to make.
    """

    name: str
    data: Collection[str]
    bare: bool = True
    asks: bool = False

    def value(self, source: str) -> Cel:
        """Translate an expression that may have any value.

        Raises:
            CelError: it is no expression.
        """
        translated = self._translate(source)
        compile_value(translated)
        return Cel(source=translated)

    def guard(self, source: str) -> str:
        """Translate a condition.

        Raises:
            CelError: it is none.
        """
        translated = self._translate(source)
        compile_guard(translated)
        return translated

    def place(self, source: str) -> str | None:
        """Give the name of the context that a location stands for; None if it stands for none."""
        name = source.strip() if self.bare else source
        return name if name in self.data else None

    def _translate(self, source: str) -> str:
        for offset, name, is_call in sorted(free_names(source), reverse=True):
            other = self._other(name, is_call=is_call)
            if other is not None:
                source = source[:offset] + other + source[offset + len(name) :]
        return source

    def _other(self, name: str, *, is_call: bool) -> str | None:
        if is_call:
            return "inState" if name == "In" else None
        if name == "_name":
            return literal(self.name)
        if name in _SYSTEM:
            self.asks = True
            return _SYSTEM[name]
        return f"context.{name}" if self.bare and name in self.data else None


def is_field(name: str) -> bool:
    """Say whether data of this name can be selected from the context."""
    return name.isidentifier() and name.isascii() and name not in _NO_FIELDS


def failing(what: str) -> Cel:
    """Make an expression that fails with these words."""
    return Cel(source=f"fail({literal(what)})")


def text(value: str) -> Cel:
    """Make an expression that is a text."""
    return Cel(source=literal(value))


def inline(content: str) -> Cel:
    """Read what stands between tags: JSON, or else a text with its white space made even (SCXML B.2)."""
    try:
        return Cel(source=literal(orjson.loads(content)))
    except orjson.JSONDecodeError:
        return text(" ".join(content.split()))

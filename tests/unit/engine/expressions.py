"""The expressions of the random machines, each with its meaning in Python, so that the reference needs no CEL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

InState = Callable[[str], bool]


class Fault(Exception):
    """The expression has no value."""


def _missing(*_: Any) -> Any:
    raise Fault


GUARDS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], InState], Any]] = {
    "true": lambda *_: True,
    "false": lambda *_: False,
    "context.n % 2 == 0": lambda context, *_: context["n"] % 2 == 0,
    "context.n % 3 == 1": lambda context, *_: context["n"] % 3 == 1,
    "context.n < 4": lambda context, *_: context["n"] < 4,
    "event.type.startsWith('a')": lambda _, event, __: event["type"].startswith("a"),
    "context.missing == 1": _missing,
}
VALUES: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], InState], Any]] = {
    "context.n + 1": lambda context, *_: context["n"] + 1,
    "context.n * 2 % 7": lambda context, *_: context["n"] * 2 % 7,
    "context.trace + event.type + ';'": lambda context, event, _: context["trace"] + event["type"] + ";",
    "event.type": lambda _, event, __: event["type"],
    "[1, 2, 3]": lambda *_: [1, 2, 3],
    "context.missing + 1": _missing,
}
IN_STATE = re.compile(r'(!?)inState\("([^"]*)"\)')


def evaluate(source: str, context: Mapping[str, Any], event: Mapping[str, Any], in_state: InState) -> Any:
    found = IN_STATE.fullmatch(source)
    if found:
        return in_state(found[2]) is (found[1] == "")
    return {**GUARDS, **VALUES}[source](context, event, in_state)

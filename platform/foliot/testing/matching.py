"""Texts that match a regular expression: the shortest, and longer ones; whoever takes them checks them."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from re import _parser  # type: ignore[attr-defined]  # What Python reads its own expressions with.
from typing import Any, Final

_CHARACTERS: Final = string.ascii_letters + string.digits + string.punctuation + " "
_REPEATED_MAX: Final = 1_000
_CATEGORIES: Final = {
    "DIGIT": frozenset(string.digits),
    "SPACE": frozenset(string.whitespace),
    "WORD": frozenset(f"{string.ascii_letters}{string.digits}_"),
}


def matching(pattern: str, *, counts: Iterable[int] = (0, 1)) -> Iterator[str]:
    """Yield a text for each of `counts`: how often more than it must each part is there that may be there again.

    What Python's expressions do not know gives none.
    """
    try:
        parsed = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return
    for count in counts:
        yield _written(parsed, count)


def _written(parts: Iterable[tuple[Any, Any]], more: int) -> str:
    return "".join(_part(str(kind), said, more) for kind, said in parts)


def _part(kind: str, said: Any, more: int) -> str:  # noqa: PLR0911 - one for each kind
    match kind:
        case "LITERAL":
            return chr(said)
        case "NOT_LITERAL":
            return next(each for each in _CHARACTERS if ord(each) != said)
        case "ANY":
            return "a"
        case "IN":
            return next((each for each in _candidates(said) if _is_in(each, said)), "")
        case "BRANCH":
            return _written(said[1][more % len(said[1])], more)
        case "SUBPATTERN":
            return _written(said[3], more)
        case "MAX_REPEAT" | "MIN_REPEAT":
            fewest, most, inner = said
            count = min(int(fewest) + more, int(most), _REPEATED_MAX)
            return _written(inner, more) * count
        case _:
            return ""


def _candidates(parts: list[tuple[Any, Any]]) -> Iterator[str]:
    for kind, said in parts:
        if str(kind) in {"LITERAL", "RANGE"}:
            yield chr(said if isinstance(said, int) else said[0])
    yield from _CHARACTERS


def _is_in(character: str, parts: list[tuple[Any, Any]]) -> bool:
    found = is_negated = False
    for kind, said in parts:
        match str(kind):
            case "NEGATE":
                is_negated = True
            case "LITERAL":
                found |= ord(character) == said
            case "RANGE":
                found |= said[0] <= ord(character) <= said[1]
            case _:
                name = str(said).removeprefix("CATEGORY_")
                found |= (character in _CATEGORIES[name.removeprefix("NOT_")]) != name.startswith("NOT_")
    return found != is_negated

"""What a plain word of YAML or JSON means: the core schema of YAML 1.2, so `on`, `yes` and `2026-01-01` are texts."""

from __future__ import annotations

import math
import re

from foliot.definition.diagnostics import Faults
from foliot.definition.tree import Path, Place, Scalar, Unread

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_PREFIXED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_INTEGER_DIGITS_MAX = 20
_SMALLER = "Write a smaller number, or quote it where it is a text."


def resolve(word: str, place: Place, path: Path, faults: Faults) -> Scalar | Unread:
    """Read a plain (unquoted) scalar."""
    if word in _WORDS:
        return Scalar(_WORDS[word], place, path)
    if _INTEGER.match(word) or _PREFIXED.match(word):
        return _integer(word, place, path, faults)
    if _FLOAT.match(word) or _NOT_FINITE.match(word):
        number = float(word) if _FLOAT.match(word) else math.inf
        if math.isfinite(number):
            return Scalar(number, place, path)
        unread = Unread(place, path)
        faults.error("D111", unread, f"{faults.quote(word)} is not a finite number.", _SMALLER)
        return unread
    return Scalar(word, place, path)


def text(value: str, place: Place, path: Path, faults: Faults) -> Scalar | Unread:
    """Take a quoted scalar as it is, unless it has characters that no message could carry."""
    found = _FORBIDDEN.search(value)
    if found is None:
        return Scalar(value, place, path)
    unread = Unread(place, path)
    faults.error("D113", unread, f"The text contains U+{ord(found[0]):04X}.", "Take the character out.")
    return unread


def check_characters(content: str, faults: Faults) -> None:
    """Look for characters that may stand nowhere in a text, not even in a comment."""
    for found in _FORBIDDEN.finditer(content.removeprefix("\ufeff")):
        before = content[: found.start()]
        place = Place(before.count("\n") + 1, found.start() - before.rfind("\n"))
        faults.error("D113", place, f"The text contains U+{ord(found[0]):04X}.", "Take the character out.")


def _integer(word: str, place: Place, path: Path, faults: Faults) -> Scalar | Unread:
    digits = word.lstrip("+-").removeprefix("0x").removeprefix("0o").lstrip("0")
    base = 16 if word.startswith("0x") else 8 if word.startswith("0o") else 10
    # Octal digits carry least, so 22 of them may still fit; longer texts are not even converted.
    if len(digits) <= _INTEGER_DIGITS_MAX + 2:
        number = int(word, base)
        if -(2**63) <= number < 2**63:
            return Scalar(number, place, path)
    unread = Unread(place, path)
    faults.error("D112", unread, f"{faults.quote(word)} does not fit into 64 bits.", _SMALLER)
    return unread

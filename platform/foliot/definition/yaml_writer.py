"""JSON values written as YAML as people write it: short things on one line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import orjson

_COLUMNS_MAX: Final = 120
_PLAIN: Final = re.compile(r"(?:[A-Za-z_](?:[A-Za-z0-9_./ -]*[A-Za-z0-9_.])?|[1-9][0-9]*(?:ms|s|m|h|d))\Z")
_NOT_PLAIN: Final = frozenset({"true", "false", "null", "yes", "no", "off", "y", "n"})
_BREAKS: Final = re.compile("[\x85\u2028\u2029\ufeff]")
"""What JSON has as it is, and YAML would take for the end of a line or the beginning of a text."""

Parted = Callable[[Mapping[str, Any]], bool]
"""Whether an object takes lines of its own even where it is short."""


def write_yaml(value: Mapping[str, Any], parted: Parted) -> str:
    """Write an object."""
    return "\n".join(_Writer(parted).block(value, 0)) + "\n"


class _Writer:
    def __init__(self, parted: Parted) -> None:
        self._parted = parted

    def block(self, value: Any, indent: int) -> Iterator[str]:
        pad = " " * indent
        if isinstance(value, Mapping):
            for key, each in value.items():
                yield from self._entry(f"{pad}{_text(str(key))}:", each, indent)
        else:
            for each in value:
                is_block = self._is_block(each, indent + 2)
                first, *rest = list(self.block(each, indent + 2)) if is_block else [_flow(each)]
                yield f"{pad}- {first.lstrip()}"
                yield from rest

    def _entry(self, key: str, value: Any, indent: int) -> Iterator[str]:
        if self._is_block(value, len(key) + 1):
            yield key
            yield from self.block(value, indent + 2)
        else:
            yield f"{key} {_flow(value)}"

    def _is_block(self, value: Any, column: int) -> bool:
        """Whether a value takes lines of its own: where it is long, and where it is a list of objects."""
        if not isinstance(value, Mapping | list) or not value:
            return False
        if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            return True
        parted = isinstance(value, Mapping) and self._parted(value)
        return parted or column + len(_flow(value)) > _COLUMNS_MAX


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(str(key))}: {_flow(each)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    return _text(value) if isinstance(value, str) else orjson.dumps(value).decode()


def _text(text: str) -> str:
    """Write a text bare where it can be nothing else, else as JSON, which YAML reads alike."""
    if text == "on" or (_PLAIN.match(text) and text.lower() not in _NOT_PLAIN):
        return text
    return _BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", orjson.dumps(text).decode())

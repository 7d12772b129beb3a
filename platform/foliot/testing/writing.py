"""Files of scenarios written as people write them: YAML, short things on one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from foliot.testing.scenarios import ScenarioFile

_COLUMNS_MAX: Final = 120
_PLAIN: Final = re.compile(r"(?:[A-Za-z_](?:[A-Za-z0-9_./ -]*[A-Za-z0-9_.])?|[1-9][0-9]*(?:ms|s|m|h|d))\Z")
_NOT_PLAIN: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def write_scenarios(scenarios: ScenarioFile, *, comment: str = "") -> str:
    """Write a file that `read_scenarios` reads back to an equal one."""
    document = scenarios.model_dump(mode="json", by_alias=True, exclude_unset=True)
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return head + "\n".join(_block(document, 0)) + "\n"


def _block(value: Any, indent: int) -> Iterator[str]:
    pad = " " * indent
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _entry(f"{pad}{_text(str(key))}:", each, indent)
    else:
        for each in value:
            first, *rest = list(_block(each, indent + 2)) if _is_block(each, indent + 2) else [_flow(each)]
            yield f"{pad}- {first.lstrip()}"
            yield from rest


def _entry(key: str, value: Any, indent: int) -> Iterator[str]:
    if _is_block(value, len(key) + 1):
        yield key
        yield from _block(value, indent + 2)
    else:
        yield f"{key} {_flow(value)}"


def _is_block(value: Any, column: int) -> bool:
    """Whether a value takes lines of its own: where it is long, and where it is a list of objects."""
    if not isinstance(value, Mapping | list) or not value:
        return False
    if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        return True
    if isinstance(value, Mapping) and any(isinstance(each, Mapping) and "send" in each for each in value.values()):
        return True
    deep = isinstance(value, Mapping) and ("expect" in value or "steps" in value or "configuration" in value)
    return deep or column + len(_flow(value)) > _COLUMNS_MAX


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(str(key))}: {_flow(each)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    return _text(value) if isinstance(value, str) else orjson.dumps(value).decode()


def _text(text: str) -> str:
    """Write a text bare where it can be nothing else, else as JSON, which YAML reads alike."""
    if _PLAIN.match(text) and text.lower() not in _NOT_PLAIN:
        return text
    return orjson.dumps(text).decode()

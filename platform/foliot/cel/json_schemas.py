"""How a JSON Schema is followed: to what it refers to, and to all that a value must fit at once.

References are local (`#/…`); what leads anywhere else counts as a schema that says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

# References may go round in circles, and may double at each step.
_PARTS_MAX: Final = 32


def refer(reference: object, root: object) -> Any:
    """Return the schema that a `$ref` names; True, which says nothing, where there is none.

    A schema with an `$id` is a document of its own, in which references mean something else: none leads into it.
    """
    if not isinstance(reference, str) or (reference != "#" and not reference.startswith("#/")):
        return True
    found: Any = root
    for part in reference.split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return True
        if _is_apart(found, root):
            return True
    return found if isinstance(found, Mapping | bool) else True


def types_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the types that a schema names, one or several; none where it says nothing of them."""
    types = schema.get("type")
    named = types if isinstance(types, list) else [types]
    return tuple(each for each in named if isinstance(each, str))


def conjuncts(schema: object, root: object) -> Iterator[Mapping[str, Any] | bool]:
    """Yield schemas all of which a value must fit: this one, what it refers to, and its `allOf`.

    It may leave some out, never add one. Of `root` and what is reached from it, True says nothing and is left out.
    """
    waiting: list[object] = [schema]
    for count, found in enumerate(waiting):
        if found is False:
            yield False
        if count == _PARTS_MAX:
            return
        if not isinstance(found, Mapping) or _is_apart(found, root):
            continue
        yield found
        if "$ref" in found:
            waiting.append(refer(found["$ref"], root))
        both = found.get("allOf")
        waiting.extend(both if isinstance(both, list) else ())


def _is_apart(schema: object, root: object) -> bool:
    return isinstance(schema, Mapping) and schema is not root and "$id" in schema

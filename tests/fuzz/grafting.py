"""Changes of texts that leave them texts of their language: branches are cut out, doubled, moved and taken from others.

Most changes of bytes spoil a text at once; these come to what a reader does with a text that can be parsed.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from copy import deepcopy
from random import Random
from types import MappingProxyType
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import yaml

from foliot.definition import Faults, Limits, ReadingStopped, parse, plain
from foliot.languages.scxml.elements import FOLIOT_NAMESPACE, SCXML_NAMESPACE, Element, parse_xml

# One as often as up to four: each may spoil what the others came to.
_CHANGES = (1, 4)
_LEAVES = ("", "x", "a.b", "#a", "*", 0, -1, 0.5, 2**63, True, False, None, [], {})
# What `_read_xml` calls the parts of an element; the rest of its keys are attributes.
_NAME, _TEXT, _CHILDREN = "<>", "text()", "*"
_WORD = re.compile(r"""[bru]*'[^']*'|[bru]*"[^"]*"|[\w.]+|[-+*/%<>=!&|?:]+|[()\[\]{}]""")
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_Place = tuple[Any, Any]


class Grafter:
    """Changes texts of one language, and takes branches from `texts`."""

    def __init__(self, language: str, texts: Iterable[str]) -> None:
        self._read, self._write = _FORMS[language]
        self._given: defaultdict[str, list[Any]] = defaultdict(list)
        for text in texts:
            tree = self._read(text)
            for holder, key in _branches(tree):
                self._given[_kind(holder, key)].append(holder[key])
        self._kinds = tuple(self._given)

    def change(self, text: str, random: Random) -> str | None:
        """Make one to four changes; None where the text cannot be parsed, or has no branches."""
        try:
            tree = self._read(text)
        except ReadingStopped:
            return None
        for _ in range(random.randint(1, random.choice(_CHANGES))):
            places = list(_branches(tree))
            if not places:
                return None
            self._change(places, random)
        return self._write(tree, random)

    def _change(self, places: list[_Place], random: Random) -> None:
        holder, key = random.choice(places)
        other_holder, other_key = random.choice(places)
        match random.randrange(8):
            case 0:
                del holder[key]
            case 1:
                here, there = deepcopy(holder[key]), deepcopy(other_holder[other_key])
                holder[key], other_holder[other_key] = there, here
            case 2:
                holder[key] = deepcopy(other_holder[other_key])
            case 3 | 4:
                holder[key] = self._branch(_kind(holder, key), random)
            case 5:
                kind = random.choice(self._kinds)
                _put(holder[key], kind, self._branch(kind, random))
            case 6:
                _put(holder[key], str(other_key), deepcopy(other_holder[other_key]))
            case _:
                holder[key] = deepcopy(random.choice(_LEAVES))

    def _branch(self, kind: str, random: Random) -> Any:
        """Take a branch from where such a one stands in another text, if it does in any."""
        return deepcopy(random.choice(self._given[kind if kind in self._given else random.choice(self._kinds)]))


class Splicer:
    """Changes expressions: a name, a number, a text or what stands in parentheses becomes another one."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._given = [text[begin:end] for text in texts for begin, end in _parts(text)]

    def change(self, text: str, random: Random) -> str | None:
        """Make one to four changes; None where there is nothing to change."""
        for _ in range(random.randint(1, random.choice(_CHANGES))):
            parts = list(_parts(text))
            if not parts:
                return None
            begin, end = random.choice(parts)
            other_begin, other_end = random.choice(parts)
            put = random.choice((text[other_begin:other_end], random.choice(self._given), random.choice(self._given)))
            text = text[:begin] + put + text[end:]
        return text


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Yield where words stand in an expression, and what is in parentheses, with these."""
    opened = []
    for found in _WORD.finditer(text):
        if found[0] in _OPENING:
            opened.append(found.start())
        elif found[0] in _CLOSING:
            if opened:
                yield opened.pop(), found.end()
        else:
            yield found.span()


def _branches(tree: Any) -> Iterator[_Place]:
    """Yield each place in a tree as what holds it, and its key there."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield tree, key
        yield from _branches(value)


def _kind(holder: Any, key: Any) -> str:
    return str(key) if isinstance(holder, dict) else "[]"


def _put(holder: Any, kind: str, branch: Any) -> None:
    if isinstance(holder, dict):
        holder[kind] = branch
    elif isinstance(holder, list):
        holder.append(branch)


def _read_json(text: str) -> Any:
    return plain(parse(text, "m.json", Faults("m.json", Limits())))


def _write_json(tree: Any, random: Random) -> str:
    return json.dumps(tree, ensure_ascii=random.random() < 0.5)


def _read_yaml(text: str) -> Any:
    return plain(parse(text, "m.yaml", Faults("m.yaml", Limits())))


def _write_yaml(tree: Any, random: Random) -> str:
    return str(
        yaml.safe_dump(tree, sort_keys=False, width=1_000, default_flow_style=random.choice((None, False, True)))
    )


def _read_xml(text: str) -> Any:
    return _plain_element(parse_xml(text, Faults("m.scxml", Limits())))


def _plain_element(element: Element) -> dict[str, Any]:
    children = [_plain_element(child) for child in element.children]
    return {_NAME: element.name, **element.attributes, _TEXT: element.text, _CHILDREN: children}


def _write_xml(tree: Any, _random: Random) -> str:
    declared = f'<scxml xmlns="{SCXML_NAMESPACE}" xmlns:f="{FOLIOT_NAMESPACE}" xmlns:x="urn:x"'
    return _element(tree).replace("<scxml", declared, 1)


def _element(tree: Any) -> str:
    if not isinstance(tree, dict):
        return escape(str(tree))
    name = _xml_name(tree.get(_NAME))
    attributes = (
        f" {_xml_name(key)}={quoteattr(str(value))}"
        for key, value in tree.items()
        if key not in {_NAME, _TEXT, _CHILDREN}
    )
    children = tree.get(_CHILDREN)
    inner = escape(str(tree.get(_TEXT, ""))) + "".join(map(_element, children if isinstance(children, list) else ()))
    return f"<{name}{''.join(attributes)}>{inner}</{name}>"


def _xml_name(name: Any) -> str:
    return re.sub(r"\{.*\}", "x:", str(name)).replace("foliot:", "f:")


_FORMS = MappingProxyType(
    {
        "yaml": (_read_yaml, _write_yaml),
        "json": (_read_json, _write_json),
        "xstate": (_read_json, _write_json),
        "scxml": (_read_xml, _write_xml),
    }
)

"""From W3C's data-model-neutral tests to SCXML on the CEL data model: what each `conf:` directive stands for.

Names of data stand bare in expressions; `context` is all of them, so that `has(context.Var1)` asks for one.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Final

SCXML: Final = "http://www.w3.org/2005/07/scxml"
CONF: Final = "{http://www.w3.org/2005/scxml-conformance}"
_COMPARISON: Final = re.compile(r"(\d+)\s*(<=|>=|<|>|=)\s*(.*)", re.DOTALL)


class UnknownDirective(Exception):
    """A test says something that is not translated."""


def convert(text: str) -> str:
    """Give the document that a test stands for, comments left out."""
    ET.register_namespace("", SCXML)
    root = ET.fromstring(text)  # noqa: S314 - files of our own
    _convert_below(root)
    return ET.tostring(root, encoding="unicode")


def _convert_below(element: ET.Element) -> None:
    for name, value in list(element.attrib.items()):
        if name.startswith(CONF):
            del element.attrib[name]
            element.attrib.update([_attribute(name.removeprefix(CONF), value)])
    for place, child in reversed(list(enumerate(list(element)))):
        if child.tag.startswith(CONF):
            _put(element, place, child)
    for child in element:
        _convert_below(child)


def _put(parent: ET.Element, place: int, directive: ET.Element) -> None:
    """Put what a directive stands for in its place: an element or a text."""
    name = directive.tag.removeprefix(CONF)
    parent.remove(directive)
    if name in _TEXTS:
        parent.text = _TEXTS[name]
        return
    if name not in _ELEMENTS:
        raise UnknownDirective(f"<conf:{name}>")
    made = ET.fromstring(_ELEMENTS[name](directive.attrib))  # noqa: S314 - as above
    for each in made.iter():
        each.tag = f"{{{SCXML}}}{each.tag}"
    parent.insert(place, made)


def _attribute(name: str, value: str) -> tuple[str, str]:
    if name not in _ATTRIBUTES:
        raise UnknownDirective(f"conf:{name}")
    attribute, write = _ATTRIBUTES[name]
    return attribute, write(value)


def _compared(quote: Callable[[str], str]) -> Callable[[str], str]:
    def write(value: str) -> str:
        found = _COMPARISON.fullmatch(value.strip())
        assert found is not None, value
        return f"Var{found[1]} {'==' if found[2] == '=' else found[2]} {quote(found[3])}"

    return write


def _pair(form: str) -> Callable[[str], str]:
    def write(value: str) -> str:
        one, other = value.split()
        return form.format(f"Var{one}", f"Var{other}")

    return write


def _form(form: str) -> Callable[[str], str]:
    return form.format


_TEXTS: Final = {"array123": "[1, 2, 3]", "someInlineVal": "123"}
_ELEMENTS: Final[dict[str, Callable[[dict[str, str]], str]]] = {
    "pass": lambda _: "<final id='pass'/>",
    "fail": lambda _: "<final id='fail'/>",
    "incrementID": lambda of: f"<assign location='Var{of['id']}' expr='Var{of['id']} + 1'/>",
    "sumVars": lambda of: f"<assign location='Var{of['id1']}' expr='Var{of['id1']} + Var{of['id2']}'/>",
    "concatVars": lambda of: f"<assign location='Var{of['id1']}' expr='Var{of['id1']} + Var{of['id2']}'/>",
    "extendArray": lambda of: f"<assign location='Var{of['id']}' expr='Var{of['id']} + [4]'/>",
    "script": lambda _: "<script>Var1 = 1</script>",
    "contentFoo": lambda _: """<content expr="'foo'"/>""",
    "sendToSender": lambda of: f"<send event='{of['name']}' targetexpr='_event.origin' typeexpr='_event.origintype'/>",
}
_ATTRIBUTES: Final[dict[str, tuple[str, Callable[[str], str]]]] = {
    "datamodel": ("datamodel", _form("cel")),
    # Names and places of data.
    "id": ("id", _form("Var{}")),
    "name": ("name", _form("Var{}")),
    "location": ("location", _form("Var{}")),
    "idlocation": ("idlocation", _form("Var{}")),
    "item": ("item", _form("Var{}")),
    "index": ("index", _form("Var{}")),
    "namelist": ("namelist", _form("Var{}")),
    "arrayVar": ("array", _form("Var{}")),
    "arrayTextVar": ("array", _form("Var{}")),
    "systemVarLocation": ("location", _form("{}")),
    # Values.
    "expr": ("expr", _form("{}")),
    "quoteExpr": ("expr", _form("'{}'")),
    "varExpr": ("expr", _form("Var{}")),
    "varChildExpr": ("expr", _form("Var{}")),
    "systemVarExpr": ("expr", _form("{}")),
    "eventField": ("expr", _form("_event.{}")),
    "eventName": ("expr", _form("_event.name")),
    "eventType": ("expr", _form("_event.type")),
    "eventSendid": ("expr", _form("_event.sendid")),
    "eventDataFieldValue": ("expr", _form("_event.data.{}")),
    "eventDataNamelistValue": ("expr", _form("_event.data.Var{}")),
    "eventDataParamValue": ("expr", _form("_event.data.{}")),
    "scxmlEventIOLocation": ("expr", _form("_ioprocessors.scxml.location")),
    # Conditions.
    "true": ("cond", _form("true")),
    "false": ("cond", _form("false")),
    "nonBoolean": ("cond", _form("'no truth value'")),
    "inState": ("cond", _form("In('{}')")),
    "idVal": ("cond", _compared(str)),
    "namelistIdVal": ("cond", _compared(str)),
    "idQuoteVal": ("cond", _compared("'{}'".format)),
    "compareIDVal": ("cond", _compared("Var{}".format)),
    "idSystemVarVal": ("cond", _compared(str)),
    "idSomeVal": ("cond", _form("Var{} == 123")),
    "VarEqVar": ("cond", _pair("{} == {}")),
    "VarEqVarStruct": ("cond", _pair("{} == {}")),
    "varPrefix": ("cond", _pair("{1}.startsWith({0})")),
    "isBound": ("cond", _form("has(context.Var{})")),
    "unboundVar": ("cond", _form("!has(context.Var{})")),
    "noValue": ("cond", _form("Var{} == null")),
    "nameVarVal": ("cond", _form("_name == '{}'")),
    "systemVarIsBound": ("cond", _form("has({}.name)")),
    "eventNameVal": ("cond", _form("_event.name == '{}'")),
    "eventdataVal": ("cond", _form("_event.data == {}")),
    "eventdataSomeVal": ("cond", _form("_event.data == 123")),
    "emptyEventData": ("cond", _form("_event.data == null")),
    "eventvarVal": ("cond", lambda value: "_event.data." + _compared(str)(value)),
    "eventFieldHasNoValue": ("cond", _form("_event.{} == null")),
    "eventFieldsAreBound": (
        "cond",
        lambda _: " && ".join(
            f"has(_event.{field})" for field in ("name", "type", "sendid", "origin", "origintype", "invokeid", "data")
        ),
    ),
    "originTypeEq": ("cond", _form("_event.origintype == '{}'")),
    # Sending and invoking.
    "delay": ("delay", _form("{}s")),
    "delayFromVar": ("delayexpr", _form("Var{}")),
    "eventExpr": ("eventexpr", _form("Var{}")),
    "targetExpr": ("targetexpr", _form("Var{}")),
    "targetVar": ("targetexpr", _form("Var{}")),
    "typeExpr": ("typeexpr", _form("Var{}")),
    "srcExpr": ("srcexpr", _form("Var{}")),
    "sendIDExpr": ("sendidexpr", _form("Var{}")),
    "unreachableTarget": ("target", _form("#_scxml_nobody")),
    # What must fail when it is evaluated.
    "illegalExpr": ("expr", _form("1 +")),
    "illegalArray": ("expr", _form("7")),
    "illegalItem": ("item", _form("1st")),
    "illegalTarget": ("target", _form("!")),
    "invalidLocation": ("location", _form("nowhere.to.be.found")),
    "invalidNamelist": ("namelist", _form("nowhere")),
    "invalidSendType": ("type", _form("unheard-of")),
    "invalidSendTypeExpr": ("expr", _form("'unheard-of'")),
    "invalidSessionID": ("expr", _form("'#_scxml_nobody'")),
    # Where the tests go.
    "targetpass": ("target", _form("pass")),
    "targetfail": ("target", _form("fail")),
}

"""Executable content of SCXML (chapters 4 and 6.2 to 6.5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from foliot.cel import CelError, CelSyntaxError, literal
from foliot.definition import (
    Action,
    Assign,
    Block,
    Branch,
    Cancel,
    Cel,
    Dispatch,
    Expression,
    Faults,
    ForEach,
    If,
    Invocation,
    Log,
    Payload,
    Raise,
    Retry,
    Send,
    Withdraw,
)
from foliot.languages.scxml.elements import TOPICS, Element
from foliot.languages.scxml.expressions import Translator, failing, inline, is_field, text

Resource: TypeAlias = Callable[[str], str]
"""Gives the text that a URI stands for, or raises `LookupError`."""
_RETRY: Final = re.compile(r"([1-9][0-9]?|100) ([0-9]{1,15}) ([1-9][0-9]{0,2}(?:\.[0-9]{1,20})?) ([0-9]{1,15})")
# A semicolon in a text or a comment parts nothing. A quote that nothing closes takes the rest of its line with it.
_LINE: Final = re.compile(r"""(?://[^\n]*|[^;\n'"]|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|['"][^\n]*)+""")
_STATEMENT: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=(?!=)\s*(.*)", re.DOTALL)


class ActionReader:
    """Turns executable content into actions. `delivers`: something in the document is sent to another session."""

    def __init__(self, translator: Translator, faults: Faults, resource: Resource, *, delivers: bool) -> None:
        self._translator = translator
        self._faults = faults
        self._resource = resource
        self._delivers = delivers

    def blocks(self, elements: Iterable[Element]) -> tuple[Action, ...]:
        """Read several handlers, each of which is a block of its own."""
        blocks = [actions for element in elements if (actions := self.block(element))]
        return blocks[0] if len(blocks) == 1 else tuple(Block(actions=actions) for actions in blocks)

    def block(self, element: Element) -> tuple[Action, ...]:
        """Read the actions inside of an element."""
        return tuple(action for child in element.children for action in self._action(child))

    def data(self, element: Element) -> Action:
        """Read a declaration of data: what is bound already, by who invokes the machine, stays as it is."""
        name = self._translator.place(element.attributes["id"])
        if name is None:
            what = f"{self._faults.quote(element.attributes['id'])} can't be the name of data."
            remedy = "Use letters, digits and _, and begin with a letter or _."
            self._faults.warning("D514", element.place, what, remedy)
            return Log(expression=failing(what))
        value = self.given(element) or Cel(source="null")
        is_there = f"has(context.{name})" if is_field(name) else f"({literal(name)} in context)"
        assign = If(branches=(Branch(guard=f"!{is_there}", actions=(Assign(values={name: value}),)),))
        return Block(actions=(assign,))

    def _no_data(self, element: Element, name: str) -> None:
        """Warn of what is assigned to and no data: to SCXML it is an error only when it is done.

        A name that is missing is told of with the other attributes.
        """
        what = f"{self._faults.quote(name)} is no data of this document."
        if name:
            self._faults.warning("D514", element.place, what, 'Write the name alone, as in <data id="name"/>.')

    def given(self, element: Element) -> Expression | None:
        """Read a value given by expr, by src or between the tags; None where nothing is given."""
        if "expr" in element.attributes:
            return self._value(element, element.attributes["expr"])
        if "src" in element.attributes:
            return self._fetched(element.attributes["src"])
        return inline(element.inner) if element.inner.strip() else None

    def script(self, element: Element) -> tuple[Action, ...]:
        """Read a script: assignments, one a line or parted by semicolons."""
        source = element.text
        if "src" in element.attributes:
            try:
                source = self._resource(element.attributes["src"])
            except LookupError as error:
                return (Log(expression=failing(str(error))),)
        return tuple(self._statement(element, line) for line in script_lines(source))

    def payload(self, element: Element) -> Payload:
        """Read namelist, params and content."""
        required: dict[str, Expression] = {}
        for name in element.attributes.get("namelist", "").split():
            place = self._translator.place(name)
            required[name] = failing(f"{name} is no data of this machine.") if place is None else _read(place)
        values: dict[str, Expression] = {}
        for child in element.all("param"):
            among = required if child.attributes.get("foliot:required") == "true" else values
            among[child.attributes.get("name", "")] = self._param(child)
        contents = element.all("content")
        content = (self.given(contents[0]) or text("")) if contents else None
        return Payload(values=values, required=required, content=content)

    def invocation(self, element: Element) -> Invocation:
        """Read an invocation."""
        finalize = element.all("finalize")
        attributes = element.attributes
        payload = self.payload(element)
        content, given = payload.content, attributes.get("foliot:input")
        whole = None if given is None else self._value(element, given)
        timeout_ms = attributes.get("foliot:timeout")
        return Invocation(
            id=attributes.get("id"),
            id_location=attributes.get("idlocation"),
            type=self._either(element, "type"),
            source=self._either(element, "src"),
            content=content,
            payload=payload.model_copy(update={"content": whole}),
            forwards=attributes.get("autoforward") == "true",
            finalize=self.block(finalize[0]) if finalize else (),
            retry=self._retry(element) if "foliot:retry" in attributes else None,
            timeout_ms=None if timeout_ms is None else self._whole(element, timeout_ms),
        )

    def _retry(self, element: Element) -> Retry | None:
        found = _RETRY.fullmatch(element.attributes["foliot:retry"])
        if found is None:
            what = f"{self._faults.quote(element.attributes['foliot:retry'])} tells no attempts and delays."
            self._faults.error("D407", element.place, what, "Write foliot:retry as the writer does: 3 1000 2 60000.")
            return None
        factor = float(found[3]) if "." in found[3] else int(found[3])
        return Retry(attempts=int(found[1]), delay_ms=int(found[2]), factor=factor, delay_max_ms=int(found[4]))

    def _whole(self, element: Element, written: str) -> int:
        if re.fullmatch(r"[0-9]{1,15}", written) is None:
            what = f"{self._faults.quote(written)} is no number of milliseconds."
            self._faults.error("D407", element.place, what, "Write a number of milliseconds, as the writer does.")
            return 0
        return int(written)

    def _action(self, element: Element) -> tuple[Action, ...]:  # noqa: C901, PLR0911, PLR0912 - one for each kind
        attributes = element.attributes
        match element.name:
            case "raise":
                return (Raise(event=attributes.get("event", ""), data={}),)
            case "assign":
                return (self._assign(element),)
            case "log":
                return (Log(expression=self._value(element, attributes.get("expr", "''"))),)
            case "if":
                return (self._if(element),)
            case "foreach":
                return (self._for_each(element),)
            case "script":
                return self.script(element)
            case "send" if "foliot:after" in attributes:
                return ()  # It says to other processors what the transition with the same attribute says here.
            case "cancel" if "foliot:after" in attributes:
                return ()
            case "send" if attributes.get("type") == TOPICS:
                return (self._message(element),)
            case "send":
                return (self._send(element),)
            case "foliot:block":
                return (Block(actions=self.block(element)),)
            case "foliot:together":
                return (self._together(element),)
            case "cancel":
                return (self._cancel(element),)
            case _:
                what = f"<{element.name}> is no action that is known here."
                self._faults.error("D803", element.place, what, "Take it out; the actions are those of SCXML 1.0.")
                return ()

    def _assign(self, element: Element) -> Action:
        location = element.attributes.get("location", "")
        name = self._translator.place(location)
        if name is None:
            self._no_data(element, location)
            return Log(expression=failing(f"{location[:80]} is no place to assign to."))
        return Assign(values={name: self.given(element) or Cel(source="null")})

    def _if(self, element: Element) -> If:
        branches: list[Branch] = []
        guard: str | None = self._guard(element, element.attributes.get("cond", "false"))
        actions: list[Action] = []
        for child in element.children:
            if child.name in {"elseif", "else"}:
                branches.append(Branch(guard=guard, actions=tuple(actions)))
                actions = []
                guard = self._guard(child, child.attributes.get("cond", "false")) if child.name == "elseif" else None
            else:
                actions.extend(self._action(child))
        return If(branches=(*branches, Branch(guard=guard, actions=tuple(actions))))

    def _for_each(self, element: Element) -> Action:
        attributes = element.attributes
        item, index = attributes.get("item", ""), attributes.get("index")
        for name in (item, index):
            if name is not None and self._translator.place(name) is None:
                self._no_data(element, name)
                return Log(expression=failing(f"{name[:80]} is no place for the items or their index."))
        array = self._value(element, attributes.get("array", ""))
        return ForEach(array=array, item=item, index=index, actions=self.block(element))

    def _statement(self, element: Element, line: str) -> Action:
        found = _STATEMENT.fullmatch(line)
        name = None if found is None else self._translator.place(found[1])
        if found is None or name is None:
            what = f"{self._faults.quote(line.strip())} assigns nothing."
            self._faults.warning("D513", element.place, what, "Write 'name = expression', one a line.")
            return Log(expression=failing(f"A script is made of lines name = expression; this is: {line.strip()[:80]}"))
        return Assign(values={name: self._value(element, found[2])})

    def _send(self, element: Element) -> Dispatch:
        attributes = element.attributes
        return Dispatch(
            event=self._either(element, "event") or text(""),
            target=self._either(element, "target"),
            processor=self._either(element, "type"),
            delay=self._either(element, "delay"),
            id=attributes.get("id"),
            id_location=attributes.get("idlocation"),
            payload=self.payload(element),
        )

    def _message(self, element: Element) -> Send:
        """Read a message to a topic."""
        event, topic = element.attributes.get("event", ""), element.attributes.get("target", "")
        data = dict(self.payload(element).required)
        return Send(event=event, data=data, delay_ms=None, id=None, topic=topic)

    def _together(self, element: Element) -> Action:
        """Read assignments each of which sees the context from before all of them."""
        values: dict[str, Expression] = {}
        for child in element.all("assign"):
            action = self._assign(child)
            if not isinstance(action, Assign):
                return action
            values |= action.values
        return Assign(values=values)

    def _cancel(self, element: Element) -> Action:
        send_id = element.attributes.get("sendid")
        if send_id is not None:
            return Withdraw(id=text(send_id)) if self._delivers else Cancel(id=send_id)
        return Withdraw(id=self._value(element, element.attributes.get("sendidexpr", "")))

    def _either(self, element: Element, name: str) -> Expression | None:
        """Read an attribute that is a text, or under a longer name an expression."""
        if name in element.attributes:
            return text(element.attributes[name])
        source = element.attributes.get(f"{name}expr")
        return None if source is None else self._value(element, source)

    def guard(self, element: Element) -> str | None:
        """Read the condition of an element that may have one."""
        return self._guard(element, element.attributes["cond"]) if "cond" in element.attributes else None

    def _value(self, element: Element, source: str) -> Expression:
        try:
            return self._translator.value(source)
        except CelError as error:
            return failing(self._tell(element, error))

    def _guard(self, element: Element, source: str) -> str:
        try:
            return self._translator.guard(source)
        except CelError as error:
            return failing(self._tell(element, error)).source

    def _tell(self, element: Element, error: CelError) -> str:
        """Warn of an expression that has no value: to SCXML it is an error only when it is evaluated."""
        code = "D601" if isinstance(error, CelSyntaxError) else "D602"
        what = error.refusal.what
        self._faults.warning(code, element.place, what if what.endswith(".") else f"{what}.", error.refusal.remedy)
        return str(error)

    def _param(self, element: Element) -> Expression:
        if "location" in element.attributes:
            place = self._translator.place(element.attributes["location"])
            if place is None:
                return failing(f"{element.attributes['location'][:80]} is no data of this machine.")
            return _read(place)
        return self._value(element, element.attributes.get("expr", "null"))

    def _fetched(self, uri: str) -> Expression:
        try:
            return inline(self._resource(uri))
        except LookupError as error:
            return failing(str(error))


def script_lines(source: str) -> list[str]:
    """Part a script into its assignments, one a line or parted by semicolons."""
    return [line for line in _LINE.findall(source) if line.strip() and not line.lstrip().startswith("//")]


def _read(name: str) -> Cel:
    return Cel(source=f"context.{name}")

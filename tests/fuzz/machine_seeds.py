"""Texts of machines to begin with, by language: sound ones, and those that are meant to be too much."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

from conformance.xstate.machines import random_machine
from unit.engine.random_machines import random_definition

from foliot.definition import Faults, Limits, dump, load, parse, plain
from foliot.languages.scxml import write_scxml
from foliot.languages.xstate import write_xstate

_EXAMPLES = [
    path for path in sorted((Path(__file__).parents[2] / "examples").glob("*/*.yaml")) if ".test." not in path.name
]
BYTES_MAX = 8_000
"""What is longer is not fuzzed: an input takes milliseconds, and a fault of a large text has a small one like it."""
_RANDOM_COUNT = 30
_SMALL = (
    "foliot: 1\nid: m\ninitial: a\nstates: {a: {on: {go: b}}, b: {type: final}}\n",
    (
        "foliot: 1\nid: m\nentry: [{assign: {n: 1 + 2}}, {log: \"'x'\"}]\nalways: {guard: context.n < 9, actions: "
        "[{script: n = context.n + 1}]}\n"
    ),
    (
        "foliot: 1\nid: m\ntype: parallel\nstates:\n  a: {after: {30s: {actions: [{raise: done}]}}}\n"
        "  b: {initial: c, states: {c: {on: {done: d}}, d: {}, h: {history: deep, target: c}}, defer: [later]}\n"
    ),
    (
        "foliot: 1\nid: m\ncontext: {schema: {type: object, properties: {n: {type: integer}}}, initial: {n: 0}}\n"
        "events: {go: {schema: {$ref: '#/$defs/x', $defs: {x: {pattern: '^a+$'}}}}}\ncreate: explicit\npoison: skip\n"
        "on: {go.*: [{guard: event.data.n > 1, actions: [{send: {event: x, delay: 5m, id: t}}, {cancel: t}]}]}\n"
    ),
    (
        "foliot: 1\nid: m\nonError: [rollback]\non: {go: {actions: [{if: [{guard: 'true', actions: []}]}, "
        "{foreach: {array: '[1, 2]', item: i, index: k, actions: [{block: []}]}}, "
        "{send: {event: out, to: {topic: t}, data: {n: 1.5e3}}}]}}\n"
    ),
)
_SCXML = "<scxml xmlns='http://www.w3.org/2005/07/scxml' xmlns:f='urn:foliot:scxml' version='1.0' datamodel='cel'"
_SMALL_SCXML = (
    (
        f"{_SCXML}><state id='a'><transition event='go' target='b'/></state><final id='b'><donedata>"
        "<param name='n' expr='1'/></donedata></final></scxml>"
    ),
    (
        f"{_SCXML} name='m' binding='late'><datamodel><data id='n' expr='0'/><data id='x'>[1, 2]</data></datamodel>"
        "<script>n = 2; x = []</script><parallel id='p'><onentry><assign location='n' expr='n + 1'/>"
        "<foreach array='x' item='i'><if cond=\"In('a')\"><raise event='e'/><elseif cond='true'/>"
        "<log expr='_event.name'/><else/></if></foreach>"
        "</onentry><state id='a'/><history id='h' type='deep'><transition target='a'/></history></parallel></scxml>"
    ),
    (
        f"{_SCXML}><state id='a'><invoke type='scxml' idlocation='x'><content><scxml version='1.0'><final/></scxml>"
        "</content><finalize/></invoke><onentry><send event='e' delay='1s' id='s' namelist='x'/><cancel sendid='s'/>"
        "</onentry><onexit/><transition event='e.*' type='internal' cond='x &lt; 1' target='a'/></state></scxml>"
    ),
    (
        f"{_SCXML} f:names='n'><state id='a' f:defer='x' f:rollback='true'><onentry><f:together><assign location='n' "
        "expr='1'/></f:together><f:block/></onentry><transition f:after='13' event='after.13.a'/></state></scxml>"
    ),
)
_SMALL_XSTATE = (
    (
        '{"id":"m","initial":"a","states":{"a":{"on":{"go":"b","*":{"target":"#m","guard":{"type":"g","params":{"n":1}}}}},"b":{"type":"final"}},'
        '"foliot":{"guards":{"g":"context.n > params.n"}}}'
    ),
    (
        '{"id":"m","context":{"n":0},"type":"parallel","states":{"a":{"after":{"10":[{"actions":{"type":"xstate.raise",'
        '"params":{"event":{"type":"e"},"delay":5,"id":"i"}},"reenter":true}],"slow":"b"}},"b":{"initial":{"target":"c",'
        '"actions":["x"]},"states":{"c":{"on":{"go":"d"}},"d":{},"h":{"type":"history","history":"deep","target":"c"}}}},'
        '"foliot":{"delays":{"slow":3},"actions":{"x":[{"assign":{"n":"1"}}]}}}'
    ),
)


def texts(language: str) -> Iterator[str]:
    """Yield texts in a language: yaml, json, scxml or xstate."""
    yield from (text for text in sound(language) if len(text.encode()) <= BYTES_MAX)
    yield from too_much(language)


def sound(language: str) -> Iterator[str]:
    """Yield machines."""
    own = [*_SMALL, *(path.read_text() for path in _EXAMPLES)]
    definitions = [load(text, filename="m.yaml") for text in own]
    random = [random_definition(Random(seed)) for seed in range(_RANDOM_COUNT)]
    match language:
        case "yaml":
            yield from own
        case "json":
            yield from (json.dumps(plain(parse(text, "m.yaml", Faults("m.yaml", Limits())))) for text in own)
            yield from (dump(each) for each in definitions)
        case "scxml":
            yield from _SMALL_SCXML
            yield from (write_scxml(each) for each in (*definitions, *random))
        case "xstate":
            yield from _SMALL_XSTATE
            yield from (write_xstate(each).text for each in (*definitions, *random))
            yield from (json.dumps(random_machine(Random(seed))) for seed in range(_RANDOM_COUNT))


def too_much(language: str) -> tuple[str, ...]:
    """Give bombs of entities and aliases, deep nesting, huge numbers, and keys that stand twice."""
    match language:
        case "yaml":
            return (
                "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
                "[" * 100,
                "{a: " * 100,
                "".join(f"{' ' * depth}a:\n" for depth in range(100)),
                "? " * 100,
                f"foliot: {'9' * 400}\n",
                "foliot: 1e999\nid: -.inf\ninitial: 0x" + "f" * 99 + "\n",
                "foliot: 1\nfoliot: 1\nid: m\nid: m\n",
                '%YAML 9999999999.9\n---\n"\\U99999999"\n',
                "--- a\n--- b\n",
                "!!python/object:os.system x\n",
                "foliot: 1\nid: m\n" + "".join(f"a{n}: {{}}\n" for n in range(300)),
            )
        case "json":
            return (
                "[" * 100,
                '{"a":' * 100,
                f'{{"foliot": {"9" * 400}}}',
                '{"foliot": 1e999, "id": -0.0}',
                '{"foliot": 1, "foliot": 1, "id": "m", "id": "m"}',
                '{"foliot": 1, "id": "\\ud800"}',
                '{"foliot": 1, "id": "m", "states": {' + ",".join(f'"s{n}": {{}}' for n in range(200)) + "}}",
            )
        case "scxml":
            return (
                "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><scxml>&b;</scxml>",
                "<!DOCTYPE x SYSTEM 'file:///etc/passwd'><scxml/>",
                f"{_SCXML}>" + "<state>" * 100,
                f"{_SCXML}>" + "<onentry>" * 100,
                f"{_SCXML} " + " ".join(f"a{n}='x'" for n in range(300)) + "/>",
                f"{_SCXML}><state id='a'/><state id='a'/></scxml>",
                f"{_SCXML}><state><onentry><send event='e' delay='{'9' * 400}s'/></onentry></state></scxml>",
                f"{_SCXML}><data id='n' expr='{'9' * 400}'/><state><transition f:after='{'9' * 400}'/></state></scxml>",
                f"{_SCXML}><state>{'x<a/>' * 300}</state></scxml>",
            )
        case "xstate":
            regions = ",".join(f'"r{n}": {{"on": {{"e": {{"guard": "g"}}, "*": {{}}}}}}' for n in range(30))
            nested = '{"type": "parallel", "on": {"e": {"guard": "g"}}, "states": {"a": {}, "b": '
            return (
                "[" * 100,
                f'{{"id": "m", "type": "parallel", "on": {{"*": {{}}}}, "states": {{{regions}}}}}',
                nested * 20 + "{}" + "}}" * 20,
                f'{{"id": "m", "after": {{"{"9" * 400}": {{}}}}}}',
                '{"id": "m", "id": "m", "on": {"a": {}, "a": {}}}',
                '{"on": {"e": {"actions": ["x", "x"]}}, "foliot": {"actions": {"x": ["x", {"params": [[]]}]}}}',
            )
    raise LookupError(language)


def words(language: str) -> tuple[str, ...]:
    """Give what texts of a language are put together of."""
    return {"scxml": _WORDS_OF_SCXML, "xstate": _WORDS_OF_XSTATE}.get(language, _WORDS)


_WORDS = tuple(
    """
    foliot: id: initial: states: on: entry: exit: always: after: type: history: target: guard: actions: reenter: onDone:
    onError: rollback description: context: schema: events: create: poison: assign: raise: send: cancel: log: event:
    data: delay: to: topic: if: foreach: array: item: index: script: block: defer: output: properties: $ref pattern
    parallel final deep shallow compound context. event.data inState( # .* * 30s 9223372036854775807 0x 1e999 .inf &a *a
    !!x --- | > ? - [ ] { } " ' \\u0000 true null
    """.split()  # noqa: SIM905 - one word a line would be eighty lines
)
_WORDS_OF_SCXML = tuple(
    """
    <scxml <state <parallel <final <history <initial <transition <onentry <onexit <datamodel> <data <donedata> <param
    <content> <assign <raise <send <cancel <log <if <elseif <else/> <foreach <script> <invoke <finalize> </ /> <![CDATA[
    ]]> <!DOCTYPE <!ENTITY <?xml &lt; &#0; id=' event=' target=' cond=' type='internal' type='deep' expr=' location='
    namelist=' delay=' delayexpr=' idlocation=' sendid=' sendidexpr=' src=' srcexpr=' typeexpr=' autoforward='true'
    binding='late' f:after=' f:done=' f:error=' f:rollback=' f:defer=' f:stays='true' f:root='true' f:names='
    <f:together> <f:block> In(' _event. _sessionid _name _ioprocessors
    """.split()  # noqa: SIM905 - likewise
)
_WORDS_OF_XSTATE = (
    *(f'"{word.removesuffix(":")}":' for word in _WORDS if word.endswith(":")),
    *('"params"', '"invoke"', '"guards"', '"delays"', '"xstate.raise"', '"xstate.cancel"', '"sendId"', '"internal"'),
    *('"xstate.done.state.', '"xstate.after.', '"key"', '"order"', '"transitions"', "params", '"parallel"', '"final"'),
    *('"history"', '"deep"', '"#m', '"."', "null", "true", "9223372036854775808", "{", "}", "[", "]", ",", '"*"'),
)

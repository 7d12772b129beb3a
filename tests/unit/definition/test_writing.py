"""What a machine of another language has, and Foliot's own has no words for, is never left out without a word."""

from __future__ import annotations

import pytest

from foliot.definition import NotWritable, dump, dump_yaml, load
from foliot.languages.scxml import read_scxml


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('<state id="a"><invoke/></state>', "does not take it"),
        ('<state id="a"><onexit><send event="e"><param name="p" expr="1"/><content>x</content></send></onexit></state>',
         "as a whole and in parts"),
        ('<state id="a"><initial><transition target="b"><log expr="1"/></transition></initial><state id="b"/></state>',
         "more to its beginning"),
        ('<state id="p"><state id="a"/></state>', "no path of names"),
        ('<state id="a"><transition event="e f" target="a"/></state>', "does not take it"),
        ('<state id="a"><transition event="e" cond="1 > 2"/><transition event="*"/><transition event="e"/></state>',
         "an order that cannot be told"),
        ('<state id="a"><onentry><log expr="_sessionid"/></onentry></state>', "system variables"),
    ],
)  # fmt: skip
def test_what_has_no_words_is_named(body: str, why: str) -> None:
    text = f'<scxml xmlns="http://www.w3.org/2005/07/scxml" name="m" datamodel="cel">{body}</scxml>'
    definition = read_scxml(text, filename="m.scxml").definition

    with pytest.raises(NotWritable, match=why):
        dump(definition)


def test_yaml_is_written_as_people_write_it() -> None:
    text = """\
foliot: 1
id: door
initial: shut
states:
  shut:
    after: {30s: "#open"}
    on:
      push:
        - {target: "#open", guard: "context.n1 < 3", actions: [{assign: {n1: "context.n1 + 1"}}, {raise: pushed}]}
        - {target: "#open", reenter: true}
      "yes": "#open"
  open: {entry: [{send: {event: tired, delay: 5m}}, {log: "'x'"}]}
"""
    assert dump_yaml(load(text, filename="door.yaml")) == text


@pytest.mark.parametrize(
    "told", ["a\x85b", "a\u2028b\u2029", "\ufeffa", "on", "~", "0x10", "- a", "a: b", "a #b", " a", "🦀é", "\t"]
)
def test_a_text_that_yaml_could_take_for_something_else_is_read_back(told: str) -> None:
    machine = load("foliot: 1\nid: m", filename="m.yaml").model_copy(update={"description": told})

    assert load(dump_yaml(machine), filename="m.yaml") == machine

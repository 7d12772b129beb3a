"""Diagrams: what they show, and that no text of users becomes anything but text in them."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.engine.random_machines import random_definition, random_event

from foliot.definition import Definition, load
from foliot.definition.diagrams import Marks, dot, marks_of, mermaid, svg
from foliot.engine import EngineError, Event, Log, Step, compile, start, step  # noqa: A004 - the engine's own word

EXAMPLES = Path(__file__).parents[3] / "examples"
FILES = sorted(set(EXAMPLES.glob("*/*.yaml")) - set(EXAMPLES.glob("*/*.test.yaml")))
NOW = 1_767_225_600_000_000
SVG = "{http://www.w3.org/2000/svg}"

HOSTILE = (
    '"]; evil [label="x',
    "</text><script>alert(1)</script>",
    "a\\",
    "\\N \\G &quot; &#34; ]]>",
    "x --> y\nstate evil {",
    "#quot; #35; ;;",
    "end note",
    "}\n}\nclass s1 active",
    "%% comment %%{init: {}}%%",
    "<b>bold</b>",
    "\x01\x1b[31m\ufffe",
    "登録 🙂",
)
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
"""A quoted string, as the language DOT has it."""
texts = st.sampled_from(HOSTILE) | st.text(max_size=20)


def hostile(name: str, other: str, guard: str, event: str, description: str) -> Definition:
    """Make a machine past the reader, which would refuse such names."""

    def transition(index: int, **more: Any) -> dict[str, Any]:
        found = {"index": index, "event": event, "targets": [], "guard": guard, "actions": [], "reenter": False}
        return {**found, "description": description, **more}

    log: Any = {"kind": "send", "event": event, "data": {}, "delay_ms": None, "id": None, "topic": name}
    inner = {"id": "a.b", "name": other, "kind": "atomic", "transitions": [transition(1, targets=["c"], actions=[log])]}
    first = {
        "id": "a",
        "name": name,
        "kind": "compound",
        "initial": "a.b",
        "children": [inner],
        "transitions": [transition(0)],
        "entry": [log],
        "description": description,
    }
    last = {"id": "c", "name": other, "kind": "final"}
    root = {"id": "", "name": "", "kind": "compound", "initial": "a", "children": [first, last]}
    root["transitions"] = [transition(2)]
    return Definition.model_validate({"id": name, "description": description, "context": {}, "root": root})


HARMLESS = hostile("name", "other", "guard", "event", "description")
MARKS = Marks(frozenset({"a", "a.b"}), {"a": 2}, {1: 3}, caption="caption")


def order_after(*events: tuple[str, Any]) -> tuple[Definition, Marks]:
    definition = load((EXAMPLES / "order" / "order.yaml").read_bytes(), filename="order.yaml")
    machine = compile(definition)
    done = start(machine, Event("0", "t", "begun", {}, None), NOW)
    taken = [done.transitions]
    for number, (type_, data) in enumerate(events, start=1):
        done = step(machine, done.state, Event(str(number), "t", type_, data, None), NOW)
        taken.append(done.transitions)
    return definition, marks_of(definition, done.state.configuration, taken, born=True, caption="case 1")


@given(name=texts, other=texts, guard=texts, event=texts, description=texts)
@settings(max_examples=80)
def test_no_text_breaks_out_of_an_svg(name: str, other: str, guard: str, event: str, description: str):
    drawn = fromstring(svg(hostile(name, other, guard, event, description), MARKS), forbid_dtd=True)

    harmless = fromstring(svg(HARMLESS, MARKS))
    allowed = {f"{SVG}{tag}" for tag in ("svg", "style", "rect", "text", "tspan", "title", "g", "path", "circle")}
    assert {element.tag for element in drawn.iter()} <= allowed
    assert len(drawn.findall(f".//{SVG}rect")) == len(harmless.findall(f".//{SVG}rect"))
    assert {name for element in drawn.iter() for name in element.attrib if name.startswith("on")} == set()


@given(name=texts, other=texts, guard=texts, event=texts, description=texts)
@settings(max_examples=80)
def test_no_text_breaks_out_of_a_dot_file(name: str, other: str, guard: str, event: str, description: str):
    drawn = dot(hostile(name, other, guard, event, description), MARKS)

    assert QUOTED.sub('""', drawn) == QUOTED.sub('""', dot(HARMLESS, MARKS))
    # What a label may not hold: Graphviz's own escapes (`\\N` is the node's name), and entities.
    for label in re.findall(r"label=(" + QUOTED.pattern + ")", drawn):
        assert re.fullmatch(r'"(?:[^"\\&\n]|\\\\|\\"|\\n|&amp;)*"', label)


@given(name=texts, other=texts, guard=texts, event=texts, description=texts)
@settings(max_examples=80)
def test_no_text_breaks_out_of_a_mermaid_diagram(name: str, other: str, guard: str, event: str, description: str):
    lines = mermaid(hostile(name, other, guard, event, description), MARKS).splitlines()

    shapes = [skeleton(line) for line in lines]
    assert shapes == [skeleton(line) for line in mermaid(HARMLESS, MARKS).splitlines()]


def skeleton(line: str) -> str:
    """Replace the label of a line of Mermaid, if it is made of nothing but what a label may be made of."""
    label = r"(?:[^\W_]|[ _./,×·]|#\d+;)*"
    quoted = re.fullmatch(rf'( *state )"{label}"( as s\d+)', line)
    after = re.fullmatch(rf"( *(?:note right of )?s\d+(?: --> s\d+)? : ){label}", line)
    return "".join((quoted or after or re.fullmatch("(.*)", line) or [""]).groups() if quoted or after else [line])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_example_can_be_drawn_in_each_format(file: Path):
    definition = load(file.read_bytes(), filename=file.name)

    names = {state.name for state in definition.root.walk() if state.id}
    shown = {text.text for text in fromstring(svg(definition)).iter(f"{SVG}text")}
    assert names <= shown
    assert dot(definition).startswith("digraph machine {\n")
    assert mermaid(definition).startswith("stateDiagram-v2\n")


def test_in_an_svg_no_text_leaves_its_box_and_no_boxes_overlap_but_nested_ones():
    for seed in range(30):
        drawn = fromstring(svg(random_definition(Random(seed))))
        boxes = [
            tuple(float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
            for rect in drawn.iter(f"{SVG}rect")
            if "box" in rect.attrib.get("class", "")
        ]
        for number, (x, y, width, height) in enumerate(boxes):
            for other_x, other_y, other_width, other_height in boxes[number + 1 :]:
                apart = other_y >= y + height
                inside = (
                    x < other_x
                    and other_x + other_width < x + width
                    and y < other_y
                    and other_y + other_height < y + height
                )
                assert apart or inside


def test_active_states_and_visits_of_an_instance_are_drawn_in():
    definition, marks = order_after(("placed", {"amount_cents": 9, "lines": 1}), ("payment.received", {"cents": 5}))

    drawn = fromstring(svg(definition, marks))
    active = [
        group.findtext(f"{SVG}title")
        for group in drawn.iter(f"{SVG}g")
        if "active" in (group.find(f"{SVG}rect") or group[1]).attrib["class"]
    ]
    assert active == [
        "fulfilling",
        "fulfilling.work",
        "fulfilling.work.payment",
        "fulfilling.work.payment.pending",
        "fulfilling.work.packing",
        "fulfilling.work.packing.picking",
    ]
    assert marks.visits["fulfilling.work.payment.pending"] == 2
    assert marks.visits["fulfilling.work.payment"] == 1
    assert "case 1" in "".join(drawn.itertext())
    assert 'state "pending ×2" as s5' in mermaid(definition, marks)
    assert 'label="pending ×2\\n' in dot(definition, marks)


def test_visits_are_the_entries_that_the_engine_makes():
    for seed in range(80):
        random = Random(seed)
        definition = with_logged_entries(random_definition(random))
        if any(state.kind == "history" for state in definition.root.walk()):
            continue
        machine = compile(definition)
        try:
            done = start(machine, Event("0", "t", "begun", {}, None), NOW)
        except EngineError:
            continue
        steps, entered = [done.transitions], logged(done)
        for number in range(30):
            with contextlib.suppress(EngineError):
                done = step(machine, done.state, random_event(random, done.state, number), NOW)
                steps.append(done.transitions)
                entered += logged(done)

        marks = marks_of(definition, done.state.configuration, steps, born=True, caption="")

        assert Counter(marks.visits) == entered


def with_logged_entries(definition: Definition) -> Definition:
    """Let every state say its id when it is entered, and nothing else."""
    tree = definition.model_dump(mode="json")
    waiting = [tree["root"]]
    while waiting:
        state = waiting.pop()
        if state["id"] and state["kind"] != "history":
            expression = {"kind": "cel", "source": f"'entered {state['id']}'"}
            state["entry"] = [{"kind": "log", "expression": expression}]
        waiting += state["children"]
    return Definition.model_validate(tree)


def logged(done: Step) -> Counter[str]:
    texts = (effect.text for effect in done.effects if isinstance(effect, Log))
    return Counter(text.removeprefix("entered ") for text in texts if text.startswith("entered "))


def test_a_diagram_of_the_same_machine_is_the_same():
    definition, marks = order_after(("placed", {"amount_cents": 9, "lines": 1}))

    assert [write(definition, marks) for write in (svg, dot, mermaid)] == [
        write(definition, marks) for write in (svg, dot, mermaid)
    ]


@pytest.mark.parametrize("draw", [svg, dot, mermaid])
def test_services_and_deferred_events_are_shown(draw: Callable[[Definition], str]):
    text = """
foliot: 1
id: order
initial: paying
states:
  paying: {invoke: {src: charge_card, onDone: paid}, defer: [hurry]}
  paid: {}
"""

    drawn = re.sub("<[^>]*>", "", draw(load(text, filename="order.yaml")))

    assert "invoke / charge_card" in drawn
    assert "hurry / defer" in drawn


def test_a_history_state_is_drawn_as_no_region():
    text = """
foliot: 1
id: order
type: parallel
states: {paying: {}, packing: {}, last: {history: deep}}
"""

    drawn = svg(load(text, filename="order.yaml"))

    assert drawn.count('class="region"') == 1


def test_regions_of_a_parallel_state_are_dashed_and_children_of_another_are_not():
    text = """
    foliot: 1
    id: m
    initial: p
    states:
      p: {type: parallel, states: {r1: {initial: a, states: {a: {}}}, r2: {}, h: {history: deep}}}
      c: {initial: d, states: {d: {}}}
    """
    drawn = dot(load(text, filename="m.yaml"))

    dashed = [re.search(r'label="(\w+)', line) for line in drawn.splitlines() if "filled,dashed" in line]
    assert [found and found[1] for found in dashed] == ["r1", "r2"]

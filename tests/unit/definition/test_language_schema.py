"""The JSON Schema of the language: fresh, sound, and of one mind with the reader."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from drawn_machines import JSON, WORDS, machines
from hypothesis import given, settings
from hypothesis import strategies as st

from foliot.cli import run
from foliot.definition import CODES, Limits, language_schema, read
from foliot.definition.diagnostics import Faults
from foliot.definition.tree import plain
from foliot.definition.yaml_reader import read_yaml
from foliot.languages import explain

ROOT = Path(__file__).parents[3]
SCHEMA = language_schema()
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA)

# Those of documents in other languages have no schema.
OWN = [code for code in CODES if not code.startswith(("D0", "D8", "D9"))]
SEEN = frozenset(
    """
    D201 D202 D203 D204 D205 D206 D207 D301 D302 D305 D306 D307 D308 D309 D313 D402 D407 D409 D501 D502 D503 D504
    D507 D508 D509 D510 D513 D514 D516
    """.split()  # noqa: SIM905 - one code a line would be thirty lines
)
"""Faults of the shape, which a schema sees. The others need more than the shape: the text, the whole machine, CEL."""

ENTRIES = st.sampled_from(
    [
        *(("type", kind) for kind in ("atomic", "compound", "parallel", "final", "history")),
        *(("target", target) for target in ("#a", ["a"], [], ".a", "a..b")),
        *(("delay", delay) for delay in ("1s", "0", 0, 1000, -1, "1w", 10**12, True)),
        *(("states", states) for states in ({}, {"a": None}, {"a b": {}}, {"f": {"type": "final"}})),
        *(("always", always) for always in ([], [{"guard": "context.x"}], {"guard": ""}, None)),
        *(("events", events) for events in ({"e0": None}, {"e0": {"schema": True}}, {"done.state": {}}, {"e0": 1})),
        *(("raise", event) for event in ("r", {"event": "r"}, {"data": {}}, "after.1.a", "a.*")),
        *(("to", to) for to in ({"topic": "t"}, {"topic": "a b"}, {}, "t")),
        *(
            ("onDone", "#a"),
            ("on", {"a.*": "#a"}),
            ("on", {"a*": "#a"}),
            ("after", {"1m": "#a"}),
            ("after", {"x": "#a"}),
        ),
        *(("id", "x"), ("initial", "a"), ("history", "deep"), ("exit", [{"cancel": "x"}]), ("entry", [{}])),
        *(("invoke", each) for each in ({"src": "s"}, [{"src": "s", "id": "x"}, {"content": "1"}], {}, {"src": 1}, [])),
        *(("src", src) for src in ("s", {"expression": "context.x"}, {"expression": []}, {"cel": "1"})),
        *(
            ("retry", each)
            for each in ({"attempts": 3}, {"attempts": 0}, {"factor": 2}, {"attempts": 2, "factor": 0.5})
        ),
        *(("input", "context.x"), ("input", {"a": 1}), ("inputOptional", {"a": 1}), ("timeout", "5s"), ("id", None)),
        *(("idLocation", "x"), ("idLocation", "1x"), ("autoForward", True), ("onError", "#a"), ("content", "'<x/>'")),
        *(("event", {"expression": "'e'"}), ("to", {"target": "#_parent"}), ("to", {"target": {"expression": "1"}})),
        *(
            ("delay", {"expression": "'1s'"}),
            ("dataOptional", {"a": 1}),
            ("data", "1"),
            ("cancel", {"expression": "'x'"}),
        ),
        *(("create", "explicit"), ("poison", "never"), ("reenter", True), ("guard", "true"), ("guard", True)),
    ]
)
"""Entries of objects, good and bad, each of which has a meaning somewhere."""


def value_of(text: str) -> Any:
    """Read a text as the reader does, without looking at what it means."""
    return plain(read_yaml(text, Faults("m.yaml", Limits())))


def complaints(value: Any) -> list[str]:
    return [f"{error.instance_path}: {error.message}" for error in VALIDATOR.iter_errors(value)]


def test_the_file_is_what_the_command_writes(capsys: pytest.CaptureFixture[str]) -> None:
    written = files("foliot.definition").joinpath("machine.schema.json").read_text("utf-8")

    code = run(["language", "schema"])

    name = "platform/foliot/definition/machine.schema.json"
    assert code == 0
    assert capsys.readouterr().out == written, f"run: foliot language schema > {name}"


def test_it_is_a_schema_of_2020_12() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert jsonschema_rs.meta.is_valid(SCHEMA)


def test_every_key_tells_what_it_is_for() -> None:
    silent = [name for name, schema in properties(SCHEMA) if not schema.get("description")]

    assert silent == []


def properties(schema: Any) -> Iterator[tuple[str, Any]]:
    """Find the keys that an object may have, outside of conditions."""
    if isinstance(schema, list):
        for item in schema:
            yield from properties(item)
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items() if schema.get("additionalProperties") is False else ()
        for name, value in schema.items():
            if name not in {"if", "then", "else"}:
                yield from properties(value)


EXAMPLES = sorted(file for file in ROOT.glob("examples/*/*.yaml") if not file.name.endswith(".test.yaml"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_the_examples_fit(file: Path) -> None:
    assert complaints(value_of(file.read_text("utf-8"))) == []


@pytest.mark.parametrize("code", OWN)
def test_the_right_examples_fit(code: str) -> None:
    assert complaints(value_of(explain(code).right.text)) == []


@pytest.mark.parametrize("code", [code for code in OWN if not code.startswith("D1")])
def test_the_wrong_examples_are_refused_where_the_shape_is_wrong_and_fit_elsewhere(code: str) -> None:
    wrong = explain(code).wrong.text

    refused = bool(complaints(value_of(wrong)))

    assert refused == (code in SEEN)


@pytest.mark.parametrize(
    "body",
    [
        "states: {a: }",
        "states: {a: {on: {e: a, f: [{guard: 'true'}, a], g: {}, h: [], '*': {target: ['#a']}}}}",
        "states: {a: {after: {1000: a, 2s: [a], '3m': {target: .b}}, initial: b, states: {b: {}}}}",
        "states: {a: {entry: [{raise: r}, {raise: {event: r, data: {x: 1.5, y: null, z: 'event.id'}}}, {log: true}]}}",
        "states: {a: {exit: [{send: {event: e, delay: 0, id: t}}, {send: {event: e, delay: 1s}}, {cancel: t}]}}",
        "states: {a: {exit: [{send: {event: done.state.x, to: {topic: t}}}]}}",
        "states: {a: {on: {e: h}}, h: {type: history}}",
        "states: {a: {exit: [{send: {event: {expression: event.type}, delay: {expression: '5'}, data: '1', id: t}}]}}",
        "states: {a: {exit: [{send: {event: e, to: {target: '#_x'}, idLocation: i, dataOptional: {a: 1}}}]}}",
        "states: {a: {exit: [{cancel: {expression: context.t}}]}}",
        "states: {a: {invoke: {src: s, onDone: a, onError: [a], retry: {attempts: 2, factor: 1.5}, timeout: 1m}}}",
        "states: {a: {invoke: [{content: '1', id: null, input: context.x}, {src: {expression: '1'}, idLocation: i}]}}",
        "states: {a: {on: {e: p}}, p: {type: parallel, onDone: a, states: {x: {}, h: {history: deep}}}}",
        "states: {a: {type: atomic}}\nevents: {e: {schema: true}, f: }\non: {e.*: a, f: a}",
        "states: {a: {on: {e: f}}, f: {type: final, entry: [{assign: {x: '1'}}], description: The end.}}",
    ],
)
def test_every_way_of_writing_that_the_reader_takes_fits(body: str) -> None:
    text = f"foliot: 1\nid: m\ninitial: a\n{body}\n"
    reading = read(text, filename="m.yaml")

    refused = complaints(value_of(text))

    assert reading.definition is not None, "\n".join(map(str, reading.diagnostics))
    assert refused == []


@settings(max_examples=100)
@given(machines())
def test_a_sound_machine_fits(document: dict[str, Any]) -> None:
    assert complaints(document) == []


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a machine with something put into it or taken out of it, somewhere."""
    document = draw(machines())
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(list(objects(document))))
        if place and draw(st.booleans()):
            place.pop(draw(st.sampled_from(sorted(place))))
        else:
            name, value = draw(ENTRIES | st.tuples(WORDS, JSON))
            place[name] = copy.deepcopy(value)
    return document


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from objects(inner)
    if isinstance(value, list):
        for inner in value:
            yield from objects(inner)


@settings(max_examples=150)
@given(damaged() | st.dictionaries(WORDS, JSON, max_size=8).map(lambda drawn: {"foliot": 1, "id": "m", **drawn}))
def test_schema_and_reader_are_of_one_mind_about_the_shape(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    reading = read(text, filename="m.json")
    codes = {found.code for found in reading.diagnostics if found.severity == "error"}

    refused = complaints(document)

    if reading.definition is not None:
        assert refused == [], text
    if codes and codes <= SEEN:
        assert refused, (codes, text)


def test_the_command_answers_in_an_envelope_too(capsys: pytest.CaptureFixture[str]) -> None:
    run(["language", "schema", "--json"])

    assert orjson.loads(capsys.readouterr().out) == {"ok": True, "data": SCHEMA}

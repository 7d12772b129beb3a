"""Whatever the text is, there are diagnostics and no exception; whatever the machine is, it can be written and read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
from drawn_machines import JSON, WORDS, machines
from hypothesis import given, settings
from hypothesis import strategies as st

from foliot.definition import CODES, check, dump, read

EXAMPLE = (Path(__file__).parents[3] / "examples" / "order" / "order.yaml").read_text(encoding="utf-8")
MARKS = (": ", "- ", "\n", "\n  ", "[", "]", "{", "}", ",", '"', "'", "|\n ", "&x ", "*x", "!t ", "\t")
FRAGMENTS = st.lists(WORDS | st.sampled_from(MARKS), max_size=40)


def is_told(text: str | bytes, name: str) -> None:
    reading = read(text, filename=name)

    errors = [found for found in reading.diagnostics if found.severity == "error"]
    assert (reading.definition is None) == bool(errors)
    for found in reading.diagnostics:
        assert found.code in CODES
        assert found.line >= 1
        assert found.column >= 1
        assert str(found)


@settings(max_examples=100)
@given(st.text(max_size=200) | st.binary(max_size=200), st.sampled_from(["m.yaml", "m.json"]))
def test_any_text_is_told_about(text: str | bytes, name: str):
    is_told(text, name)


@settings(max_examples=200)
@given(FRAGMENTS, st.sampled_from(["m.yaml", "m.json"]))
def test_any_pile_of_fragments_is_told_about(fragments: list[str], name: str):
    is_told("foliot: 1\nid: m\n" + "".join(fragments), name)


@settings(max_examples=200)
@given(st.dictionaries(WORDS, JSON, max_size=8))
def test_any_json_of_the_languages_words_is_told_about(document: dict[str, Any]):
    text = json.dumps({"foliot": 1, "id": "m", **document})

    is_told(text, "m.json")


@settings(max_examples=100)
@given(st.integers(0, len(EXAMPLE) - 1), st.integers(0, 30), st.text(alphabet="{}[]:,-#\"' \nabo1", max_size=5))
def test_a_damaged_example_is_told_about(start: int, length: int, put_in: str):
    is_told(EXAMPLE[:start] + put_in + EXAMPLE[start + length :], "m.yaml")


@settings(max_examples=40)
@given(machines())
def test_a_sound_machine_survives_being_written_and_read_again(document: dict[str, Any]):
    reading = read(orjson.dumps(document), filename="m.json")
    assert reading.definition is not None, "\n".join(map(str, reading.diagnostics))

    again = read(dump(reading.definition), filename="m.json").definition

    assert again is not None
    assert again.canonical() == reading.definition.canonical()


def test_no_diagnostic_is_lost_where_a_text_is_checked_twice():
    text = EXAMPLE.replace("target: held", "target: hold").replace("context.lines", "context.line")

    once, twice = check(text, filename="m.yaml"), check(text, filename="m.yaml")

    assert once == twice
    assert len(once) >= 3

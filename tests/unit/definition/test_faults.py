"""How faults are told together, and what becomes of them; each by itself is in tests/unit/languages/refusals."""

from __future__ import annotations

import pytest

from foliot.definition import DefinitionRefused, check, did_you_mean, load, read

HEAD = "foliot: 1\nid: m\n"
SOUND = "foliot: 1\nid: m\ninitial: a\nstates: {a: {}}\n"
STATES = "initial: a\nstates:\n"


def context(schema: str, initial: str = "{}", entry: str = "[]") -> str:
    head = f"context:\n  schema: {schema}\n  initial: {initial}\n{HEAD}"
    return f"{head}{STATES}  a:\n    entry: {entry}\n"


def test_all_faults_are_told_at_once_in_the_order_of_the_text():
    text = "foliot: 2\nid: M\ninitial: x\nstates:\n  a: {on: {e: nowhere}, entry: [{log: '1 +'}]}\n"

    found = check(text, filename="m.yaml")

    assert [d.code for d in found] == ["D205", "D206", "D303", "D401", "D601"]


def test_a_refusal_names_the_first_fault_and_keeps_the_others():
    text = "foliot: 2\nid: M\ninitial: a\nstates: {a: {}}\n"

    with pytest.raises(DefinitionRefused) as refused:
        load(text, filename="dir/m.yaml")

    assert [d.code for d in refused.value.diagnostics] == ["D205", "D206"]
    assert refused.value.refusal.where == "dir/m.yaml:1:9 foliot"
    assert "1 more" in refused.value.refusal.what


def test_a_diagnostic_reads_like_a_compilers():
    text = "foliot: 1\nid: m\ninitial: a\nstates:\n  a: {on: {'x.y': [{target: opne}]}}\n  open: {}\n"

    told = str(check(text, filename="m.yaml")[0])

    assert told == (
        "m.yaml:5:29: error D401: There is no state 'opne' at the top. [states.a.on[\"x.y\"][0].target]\n"
        "    Did you mean 'open'?"
    )


def test_a_target_elsewhere_is_suggested_by_its_full_path():
    text = "foliot: 1\nid: m\ninitial: a\nstates:\n  a: {on: {e: deep}}\n  b: {initial: deep, states: {deep: {}}}\n"

    found = check(text, filename="m.yaml")

    assert found[0].remedy == "Did you mean '#b.deep'?"


def test_a_closed_schema_makes_unknown_names_errors():
    schema = "{properties: {count: {}}, additionalProperties: false}"
    text = context(schema, entry="[{assign: {cuont: context.cnt}}]")

    found = check(text, filename="m.yaml")

    assert [(d.code, d.severity) for d in found] == [("D506", "error"), ("D604", "error")]


def test_a_warning_does_not_refuse_a_machine():
    reading = read(SOUND + "events: {unheard: {}}\n", filename="m.yaml")

    assert [d.severity for d in reading.diagnostics] == ["warning"]
    assert reading.definition is not None


def test_a_state_that_is_entered_first_in_part_and_then_whole_is_entered_with_its_beginning():
    text = """
        foliot: 1
        id: m
        initial: a
        states:
          a: {on: {whole: b, part: b.y}}
          b: {initial: x, states: {x: {}, y: {}}}
    """

    assert check(text, filename="m.yaml") == ()


def test_of_many_words_the_first_are_compared_for_a_suggestion():
    known = iter([*("other" for _ in range(300)), "word"])

    suggestion = did_you_mean("wort", known)

    assert "word" not in suggestion
    assert "word" in list(known)

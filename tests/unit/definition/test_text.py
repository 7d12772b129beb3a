"""What YAML and JSON mean here, and the limits of a text."""

from __future__ import annotations

import itertools

import pytest
from counting import calls_of

from foliot.definition import Limits, check, load, read

SOUND = "foliot: 1\nid: m\ninitial: a\nstates: {a: {}}\n"


def test_words_that_old_yaml_takes_for_booleans_and_dates_are_texts():
    text = SOUND + "context:\n  initial: {a: yes, b: no, c: on, d: 2026-01-01, e: 1_000, f: 12:30:45, y: 0b1}\n"

    initial = load(text, filename="m.yaml").context.initial

    expected = {"a": "yes", "b": "no", "c": "on", "d": "2026-01-01", "e": "1_000", "f": "12:30:45", "y": "0b1"}
    assert initial == expected


def test_numbers_keep_their_type():
    text = SOUND + "context:\n  initial: {a: 1, b: 1.0, c: 0x1F, d: 010, e: 0o17, f: -1e3, g: -9223372036854775808}\n"

    initial = load(text, filename="m.yaml").context.initial

    assert initial == {"a": 1, "b": 1.0, "c": 31, "d": 10, "e": 15, "f": -1000.0, "g": -(2**63)}
    assert [type(initial[name]) for name in "abf"] == [int, float, float]


def test_json_and_yaml_of_the_same_machine_are_equal():
    yaml = 'foliot: 1\nid: m\ninitial: a\nstates:\n  a:\n    on: {"e": a}\n    after: {1000: a}\n'
    json = '{"foliot":1,"id":"m",\t"initial":"a","states":{"a":{"on":{"e":"a"},"after":{"1000":"a"}}}}'

    one, other = load(yaml, filename="m.yaml"), load(json, filename="m.json")

    assert one.canonical() == other.canonical()
    assert one.hash == other.hash


def test_flow_yaml_that_looks_like_json_is_read_as_yaml():
    text = "{foliot: 1, id: m, initial: a, states: {a: {}}}"

    assert load(text, filename="m.yaml").id == "m"


def test_json_with_tabs_is_read_in_a_file_of_any_name():
    text = '{\n\t"foliot": 1,\n\t"id": "m",\n\t"description": "\\ud83d\\ude00"\n}'

    assert load(text, filename="-").description == "\U0001f600"


def test_both_halves_of_an_escaped_character_are_put_together_in_yaml():
    text = SOUND + 'description: "\\ud83d\\ude00"\n'

    assert load(text, filename="m.yaml").description == "\U0001f600"


def test_bytes_are_read_as_utf8_with_or_without_a_byte_order_mark():
    text = SOUND + "description: grün\n"

    plain, marked = load(text.encode(), filename="m"), load(text.encode("utf-8-sig"), filename="m")

    assert plain == marked


def test_bytes_that_are_not_utf8_are_refused_where_they_stand():
    text = SOUND.encode() + "description: grün ".encode() + b"\xff\n"

    found = check(text, filename="m.yaml")

    assert [(d.code, d.line, d.column) for d in found] == [("D114", 5, 19)]


def test_a_text_may_have_exactly_as_many_bytes_as_the_limit_says():
    limits = Limits(text_bytes_max=len(SOUND) + 10)

    fitting = check(SOUND + "#" * 10, filename="m.yaml", limits=limits)
    larger = check(SOUND + "#" * 9 + "ü", filename="m.yaml", limits=limits)

    assert fitting == ()
    assert [(d.code, d.line, d.column) for d in larger] == [("D102", 1, 1)]


@pytest.mark.parametrize("name", ["m.yaml", "m.json"])
def test_nesting_is_refused_below_the_limit_and_not_on_it(name: str):
    def nested(depth: int) -> str:
        return '{"x": ' + "[" * depth + "]" * depth + "}"

    fitting = check(nested(63), filename=name)
    deeper = check(nested(64), filename=name)
    bomb = check('{"x": ' + "[" * 100_000, filename=name)

    assert "D103" not in {d.code for d in fitting}
    assert [(d.code, d.line, d.column) for d in deeper] == [("D103", 1, 70)]
    assert [(d.code, d.line, d.column) for d in bomb] == [("D103", 1, 70)]


@pytest.mark.parametrize("name", ["m.yaml", "m.json"])
def test_too_many_values_are_refused_at_the_first_beyond_the_limit(name: str):
    text = "[1, 2, 3, 4, 5]"

    found = check(text, filename=name, limits=Limits(node_count_max=4))

    assert [(d.code, d.line, d.column) for d in found] == [("D104", 1, 11)]


def test_an_alias_bomb_is_refused_before_it_grows():
    # Grown, it has 9 ** 59 values: whoever read them all would never come back.
    lines = [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" if n else "x0: &x0 [lol]\n" for n in range(60)]

    found = check("".join(lines), filename="m.yaml")

    assert {"D105"} <= {d.code for d in found} <= {"D105", "D115"}
    assert len(found) <= Limits().diagnostic_count_max + 1


def test_no_more_faults_are_told_than_the_limit_says():
    states = "".join(f"  s{n}: {{on: {{e: nowhere}}}}\n" for n in range(500))

    found = check(f"foliot: 1\nid: m\ninitial: s0\nstates:\n{states}", filename="m.yaml")

    assert [d.code for d in found] == ["D401"] * 200 + ["D115"]


def chain(states: int) -> str:
    """Write a machine of so many states, each of which leads to the next."""
    lines = "".join(f"  s{n}: {{on: {{e: s{n + 1}}}}}\n" for n in range(states - 1))
    return f"foliot: 1\nid: m\ninitial: s0\nstates:\n{lines}  s{states - 1}:\n"


def test_a_machine_as_large_as_the_limit_is_read():
    assert check(chain(4_001), filename="m.yaml") == ()


def test_reading_takes_as_many_calls_as_a_machine_is_large():
    check(chain(10), filename="m.yaml")

    calls = [calls_of(lambda size=size: check(chain(size), filename="m.yaml")) for size in (100, 800)]

    # Each state beside each other one would be sixty-four times as many.
    assert calls[1] < 10 * calls[0]


def test_positions_tell_where_each_value_stands():
    text = "foliot: 1\nid: m\ninitial: a\nstates:\n  a:\n    on:\n      x.y:\n        - target: a\n"

    positions = read(text, filename="m.yaml").positions

    assert positions["id"] == (2, 5)
    assert positions['states.a.on["x.y"][0].target'] == (8, 19)


@pytest.mark.parametrize("escape", ["\\U00110000", "\\UFFFFFFFF", "\\xZZ"])
def test_absurd_escapes_are_a_fault_and_no_exception(escape: str):
    found = check(f'foliot: "{escape}"', filename="m.yaml")

    assert [d.code for d in found] == ["D101"]


def test_an_anchor_on_every_kind_of_value_is_refused():
    texts = [f"{SOUND}context:\n  initial: {{a: &x {value}}}\n" for value in ("1", "[1]", "{b: 1}")]

    codes = list(itertools.chain.from_iterable(check(text, filename="m.yaml") for text in texts))

    assert [(d.code, d.line, d.column) for d in codes] == [("D105", 6, 16)] * 3

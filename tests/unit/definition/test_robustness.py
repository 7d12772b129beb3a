"""Whatever the text is, there are diagnostics and no exception; whatever the machine is, it can be written and read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from foliot.definition import CODES, check, dump, read

EXAMPLE = (Path(__file__).parents[3] / "examples" / "order" / "order.yaml").read_text(encoding="utf-8")
NAMES = st.sampled_from(["a", "b", "c", "d-1", "E_2"])
WORDS = st.sampled_from(
    """
    foliot id initial states on entry exit always after type history target guard actions reenter onDone description
    context schema events create poison assign raise send cancel log event data delay to topic invoke properties $ref
    pattern a b a.b .a #b * a.* 1s 5m compound parallel final atomic deep shallow context.x event.data.y
    """.split()  # noqa: SIM905 - one word a line would be forty lines
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(WORDS, values, max_size=6),
    max_leaves=40,
)
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


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200), st.sampled_from(["m.yaml", "m.json"]))
def test_any_text_is_told_about(text: str | bytes, name: str):
    is_told(text, name)


@settings(max_examples=200, deadline=None)
@given(FRAGMENTS, st.sampled_from(["m.yaml", "m.json"]))
def test_any_pile_of_fragments_is_told_about(fragments: list[str], name: str):
    is_told("foliot: 1\nid: m\n" + "".join(fragments), name)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(WORDS, JSON, max_size=8))
def test_any_json_of_the_languages_words_is_told_about(document: dict[str, Any]):
    text = json.dumps({"foliot": 1, "id": "m", **document})

    is_told(text, "m.json")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(EXAMPLE) - 1), st.integers(0, 30), st.text(alphabet="{}[]:,-#\"' \nabo1", max_size=5))
def test_a_damaged_example_is_told_about(start: int, length: int, put_in: str):
    is_told(EXAMPLE[:start] + put_in + EXAMPLE[start + length :], "m.yaml")


@st.composite
def machines(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a sound machine: names, nesting, transitions, timeouts and actions."""
    ids: list[str] = []

    def state(path: str, depth: int) -> dict[str, Any]:
        body: dict[str, Any] = {}
        if depth and draw(st.booleans()):
            names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
            parallel = draw(st.booleans())
            body |= {"type": "parallel"} if parallel else {"initial": names[-1]}
            body["states"] = {name: state(f"{path}.{name}" if path else name, depth - 1) for name in names}
        if path:
            ids.append(path)
        return body

    document = {"foliot": 1, "id": "m", **state("", 3)}
    for path in ids:
        body = document
        for name in path.split("."):
            body = body["states"][name]
        targets = draw(st.lists(st.sampled_from(ids), max_size=3))
        body["on"] = {f"e{n}": draw(edges(target)) for n, target in enumerate(targets)}
        body["after"] = {f"{n}s": draw(edges(target)) for n, target in enumerate(targets)}
        body["entry"] = draw(st.lists(actions(), max_size=2))
    return document


@st.composite
def edges(draw: st.DrawFn, target: str) -> Any:
    """Draw a transition to `target`, in one of its ways of writing."""
    full = {"target": f"#{target}", "actions": draw(st.lists(actions(), max_size=2)), "reenter": draw(st.booleans())}
    return draw(st.sampled_from([f"#{target}", full, [{"guard": "context.x > 1", **full}, full]]))


def actions() -> st.SearchStrategy[dict[str, Any]]:
    """Draw an action."""
    expressions = st.sampled_from(["context.x", "1 + 2", "'text'"]) | st.integers(-9, 9) | st.booleans() | st.none()
    values = expressions | st.floats(allow_nan=False, allow_infinity=False)
    data = st.dictionaries(NAMES, values, max_size=2)
    return st.one_of(
        st.fixed_dictionaries({"assign": st.dictionaries(NAMES, values, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"raise": st.fixed_dictionaries({"event": st.just("r")}, optional={"data": data})}),
        st.fixed_dictionaries({"send": st.fixed_dictionaries({"event": st.just("s")}, optional={"data": data})}),
        st.fixed_dictionaries({"log": expressions}),
    )


@settings(max_examples=40, deadline=None)
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

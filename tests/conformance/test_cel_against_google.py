"""Foliot's CEL against Google's implementation, on generated expressions: both give the same value, or both none.

Known differences, which the generator stays away from; each is checked below to stay as it is:

- Google compares an int with a double as doubles; Foliot compares their exact values, as CEL's definition says.
- Google loops over maps in no fixed order; Foliot in the order of their keys, or replay would not be deterministic.
- Google takes `1` and `1u` for two keys of one literal, though either finds both; to Foliot they are the same key.
- Google drops two `!` in a row unseen, so that `!!1` is 1; to Foliot it is an error, as `!(!1)` is to both.
- Foliot has no hexadecimal doubles in strings, no names with a leading dot, and no messages.
- Foliot's checker does not guess what it cannot know: the element type of a list that is joined with a `dyn` one, what
  `optional.none()` would have held, and what would have been in an empty literal.
- Google lets no logic absorb the error of a key that a map literal has twice; CEL's definition knows no such exception.
- Google's checker takes `int()` of a duration, which nothing can evaluate.
- Foliot refuses a constant that is no regular expression before it runs.
- Google reads times that RFC 3339 does not have, and offsets that no clock has; Foliot reads neither.
- Google reads durations of 10,000 years and computes with them in 64 bits, where they come out wrong; CEL's definition
  limits them to 64 bits of nanoseconds, and so does Foliot. Google keeps quarters of nanoseconds.
- Google knows time zones by name; what they stand for depends on the machine.
- Google's `substring` refuses an end that is the string's length; CEL's definition of the extension does not.
- Google takes what `optFlatMap` makes even where it is no optional, and puts an error into an optional list's element.
"""

from __future__ import annotations

import random

import pytest
from conformance.cel_expressions import DURATIONS, PARTS, TIMESTAMPS, VALUES, ExpressionMaker, make_values
from conformance.cel_outcomes import Outcome, foliot_outcome, google_outcome, is_same

EXPRESSION_COUNT = 2_000
SEED = 20_240_614


def test_generated_expressions_have_the_same_outcome_as_in_googles_implementation() -> None:
    maker = ExpressionMaker(SEED)
    chooser = random.Random(SEED)
    sources = [maker.make(maker.random.choice(maker.KINDS), 1 + n % 4) for n in range(EXPRESSION_COUNT)]
    cases = [(source, values) for source in sources for values in (VALUES, make_values(chooser))]

    outcomes = [(source, google_outcome(source, values), foliot_outcome(source, values)) for source, values in cases]

    differing = [outcome for outcome in outcomes if not is_same(outcome[1], outcome[2])]
    assert not differing, "\n".join(map(str, differing[:20]))
    error_count = sum(1 for _, expected, _ in outcomes if expected[0] == "error")
    assert 0.15 < error_count / len(outcomes) < 0.7, "the comparison is only worth something with values and errors"
    assert len(set(sources)) > EXPRESSION_COUNT / 2


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_a_time_is_the_one_that_googles_implementation_finds(part: str) -> None:
    zones = ("", "'UTC'", "'+05:30'", "'-11:00'", "'23:59'")
    sources = [f"{time}.{part}({zone})" for time in TIMESTAMPS for zone in zones]
    sources += [f"{time}.{part}()" for time in DURATIONS]

    found = {source: foliot_outcome(source, VALUES) for source in sources}

    differing = {source for source in sources if not is_same(found[source], google_outcome(source, VALUES))}
    assert not differing


@pytest.mark.parametrize(
    ("source", "expected", "googles"),
    [
        ("9007199254740993 == dyn(9007199254740992.0)", ("bool", "False"), ("bool", "True")),
        ("dyn(9223372036854775807) < 9223372036854775808.0", ("bool", "True"), ("bool", "False")),
        ("{1: 2, 1u: 3}.size()", ("error", ""), ("int", "2")),
        ("{true: 1, 1: 2}.size()", ("error", ""), ("int", "2")),
        ("!!dyn(1)", ("error", ""), ("int", "1")),
        ("(dyn(['a']) + [1])[0] + 'b'", ("str", "'ab'"), ("error", "")),
        ("double('0x1p3')", ("error", ""), ("float", "8.0")),
        ("{'b': 1, 'a': 2}.map(k, k)[0]", ("str", "'a'"), None),
        ("int(duration('1s')) == 1 || true", ("error", ""), ("bool", "True")),
        ("true ? [{}, {1: 2}, m] == [m] : false", ("bool", "False"), ("bool", "False")),
        ("(true ? [{}, {1: 2}, m] : l) == l", ("error", ""), ("bool", "False")),
        ("optional.none().value() * 2.0 == 1 / 1 || true", ("error", ""), ("error", "")),
        ("true || 'a'.matches('(')", ("error", ""), ("bool", "True")),
        ("int(timestamp('2024-2-9 1:3:5Z'))", ("error", ""), ("error", "")),
        ("int(timestamp('2024-2-9T1:3:5Z'))", ("error", ""), ("int", "1707440585")),
        ("timestamp(0).getHours('+99:99') >= 0", ("error", ""), ("bool", "True")),
        ("timestamp(0).getHours('Europe/Paris')", ("error", ""), ("int", "1")),
        ("duration('300000000000s') - duration('1s') < duration('10000000000s')", ("error", ""), ("bool", "True")),
        ("duration('0.5ns') == duration('0')", ("bool", "True"), ("bool", "False")),
        ("'abc'.substring(1, 3)", ("str", "'bc'"), ("error", "")),
        ("a.?int.optFlatMap(x, x)", ("error", ""), ("int", "5")),
        ("false && {1: 1, ?dyn(1): optional.of(2)}.size() == 1", ("bool", "False"), ("bool", "False")),
        ("{1: 1, ?1: optional.of(2)}.size() == 1 && false", ("bool", "False"), ("error", "")),
        ("optional.of([1])[3].hasValue()", ("bool", "False"), ("bool", "True")),
    ],
)
def test_a_known_difference_is_still_as_documented(source: str, expected: Outcome, googles: Outcome | None) -> None:
    assert is_same(foliot_outcome(source, VALUES), expected)
    assert googles is None or is_same(google_outcome(source, VALUES), googles)

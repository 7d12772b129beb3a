"""Each kind of finding: a machine that has it, the events that show it, and the near miss that has not."""

from __future__ import annotations

import pytest

from foliot.analysis import check_strictly
from foliot.definition import Diagnostic

HEAD = "foliot: 1\nid: m\ninitial: a\n"
FORCE = "events: {e: {schema: {type: object, properties: {n: {type: integer}}, required: [n]}}}\n"
BY_FORCE = (
    HEAD
    + FORCE
    + "states:\n"
    + "  a: {on: {f: b, e: [{guard: '%s', target: b}, {guard: '%s', target: a}]}}\n"
    + "  b: {type: final}\n"
)
REGIONS = (
    HEAD
    + "states:\n  a:\n    type: parallel\n    states:\n      l: {initial: x, states: {x: {on: {e: %s}}}}\n"
    + "      r: {initial: x, states: {x: {on: {%s: y, h: y}}, y: {on: {g: x}}}}\n  b: {type: final}\n"
)
CONTEXT = (
    "context: {schema: {properties: {n: {type: integer, minimum: 0, maximum: 9}}, required: [n]}, initial: {n: 0}}\n"
)
BY_CONTEXT = (
    HEAD
    + CONTEXT
    + "states:\n"
    + "  a: {on: {e: {guard: %s, target: b}, f: b, g: {actions: [{assign: {n: '%s'}}]}}}\n"
    + "  b: {type: final}\n"
)
BELOW_TEN = "context.n < 9 ? context.n + 1 : 0"
COUNTED = (
    HEAD
    + "context: {initial: {n: 0}}\nstates:\n  a:\n    on:\n"
    + "      e: {actions: [{assign: {n: 'context.n < 3 ? context.n + 1 : 3'}}]}\n"
    + "      f: {guard: context.n == %s, target: b}\n      h: b\n  b: {on: {g: a}}\n"
)


UNREACHED = HEAD + "states:\n  a: {on: {e: {guard: context.on, target: b}}}\n  b: {on: {f: a}}\n"
LOOP = (
    HEAD
    + "context: {initial: {on: false}}\nstates:\n  a: {on: {e: b, f: {actions: [{assign: {on: true}}]}}}\n"
    + "  b: {always: {guard: context.on, target: c}, on: {e: a}}\n  c: {%s}\n"
)
INVOKING = """<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" initial="a">
<state id="a"><transition event="e" target="b"/></state>
<state id="b"><invoke id="i" type="scxml" src="i.scxml"/><transition event="%s" target="a"/></state></scxml>
"""

SERVICE = f"{HEAD}states: {{a: {{invoke: {{src: s, onDone: b%s}}}}, b: {{type: final}}}}\n"


def check(text: str, steps_max: int = 20_000) -> tuple[Diagnostic, ...]:
    return check_strictly(text, filename="m.scxml" if text.startswith("<") else "m.yaml", steps_max=steps_max)


def codes(text: str) -> list[str]:
    return [each.code for each in check(text)]


PAIRS = [
    (["D007"], LOOP % "always: {guard: context.on, target: b}", LOOP % "on: {e: a}"),
    (
        ["D007"],
        HEAD + "states:\n  a: {on: {e: b}}\n  b: {entry: [raise: f], on: {f: {target: b, reenter: true}}}\n",
        HEAD + "states:\n  a: {on: {e: b}}\n  b: {entry: [raise: g], on: {f: {target: b, reenter: true}, g: {}}}\n",
    ),
    (["D013"], INVOKING % "done.invoke.i", INVOKING % "error.communication"),
    (["D013"], SERVICE % "", SERVICE % ", onError: b"),
    (["D013"], SERVICE % "" + "on: {error.communication.invoke.a.x: b}\n", SERVICE % "" + "on: {error: b}\n"),
    (["D013"], SERVICE % "" + "on: {error.execution: b}\n", SERVICE % "" + "onError: b\n"),
    (
        ["D002"],
        HEAD
        + "states:\n"
        + "  a: {initial: x, on: {e: c, f: c}, states: {x: {on: {e: y}}, y: {on: {e: x}}}}\n  c: {on: {e: a}}\n",
        HEAD
        + "states:\n"
        + "  a: {initial: x, on: {e: c, f: c}, states: {x: {on: {f: y}}, y: {on: {e: x}}}}\n  c: {on: {e: a}}\n",
    ),
    # A counter that stops at 3 reaches 3, not 4.
    (["D004"], COUNTED % 4, COUNTED % 3),
    (
        ["D003"],
        BY_FORCE % ("event.data.n > 3", "event.data.n > 5"),
        BY_FORCE % ("event.data.n > 5", "event.data.n > 3"),
    ),
    (
        ["D003"],
        BY_FORCE % ("event.data.n != 3", "event.data.n in [1, 2]"),
        BY_FORCE % ("event.data.n != 3", "event.data.n in [1, 3]"),
    ),
    (["D004"], BY_CONTEXT % ("context.n > 9", BELOW_TEN), BY_CONTEXT % ("context.n > 8", BELOW_TEN)),
    (
        ["D004"],
        BY_CONTEXT % ("context.n < 3 && context.n > 2", BELOW_TEN),
        BY_CONTEXT % ("context.n < 3 && context.n >= 2", BELOW_TEN),
    ),
    (["D005"], BY_CONTEXT % ("context.n >= 0", BELOW_TEN), BY_CONTEXT % ("context.n >= 1", BELOW_TEN)),
    (["D006"], REGIONS % ("'#b'", "e"), REGIONS % ("'#b'", "f")),
    (
        ["D008"],
        HEAD + "states:\n" + "  a: {on: {e: b}}\n" + "  b: {}\n",
        HEAD + "states:\n" + "  a: {on: {e: b}}\n" + "  b: {after: {1s: a}}\n",
    ),
    (
        ["D009"],
        HEAD + "states:\n  a: {on: {e: b, f: c}}\n  b: {on: {e: b}}\n  c: {type: final}\n",
        HEAD + "states:\n  a: {on: {e: b, f: c}}\n  b: {on: {e: b, f: c}}\n  c: {type: final}\n",
    ),
    (
        ["D010"],
        HEAD + "context: {initial: {n: 0}}\nstates:\n  a: {on: {e: {actions: [{assign: {n: 1}}]}}}\n",
        HEAD
        + "context: {initial: {n: 0}}\nstates:\n"
        + "  a: {on: {e: {actions: [{assign: {n: 1}}, {log: context.n}]}}}\n",
    ),
    (
        ["D011"],
        HEAD
        + "states:\n"
        + "  a: {on: {e: {guard: context.n > 1, target: b}, f: {actions: [{assign: {n: 2}}]}}}\n"
        + "  b: {type: final}\n",
        HEAD
        + "states:\n"
        + "  a: {on: {e: {guard: has(context.n) && context.n > 1, target: b}, f: {actions: [{assign: {n: 2}}]}}}\n"
        + "  b: {type: final}\n",
    ),
    (
        ["D012"],
        HEAD
        + "states:\n"
        + "  a: {entry: [{send: {event: e, delay: 2s, id: t}}], exit: [{cancel: t}], after: {1s: b}, on: {e: a}}\n"
        + "  b: {on: {f: a}}\n",
        HEAD
        + "states:\n"
        + "  a: {entry: [{send: {event: e, delay: 2s, id: t}}], exit: [{cancel: t}], after: {3s: b}, on: {e: a}}\n"
        + "  b: {on: {f: a}}\n",
    ),
    (
        ["D012"],
        HEAD + "states:\n  a: {after: {1s: b, 2s: b}}\n  b: {on: {f: a}}\n",
        HEAD + "states:\n  a: {after: {1s: {actions: [{log: '1'}]}, 2s: b}}\n  b: {on: {f: a}}\n",
    ),
]


@pytest.mark.parametrize(("wanted", "wrong", "right"), PAIRS)
def test_a_machine_has_the_finding_and_its_near_miss_has_not(wanted: list[str], wrong: str, right: str) -> None:
    found = codes(wrong)

    assert found == wanted
    assert codes(right) == []


@pytest.mark.parametrize(
    ("text", "way"),
    [
        (BY_CONTEXT % ("context.n > 9", BELOW_TEN), "Asked after: e."),
        (REGIONS % ("'#b'", "e"), "Shown by: e."),
        (LOOP % "always: {guard: context.on, target: b}", "Shown by: f, e."),
        (HEAD + "states:\n  a: {after: {3h: b}}\n  b: {on: {e: c}}\n  c: {}\n", "Shown by: (it starts), (3h pass), e."),
    ],
)
def test_a_finding_has_the_shortest_way_that_shows_it(text: str, way: str) -> None:
    (found,) = check(text)

    assert found.what.endswith(way)
    assert found.severity == "warning"


def test_what_a_schema_says_is_not_believed_against_what_happens() -> None:
    assert codes(BY_CONTEXT % ("context.n > 9", "context.n + 1")) == []


def test_an_event_that_the_machine_makes_is_held_to_no_schema() -> None:
    told = BY_FORCE.replace("{type: integer}", "{type: integer, maximum: 9}")
    raised = told.replace("f: b", "f: {actions: [{raise: {event: e, data: {n: 10}}}]}")

    assert "D004" in codes(told % ("event.data.n > 9", "event.data.n > 5"))
    assert "D004" not in codes(raised % ("event.data.n > 9", "event.data.n > 5"))


def test_an_event_that_is_not_declared_takes_a_wildcard() -> None:
    assert codes(HEAD + "events: {e: null}\nstates:\n  a: {on: {e: a, '*': b}}\n  b: {type: final}\n") == []


def test_a_search_that_ended_early_says_so() -> None:
    deep = HEAD + "context: {initial: {n: 0}}\nstates:\n  a: {on: {e: {actions: [{assign: {n: context.n + 1}}]},"
    deep += " f: {guard: context.n > 500, target: b}}}\n  b: {on: {g: a}}\n"

    found = check(deep, steps_max=100)

    assert {each.code for each in found} == {"D001", "D002"}
    assert all("Not within 100 steps" in each.what for each in found)
    assert codes(deep) == []


def test_never_by_samples_is_not_called_a_proof() -> None:
    summed = BY_FORCE % ("event.data.n * 2 == 14", "event.data.n < 0 && event.data.n > 3")

    seven, contradiction = check(summed)

    assert "other data and other moments were not tried" in seven.what
    assert (contradiction.code, "were not tried" in contradiction.what) == ("D004", False)


def test_a_name_for_readers_outside_is_marked_in_the_schema() -> None:
    machine = HEAD + "context: {schema: {properties: {n: {type: integer%s}}}, initial: {n: 0}}\n"
    machine += "states:\n  a: {on: {e: {actions: [{assign: {n: 1}}]}}}\n"

    assert codes(machine % "") == ["D010"]
    assert codes(machine % ", readOnly: true") == []


def test_what_the_text_shows_already_is_told_once() -> None:
    assert codes(HEAD + "states:\n  a: {on: {e: a}}\n  b: {on: {e: a}}\n") == ["D312"]


def test_a_text_with_errors_is_not_searched() -> None:
    assert codes(HEAD + "states:\n  a: {on: {e: nowhere}}\n") == ["D401"]


@pytest.mark.parametrize(
    "schema",
    [
        "{properties: {code: {pattern: '^[A-Z]{3}-[0-9]+$'}}, required: [code]}",
        "{properties: {p: {type: string}, q: {type: integer}}, anyOf: [{required: [p]}, {required: [q]}]}",
        "{allOf: [{required: [p], properties: {p: {type: string}}}, {required: [q]}]}",
        "{minProperties: 1, additionalProperties: {type: integer}}",
        "{properties: {l: {type: array, uniqueItems: true, minItems: 3, items: {type: integer}}}, required: [l]}",
        "{properties: {k: {type: integer, minimum: 10, multipleOf: 7}}, required: [k]}",
        "{if: {properties: {a: {const: 1}}}, then: {required: [b]}, else: {required: [c]}}",
    ],
)
def test_an_event_whose_schema_is_not_plain_comes_all_the_same(schema: str) -> None:
    assert (
        codes(HEAD + f"events: {{e: {{schema: {schema}}}}}\nstates:\n  a: {{on: {{e: b}}}}\n  b: {{on: {{e: a}}}}\n")
        == []
    )


def test_an_event_of_which_no_data_are_found_is_not_said_to_never_come() -> None:
    odd = "events: {e: {schema: {type: array, contains: {const: 5}}}}\n"

    found = check(HEAD + odd + "states:\n  a: {on: {e: b}}\n  b: {on: {e: a}}\n")

    assert {each.code for each in found} == {"D001", "D002"}
    assert all("Data for 'e' were not found, so what it leads to was not tried." in each.what for each in found)


@pytest.mark.parametrize(
    "on",
    [
        "{'*': {guard: event.type == 'f', target: b}}",
        "{e: [{guard: event.type == 'e.f', target: b}, {guard: event.type == 'e', target: a}]}",
        "{'*': {guard: event.type.startsWith('f'), target: b}, e: b}",
    ],
)
def test_a_type_that_is_compared_with_comes_and_so_do_longer_ones(on: str) -> None:
    found = check(HEAD + f"states:\n  a: {{on: {on}}}\n  b: {{on: {{g: a}}}}\n")

    assert all("were not tried" in each.what for each in found)
    assert {each.code for each in found} <= {"D002"}


FAILING = HEAD + (
    "context: {initial: {m: 0, x: 0}}\n%s"
    "states:\n  a: {on: {e: {actions: [{assign: {m: context.m + 1}}]}, f: {target: b, actions: %s}}}\n"
    "  b: {entry: %s, on: {go: a, h: c}}\n  c: {on: {h: a}}\n"
)
DIVIDED = "{assign: {x: 10 / (context.m - 3)}}, {log: context.x}"


@pytest.mark.parametrize(
    ("text", "is_proof"),
    [
        (FAILING % ("onError: {guard: context.m > 0, target: c}\n", f"[{DIVIDED}]", "[raise: go]"), True),
        (FAILING % ("onError: c\n", f"[{DIVIDED}]", "[raise: go]"), False),
        (FAILING % ("", "[]", f"[{DIVIDED}, raise: go]"), False),
        (FAILING % ("", "[]", f"[raise: go, {DIVIDED}]"), True),
        (FAILING % ("", "[]", "[{log: context.x}, raise: go]"), True),
    ],
)
def test_what_only_an_error_in_an_action_would_do_is_not_said_to_never_happen(text: str, is_proof: bool) -> None:  # noqa: FBT001
    [never] = [each for each in check(text) if each.code in {"D001", "D004"} or "--error-->" in each.what][:1] or [None]

    assert never is None or ("were not tried" not in never.what) is is_proof


def test_a_timeout_of_no_time_whose_guard_is_false_has_fired() -> None:
    waiting = "context: {initial: {n: 0}}\nstates:\n  a: {on: {e: b}}\n"
    waiting += "  b: {after: {0ms: {guard: context.n > 5, target: a}}, on: {e: a}}\n"

    assert codes(HEAD + waiting) == ["D004"]


INVOKED = (
    "foliot: 1\nid: m\ntype: parallel\nstates:\n  l: {initial: x, states: {x: {invoke: {src: s, onDone: y}}, y: {}}}\n"
    "  r: {initial: x, %s states: {x: {on: {%s: y}}, y: {on: {%s: x}}}}\n"
)


@pytest.mark.parametrize(
    ("region", "said"),
    [
        (INVOKED % ("on: {error.communication: .y},", "f", "f"), ""),
        (INVOKED % ("", "error", "error"), ""),
        (INVOKED % ("", "error", "f"), "nothing handles it unless 'r.x' is active: the machine waits on."),
        (INVOKED % ("", "f", "f"), "nothing handles it: the machine waits on."),
    ],
)
def test_a_state_beside_an_invocation_may_handle_its_error(region: str, said: str) -> None:
    found = [each.what for each in check(region) if each.code == "D013"]

    assert (said in found[0]) if said else (found == [])


def test_of_several_descriptors_each_is_covered_where_a_transition_is() -> None:
    text = """<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" initial="a" datamodel="cel">
<datamodel><data id="n" expr="0"/></datamodel>
<state id="a"><transition event="x" cond="_event.data.k &gt; 3 &amp;&amp; _event.data.k &lt; 4" target="a"/>
<transition event="%s" cond="_event.data.k &gt; 3 &amp;&amp; _event.data.k &lt; 4" target="b"/></state>
<state id="b"><transition event="e" target="a"/></state></scxml>
"""

    assert "D003" in codes(text % "x.y")
    assert "D003" not in codes(text % "x.y c")

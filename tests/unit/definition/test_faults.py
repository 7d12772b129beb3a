"""Each fault has its code, and is told where it is: `¶` in a case marks the character that the diagnostic names."""

from __future__ import annotations

import pytest

from foliot.definition import CODES, DefinitionRefused, check, load, read

HEAD = "foliot: 1\nid: m\n"
SOUND = "foliot: 1\nid: m\ninitial: a\nstates: {a: {}}\n"
STATES = "initial: a\nstates:\n"


def one(body: str) -> str:
    """Put keys into the state `a` beside the state `b`."""
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{HEAD}{STATES}  a:\n{indented}    on: {{go_b: b}}\n  b: {{}}\n"


def action(text: str) -> str:
    return one(f"entry:\n  - {text}")


def context(schema: str, initial: str = "{}", entry: str = "[]") -> str:
    head = f"context:\n  schema: {schema}\n  initial: {initial}\n{HEAD}"
    return f"{head}{STATES}  a:\n    entry: {entry}\n"


CASES = [
    # 1: the text.
    ("D101", "foliot: 1\nid: [a: b¶: c]\n"),
    ("D101", "foliot: 1\n¶\tid: m\n"),
    ("D101", '{"foliot": 1,\n "id": "m",¶}'),
    ("D101", '{"foliot": 1,\n "id": ¶nix}'),
    ("D105", HEAD + "description: ¶&x text\n" + STATES + "  a:\n"),
    ("D105", HEAD + "description: ¶*x\n" + STATES + "  a:\n"),
    ("D106", HEAD + "description: ¶!!python/object:os.system x\n" + STATES + "  a:\n"),
    ("D106", SOUND + "context:\n  initial: ¶!set {a, b}\n"),
    ("D107", SOUND + "¶---\nfoliot: 1\n"),
    ("D108", "¶# nothing but a comment\n"),
    ("D109", HEAD + STATES + "  a: {}\n  ¶a: {}\n"),
    ("D109", '{"foliot": 1, "id": "m",\n "initial": "a", "states": {"a": {}, ¶"a": {}}}'),
    ("D110", SOUND + "context:\n  initial: {¶true: 1}\n"),
    ("D110", SOUND + "context:\n  initial:\n    ? ¶[a, b]\n    : 1\n"),
    ("D111", SOUND + "context:\n  initial: {x: ¶.inf}\n"),
    ("D111", SOUND + "context:\n  initial: {x: ¶.nan}\n"),
    ("D111", SOUND + "context:\n  initial: {x: ¶1e999}\n"),
    ("D112", SOUND + "context:\n  initial: {x: ¶9223372036854775808}\n"),
    ("D112", SOUND + f"context:\n  initial: {{x: ¶-{'9' * 5_000}}}\n"),
    ("D113", HEAD + "description: a¶\x00b\n"),
    ("D113", SOUND + 'description: ¶"a\\0b"\n'),
    ("D113", SOUND + 'description: ¶"a\\ud83db"\n'),
    ("D113", HEAD + "description: a¶\ud83db\n"),
    # 2: the shape.
    ("D201", SOUND + "¶contxt: {}\n"),
    ("D201", one("after: {1s: {¶gard: x, target: b}}")),
    ("D202", "¶id: m\ninitial: a\nstates: {a: {}}\n"),
    ("D202", action("send: ¶{data: {}}")),
    ("D203", "¶[]"),
    ("D203", HEAD + STATES + "  a: ¶3\n"),
    ("D203", one("entry: ¶{log: '1'}")),
    ("D203", action("log: ¶[1]")),
    ("D203", action("send: ¶ping")),
    ("D204", SOUND + "create: ¶always\n"),
    ("D204", one("type: ¶paralel")),
    ("D205", "foliot: ¶2\nid: m\ninitial: a\nstates: {a: {}}\n"),
    ("D205", "foliot: ¶true\nid: m\ninitial: a\nstates: {a: {}}\n"),
    ("D206", "foliot: 1\nid: ¶Order/1\ninitial: a\nstates: {a: {}}\n"),
    ("D207", one("¶initial: x")),
    ("D207", one("¶target: b")),
    ("D202", one("invoke: ¶{input: {a: 1}}")),
    ("D202", one("invoke: {src: s, retry: ¶{delay: 1s}}")),
    ("D203", one("invoke: {src: ¶1}")),
    ("D203", one("invoke: {src: s, retry: {attempts: ¶1.5}}")),
    ("D204", one("invoke: {src: s, retry: {attempts: ¶0}}")),
    ("D204", one("invoke: {src: s, retry: {attempts: 2, factor: ¶0.5}}")),
    ("D201", one("invoke: {src: {expression: '1', ¶cel: '1'}}")),
    ("D207", one("invoke: {src: s, input: context, ¶inputOptional: {a: 1}}")),
    ("D207", HEAD + STATES + "  a: {on: {e: h}}\n  h: {type: history, ¶invoke: {src: s}}\n"),
    ("D307", HEAD + STATES + "  a: {on: {e: f}}\n  f: {type: final, ¶invoke: {src: s}}\n"),
    # 3: states.
    ("D301", HEAD + STATES + "  a: {on: {e: a}}\n  ¶a.b: {}\n"),
    ("D302", HEAD + STATES + "  ¶a:\n    states: {x: {}}\n"),
    ("D303", HEAD + "initial: ¶aa\nstates: {a: {}}\n"),
    ("D304", HEAD + "initial: ¶h\nstates: {a: {}, h: {history: deep}}\n"),
    ("D305", HEAD + STATES + "  ¶a: {type: compound}\n"),
    ("D306", one("type: ¶atomic\ninitial: x\nstates: {x: {}}")),
    ("D307", HEAD + STATES + "  a: {on: {e: f}}\n  f:\n    type: final\n    ¶on: {e: a}\n"),
    ("D308", HEAD + "type: ¶history\n"),
    ("D308", HEAD + "type: ¶final\n"),
    ("D309", one("¶onDone: b")),
    ("D310", one("¶onDone: b\ninitial: x\nstates: {x: {}}")),
    (
        "D311",
        HEAD + STATES + "  a:\n    initial: x\n    states:\n      x: {on: {e: h}}\n      h:\n        history: deep\n"
        "        target: ¶'#b'\n    on: {go_b: b}\n  b: {}\n",
    ),
    ("D312", HEAD + STATES + "  a: {}\n  ¶b: {}\n"),
    ("D313", HEAD + "type: parallel\nstates:\n  a: {}\n  ¶f: {type: final}\n"),
    # 4: transitions.
    ("D401", one("after: {1s: ¶bb}")),
    ("D401", one("after: {1s: ¶.x}")),
    ("D402", one("after: {1s: ¶'b..c'}")),
    ("D402", one("after: {1s: {target: ¶[]}}")),
    ("D403", one("after: {1s: {target: [a, ¶b]}}")),
    (
        "D404",
        HEAD + "type: parallel\nstates:\n  r: {initial: x, states: {x: {on: {e: ¶'#s.y'}}}}\n"
        "  s: {initial: y, states: {y: {}}}\n",
    ),
    ("D405", HEAD + STATES + "  a: {always: [¶{actions: [{log: '1'}]}]}\n"),
    ("D405", HEAD + STATES + "  a: {always: [¶b]}\n  b: {always: a}\n"),
    ("D406", one("after:\n  1s: [b, ¶a]")),
    ("D406", HEAD + STATES + "  a:\n    on:\n      x: b\n      x.y: ¶a\n  b: {}\n"),
    ("D406", HEAD + STATES + "  a:\n    on:\n      '*': b\n      x: ¶{guard: 'true', target: a}\n  b: {}\n"),
    ("D407", one("after: {¶1w: b}")),
    ("D407", action("send: {event: e, delay: ¶1.5}")),
    ("D408", one("after: {¶4000d: b}")),
    ("D409", HEAD + STATES + "  a:\n    on: {¶'a*': b}\n  b: {}\n"),
    ("D409", HEAD + STATES + "  a:\n    on: {¶a..b: b}\n  b: {}\n"),
    ("D410", one("after: {60s: b, ¶1m: b}")),
    ("D411", one("after: {1s: {¶reenter: true}}")),
    # 5: actions and events.
    ("D501", action("¶{log: '1', raise: y}")),
    ("D501", action("¶{}")),
    ("D502", action("¶asign: {x: '1'}")),
    ("D503", action("raise: ¶'a.*'")),
    ("D503", action("send: {event: ¶'a b'}")),
    ("D504", action("raise: ¶done.state.a")),
    ("D504", "events: {¶error.execution: {}}\n" + SOUND),
    ("D505", one("entry: [{send: {event: go_b, id: reminder}}]\nexit: [{cancel: ¶remindr}]")),
    ("D506", context("{properties: {count: {}}}", entry="[{assign: {¶cuont: '1'}}]")),
    ("D507", action("send: {event: e, to: {topic: t}, ¶delay: 1s}")),
    ("D507", action("send: {event: e, to: {topic: t}, ¶id: x}")),
    ("D508", action("send: {event: e, to: {topic: ¶'a b'}}")),
    ("D509", action("assign: ¶{}")),
    ("D510", action("send: {event: go_b, id: ¶after.1000.a}")),
    ("D511", "events: {¶pign: {}}\n" + SOUND),
    ("D512", action("if: ¶[]")),
    ("D512", action("if: [¶{actions: [{log: '1'}]}, {guard: 'true'}]")),
    ("D513", action("script: ¶[]")),
    ("D513", action("script: [a = 1, ¶a + 1]")),
    ("D513", action("script: ¶a == 1")),
    ("D514", action("foreach: {array: '[1]', item: ¶1st}")),
    ("D505", action("send: {event: e, to: {target: '#_x'}, id: x}\n  - cancel: ¶x")),
    ("D507", action("send: {event: e, to: {topic: t}, ¶dataOptional: {a: 1}}")),
    ("D515", one("invoke: [{src: s, id: x}, {src: s, id: ¶x}]")),
    ("D515", HEAD + "invoke: {src: s, id: b}\n" + STATES + "  a: {on: {go_b: b}}\n  b: {invoke: ¶{src: s}}\n"),
    ("D516", one("invoke: {src: s, id: ¶'a b'}")),
    ("D516", one("invoke: {src: s, id: null, ¶onDone: b}")),
    ("D516", one("invoke: {src: s, idLocation: x, ¶onError: b}")),
    # 6: expressions.
    ("D601", action("script: [a = 1, ¶b = 1 +]")),
    ("D601", action("if: [{guard: 1 +¶}]")),
    ("D603", action("if: [{guard: ¶1 + 2}]")),
    ("D601", action('log: "1 +¶"')),
    ("D601", action("log: ¶'1 + ''a'")),
    ("D602", action('log: "context.a + ¶cntext.b"')),
    ("D602", one("after:\n  1s:\n    target: b\n    guard: |\n      context.a == 1 &&\n      ¶unknown > 2\n")),
    ("D603", one("after: {1s: {target: b, guard: ¶'1 + 2'}}")),
    ("D604", context("{properties: {count: {}}}", entry="[{log: ¶context.cuont}]")),
    ("D605", action("log: ¶event.dta.x")),
    ("D606", action("log: ¶inState('c')")),
    # 7: schemas.
    ("D701", context("{type: ¶objekt}")),
    ("D701", "events:\n  e:\n    schema: {minLength: ¶-1}\n" + HEAD + STATES + "  a: {on: {e: a}}\n"),
    ("D702", context("{$schema: ¶'http://json-schema.org/draft-07/schema#'}")),
    ("D703", context("{$ref: ¶'https://example.org/schema.json'}")),
    ("D703", context("{$ref: ¶'file:///etc/passwd'}")),
    ("D704", context("{properties: {a: {pattern: ¶'(?=a)b'}}}")),
    ("D704", context("{patternProperties: {¶'(': {}}}")),
    ("D705", context("{properties: {a: {type: integer}}}", "{a: ¶x}")),
    ("D705", context("{required: [a]}", "¶{}")),
    ("D706", context("¶{$ref: '#/$defs/a'}")),
]
WARNINGS = {"D310", "D312", "D404", "D411", "D506", "D511", "D604", "D606"}


@pytest.mark.parametrize(("code", "marked"), CASES, ids=[f"{code}-{n}" for n, (code, _) in enumerate(CASES)])
def test_a_fault_is_told_with_its_code_and_place_and_nothing_else_is_told(code: str, marked: str):
    before, _, after = marked.partition("¶")
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))

    found = check(before + after, filename="m.json" if before.startswith('{"') else "m.yaml")

    assert [(d.code, (d.line, d.column)) for d in found] == [(code, place)], "\n".join(map(str, found))
    assert found[0].severity == ("warning" if code in WARNINGS else "error")
    assert found[0].what.endswith((".", "?"))


def test_every_code_of_the_table_has_a_case():
    elsewhere = {"D102", "D103", "D104", "D114", "D115"} | {
        code for code in CODES if code.startswith(("D0", "D8", "D9"))
    }

    tested = {code for code, _ in CASES} | elsewhere

    assert tested == set(CODES)


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

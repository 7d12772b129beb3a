"""What the reader of SCXML says of bad documents, and what it does with expressions."""

from __future__ import annotations

import pytest

from foliot.definition import DefinitionRefused
from foliot.engine import compile  # noqa: A004 - the engine's own word
from foliot.languages import check
from foliot.languages.scxml import read_scxml
from foliot.testing import Session, Sessions

HEAD = '<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="cel">'


def document(*states: str) -> str:
    return "\n".join([HEAD, *states, "</scxml>"])


def test_a_bomb_of_entities_is_refused_before_it_grows() -> None:
    levels = [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)]
    text = f'<!DOCTYPE scxml [<!ENTITY a0 "bomb">{"".join(levels)}]>' + document('<state id="a">&a9;</state>')

    with pytest.raises(DefinitionRefused) as refusal:
        read_scxml(text, filename="bomb.scxml")

    assert [each.code for each in refusal.value.diagnostics] == ["D802"]


def test_tags_in_tags_in_tags_are_refused() -> None:
    text = document("<state>" * 10_000 + "</state>" * 10_000)

    assert [each.code for each in check(text, filename="deep.scxml")] == ["D103"]


def run(*states: str) -> Session:
    sessions = Sessions()
    session = sessions.open(compile(read_scxml(document(*states), filename="m.scxml").definition))
    sessions.run()
    return session


def test_bare_names_are_data_and_a_macro_may_use_the_same_name() -> None:
    session = run(
        '<datamodel><data id="x" expr="[1, 2, 3]"/><data id="y"/></datamodel>',
        '<state id="a"><onentry><assign location="y" expr="x.filter(x, x &gt; 1) + x"/></onentry></state>',
    )

    assert session.state.context["y"] == [2, 3, 1, 2, 3]


def test_an_expression_that_is_none_is_an_event_when_it_is_evaluated() -> None:
    session = run(
        '<state id="a"><onentry><log expr="1 +"/></onentry><transition event="error.execution" target="b"/></state>',
        '<state id="b"/>',
    )

    assert session.state.configuration == ("b",)


def test_texts_between_tags_are_json_or_texts() -> None:
    session = run(
        "<datamodel>",
        '<data id="a">{"b": [1, "c\'d"]}</data><data id="e">some\n   words</data><data id="f"/></datamodel>',
        '<state id="s"/>',
    )

    assert session.state.context == {"a": {"b": [1, "c'd"]}, "e": "some words", "f": None}


def test_a_timeout_that_is_no_number_is_told() -> None:
    text = (
        '<scxml xmlns="http://www.w3.org/2005/07/scxml" xmlns:foliot="urn:foliot:scxml" datamodel="cel">'
        '<state id="a"><transition event="after.1.a" foliot:after="²" target="a"/></state></scxml>'
    )

    assert [each.code for each in check(text, filename="m.scxml")] == ["D407"]


@pytest.mark.parametrize("name", ["a'b", "n) || has(context.m", "in", "true", "1"])
def test_data_whose_name_is_none_is_an_error_when_it_is_bound(name: str) -> None:
    text = document(
        f'<datamodel><data id="{name}" expr="1"/></datamodel><script>{name} = 2</script>',
        '<state id="a"><transition event="error.execution" target="b"/></state><final id="b"/>',
    )

    sessions = Sessions()
    session = sessions.open(compile(read_scxml(text, filename="m.scxml").definition))
    sessions.run()

    assert session.state.done


@pytest.mark.parametrize(
    ("targets", "excluding"),
    [
        ("a p s", ["'a' and 'p'", "'a' and 's'"]),
        ("a q r", ["'a' and 'q'", "'q' and 'r'"]),
        ("p q r", ["'q' and 'r'"]),
        ("p q", []),
        ("q q p", []),
        ("s t u", []),
    ],
)
def test_each_target_is_told_with_one_before_it_that_excludes_it(targets: str, excluding: list[str]) -> None:
    text = document(
        f'<state id="a"><transition event="go" target="{targets}"/></state>',
        '<state id="p"><state id="q"/><state id="r"/></state>',
        '<parallel id="s"><state id="t"/><state id="u"/></parallel>',
    )

    found = check(text, filename="m.scxml")

    assert [each.what.partition(" can't")[0] for each in found if each.code == "D403"] == excluding


def test_a_semicolon_in_a_text_or_a_comment_parts_no_lines_of_a_script() -> None:
    session = run(
        "<script>// so;\n a = 'b;c'; d = \"e;\\\";f\" // and; so on\n g = 'h' // it's; all",
        "</script>",
        '<state id="s"/>',
    )

    assert session.state.context == {"a": "b;c", "d": 'e;";f', "g": "h"}


def test_a_state_without_an_id_is_given_none_that_another_has() -> None:
    session = run('<state><transition target="_1"/></state>', '<state id="_1"/>')

    assert session.state.configuration == ("_1",)


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ('<assign location="context.x" expr="1"/>', "D514"),
        ('<assign location="y" expr="1"/>', "D514"),
        ('<foreach array="[1]" item="2nd"/>', "D514"),
        ("<script>log('x')</script>", "D513"),
        ('<assign location="x" expr="1"/><script>x = 2; x = 3</script>', ""),
    ],
)
def test_what_cannot_be_assigned_is_told_before_it_fails(action: str, code: str) -> None:
    text = document('<datamodel><data id="x"/></datamodel>', f'<state id="s"><onentry>{action}</onentry></state>')

    assert [each.code for each in read_scxml(text, filename="m.scxml").diagnostics] == ([code] if code else [])


def test_what_a_final_state_must_give_and_cannot_is_an_error_and_nothing():
    required = 'xmlns:f="urn:foliot:scxml" f:required="true"'
    session = run(
        '<datamodel><data id="failed" expr="false"/></datamodel>',
        '<state id="a"><state id="b"><transition target="c"/></state>'
        f'<final id="c"><donedata><param name="n" expr="gone" {required}/>'
        '<param name="m" expr="7"/></donedata></final>'
        '<transition event="error.execution"><assign location="failed" expr="true"/></transition>'
        '<transition event="done.state.a" cond="_event.data == null" target="d"/></state><state id="d"/>',
    )

    assert (session.state.configuration, session.state.context["failed"]) == (("d",), True)

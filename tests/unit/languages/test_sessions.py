"""Sessions in memory: what machines send each other, invoke and wait for."""

from __future__ import annotations

import pytest

from foliot.definition import load
from foliot.engine import compile  # noqa: A004 - the engine's own word
from foliot.languages.scxml import read_scxml
from foliot.testing import Session, Sessions

SECOND = 1_000_000


def scxml(body: str) -> str:
    return f'<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="cel">{body}</scxml>'


def opened(sessions: Sessions, body: str) -> Session:
    session = sessions.open(compile(read_scxml(scxml(body), filename="m.scxml").definition))
    sessions.run()
    return session


def test_time_passes_only_when_it_is_told_to_and_timers_come_in_their_order() -> None:
    text = "foliot: 1\nid: m\ninitial: a\nstates: {a: {after: {10s: c, 5s: b}}, b: {after: {5s: c}}, c: {}}"
    sessions = Sessions()
    session = sessions.open(compile(load(text, filename="m.yaml")))
    seen = [session.state.configuration]

    for seconds in (4, 1, 5):
        sessions.wait(seconds * SECOND)
        seen.append(session.state.configuration)

    assert seen == [("a",), ("a",), ("b",), ("c",)]
    assert sessions.now == 10 * SECOND


def test_a_service_is_given_values_answers_and_ends_with_an_output() -> None:
    sessions = Sessions()
    service = scxml(
        '<datamodel><data id="n" expr="0"/></datamodel><state id="s"><onentry><send target="#_parent" event="begun"/>'
        '</onentry><transition event="go" target="f"/></state>'
        '<final id="f"><donedata><param name="n" expr="n + 1"/></donedata></final>'
    )
    session = opened(
        sessions,
        '<datamodel><data id="got"/></datamodel><state id="a"><invoke id="i" type="scxml"><param name="n" expr="4"/>'
        f'<param name="other" expr="5"/><content>{service}</content></invoke>'
        '<transition event="begun"><send target="#_i" event="go"/></transition>'
        '<transition event="done.invoke.i" target="b"><assign location="got" expr="_event.data"/></transition></state>'
        '<state id="b"/>',
    )

    assert session.state.configuration == ("b",)
    assert session.state.context["got"] == {"n": 5}
    assert list(sessions.all) == [session.id]


def test_a_delayed_send_to_another_session_can_be_withdrawn() -> None:
    sessions = Sessions()
    other = opened(sessions, '<state id="a"><transition event="*" target="b"/></state><state id="b"/>')
    sender = opened(
        sessions,
        f'<state id="a"><onentry><send id="x" delay="5s" event="e" target="#_scxml_{other.id}"/></onentry>'
        '<transition event="stop" target="b"><cancel sendid="x"/></transition></state><state id="b"/>',
    )
    sessions.send(sender, "stop")

    sessions.wait(10 * SECOND)

    assert other.state.configuration == ("a",)


def test_what_cannot_be_invoked_is_told_to_the_session() -> None:
    sessions = Sessions()
    session = opened(
        sessions,
        '<state id="a"><invoke type="scxml" src="file:nowhere.scxml"/>'
        '<transition event="error.communication" target="b"/></state><state id="b"/>',
    )

    assert session.state.configuration == ("b",)


def test_sessions_that_never_rest_are_stopped() -> None:
    sessions = Sessions()
    session = sessions.open(
        compile(
            read_scxml(
                scxml('<state id="a"><transition event="e"><send event="e"/></transition></state>'), filename="m"
            ).definition
        )
    )
    sessions.send(session, "e")

    with pytest.raises(RuntimeError, match="never rest"):
        sessions.run()

"""Every error has a remedy: that of the raise, of the refusal that it carries, or else of its class."""

from __future__ import annotations

import pytest

from foliot.api.problems import Refused
from foliot.cel import EvaluationError
from foliot.client import TooBusy
from foliot.client.refusals import refusal_of
from foliot.cloudevents import EventRefused
from foliot.errors import FoliotError, Refusal
from foliot.history.places import PlaceInvalid
from foliot.registry import BadName


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (BadName("it is none", where="tenant"), BadName.remedy),
        (BadName("it is none", where="tenant", remedy="Ask."), "Ask."),
        (PlaceInvalid("it is none"), PlaceInvalid.remedy),
        (EventRefused(Refusal("some_code", "it is none")), EventRefused.remedy),
        (EventRefused(Refusal("some_code", "it is none", remedy="Ask.")), "Ask."),
        (Refused(Refusal("some_code", "it is none")), Refused.remedy),
    ],
)
def test_the_class_says_what_to_do_where_the_raise_does_not(error: FoliotError, remedy: str) -> None:
    told = str(error.refusal)

    assert error.refusal.remedy == remedy
    assert told.endswith(remedy)


@pytest.mark.parametrize(("said", "remedy"), [("Ask.", "Ask."), ("", TooBusy.remedy)])
def test_a_client_repeats_the_remedy_of_the_api_if_it_has_one(said: str, remedy: str) -> None:
    body = b'{"status":429,"code":"inbox_full","detail":"so","where":"there","remedy":"%s"}' % said.encode()

    refusal = refusal_of(429, body, "POST /v1/events").refusal

    assert refusal == Refusal("inbox_full", "so", "there", remedy)


@pytest.mark.parametrize(("given", "end"), [("", "so"), ("Ask has() first.", "so. Ask has() first.")])
def test_what_a_machine_is_told_of_an_error_does_not_hang_on_the_words_of_its_class(given: str, end: str) -> None:
    error = EvaluationError("not_json", "so", line=1, column=2, remedy=given)

    told = str(error)

    assert told == f"cel_evaluation at 1:2: not_json: {end}"
    assert error.refusal.remedy == (given or EvaluationError.remedy)


@pytest.mark.parametrize(
    ("what", "told"),
    [("It is none.", "a_code: It is none. Ask."), ("Is it?", "a_code: Is it? Ask."), ("none", "a_code: none. Ask.")],
)
def test_what_ends_as_a_sentence_does_has_no_second_full_stop(what: str, told: str) -> None:
    assert str(Refusal("a_code", what, remedy="Ask.")) == told
    assert str(Refusal("a_code", what)) == f"a_code: {what}"

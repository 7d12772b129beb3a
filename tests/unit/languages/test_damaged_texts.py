"""Whatever a text is, in any language, it is refused with diagnostics or is a machine that can be compiled and run."""

from __future__ import annotations

import pytest
from fuzz.grafting import Grafter
from fuzz.machine_seeds import sound, too_much, words
from fuzz.targets import read_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LANGUAGES = ("yaml", "json", "scxml", "xstate")
SOUND = {language: [text for text in sound(language) if len(text) < 4_000] for language in LANGUAGES}
GRAFTERS = {language: Grafter(language, SOUND[language]) for language in LANGUAGES}
quickly = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


BOMBS = [
    pytest.param(language, text, id=f"{language}{number}")
    for language in LANGUAGES
    for number, text in enumerate(too_much(language))
]


@pytest.mark.parametrize(("language", "text"), BOMBS)
def test_what_is_meant_to_be_too_much_is_told_about(language: str, text: str):
    read_machine(language, text.encode())


def test_a_sound_machine_is_run():
    outcomes = {read_machine(language, text.encode()) for language in LANGUAGES for text in SOUND[language][:5]}

    assert outcomes == {"run"}


@pytest.mark.parametrize("language", LANGUAGES)
@quickly
@given(data=st.data())
def test_a_text_with_parts_cut_out_put_in_and_taken_from_others_is_told_about(language: str, data: st.DataObject):
    text = data.draw(st.sampled_from(SOUND[language]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 30))
        other = data.draw(st.sampled_from(SOUND[language]))
        begin = data.draw(st.integers(0, len(other)))
        part = st.sampled_from([other[begin : begin + 60]]) | st.sampled_from(words(language)) | st.text(max_size=4)
        text = text[:at] + data.draw(part) + text[at + cut :]

    read_machine(language, text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("language", LANGUAGES)
@quickly
@given(data=st.data())
def test_a_tree_with_branches_taken_away_and_grafted_is_told_about(language: str, data: st.DataObject):
    changed = GRAFTERS[language].change(data.draw(st.sampled_from(SOUND[language])), data.draw(st.randoms()))

    assert changed is not None
    read_machine(language, changed.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("language", LANGUAGES)
@quickly
@given(data=st.binary(max_size=300))
def test_any_bytes_are_told_about(language: str, data: bytes):
    assert read_machine(language, data) in {"refused", "run", "stopped"}

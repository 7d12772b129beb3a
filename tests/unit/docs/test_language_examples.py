"""Every word of the language has an example on its page, and what the example says happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml
from pages import ROOT, load_generator

from foliot.definition import check, language_schema, load
from foliot.engine import compile  # noqa: A004 - the engine's own word
from foliot.testing import play, read_scenarios

FILE: Final = ROOT / "docs" / "reference" / "language.examples.yaml"
EXAMPLES: Final[list[dict[str, Any]]] = yaml.safe_load(FILE.read_text("utf-8"))


@pytest.mark.parametrize("example", [pytest.param(each, id=each["title"]) for each in EXAMPLES])
def test_an_example_is_a_right_machine_that_does_what_is_said(example: dict[str, Any]) -> None:
    assert [str(each) for each in check(example["machine"], filename="machine.yaml")] == []
    machine = compile(load(example["machine"], filename="machine.yaml"))
    scenario = {"name": "it", "given": example.get("given", {}), "steps": yaml.safe_load(example["scenario"])}
    told = {"machine": "machine.yaml", "scenarios": [scenario]}
    reading = read_scenarios(yaml.safe_dump(told), filename="it.test.yaml")

    assert reading.scenarios is not None, "\n".join(map(str, reading.diagnostics))
    played = play(machine, reading.scenarios.scenarios[0])

    assert [f"{each.path}: {each.expected}, not {each.seen}" for each in played.mismatches] == []


def test_every_word_of_the_language_has_an_example() -> None:
    words = list(load_generator("generate_reference").words(language_schema()))
    shown = {word for example in EXAMPLES for word in example["shows"]}

    assert [word for word in words if word not in shown] == [], f"add an example to {FILE.relative_to(ROOT)}"
    assert sorted(shown - set(words)) == [], "these are no words of the language"


@pytest.mark.parametrize("example", [pytest.param(each, id=each["title"]) for each in EXAMPLES])
def test_an_example_has_the_words_that_it_shows(example: dict[str, Any]) -> None:
    keys = set(keys_of(yaml.safe_load(example["machine"])))

    assert [word for word in example["shows"] if "." in word and word.rpartition(".")[2] not in keys] == []


def keys_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        # To PyYAML, which reads YAML 1.1, `on` is true.
        yield from ("on" if key is True else str(key) for key in value)
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys_of(each)

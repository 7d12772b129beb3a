"""The event scripts of the public SCXML test framework, run by the engine.

Its ECMAScript is put into CEL where CEL can say the same; what it cannot say is listed with the reason.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest
from shared_data import SHARED

from foliot.engine import compile  # noqa: A004 - the engine's own word
from foliot.languages.scxml import read_scxml
from foliot.testing import Session, Sessions

FRAMEWORK = SHARED / "scxml" / "framework"
SCRIPTS = sorted(path.relative_to(FRAMEWORK).as_posix() for path in FRAMEWORK.glob("*/*.scxml"))
MILLISECOND: Final = 1_000
# What is left out, and why. A script that is listed and passes fails its test.
NOT_SAYABLE: dict[str, str] = {
    "error/error.scxml": "functions of its own, and the tag, line and column of an error in the event's data",
}
_WORDS: Final = (
    (r"===", "=="),
    (r"!==", "!="),
    (r"datamodel=\"ecmascript\"", 'datamodel="cel"'),
    (r"\b(\w+) ([*+-])= (\w+)", r"\1 = \1 \2 \3"),
    (r"Math\.pow\((\w+),3\)", r"\1 * \1 * \1"),
    (r"([{,] ?)(\w+): '", r"\1'\2': '"),
)


def as_cel(text: str) -> str:
    """Write what ECMAScript and CEL both have as CEL does."""
    for pattern, replacement in _WORDS:
        text = re.sub(pattern, replacement, text)
    return text


def test_the_scripts_are_there() -> None:
    if not SCRIPTS:
        pytest.skip(f"NO SCXML CONFORMANCE: the event scripts are not at {FRAMEWORK}; nothing of them was tested")

    assert len(SCRIPTS) == 72


@pytest.mark.parametrize("script", [script for script in SCRIPTS if script not in NOT_SAYABLE])
def test_each_event_leads_to_the_states_that_the_script_expects(script: str) -> None:
    assert follow(FRAMEWORK / script) == []


@pytest.mark.parametrize("script", [script for script in SCRIPTS if script in NOT_SAYABLE])
def test_what_is_left_out_does_not_pass(script: str) -> None:
    assert follow(FRAMEWORK / script) != []


def follow(script: Path) -> list[object]:
    """Give the steps of a script after which other states are active than it expects."""

    def resource(uri: str) -> str:
        return as_cel((script.parent / uri).read_text())

    expected = json.loads(script.with_suffix(".json").read_text())
    reading = read_scxml(as_cel(script.read_text()), filename=script.name, resource=resource)
    sessions = Sessions(resource=resource)
    session = sessions.open(compile(reading.definition))
    sessions.run()
    wrong: list[object] = [] if active(session) == sorted(expected["initialConfiguration"]) else ["the beginning"]
    for entry in expected["events"]:
        sessions.wait(entry.get("after", 0) * MILLISECOND)
        sessions.send(session, entry["event"]["name"], entry["event"].get("data"))
        sessions.run()
        if active(session) != sorted(entry["nextConfiguration"]):
            wrong.append(entry)
    return wrong


def active(session: Session) -> list[str]:
    return sorted(session.state.configuration)

"""The W3C's own tests of SCXML 1.0: all that are mandatory and judged by a machine, on the CEL data model.

A test passes when its session ends in the state `pass`.
"""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from conformance.w3c_directives import convert
from shared_data import SHARED

from foliot.engine import compile  # noqa: A004 - the engine's own word
from foliot.languages.scxml import read_scxml
from foliot.testing import Sessions

W3C = SHARED / "scxml" / "w3c"
TESTS = W3C / "txml"
MINUTE_US: Final = 60_000_000


def mandatory() -> dict[str, str]:
    """Give the file of each test that must pass and that no person has to judge."""
    manifest: dict[str, dict[str, Any]] = (
        json.loads((W3C / "MANIFEST.json").read_text()) if (W3C / "MANIFEST.json").exists() else {}
    )
    return {
        number: about["files"]["txml"][0]
        for number, about in manifest.items()
        if about["conformance"] == "mandatory" and not about["manual"]
    }


MANDATORY: Final = mandatory()


def resource(uri: str) -> str:
    """Fetch what lies beside a test."""
    path = TESTS / uri.removeprefix("file:").replace(".scxml", ".txml")
    if not path.exists():
        raise LookupError(uri)
    return convert(path.read_text()) if path.suffix == ".txml" else path.read_text()


def test_the_tests_are_there() -> None:
    if not MANDATORY:
        pytest.skip(f"NO W3C CONFORMANCE: the tests are not at {W3C}; nothing of them was tested")

    assert len(MANDATORY) == 159


@pytest.mark.parametrize("number", MANDATORY)
def test_the_session_ends_in_pass(number: str) -> None:
    document = convert((TESTS / MANDATORY[number]).read_text())
    reading = read_scxml(document, filename=f"test{number}.scxml", resource=resource)
    sessions = Sessions(resource=resource)
    session = sessions.open(compile(reading.definition))

    sessions.wait(MINUTE_US)

    assert session.state.configuration == ("pass",)

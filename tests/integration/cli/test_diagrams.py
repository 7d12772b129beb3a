"""`foliot diagram`: machines of files and of the registry, with an instance drawn in."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from addresses import WORK, Database
from integration.cli.conftest import Ask
from integration.workers.site_of_incidents import INCIDENT, Site

from foliot import store
from foliot.runtime import Stepper
from foliot.settings import Settings


@pytest.fixture
def site(fresh_database: Database) -> Any:
    """The incident machine with one instance, `case`, that took three events."""
    with contextlib.closing(store.connect(fresh_database.service, application="test")) as connection:
        site = Site(fresh_database, connection)
        site.send("case", 3)
        stepper = Stepper(Settings(dsn_service=fresh_database.service, steal_after_ms=0), writer="test")
        with contextlib.closing(stepper):
            for _ in range(1000):
                stepper.run_batch()
                if not site.query(WORK):
                    break
        yield site


def test_an_instance_is_drawn_where_it_is_with_what_it_did(ask: Ask, site: Site):
    code, answer = ask("diagram", "incident", "--key", "case", "--format", "svg", "-o", "case.svg")

    drawn = Path("case.svg").read_text()
    assert (code, answer["data"]["file"]) == (0, "case.svg")
    assert "case · version 1 · 4 steps until" in drawn
    assert "not counted" not in drawn
    assert drawn.count('class="box active"') == 1
    assert site.stepped() == 3


def test_a_version_is_drawn_without_instances(ask: Ask, site: Site):
    stable = ask("diagram", "incident")
    first = ask("diagram", "incident@1", "--format", "mermaid")
    text = ask("diagram", str(INCIDENT))

    assert stable == first == text
    assert stable[1]["data"]["text"].startswith("stateDiagram-v2\n")
    assert site.stepped() == 3


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["incident@9"], "unknown_version"),
        (["incidnet"], "unknown_machine"),
        (["incident", "--key", "nobody"], "unknown_instance"),
        (["incident@1", "--key", "case"], "bad_target"),
        (["./machine.yaml", "--key", "case"], "bad_target"),
        (["./no-such-machine.yaml"], "file_unreadable"),
        (["incident", "-o", "no/such/folder.svg"], "file_unwritable"),
    ],
)
@pytest.mark.usefixtures("site")
def test_what_cannot_be_drawn_says_why(ask: Ask, arguments: list[str], code: str):
    exit_code, answer = ask("diagram", *arguments)

    assert (exit_code, answer["error"]["code"]) == (1, code)

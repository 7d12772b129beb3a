"""docs/codes.md lists every code and docs/diagnostics.md explains those of definitions; both are as generated."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from foliot.definition import CODES
from foliot_ingest.codes import CODES as INGEST_CODES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return script("generate_codes")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_its_generator_writes(generator: ModuleType) -> None:
    written = (DOCS / "codes.md").read_text("utf-8")

    assert written == generator.page(), "run: python docs/generate_codes.py"


def test_the_page_lists_every_code_that_the_source_names(generator: ModuleType) -> None:
    listed = set(re.findall(r"^\| `([^`]+)`", (DOCS / "codes.md").read_text("utf-8"), re.MULTILINE))

    assert generator.literal_codes() - listed == set()
    assert {kind.code for kind in generator.errors() if kind.remedy} - listed == set()
    assert (CODES.keys() | INGEST_CODES.keys()) - listed == set()


def test_every_code_that_is_explained_by_hand_is_in_use(generator: ModuleType) -> None:
    refused = generator.SAID.keys() | generator.FINDINGS.keys()
    remedied = generator.DECODE_REMEDIES.keys() | generator.ROUTE_REMEDIES.keys()

    assert refused - generator.literal_codes() == set()
    assert remedied - INGEST_CODES.keys() == set()


def test_a_code_has_one_meaning_in_all_errors_of_a_part(generator: ModuleType) -> None:
    kinds = generator.errors()

    places = [(kind.__module__.split(".")[:2], kind.code) for kind in kinds]

    assert all(re.fullmatch(r"[a-z][a-z_]*", kind.code) for kind in kinds)
    assert [place for place in places if places.count(place) > 1] == []


def test_every_error_that_is_raised_has_a_remedy_of_its_own(generator: ModuleType) -> None:
    trees = [ast.parse(file.read_text("utf-8")) for root in generator.ROOTS for file in root.rglob("*.py")]
    calls = [node.func for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    made = {getattr(call, "id", getattr(call, "attr", "")) for call in calls}

    lacking = [kind for kind in generator.errors() if not vars(kind).get("remedy")]

    assert [kind for kind in lacking if kind.__name__ in made or not kind.__subclasses__()] == []
    assert "The error says what to do." not in generator.page()


def test_the_index_of_explain_is_what_its_generator_writes(generator: ModuleType) -> None:
    written = generator.INDEX.read_bytes()

    assert written == generator.index(), "run: python docs/generate_codes.py"


def test_the_page_of_diagnostics_is_what_its_generator_writes() -> None:
    written = (DOCS / "diagnostics.md").read_text("utf-8")

    assert written == script("generate_diagnostics").page(), "run: python docs/generate_diagnostics.py"
    assert re.findall(r"^### (D\d+)$", written, re.MULTILINE) == list(CODES)

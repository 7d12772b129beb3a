from __future__ import annotations

import json
from pathlib import Path

import pytest
from conformance.golden_corpus import GOLDEN, replay

from foliot.engine import SEMANTICS

FILES = sorted(GOLDEN.glob("*.json"))


def test_the_corpus_is_not_empty() -> None:
    assert len(FILES) >= 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_output_is_the_recorded_one_to_the_byte(path: Path) -> None:
    case = json.loads(path.read_text())

    steps = replay(case)

    assert case["semantics"] == SEMANTICS, "write the corpus anew: python tests/conformance/golden_corpus.py"
    assert steps == case["steps"], "the output changed: raise SEMANTICS and write the corpus anew"

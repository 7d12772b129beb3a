"""The machines of the pages "Coming from …" print the same in the other's code, on its package, and in Foliot's."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from pages import ROOT, Block, read_page

PEERS: Final = ROOT / ".venv-peers"
_MARK: Final = "runs in "


def pairs() -> list[Any]:
    """Give each block that runs in an environment of a peer, with the block of ours that follows it."""
    found = []
    for file in sorted((ROOT / "docs" / "how-to").glob("coming-from-*.md")):
        for theirs, ours in pairwise(read_page(file).blocks):
            if theirs.marker.startswith(_MARK):
                found.append(pytest.param(theirs, ours, id=file.stem))
    return found


@pytest.mark.parametrize(("theirs", "ours"), pairs())
def test_both_machines_print_the_same(theirs: Block, ours: Block) -> None:
    python = PEERS / theirs.marker.removeprefix(_MARK) / "bin" / "python"
    if not python.exists():
        pytest.skip("the other's package is not installed: run `make coming-from`")

    told, expected = output(Path(sys.executable), ours), output(python, theirs)

    assert ours.marker == "runs"
    assert len(expected.splitlines()) > 5
    assert told == expected


def test_each_page_that_has_a_package_of_python_is_compared() -> None:
    assert [pair.id for pair in pairs()] == [
        *("coming-from-langgraph", "coming-from-python-statemachine", "coming-from-transitions")
    ]


def output(python: Path, block: Block) -> str:
    ran = subprocess.run([python, "-c", block.text], cwd=ROOT, capture_output=True, check=False, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout

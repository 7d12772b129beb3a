"""docs/dependencies.md has every package that pyproject.toml wants, where it wants it, with a reason."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator

from pages import ROOT

PAGE = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[(?P<extras>[^\]]*)\])?")
_BROUGHT_BY_OTHERS = {"docker", "psycopg-pool"}
"""Packages that another one brings, and that the code imports itself."""
_INSTALLER = {"uv"}


def test_every_package_is_on_the_page_and_no_other_is() -> None:
    wanted = {(name, place) for place, names in wanted_packages() for name in names}

    listed = {(name, place) for names, place, _ in rows() for name in names}

    assert wanted - listed == set()
    assert {name for name, _ in listed - wanted} == _BROUGHT_BY_OTHERS | _INSTALLER


def test_every_package_has_a_reason() -> None:
    assert [names for names, _, reason in rows() if len(reason.split()) < 2] == []


def wanted_packages() -> Iterator[tuple[str, Iterable[str]]]:
    yield "core", map(name_of, PROJECT["project"]["dependencies"])
    for parts in (PROJECT["project"]["optional-dependencies"], PROJECT["dependency-groups"]):
        for place, requirements in parts.items():
            yield place, map(name_of, requirements)


def name_of(requirement: str) -> str:
    found = _REQUIREMENT.match(requirement)
    assert found is not None
    return found["name"].lower()


def rows() -> Iterator[tuple[list[str], str, str]]:
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "package":
            yield cells[0].split(", "), cells[1], cells[2]

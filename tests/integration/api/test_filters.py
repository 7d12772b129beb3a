"""Lists of instances are narrowed by what instances are like, page by page, and say when they cannot be."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from foliot.api import instances
from foliot.registry import publish
from foliot.store import connect

if TYPE_CHECKING:
    from conftest import Site

LAMP = """
foliot: 1
id: lamp
context: {initial: {room: "", watts: 0.0, on: false, tag: null}}
initial: dark
states:
  dark: {on: {lit: {target: bright.warm, actions: [
    {assign: {room: event.data.room, watts: event.data.watts, on: "true", tag: event.data.tag}}]}}}
  bright: {initial: warm, states: {warm: {}, warmer: {}}}
"""

FOUND = {
    "state=dark": "67",
    "state=bright": "012345",
    "state=bright.warm": "012345",
    "state=bright.war": "",
    "state=bri%25": "",
    "where=watts:3": "3",
    "where=watts:3.0": "3",
    'where=watts:"3"': "",
    'where=room:"5"': "024",
    "where=room:5": "",
    "where=room:it%27s%20%225%22": "135",
    "where=on:true": "012345",
    "where=on:false&state=dark": "67",
    "where=tag:null": "1234567",
    "where=tag:x&where=on:true": "0",
    "where=nothing:1": "",
    "mode=running&version=1&where=watts:4": "4",
    "version=2": "",
    "mode=held": "",
}
REFUSED = [
    "where=severity",
    "where=:1",
    "where=a:{}",
    "where=a:[1]",
    "where=a:1&where=a:2",
    "where=a:%00",
    "where=a:%22%5Cu0000%22",
    "state=%00",
    f"where=a:{'x' * 600}",
]


@pytest.fixture
def lamps(site: Site) -> Site:
    """Eight lamps, of which the last two are dark."""
    with closing(connect(site.database.service, application="test")) as connection:
        publish(connection, "default", LAMP, filename="lamp.yaml", by="test")
    for number in range(8):
        data = {"room": 'it\'s "5"' if number % 2 else "5", "watts": number, "tag": None if number else "x"}
        kind = "lit" if number < 6 else "shown"
        answer = site.send(f"L{number}", foliotmachine="lamp", type=kind, data=data)
        assert answer.status_code == 202
    site.step()
    return site


def _keys(site: Site, query: str) -> list[str]:
    """Give all pages' keys, sorted."""
    found: list[str] = []
    cursor = ""
    for _ in range(100):
        page = site.get(f"/v1/instances/lamp?{query}&cursor={cursor}").json()
        found += [item["key"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            return sorted(found)
    raise AssertionError(found)


@pytest.mark.parametrize("looks", [3, 1000])
def test_instances_are_found_by_what_they_are_like(lamps: Site, monkeypatch: pytest.MonkeyPatch, looks: int) -> None:
    monkeypatch.setattr(instances, "LOOKS_MAX", looks)
    monkeypatch.setattr(instances, "LOOKS_MAX_PARSED", looks)

    found = {query: _keys(lamps, f"{query}&count=2") for query in FOUND}

    assert found == {query: [f"L{number}" for number in numbers] for query, numbers in FOUND.items()}


def test_what_is_no_filter_is_refused(site: Site) -> None:
    answers = {query: site.get(f"/v1/instances/incident?{query}") for query in REFUSED}

    said = {query: (answer.status_code, answer.json()["code"]) for query, answer in answers.items()}
    assert said == dict.fromkeys(REFUSED, (422, "filter_invalid"))

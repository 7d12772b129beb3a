"""Every operation, by every scope and every tenant: what may be done is what /openapi.json says."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import psycopg
import pytest

from foliot.access import SCOPES, Scope, make_key
from foliot.api import Doors, make_api
from foliot.registry import publish
from foliot.runtime import NoWake
from foliot.settings import Settings
from foliot.store import connect

if TYPE_CHECKING:
    from conftest import Site

OPEN: Final = {"GET /healthz/live", "GET /healthz/ready"}
"""Operations that want no key."""
HUSHED: Final = "hushed"
"""A machine of the first tenant alone, with an instance and a dead letter."""
MACHINE: Final = f"""
foliot: 1
id: {HUSHED}
events: {{told: {{schema: {{type: object, required: [n]}}}}}}
initial: a
states: {{a: {{on: {{told: a}}}}}}
"""
PLACES: Final = {"machine": HUSHED, "key": "K-1", "channel": "stable", "number": "1"}
BODIES: Final[dict[str, dict[str, Any]]] = {
    "POST /v1/events": {
        "headers": {"content-type": "application/cloudevents+json"},
        "json": {
            "specversion": "1.0",
            "id": "m",
            "source": "s",
            "type": "told",
            "subject": "K-2",
            "foliotmachine": HUSHED,
            "data": {"n": 1},
        },
    },
    "POST /v1/machines": {"headers": {"content-type": "application/yaml"}, "content": MACHINE},
    "PUT /v1/machines/{machine}/channels/{channel}": {"headers": {"if-match": '"1"'}, "json": {"version": 1}},
}
HELD_BY_TENANT: Final = {
    "instances": b"SELECT count(*), max(n) FROM instances WHERE tenant = 1",
    "inbox": b"SELECT count(*) FROM inbox WHERE tenant = 1",
    "letters": b"SELECT count(*) FROM dead_letters WHERE tenant = 1 AND status = 'open'",
    "channels": b"SELECT count(*), max(revision) FROM channels WHERE tenant = 1",
    "versions": b"SELECT count(*) FROM versions WHERE tenant = 1",
    "operations": b"SELECT count(*) FROM operations WHERE tenant = 1",
}


class Operation(NamedTuple):
    """An operation, and the scopes that the document says it needs."""

    method: str
    path: str
    scopes: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def _operations() -> list[Operation]:
    document = make_api(Doors(Settings(), NoWake())).openapi()
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            scopes = tuple(scope for each in operation.get("security", []) for scope in each.get("HTTPBearer", ()))
            found.append(Operation(method.upper(), path, scopes))
    return found


OPERATIONS: Final = _operations()


def _call(site: Site, operation: Operation, headers: dict[str, str]) -> Any:
    given = BODIES.get(operation.name, {})
    path = operation.path.format(**PLACES)
    with site.client.stream(
        operation.method,
        path,
        **{name: value for name, value in given.items() if name != "headers"},
        headers={**given.get("headers", {}), **headers},
    ) as answer:
        # Not to the end: an operation that streams has none.
        text = next(answer.iter_text(), "")
    return answer, text


def _held(site: Site) -> dict[str, Any]:
    with psycopg.connect(site.database.owner) as connection:
        return {name: connection.execute(query).fetchone() for name, query in HELD_BY_TENANT.items()}


@pytest.fixture
def secretive(site: Site) -> Site:
    """The first tenant has a machine, an instance and a dead letter that the other knows nothing of."""
    with closing(connect(site.database.service, application="test")) as connection:
        publish(connection, "default", MACHINE, filename="m.yaml", by="test")
    site.send("K-1", foliotmachine=HUSHED, type="told", data={"n": 1})
    site.send("K-1", foliotmachine=HUSHED, type="told", data={}, id="bad")
    site.step()
    assert site.get("/v1/dead-letters/1").status_code == 200
    assert site.get(f"/v1/instances/{HUSHED}/K-1").status_code == 200
    return site


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_says_which_one_scope_it_needs(operation: Operation) -> None:
    assert len(operation.scopes) == (0 if operation.name in OPEN else 1)
    assert set(operation.scopes) <= set(SCOPES)


def test_a_scope_opens_the_operations_that_name_it_and_no_others(secretive: Site) -> None:
    allowed: dict[tuple[str, Scope], bool] = {}
    for scope in SCOPES:
        for operation in OPERATIONS:
            answer, text = _call(secretive, operation, secretive.headers("default", scope))
            assert answer.status_code not in {401, 500}, (operation, scope)
            allowed[operation.name, scope] = answer.status_code != 403
            assert allowed[operation.name, scope] or '"forbidden"' in text

    expected = {
        (operation.name, scope): operation.name in OPEN or scope in operation.scopes
        for operation in OPERATIONS
        for scope in SCOPES
    }
    assert allowed == expected


def test_without_a_key_that_opens_nothing_is_done(secretive: Site) -> None:
    before = _held(secretive)
    with closing(connect(secretive.database.service, application="test")) as connection:
        old = make_key(
            connection, secretive.settings.key_pepper, "default", name="o", scopes=SCOPES, days=0, by="test"
        ).token
    keys = [{}, {"authorization": "Bearer x"}, {"authorization": f"Bearer {old}"}, {"authorization": f"Basic {old}"}]

    statuses = {
        (operation.name, number): _call(secretive, operation, headers)[0].status_code
        for operation in OPERATIONS
        for number, headers in enumerate(keys)
    }

    # Who guesses often is not looked up any more: 429.
    assert {each for (name, _), each in statuses.items() if name not in OPEN} <= {401, 429}
    assert {each for (name, number), each in statuses.items() if name not in OPEN and number != 2} == {401}
    assert {each for (name, _), each in statuses.items() if name in OPEN} == {200}
    assert _held(secretive) == before


def test_no_operation_shows_or_changes_anything_of_another_tenant(secretive: Site) -> None:
    before = _held(secretive)
    foreign = [operation for operation in OPERATIONS if operation.name != "POST /v1/machines"]

    answers = {operation.name: _call(secretive, operation, secretive.headers("other")) for operation in foreign}

    assert {name for name, (_, text) in answers.items() if "K-1" in text} == set()
    # A refusal repeats the name that it was asked for.
    assert {name for name, (answer, text) in answers.items() if answer.is_success and HUSHED in text} == set()
    assert {name for name, (answer, _) in answers.items() if "{" in name and answer.status_code != 404} == set()
    assert answers["POST /v1/events"][0].status_code == 422
    assert _held(secretive) == before

    # The same name is free for the other tenant, and is a machine of its own.
    made, _ = _call(secretive, Operation("POST", "/v1/machines", ()), secretive.headers("other"))
    assert made.status_code == 201
    assert _held(secretive) == before
    assert secretive.get(f"/v1/instances/{HUSHED}/K-1", tenant="other").status_code == 404

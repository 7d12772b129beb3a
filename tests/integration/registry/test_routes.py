"""Topics belong to tenants, and routes are checked whole before they are kept."""

from __future__ import annotations

import pytest

from foliot.cel import EvaluationError
from foliot.registry import (
    BadName,
    RouteRefused,
    SchemaRefused,
    TenantExists,
    TopicBound,
    UnknownSchema,
    UnknownTenant,
    bind_topic,
    compile_route,
    create_tenant,
    list_routes,
    load_catalog,
    publish_route,
    publish_schema,
)
from foliot.store import Connection

ROUTE = """
name: tickets
topic: jira.tickets
match: record.value.kind == 'ticket'
machine: "'incident'"
key: record.value.key
type: "'reported'"
id: record.value.id
data: "{'severity': record.value.severity}"
lane: "record.value.severity == 1 ? 'critical' : 'normal'"
"""
RECORD = {
    "topic": "jira.tickets",
    "partition": 0,
    "offset": 7,
    "key": None,
    "headers": {},
    "value": {"kind": "ticket", "key": "T-1", "id": "e1", "severity": 1},
}


def test_a_published_route_makes_events_of_records(connection: Connection) -> None:
    publish_route(connection, "default", ROUTE)

    catalog = load_catalog(connection)
    (route,) = catalog.routes("jira.tickets")
    compiled = compile_route(route)

    assert compiled.match(RECORD) is True
    assert compiled.event(RECORD) == {
        "machine": "incident",
        "key": "T-1",
        "type": "reported",
        "id": "e1",
        "data": {"severity": 1},
        "lane": "critical",
    }
    assert catalog.topic_tenant("jira.tickets") == catalog.tenant("default")


def test_an_expression_that_has_no_value_names_itself(connection: Connection) -> None:
    compiled = compile_route(publish_route(connection, "default", ROUTE))

    with pytest.raises(EvaluationError, match="key"):
        compiled.event({**RECORD, "value": {"kind": "ticket", "id": "e1", "severity": 1}})


def test_all_faults_of_a_route_are_named_at_once(connection: Connection) -> None:
    text = (
        ROUTE.replace("record.value.key", "recrod.value")
        .replace("record.value.id", "1 +")
        .replace("record.value.kind == 'ticket'", "'text'")
    )

    with pytest.raises(RouteRefused) as caught:
        publish_route(connection, "default", text, filename="tickets.yaml")

    refusal = caught.value.refusal
    assert refusal.where == "tickets.yaml"
    assert all(word in refusal.what for word in ("match:", "key:", "id:"))
    assert list_routes(connection, "default") == ()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("name: a\n", "topic"),
        (ROUTE + "colour: red\n", "colour"),
        (ROUTE.replace("record.value.id", "7"), "id"),
        ("- a\n- b\n", "the route"),
        ("a: [", "YAML"),
        ("a: &x {b: 1}\nc: *x\n", "alias"),
        ("a: " + "x" * 70_000, "larger"),
    ],
)
def test_what_is_no_route_is_refused(connection: Connection, text: str, word: str) -> None:
    with pytest.raises(RouteRefused, match=word):
        publish_route(connection, "default", text)


def test_a_route_is_replaced_by_one_of_its_name(connection: Connection) -> None:
    publish_route(connection, "default", ROUTE)

    publish_route(connection, "default", ROUTE.replace("'reported'", "'noted'"))

    (route,) = list_routes(connection, "default")
    assert compile_route(route).event(RECORD)["type"] == "noted"


def test_a_route_holds_the_value_to_the_schema_that_it_names(connection: Connection) -> None:
    with pytest.raises(UnknownSchema):
        publish_route(connection, "default", f"{ROUTE}schema: ticket\n")
    publish_schema(connection, "default", "ticket", '{"type": "object", "required": ["key"]}')
    publish_route(connection, "default", f"{ROUTE}schema: ticket\n")

    (route,) = load_catalog(connection).routes("jira.tickets")
    validate = compile_route(route).validate_value

    assert validate({"key": "T-1"}) is None
    assert "key" in (validate({}) or "")


@pytest.mark.parametrize("schema", ["{", '{"type": "objekt"}', "7"])
def test_what_is_no_schema_is_refused(connection: Connection, schema: str) -> None:
    with pytest.raises(SchemaRefused):
        publish_schema(connection, "default", "ticket", schema)


def test_a_topic_belongs_to_one_tenant_until_it_is_bound_anew(connection: Connection) -> None:
    create_tenant(connection, "acme")
    bound = bind_topic(connection, "orders", "default")
    bound_again = bind_topic(connection, "orders", "default")

    with pytest.raises(TopicBound):
        bind_topic(connection, "orders", "acme")
    with pytest.raises(TopicBound):
        publish_route(connection, "acme", ROUTE.replace("jira.tickets", "orders"))
    bind_topic(connection, "orders", "acme", rebind=True)

    assert (bound, bound_again) == (True, False)
    catalog = load_catalog(connection)
    assert catalog.topic_tenant("orders") == catalog.tenant("acme")


def test_names_are_checked_and_given_once(connection: Connection) -> None:
    create_tenant(connection, "acme")

    with pytest.raises(TenantExists):
        create_tenant(connection, "acme")
    with pytest.raises(BadName):
        create_tenant(connection, "a/b")
    with pytest.raises(BadName):
        bind_topic(connection, "no topic", "acme")
    with pytest.raises(UnknownTenant):
        bind_topic(connection, "orders", "acne")

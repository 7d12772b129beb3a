"""Tenants, and the topics that belong to them."""

from __future__ import annotations

from typing import Final

from foliot.registry.changes import Call, Outcome, perform
from foliot.registry.failures import TenantExists
from foliot.registry.names import check_slug, check_topic
from foliot.registry.routing import bind
from foliot.store import Connection, load

_SQL: Final = load("registry")


def create_tenant(connection: Connection, slug: str, *, by: str = "") -> int:
    """Make a tenant and give its number.

    Raises:
        BadName: it is no slug.
        TenantExists: the slug is taken.
    """
    check_slug(slug, "tenant")

    def act(_tenant: int, _revision: int) -> Outcome:
        if any(slug == taken for _, taken in _SQL["list_tenants"].run(connection)):
            raise TenantExists(f"there is a tenant {slug!r} already", where="tenant")
        ((number,),) = _SQL["insert_tenant"].run(connection, {"slug": slug})
        return Outcome({"number": number}, tenant=number)

    return int(perform(connection, Call("create_tenant", None, {"slug": slug}, by), act)["number"])


def list_tenants(connection: Connection) -> tuple[str, ...]:
    """Give the slugs of all tenants."""
    return tuple(slug for _, slug in _SQL["list_tenants"].run(connection))


def bind_topic(connection: Connection, topic: str, tenant: str, *, rebind: bool = False, by: str = "") -> bool:
    """Say whose the events of a topic are; tell whether that changed anything.

    Raises:
        TopicBound: it belongs to another tenant, and `rebind` is false.
    """
    check_topic(topic)

    def act(number: int, _revision: int) -> Outcome:
        changed = bind(connection, number, topic, rebind=rebind)
        return Outcome({"changed": changed}, changed=changed)

    return bool(perform(connection, Call("bind_topic", tenant, {"topic": topic}, by), act)["changed"])

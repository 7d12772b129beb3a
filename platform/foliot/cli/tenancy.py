"""`foliot tenant create`, `topic bind`, `route publish` and `schema publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foliot import registry
from foliot.cli.addresses import Tenant, service, whoami
from foliot.cli.answers import Answer
from foliot.cli.checking import Files
from foliot.cli.files import read_file


def create(slug: Annotated[str, typer.Argument(help="At most 63 lower-case letters, digits, - and _.")]) -> Answer:
    """Make a tenant."""
    with service() as (connection, _):
        number = registry.create_tenant(connection, slug, by=whoami())
    return Answer({"slug": slug, "number": number}, (f"tenant {slug} created",))


def bind(
    topic: Annotated[str, typer.Argument(help="A Kafka topic.")],
    *,
    tenant: Tenant = "",
    rebind: Annotated[bool, typer.Option("--rebind", help="Take it away from the tenant that has it.")] = False,
) -> Answer:
    """Bind a topic to a tenant: its events are that tenant's."""
    with service() as (connection, settings):
        owner = tenant or settings.tenant
        changed = registry.bind_topic(connection, topic, owner, rebind=rebind, by=whoami())
    line = f"topic {topic} {'is now' if changed else 'was already'} bound to {owner}"
    return Answer({"topic": topic, "tenant": owner, "changed": changed}, (line,))


def publish_route(files: Files, *, tenant: Tenant = "") -> Answer:
    """Publish routes (YAML or JSON); one of the same name is replaced. Their topics are bound to the tenant."""
    with service() as (connection, settings):
        owner = tenant or settings.tenant
        routes = [
            registry.publish_route(connection, owner, read_file(file), by=whoami(), filename=str(file))
            for file in files
        ]
    return Answer(routes, tuple(f"route {route.name} published for topic {route.topic}" for route in routes))


def publish_schema(
    name: Annotated[str, typer.Argument(help="The name that routes use.")],
    file: Annotated[Path, typer.Argument(help="JSON Schema, draft 2020-12, as JSON; - is standard input.")],
    *,
    tenant: Tenant = "",
) -> Answer:
    """Publish a JSON Schema that routes can hold records to; one of the same name is replaced."""
    with service() as (connection, settings):
        registry.publish_schema(connection, tenant or settings.tenant, name, read_file(file), by=whoami())
    return Answer({"name": name}, (f"schema {name} published",))

"""The commands that come with the package `foliot` itself."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from foliot.cli.commands import Late, builtin

GROUPS: Final = MappingProxyType(
    {
        "channel": "Look at channels and move them.",
        "db": "The database.",
        "route": "Make events of records of foreign topics.",
        "schema": "Schemas that routes name.",
        "tenant": "Tenants.",
        "topic": "Say whose topics are.",
    }
)
"""First words that several commands share."""

BUILTINS: Final[tuple[Late, ...]] = (
    builtin("check", "foliot.cli.checking:check", "Tell everything that is wrong with definitions."),
    builtin("publish", "foliot.cli.publishing:publish", "Publish machines."),
    builtin("machines", "foliot.cli.publishing:machines", "List machines."),
    builtin("versions", "foliot.cli.publishing:versions", "List the versions of a machine."),
    builtin("diff", "foliot.cli.publishing:compare", "Tell what differs between two versions."),
    builtin("deprecate", "foliot.cli.publishing:deprecate", "Take a version out of use."),
    builtin("channel show", "foliot.cli.channels:show", "Show the channels of a machine."),
    builtin("channel move", "foliot.cli.channels:move", "Point a channel at a version."),
    builtin("topic bind", "foliot.cli.tenancy:bind", "Bind a topic to a tenant."),
    builtin("route publish", "foliot.cli.tenancy:publish_route", "Publish routes."),
    builtin("schema publish", "foliot.cli.tenancy:publish_schema", "Publish a JSON Schema."),
    builtin("tenant create", "foliot.cli.tenancy:create", "Make a tenant."),
    builtin("db upgrade", "foliot.cli.database:upgrade", "Bring the database to the newest tables."),
    builtin("db status", "foliot.cli.database:status", "Tell whether the database is there and up to date."),
    builtin("up", "foliot.cli.machine_servers:up", "Start all servers and programs on this machine."),
    builtin("down", "foliot.cli.machine_servers:down", "Stop all that `up` has started."),
    builtin("status", "foliot.cli.machine_servers:status", "Tell what runs on this machine."),
    builtin("logs", "foliot.cli.machine_servers:logs", "Show the last lines of a part's log."),
)

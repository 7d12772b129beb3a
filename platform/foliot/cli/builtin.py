"""The commands that come with the package `foliot` itself."""

from __future__ import annotations

from foliot.cli.commands import Commands


def register(commands: Commands) -> Commands:
    """Add them."""
    commands.group("channel", "Look at channels and move them.")
    commands.group("dead-letters", "Look at events that were set aside and redrive them.")
    commands.group("db", "The database.")
    commands.group("dead-letters", "Look at events that were set aside and redrive them.")
    commands.group("language", "The language of machines.")
    commands.group("route", "Make events of records of foreign topics.")
    commands.group("schema", "Schemas that routes name.")
    commands.group("tenant", "Tenants.")
    commands.group("topic", "Say whose topics are.")
    commands.add("check", "foliot.cli.checking:check", "Tell everything that is wrong with definitions.")
    commands.add("diagram", "foliot.cli.drawing:diagram", "Draw a machine, with an instance in it.")
    commands.add("init", "foliot.cli.starting:init", "Begin a project: a machine, its tests, a compose file.")
    commands.add("explain", "foliot.cli.explanations:explain", "Tell what a code means and what to do.")
    commands.add("language schema", "foliot.cli.language:schema", "Write the JSON Schema of the language, for editors.")
    commands.add("publish", "foliot.cli.publishing:publish", "Publish machines.")
    commands.add("machines", "foliot.cli.publishing:machines", "List machines.")
    commands.add("versions", "foliot.cli.publishing:versions", "List the versions of a machine.")
    commands.add("diff", "foliot.cli.publishing:compare", "Tell what differs between two versions.")
    commands.add("deprecate", "foliot.cli.publishing:deprecate", "Take a version out of use.")
    commands.add("channel show", "foliot.cli.channels:show", "Show the channels of a machine.")
    commands.add("channel move", "foliot.cli.channels:move", "Point a channel at a version.")
    commands.add("topic bind", "foliot.cli.tenancy:bind", "Bind a topic to a tenant.")
    commands.add("route publish", "foliot.cli.tenancy:publish_route", "Publish routes.")
    commands.add("schema publish", "foliot.cli.tenancy:publish_schema", "Publish a JSON Schema.")
    commands.add("tenant create", "foliot.cli.tenancy:create", "Make a tenant.")
    commands.add("show", "foliot.cli.instances:show", "Show an instance.")
    commands.add("history", "foliot.cli.instances:history", "List the steps of an instance.")
    commands.add("release", "foliot.cli.instances:release", "Let a held instance go on.")
    commands.add("dead-letters list", "foliot.cli.letters:list_letters", "List dead letters.")
    commands.add("dead-letters show", "foliot.cli.letters:show", "Show one dead letter whole.")
    commands.add("dead-letters redrive", "foliot.cli.letters:redrive", "Give dead letters another chance.")
    commands.add("verify", "foliot.cli.proving:verify", "Prove that every instance is the fold of its journal.")
    commands.add("db upgrade", "foliot.cli.database:upgrade", "Bring the database to the newest tables.")
    commands.add("db status", "foliot.cli.database:status", "Tell whether the database is there and up to date.")
    commands.add("up", "foliot.cli.machine_servers:up", "Start all servers and programs on this machine.")
    commands.add("down", "foliot.cli.machine_servers:down", "Stop all that `up` has started.")
    commands.add("status", "foliot.cli.machine_servers:status", "Tell what runs on this machine.")
    commands.add("logs", "foliot.cli.machine_servers:logs", "Show the last lines of a part's log.")
    commands.add("demo", "foliot.cli.demonstration:demo", "Stream events through everything and check each step.")
    return commands

"""`foliot db upgrade` and `foliot db status`."""

from __future__ import annotations

from typing import Any, Final

from foliot.cli.addresses import address, read_settings
from foliot.cli.answers import Answer, Table
from foliot.errors import Refusal
from foliot.store import Connection, connect, load
from foliot.store.schema import newest_revision
from foliot.store.schema import upgrade as upgrade_database

_SQL: Final = load("registry")


def upgrade() -> Answer:
    """Bring the database to the newest tables, as the owner of the tables; a new database gets FOLIOT_SHARDS shards."""
    settings = read_settings()
    revision = upgrade_database(address(settings, "dsn_owner"), shards=settings.shards)
    return Answer({"revision": revision}, (f"the database is at {revision}",))


def status() -> Answer:
    """Tell whether the database is there and up to date; exit code 1 where it is not."""
    settings = read_settings()
    newest = newest_revision()
    with connect(address(settings, "dsn_owner"), application="foliot") as connection:
        revision = _ask(connection, "read_tables_revision")[0] if _ask(connection, "has_tables")[0] else None
        installation = _ask(connection, "read_installation") if revision else (None, None, None)
    registry_revision, semantics, shards = installation
    data = {
        "tables": revision,
        "newest": newest,
        "registry_revision": registry_revision,
        "semantics": semantics,
        "shards": shards,
    }
    rows = tuple((name, "" if value is None else str(value)) for name, value in data.items())
    refusal = None
    if revision != newest:
        what = f"the tables are at {revision}, not at {newest}" if revision else "the database has no tables of Foliot"
        refusal = Refusal("database_outdated", what, "dsn_owner", "Run: foliot db upgrade")
    return Answer(data, (Table(("what", "value"), rows),), refusal)


def _ask(connection: Connection, name: str) -> tuple[Any, ...]:
    return _SQL[name].run(connection).fetchone() or (None,)

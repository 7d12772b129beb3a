"""A connection of the service role to a database of the test's own, and machines to publish."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from addresses import Database

from foliot.store import Connection, connect


@pytest.fixture
def connection(fresh_database: Database) -> Iterator[Connection]:
    with connect(fresh_database.service, application="test") as connection:
        yield connection

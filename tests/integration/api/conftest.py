"""A database with machines, the HTTP API over its front role, and hands that step what came in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from addresses import WORK, Database

from foliot.access import SCOPES, Scope, make_key
from foliot.api import Doors, Server, make_api, server_config
from foliot.registry import create_tenant, publish
from foliot.runtime import NoWake, Stepper
from foliot.settings import Settings
from foliot.store import connect

PEPPER = "p" * 32
PLAIN = "sslmode=disable&gssencmode=disable"
"""What the proxy needs to follow a connection to Postgres."""
EXAMPLES = Path(__file__).parents[3] / "examples"


@dataclass
class Site:
    """Two tenants, `default` and `other`, each with the incident machine; a client of the API for each key."""

    database: Database
    settings: Settings
    doors: Doors
    client: httpx.Client
    keys: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)

    def key(self, tenant: str = "default", *scopes: Scope) -> str:
        """Give a key of a tenant, with all scopes unless some are named."""
        wanted = scopes or SCOPES
        if (tenant, wanted) not in self.keys:
            with closing(connect(self.database.service, application="test")) as connection:
                made = make_key(connection, PEPPER, tenant, name="test", scopes=wanted, days=None, by="test")
            self.keys[tenant, wanted] = made.token
        return self.keys[tenant, wanted]

    def headers(self, tenant: str = "default", *scopes: Scope) -> dict[str, str]:
        """Give the header of a key."""
        return {"authorization": f"Bearer {self.key(tenant, *scopes)}"}

    def send(self, key: str = "INC-1", *, tenant: str = "default", query: str = "", **attributes: Any) -> Any:
        """Send an event in structured mode."""
        document = {
            "specversion": "1.0",
            "id": f"{key}-1",
            "source": "test",
            "type": "reported",
            "subject": key,
            "foliotmachine": "incident",
            "data": {"severity": 3},
            **attributes,
        }
        headers = {**self.headers(tenant), "content-type": "application/cloudevents+json"}
        return self.client.post(f"/v1/events{query}", json=document, headers=headers)

    def get(self, path: str, *, tenant: str = "default", **headers: str) -> Any:
        """Read something."""
        return self.client.get(path, headers={**self.headers(tenant), **headers})

    def step(self) -> None:
        """Step until nothing waits."""
        with (
            closing(Stepper(self.settings, writer="test")) as stepper,
            closing(connect(self.database.service, application="test")) as connection,
        ):
            while connection.execute(WORK).fetchall():
                connection.rollback()
                stepper.run_batch()


@contextmanager
def serving(doors: Doors) -> Iterator[httpx.Client]:
    """Serve the API on a free port, in a thread; give a client of it."""
    settings = doors.settings.model_copy(update={"api_port": 0, "api_host": "127.0.0.1"})
    server = Server(server_config(make_api(doors), settings), doors)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.fixture
def site(fresh_database: Database, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Serve; settings come by indirect parameters."""
    with open_site(fresh_database, **getattr(request, "param", {})) as opened:
        yield opened


@contextmanager
def open_site(database: Database, **changes: Any) -> Iterator[Site]:
    """Serve the API over a new database, with other settings than the usual where they are named."""
    with closing(connect(database.service, application="test")) as connection:
        create_tenant(connection, "other")
        for tenant in ("default", "other"):
            text = (EXAMPLES / "incident" / "incident.v1.yaml").read_text()
            publish(connection, tenant, text, filename="incident.yaml", by="test")
    settings = Settings(
        dsn_service=database.service, dsn_front=database.front, key_pepper=PEPPER, steal_after_ms=0, **changes
    )
    doors = Doors(settings, NoWake())
    with serving(doors) as client:
        yield Site(database, settings, doors, client)


def gauge(doors: Doors, name: str) -> float:
    """Read a number of an API's meters."""
    return doors.meters.registry.get_sample_value(name) or 0.0

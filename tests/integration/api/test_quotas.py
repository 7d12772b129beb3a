"""A key sends as many events as it may, and is told how many are left."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
import pytest
from integration.api.conftest import serving

from foliot.api import Doors
from foliot.api.pace import Buckets
from foliot.runtime import NoWake

if TYPE_CHECKING:
    import httpx
    from conftest import Site


def _send(client: httpx.Client, site: Site, count: int, name: str) -> Any:
    events = [
        {
            "specversion": "1.0",
            "id": f"{name}{number}",
            "source": "test",
            "type": "reported",
            "subject": "INC-1",
            "foliotmachine": "incident",
        }
        for number in range(count)
    ]
    headers = {**site.headers(), "content-type": "application/cloudevents-batch+json"}
    return client.post("/v1/events", content=orjson.dumps(events), headers=headers)


def _taken_in(site: Site) -> int:
    with psycopg.connect(site.database.owner) as connection:
        row = connection.execute("SELECT count(*) FROM inbox").fetchone()
    return int(row[0]) if row else 0


def test_a_key_sends_no_more_events_a_day_than_it_may(site: Site) -> None:
    settings = site.settings.model_copy(update={"api_events_per_day": 5})
    with serving(Doors(settings, NoWake())) as client:
        first, second, third = (_send(client, site, count, name) for count, name in ((3, "a"), (3, "b"), (2, "c")))

    assert [answer.status_code for answer in (first, second, third)] == [202, 429, 202]
    assert first.headers["ratelimit-policy"] == '"day";q=5;w=86400'
    assert re.fullmatch(r'"day";r=2;t=\d+', first.headers["ratelimit"])
    assert second.json()["code"] == "too_many_requests"
    assert 0 < int(second.headers["retry-after"]) <= 86_400
    assert _taken_in(site) == 5


def test_a_key_that_sends_too_fast_is_told_when_to_come_again(site: Site) -> None:
    settings = site.settings.model_copy(update={"api_events_per_s": 0.01})
    with serving(Doors(settings, NoWake())) as client:
        first, second = _send(client, site, 3, "a"), _send(client, site, 1, "b")

    assert [answer.status_code for answer in (first, second)] == [202, 429]
    assert first.headers["ratelimit"].startswith('"burst";r=0;t=')
    # 300 seconds, less what has passed between the two.
    assert int(second.headers["retry-after"]) > 200
    assert _taken_in(site) == 3


def test_nothing_more_comes_in_while_too_much_waits(site: Site) -> None:
    settings = site.settings.model_copy(update={"inbox_depth_max": 2})
    _send(site.client, site, 3, "a")
    event = {"specversion": "1.0", "id": "b", "source": "test", "type": "reported", "subject": "INC-1"}
    content = orjson.dumps(event | {"foliotmachine": "incident"})
    headers = {**site.headers(), "content-type": "application/cloudevents+json"}
    with serving(Doors(settings, NoWake())) as client:
        # The short way, the framework's, and a batch.
        refused = [client.post(f"/v1/events{query}", content=content, headers=headers) for query in ("", "?wait=0")]
        refused.append(_send(client, site, 1, "b"))
    waiting = _taken_in(site)
    site.step()
    with serving(Doors(settings, NoWake())) as client:
        accepted = client.post("/v1/events", content=content, headers=headers)

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(429, "inbox_full")] * 3
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert waiting == 3
    assert accepted.status_code == 202


def test_without_quotas_nothing_is_said_of_them(site: Site) -> None:
    answer = _send(site.client, site, 2, "a")

    assert answer.status_code == 202
    assert "ratelimit" not in answer.headers


@pytest.mark.parametrize(("amount", "granted"), [(1, 4), (10, 1)])
def test_a_bucket_lets_a_large_amount_have_its_turn_and_owes_the_rest(amount: int, granted: int) -> None:
    bucket = Buckets(per_s=0.001, full=4)

    waits = [bucket.take("a", amount) for _ in range(6)]

    assert sum(wait == 0 for wait in waits) == granted
    assert bucket.take("b", amount) == 0

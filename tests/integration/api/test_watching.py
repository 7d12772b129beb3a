"""Steps as streams: told once each whatever breaks, to those who may see them, and no more of them than is good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from integration.api.streams import Stream

if TYPE_CHECKING:
    from conftest import Site


def watch(site: Site, path: str, *, tenant: str = "default", last_id: str = "") -> Stream:
    headers = site.headers(tenant) | ({"last-event-id": last_id} if last_id else {})
    return Stream(site.client.base_url, path, headers)


def test_a_watcher_is_told_the_present_state_then_each_step(site: Site) -> None:
    site.send("INC-1")
    site.step()

    with watch(site, "/v1/instances/incident/INC-1/watch") as stream:
        present = next(stream.told())
        site.send("INC-1", id="2")
        site.send("INC-2")
        site.step()
        [told] = stream.steps(1)

    assert (present.event, present.data["position"]) == ("instance", 2)
    assert present.data == site.get("/v1/instances/incident/INC-1").json() | present.data
    assert told.data == site.get("/v1/instances/incident/INC-1/history").json()["items"][0]
    assert stream.head["content-type"].startswith("text/event-stream")

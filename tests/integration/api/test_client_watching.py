"""The client's watches over the API: cut off again and again, every step comes once."""

from __future__ import annotations

import threading
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from driven import Driven
from faults.proxy import Proxy

from foliot.client import Client, Event, Instance, Patience, PlaceGone, RequestRefused, Step, Watched

if TYPE_CHECKING:
    from conftest import Site

COUNT = 30
QUICK = Patience(total_s=30, pause_s_first=0.01, pause_s_max=0.05)


@pytest.fixture(params=[Client, Driven], ids=["blocking", "asyncio"])
def kind(request: pytest.FixtureRequest) -> Any:
    """One client's class and the other's."""
    return request.param


def an_event(number: int, key: str = "INC-1") -> Event:
    return Event(machine="incident", key=key, type="reported", data={"severity": 3, "number": number})


def test_a_watch_that_is_cut_off_has_every_step_of_the_history_once(site: Site, kind: Any) -> None:
    target = f"{site.client.base_url.host}:{site.client.base_url.port}"
    seen: list[Watched] = []
    with Proxy(target) as proxy, kind(f"http://{proxy.address}", key=site.key(), patience=QUICK) as client:
        site.send()
        site.step()
        watch = client.watch("incident", "INC-1", from_start=True)
        seen.append(next(watch))
        for number in range(COUNT):
            proxy.cut()
            site.send(id=f"more-{number}", data={"severity": 3})
            site.step()
            seen.append(next(watch))
        watch.close()
        seen += islice(client.watch("incident", "INC-1", after=seen[-1].place), 1)

        history = list(client.history("incident", "INC-1"))

    assert [each.what.n for each in seen] == sorted(step.n for step in history)


def test_a_watch_from_now_on_begins_with_the_instance_as_it_is(site: Site, kind: Any) -> None:
    site.send()
    site.step()
    with kind(str(site.client.base_url), key=site.key(), patience=QUICK) as client:
        watch = client.watch("incident", "INC-1")
        first = next(watch)
        site.send(id="another")
        site.step()
        second = next(watch)
        watch.close()

    assert isinstance(first.what, Instance)
    assert isinstance(second.what, Step)
    assert second.what.n > first.what.n


def test_all_instances_are_watched_through_a_filter(site: Site, kind: Any) -> None:
    with kind(str(site.client.base_url), key=site.key(), patience=QUICK) as client:
        watch = client.watch_all(machine="incident", filter="step.kind == 'event' && step.key != 'INC-2'")
        later = threading.Thread(target=_send_and_step, args=[site])
        later.start()
        seen = [next(watch).what.key, next(watch).what.key]
        later.join()
        watch.close()

        with pytest.raises(RequestRefused):
            next(client.watch_all(filter="step."))
        with pytest.raises((RequestRefused, PlaceGone)):
            next(client.watch("incident", "INC-1", after="nowhere"))

    assert sorted(seen) == ["INC-1", "INC-3"]


def _send_and_step(site: Site) -> None:
    """Let something happen once somebody watches: with its answer begins what a watcher from now on is told."""
    watched = {"method": "GET", "route": "/v1/watch", "status": "200"}
    while not site.doors.meters.registry.get_sample_value("foliot_api_requests_total", watched):
        time.sleep(0.01)
    for key in ("INC-1", "INC-2", "INC-3"):
        site.send(key)
    site.step()

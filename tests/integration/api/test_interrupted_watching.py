"""Watchers beside workers that commit, cut off again and again: every step is told, and none twice."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import groupby, islice
from typing import TYPE_CHECKING

import pytest
from integration.api.streams import Told, journal, repeating, watch

from foliot.history import Follower, Landings, Subject, look
from foliot.runtime import Stepper
from foliot.store import connect, end_reading

if TYPE_CHECKING:
    from conftest import Site

CUTS = 100
BYTES_MAX = 6_000
BATCH = 60
EVENTS_MAX = 6_000
ROWS = 300


@contextmanager
def busy(site: Site) -> Iterator[None]:
    """Send batches of events for three keys and step them with two steppers until the block ends; then the rest."""
    headers = site.headers() | {"content-type": "application/cloudevents-batch+json"}
    numbers = iter(range(EVENTS_MAX))

    def send() -> None:
        events = [
            {
                "specversion": "1.0",
                "id": f"{number}",
                "source": "test",
                "type": "noted" if number % 4 else "reported",
                "subject": f"INC-{number % 3}",
                "foliotmachine": "incident",
                "data": {"severity": number % 5 + 1},
            }
            for number in islice(numbers, BATCH)
        ]
        assert site.client.post("/v1/events", json=events, headers=headers).status_code == 202
        time.sleep(0.1)

    settings = site.settings.model_copy(update={"step_batch": 7})
    with (
        closing(Stepper(settings, writer="one")) as one,
        closing(Stepper(settings, writer="two")) as two,
        repeating(send, one.run_batch, two.run_batch),
    ):
        yield
    site.step()


def interrupted(site: Site, path: str) -> Iterator[Told]:
    """Watch while much happens, broken off a hundred times after some bytes; then to the end of what there is."""
    drawn = random.Random(path)
    with watch(site, path) as stream:
        last_id = next(stream.told()).id
    with busy(site):
        for _ in range(CUTS):
            with watch(site, path, last_id=last_id) as stream:
                yield from stream.told(bytes_max=drawn.randrange(1, BYTES_MAX))
                last_id = stream.last_id
    with watch(site, f"{path}{'&' if '?' in path else '?'}seconds=0", last_id=last_id) as stream:
        yield from stream.told()


@pytest.mark.parametrize("site", [{"api_heartbeat_s": 0.05}], indirect=True)
def test_a_watcher_of_an_instance_that_is_cut_off_a_hundred_times_is_told_each_step_once(site: Site) -> None:
    told = list(interrupted(site, "/v1/instances/incident/INC-1/watch"))

    steps = [each.data["n"] for each in told if each.event == "step"]
    assert steps == [row["n"] for row in journal(site, "INC-1")]
    assert len(steps) > CUTS


@pytest.mark.parametrize("site", [{"api_heartbeat_s": 0.05}], indirect=True)
def test_a_watcher_of_all_with_a_filter_that_is_cut_off_a_hundred_times_is_told_each_step_once(site: Site) -> None:
    told = list(interrupted(site, "/v1/watch?filter=step.data.severity>=3%26%26step.key!='INC-2'"))

    steps = [(each.data["shard"], each.data["n"]) for each in told if each.event == "step"]
    wanted = [row for row in journal(site) if row["key"] != "INC-2" and (row["data"] or {}).get("severity", 0) >= 3]
    by_shard = {
        shard: [n for _, n in each]
        for shard, each in groupby(sorted(steps, key=lambda step: step[0]), key=lambda step: step[0])
    }
    assert sorted(steps) == [(row["shard"], row["n"]) for row in wanted]
    assert all(ns == sorted(ns) for ns in by_shard.values())
    assert len(steps) > CUTS


def test_every_row_up_to_a_committed_cursor_is_there_for_a_later_statement(site: Site) -> None:
    read: dict[int, list[int]] = {}
    with busy(site), closing(connect(site.database.service, application="test")) as connection:
        shards = range(64)
        start = look(connection, shards)
        end_reading(connection)
        ns = {shard: start.shards[shard].n for shard in shards}
        follower = Follower(Subject(1), start.epoch, ns, Landings())
        while sum(map(len, read.values())) < ROWS:
            progress = look(connection, shards)
            for step in follower.read(connection, progress):
                read.setdefault(step.shard, []).append(step.entry.n)

            # All are of one tenant: of a row that was not to be seen yet, the number would be missing for ever.
            assert follower.ns == {shard: reached.n for shard, reached in progress.shards.items()}
            assert all(ns == list(range(1, follower.ns[shard] + 1)) for shard, ns in read.items())

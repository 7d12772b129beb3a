"""The real command, its processes and what is done to them."""

from __future__ import annotations

from integration.workers.site_of_incidents import Site, Start


def test_events_are_stepped_once_each_and_the_end_leaves_nothing(site: Site, start_worker: Start) -> None:
    worker = start_worker()

    for number in range(20):
        site.send(f"k{number}", 10)
    site.wait_until_stepped()
    code = worker.end()

    site.assert_each_applied_once()
    assert code == 0
    assert not worker.left()

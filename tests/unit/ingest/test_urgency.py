"""When a reader takes short batches."""

from __future__ import annotations

import pytest

from foliot_ingest import urgency
from foliot_ingest.urgency import UrgentTraffic


def test_urgent_records_are_remembered_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((5.0, 10.0, 10.9, 11.1))
    monkeypatch.setattr(urgency.time, "monotonic", lambda: next(clock))
    traffic = UrgentTraffic()

    before = traffic.recent()
    traffic.note()

    assert (before, traffic.recent(), traffic.recent()) == (False, True, False)

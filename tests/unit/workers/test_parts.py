"""The small parts of a worker's processes."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time

from foliot.runtime import find_wake
from foliot.settings import Settings
from foliot_workers.app import make_app
from foliot_workers.child import Patience
from foliot_workers.lifeline import child_count
from foliot_workers.page import SharedPage
from foliot_workers.waking import CeleryWake


def test_one_sweep_is_claimed_for_an_interval() -> None:
    page = SharedPage()

    claims = [page.claim_sweep(60.0) for _ in range(3)]

    assert claims == [True, False, False]
    assert page.claim_sweep(0.0)


def test_all_children_see_for_a_while_that_urgent_events_came() -> None:
    page = SharedPage()

    before = page.urgent_within(60.0)
    page.note_urgent()

    assert (before, page.urgent_within(60.0), page.urgent_within(0.0)) == (False, True, False)


def test_a_forked_process_sees_that_the_end_was_asked_for() -> None:
    page = SharedPage()
    child = multiprocessing.get_context("fork").Process(target=_exit_when_stopping, args=(page,))
    child.start()

    page.stop()
    child.join(60)

    assert child.exitcode == 7


def _exit_when_stopping(page: SharedPage) -> None:
    while not page.stopping:
        time.sleep(0.001)
    os._exit(7)


def test_a_zombie_counts_as_no_child() -> None:
    before = child_count(os.getpid())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)

    count = child_count(os.getpid())
    ended.wait()

    assert count == before


def test_pauses_grow_to_a_second_and_begin_anew() -> None:
    patience = Patience()

    pauses = [patience.next_pause_s() for _ in range(10)]
    patience.reset()

    assert pauses[0] <= 0.02
    assert 0.5 <= pauses[-1] <= 1.0
    assert patience.next_pause_s() <= 0.02


def test_celery_takes_json_alone_and_keeps_no_results() -> None:
    conf = make_app(Settings(broker_url="redis://127.0.0.1:1/0")).conf

    assert conf.accept_content == ["json"]
    assert conf.task_ignore_result
    assert not conf.task_acks_late
    assert conf.worker_prefetch_multiplier == 1


def test_celery_wakes_where_a_broker_is_named() -> None:
    wake = find_wake(Settings(broker_url="redis://127.0.0.1:1/0"))

    assert isinstance(wake, CeleryWake)

import subprocess
import sys
import time

import psutil
import pytest
from benchmarks.rig import MachineClock, SessionWatch, Sight, context_switches, cpu_seconds, stop

BURN = "import time\nend = time.process_time() + 0.4\nwhile time.process_time() < end: pass\n"


def test_a_child_that_has_ended_is_counted_through_its_parent() -> None:
    code = f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {BURN!r}])\nprint()\ntime.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()

    seconds = cpu_seconds({"parent": parent.pid})["parent"]

    stop([parent])
    parent.stdout.close()
    assert seconds >= 0.3


def test_a_watcher_is_not_counted() -> None:
    worker = subprocess.Popen([sys.executable, "-c", f"{BURN}print()\ntime.sleep(60)"], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    worker.stdout.readline()

    counted = cpu_seconds({"worker": worker.pid})["worker"]
    without = cpu_seconds({"worker": worker.pid}, without=frozenset({worker.pid}))["worker"]

    stop([worker])
    worker.stdout.close()
    assert counted >= 0.3
    assert without == 0


def test_stop_ends_the_children_of_those_that_will_not_end() -> None:
    code = (
        "import signal, subprocess, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\ntime.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())

    stop([parent], grace_s=0.1)

    parent.stdout.close()
    deadline = time.monotonic() + 60
    while _lives(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert parent.returncode is not None
    assert not _lives(child)


def test_stolen_time_is_a_share_of_all_time() -> None:
    before = MachineClock(busy=10, idle=20, stolen=1, load=0)
    after = MachineClock(busy=12, idle=25, stolen=4, load=0)

    assert after.stolen_since(before) == 0.3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the switches of a thread")
def test_the_switches_of_all_threads_are_counted() -> None:
    code = (
        "import sys, threading, time\n"
        "def nap():\n"
        "    for _ in range(200): time.sleep(0.001)\n"
        "    print(flush=True)\n"
        "    time.sleep(60)\n"
        "threading.Thread(target=nap, daemon=True).start()\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()

    switches = context_switches({"parent": parent.pid})["parent"]

    stop([parent])
    parent.stdout.close()
    # A nap that is over before its thread is put aside is no switch.
    assert switches.voluntary >= 100


def test_a_look_with_two_waiting_sessions_is_one_look() -> None:
    watch = SessionWatch()
    waiting = Sight("foliot-ingest calm", "active", "Lock", "transactionid")

    watch.add([waiting, waiting, Sight("foliot-sweep 1", "idle", "Client", "ClientRead")])
    watch.add([])

    assert watch.looks == 2
    assert watch.share_with("Lock") == 0.5
    assert watch.share_with("LWLock") == 0
    assert watch.sights[waiting] == 2


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

"""One supervisor starts, keeps and ends all, and its successor clears up after its death."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from foliot.local import (
    Config,
    NotReadyInTime,
    ProcessDied,
    Program,
    Status,
    start_in_background,
    status,
    stop,
)
from foliot.local.supervisor.processes import Identity, identity_of

LONG_LIVED = (sys.executable, "-c", "import time; time.sleep(600)")
WITH_GRANDCHILD = ("sh", "-c", "sleep 600 & wait")
PRINT_ENVIRONMENT = (
    sys.executable,
    "-c",
    "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith('FOLIOT_')}))",
)


@pytest.fixture
def state_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="foliot-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        state = Path(folder) / "state"
        yield state
        stop(state)


def test_servers_are_prepared_before_the_programs_start_and_all_know_the_addresses(
    state_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Said of other brokers.
    monkeypatch.setenv("FOLIOT_KAFKA_SECURITY_PROTOCOL", "SSL")
    config = Config(
        state_folder=state_folder,
        prepare=(PRINT_ENVIRONMENT,),
        programs=(Program(name="show", argv=PRINT_ENVIRONMENT, env={"FOLIOT_EXTRA": "1"}, restart=False),),
    )
    lines: list[str] = []

    ready = start_in_background(config, progress=lines.append)

    assert ready.phase == "ready"
    events = [line.partition(" ")[0] for line in lines]
    assert events.index("prepare_done") < events.index("program_started") < events.index("all_ready")
    prepared = json.loads((state_folder / "logs" / "prepare.log").read_text())
    assert prepared.items() >= ready.environment.items()
    assert "FOLIOT_KAFKA_SECURITY_PROTOCOL" not in prepared
    _eventually(lambda: _exit_code(state_folder, "show") == 0)
    shown = json.loads((state_folder / "logs" / "show.log").read_text())
    assert shown == prepared | {"FOLIOT_EXTRA": "1"}
    with psycopg.connect(ready.environment["FOLIOT_DSN_OWNER"]) as connection:
        assert connection.info.dbname == "foliot"


def test_a_second_start_reports_the_first_one(state_folder: Path) -> None:
    config = Config(state_folder=state_folder)

    first = start_in_background(config)
    second = start_in_background(config)

    assert second == first


def test_two_starts_at_once_end_with_one_supervisor(state_folder: Path) -> None:
    program = (
        "import pathlib, sys; from foliot.local import Config, start_in_background; "
        "print(start_in_background(Config(state_folder=pathlib.Path(sys.argv[1]))).supervisor.pid)"
    )
    argv = [sys.executable, "-c", program, str(state_folder)]
    with (
        subprocess.Popen(argv, stdout=subprocess.PIPE) as one,
        subprocess.Popen(argv, stdout=subprocess.PIPE) as other,
    ):
        first, _ = one.communicate(timeout=120)
        second, _ = other.communicate(timeout=120)

    assert (one.returncode, other.returncode) == (0, 0)
    assert first == second


def test_what_dies_is_started_again_at_the_same_address(state_folder: Path) -> None:
    config = Config(state_folder=state_folder, programs=(Program(name="worker", argv=LONG_LIVED),))
    before = start_in_background(config)

    for name in ("postgres", "valkey", "worker"):
        _process(before, name).tell(signal.SIGKILL)

    # PostgreSQL may be started more than once: it does not begin while a process of the dead one is not quite gone.
    _eventually(lambda: all((_restarts(state_folder, name) or 0) >= 1 for name in ("postgres", "valkey", "worker")))
    _eventually(lambda: _can_connect(before.environment["FOLIOT_DSN_OWNER"]))
    after = status(state_folder)
    assert after.environment == before.environment
    assert _process(after, "worker") != _process(before, "worker")
    assert (_restarts(state_folder, "valkey"), _restarts(state_folder, "worker")) == (1, 1)


def test_postgres_comes_back_although_a_backend_was_busy_when_it_died(state_folder: Path) -> None:
    ready = start_in_background(Config(state_folder=state_folder))
    dsn = ready.environment["FOLIOT_DSN_OWNER"]
    query = "SELECT count(*) FROM generate_series(1, 100000000000)"
    argv = [sys.executable, "-c", f"import psycopg; psycopg.connect({dsn!r}).execute({query!r})"]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as client:
        _eventually(lambda: _is_busy(dsn))

        _process(ready, "postgres").tell(signal.SIGKILL)

        _eventually(lambda: _can_connect(dsn))
        client.kill()
    # Killing the backend takes a moment; waiting for the end of its query would take many starts.
    assert (_restarts(state_folder, "postgres") or 0) <= 4


def test_a_program_that_keeps_dying_is_started_ever_more_slowly(state_folder: Path) -> None:
    config = Config(state_folder=state_folder, programs=(Program(name="broken", argv=("sh", "-c", "exit 3")),))

    start_in_background(config)
    _eventually(lambda: (_restarts(state_folder, "broken") or 0) >= 4)

    assert _exit_code(state_folder, "broken") == 3
    log = (state_folder / "logs" / "supervisor.log").read_text()
    assert re.findall(r"part_died .* restart_in_seconds=(\S+)", log)[:4] == ["0.2", "0.4", "0.8", "1.6"]


def test_stop_ends_all_of_it_programs_before_servers(state_folder: Path) -> None:
    config = Config(state_folder=state_folder, programs=(Program(name="worker", argv=WITH_GRANDCHILD),))
    ready = start_in_background(config)
    everybody = psutil.Process(_supervisor(ready).pid).children(recursive=True)

    stopped = stop(state_folder)

    assert stopped.phase == "down"
    assert not [process for process in everybody if identity_of(process.pid) is not None]
    assert not (state_folder / "supervisor.pid").exists()
    log = (state_folder / "logs" / "supervisor.log").read_text()
    ended = [line for line in log.splitlines() if "part_stopped" in line]
    assert [line.rpartition("name=")[2] for line in ended] == ["worker", "kafka", "valkey", "postgres"]


def test_a_program_that_does_not_end_within_the_grace_is_killed(state_folder: Path) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    program = Program(name="stubborn", argv=(sys.executable, "-c", stubborn))
    ready = start_in_background(Config(state_folder=state_folder, programs=(program,), grace_seconds=0.5))
    _eventually(lambda: (state_folder / "logs" / "stubborn.log").read_text() == "1\n")

    stop(state_folder)

    assert not _process(ready, "stubborn").lives()
    assert "part_stopped exit_code=-9 name=stubborn" in (state_folder / "logs" / "supervisor.log").read_text()


def test_after_the_supervisor_is_killed_a_new_one_clears_up_and_has_the_same_data_and_addresses(
    state_folder: Path,
) -> None:
    config = Config(state_folder=state_folder, programs=(Program(name="worker", argv=WITH_GRANDCHILD),))
    before = start_in_background(config)
    with psycopg.connect(before.environment["FOLIOT_DSN_OWNER"]) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    _eventually(lambda: bool(status(state_folder).kin))
    orphan = status(state_folder).kin[0]

    _supervisor(before).tell(signal.SIGKILL)
    _eventually(lambda: status(state_folder).phase == "down")
    orphan_lived = orphan.lives()
    after = start_in_background(config)

    assert orphan_lived
    assert not orphan.lives()
    assert after.environment == before.environment
    assert _supervisor(after) != _supervisor(before)
    with psycopg.connect(after.environment["FOLIOT_DSN_OWNER"]) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_process_that_has_the_number_of_a_recorded_one_is_left_alone() -> None:
    with subprocess.Popen(LONG_LIVED) as bystander:
        identity = identity_of(bystander.pid)
        assert identity is not None
        former = Identity(pid=bystander.pid, started_ticks=identity.started_ticks - 1)

        told = former.tell(signal.SIGKILL)

        assert not told
        assert bystander.poll() is None
        bystander.kill()


def test_a_failed_preparation_stops_all_and_shows_the_end_of_its_log(state_folder: Path) -> None:
    config = Config(state_folder=state_folder, prepare=(("sh", "-c", "echo the tables are wrong; exit 4"),))

    with pytest.raises(ProcessDied, match=r"ended with code 4:\nthe tables are wrong"):
        start_in_background(config)

    failed = status(state_folder)
    assert failed.phase == "failed"
    assert not [part for part in failed.parts if part.process is not None and part.process.lives()]


def test_a_start_that_takes_too_long_is_given_up_and_all_is_stopped(state_folder: Path) -> None:
    config = Config(state_folder=state_folder, prepare=(LONG_LIVED,), start_seconds_max=4)

    with pytest.raises((NotReadyInTime, ProcessDied)):
        start_in_background(config)

    assert not status(state_folder).is_alive()


def test_stop_where_nothing_runs_is_no_error(state_folder: Path) -> None:
    assert stop(state_folder).phase == "down"


def test_two_parts_of_the_same_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two parts have the same name"):
        Config(programs=(Program(name="postgres", argv=LONG_LIVED),))


def test_a_foreground_supervisor_ends_with_sigint(state_folder: Path) -> None:
    program = (
        "import pathlib, sys; from foliot.local import Config, run_supervisor; "
        "run_supervisor(Config(state_folder=pathlib.Path(sys.argv[1])), lambda s: print('ready', s.phase, flush=True))"
    )
    state_folder.mkdir()
    with (
        (state_folder.parent / "output").open("w+") as output,
        subprocess.Popen([sys.executable, "-c", program, str(state_folder)], stdout=output) as foreground,
    ):
        _eventually(lambda: status(state_folder).phase == "ready")
        os.kill(foreground.pid, signal.SIGINT)

        assert foreground.wait(60) == 0
        output.seek(0)
        assert "ready ready" in output.read()
    assert status(state_folder).phase == "down"


def _eventually(happened: Callable[[], bool], *, seconds_max: float = 60.0) -> None:
    deadline = time.monotonic() + seconds_max
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(f"did not happen within {seconds_max:g} s")
        time.sleep(0.05)


def _supervisor(seen: Status) -> Identity:
    assert seen.supervisor is not None
    return seen.supervisor


def _process(seen: Status, name: str) -> Identity:
    part = seen.part(name)
    assert part is not None
    assert part.process is not None
    return part.process


def _restarts(state_folder: Path, name: str) -> int | None:
    part = status(state_folder).part(name)
    return None if part is None else part.restarts


def _exit_code(state_folder: Path, name: str) -> int | None:
    part = status(state_folder).part(name)
    return None if part is None else part.exit_code


def _can_connect(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _is_busy(dsn: str) -> bool:
    with psycopg.connect(dsn, autocommit=True) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series%' AND pid <> pg_backend_pid()"
        return connection.execute(query).fetchone() == (1,)

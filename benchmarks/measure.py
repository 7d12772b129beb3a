"""One measurement of one contender: fill, start, warm up, watch a window, stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

from benchmarks.contenders import Batch, Contender, Programs, Setting
from benchmarks.rig import CpuTimes, MachineClock, Rig, cpu_seconds, stop

FIRST_SECONDS_MAX = 120.0
WHOLE_SECONDS_MAX = 900.0
_PAUSE_SECONDS = 0.25

Beside: TypeAlias = Callable[[Mapping[str, int]], AbstractContextManager[object]]
"""Makes what is entered when a window begins and left when it ends, from the top process of each part."""


@dataclass(frozen=True, slots=True)
class Window:
    """How long a contender with a longer queue than it can empty is watched; where it is for a whole one to begin."""

    warm_s: float
    watch_s: float
    first: int = 1
    """Events that a whole contender has taken over before its window begins."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen in one window."""

    contender: str
    setting: str
    events: int
    seconds: float
    cpu_seconds: CpuTimes
    wal_bytes: int
    full_page_images: int
    """Pages in the log because they changed for the first time since the checkpoint before the window."""
    load_before: float
    stolen: float
    """Share of the machine's time that its hypervisor gave to others: 0 to 1."""
    others_cores: float
    """Cores that processes outside of the measurement kept busy."""

    @property
    def events_per_s(self) -> float:
        """Give the rate by the wall's clock."""
        return self.events / self.seconds

    @property
    def cpu_us_per_event(self) -> float:
        """Give microseconds of CPU over all parts."""
        return sum(self.cpu_seconds.values()) / self.events * 1e6

    @property
    def cores(self) -> float:
        """Give how many cores all parts together kept busy."""
        return sum(self.cpu_seconds.values()) / self.seconds

    @property
    def wal_bytes_per_event(self) -> float:
        """Give bytes of write-ahead log."""
        return self.wal_bytes / self.events


def cpu_us_by_part(samples: Sequence[Sample], part_of: Callable[[str], str] = str) -> dict[str, float]:
    """Give microseconds of CPU an event by part, medians over the samples; `part_of` names a program's part."""
    parts = sorted({part_of(name) for sample in samples for name in sample.cpu_seconds})
    return {
        part: median(
            sum(seconds for name, seconds in sample.cpu_seconds.items() if part_of(name) == part) / sample.events * 1e6
            for sample in samples
        )
        for part in parts
    }


@dataclass(frozen=True, slots=True)
class _Reading:
    at: float
    done: int
    cpu: CpuTimes
    wal: int
    images: int
    machine: MachineClock


class Failed(Exception):
    """A contender's process ended, or nothing came of it."""


def measure(
    rig: Rig,
    contender: Contender,
    setting: Setting,
    batch: Batch,
    window: Window,
    *,
    beside: Beside = lambda _: nullcontext(),
    checkpoint: bool = True,
) -> Sample:
    """Measure one contender in one setting, with `beside` around the window, right after a checkpoint if asked for.

    Raises:
        Failed: one of its processes ended, or it did not get on.
    """
    contender.fill(rig, setting, batch)
    if checkpoint:
        # So that the server's own timer puts none into anybody's window.
        rig.database(contender.name).execute("CHECKPOINT")
    before, load_before = contender.done(rig), MachineClock.read().load
    taken = contender.taken(rig)
    programs = contender.start(rig, setting, batch)
    try:
        _wait(rig, contender, programs, taken + (window.first if contender.whole else 1), FIRST_SECONDS_MAX)
        if not contender.whole:
            time.sleep(window.warm_s)
        tops = rig.server_pids(contender.servers) | {name: process.pid for name, process in programs.items()}
        with beside(tops):
            start = _read(rig, contender, tops)
            if contender.whole:
                _wait_done(rig, contender, programs, before + batch.events, WHOLE_SECONDS_MAX)
            else:
                _watch(rig, contender, programs, before + batch.events, start.at + window.watch_s)
            end = _read(rig, contender, tops)
    finally:
        # A worker whose window is over would go on with what it has prefetched.
        stop(programs.values(), grace_s=20.0 if contender.whole else 1.0)
        contender.clear(rig)
    # What vacuum has to do after it must not fall into the next one's window.
    rig.database(contender.name).execute("VACUUM (ANALYZE)")
    return _sample(contender, setting, start, end, load_before)


def _read(rig: Rig, contender: Contender, tops: Mapping[str, int]) -> _Reading:
    machine = MachineClock.read()
    cpu = cpu_seconds(tops, without=rig.watchers())
    database = rig.database(contender.name)
    return _Reading(time.monotonic(), contender.done(rig), cpu, database.wal(), database.full_page_images(), machine)


def _sample(contender: Contender, setting: Setting, start: _Reading, end: _Reading, load_before: float) -> Sample:
    events, seconds = end.done - start.done, end.at - start.at
    if events <= 0:
        raise Failed(f"{contender.name} ({setting.name}) applied nothing within {seconds:.1f} s")
    cpu = {name: end.cpu[name] - start.cpu[name] for name in start.cpu}
    return Sample(
        contender=contender.name,
        setting=setting.name,
        events=events,
        seconds=seconds,
        cpu_seconds=cpu,
        wal_bytes=end.wal - start.wal,
        full_page_images=end.images - start.images,
        load_before=load_before,
        stolen=end.machine.stolen_since(start.machine),
        others_cores=max(0.0, end.machine.busy - start.machine.busy - sum(cpu.values())) / seconds,
    )


def _wait(rig: Rig, contender: Contender, programs: Programs, wanted: int, seconds_max: float) -> None:
    deadline = time.monotonic() + seconds_max
    while contender.taken(rig) < wanted:
        _must_run(rig, contender, programs)
        if time.monotonic() > deadline:
            raise Failed(f"{contender.name}: nothing was taken within {seconds_max:g} s")
        time.sleep(0.02)


def _wait_done(rig: Rig, contender: Contender, programs: Programs, wanted: int, seconds_max: float) -> None:
    deadline = time.monotonic() + seconds_max
    while (done := contender.done(rig)) < wanted:
        _must_run(rig, contender, programs)
        if time.monotonic() > deadline:
            raise Failed(f"{contender.name}: {wanted - done} events are left after {seconds_max:g} s")
        time.sleep(0.02)


def _watch(rig: Rig, contender: Contender, programs: Programs, wanted: int, until: float) -> None:
    while time.monotonic() < until and contender.done(rig) < wanted:
        _must_run(rig, contender, programs)
        time.sleep(max(0.0, min(_PAUSE_SECONDS, until - time.monotonic())))


def _must_run(rig: Rig, contender: Contender, programs: Programs) -> None:
    ended = [name for name, process in programs.items() if process.poll() is not None]
    if ended:
        logs = sorted(path.stem for path in rig.root.glob(f"{contender.name.split()[0]}*.log"))
        raise Failed(f"{contender.name}: {', '.join(ended)} ended:\n" + "\n".join(rig.tail(log) for log in logs))

"""The figures of a contest as plain JSON: every raw sample, and the medians and ratios that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any, TypeAlias

from benchmarks.contenders import Contender
from benchmarks.contest import Contest
from benchmarks.measure import Sample, cpu_us_by_part
from benchmarks.rig import Facts

Figures: TypeAlias = dict[str, Any]


def as_figures(
    contest: Contest, contenders: Sequence[Contender], machine: Facts, servers: Mapping[str, str]
) -> Figures:
    """Put all that was seen into one document; the first contender is the one that the others are compared with."""
    subject, names = contenders[0].name, [contender.name for contender in contenders]
    return {
        "machine": asdict(machine),
        "servers": dict(servers),
        "plan": asdict(contest.plan),
        "contenders": {
            contender.name: {
                "title": contender.title,
                "version": contender.version(),
                "setting": contest.chosen[contender.name],
                "servers": list(contender.servers),
                "kept": asdict(contest.weights[contender.name]),
                "redelivery": asdict(contest.redeliveries[contender.name]),
                "median": _medians([sample for one in contest.rounds for sample in one if sample.contender == name]),
            }
            for contender, name in zip(contenders, names, strict=True)
        },
        "ratios": {
            name: {
                "events_per_s": median_ratio(contest.rounds, subject, name, lambda sample: sample.events_per_s),
                "events_per_cpu_s": median_ratio(contest.rounds, subject, name, lambda s: 1 / s.cpu_us_per_event),
            }
            for name in names[1:]
        },
        "trials": [_raw(sample) for sample in contest.trials],
        "failed": contest.failed,
        "rounds": [[_raw(sample) for sample in one] for one in contest.rounds],
    }


def median_ratio(
    rounds: Sequence[Sequence[Sample]], subject: str, peer: str, figure: Callable[[Sample], float]
) -> float:
    """Form subject ÷ peer within each round, where the machine was the same for both, and give the median."""
    ratios = []
    for one in rounds:
        of = {sample.contender: figure(sample) for sample in one}
        ratios.append(of[subject] / of[peer])
    return median(ratios)


def _medians(samples: Sequence[Sample]) -> Figures:
    return {
        "events_per_s": median(sample.events_per_s for sample in samples),
        "cpu_us_per_event": median(sample.cpu_us_per_event for sample in samples),
        "wal_bytes_per_event": median(sample.wal_bytes_per_event for sample in samples),
        "cpu_us_per_event_by_part": cpu_us_by_part(samples),
    }


def _raw(sample: Sample) -> Figures:
    return asdict(sample) | {
        "events_per_s": sample.events_per_s,
        "cpu_us_per_event": sample.cpu_us_per_event,
        "wal_bytes_per_event": sample.wal_bytes_per_event,
    }

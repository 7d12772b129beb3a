"""The contest: each peer's settings tried, then everybody in turn, round after round, and what each of them keeps."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from benchmarks.contenders import Batch, Contender, Setting
from benchmarks.load import EVENT_BYTES
from benchmarks.measure import Failed, Sample, Window, measure
from benchmarks.redelivery import Redelivery, redeliver
from benchmarks.rig import Rig

Say: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the contest is."""

    rounds: int
    settings_max: int
    trial: Window
    window: Window
    instances: int
    whole_events: int
    """Events for a contender that is watched until nothing is left."""
    event_bytes: int = EVENT_BYTES


@dataclass(frozen=True, slots=True)
class Weight:
    """What a contender keeps, tables written anew without gaps. Bytes."""

    events: int
    per_event: float
    instances_bytes: int
    ring_bytes: int


@dataclass
class Contest:
    """All that was seen."""

    plan: Plan
    trials: list[Sample] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Settings that did not get through their trial, with the end of their logs."""
    chosen: dict[str, str] = field(default_factory=dict)
    rounds: list[list[Sample]] = field(default_factory=list)
    weights: dict[str, Weight] = field(default_factory=dict)
    redeliveries: dict[str, Redelivery] = field(default_factory=dict)


def hold(rig: Rig, contenders: Sequence[Contender], plan: Plan, say: Say) -> Contest:
    """Hold the contest.

    Raises:
        Failed: a contender broke down in a round, or in all of its trials.
    """
    contest = Contest(plan)
    for contender in contenders:
        contender.prepare(rig)
    seed = 1
    chosen: dict[str, Setting] = {}
    for contender in contenders:
        chosen[contender.name] = _choose(rig, contender, contest, seed, say)
        seed += 1
    for number in range(plan.rounds):
        contest.rounds.append([])
        for contender in contenders:
            batch = make_batch(rig, contender, plan, plan.window, seed)
            sample = measure(rig, contender, chosen[contender.name], batch, plan.window)
            contest.rounds[-1].append(sample)
            say(f"round {number + 1}/{plan.rounds}: {describe(sample)}")
        seed += 1
    for contender in contenders:
        contest.redeliveries[contender.name] = redeliver(rig, contender, chosen[contender.name], seed)
        say(f"redelivery: {contender.name}: {contest.redeliveries[contender.name]}")
    for contender in contenders:
        contest.weights[contender.name] = _weigh(rig, contender)
        say(f"kept: {contender.name}: {contest.weights[contender.name].per_event:,.0f} B an event")
    return contest


def describe(sample: Sample) -> str:
    """Say in one line what a window showed."""
    parts = ", ".join(f"{name} {seconds / sample.events * 1e6:.0f}" for name, seconds in sample.cpu_seconds.items())
    return (
        f"{sample.contender} ({sample.setting}): {sample.events_per_s:,.0f} events/s,"
        f" {sample.cpu_us_per_event:,.0f} µs of CPU an event ({parts}), {sample.wal_bytes_per_event:,.0f} B of WAL"
        f" with {sample.full_page_images} whole pages;"
        f" load {sample.load_before:.1f}, others {sample.others_cores:.1f} cores, stolen {sample.stolen:.0%}"
    )


def make_batch(rig: Rig, contender: Contender, plan: Plan, window: Window, seed: int) -> Batch:
    """Let the producer make the events of one window; all contenders of a round get the same ones."""
    seconds = window.warm_s + window.watch_s
    events = plan.whole_events if contender.whole else int(contender.events_per_s_max * seconds)
    load = ("--seed", str(seed), "--events", str(events), "--instances", str(plan.instances))
    file = rig.root / f"events-{contender.name}-{seed}.jsonl"
    if not contender.whole:
        rig.run((sys.executable, "-m", "benchmarks.load", *load, "--file", str(file)), "load", {})
    return Batch(events, load, file)


def _choose(rig: Rig, contender: Contender, contest: Contest, seed: int, say: Say) -> Setting:
    """Try a contender's settings and give the one with the highest rate."""
    plan = contest.plan
    settings = contender.settings[: plan.settings_max]
    rates: dict[str, float] = {}
    for number, setting in enumerate(settings if len(settings) > 1 else ()):
        batch = make_batch(rig, contender, plan, plan.trial, 1000 * seed + number)
        try:
            sample = measure(rig, contender, setting, batch, plan.trial)
        except Failed as failure:
            contest.failed[f"{contender.name} ({setting.name})"] = str(failure)[-2000:]
            say(f"trial: {failure}")
            continue
        contest.trials.append(sample)
        rates[setting.name] = sample.events_per_s
        say(f"trial: {describe(sample)}")
    if not rates and len(settings) > 1:
        raise Failed(f"{contender.name}: no setting got through its trial")
    best = max(settings, key=lambda setting: rates.get(setting.name, 0.0))
    contest.chosen[contender.name] = best.name
    return best


def _weigh(rig: Rig, contender: Contender) -> Weight:
    database = rig.database(contender.name)
    ring = database.weigh(contender.ring)
    database.compact((*contender.journals, *contender.presents))
    events = contender.done(rig)
    return Weight(events, database.weigh(contender.journals) / events, database.weigh(contender.presents), ring)

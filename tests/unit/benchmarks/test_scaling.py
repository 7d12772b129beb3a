from dataclasses import replace

from benchmarks.measure import Sample
from benchmarks.report.scaling_section import as_scaling_section
from benchmarks.rig import SessionWatch, Sight, Switches
from benchmarks.scaling import Crew, ScalingPlan, Seen, Transactions, Waits, as_scaling, as_waits

PLAN = ScalingPlan(rounds=2, first=100, events=1000, instances=10)
CREWS = (Crew(1, 1), Crew(2, 4))
DONE = Transactions(
    steps=8,
    stepped=1000,
    stepping_children=1,
    intakes=1,
    accepted=900,
    accepting_ingesters=1,
    rolled_back=1,
    deadlocks=0,
)
SEEN = Seen(100, DONE, Waits(50, 0.0, 0.0, {}, {"step": {"idle": 0.5, "runs": 0.5}}), {"worker": Switches(500, 250)})


def sample(seconds: float, cpu: dict[str, float]) -> Sample:
    return Sample("foliot", "", 1000, seconds, cpu, 0, 0, 0.0, 0.0, 0.0)


def two_rounds(seen: Seen = SEEN) -> dict[str, object]:
    few, many = {"worker": 0.1, "ingest": 0.1}, {"worker": 0.2, "ingest": 0.1, "ingest-2": 0.1}
    quiet = [sample(1, few), sample(0.5, many)]
    busy = [sample(10, few), sample(2.5, many)]
    return as_scaling(CREWS, PLAN, [quiet, busy], [[SEEN, seen], [SEEN, seen]])


def section(figures: dict[str, object]) -> str:
    machine = {"cores": 2, "processor": "x", "memory_gb": 1.0, "python": "3"}
    return "\n".join(as_scaling_section(figures | {"machine": machine, "servers": {"PostgreSQL": "18"}}))


def test_a_crew_is_compared_with_the_first_within_a_round() -> None:
    crew = two_rounds()["crews"][1]

    assert crew["against_the_first"] == {"events_per_s": 3.0, "cpu": 2.0}


def test_all_ingesters_are_one_part() -> None:
    crew = two_rounds()["crews"][1]

    assert crew["cpu_us_per_event_by_part"] == {"ingest": 200.0, "worker": 200.0}


def test_what_was_lost_is_a_share_of_all_that_was_tried() -> None:
    crew = two_rounds()["crews"][1]

    assert crew["lost"] == 0.1
    assert crew["events_per_step"] == 125
    assert crew["switches_per_event"] == {"voluntary": 0.5, "forced": 0.25}


def test_a_wait_that_one_round_did_not_see_counts_as_none_there() -> None:
    waited = replace(SEEN, waits=replace(SEEN.waits, waiting={"step: Lock tuple": 0.4}))

    figures = as_scaling(CREWS[:1], PLAN, [[sample(1, {"worker": 1})]] * 2, [[SEEN], [waited]])

    assert figures["crews"][0]["waiting"] == {"step: Lock tuple": 0.2}


def test_children_that_step_are_told_from_those_that_do_not() -> None:
    watch = SessionWatch()
    long = "h" * 70 + "-1"

    watch.add(
        [
            Sight(f"foliot-step {long}"[:63], "active", "Lock", "tuple"),
            Sight("foliot-step host-2", "idle", "Client", "ClientRead"),
            Sight("foliot-ingest calm", "active", "LWLock", "WALWrite"),
            Sight("foliot-ingest calm", "active", "Client", "ClientRead"),
            Sight("foliot-attempts host-2", "active", "", ""),
        ]
    )
    watch.add([Sight("foliot-sweep 7", "idle in transaction", "Client", "ClientRead")])
    waits = as_waits(watch, [long])

    assert (waits.looks, waits.lock, waits.lwlock) == (2, 0.5, 0.5)
    assert waits.waiting == {"step: Lock tuple": 0.5, "ingest calm: LWLock WALWrite": 0.5}
    assert waits.doing == {
        "step": {"lock": 0.5},
        "step, nothing taken": {"idle": 0.5},
        "ingest calm": {"lock": 0.5, "client": 0.5},
        "attempts": {"runs": 0.5},
        "sweep": {"client": 0.5},
    }


def test_the_section_says_how_far_the_cores_reach() -> None:
    text = section(two_rounds())

    assert "| 2 ingesters, 4 children | 1,200 | 3.00 × | 400 | 2.00 × | 0.48 | 5,000 |" in text
    assert "share 2 cores: no rate can grow beyond 2 seconds of CPU a second" in text
    assert "No more than 10% of the events" in text


def test_the_section_names_waits_and_those_that_had_nothing_to_do() -> None:
    waits = {f"step: Lock {what}": count for what, count in {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1}.items()}

    text = section(two_rounds(replace(SEEN, waits=replace(SEEN.waits, waiting=waits))))

    assert "- 1 ingester, 1 child: none was seen to wait" in text
    named = "step: Lock a 0.400; step: Lock b 0.300; step: Lock c 0.200"
    idle = "(in a round 1 of 4 children stepped) (in a round 1 of 2 ingesters took something)"
    assert f"- 2 ingesters, 4 children: {named} {idle}" in text

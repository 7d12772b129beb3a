from typing import Any

from benchmarks.report.soak_section import as_soak_section

PLAN = {"per_second": 100.0, "seconds": 1200.0, "instances": 10, "every_s": 60.0}


def look(minute: int, *, memory: int = 90_000_000) -> dict[str, Any]:
    middles = dict.fromkeys(("cpu_us_per_event", "applied_p50_ms", "applied_p99_ms", "behind", "waiting"), minute)
    sizes = dict.fromkeys(("journal_bytes", "instances_bytes", "ring_bytes", "other_bytes"), minute * 1_000_000)
    process = {"worker": memory, "ingest": 70_000_000}
    return middles | sizes | {"at_s": minute * 60.0, "applied": 10 + minute * 6000, "largest_process_bytes": process}


def rows(looks: list[dict[str, Any]]) -> list[str]:
    surroundings = {
        "machine": {"cores": 2, "processor": "x", "memory_gb": 1.0, "python": "3"},
        "servers": {"Kafka": "4"},
    }
    lines = as_soak_section(
        {"plan": PLAN, "applied_before": 10, "top": {"events_per_s": 200.0, "cpu_us_per_event": 9.0}, "looks": looks}
        | surroundings
    )
    table = [line for line in lines if line.startswith("|")]
    return table[2:]


def test_many_looks_are_a_few_lines_each_with_medians_and_the_largest_memory() -> None:
    looks = [look(minute, memory=110_000_000 if minute == 2 else 90_000_000) for minute in range(1, 21)]

    lines = rows(looks)

    assert len(lines) == 5
    assert lines[0] == "| 0 to 4 | 100 | 2 | 2 | 2 | 2 | 2 | 4 | 4 | 4 | 4 | 110 | 70 |"
    assert lines[-1].startswith("| 16 to 20 | 100 | 18 | ")


def test_a_short_soak_has_a_line_for_each_look() -> None:
    lines = rows([look(1), look(2)])

    assert [line.split(" | ")[0] for line in lines] == ["| 0 to 1", "| 1 to 2"]

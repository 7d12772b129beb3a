"""Fuzzes one reader with atheris: `make fuzz FUZZ=cel FUZZ_SECONDS=600`.

An input that raises what the reader does not promise, takes more than a second of processor time, or more than 256 MB
beyond what the process had, is kept in the corpus's folder `found` and ends the run red.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import sys
import time
from collections import Counter
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))

SECONDS_MAX = 1.0
MEGABYTES_MAX = 256
PROGRESS_SECONDS = 30
# What is instrumented, so that new branches guide the fuzzer.
PACKAGES = {"cel": ["foliot.cel"]}


class Watch:
    """Counts inputs, and holds each to the limits."""

    def __init__(self, name: str, seconds: float, report: Path | None) -> None:
        self._name = name
        self._seconds = seconds
        self._report = report
        self._read = importlib.import_module("fuzz.targets").READERS[name]
        self._outcomes: Counter[str] = Counter()
        self._slowest = (0.0, b"")
        self._began = self._told = time.process_time()
        self._megabytes_before = _peak_megabytes()

    def __call__(self, data: bytes) -> None:
        """Read one input."""
        began = time.process_time()
        outcome = self._read(data)
        now = time.process_time()
        taken = now - began
        self._outcomes[outcome] += 1
        if taken > self._slowest[0]:
            self._slowest = (taken, data)
        if taken > SECONDS_MAX:
            raise AssertionError(f"{taken:.2f} s for {data!r}")
        if _peak_megabytes() - self._megabytes_before > MEGABYTES_MAX:
            raise AssertionError(f"more than {MEGABYTES_MAX} MB, last for {data!r}")
        if now - self._told > PROGRESS_SECONDS:
            self._told = now
            print(f"  {self._outcomes.total():,} inputs, {now - self._began:.0f} s of processor time", flush=True)
            self._tell(now - self._began)
        if now - self._began > self._seconds:
            self._tell(now - self._began)
            # The fuzzer has no other way out than a crash.
            os._exit(0)

    def _tell(self, seconds: float) -> None:
        """Write what has been seen so far, so that a run that is ended early leaves it too."""
        summary = {
            "reader": self._name,
            "processor_seconds": round(seconds),
            "inputs": self._outcomes.total(),
            "outcomes": dict(self._outcomes.most_common()),
            "slowest_seconds": round(self._slowest[0], 3),
            "slowest_input": self._slowest[1].decode(errors="backslashreplace")[:400],
            "megabytes_more": round(_peak_megabytes() - self._megabytes_before),
        }
        if self._report is not None:
            self._report.with_name(f"{self._report.name}-{self._name}.json").write_text(
                json.dumps(summary, indent=2) + "\n"
            )


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("reader")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    with atheris.instrument_imports(include=PACKAGES[arguments.reader]):
        targets = importlib.import_module("fuzz.targets")
    seeds, found = arguments.corpus / arguments.reader, arguments.corpus / "found"
    for folder in (seeds, found):
        folder.mkdir(parents=True, exist_ok=True)
    targets.SEEDS[arguments.reader](seeds)
    options = ["-max_len=2000", "-timeout=20", "-rss_limit_mb=2000", "-print_final_stats=1", "-verbosity=0"]
    watch = Watch(arguments.reader, arguments.seconds, arguments.report)
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={found}/", str(seeds)], watch)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

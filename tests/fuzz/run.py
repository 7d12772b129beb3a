"""Fuzzes one reader with atheris: `make fuzz FUZZ=cel FUZZ_SECONDS=600`.

An input that raises what the reader does not promise, takes more than a second of processor time, or more than 256 MB
beyond what the process had, is kept in the corpus's folder `found`: one for each place in the code. The run goes on,
and is red at its end.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))

SECONDS_MAX = 1.0
MEGABYTES_MAX = 256
PROGRESS_SECONDS = 30
# What is instrumented, so that new branches guide the fuzzer.
_OF_MACHINES = ["foliot.definition", "foliot.languages"]
PACKAGES = {"cel": ["foliot.cel"], **dict.fromkeys(("yaml", "json", "scxml", "xstate"), _OF_MACHINES)}


class Watch:
    """Counts inputs, and holds each to the limits."""

    def __init__(self, name: str, seconds: float, report: Path | None, found: Path) -> None:
        self._name = name
        self._seconds = seconds
        self._report = report
        self._found = found
        self._read = importlib.import_module("fuzz.targets").READERS[name]
        self._outcomes: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._slowest = (0.0, b"")
        self._began = self._told = time.process_time()
        self._megabytes_before = _peak_megabytes()

    def __call__(self, data: bytes) -> None:
        """Read one input."""
        began = time.process_time()
        try:
            outcome = self._read(data)
        except Exception as error:  # noqa: BLE001 - whatever is not promised is what is looked for
            outcome = "fault"
            self._keep(f"{type(error).__name__} at {_place(error)}", data)
        now = time.process_time()
        taken = now - began
        self._outcomes[outcome] += 1
        if taken > self._slowest[0]:
            self._slowest = (taken, data)
        if taken > SECONDS_MAX:
            self._keep(f"slower than {SECONDS_MAX:.0f} s", data)
        if _peak_megabytes() - self._megabytes_before > MEGABYTES_MAX:
            self._keep(f"more than {MEGABYTES_MAX} MB", data)
        if now - self._told > PROGRESS_SECONDS:
            self._told = now
            print(f"  {self._outcomes.total():,} inputs, {now - self._began:.0f} s of processor time", flush=True)
            self._tell(now - self._began)
        if now - self._began > self._seconds:
            self._tell(now - self._began)
            # The fuzzer has no other way out than a crash.
            os._exit(1 if self._faults else 0)

    def _keep(self, fault: str, data: bytes) -> None:
        """Count a fault, and keep the first input that shows it."""
        self._faults[fault] += 1
        if self._faults[fault] == 1:
            path = self._found / f"{self._name}-{len(self._faults)}"
            path.write_bytes(data)
            print(f"  FAULT: {fault}: {path}", flush=True)

    def _tell(self, seconds: float) -> None:
        """Write what has been seen so far, so that a run that is ended early leaves it too."""
        summary = {
            "reader": self._name,
            "processor_seconds": round(seconds),
            "inputs": self._outcomes.total(),
            "outcomes": dict(self._outcomes.most_common()),
            "faults": dict(self._faults.most_common()),
            "slowest_seconds": round(self._slowest[0], 3),
            "slowest_input": self._slowest[1].decode(errors="backslashreplace")[:400],
            "megabytes_more": round(_peak_megabytes() - self._megabytes_before),
        }
        if self._report is not None:
            self._report.with_name(f"{self._report.name}-{self._name}.json").write_text(
                json.dumps(summary, indent=2) + "\n"
            )


def _changing(change: Callable[[str, Random], str | None]) -> Callable[[bytes, int, int], bytes]:
    """Give a mutator that changes the bytes of every third input, and else the tree that it is."""

    def mutate(data: bytes, size_max: int, seed: int) -> bytes:
        random = Random(seed)
        changed = None if seed % 3 == 0 else change(data.decode(errors="replace"), random)
        if changed is None or len(encoded := changed.encode(errors="surrogatepass")) > size_max:
            return bytes(atheris.Mutate(data, size_max))
        return encoded

    return mutate


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _place(error: Exception) -> str:
    """Tell where an error was raised, so that one fault is not kept a thousand times."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


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
    words = arguments.corpus / f"{arguments.reader}.words"
    words.write_text("".join(f"{json.dumps(word)}\n" for word in targets.WORDS[arguments.reader]))
    limit = f"-max_len={targets.BYTES_MAX[arguments.reader]}"
    options = [limit, f"-dict={words}", "-timeout=20", "-rss_limit_mb=2000", "-print_final_stats=1", "-verbosity=0"]
    mutator = _changing(targets.CHANGES[arguments.reader]().change)
    watch = Watch(arguments.reader, arguments.seconds, arguments.report, found)
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={found}/", str(seeds)], watch, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

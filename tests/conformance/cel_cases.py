"""The long comparison of Foliot's CEL with Google's, and CEL's own conformance cases: `make cel-cases`.

python tests/conformance/cel_cases.py --expressions 25000 --specification FOLDER --report docs/reports/cel
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from conformance.cel_expressions import VALUES, ExpressionMaker, make_values
from conformance.cel_outcomes import foliot_outcome, google_outcome, is_same
from conformance.cel_specification import run_specification

CONTEXTS_EACH = 2


def compare(expression_count: int, seed: int) -> dict[str, Any]:
    """Compare random expressions on a fixed context and a random one."""
    maker, chooser = ExpressionMaker(seed), random.Random(seed)
    kinds: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    examples: dict[str, str] = {}
    differing: list[dict[str, str]] = []
    sources: set[str] = set()
    began = time.monotonic()
    while len(sources) < expression_count:
        source = maker.make(maker.random.choice(maker.KINDS), maker.random.randrange(1, 6))
        if source in sources:
            continue
        sources.add(source)
        for values in (VALUES, make_values(chooser)):
            theirs, ours = google_outcome(source, values), foliot_outcome(source, values)
            if not is_same(theirs, ours):
                differing.append({"expression": source, "google": str(theirs), "foliot": str(ours)})
            elif ours[0] == "error":
                kinds["error"] += 1
                pair = "same" if theirs == ours else f"{theirs[1]} / {ours[1]}"
                classes[pair] += 1
                examples.setdefault(pair, source)
            else:
                kinds[ours[0]] += 1
        if len(sources) % 1_000 == 0:
            taken = time.monotonic() - began
            print(f"  {len(sources):,} expressions, {len(differing)} differ, {taken:.0f} s", flush=True)
    return {
        "seed": seed,
        "expressions": expression_count,
        "evaluations": expression_count * CONTEXTS_EACH,
        "outcomes": dict(kinds.most_common()),
        "error_classes": dict(classes.most_common()),
        "error_examples": examples,
        "differing": differing,
    }


def write_report(report: dict[str, Any], path: Path) -> None:
    """Write the report as JSON, and for people."""
    path.with_suffix(".json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    specification, compared = report["specification"], report["random"]
    classes = dict(compared["error_classes"])
    same = classes.pop("same", 0)
    page = f"""# CEL: the specification's cases, and Google's implementation
Written by `make cel-cases`. What is the same is the value, or that there is none.

## The specification's conformance cases
{specification["applied"]} cases apply: {specification["passed"]} pass, {specification["departing"]} depart,
{len(specification["failed"])} fail. Those that depart compare an int beyond 2^53 with a double:
Foliot compares exactly, the cases round the int first.

| left out | cases |
|---|---|
{_rows(specification["left_out"])}

## Random expressions
{compared["expressions"]:,} expressions (no two alike; seed {compared["seed"]}), each on a fixed
context and on a random one: {compared["evaluations"]:,} evaluations, of which {len(compared["differing"])} differ.
Both gave:

| outcome | evaluations |
|---|---|
{_rows(compared["outcomes"])}

Where both give an error, the class of both is the same {same:,} times. It differs
{sum(classes.values()):,} times: an expression with more than one fault has one error of several, and CEL leaves
open which; and indexing what is neither list nor map has another name there. The JSON beside this page has an
example of each. The most frequent pairs (Google's, Foliot's):

| classes | evaluations |
|---|---|
{_rows(dict(list(classes.items())[:12]))}

Where the two are known to differ the generator does not go: `tests/conformance/test_cel_against_google.py` says
where and why, and holds each of these differences to what it is.
"""
    path.with_suffix(".md").write_text(page)
    print(f"Written to {path}.md.")


def _rows(counts: dict[str, int]) -> str:
    return "\n".join(f"| {name} | {count:,} |" for name, count in counts.items())


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--expressions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--specification", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)
    arguments = parser.parse_args()
    print("CEL's conformance cases …", flush=True)
    specification = run_specification(arguments.specification)
    print(f"  {specification['passed']} of {specification['applied']} pass, {specification['departing']} depart")
    print("Random expressions against Google's implementation …", flush=True)
    random_cases = compare(arguments.expressions, arguments.seed)
    write_report({"specification": specification, "random": random_cases}, arguments.report)
    return 1 if random_cases["differing"] or specification["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())

"""Judge a run of Foliot from its evidence: `python tests/checker/check.py --evidence DIR [--dsn DSN]`.

Exit: 0 green, 1 red (also a run that is too small to count), 2 the evidence cannot be judged.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
from checker.case import open_case
from checker.dump import dump
from checker.evidence import MAY_BE_WAIVED, EvidenceInvalid, read_evidence
from checker.report import Demand, as_json, as_text, judge


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, take the evidence, print the verdict."""
    parser = _parser()
    options = parser.parse_args(arguments)
    demand = Demand(options.events_min, options.faults_min, _words(options.kinds))
    waived = _words(options.without)
    if not waived <= MAY_BE_WAIVED:
        parser.error(f"--without takes {', '.join(sorted(MAY_BE_WAIVED))}")
    try:
        if options.dsn is not None:
            dump(options.dsn, options.evidence)
        evidence = read_evidence(options.evidence, waived=waived)
        verdict = judge(open_case(evidence, drained=options.drained), demand)
    except (EvidenceInvalid, psycopg.Error) as error:
        print(f"The evidence cannot be judged: {error}", file=sys.stderr)
        return 2
    print(as_json(verdict) if options.json else as_text(verdict, shown=options.shown))
    return 0 if verdict.is_green else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evidence", type=Path, required=True, help="the directory of JSONL files")
    parser.add_argument("--dsn", help="first dump the tables of this database into the directory")
    parser.add_argument("--drained", action="store_true", help="the run is over: whatever still waits is red")
    parser.add_argument("--events-min", type=int, default=1, help="a run of fewer events does not count")
    parser.add_argument("--faults-min", type=int, default=0, help="a run of fewer faults does not count")
    parser.add_argument("--kinds", default="", help="kinds of fault that must all have happened, parted by commas")
    parser.add_argument(
        "--without", default="", help=f"logs to do without, parted by commas: {', '.join(sorted(MAY_BE_WAIVED))}"
    )
    parser.add_argument("--shown", type=int, default=5, help="how many findings of each invariant to print")
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
    return parser


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())


if __name__ == "__main__":
    sys.exit(main())

"""Requests of every kind, made out of /openapi.json by schemathesis: what comes back is always what it says.

`FOLIOT_TEST_API_CASES` tells how many cases to make in all, `FOLIOT_TEST_API_REPORT` where to write what came of them.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from integration.api.conftest import EXAMPLES, serving
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from foliot.api import Doors
from foliot.runtime import NoWake, Stepper

if TYPE_CHECKING:
    from conftest import Site

CASES: Final = int(os.environ.get("FOLIOT_TEST_API_CASES", "450"))
REPORT: Final = os.environ.get("FOLIOT_TEST_API_REPORT", "")
SEED: Final = 20_261_122
CHECKS: Final[list[CheckFunction]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
THERE: Final = {"machine": "incident", "key": "INC-1", "channel": "stable", "number": 1}
"""What stands in half of the paths, in the place of something that is not there."""
SHORT_S: Final = 0.05


@dataclass
class Tally:
    """What came of the cases: statuses by operation, and each kind of failure with its first case."""

    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        return sum(counter.total() for counter in self.statuses.values())


@contextmanager
def _stepping(site: Site) -> Iterator[None]:
    """Step what comes in, so that who waits for it need not wait long."""
    stop = threading.Event()

    def work() -> None:
        with closing(Stepper(site.settings, writer="test")) as stepper:
            while not stop.wait(SHORT_S):
                stepper.run_batch()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_every_answer_is_one_that_the_document_describes(site: Site) -> None:
    site.send("INC-1")
    site.send("INC-2", data={"severity": "much"})
    site.step()
    began = time.monotonic()
    free = {"api_requests_per_s": 1e9, "api_failed_keys_per_s": 1e9}
    with (
        serving(Doors(site.settings.model_copy(update=free), NoWake())) as client,
        requests.Session() as session,
        _stepping(site),
    ):
        session.headers.update(site.headers())
        schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
        operations = [result.ok() for result in schema.get_all_operations()]
        tally = Tally()
        for operation in operations:
            for mode in schemathesis.GenerationMode:
                _run(operation, mode, -(-CASES // (2 * len(operations))), session, tally)
        live = client.get("/healthz/ready").status_code

    if REPORT:
        _write(tally, time.monotonic() - began)
    assert tally.failures == {}
    assert len(tally.statuses) == len(operations)
    assert live == 200


def _run(operation: Any, mode: Any, count: int, session: requests.Session, tally: Tally) -> None:
    statuses = tally.statuses.setdefault(operation.label, Counter())
    if not _can_be_wrong(operation, mode):
        mode = schemathesis.GenerationMode.POSITIVE

    @seed(SEED)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), there=st.booleans(), text=st.sampled_from(_texts()))
    def run(case: Any, there: bool, text: str) -> None:  # noqa: FBT001 - Hypothesis gives it
        if there:
            _lead_to_what_is_there(case)
        raw = {"data": text.encode()} if there and case.media_type == "application/yaml" else {}
        # Long waits for what never comes would be all that is measured.
        lasting = {"wait", "seconds"} & {parameter.name for parameter in operation.query}
        case.query = {**(case.query or {}), **dict.fromkeys(lasting, SHORT_S)}
        answer = case.call(session=session, timeout=60, **raw)
        statuses[answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                kind = f"{operation.label}: {type(failure).__name__} {answer.status_code}"
                tally.failures.setdefault(kind, f"{failure}\n{case.as_curl_command()}")

    run()


def _lead_to_what_is_there(case: Any) -> None:
    """Put names that the server knows into a case, so that it comes further than to be told that they are unknown."""
    case.path_parameters.update({name: THERE[name] for name in case.path_parameters if name in THERE})
    for event in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(event, dict):
            event |= {"foliotmachine": "incident", "type": "reported", "subject": "INC-1", "source": "test"}
    if case.method == "PUT":
        case.headers["if-match"] = '"1"'


def _can_be_wrong(operation: Any, mode: Any) -> bool:
    """Tell whether an operation takes anything that could be sent wrongly."""
    takes = [*operation.path_parameters, *operation.query, *operation.headers, *operation.body]
    return mode is schemathesis.GenerationMode.POSITIVE or bool(takes)


def _texts() -> list[str]:
    """Definitions that are right, and some that are not."""
    second = (EXAMPLES / "incident" / "incident.v2.yaml").read_text()
    return [second, second.replace("incident", "accident"), "foliot: 1", "{", "&a [*a]", "a: 1\na: 2", "\x00"]


def _write(tally: Tally, seconds: float) -> None:
    """Write the report, as JSON and as a page."""
    path = Path(REPORT)
    found = {name: dict(sorted(counter.items())) for name, counter in tally.statuses.items()}
    facts = {
        "cases": tally.cases,
        "seed": SEED,
        "seconds": round(seconds),
        "schemathesis": version("schemathesis"),
        "checks": [check.__name__ for check in CHECKS],
        "statuses": {name: {str(status): count for status, count in each.items()} for name, each in found.items()},
        "failures": tally.failures,
    }
    path.with_suffix(".json").write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2) + b"\n")
    rows = [
        f"| `{name}` | {sum(each.values()):,} | {', '.join(f'{status}: {count:,}' for status, count in each.items())} |"
        for name, each in found.items()
    ]
    lines = [
        "# Cases of the HTTP API",
        "Written by `make api-cases`: requests that schemathesis makes out of `/openapi.json`, half of them as it says",
        "and half of them wrong in some way, to a server with a real database whose events are stepped meanwhile.",
        "",
        f"{tally.cases:,} cases in {seconds:,.0f} s, schemathesis {facts['schemathesis']}, seed {SEED};",
        f"{len(tally.failures)} kinds of failure.",
        f"Each answer is held to: {', '.join(facts['checks'])}.",
        "",
        "| operation | cases | answers by status |",
        "|---|---|---|",
        *rows,
        "",
    ]
    if tally.failures:
        lines += ["## Failures", *(f"- {kind}\n```\n{text}\n```" for kind, text in tally.failures.items()), ""]
    path.with_suffix(".md").write_text("\n".join(lines))

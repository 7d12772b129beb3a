"""Writes docs/codes.md: every code by which Foliot refuses or warns, from the tables and errors in the code.

The same as JSON, for `foliot explain`, goes to platform/foliot/cli/codes.json; the codes of definitions have pages of
their own there. Run it from anywhere: `python docs/generate_codes.py`. A test holds both to what it would write.
"""

# ruff: noqa: INP001 - a script beside the page that it writes

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import orjson

from foliot.definition import CODES as DEFINITION_CODES
from foliot.errors import FoliotError
from foliot.languages import explain
from foliot_ingest.codes import DECODE_CODES, ROUTE_CODES

DOCS: Final = Path(__file__).parent
PAGE: Final = DOCS / "codes.md"
INDEX: Final = DOCS.parent / "platform" / "foliot" / "cli" / "codes.json"
ROOTS: Final = (DOCS.parent / "platform", DOCS.parent / "workers", DOCS.parent / "ingest")
PACKAGES: Final = ("foliot", "foliot_ingest", "foliot_workers")

_CALLS: Final = frozenset(("Refusal", "refuse", "_failure", "_find"))
"""Functions whose first argument is a code."""
_MEND: Final = "Mend the producer and send the event again."
_REDRIVE: Final = "Then redrive the dead letter."


class Code(NamedTuple):
    """One row of a table."""

    code: str
    meaning: str
    remedy: str


SAID: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "birth_failed": (
            "The machine fails at its start with this event; the event is set aside, no instance is there.",
            f"Publish a corrected version. {_REDRIVE}",
        ),
        "data_outside_schema": (
            "The event's data does not fit the schema that the machine's version has for it.",
            f"Correct the producer, or publish a version that accepts it and move the channel (`all`). {_REDRIVE}",
        ),
        "engine_failed": (
            "The machine fails on this event, each time: the instance is held (`poison: skip`: the event set aside).",
            f"Publish a corrected version and move the channel with mode `all`. {_REDRIVE}",
        ),
        "no_instance": (
            "The machine has `create: explicit`, and no instance lives at the address.",
            f"Create the instance. {_REDRIVE}",
        ),
        "no_version": ("The machine has no version on the channel `stable`.", f"Publish one. {_REDRIVE}"),
        "not_storable": (
            "Postgres refuses what stepping this event wants written; the instance is held.",
            f"Correct the machine or the event. {_REDRIVE}",
        ),
        "process_died": (
            "Stepping this event has ended its process three times; the instance is held.",
            f"Find out why (memory, a native crash). {_REDRIVE}",
        ),
        "database_outdated": ("The tables are not those of this version.", "Run `foliot db upgrade`."),
        "coverage_too_low": (
            "Scenarios cover less of a machine than `foliot test` was told to want.",
            "Add scenarios for what is named, or let `foliot test --generate` write some.",
        ),
        "mutants_missed": (
            "A machine was changed, and its scenarios did not notice; `foliot mutate` was told to want more.",
            "Add the scenarios that it shows, or expect more in those that there are.",
        ),
        "not_equivalent": (
            "`foliot optimize` made a smaller machine that does not do the same. The fault is Foliot's.",
            "Keep the machine as it is, and report this with the machine. Nothing was written.",
        ),
        "scenario_failed": (
            "A machine does not do what its scenarios expect.",
            "Mend the machine, or what is expected of it.",
        ),
        "definition_refused": ("Definitions have errors; each has a code of its own.", "Mend what is named."),
        "lines_refused": (
            "Some lines of an event log are no events; each says why, the others were sent.",
            "Mend them and replay the log again; what was sent is not applied twice.",
        ),
        "not_ready": ("What `foliot up` starts does not run, or not all of it.", "Run `foliot up`."),
        "not_sent": ("Some lines of `foliot send` were not sent; each says why.", "Mend them and send them again."),
        "not_verified": (
            "Some instance is not the fold of its journal.",
            "Stop the workers and look at the rows that are named.",
        ),
        "redrive_refused": (
            "Some of the dead letters stay; each line says why.",
            "Mend what is named, then redrive them again.",
        ),
        "unhealthy": (
            "Something that the promises rest on is not as they need it.",
            "`foliot doctor` says what to do about each.",
        ),
        "unknown_lane": ("A producer names a lane that there is not.", "Choose critical, high, normal or low."),
        "usage": ("The command line is wrong (exit code 2).", "Run the command with `--help`."),
    }
)
"""Codes that stand where they are used, as a literal first argument of `Refusal`: what they mean, what to do."""

HTTP: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "batch_too_large": ("A batch has more than 1,000 events; none was taken in.", "Send smaller batches."),
        "body_cut_off": ("The connection ended before the body was whole; nothing was taken in.", "Send it again."),
        "body_too_large": ("A body is larger than `FOLIOT_API_BODY_BYTES_MAX`.", "Send less at once."),
        "body_too_slow": ("A body did not come within `FOLIOT_API_BODY_S`.", "Send it without pauses."),
        "cursor_invalid": ("What was sent as a cursor is none.", "Send `next` of an answer as it came."),
        "filter_invalid": (
            "A list is to be narrowed by something that is no filter.",
            "Send `where=name:value`, with a text, a number, true, false or null as the value.",
        ),
        "forbidden": ("The key's scopes do not cover the operation.", "Ask an operator for a key with that scope."),
        "headers_too_large": ("A request's headers have more than 16 KiB.", "Send fewer."),
        "inbox_full": (
            "More events wait than `FOLIOT_INBOX_DEPTH_MAX` allows; nothing was taken in.",
            "Come again after the time that the answer names.",
        ),
        "internal_error": ("Something failed that should not.", "Try again; tell an operator if it stays."),
        "lane_unknown": ("The attribute `foliotlane` names no lane.", "Choose critical, high, normal or low."),
        "media_type_unsupported": (
            "A definition is not said to be YAML or JSON.",
            "Send `content-type: application/yaml` or `application/json`.",
        ),
        "method_not_allowed": ("The path has no such operation.", "See `/openapi.json`."),
        "not_a_batch": ("A body that is said to be a batch is no JSON list.", "Send a list of CloudEvents."),
        "not_found": ("There is no such path, or no machine of that name.", "See `GET /v1/machines`."),
        "not_http": (
            "What came over the connection cannot be read as a request, or could be read in more than one way.",
            "Send what RFC 9112 describes: one Host, one length, a path that begins with one slash.",
        ),
        "not_yet_applied": (
            "The event at the position that a read was to come after waits still.",
            "Read again, or wait longer.",
        ),
        "position_invalid": (
            "What was sent as a position is none, or is of another map of shards.",
            "Send `position` of an answer as it came.",
        ),
        "precondition_required": (
            "A move of a channel does not say which revision it has seen.",
            'Send `If-Match: "REVISION"`, or `If-None-Match: *` for a new channel.',
        ),
        "request_invalid": ("A parameter is missing or not as OpenAPI describes it.", "See `/openapi.json`."),
        "too_much_in_hand": (
            "The bodies of all requests together would be larger than `FOLIOT_API_BODIES_BYTES_MAX`.",
            "Come again after the time that the answer names.",
        ),
        "too_many_requests": (
            "A key makes more requests, or sends more events, than it may, has too many that last, or too many wait.",
            "Come again after the time that the answer names; send events in batches.",
        ),
        "too_many_shards": (
            "A stream of all steps covers 256 shards at most, and there are more.",
            "Watch them in parts, as the answer says: `part=0/16` to `part=15/16`.",
        ),
    }
)
"""Codes of the HTTP API's own."""

FINDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "chain_broken": "A journal row names another row as its instance's one before than the one that was.",
        "hash_differs": "The fold of the rows has another hash than the row says.",
        "journal_gap": "A number n of a shard is missing.",
        "journal_short": "The journal ends before the number that the shard's cursor says.",
        "no_beginning": "A row has no instance, or no state before it.",
        "no_journal": "An instance has no row.",
        "not_adoptable": "The fold cannot move to the version to which the row moved.",
        "not_its_fold": "The instance is not the fold of its rows.",
        "not_replayable": "The engine refuses to take a step that the journal says was taken.",
        "outcome_differs": "The step has another outcome than the row says.",
        "position_differs": "The fold stands at another position than the row.",
        "state_differs": "A row's full state is not the fold of the rows before it.",
    }
)
"""What `foliot verify` can find."""

ALARMS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "id_reused": ("A producer has used an event's id again with another payload.", "Mend the producer."),
        "partition_stopped": (
            "At a partition's offset nothing can be read: records are lost or broken, or the topic was made anew.",
            "Find out what is missing; then set the row in `offsets`. Nothing is skipped by itself.",
        ),
        "relay_blocked": ("A topic does not take a shard's messages.", "Make the topic writable; the relay goes on."),
        "ring_stuck": (
            "A ring's next segment could not be emptied for two of its periods: tables grow.",
            "Find the session that holds a lock on `inbox`, `outbox`, `timers` or `dedupe`: pg_locks; end it.",
        ),
        "shard_conflict": ("Two writers met in a shard; one was rolled back.", "Report it: it should not happen."),
        "topic_compacted": (
            "A topic to be read has `cleanup.policy=compact`: records would vanish before they are read.",
            "Set `cleanup.policy=delete`.",
        ),
    }
)
"""Codes in the table `alarms`."""

STEP_CODES: Final = (
    *("birth_failed", "data_outside_schema", "engine_failed", "no_instance", "no_version", "not_storable"),
    "process_died",
)

DECODE_REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "record_too_large": f"Send a reference to the data, or raise FOLIOT_EVENT_BYTES_MAX. {_REDRIVE}",
        "data_too_large": f"Send a reference to the data, or raise FOLIOT_EVENT_BYTES_MAX. {_REDRIVE}",
        "too_deep": f"Flatten the data, or raise FOLIOT_EVENT_DEPTH_MAX. {_REDRIVE}",
        "not_a_cloud_event": "Send a CloudEvent, or send to another topic and publish a route for it.",
    }
)
ROUTE_REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tenant_unbound": f"`foliot topic bind`. {_REDRIVE}",
        "tenant_mismatch": f"Send it to a topic of that tenant, or bind the topic anew. {_REDRIVE}",
        "unknown_machine": f"Publish the machine. {_REDRIVE}",
        "key_too_long": f"Send a shorter key, or raise FOLIOT_KEY_BYTES_MAX. {_REDRIVE}",
        "no_route": f"Publish a route whose match is true for it. {_REDRIVE}",
        "route_failed": f"Correct the route. {_REDRIVE}",
        "route_result_invalid": f"Correct the route. {_REDRIVE}",
        "schema_mismatch": f"Send what fits the schema, or publish another. {_REDRIVE}",
        "id_reused": "Send the event again with an id of its own; this one cannot be redriven.",
    }
)


def errors() -> list[type[FoliotError]]:
    """Give every class of errors of the three packages, by module and name."""
    found: set[type[FoliotError]] = set()
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith("__main__") and ".migrations" not in module.name:
                importlib.import_module(module.name)
    waiting: list[type[FoliotError]] = [FoliotError]
    while waiting:
        kinds = waiting.pop().__subclasses__()
        found.update(kind for kind in kinds if kind.__module__.partition(".")[0] in PACKAGES)
        waiting.extend(kinds)
    return sorted(found, key=lambda kind: (kind.__module__, kind.code))


def literal_codes() -> set[str]:
    """Give the codes that stand as a literal first argument where something is refused or found."""
    return {code for root in ROOTS for file in sorted(root.rglob("*.py")) for code in _literals(file)}


def page() -> str:
    """Write the page."""
    lines = [
        "# Codes",
        "",
        "Every refusal has a code, says what is wrong and where, and what to do. The code is the same in the command",
        "line, its `--json`, logs and dead letters; `foliot explain CODE` tells of each. This page is written by",
        "`docs/generate_codes.py`.",
        *_section("Definitions (`foliot check`, `foliot publish`)", _definition_codes()),
    ]
    for title, codes in sections().items():
        lines += _section(title, codes)
    return "\n".join(lines) + "\n"


def index() -> bytes:
    """Write the same as JSON, without the codes of definitions."""
    rows = [{"part": title, **code._asdict()} for title, codes in sections().items() for code in codes]
    plain = [{name: " ".join(text.split()) for name, text in row.items()} for row in rows]
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def sections() -> dict[str, list[Code]]:
    """Give all codes but those of definitions, by the title of their table."""
    found = "Stop the workers and look at the row before anything else writes."
    return {
        "Records that cannot be decoded (dead letters, stage `decode`)": _ingest(DECODE_CODES, DECODE_REMEDIES),
        "Records that cannot be routed (dead letters, stage `route`)": _ingest(ROUTE_CODES, ROUTE_REMEDIES),
        "Events that cannot be stepped (dead letters, stages `step` and `park`)": _said(STEP_CODES),
        "The HTTP API": [Code(code, *HTTP[code]) for code in sorted(HTTP)],
        "The command line": _said(sorted(SAID.keys() - set(STEP_CODES))),
        "Findings of `foliot verify`": [Code(code, meaning, found) for code, meaning in FINDINGS.items()],
        "Alarms (table `alarms`)": [Code(code, *said) for code, said in ALARMS.items()],
        **{f"Errors of `{part}`": [_error_code(kind) for kind in kinds] for part, kinds in _by_part(errors()).items()},
    }


def _section(title: str, codes: list[Code]) -> Iterator[str]:
    yield from ("", f"## {title}", "| code | what it means | what to do |", "|---|---|---|")
    yield from (f"| `{each.code}` | {_cell(each.meaning)} | {_cell(each.remedy)} |" for each in codes)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _definition_codes() -> list[Code]:
    how = "[Why, and how it is mended](diagnostics.md#{})."
    return [Code(code, explain(code).headline, how.format(code.lower())) for code in DEFINITION_CODES]


def _ingest(codes: Mapping[str, str], remedies: Mapping[str, str]) -> list[Code]:
    return [Code(code, meaning, remedies.get(code, _MEND)) for code, meaning in codes.items()]


def _said(codes: tuple[str, ...] | list[str]) -> list[Code]:
    return [Code(code, *SAID[code]) for code in codes]


def _by_part(kinds: list[type[FoliotError]]) -> dict[str, list[type[FoliotError]]]:
    parts: dict[str, list[type[FoliotError]]] = {}
    # A class without a remedy only gathers others: nobody meets its code.
    for kind in filter(lambda each: each.remedy, kinds):
        package, _, rest = kind.__module__.partition(".")
        part = f"{package}.{rest.partition('.')[0]}" if package == "foliot" else package
        parts.setdefault(part, []).append(kind)
    return parts


def _error_code(kind: type[FoliotError]) -> Code:
    meaning = (inspect.getdoc(kind) or "").partition("\n\n")[0]
    return Code(kind.code, meaning, kind.remedy)


def _literals(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        if name in _CALLS and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    INDEX.write_bytes(index())

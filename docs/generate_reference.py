"""Writes docs/reference: settings, commands, HTTP operations, metrics and the language, out of the code that has them.

What a page says is said in the code: in a field's description, an option's help, an operation's docstring, the JSON
Schema of the language. Run it from anywhere: `python docs/generate_reference.py`. A test holds the pages to what it
would write.
"""

# ruff: noqa: INP001 - a script beside the pages that it writes

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias, get_args

import orjson
import yaml
from pydantic.fields import FieldInfo

from foliot.api import Doors, make_api
from foliot.cli.builtin import register
from foliot.cli.commands import Commands, find_commands, ready
from foliot.definition import language_schema
from foliot.runtime import NoWake
from foliot.settings import Settings

DOCS: Final = Path(__file__).parent
FOLDER: Final = DOCS / "reference"
ROOTS: Final = tuple(DOCS.parent / root for root in ("platform", "workers", "ingest"))
WRITTEN: Final = "This page is written by `docs/generate_reference.py`."

Schema: TypeAlias = Mapping[str, Any]
Row: TypeAlias = tuple[str, ...]

EXAMPLES: Final[Sequence[Mapping[str, Any]]] = yaml.safe_load((FOLDER / "language.examples.yaml").read_text("utf-8"))
"""What the words of the language do. A test runs all of them, and wants one for each of `words`."""

SETTING_GROUPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "dsn_owner": "Where the servers are",
        "tenant": "Tenant, topics and shards",
        "ingest_batch": "Intake",
        "step_batch": "Stepping",
        "inbox_segment_s": "Rings",
        "relay_batch": "Relay",
        "api_host": "HTTP API",
        "event_bytes_max": "Limits of an event",
        "log_format": "Logs",
        "testing": "Tests only",
    }
)
"""The first setting of each group, in the order of the class, and the group's title."""
METRIC_KINDS: Final = frozenset(("Counter", "Enum", "Gauge", "Histogram", "Info", "Summary"))
_HELP_COLUMNS: Final = 100
_PROBLEM: Final = "application/problem+json"
_BOUNDS: Final[Mapping[str, str]] = MappingProxyType({"ge": "≥", "gt": ">", "le": "≤", "lt": "<"})


def settings_page() -> str:
    """Tell every setting: its variable, what it is for, its default and its bounds."""
    lines = [
        *("# Settings", ""),
        "Each is a variable of the environment; a program reads them once, at its start. `foliot` commands take",
        "addresses that are not set from `.foliot/` in the working directory while `foliot up` runs there. Times and",
        f"sizes carry their unit in the name. {WRITTEN}",
    ]
    for title, names in _setting_groups().items():
        rows = (_setting_row(name, Settings.model_fields[name]) for name in names)
        lines += ["", f"## {title}", "", *_table(("variable", "what it is", "default", "bounds"), rows)]
    return _text(lines)


def commands_page() -> str:
    """Tell every command with its arguments and options."""
    entries = find_commands(register(Commands())).entries
    lines = [
        *("# Commands", ""),
        "What `foliot COMMAND --help` says, for all commands; what holds for all is told in",
        f"[The command line](../cli.md). {WRITTEN}",
    ]
    for name, entry in sorted(entries.items()):
        command = ready(entry)
        command.rich_markup_mode = None  # also where this is called on a terminal
        with command.make_context(
            f"foliot {name}", [], resilient_parsing=True, terminal_width=_HELP_COLUMNS
        ) as context:
            lines += ["", f"## foliot {name}", "", "```text", *command.get_help(context).strip().splitlines(), "```"]
    return _text(lines)


def http_page() -> str:
    """Tell every operation of the HTTP API, and the shapes of what goes in and comes out."""
    document = make_api(Doors(Settings(), NoWake())).openapi()
    lines = [
        *("# HTTP operations", ""),
        "What `/openapi.json` of a running API says. How keys, events, positions and refusals work is told in",
        f"[The HTTP API](../http-api.md). {WRITTEN}",
    ]
    for path, operations in sorted(document["paths"].items()):
        for method, operation in operations.items():
            lines += ["", *_operation(f"{method.upper()} {path}", operation)]
    lines += ["", "## Shapes"]
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines += ["", f"### {name}", *_described(schema), *_fields(schema)]
    return _text(lines)


def language_page() -> str:
    """Tell every word of the language."""
    schema = language_schema()
    lines = [
        *("# The language of machines", ""),
        "A machine is YAML or JSON. What its words mean together is told in [the plan](../plan.md); every fault that a",
        "definition can have, with an example, in [Faults of definitions](../diagnostics.md). `foliot language schema`",
        "writes the JSON Schema out of which this page is made, for editors. Each word has an example, with the steps",
        "of a [scenario](../how-to/test-a-machine.md) that says what happens; its first event makes the instance.",
        WRITTEN,
        *("", "## Machine"),
        *_fields(schema, "machine"),
        *_examples("machine"),
    ]
    for name, part in schema["$defs"].items():
        lines += ["", f"## {_heading(name)}", *_described(part), "", f"Type: {_kind(part)}.", *_word(part)]
        lines += [] if "items" in part else _fields(part, name)
        lines += _examples(name)
    return _text(lines)


def words(schema: Schema) -> Iterator[str]:
    """Give every word of the language: the sections of its page but the machine, and each name in their tables."""
    yield from (f"machine.{name}" for name, _ in _named(schema, ""))
    for section, part in schema["$defs"].items():
        yield section
        yield from (f"{section}.{name}" for name, _ in ([] if "items" in part else _named(part, "")))


def metrics_page() -> str:
    """Tell every metric that the source makes, and that a process of the API shows."""
    made = {metric for root in ROOTS for file in root.rglob("*.py") for metric in metrics_of(file)}
    said = {name for name, *_ in made}
    found = sorted(made | {metric for metric in metrics_of_the_api() if metric[0] not in said})
    lines = ["# Metrics", ""]
    if found:
        lines += [
            f"In the form of Prometheus. {WRITTEN}",
            "",
            *_table(("metric", "kind", "labels", "what it counts"), found),
        ]
    else:
        lines += [f"This version exposes none. {WRITTEN}"]
    return _text(lines)


def metrics_of(file: Path) -> Iterator[Row]:
    """Give the metrics that a module makes with literal names, by the classes of prometheus-client."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        kind = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        said = [each.value for each in node.args[:2] if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if kind in METRIC_KINDS and len(said) == 2:
            named = (each.value for each in node.keywords if each.arg == "labelnames")
            labels = node.args[2] if len(node.args) > 2 else next(named, None)
            names = [f"`{each.value!s}`" for each in getattr(labels, "elts", ()) if isinstance(each, ast.Constant)]
            yield f"`{said[0]}`", kind.lower(), ", ".join(names), said[1]


def metrics_of_the_api() -> Iterator[Row]:
    """Give what a process of the API shows, without the labels: those that are read when somebody asks have none."""
    doors = Doors(Settings(), NoWake())
    make_api(doors)
    for metric in doors.meters.registry.collect():
        yield f"`{metric.name}`", metric.type, "", metric.documentation


PAGES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "settings.md": settings_page,
        "commands.md": commands_page,
        "http.md": http_page,
        "language.md": language_page,
        "metrics.md": metrics_page,
    }
)


def _setting_groups() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    title = ""
    for name in Settings.model_fields:
        title = SETTING_GROUPS.get(name, title)
        groups.setdefault(title, []).append(name)
    return groups


def _setting_row(name: str, field: FieldInfo) -> Row:
    bounds = [
        f"{sign} {getattr(each, word)}"
        for each in field.metadata
        for word, sign in _BOUNDS.items()
        if hasattr(each, word)
    ]
    choices = [str(each) for each in get_args(field.annotation) if isinstance(each, str)]
    default = field.default
    shown = (
        "" if default in {"", frozenset()} else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    )
    secret = "" if field.repr else " (never shown)"
    return f"`FOLIOT_{name.upper()}`", f"{field.description}{secret}", shown, ", ".join(bounds or choices)


def _operation(title: str, operation: Schema) -> Iterator[str]:
    yield from (f"## {title}", *_described(operation))
    parameters = [
        (f"`{each['name']}`", each["in"] + (", required" if each.get("required") else ""), *_said(each["schema"], each))
        for each in operation.get("parameters", ())
    ]
    if parameters:
        yield from ("", *_table(("parameter", "where", "type", "what it is"), parameters))
    if content := operation.get("requestBody", {}).get("content"):
        yield from ("", f"Body: {', '.join(f'`{media}`' for media in content)}.")
    answers = operation["responses"]
    refusals = [status for status, each in answers.items() if _PROBLEM in each.get("content", {})]
    rows = [(status, each["description"], _bodies(each)) for status, each in answers.items() if status not in refusals]
    yield from ("", *_table(("status", "when", "body"), rows))
    if refusals:
        yield from ("", f"Refusals, as [Problem](#problem): {', '.join(refusals)}.")


def _bodies(answer: Schema) -> str:
    return "; ".join(
        f"`{media}`: {_kind(content['schema'])}" if content.get("schema") else f"`{media}`"
        for media, content in answer.get("content", {}).items()
    )


def _fields(schema: Schema, section: str = "") -> Iterator[str]:
    """Tell what an object has; with a section of the language also where each word is shown."""
    rows = [
        (f"`{name}`{', required' if name.rpartition('.')[2] in around.get('required', ()) else ''}", *_said(each, each))
        for name, (around, each) in _named(schema, "")
    ]
    if section and rows:
        shown = (_shown(f"{section}.{name}") for name, _ in _named(schema, ""))
        rows = [(*row, link) for row, link in zip(rows, shown, strict=True)]
    if rows:
        yield from ("", *_table(("name", "type", "what it is", "example")[: len(rows[0])], rows))


def _named(schema: Schema, above: str) -> Iterator[tuple[str, tuple[Schema, Schema]]]:
    """Give each name below a schema with the schema around it and its own; `[]` is any item, `*` any name."""
    for name, each in schema.get("properties", {}).items():
        yield f"{above}{name}", (schema, each)
        yield from _named(each, f"{above}{name}.")
        for inner, mark in (("items", "[]"), ("additionalProperties", ".*")):
            if isinstance(each.get(inner), Mapping):
                yield from _named(each[inner], f"{above}{name}{mark}.")


def _shown(word: str) -> str:
    titles = [example["title"] for example in EXAMPLES if word in example["shows"]]
    return ", ".join(f"[{title}](#{_anchor(title)})" for title in titles)


def _examples(section: str) -> Iterator[str]:
    for example in EXAMPLES:
        if example["shows"][0].partition(".")[0] == section:
            yield from ("", f"### {example['title']}", "")
            yield from ("```yaml", example["machine"].rstrip("\n"), "```", "")
            given = f", where `given` is `{json.dumps(example['given'])}`" if "given" in example else ""
            yield from (f"What happens{given}:", "```yaml", example["scenario"].rstrip("\n"), "```")


def _described(schema: Schema) -> Iterator[str]:
    if description := schema.get("description"):
        yield from ("", " ".join(description.split()))


def _word(schema: Schema) -> Iterator[str]:
    """Tell what form a text must have."""
    if form := schema.get("patternErrorMessage"):
        longest = f" At most {schema['maxLength']} characters." if "maxLength" in schema else ""
        yield from ("", f"{form}{longest}")


def _said(schema: Schema, describing: Schema) -> tuple[str, str]:
    words = [" ".join(describing.get("description", "").split())]
    words[0] += "." if words[0] and not words[0].endswith((".", ":")) else ""
    default = schema.get("default")
    words += [f"Default: `{orjson.dumps(default).decode()}`."] if default not in (None, "", []) else []
    return _kind(schema), " ".join(filter(None, words))


def _kind(schema: Schema) -> str:
    """Name a type; a shape that has a name of its own is linked."""
    if reference := schema.get("$ref"):
        name = _heading(reference.rpartition("/")[2])
        return f"[{name}](#{_anchor(name)})"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_kind(each) for each in schema[several]))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    kinds = schema.get("type", "any")
    names: Sequence[str] = [kinds] if isinstance(kinds, str) else kinds
    inner = schema.get("items") or (schema.get("additionalProperties") if "object" in names else None)
    below = f" of {_kind(inner)}" if isinstance(inner, Mapping) and inner else ""
    bounds = [
        f"{sign} {schema[word]}"
        for word, sign in (("minimum", "≥"), ("maximum", "≤"), ("exclusiveMinimum", ">"))
        if word in schema
    ]
    return " or ".join(names) + below + (f" ({', '.join(bounds)})" if bounds else "")


def _heading(name: str) -> str:
    return name[0].upper() + name[1:].replace("_", " ")


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _table(columns: Row, rows: Iterable[Row]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(_cell(each) for each in row)} |"


def _cell(text: str) -> str:
    """Make a text one line, in which nothing but what stands in backticks is taken for Markdown's own signs."""
    words = " ".join(text.split()).replace("|", r"\|").split("`")
    return "`".join(word if odd % 2 else word.replace("<", "&lt;") for odd, word in enumerate(words))


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")

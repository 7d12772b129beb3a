"""`foliot language`."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer

from foliot.cli.answers import Answer
from foliot.definition import language_schema
from foliot.testing import scenario_schema


def schema(
    *, scenarios: Annotated[bool, typer.Option("--scenarios", help="Of scenarios, the files .test.yaml.")] = False
) -> Answer:
    """Write the JSON Schema (2020-12) of the language, for editors."""
    found = scenario_schema() if scenarios else language_schema()
    return Answer(found, (schema_text(found),))


def schema_text(schema: dict[str, Any]) -> str:
    """Give a schema as a file has it, without the end of its last line."""
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode()

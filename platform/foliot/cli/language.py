"""`foliot language`."""

from __future__ import annotations

import orjson

from foliot.cli.answers import Answer
from foliot.definition import language_schema


def schema() -> Answer:
    """Write the JSON Schema (2020-12) of the language, for editors."""
    return Answer(language_schema(), (schema_text(),))


def schema_text() -> str:
    """Give that schema as a file has it, without the end of its last line."""
    return orjson.dumps(language_schema(), option=orjson.OPT_INDENT_2).decode()

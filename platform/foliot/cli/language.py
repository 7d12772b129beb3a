"""`foliot language`."""

from __future__ import annotations

import orjson

from foliot.cli.answers import Answer
from foliot.definition import language_schema


def schema() -> Answer:
    """Write the JSON Schema (2020-12) of the language, for editors."""
    written = language_schema()
    return Answer(written, (orjson.dumps(written, option=orjson.OPT_INDENT_2).decode(),))

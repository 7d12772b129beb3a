"""A machine that was made smaller as a text, read back before anybody gets it."""

from __future__ import annotations

from foliot.definition import Definition, NotWritable, dump, read


def write(definition: Definition) -> str:
    """Write it in Foliot's own language, as JSON.

    Raises:
        NotWritable: the language has no words for something in it, or reads it otherwise.
    """
    text = dump(definition)
    reading = read(text, filename="optimized.json")
    if reading.definition is None:
        error = next(each for each in reading.diagnostics if each.severity == "error")
        raise NotWritable(f"the smaller machine is refused by the language: {error.code}, {error.what}")
    if reading.definition.canonical() != definition.canonical():
        raise NotWritable("the machine does what this language cannot say")
    return text

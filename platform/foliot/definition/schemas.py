"""Checks of the JSON Schemas in a definition, draft 2020-12 alone, and nothing is ever fetched.

Regular expressions are those of the Rust crate `regex`: without look-around and back-references, and so in linear time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import cast

import jsonschema_rs

from foliot.definition.diagnostics import Faults, did_you_mean
from foliot.definition.expressions import ContextNames
from foliot.definition.model import JsonSchema
from foliot.definition.tree import Key, Mapping, Scalar, Sequence, Tree, find, plain

DRAFT = "https://json-schema.org/draft/2020-12/schema"

# An expression that compiles to more would let a small text take minutes to check.
_PATTERNS = jsonschema_rs.RegexOptions(size_limit=4_194_304)
# Keywords whose value is data, not a schema.
_DATA_KEYWORDS = frozenset({"const", "enum", "default", "examples"})
# Keywords whose value has a schema under each name.
_NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_REFERENCES = frozenset({"$ref", "$dynamicRef"})
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
# Keywords that let a schema speak about names of the context in another place than `properties`.
_INDIRECT = frozenset({"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "patternProperties"})


def compile_schema(schema: JsonSchema) -> jsonschema_rs.Draft202012Validator:
    """Compile a schema that fetches nothing and matches in linear time.

    Raises:
        jsonschema_rs.ValidationError: `check` would have refused it.
    """
    return jsonschema_rs.Draft202012Validator(schema, offline=True, pattern_options=_PATTERNS)


def check_schema(tree: Tree, faults: Faults) -> jsonschema_rs.Draft202012Validator | None:
    """Note all faults of a schema; return it compiled where there are none."""
    if not isinstance(tree, Mapping | Scalar) or (isinstance(tree, Scalar) and not isinstance(tree.value, bool)):
        return None
    checks = (_check_meta(tree, faults), _check_keywords(tree, faults))
    if not all(checks):
        return None
    try:
        return compile_schema(cast("JsonSchema", plain(tree)))
    except jsonschema_rs.ValidationError as error:
        if error.kind.name == "$ref":
            where = _reference(tree, error.message)
            faults.error("D706", where, _message(error, faults), "Refer to something in '$defs' of the same schema.")
        else:
            where = find(tree, tuple(error.instance_path))
            faults.error("D701", where, _message(error, faults), "See https://json-schema.org/draft/2020-12.")
    return None


def check_instance(tree: Tree, validator: jsonschema_rs.Draft202012Validator, faults: Faults) -> None:
    """Note all that is wrong with the initial context."""
    for error in validator.iter_errors(plain(tree)):
        where = find(tree, tuple(error.instance_path))
        faults.error("D705", where, _message(error, faults), "Make 'initial' fit the schema, or the schema fit it.")


def context_names(schema: JsonSchema | None) -> ContextNames | None:
    """Read from a schema which names the context may have; None where any may be."""
    if not isinstance(schema, dict) or not _INDIRECT.isdisjoint(schema):
        return None
    properties = schema.get("properties", {})
    additional = schema.get("additionalProperties", schema.get("unevaluatedProperties"))
    closed = additional is False
    if not isinstance(properties, dict) or not (closed or (additional is None and properties)):
        return None
    return ContextNames(frozenset(properties), closed)


def _check_meta(tree: Tree, faults: Faults) -> bool:
    """Note what the schema of schemas refuses."""
    good = True
    for error in _schema_of_schemas().iter_errors(plain(tree)):
        where = find(tree, tuple(error.instance_path))
        what, remedy = _message(error, faults), "See https://json-schema.org/draft/2020-12."
        if error.kind.name == "anyOf" and error.instance_path[-1:] == ["type"] and isinstance(where, Scalar):
            what, remedy = f"{faults.quote(str(where.value))} is no type.", did_you_mean(str(where.value), _TYPES)
        faults.error("D701", where, what, remedy)
        good = False
    return good


@cache
def _schema_of_schemas() -> jsonschema_rs.Draft202012Validator:
    """Compile it once: that takes longer than most schemas take to be checked."""
    return jsonschema_rs.Draft202012Validator({"$ref": DRAFT}, offline=True)


def _check_keywords(tree: Tree, faults: Faults) -> bool:
    """Note drafts, references to outside and regular expressions that can't be used."""
    good = True
    for name, value in _keywords(tree):
        text = value.value if isinstance(value, Scalar) else None
        if name == "$schema" and isinstance(text, str) and text.rstrip("#") != DRAFT:
            faults.error("D702", value, f"The draft {faults.quote(text)} is not supported.", f"Write {DRAFT}.")
            good = False
        if name in _REFERENCES and isinstance(text, str) and not text.startswith("#"):
            what = f"The schema refers to {faults.quote(text)}; nothing is ever fetched."
            faults.error("D703", value, what, "Copy it into '$defs' and refer to '#/$defs/…'.")
            good = False
        if name == "pattern" and isinstance(text, str):
            good = _check_pattern(text, value, faults) and good
        if name == "patternProperties" and isinstance(value, Mapping):
            for pattern, pattern_key in value.keys.items():
                good = _check_pattern(pattern, pattern_key, faults) and good
    return good


def _check_pattern(pattern: str, where: Tree | Key, faults: Faults) -> bool:
    try:
        compile_schema({"pattern": pattern})
    except jsonschema_rs.ValidationError:
        what = f"The regular expression {faults.quote(pattern)} can't be used."
        remedy = "Mend it; look-around and back-references are not there, and its automaton must stay small."
        faults.error("D704", where, what, remedy)
        return False
    return True


def _keywords(tree: Tree, *, names: bool = False) -> Iterator[tuple[str, Tree]]:
    """Yield all keywords of a schema with their values; `names` says that the keys are names of properties instead."""
    if isinstance(tree, Sequence):
        for item in tree.items:
            yield from _keywords(item)
    if not isinstance(tree, Mapping):
        return
    for name, value in tree.values.items():
        if names:
            yield from _keywords(value)
        elif name not in _DATA_KEYWORDS:
            yield name, value
            yield from _keywords(value, names=name in _NAMED_SCHEMAS)


def _reference(tree: Tree, message: str) -> Tree:
    """Find the reference that a message is about: it has the pointer, and not the place."""
    for name, value in _keywords(tree):
        if name in _REFERENCES and isinstance(value, Scalar) and f"'{str(value.value)[1:]}'" in message:
            return value
    return tree


def _message(error: jsonschema_rs.ValidationError, faults: Faults) -> str:
    if error.kind.name == "falseSchema":
        return "The schema allows nothing here but what it names."
    return f"{faults.quote(error.message)[1:-1]}."

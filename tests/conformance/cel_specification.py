"""CEL's own conformance cases (`tests/simple/testdata` of the specification): read, and run where they apply."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conformance.cel_outcomes import Outcome, foliot_value, is_same

from foliot.cel import (
    DYN,
    CelError,
    Duration,
    Environment,
    EvaluationError,
    Timestamp,
    TypeValue,
    UInt,
    compile_expression,
)

Message = dict[str, list[Any]]

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<mark>[{}<>:,;\[\]])|(?P<word>[^\s{}<>:,;\[\]\#"']+)"""
)
# Whole files that are about what Foliot leaves out.
LEFT_OUT_FILES = {
    "bindings_ext": "extension bindings (cel.bind)",
    "block_ext": "extension for optimizers (cel.block)",
    "encoders_ext": "extension encoders (base64)",
    "enums": "protobuf messages",
    "lists_ext": "extension lists",
    "macros2": "comprehensions of two variables",
    "network_ext": "extension network",
    "proto2": "protobuf messages",
    "proto2_ext": "protobuf messages",
    "proto3": "protobuf messages",
    "type_deduction": "deduced types, told by name",
    "unknowns": "unknown values",
    "wrappers": "protobuf messages",
}
# Of the others, cases whose expression has this.
LEFT_OUT = (
    (r"TestAllTypes|GlobalEnum|proto\.|google\.protobuf\.(?!Timestamp\b|Duration\b)", "protobuf messages"),
    (r"\.get\w+\(['\"][A-Z]\w+/\w+", "time zones by name: what they stand for depends on the machine"),
    (r"\.format\(|strings\.quote", "format and quote of the extension strings"),
    (r"math\.(?!greatest|least)", "extension math, but for greatest and least"),
    (r"cel\.", "extension bindings (cel.bind)"),
    (r"(?<![\w)\]'\"}])\.[a-z_]+", "names with a leading dot: there are no containers"),
    (r"`", "field names in backticks"),
)


# Foliot compares an int with a double exactly; the specification's cases round the int first.
DEPARTURES = {
    "comparisons/lt_literal/not_lt_dyn_int_big_lossy_double",
    "comparisons/gt_literal/not_gt_dyn_big_double_int",
    "comparisons/lte_literal/lte_dyn_big_double_int",
    "comparisons/gte_literal/gte_dyn_int_big_lossy_double",
}
REFUSED: Outcome = ("error", "refused")
UNCHECKED = "refused before it runs: the case is for evaluation without a type checker, which Foliot always has"


def run_specification(folder: Path) -> dict[str, Any]:
    """Run all cases; give counts, reasons and failures."""
    left_out: Counter[str] = Counter()
    departing = 0
    passed: Counter[str] = Counter()
    failed: list[dict[str, str]] = []
    for path in sorted(folder.glob("*.textproto")):
        for name, case in _cases(path):
            reason = LEFT_OUT_FILES.get(path.stem) or _reason(case)
            if reason is not None:
                left_out[reason] += 1
                continue
            wanted, found = _wanted(case), _found(case)
            if found == REFUSED and wanted[0] != "error" and "disable_check" in case:
                left_out[UNCHECKED] += 1
            elif f"{path.stem}/{name}" in DEPARTURES:
                departing += 1
                assert not is_same(wanted, found), f"{name} is no departure any more"
            elif is_same(wanted, found):
                passed[path.stem] += 1
            else:
                told = {"expression": _expression(case), "wanted": str(wanted), "found": str(found)}
                failed.append({"case": f"{path.stem}/{name}", **told})
    return {
        "applied": sum(passed.values()) + len(failed) + departing,
        "passed": sum(passed.values()),
        "passed_by_file": dict(passed),
        "departing": departing,
        "failed": failed,
        "left_out": dict(left_out.most_common()),
    }


def _cases(path: Path) -> Iterator[tuple[str, Message]]:
    for section in read_textproto(path.read_text()).get("section", []):
        for case in section.get("test", []):
            yield f"{section['name'][0]}/{case['name'][0]}", case


def _expression(case: Message) -> str:
    return str(case["expr"][0]).encode("latin-1").decode()


def _reason(case: Message) -> str | None:
    """Say why a case does not apply, None if it does."""
    source = _expression(case)
    for pattern, reason in LEFT_OUT:
        if re.search(pattern, source):
            return reason
    if "container" in case:
        return "names with a leading dot: there are no containers"
    for declared in case.get("type_env", []):
        if "function" in declared or "." in declared["name"][0]:
            return "functions and dotted names that the host declares"
    if "unknown" in case or "any_unknowns" in case:
        return "unknown values"
    text = str([case.get("value"), case.get("bindings")])
    if re.search(r"\[type\.googleapis\.com/(?!google\.protobuf\.(Timestamp|Duration)\])|enum_value", text):
        return "protobuf messages"
    return None


def _wanted(case: Message) -> Outcome:
    if "eval_error" in case or "any_eval_errors" in case:
        return "error", ""
    return foliot_value(_value(case["value"][0]) if "value" in case else True)


def _found(case: Message) -> Outcome:
    values = {found["key"][0]: _value(found["value"][0]["value"][0]) for found in case.get("bindings", [])}
    declared = {found["name"][0]: DYN for found in case.get("type_env", [])}
    try:
        program = compile_expression(_expression(case), Environment({**declared, **dict.fromkeys(values, DYN)}))
        return foliot_value(program.evaluate(*(values.get(name) for name in {**declared, **values})))
    except EvaluationError:
        return "error", ""
    except CelError:
        return REFUSED


def _value(message: Message) -> Any:  # noqa: PLR0911 (one for each kind)
    ((kind, (value, *_)),) = message.items()
    match kind:
        case "int64_value":
            return int(value)
        case "uint64_value":
            return UInt(int(value))
        case "double_value":
            return float(value)
        case "bool_value":
            return value == "true"
        case "string_value" | "bytes_value":
            return value.encode("latin-1").decode() if kind == "string_value" else value.encode("latin-1")
        case "list_value":
            return [_value(each) for each in value.get("values", [])]
        case "map_value":
            return {_value(each["key"][0]): _value(each["value"][0]) for each in value.get("entries", [])}
        case "type_value":
            return TypeValue(value)
        case "object_value":
            ((url, (content, *_)),) = value.items()
            nanoseconds = int(content.get("seconds", ["0"])[0]) * 10**9 + int(content.get("nanos", ["0"])[0])
            return Timestamp(nanoseconds) if url.endswith("Timestamp]") else Duration(nanoseconds)
        case _:
            return None


def read_textproto(text: str) -> Message:
    """Read protobuf's text format: fields are lists of words, of texts (a character for each byte) or of messages."""
    tokens = [(found.lastgroup, found.group()) for found in _TOKEN.finditer(text) if found.lastgroup]
    message, position = _message(tokens, 0)
    assert position == len(tokens), tokens[position : position + 5]
    return message


def _message(tokens: list[tuple[str | None, str]], position: int) -> tuple[Message, int]:
    message: Message = {}
    while position < len(tokens) and tokens[position][1] not in ("}", ">"):
        name = tokens[position][1]
        position += 1
        if name in (",", ";"):
            continue
        if name == "[":
            name = f"[{tokens[position][1]}]"
            position += 2
        if tokens[position][1] == ":":
            position += 1
        value, position = _field(tokens, position)
        message.setdefault(name, []).extend(value)
    return message, position


def _field(tokens: list[tuple[str | None, str]], position: int) -> tuple[list[Any], int]:
    kind, text = tokens[position]
    if text in ("{", "<"):
        inner, position = _message(tokens, position + 1)
        return [inner], position + 1
    if text == "[":
        values: list[Any] = []
        position += 1
        while tokens[position][1] != "]":
            if tokens[position][1] == ",":
                position += 1
                continue
            found, position = _field(tokens, position)
            values += found
        return values, position + 1
    if kind != "string":
        return [text], position + 1
    joined = ""
    while position < len(tokens) and tokens[position][0] == "string":
        joined += _unescaped(tokens[position][1][1:-1])
        position += 1
    return [joined], position


_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_PLAIN = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def _unescaped(text: str) -> str:
    def byte(found: re.Match[bytes]) -> bytes:
        escape = found[1]
        if escape[:1].isdigit():
            return bytes([int(escape, 8)])
        if escape[:1] == b"x":
            return bytes([int(escape[1:], 16)])
        if escape[:1] in (b"u", b"U"):
            return chr(int(escape[1:], 16)).encode()
        return _PLAIN.get(escape, escape)

    return _ESCAPE.sub(byte, text.encode()).decode("latin-1")

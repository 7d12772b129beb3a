"""Diagnostics as a log in SARIF 2.1.0, which code hosts and editors show beside the source.

Source: OASIS Standard "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from foliot.definition import Diagnostic
from foliot.languages import explain

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif_log(found: Sequence[Diagnostic]) -> dict[str, Any]:
    """Write a log of one run. It has the rules that some diagnostic names, and no others."""
    codes = sorted({diagnostic.code for diagnostic in found})
    driver = {"name": "foliot", "version": version("foliot"), "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, codes.index(diagnostic.code)) for diagnostic in found],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    page = explain(code)
    wrong, right = page.wrong.text, page.right.text
    language = page.wrong.file.rpartition(".")[2]
    return {
        "id": code,
        "shortDescription": {"text": page.headline},
        "fullDescription": {"text": page.meaning},
        "help": {
            "text": f"{page.reason}\n\nWrong:\n\n{wrong}\nRight:\n\n{right}",
            "markdown": f"{page.reason}\n\nWrong:\n```{language}\n{wrong}```\n\nRight:\n```{language}\n{right}```\n",
        },
    }


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(diagnostic.file)},
            "region": {"startLine": diagnostic.line, "startColumn": diagnostic.column},
        }
    }
    if diagnostic.path:
        location["logicalLocations"] = [{"fullyQualifiedName": diagnostic.path}]
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": {"text": f"{diagnostic.what} {diagnostic.remedy}".rstrip()},
        "locations": [location],
    }


def _uri(file: str) -> str:
    """Name a file as it was named: relative to the working directory, or absolute."""
    return Path(file).as_uri() if Path(file).is_absolute() else quote(file)

"""A definition checked in a process of its own, whose time and memory are bounded.

A text is read, its machine compiled and born once, before it is published. What that costs is known only afterwards:
a birth may take a thousand microsteps of expensive expressions. Where many share a process, none may hold it up.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

from foliot.definition import Definition, DefinitionRefused, Diagnostic
from foliot.errors import FoliotError
from foliot.registry.failures import BadName, CheckTooCostly, MachineNotStartable, RegistryError
from foliot.registry.publishing import CheckedMachine, check_machine

_PROGRAM: Final = "from foliot.registry.trial import main; main()"
_WAIT: Final = 3
"""How many times longer than its processor time a check may take where the machine is busy."""
_BEGIN_S: Final = 30
_TOO_COSTLY: Final = 3
_ENDED_BY_LIMITS: Final = frozenset({_TOO_COSTLY, -signal.SIGXCPU, -signal.SIGKILL, -signal.SIGABRT, -signal.SIGSEGV})
_REFUSALS: Final = {each.code: each for each in (BadName, MachineNotStartable)}


def check_apart(text: bytes, *, filename: str, cpu_s_max: int, memory_mb_max: int) -> CheckedMachine:
    """Look whether `text` defines a machine, as `check_machine` does, within bounds.

    Raises:
        FoliotError: as `check_machine`.
        CheckTooCostly: the check was ended.
    """
    # Not from the folder in which this process was started.
    argv = (sys.executable, "-P", "-c", _PROGRAM, filename, str(cpu_s_max), str(memory_mb_max))
    too_costly = CheckTooCostly(
        f"to check it takes more than {cpu_s_max} s of processor time, or {memory_mb_max} MB", where=filename
    )
    try:
        done = subprocess.run(
            argv, input=text, capture_output=True, check=False, env=_environment(), timeout=_BEGIN_S + _WAIT * cpu_s_max
        )
    except subprocess.TimeoutExpired as error:
        raise too_costly from error
    if done.returncode in _ENDED_BY_LIMITS:
        raise too_costly
    if done.returncode:
        raise RuntimeError(f"the check ended with {done.returncode}: {done.stderr[-2_000:].decode(errors='replace')}")
    return _checked(json.loads(done.stdout), text, filename)


def main() -> None:
    """Check what is written to the standard input; the arguments are the file's name, seconds and megabytes."""
    filename, cpu_s_max, memory_mb_max = sys.argv[1:]
    for which, most in (
        (resource.RLIMIT_CPU, int(cpu_s_max)),
        (resource.RLIMIT_AS, int(memory_mb_max) * 1024 * 1024),
        (resource.RLIMIT_CORE, 0),
    ):
        # Where the system has set a lower limit, that one holds.
        with suppress(ValueError):
            resource.setrlimit(which, (most, most))
    try:
        answer = json.dumps(_answer(sys.stdin.buffer.read(), filename))
    except MemoryError:
        # At once: an orderly end takes memory too.
        os._exit(_TOO_COSTLY)
    sys.stdout.write(answer)


def _environment() -> dict[str, str]:
    """Give what Python needs to find itself: what else is set, secrets among it, is no business of a check."""
    libraries = os.environ.get("LD_LIBRARY_PATH")
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return paths if libraries is None else {**paths, "LD_LIBRARY_PATH": libraries}


def _answer(text: bytes, filename: str) -> dict[str, Any]:
    try:
        return {"definition": check_machine(text, filename=filename).definition.canonical().decode()}
    except DefinitionRefused as error:
        return {"diagnostics": [asdict(each) for each in error.diagnostics]}
    except RegistryError as error:
        return {"refusal": asdict(error.refusal)}


def _checked(answer: dict[str, Any], text: bytes, filename: str) -> CheckedMachine:
    if "diagnostics" in answer:
        raise DefinitionRefused(tuple(Diagnostic(**each) for each in answer["diagnostics"]))
    if "refusal" in answer:
        raise _refused(**answer["refusal"])
    return CheckedMachine(Definition.from_canonical(answer["definition"].encode()), text.decode("utf-8-sig"), filename)


def _refused(*, code: str, what: str, where: str, remedy: str, **_: Any) -> FoliotError:
    return _REFUSALS[code](what, where=where, remedy=remedy)

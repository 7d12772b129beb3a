"""The machine itself: memory and files for what the settings ask for, settings that are none, and switches of tests."""

from __future__ import annotations

import difflib
import os
import resource
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from foliot.cli.doctor.findings import Finding, failure, passed, warning
from foliot.cli.wording import visible
from foliot.settings import Settings

_PART: Final = "machine"
_MIB: Final = 1 << 20
_FILES_MIN: Final = 2_500
"""The API takes 2,000 connections, and has some of its own."""
_DISK_FREE_MIN: Final = 0.1
_PREFIX: Final = "FOLIOT_"
_OTHER_NAMES: Final = frozenset({"FOLIOT_UP_KAFKA"})
"""Read from the environment, and no settings: what `foliot up` alone asks for."""
_CGROUP_LIMITS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def check_machine(settings: Settings) -> Iterator[Finding]:
    """Look at memory, files, disk and switches, as this process sees them."""
    if settings.testing:
        off = ", ".join(sorted(settings.defences_off)) or "none are"
        says = f"FOLIOT_TESTING is set: defences may be switched off ({off})"
        yield failure(_PART, "testing", says, "Unset FOLIOT_TESTING, FOLIOT_DEFENCES_OFF and FOLIOT_CRASH_AT.")
    yield from _unknown_settings()
    wanted = (settings.worker_children + settings.urgent_children) * settings.child_memory_max_mb
    there = memory_bytes() // _MIB
    says = f"children of one worker may take {wanted:,} of {there:,} MiB"
    if wanted > there:
        yield warning(_PART, "memory", says, "Lower FOLIOT_WORKER_CHILDREN or FOLIOT_CHILD_MEMORY_MAX_MB.")
    else:
        yield passed(_PART, "memory", says)
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < _FILES_MIN:
        says = f"a process may have {files:,} open, the API up to {_FILES_MIN:,}"
        yield warning(_PART, "files", says, "Raise the limit: ulimit -n 65536, LimitNOFILE= in a unit.")
    else:
        yield passed(_PART, "files", "unlimited" if files == resource.RLIM_INFINITY else f"{files:,} a process")
    disk = shutil.disk_usage(Path.cwd())
    says = f"{disk.free / disk.total:.0%} of the working directory's is free"
    if disk.free < _DISK_FREE_MIN * disk.total:
        yield warning(_PART, "disk", says, "Make room, if servers keep their data here.")
    else:
        yield passed(_PART, "disk", says)
    if settings.kafka and find_spec("crc32c") is None:
        says = "crc32c is not installed: a record takes 75 µs to read instead of 9"
        yield warning(_PART, "crc32c", says, "pip install crc32c")


def _unknown_settings() -> Iterator[Finding]:
    """Name what looks like a setting and is none: nothing else would tell that it has no effect."""
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields} | _OTHER_NAMES
    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            remedy = f"Did you mean {near[0]}?" if near else "Unset it; docs/reference/settings.md has all settings."
            yield warning(_PART, "settings", f"{visible(name)} is no setting, and has no effect", remedy)


def memory_bytes() -> int:
    """Give how much memory this process may use: the machine's, or its group's if that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [text for text in map(_read, _CGROUP_LIMITS) if text.isdecimal()]
    return min([machine, *map(int, limits)])


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""

"""Compiles the modules that every event passes, where a wheel is built with FOLIOT_COMPILE=1.

They are ordinary typed Python, and an installation without a compiler runs them as such; mypyc makes C of the same
sources. Which they are stands in pyproject.toml, beside the name of this hook.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOTS = ("platform", "workers", "ingest")


class CompileHook(BuildHookInterface[Any]):
    """Adds what it compiled to the wheel; the source tree stays as it is, since editable installations run from it."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name the wheel for the interpreter and the machine that it is for."""
        if version != "standard" or os.environ.get("FOLIOT_COMPILE") != "1":
            return
        self._built = tempfile.TemporaryDirectory(prefix="foliot-compiled-")
        libraries = Path(self._built.name, "lib")
        compile_modules(Path(self.root), self.config["modules"], libraries, Path(self._built.name, "work"))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"] |= {
            str(path): str(path.relative_to(libraries)) for path in sorted(libraries.rglob("*.so"))
        }

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - the interface
        """Remove what was made on the way."""
        if hasattr(self, "_built"):
            self._built.cleanup()


def compile_modules(root: Path, modules: list[str], libraries: Path, work: Path) -> None:
    """Make a library of each module (`foliot.engine.stepping`) below `libraries`, and one that they share."""
    # Only who compiles needs these.
    from mypyc.build import mypycify  # noqa: PLC0415
    from setuptools import Distribution  # noqa: PLC0415

    work.mkdir(parents=True)
    os.environ["MYPYPATH"] = os.pathsep.join(str(root / name) for name in ROOTS)
    options = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent"]
    sources = [str(_source(root, module)) for module in modules]
    extensions = mypycify([*options, *sources], target_dir=str(work), group_name="foliot", opt_level="3")
    command = Distribution({"ext_modules": extensions}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(libraries), str(work)
    command.ensure_finalized()
    command.run()


def _source(root: Path, module: str) -> Path:
    for each in ROOTS:
        path = root.joinpath(each, *module.split(".")).with_suffix(".py")
        if path.exists():
            return path
    message = f"There is no module {module} to compile: mend [tool.hatch.build.targets.wheel.hooks.custom]."
    raise FileNotFoundError(message)

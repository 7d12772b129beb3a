"""Public data for tests that is not part of the project: beside it, or where FOLIOT_SHARED says."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("FOLIOT_SHARED") or ROOT.parent / "shared")

"""How the names of files end: the one rule that readers, commands and pytest's plugin share."""

from __future__ import annotations

from typing import Final

OWN: Final = (".yaml", ".yml", ".json")
SCXML: Final = (".scxml", ".xml")
XSTATE: Final = ".xstate.json"
ARROWS: Final = ".arrows"
MACHINES: Final = (*OWN, *SCXML, ARROWS)
SCENARIOS: Final = (".test.yaml", ".test.yml", ".test.json")

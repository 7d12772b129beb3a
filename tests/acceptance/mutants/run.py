"""`python tests/acceptance/mutants/run.py --help`."""

import runpy
import sys
from pathlib import Path

# In the place of this script's own folder: what the programs of the tests share is found from `tests`.
sys.path[0] = str(Path(__file__).parents[2])
runpy.run_module("acceptance.mutants", run_name="__main__", alter_sys=True)

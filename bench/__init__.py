"""What Rollcall costs, measured beside the least that it could cost. `make bench`."""

import sys
from pathlib import Path

# The functions find the package in their layer; a program started here finds it by this.
sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "rollcall" / "python"))

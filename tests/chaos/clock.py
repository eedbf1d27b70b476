"""Run a script whose wall clock is off by the seconds in a file: `clock.py FILE SCRIPT ARGUMENT…`.

Not libfaketime: under it Python's own sleep fails, whose clock it should leave alone.
"""

import runpy
import sys
import time
from pathlib import Path

_REAL = time.time


def main() -> None:
    """Set the clock before anything else is imported, then become the script."""
    offset = Path(sys.argv[1])
    time.time = lambda: _REAL() + float(offset.read_text())
    sys.argv = sys.argv[2:]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()

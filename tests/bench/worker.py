"""A worker for the benchmarks: real, with encoders that cost nothing, or with a CLIP image graph.

`worker.py`, `worker.py --free`, `worker.py --clip GRAPH`; `--unwatched` before them: no metrics
"""

import sys
from pathlib import Path

from moderator.app import run_worker
from moderator.encoders.base import Space
from moderator.settings import load_settings
from tests.bench.encoders import clip_space, free_space
from tests.bench.unwatched import Unwatched


def _space(arguments: list[str]) -> Space | None:
    match arguments:
        case ["--free"]:
            return free_space()
        case ["--clip", graph]:
            return clip_space(Path(graph))
        case _:
            return None


if __name__ == "__main__":
    flags = sys.argv[1:]
    watched = flags[:1] != ["--unwatched"]
    space = _space(flags if watched else flags[1:])
    run_worker(load_settings(), space, None if watched else Unwatched())

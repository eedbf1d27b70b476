"""A worker for the benchmarks: real, with encoders that cost nothing, or with those of a folder.

`worker.py`, `worker.py --free`, `worker.py --images FOLDER`; `--unwatched` before them: no metrics
"""

import sys
from pathlib import Path

from moderator.app import run_worker
from moderator.encoders.base import Space
from moderator.encoders.load import load_space
from moderator.settings import load_settings
from tests.bench.encoders import free_space, with_noise, without_texts
from tests.bench.unwatched import Unwatched


def _space(arguments: list[str]) -> Space | None:
    match arguments:
        case ["--free"]:
            return free_space()
        case ["--images", folder]:
            return without_texts(with_noise(load_space(Path(folder), "cpu")))
        case _:
            return None


if __name__ == "__main__":
    flags = sys.argv[1:]
    watched = flags[:1] != ["--unwatched"]
    space = _space(flags if watched else flags[1:])
    run_worker(load_settings(), space, None if watched else Unwatched())

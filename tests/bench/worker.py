"""A worker for the benchmarks: real, or with encoders that cost nothing (`--free`)."""

import sys

from moderator.app import run_worker
from moderator.settings import load_settings
from tests.bench.encoders import free_space

if __name__ == "__main__":
    run_worker(load_settings(), free_space() if "--free" in sys.argv else None)

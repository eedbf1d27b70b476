"""`make fuzz`: atheris feeds every target for a while; `python -m tests.fuzz [TARGET…]`.

SECONDS (60) is the time for each target. What it finds is written to .fuzz/TARGET/; make a test of
it by moving it to tests/fuzz/found/TARGET/, which `make test` replays.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.fuzz.targets import TARGETS

OUT = Path(".fuzz")
_RUNS = re.compile(r"Done (\d+) runs in (\d+)")
_COVERED = re.compile(r"cov: (\d+)")


def main(names: Sequence[str]) -> int:
    """Fuzz the targets named, or all; print a table; 1 if anything was found."""
    seconds = int(os.environ.get("SECONDS", "60"))
    finds = 0
    print("| target | inputs | seconds | branches | finds |\n|---|---:|---:|---:|---|")
    for name in names or TARGETS:
        before = set(_artifacts(name))
        log = _fuzz(name, seconds)
        runs = _RUNS.search(log)
        covered = _COVERED.findall(log)
        found = sorted(set(_artifacts(name)) - before)
        finds += len(found)
        tried, took = (f"{int(runs[1]):,}", runs[2]) if runs else ("stopped", "")
        shown = ", ".join(map(str, found)) or "none"
        print(f"| {name} | {tried} | {took} | {max(map(int, covered), default=0)} | {shown} |")
    return 1 if finds else 0


def _artifacts(name: str) -> Iterator[Path]:
    """Such as crash-…, timeout-…, oom-…, named by libFuzzer."""
    return (OUT / name).glob("*-*")


def _fuzz(name: str, seconds: int) -> str:
    corpus = OUT / name / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for place, seed in enumerate(TARGETS[name].seeds()):
        (corpus / f"seed{place}").write_bytes(seed)
    arguments = [
        *(f"-max_total_time={seconds}", f"-max_len={TARGETS[name].max_bytes}"),
        *("-timeout=20", "-rss_limit_mb=3000", "-print_final_stats=1"),
        f"-artifact_prefix={OUT / name}/",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.feed", name, *arguments, str(corpus)],
        capture_output=True,
        check=False,
        timeout=seconds + 120,
    )
    log = done.stderr.decode("utf-8", "replace")
    (OUT / name / "log.txt").write_text(log)
    return log


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`make bench`: what screening costs, and how it stands to the bare runtime and to others.

Medians of runs that take turns, on one machine: trust the ratios. `make bench ONLY=images,texts`
runs some of the parts; each takes up to three minutes.
"""

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.bench import delivery, images, latency, others, pipeline, repeats, share, texts
from tests.bench.report import Row, write
from tests.bench.skeletons import Skeletons

OUT = Path(".bench")
PARTS: Mapping[str, Callable[[Skeletons], Iterator[Row]]] = {
    "pipeline": pipeline.run,
    "worker": share.run,
    "worker-clip": share.run_clip,
    "delivery": delivery.run,
    "images": images.run,
    "texts": texts.run,
    "latency": latency.run,
    "repeats": repeats.run,
    "others": others.run,
}


def main() -> None:
    """Run the parts that were asked for; print the table and write it to .bench/."""
    asked = [name for name in os.environ.get("ONLY", "").split(",") if name]
    if unknown := set(asked) - set(PARTS):
        raise SystemExit(f"ONLY={','.join(unknown)}: the parts are {', '.join(PARTS)}")
    if not asked:  # others live in an environment that few have
        asked = [name for name in PARTS if name != "others" or "OTHERS" in os.environ]
    logging.getLogger().setLevel(logging.ERROR)  # quantising warns of what we mean to do
    table = ""
    with tempfile.TemporaryDirectory(prefix="moderator-bench-") as name:
        skeletons = Skeletons(Path(name))
        for part in asked:
            print(f"{part} …", file=sys.stderr, flush=True)
            table = write(OUT, part, list(PARTS[part](skeletons)))
    print(table, end="")


if __name__ == "__main__":
    main()

"""Other libraries on the same architecture and photographs, in an environment of their own.

    python3 -m venv others && others/bin/pip install transformers torch torchvision fastembed
    make bench ONLY=others OTHERS=others/bin/python

`OTHERS` is the Python that has them; those it lacks are left out.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import numpy as np

from tests.bench.encoders import without_texts
from tests.bench.images import COUNT, image_post, screening
from tests.bench.photographs import photograph
from tests.bench.report import CORES, Row
from tests.bench.skeletons import Skeletons
from tests.bench.timing import interleaved, ratio

ROUNDS = 5
PIPELINE = "transformers, zero-shot pipeline"
_SCRIPT = Path(__file__).with_name("libraries.py")


def run(skeletons: Skeletons) -> Iterator[Row]:
    """The rows of `others`."""
    python = os.environ.get("OTHERS")
    if not python:
        raise SystemExit("`others` needs OTHERS=PYTHON, see tests/bench/others.py")
    photographs = [photograph(seed) for seed in range(32)]
    posts = [image_post(number, photographs[number % 32]) for number in range(COUNT)]
    ours = {kind: without_texts(skeletons.space(kind)) for kind in ("fp32", "int8")}
    with tempfile.TemporaryDirectory(prefix="moderator-bench-") as name:
        for number in range(COUNT):
            (Path(name) / f"{number:04}.jpg").write_bytes(photographs[number % 32])
        with Libraries(python, skeletons.folder, Path(name)) as libraries:
            measures: dict[str, Callable[[], float]] = {
                **{name: libraries.measure(name) for name in libraries.names},
                **{kind: screening(space, posts) for kind, space in ours.items()},
            }
            runs = interleaved(measures, ROUNDS)
            found = libraries.names
    for name in found:
        yield Row(name, float(np.median(runs[name])), "images/s")
        bars = (1.4, 3.2) if name == PIPELINE else (None, None)
        yield Row(f"screen() against {name}", ratio(runs, "fp32", name), bar=bars[0])
        yield Row(f"screen() in int8 against {name}", ratio(runs, "int8", name), bar=bars[1])


class Libraries:
    """A process of another environment that measures when it is told to."""

    def __init__(self, python: str, models: Path, photographs: Path) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": str(len(CORES)), "HF_HUB_OFFLINE": "1"}
        self._process = subprocess.Popen(
            [python, _SCRIPT, models, photographs],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.names = [name for name in self._line().split("\t") if name]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)

    def measure(self, name: str) -> "Measure":
        """Images a second of one of them."""
        return Measure(self, name)

    def ask(self, name: str) -> float:
        """Have it measured once."""
        assert self._process.stdin
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        return float(self._line())

    def _line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{_SCRIPT.name} ended; what it wrote stands above")
        return line.rstrip("\n")


class Measure:
    """Asks when it is called."""

    def __init__(self, libraries: Libraries, name: str) -> None:
        self._libraries = libraries
        self._name = name

    def __call__(self) -> float:
        return self._libraries.ask(self._name)

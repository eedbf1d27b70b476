"""A worker whose encoders misbehave when a post says so: `worker.py [--ms N] [--count FILE]`.

A text with the word `raises`, `nan`, `hangs` or `kills` has the encoder do that. `--ms` is what one
post costs, which bounds the worker's capacity; `--count` a file that grows by a byte an image.
"""

import argparse
import logging
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from moderator.app import run_worker
from moderator.encoders.base import Encoded, Matrix, Pixels, unit_rows
from moderator.encoders.fake import DIMENSIONS, FakeImageEncoder, FakeTextEncoder, fake_space
from moderator.errors import InferenceError
from moderator.settings import load_settings


class FaultyTextEncoder(FakeTextEncoder):
    """Works, but for certain words."""

    def __init__(self, milliseconds: float) -> None:
        super().__init__()
        self._seconds = milliseconds / 1000

    def encode(self, texts: Sequence[str]) -> Encoded:
        """See `TextEncoder`."""
        self.encoded.clear()  # it counts, for other tests; here that would be a leak
        words = {word for text in texts for word in text.split()}
        if "raises" in words:
            raise InferenceError("the encoder raises")
        if "nan" in words:
            unit_rows(np.full((len(texts), DIMENSIONS), np.nan), DIMENSIONS)
        if "hangs" in words:
            time.sleep(3600)
        if "kills" in words:
            os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(self._seconds * len(texts))
        return super().encode(texts)


class CountingImageEncoder(FakeImageEncoder):
    """Keeps count of its images in a file, because the process may be killed at any time."""

    def __init__(self, count: Path) -> None:
        self._file = count.open("ab", buffering=0)

    def __reduce__(self) -> tuple[type[FakeImageEncoder], tuple[()]]:
        # Sent to decoder processes, which prepare images and encode none.
        return FakeImageEncoder, ()

    def encode(self, images: Sequence[Pixels]) -> Matrix:
        """See `ImageEncoder`."""
        self._file.write(b"." * len(images))
        return super().encode(images)


def main() -> None:
    """Run until a signal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ms", type=float, default=0.0)
    parser.add_argument("--count", type=Path)
    given = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    space = replace(fake_space(), text=FaultyTextEncoder(given.ms))
    if given.count:
        space = replace(space, image=CountingImageEncoder(given.count))
    run_worker(load_settings(), space)


if __name__ == "__main__":
    main()

"""Encoders that cost nothing, to see what everything else costs."""

from collections.abc import Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np

from moderator.encoders.base import Calibration, Encoded, Matrix, Space, unit_rows

DIMENSIONS = 384  # as the starter's
_TABLE = 4096


def _vectors(seed: int, rows: int, dimensions: int) -> Matrix:
    table = np.random.default_rng(seed).standard_normal((rows, dimensions))
    return unit_rows(table.astype(np.float32), dimensions)


class FreeTextEncoder:
    """A vector for each text, the sum of two made beforehand: a prompt's is like no post's."""

    def __init__(self, dimensions: int = DIMENSIONS) -> None:
        self._dimensions = dimensions
        self._vectors = _vectors(1, _TABLE, dimensions)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """See `TextEncoder`."""
        codes = np.array([crc32(text.encode()) for text in texts], np.intp)
        sums = self._vectors[codes % _TABLE] + self._vectors[codes // _TABLE % _TABLE]
        return Encoded(unit_rows(sums, self._dimensions), np.arange(len(texts)))


def free_space() -> Space:
    """A text space of the starter's size over the free encoder."""
    return Space(
        name="free",
        digest="free",
        dimensions=DIMENSIONS,
        text=FreeTextEncoder(DIMENSIONS),
        image=None,
        neutral=("an ordinary day",),
        calibration={"text": _calibration(DIMENSIONS)},
    )


def with_noise(space: Space) -> Space:
    """The same encoders, calibrated on noise: a real sample would have to be embedded first."""
    calibration = _calibration(space.dimensions)
    return replace(space, calibration=dict.fromkeys(space.channels, calibration))


def without_texts(space: Space) -> Space:
    """The same image encoder; texts cost nothing, so that what is measured are images."""
    return replace(space, text=FreeTextEncoder(space.dimensions))


def _calibration(dimensions: int) -> Calibration:
    return Calibration(_vectors(0, 1024, dimensions), slope=1.5, intercept=-4.5)

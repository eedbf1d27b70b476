"""Encoders that cost nothing, so that what is left is the pipeline's own cost."""

from collections.abc import Sequence

import numpy as np

from moderator.encoders.base import Calibration, Encoded, Space, unit_rows

DIMENSIONS = 384  # as the starter's


class FreeTextEncoder:
    """Hands out vectors made beforehand, the same ones for the same number of texts."""

    def __init__(self) -> None:
        table = np.random.default_rng(1).standard_normal((8192, DIMENSIONS))
        self._vectors = unit_rows(table.astype(np.float32), DIMENSIONS)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """See `TextEncoder`; prompts, which come by the thousand, get a vector each."""
        rows = np.arange(len(texts))
        if len(texts) > len(self._vectors):
            table = np.random.default_rng(2).standard_normal((len(texts), DIMENSIONS))
            return Encoded(unit_rows(table.astype(np.float32), DIMENSIONS), rows)
        return Encoded(self._vectors[: len(texts)], rows)


def free_space() -> Space:
    """A text space of the starter's size over the free encoder."""
    background = np.random.default_rng(0).standard_normal((1024, DIMENSIONS))
    calibration = Calibration(
        unit_rows(background.astype(np.float32), DIMENSIONS), slope=1.5, intercept=-4.5
    )
    return Space(
        name="free",
        digest="free",
        dimensions=DIMENSIONS,
        text=FreeTextEncoder(),
        image=None,
        neutral=("an ordinary day",),
        calibration={"text": calibration},
    )

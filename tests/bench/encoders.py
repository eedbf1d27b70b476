"""Encoders that cost nothing, to see the pipeline's own cost, and one of production size."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from moderator.encoders.base import (
    Calibration,
    Encoded,
    ImageEncoder,
    Matrix,
    Space,
    unit_rows,
)
from moderator.encoders.image import ImageLayout, OnnxImageEncoder
from moderator.encoders.onnx import Session

DIMENSIONS = 384  # as the starter's
CLIP_DIMENSIONS = 512


def _vectors(seed: int, rows: int, dimensions: int) -> Matrix:
    table = np.random.default_rng(seed).standard_normal((rows, dimensions))
    return unit_rows(table.astype(np.float32), dimensions)


class FreeTextEncoder:
    """Hands out vectors made beforehand, the same ones for the same number of texts."""

    def __init__(self, dimensions: int = DIMENSIONS) -> None:
        self._dimensions = dimensions
        self._vectors = _vectors(1, 8192, dimensions)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """See `TextEncoder`; prompts, which come by the thousand, get a vector each."""
        rows = np.arange(len(texts))
        if len(texts) > len(self._vectors):
            return Encoded(_vectors(2, len(texts), self._dimensions), rows)
        return Encoded(self._vectors[: len(texts)], rows)


def free_space() -> Space:
    """A text space of the starter's size over the free encoder."""
    return _space("free", DIMENSIONS, None)


def clip_images(graph: Path) -> OnnxImageEncoder:
    """A CLIP ViT-B/32 image graph, such as a skeleton filled with random weights.

    Side, mean and deviation are those of OpenAI's release.
    """
    layout = ImageLayout(
        output="image_embeds",
        dimensions=CLIP_DIMENSIONS,
        side=224,
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
    )
    return OnnxImageEncoder(Session(graph, "cpu"), layout)


def clip_space(graph: Path) -> Space:
    """A space of that image encoder; its texts cost nothing and mean nothing."""
    return _space("clip", CLIP_DIMENSIONS, clip_images(graph))


def _space(name: str, dimensions: int, image: ImageEncoder | None) -> Space:
    calibration = Calibration(_vectors(0, 1024, dimensions), slope=1.5, intercept=-4.5)
    return Space(
        name=name,
        digest=name,
        dimensions=dimensions,
        text=FreeTextEncoder(dimensions),
        image=image,
        neutral=("an ordinary day",),
        calibration={"text": calibration, "image": calibration},
    )

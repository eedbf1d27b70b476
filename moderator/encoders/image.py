"""Images to unit vectors through an ONNX graph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moderator.encoders.base import Matrix, Pixels, unit_rows
from moderator.encoders.onnx import Session

# From here on only the centre is scaled, within a few levels of scaling all of it: a strip of 1 by
# 32,768 pixels, 174 bytes as a PNG, would else become half a GiB for a moment.
_MAX_ASPECT = 16


@dataclass(frozen=True)
class ImageLayout:
    """How an image graph wants its pixels: shortest side to `side`, centre crop, normalise."""

    output: str
    dimensions: int
    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resample: Image.Resampling = Image.Resampling.BICUBIC
    max_batch: int = 8  # on CPUs more gains nothing


class OnnxImageEncoder:
    """An `ImageEncoder`."""

    def __init__(self, session: Session, layout: ImageLayout) -> None:
        self._session = session
        self._layout = layout
        self._input = next(iter(session.inputs))
        # Rescaling in float64 and normalising in float32, as the reference implementation does,
        # has 256 results per colour: looking them up is exact and the fastest way there.
        levels = (np.arange(256, dtype=np.float64) * (1 / 255)).astype(np.float32)
        mean, std = np.array(layout.mean, np.float32), np.array(layout.std, np.float32)
        self._table = (levels[None, :] - mean[:, None]) / std[:, None]  # (3, 256)

    @property
    def side(self) -> int:
        """See `ImageEncoder`."""
        return self._layout.side

    @property
    def provider(self) -> str:
        """What it computes on, as onnxruntime calls it."""
        provider: str = self._session.provider
        return provider

    def prepare(self, image: Image.Image) -> Pixels:
        """See `ImageEncoder`."""
        return np.asarray(self._crop(image))

    def encode(self, images: Sequence[Pixels]) -> Matrix:
        """See `ImageEncoder`."""
        vectors = np.empty((len(images), self._layout.dimensions), np.float32)
        for start in range(0, len(images), self._layout.max_batch):
            some = images[start : start + self._layout.max_batch]
            feeds = {self._input: self.normalise(some)}
            vectors[start : start + len(some)] = unit_rows(
                self._session.run(self._layout.output, feeds), self._layout.dimensions
            )
        return vectors

    def normalise(self, images: Sequence[Pixels]) -> NDArray[np.float32]:
        """(side, side, 3) uint8 each, to (images, 3, side, side) float32."""
        side = self._layout.side
        batch = np.empty((len(images), 3, side, side), np.float32)
        for pixels, planes in zip(images, batch, strict=True):
            for colour in range(3):
                np.take(self._table[colour], pixels[..., colour], out=planes[colour])
        return batch

    def _crop(self, image: Image.Image) -> Image.Image:
        """Scale the shortest side, then cut the centre, rounded as the reference does."""
        side = self._layout.side
        short, long = sorted(image.size)
        scaled_long = int(side * long / short)
        size = (side, scaled_long) if image.width <= image.height else (scaled_long, side)
        left, top = (size[0] - side) // 2, (size[1] - side) // 2
        if scaled_long > _MAX_ASPECT * side:
            across, down = image.width / size[0], image.height / size[1]
            box = (left * across, top * down, (left + side) * across, (top + side) * down)
            return image.resize((side, side), self._layout.resample, box)
        resized = image.resize(size, self._layout.resample)
        return resized.crop((left, top, left + side, top + side))

"""Images to unit vectors through an ONNX graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moderator.encoders.base import Matrix, Pixels, unit_rows

if TYPE_CHECKING:  # decoder processes import this module, and must not load onnxruntime
    from moderator.encoders.onnx import Session

# From here on only the centre is scaled, within a few levels of scaling all of it: a strip of 1 by
# 32,768 pixels, 174 bytes as a PNG, would else become half a GiB for a moment.
_MAX_ASPECT = 16


@dataclass(frozen=True)
class ImageLayout:
    """How an image graph wants its pixels: scaled, cropped, normalised.

    The shortest side becomes `side`, and the centre of `crop` (height, width) is cut out; or, with
    `squash`, the whole image becomes that size, whatever its proportions (SigLIP).
    """

    output: str
    dimensions: int
    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    crop: tuple[int, int] | None = None  # none: side x side
    squash: tuple[int, int] | None = None
    resample: Image.Resampling = Image.Resampling.BICUBIC
    rescale: float = 1 / 255
    batch_invariant: bool = True  # False for dynamic int8, see `TextLayout`

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of what the graph gets."""
        return self.squash or self.crop or (self.side, self.side)

    def prepare(self, image: Image.Image) -> Pixels:
        """See `ImageEncoder`."""
        if self.squash is not None:
            height, width = self.squash
            return np.asarray(image.resize((width, height), self.resample))
        return np.asarray(self._crop(image))

    def _crop(self, image: Image.Image) -> Image.Image:
        """Scale the shortest side, then cut the centre, rounded down as the references do."""
        side, (height, width) = self.side, self.shape
        short, long = sorted(image.size)
        scaled_long = int(side * long / short)
        size = (side, scaled_long) if image.width <= image.height else (scaled_long, side)
        left, top = (size[0] - width) // 2, (size[1] - height) // 2
        if scaled_long > _MAX_ASPECT * side:
            across, down = image.width / size[0], image.height / size[1]
            box = (left * across, top * down, (left + width) * across, (top + height) * down)
            return image.resize((width, height), self.resample, box)
        resized = image.resize(size, self.resample)
        return resized.crop((left, top, left + width, top + height))


class OnnxImageEncoder:
    """An `ImageEncoder`."""

    def __init__(self, session: "Session", layout: ImageLayout) -> None:
        self._session = session
        self._layout = layout
        self.prepare = layout.prepare  # without the session, so that it can go to a decoder process
        self._input = next(iter(session.inputs))
        # Rescaling in float64 and normalising in float32, as the reference implementation does,
        # has 256 results per colour: looking them up is exact and the fastest way there.
        levels = (np.arange(256, dtype=np.float64) * layout.rescale).astype(np.float32)
        mean, std = np.array(layout.mean, np.float32), np.array(layout.std, np.float32)
        self._table = (levels[None, :] - mean[:, None]) / std[:, None]  # (3, 256)

    @property
    def side(self) -> int:
        """See `ImageEncoder`."""
        return self._layout.side

    @property
    def dimensions(self) -> int:
        """Of the space."""
        return self._layout.dimensions

    @property
    def provider(self) -> str:
        """What it computes on, as onnxruntime calls it."""
        provider: str = self._session.provider
        return provider

    def encode(self, images: Sequence[Pixels]) -> Matrix:
        """See `ImageEncoder`."""
        vectors = np.empty((len(images), self._layout.dimensions), np.float32)
        most = self._session.batch_rows if self._layout.batch_invariant else 1
        for start in range(0, len(images), most):
            some = images[start : start + most]
            found = self.embedded(some)
            vectors[start : start + len(some)] = unit_rows(found, self._layout.dimensions)
        return vectors

    def embedded(self, images: Sequence[Pixels]) -> NDArray[np.floating]:
        """One forward pass: (images, dimensions), not normalised. Raises InferenceError."""
        return self._session.run(self._layout.output, {self._input: self.normalise(images)})

    def warm_up(self) -> None:
        """See `Warms`."""
        blank = np.zeros((*self._layout.shape, 3), np.uint8)
        for rows in self._session.shapes.sizes:
            self.encode([blank] * rows)

    def normalise(self, images: Sequence[Pixels]) -> NDArray[np.float32]:
        """(height, width, 3) uint8 each, to (images, 3, height, width) float32."""
        batch = np.empty((len(images), 3, *self._layout.shape), np.float32)
        for pixels, planes in zip(images, batch, strict=True):
            for colour in range(3):
                np.take(self._table[colour], pixels[..., colour], out=planes[colour])
        return batch

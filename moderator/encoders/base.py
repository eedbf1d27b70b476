"""What the pipeline knows of encoders: text and images in, unit vectors out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moderator.errors import InferenceError

Matrix = NDArray[np.float32]  # (rows, dimensions), unit rows unless said otherwise
Vector = NDArray[np.float32]  # (dimensions,)
Pixels = NDArray[np.uint8]  # (height, width, 3), the size that the encoder takes

#: Part of the keys of every cache of embeddings. Raise it when our code makes something else of the
#: same input and model: its windows, tokens, pooling, normalisation.
READING_VERSION: Final = 1

_ROUNDING: Final = 1e-3  # how far the squared length of a unit vector may be from 1


class Encoded(NamedTuple):
    """Embeddings; a text that is longer than its encoder's window has several."""

    vectors: Matrix  # (readings, dimensions) float32, unit rows
    owners: NDArray[np.intp]  # (readings,) which input each row reads, ascending from 0
    # The share of the letters of an input that its encoder has no tokens for, where there are any.
    unknown: Mapping[int, float] = MappingProxyType({})
    # Inputs too long to be read whole, and how many readings that would have taken.
    cut: Mapping[int, int] = MappingProxyType({})


class TextEncoder(Protocol):
    """Embeds texts of any length into a space."""

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Every text has at least one reading. Raises InferenceError."""
        ...


class ImageEncoder(Protocol):
    """Embeds images into a space."""

    @property
    def side(self) -> int:
        """The shorter side in pixels it scales images to; decoding smaller than that is waste."""
        ...

    def prepare(self, image: Image.Image) -> Pixels:
        """Scale and crop one RGB image, so that its full size need not be kept in memory.

        It can be pickled, and so runs in decoder processes: without onnxruntime, without a graph.
        """
        ...

    def encode(self, images: Sequence[Pixels]) -> Matrix:
        """Prepared images to (images, dimensions) float32, unit rows. Raises InferenceError."""
        ...


@runtime_checkable
class Warms(Protocol):
    """An encoder that is slow at first."""

    def warm_up(self) -> None:
        """Run every shape of batch there will be, the largest first. Raises InferenceError."""
        ...


@dataclass(frozen=True)
class Calibration:
    """What turns a margin of one channel into a probability.

    The margin of a rule is standardised by its mean and spread over ``background`` (what ordinary
    content of the channel looks like in this space), then p = sigmoid(slope · z + intercept).
    """

    background: Matrix  # (sample, dimensions) float32, unit rows
    slope: float
    intercept: float


@dataclass(frozen=True)
class Space:
    """An embedding space: its encoders, and what a rule needs to be compiled into it."""

    name: str
    digest: str
    dimensions: int
    text: TextEncoder
    image: ImageEncoder | None
    neutral: tuple[str, ...]
    calibration: Mapping[str, Calibration]  # by channel
    reader: str = ""  # what reads the texts that its channel embeds in pictures, and its version

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels it reads, in the order verdicts list them."""
        return ("text",) if self.image is None else ("text", "image")


def are_unit(vectors: NDArray[np.floating]) -> bool:
    """Whether a vector, or every row of a matrix, has length 1; NaN has not.

    For what was kept outside of the process: NaN from there would score nothing, and allow all.
    """
    return bool(unit(vectors).all())


def unit(vectors: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which rows have length 1; NaN has not."""
    with np.errstate(over="ignore"):
        return np.asarray(np.abs((vectors * vectors).sum(axis=-1) - 1) < _ROUNDING)


def unit_rows(embeddings: NDArray[np.floating], dimensions: int) -> Matrix:
    """Check what came out of a model and scale each row to length 1.

    Raises InferenceError for a wrong shape, for NaN or infinity, and for rows of zeros.
    """
    if embeddings.ndim != 2 or embeddings.shape[1] != dimensions:  # noqa: PLR2004
        raise InferenceError(
            f"the encoder returned shape {embeddings.shape}, expected (rows, {dimensions})"
        )
    rows = embeddings.astype(np.float32, copy=False)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise InferenceError("the encoder returned NaN, infinity or a vector of zeros")
    unit: Matrix = rows / lengths
    return unit

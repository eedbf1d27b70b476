"""Which words and which regions of an image moved a score: what happens when each is taken away."""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moderator.encoders.base import Matrix, Pixels, Space, Vector

_WORD = re.compile(r"\S+")
_MOST_WORDS = 64  # longer texts are taken apart in as many runs of words
GRID = 8
"""Squares along a side of an occlusion map."""


class Word(NamedTuple):
    """A word, or a run of words in a long text, and how much the margin falls without it."""

    text: str
    start: int  # characters
    end: int
    effect: float


@dataclass(frozen=True)
class Regions:
    """An image and how much the margin falls with each of its squares covered."""

    pixels: Pixels
    effects: NDArray[np.float32]  # (GRID, GRID)

    def picture(self) -> Image.Image:
        """The image, red where covering it lowers the margin, blue where it raises it."""
        most = float(np.abs(self.effects).max()) or 1.0
        side = self.pixels.shape[0]
        heat = Image.fromarray(self.effects / most).resize((side, side), Image.Resampling.BILINEAR)
        strength = np.asarray(heat)[..., None]  # (side, side, 1) from -1 to 1
        colour = np.where(strength > 0, (255, 30, 30), (40, 90, 255))
        opacity = 0.65 * np.abs(strength)
        mixed = self.pixels * (1 - opacity) + colour * opacity
        scaled = Image.fromarray(mixed.clip(0, 255).astype(np.uint8))
        return scaled.resize((max(side, 448), max(side, 448)), Image.Resampling.BICUBIC)


def words(text: str, space: Space, direction: Vector) -> list[Word]:
    """Leave each word out in turn; in the order of the text. Raises InferenceError.

    Li et al. 2016, "Understanding Neural Networks through Representation Erasure".
    """
    spans = _spans(text)
    if not spans:
        return []
    margins = _margins([text, *(without(text, [span]) for span in spans)], space, direction)
    return [
        Word(text[start:end], start, end, float(margins[0] - margin))
        for (start, end), margin in zip(spans, margins[1:], strict=True)
    ]


def without(text: str, spans: list[tuple[int, int]]) -> str:
    """A text without some runs of its characters; a blank text where nothing is left."""
    kept, last = [], 0
    for start, end in sorted(spans):
        kept.append(text[last:start])
        last = end
    return " ".join(" ".join([*kept, text[last:]]).split()) or " "


def regions(pixels: Pixels, space: Space, direction: Vector) -> Regions:
    """Cover each square with the image's mean colour in turn (Zeiler & Fergus 2014, section 4.2).

    Raises InferenceError.
    """
    assert space.image is not None  # or there would be no pixels
    side = pixels.shape[0]
    edges = np.linspace(0, side, GRID + 1).astype(int)
    mean = pixels.mean(axis=(0, 1)).astype(np.uint8)
    covered = []
    for top, bottom in pairwise(edges):
        for left, right in pairwise(edges):
            copy = pixels.copy()
            copy[top:bottom, left:right] = mean
            covered.append(copy)
    vectors = space.image.encode([pixels, *covered])
    margins = vectors @ direction
    return Regions(pixels, (margins[0] - margins[1:]).reshape(GRID, GRID).astype(np.float32))


def _spans(text: str) -> list[tuple[int, int]]:
    found = [match.span() for match in _WORD.finditer(text)]
    together = -(-len(found) // _MOST_WORDS) or 1
    runs = [found[start : start + together] for start in range(0, len(found), together)]
    return [(run[0][0], run[-1][1]) for run in runs]


def _margins(texts: list[str], space: Space, direction: Vector) -> Matrix:
    """(texts,) the largest margin over each text's windows."""
    encoded = space.text.encode(texts)
    starts = np.flatnonzero(np.diff(encoded.owners, prepend=-1))
    return np.asarray(np.maximum.reduceat(encoded.vectors @ direction, starts), np.float32)

"""A space without models: words and colours hashed to vectors, the same on every machine.

For tests and benchmarks of everything but the encoders. Texts that share words are near each
other, images of like colour are, and an image is near the text that is its colour's name.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from moderator.encoders.base import Calibration, Encoded, Matrix, Pixels, Space, Vector, unit_rows
from moderator.errors import InferenceError

DIMENSIONS = 64
_COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 180, 30),
    "blue": (30, 30, 220),
    "white": (250, 250, 250),
    "black": (5, 5, 5),
}


def _vector(word: str) -> Vector:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")
    return np.random.default_rng(seed).standard_normal(DIMENSIONS).astype(np.float32)


@dataclass
class FakeTextEncoder:
    """The mean of word vectors, in windows of 50 words; counts what it was asked."""

    window_words: int = 50
    encoded: list[str] = field(default_factory=list)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """See `TextEncoder`; a text with the word `unencodable` fails."""
        self.encoded += texts
        vectors, owners = [], []
        for owner, text in enumerate(texts):
            words = text.lower().replace(".", " ").split() or [""]
            if "unencodable" in words:
                raise InferenceError("the encoder returned NaN, infinity or a vector of zeros")
            for start in range(0, len(words), self.window_words):
                window = words[start : start + self.window_words]
                vectors.append(np.mean([_vector(word) for word in window], axis=0))
                owners.append(owner)
        return Encoded(unit_rows(np.array(vectors), DIMENSIONS), np.array(owners, np.intp))


class FakeImageEncoder:
    """The vector of the nearest named colour."""

    side = 8

    def prepare(self, image: Image.Image) -> Pixels:
        """See `ImageEncoder`."""
        return np.asarray(image.resize((self.side, self.side)))

    def encode(self, images: Sequence[Pixels]) -> Matrix:
        """See `ImageEncoder`."""
        names = list(_COLOURS)
        centres = np.array(list(_COLOURS.values()))  # (colours, 3)
        means = np.array([pixels.mean(axis=(0, 1)) for pixels in images])  # (images, 3)
        nearest = ((means[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        return unit_rows(np.array([_vector(names[place]) for place in nearest]), DIMENSIONS)


def fake_space(*, images: bool = True) -> Space:
    """A `Space` over the fake encoders; deterministic."""
    background = np.random.default_rng(0).standard_normal((256, DIMENSIONS))
    calibration = Calibration(unit_rows(background, DIMENSIONS), slope=1.5, intercept=-4.5)
    return Space(
        name="fake",
        digest="fake",
        dimensions=DIMENSIONS,
        text=FakeTextEncoder(),
        image=FakeImageEncoder() if images else None,
        neutral=("an ordinary day",),
        calibration={"text": calibration, "image": calibration},
    )

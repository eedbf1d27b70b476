"""What ordinary content looks like to a space that was published without a sample of it.

Texts and pictures are ours, those of the demo's everyday posts; the space itself embeds them.
"""

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeGuard

import numpy as np
from PIL import Image

from moderator.cache.base import VectorCache
from moderator.demo.samples.everyday import EVERYDAY
from moderator.demo.samples.pictures import draw_picture
from moderator.demo.samples.topics import fill
from moderator.encoders.base import (
    READING_VERSION,
    Calibration,
    Encoded,
    ImageEncoder,
    Matrix,
    TextEncoder,
    Vector,
    are_unit,
)
from moderator.encoders.card import Logistic

#: Raised whenever the sample, the neutral prompts or the logistic change: it is part of a space's
#: digest, because it decides scores.
VERSION: Final = "background 1"

#: The other side of every rule, beside what the rule itself allows; those of the starter.
NEUTRAL: Final = (
    "An ordinary post about everyday life.",
    "A friendly message to a friend.",
    "A comment about the weather, food or travel.",
    "A question about work, school or software.",
    "A news report about current events.",
    "Someone shares an opinion politely.",
    "A post about sports, music or films.",
    "A photo of people in daily life.",
    "A picture of a place, an animal or an object.",
    "A short note about family and friends.",
)

#: From deviations above this sample to log-odds, where a space has no fit of its own. They are the
#: starter's, which were fitted on labelled posts (3 % positives assumed), moved to this sample: it
#: is tamer than a stream, so real posts lie farther out. With the sample policies, what 2 % to
#: 0.15 % of real ordinary posts exceed is not z but 1.23 z + 0.64 with the starter and
#: 1.34 z + 0.38 with all-MiniLM-L6-v2 (the mean is used), that of real pictures 1.43 z - 0.12 with
#: the starter.
LOGISTICS: Final[Mapping[str, Logistic]] = {
    "text": Logistic(slope=0.865, intercept=-4.69),
    "image": Logistic(slope=0.961, intercept=-5.051),
}

_SEED: Final = 2026
_FILLS: Final = 4  # of each sentence with blanks
_DRAWINGS: Final = 6  # of each subject
_SUBJECTS: Final = (
    "sunset",
    "mountains",
    "houses",
    "beach",
    "night_sky",
    "kitchen",
    "coffee",
    "pizza",
    "flowers",
    "cat",
    "lamp",
    "table",
    "book",
    "bicycle",
    "receipt",
    "bar_chart",
    "line_chart",
    "gradient",
    "childs_drawing",
)


def texts() -> list[str]:
    """A few hundred short posts, comments, listings and notes, the same ones every time."""
    rng = random.Random(_SEED)  # noqa: S311 - variety, not secrecy
    return list(
        dict.fromkeys(
            fill(template, rng)
            for topics in EVERYDAY.values()
            for topic in topics
            for template in topic.templates
            for _ in range(_FILLS)
        )
    )


def pictures() -> Iterator[Image.Image]:
    """About a hundred drawings of ordinary things, 320 x 240 RGB, the same ones every time."""
    rng = random.Random(_SEED)  # noqa: S311 - variety, not secrecy
    for subject in _SUBJECTS:
        for _ in range(_DRAWINGS):
            yield draw_picture(subject, rng)


class OwnBackground(Mapping[str, Calibration]):
    """The calibration of each channel, its sample embedded when it is first asked for.

    That takes a pass over 270 texts and 114 pictures, seconds on a CPU and minutes with a large
    image encoder; a cache that workers share saves all but the first of them from it, and a
    `background.npz` beside the models everybody.
    """

    def __init__(
        self,
        text: TextEncoder,
        image: ImageEncoder | None,
        logistics: Mapping[str, Logistic],
        kept: "Kept",
    ) -> None:
        self._encoders: dict[str, Callable[[], Matrix]] = {
            "text": lambda: _first_readings(text.encode(texts()))
        }
        if image is not None:
            self._encoders["image"] = lambda: image.encode([image.prepare(p) for p in pictures()])
        self._logistics = logistics
        self._kept = kept
        self._made: dict[str, Calibration] = {}
        self._lock = threading.Lock()

    def __getitem__(self, channel: str) -> Calibration:
        """Raises InferenceError when the encoder fails."""
        with self._lock:
            if channel not in self._made:
                sample = self._kept.sample(channel, self._encoders[channel])
                logistic = self._logistics[channel]
                self._made[channel] = Calibration(sample, logistic.slope, logistic.intercept)
            return self._made[channel]

    def __iter__(self) -> Iterator[str]:
        return iter(self._encoders)

    def __len__(self) -> int:
        return len(self._encoders)


class Kept:
    """Samples in a cache, which need not have them."""

    def __init__(self, cache: VectorCache | None, digest: str, dimensions: int) -> None:
        self._cache = cache
        self._digest = digest
        self._dimensions = dimensions

    def sample(self, channel: str, encode: Callable[[], Matrix]) -> Matrix:
        """(sample, dimensions) float32, unit rows: as kept, else as `encode` gives them."""
        if self._cache is None:
            return encode()
        rows = len(texts()) if channel == "text" else len(_SUBJECTS) * _DRAWINGS
        keys = [
            f"background:{READING_VERSION}:{self._digest}:{channel}:{row}" for row in range(rows)
        ]
        found = [vector for vector in self._cache.get(keys) if self._is_unit(vector)]
        if len(found) == rows:
            return np.stack(found)
        sample = encode()
        self._cache.put(dict(zip(keys, sample, strict=True)))
        return sample

    def _is_unit(self, vector: Vector | None) -> TypeGuard[Vector]:
        return vector is not None and vector.shape == (self._dimensions,) and are_unit(vector)


def _first_readings(encoded: Encoded) -> Matrix:
    """One row a text; ours are shorter than any window."""
    return encoded.vectors[np.flatnonzero(np.diff(encoded.owners, prepend=-1))]

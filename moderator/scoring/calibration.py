"""From margins, which mean nothing to an author, to probabilities.

Everything here is affine in log-odds, so a calibrated rule costs one multiplication and one
addition per post: log-odds = gain · margin + offset.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from moderator.encoders.base import Calibration

FloatOrArray = TypeVar("FloatOrArray", float, NDArray[np.float32])


class Affine(NamedTuple):
    """The calibration of every rule in one channel."""

    gain: NDArray[np.float32]  # (rules,), positive
    offset: NDArray[np.float32]  # (rules,)

    def log_odds(self, margins: NDArray[np.float32]) -> NDArray[np.float32]:
        """(posts, rules) to (posts, rules)."""
        logits = margins * self.gain
        logits += self.offset
        return logits


def standardise(
    calibration: Calibration,
    directions: NDArray[np.float32],
    slope: NDArray[np.float32] | None = None,
    intercept: NDArray[np.float32] | None = None,
) -> Affine:
    """Fold mean, spread and logistic into one gain and offset for each column of `directions`.

    z = (margin - mean) / spread over the background sample; log-odds = slope · z + intercept.
    `slope` and `intercept`, (rules,), are the space's own where they are not given.
    """
    background = calibration.background @ directions  # (sample, rules)
    mean, spread = background.mean(axis=0), background.std(axis=0)
    gain = (calibration.slope if slope is None else slope) / np.maximum(spread, 1e-6)
    return Affine(gain, (calibration.intercept if intercept is None else intercept) - gain * mean)


def sigmoid(log_odds: FloatOrArray) -> FloatOrArray:
    """1 / (1 + exp(-x)), without overflow."""
    result: FloatOrArray = 0.5 * (1.0 + np.tanh(0.5 * log_odds))
    return result


def logit(probability: float) -> float:
    """The inverse of `sigmoid`, for 0 < probability < 1."""
    return float(np.log(probability) - np.log1p(-probability))

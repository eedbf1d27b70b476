"""From margins, which mean nothing to an author, to probabilities.

Almost everything here is affine in log-odds, so a calibrated rule costs one multiplication and one
addition per post: log-odds = gain · margin + offset. A rule with a curve costs a look-up more.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from moderator.encoders.base import Calibration

FloatOrArray = TypeVar("FloatOrArray", float, NDArray[np.float32])


class Curve(NamedTuple):
    """A bent line from the log-odds of a logistic to those that labels have shown.

    Beyond its ends, where there were no labels, it goes on almost level: no post is called surer
    than the surest that somebody has looked at, and posts keep their order.
    """

    at: NDArray[np.float32]  # (knots,) log-odds of the logistic, rising
    log_odds: NDArray[np.float32]  # (knots,) not falling

    def __call__(self, logits: NDArray[np.floating]) -> NDArray[np.float32]:
        """Any shape to the same shape."""
        beyond = logits - np.clip(logits, self.at[0], self.at[-1])
        bent = np.interp(logits, self.at, self.log_odds) + _BEYOND * beyond
        return np.asarray(bent, np.float32)


_BEYOND = 0.01  # the slope of a curve beyond its ends


class Scale(NamedTuple):
    """The calibration of every rule in one channel: from margins to log-odds."""

    gain: NDArray[np.float32]  # (rules,), positive
    offset: NDArray[np.float32]  # (rules,)
    curves: Mapping[int, Curve] = {}  # by column, of the few rules that have one

    def log_odds(self, margins: NDArray[np.float32]) -> NDArray[np.float32]:
        """(posts, rules) to (posts, rules)."""
        logits = margins * self.gain
        logits += self.offset
        for column, curve in self.curves.items():
            logits[:, column] = curve(logits[:, column])
        return logits

    def of_rule(self, column: int, margins: NDArray[np.float32]) -> NDArray[np.float32]:
        """(posts,) to (posts,), of one rule."""
        logits = self.gain[column] * margins + self.offset[column]
        curve = self.curves.get(column)
        return logits if curve is None else curve(logits)


def standardise(
    calibration: Calibration,
    directions: NDArray[np.float32],
    slope: NDArray[np.float32] | None = None,
    intercept: NDArray[np.float32] | None = None,
) -> Scale:
    """Fold mean, spread and logistic into one gain and offset for each column of `directions`.

    z = (margin - mean) / spread over the background sample; log-odds = slope · z + intercept.
    `slope` and `intercept`, (rules,), are the space's own where they are not given.
    """
    background = calibration.background @ directions  # (sample, rules)
    mean, spread = background.mean(axis=0), background.std(axis=0)
    gain = (calibration.slope if slope is None else slope) / np.maximum(spread, 1e-6)
    return Scale(gain, (calibration.intercept if intercept is None else intercept) - gain * mean)


def sigmoid(log_odds: FloatOrArray) -> FloatOrArray:
    """1 / (1 + exp(-x)), without overflow."""
    result: FloatOrArray = 0.5 * (1.0 + np.tanh(0.5 * log_odds))
    return result


def logit(probability: float) -> float:
    """The inverse of `sigmoid`, for 0 < probability < 1."""
    return float(np.log(probability) - np.log1p(-probability))

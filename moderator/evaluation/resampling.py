"""What a ranking of posts is worth, on those posts and on draws of them with replacement.

A draw is a count for each post (Efron 1979): what is drawn twice weighs twice. So the posts are
ranked once, and every threshold of every draw is a sum over the same order.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Truth = NDArray[np.bool_]  # (posts,)
Scores = NDArray[np.float64]  # (posts,) probabilities; NaN where nothing was read
Counts = NDArray[np.uint8]  # (draws, posts) how often each was drawn; in the first row, once
Values = NDArray[np.float64]  # (draws,) a statistic; NaN where the draw does not define it

RESAMPLES = 500
_CELLS = 2_000_000  # of a matrix of draws and posts held at a time, 16 MB


class Figure(NamedTuple):
    """A statistic and its 95 % interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


UNDEFINED = Figure(np.nan, np.nan, np.nan)


class Curve(NamedTuple):
    """How many posts of a draw are at or above each threshold, the highest threshold first."""

    true: NDArray[np.float64]  # (draws, thresholds)
    false: NDArray[np.float64]

    @property
    def precision(self) -> NDArray[np.float64]:
        """(draws, thresholds); 0 where nothing drawn is above."""
        share: NDArray[np.float64] = self.true / np.maximum(self.true + self.false, 1)
        return share

    @property
    def recall(self) -> NDArray[np.float64]:
        """(draws, thresholds)."""
        share: NDArray[np.float64] = self.true / self.true[:, -1:]
        return share


Statistic = Callable[[Curve], Values]


def draw(posts: int, resamples: int = RESAMPLES) -> Counts:
    """The posts themselves, and draws of as many of them; the same each time."""
    random = np.random.default_rng(0)
    counts = np.ones((resamples + 1, posts), np.uint8)
    for row in counts[1:] if posts else ():
        row[:] = np.bincount(random.integers(0, posts, posts), minlength=posts)
    return counts


def on_draws(statistic: Statistic, truth: Truth, scores: Scores, counts: Counts) -> Values:
    """A statistic of every draw; posts without a score are left out."""
    read = ~np.isnan(scores)
    truth, scores, counts = truth[read], scores[read], counts[:, read]
    values = np.full(len(counts), np.nan)
    if not truth.any() or truth.all():
        return values
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], np.True_))  # of those that tie
    step = max(1, _CELLS // len(truth))
    for start in range(0, len(counts), step):
        drawn = counts[start : start + step, order].astype(np.float64)
        true = np.cumsum(drawn * truth[order], axis=1)[:, last]
        curve = Curve(true, np.cumsum(drawn, axis=1)[:, last] - true)
        both = (curve.true[:, -1] > 0) & (curve.false[:, -1] > 0)
        values[start : start + step][both] = statistic(Curve(curve.true[both], curve.false[both]))
    return values


def figure(values: Values) -> Figure:
    """The statistic of the posts as they are, and the middle 95 % of it over the draws."""
    drawn = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or not len(drawn):
        return UNDEFINED
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Figure(float(values[0]), float(low), float(high))


def average_precision(curve: Curve) -> Values:
    """The mean precision over the positives; by chance their share."""
    steps = np.diff(curve.true, axis=1, prepend=0)
    area: Values = (steps * curve.precision).sum(axis=1) / curve.true[:, -1]
    return area


def auroc(curve: Curve) -> Values:
    """The chance that a positive is above a negative, ties counted half."""
    middle = curve.true - np.diff(curve.true, axis=1, prepend=0) / 2
    pairs = (np.diff(curve.false, axis=1, prepend=0) * middle).sum(axis=1)
    share: Values = pairs / (curve.true[:, -1] * curve.false[:, -1])
    return share


def best_f1(curve: Curve) -> Values:
    """The largest harmonic mean of precision and recall over all thresholds."""
    means = 2 * curve.true / (curve.true + curve.false + curve.true[:, -1:])
    best: Values = means.max(axis=1)
    return best


def precision_at(recall: float) -> Statistic:
    """The best precision of any threshold that finds at least this share of the positives."""

    def best(curve: Curve) -> Values:
        found: Values = np.where(curve.recall >= recall, curve.precision, 0).max(axis=1)
        return found

    return best

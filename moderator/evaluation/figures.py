"""Figures of merit of scores against labels, with bootstrap intervals."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from moderator.scoring.reliability import calibration_error

Truth = NDArray[np.bool_]  # (n,)
Scores = NDArray[np.float64]  # (n,) probabilities
Statistic = Callable[[Truth, Scores], float]

RESAMPLES = 500
_RECALLS = (0.5, 0.8)


class Figure(NamedTuple):
    """A statistic and its 95 % interval over resampled posts; NaN where it is not defined."""

    value: float
    low: float
    high: float


class Merit(NamedTuple):
    """How well scores tell posts apart, and whether they are probabilities."""

    posts: int
    positives: int
    ap: Figure  # average precision; by chance the share of positives
    auroc: Figure
    precision_at: dict[float, float]  # by recall
    best_f1: float
    ece: float


def merit(truth: Truth, scores: Scores, *, resamples: int = RESAMPLES) -> Merit:
    """Measure the posts that have a score."""
    read = ~np.isnan(scores)
    truth, scores = truth[read], scores[read]
    both = truth.any() and not truth.all()
    return Merit(
        posts=len(truth),
        positives=int(truth.sum()),
        ap=interval(average_precision_score, truth, scores, resamples),
        auroc=interval(roc_auc_score, truth, scores, resamples),
        precision_at={
            recall: precision_at(truth, scores, recall) if both else np.nan for recall in _RECALLS
        },
        best_f1=best_f1(truth, scores) if both else np.nan,
        ece=calibration_error(truth, scores) if len(truth) else np.nan,
    )


def interval(statistic: Statistic, truth: Truth, scores: Scores, resamples: int) -> Figure:
    """The statistic, and the middle 95 % of it over posts drawn with replacement (Efron 1979)."""
    if not truth.any() or truth.all():
        return Figure(np.nan, np.nan, np.nan)
    random = np.random.default_rng(0)
    found = []
    for _ in range(resamples):
        drawn = random.integers(0, len(truth), len(truth))
        if truth[drawn].any() and not truth[drawn].all():
            found.append(statistic(truth[drawn], scores[drawn]))
    low, high = np.percentile(found, (2.5, 97.5)) if found else (np.nan, np.nan)
    return Figure(float(statistic(truth, scores)), float(low), float(high))


def gain(
    statistic: Statistic, truth: Truth, ours: Scores, theirs: Scores, resamples: int = RESAMPLES
) -> Figure:
    """How much better one score is than another on the same posts; paired bootstrap."""
    both = np.stack([ours, theirs])
    places = np.arange(len(truth), dtype=np.float64)

    def difference(labels: Truth, drawn: Scores) -> float:
        first, second = both[:, drawn.astype(np.intp)]
        return float(statistic(labels, first) - statistic(labels, second))

    return interval(difference, truth, places, resamples)


def precision_at(truth: Truth, scores: Scores, recall: float) -> float:
    """The best precision of any threshold that finds at least this share of the positives."""
    precisions, recalls, _ = precision_recall_curve(truth, scores)
    return float(precisions[recalls >= recall].max())


def best_f1(truth: Truth, scores: Scores) -> float:
    """The largest harmonic mean of precision and recall over all thresholds."""
    precisions, recalls, _ = precision_recall_curve(truth, scores)
    total = precisions + recalls
    return float((2 * precisions * recalls / np.where(total > 0, total, 1)).max())

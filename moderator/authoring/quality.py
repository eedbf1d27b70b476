"""How good scores are against labels: each figure with a bootstrap interval."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.extras import needed
from moderator.scoring.reliability import calibration_error

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]

_RESAMPLES = 300


class Interval(NamedTuple):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def quality(scores: Floats, labels: Labels, threshold: float) -> dict[str, Interval]:
    """Precision and recall from the threshold on, average precision, expected calibration error.

    Percentile bootstrap over posts (Efron & Tibshirani 1993), seeded. A figure that is not defined
    on the labels, such as the precision of a rule that never fires, is NaN.
    """
    figures = _figures(threshold)
    rng = np.random.default_rng(0)
    draws: dict[str, list[float]] = {name: [] for name in figures}
    for _ in range(_RESAMPLES):
        chosen = rng.integers(len(labels), size=len(labels))
        if not labels[chosen].any():
            continue
        for name, figure in figures.items():
            draws[name].append(figure(scores[chosen], labels[chosen]))
    return {
        name: _interval(figure(scores, labels), draws[name]) for name, figure in figures.items()
    }


def _figures(threshold: float) -> Mapping[str, Callable[[Floats, Labels], float]]:
    average_precision = needed("sklearn.metrics", "calibrate").average_precision_score

    def precision(scores: Floats, labels: Labels) -> float:
        fired = scores >= threshold
        return float(labels[fired].mean()) if fired.any() else float("nan")

    def recall(scores: Floats, labels: Labels) -> float:
        return float((scores[labels == 1] >= threshold).mean())

    return {
        "precision": precision,
        "recall": recall,
        "AP": lambda scores, labels: float(average_precision(labels, scores)),
        "ECE": lambda scores, labels: calibration_error(labels, scores),
    }


def _interval(value: float, draws: list[float]) -> Interval:
    kept = [draw for draw in draws if not np.isnan(draw)]
    if not kept:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.percentile(kept, [2.5, 97.5])
    # Resampling adds noise, and noise adds to a calibration error: its interval may lie too high.
    return Interval(value, min(float(low), value), max(float(high), value))

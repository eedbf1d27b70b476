"""A measured value with its bootstrap interval and its chance level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

if TYPE_CHECKING:
    from collections.abc import Callable

RESAMPLES = 300


@dataclass(frozen=True)
class Figure:
    """One measured value with its bootstrap interval and what guessing would give."""

    name: str
    encoder: str
    value: float
    low: float
    high: float
    chance: float
    count: int
    note: str = ""


def interval(measure: Callable[[np.ndarray], float], count: int, seed: int = 5) -> tuple[float, float]:
    """2.5 and 97.5 percentiles of `measure` over resampled row indices; draws without both classes are skipped."""
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(RESAMPLES):
        try:
            values.append(measure(rng.integers(0, count, count)))
        except ValueError:
            continue
    values = [v for v in values if np.isfinite(v)]
    return float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5))


def auroc(name: str, encoder: str, truth: np.ndarray, score: np.ndarray, note: str = "") -> Figure:
    """Area under the ROC curve; chance is 0.5."""
    low, high = interval(lambda i: both(roc_auc_score, truth[i], score[i]), len(truth))
    return Figure(
        f"{name} AUROC",
        encoder,
        float(roc_auc_score(truth, score)),
        low,
        high,
        0.5,
        len(truth),
        note,
    )


def precision(name: str, encoder: str, truth: np.ndarray, score: np.ndarray, note: str = "") -> Figure:
    """Average precision; chance is the share of positives."""
    low, high = interval(lambda i: both(average_precision_score, truth[i], score[i]), len(truth))
    value = float(average_precision_score(truth, score))
    return Figure(name, encoder, value, low, high, float(truth.mean()), len(truth), note)


def both(measure: Callable[..., float], truth: np.ndarray, score: np.ndarray) -> float:
    """The measure, or NaN where a class is missing."""
    return float(measure(truth, score)) if 0 < truth.sum() < len(truth) else float("nan")


def show(figures: list[Figure]) -> None:
    """Print as a Markdown table."""
    print("| set | encoder | value | 95 % interval | chance | n | note |\n|---|---|---|---|---|---|---|")
    for f in figures:
        mark = "" if f.low > f.chance else " **(not above chance)**"
        cells = (f"{f.value:.3f}", f"{f.low:.3f}–{f.high:.3f}{mark}", f"{f.chance:.3f}", f"{f.count}", f.note)
        print("|", " | ".join((f.name, f.encoder, *cells)), "|")

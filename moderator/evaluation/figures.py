"""Figures of merit of scores against labels, each with an interval."""

from typing import NamedTuple

import numpy as np

from moderator.evaluation.resampling import (
    UNDEFINED,
    Counts,
    Figure,
    Scores,
    Truth,
    auroc,
    average_precision,
    best_f1,
    draw,
    figure,
    on_draws,
    precision_at,
)
from moderator.scoring.reliability import calibration_error

_RECALLS = (0.5, 0.8)


class Merit(NamedTuple):
    """How well scores tell posts apart, and whether they are probabilities."""

    posts: int
    positives: int
    ap: Figure  # average precision; by chance the share of positives
    auroc: Figure
    precision_at: dict[float, Figure]  # by recall
    best_f1: Figure
    ece: Figure


def merit(truth: Truth, scores: Scores, counts: Counts | None = None) -> Merit:
    """Measure the posts that have a score, on draws of them (by default draws of their own)."""
    counts = draw(len(truth)) if counts is None else counts
    read = ~np.isnan(scores)
    truth, scores, counts = truth[read], scores[read], counts[:, read]
    return Merit(
        posts=len(truth),
        positives=int(truth.sum()),
        ap=figure(on_draws(average_precision, truth, scores, counts)),
        auroc=figure(on_draws(auroc, truth, scores, counts)),
        precision_at={
            recall: figure(on_draws(precision_at(recall), truth, scores, counts))
            for recall in _RECALLS
        },
        best_f1=figure(on_draws(best_f1, truth, scores, counts)),
        ece=calibration_figure(truth, scores, counts),
    )


def calibration_figure(truth: Truth, scores: Scores, counts: Counts) -> Figure:
    """The calibration error, with an interval that allows for what noise alone adds to it.

    A draw is noisier than the posts are, and noise only ever adds: so the draws are reflected about
    the value (Davison & Hinkley 1997, 5.2), and the interval reaches down to 0 where posts whose
    scores are right would give as much by chance (Bröcker & Smith 2007).
    """
    if not len(truth):
        return UNDEFINED
    random = np.random.default_rng(0)
    value = calibration_error(truth, scores)
    drawn = [
        calibration_error(np.repeat(truth, row), np.repeat(scores, row))
        for row in counts[1:]
        if row.any()
    ]
    if not drawn:
        return UNDEFINED
    low, high = 2 * value - np.percentile(drawn, (97.5, 2.5))
    chance = [calibration_error(random.random(len(scores)) < scores, scores) for _ in drawn]
    if value <= np.percentile(chance, 97.5):
        low = 0.0
    return Figure(value, min(value, max(0.0, float(low))), max(value, float(high)))

"""Whether scores are probabilities: what they promise against what is true, in bins."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_BINS = 15  # as Guo et al., "On Calibration of Modern Neural Networks" (2017)


class Bin(NamedTuple):
    """Posts of like scores: what the score says, and what is true."""

    posts: int
    score: float
    positive: float


def reliability(truth: NDArray[np.generic], scores: NDArray[np.float64]) -> list[Bin]:
    """Equal-width bins of (posts,) scores; empty ones are left out."""
    place = np.minimum((scores * _BINS).astype(int), _BINS - 1)
    return [
        Bin(int(here.sum()), float(scores[here].mean()), float(truth[here].mean()))
        for number in range(_BINS)
        if (here := place == number).any()
    ]


def calibration_error(truth: NDArray[np.generic], scores: NDArray[np.float64]) -> float:
    """Expected calibration error (Naeini et al. 2015): the mean gap of the bins, by posts."""
    bins = reliability(truth, scores)
    return sum(each.posts * abs(each.score - each.positive) for each in bins) / len(truth)

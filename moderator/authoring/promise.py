"""The score from which a precision can be promised of posts that nobody has labelled.

The lowest score at which labels happen to be that precise is the best of many, so that most of such
scores promise too much. Here ranks are tested in an order fixed beforehand, from the highest scores
down, until one fails: fixed sequence testing with several starts (Angelopoulos, Bates, Candès,
Jordan and Lei, "Learn then Test", 2021). The test is the exact binomial one: given where a rank
ends, the posts above it are a plain sample of all that score as much.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.extras import needed

CONFIDENCE = 0.95
"""How sure a promise is: of all that are made, so many are kept at least."""

_DIGITS = 1e6  # scores are published with six, and compared as published
_MOST = 100  # times as many labels as there are: to ask for more helps nobody


class Cut(NamedTuple):
    """A score from which a rule may act, and what labels say of it."""

    score: float
    fired: int  # labelled posts from there on
    hits: int  # of them, those that violate

    def __str__(self) -> str:
        return f"from score {self.score:.3f}, where {self.hits} of {self.fired} posts violate"


class _Ranks(NamedTuple):
    """Posts by falling score, at each place where equal scores end."""

    scores: NDArray[np.float64]  # (ranks,)
    fired: NDArray[np.intp]  # (ranks,)
    hits: NDArray[np.intp]  # (ranks,)


def cut_for_precision(
    scores: NDArray[np.float64], labels: NDArray[np.int8], precision: float
) -> Cut | None:
    """The lowest score that a post labelled 1 has and that keeps the promise; None without one.

    Only where such a post stands: below it, down to the next one, labels say nothing.
    """
    ranks, lowest = _ranked(scores, labels), -1
    doubts = _doubts(ranks.hits, ranks.fired, precision)
    starts, share = _starts(int(labels.sum()), precision)
    for start in starts:
        first = int(np.searchsorted(ranks.fired, start))
        failed = np.flatnonzero(doubts[first:] > share)
        end = first + int(failed[0]) if len(failed) else len(doubts)
        if end > first:
            lowest = end - 1
    if lowest < 0:
        return None
    last = int(np.searchsorted(ranks.hits, ranks.hits[lowest]))  # the post labelled 1
    score = math.floor(ranks.scores[last] * _DIGITS) / _DIGITS
    within = min(max(score, 1 / _DIGITS), 1 - 1 / _DIGITS)
    return Cut(within, int(ranks.fired[last]), int(ranks.hits[last]))


def fewest_for(precision: float, starts: int = 1) -> int:
    """How many posts must fire to promise a precision where all of them violate."""
    return math.ceil(math.log((1 - CONFIDENCE) / starts) / math.log(precision))


def why_not(scores: NDArray[np.float64], labels: NDArray[np.int8], precision: float) -> str:
    """Why no score keeps a promise, and how many labels it would take."""
    fewest, violates = fewest_for(precision), int(labels.sum())
    if violates < fewest:
        return f"needs {fewest} posts labelled 1 at the very least, has {violates}"
    ranks, (first, *_) = _ranked(scores, labels), _starts(violates, precision)[0]
    enough = ranks.fired >= first
    best = int((np.where(enough, ranks.hits, 0) / ranks.fired).argmax())
    hits, fired = int(ranks.hits[best]), int(ranks.fired[best])
    said = f"at its surest {hits} of {fired} posts violate"
    for times in range(2, _MOST):
        _, share = _starts(times * violates, precision)
        if _doubts(times * hits, times * fired, precision) <= share:
            return f"{said}; to be sure of it takes about {times * len(labels)} labels like these"
    return f"{said}, which is not enough; improve the prompts, or ask for less"


def _ranked(scores: NDArray[np.float64], labels: NDArray[np.int8]) -> _Ranks:
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(labels[order], dtype=np.intp)
    ends = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], np.True_))
    return _Ranks(ranked[ends], ends + 1, hits[ends])


def _starts(violates: int, precision: float) -> tuple[list[int], float]:
    """Ranks to begin at, each twice the one before, and the share of the doubt that each has.

    More than `violates / precision` posts cannot fire and be that precise.
    """
    most, count = violates / precision, 1
    while fewest_for(precision, count + 1) * 2**count <= most:
        count += 1
    first = fewest_for(precision, count)
    return [first * 2**number for number in range(count)], (1 - CONFIDENCE) / count


def _doubts(hits: Any, fired: Any, precision: float) -> Any:
    """How probable so many hits are where the precision is just missed."""
    return needed("scipy.stats", "calibrate").binom.sf(hits - 1, fired, precision)

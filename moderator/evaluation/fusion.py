"""What late fusion gives: each channel alone, each way to fuse, and a head trained on labels."""

from collections.abc import Mapping
from typing import NamedTuple, get_args

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from moderator.evaluation.answers import FUSED, Answers
from moderator.evaluation.resampling import (
    Counts,
    Figure,
    Scores,
    Truth,
    Values,
    auroc,
    figure,
    on_draws,
)
from moderator.scoring.fusion import Fusion, fuse

_FOLDS = 5
_TINY = 1e-6


class FusionRow(NamedTuple):
    """One way to a score, on posts that have every channel."""

    way: str
    auroc: Figure
    gain: Figure | None  # over the better single channel; None for a single channel


def compare(answers: Answers, counts: Counts) -> list[FusionRow]:
    """Every way to fuse the channels of a task. Empty with less than two channels.

    Which channel is the better one is asked of each draw anew: asked of the posts once, it would be
    the one that they happen to favour, and no interval would say so.
    """
    channels = {name: scores for name, scores in answers.scores.items() if name != FUSED}
    if len(channels) < 2:  # noqa: PLR2004
        return []
    read = ~np.isnan(np.stack(list(channels.values()))).any(axis=0)
    truth, counts = answers.truth[read], counts[:, read]
    if not truth.any() or truth.all():
        return []
    odds = {name: _log_odds(scores[read]) for name, scores in channels.items()}
    ways = _ways(odds, truth) | {"as the rule says": _log_odds(answers.scores[FUSED][read])}

    def values(scores: Scores) -> Values:
        return on_draws(auroc, truth, scores, counts)

    alone = {name: values(scores) for name, scores in odds.items()}
    better = np.max(list(alone.values()), axis=0)
    fused = {way: values(scores) for way, scores in ways.items()}
    return [
        *(FusionRow(f"{name} only", figure(found), None) for name, found in alone.items()),
        *(FusionRow(way, figure(found), figure(found - better)) for way, found in fused.items()),
    ]


def _ways(odds: Mapping[str, Scores], truth: Truth) -> dict[str, Scores]:
    stacked = np.stack(list(odds.values())).astype(np.float32)[:, :, None]  # (channels, posts, 1)
    present = np.ones(stacked.shape, np.bool_)
    weights = np.ones((len(odds), 1), np.float32)
    kinds = [kind for kind in get_args(Fusion) if kind != "learned"]
    ways = {kind: fuse(kind, stacked, present, weights)[:, 0].astype(np.float64) for kind in kinds}
    if min(truth.sum(), (~truth).sum()) < _FOLDS:  # a fold would have none of a kind to learn
        return ways
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    features = np.stack(list(odds.values()), axis=1)
    head = cross_val_predict(
        LogisticRegression(), features, truth, cv=folds, method="decision_function"
    )
    return {**ways, f"learned, {_FOLDS}-fold": head}


def _log_odds(scores: Scores) -> Scores:
    inside = np.clip(scores, _TINY, 1 - _TINY)
    odds: Scores = np.log(inside) - np.log1p(-inside)
    return odds

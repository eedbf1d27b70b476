"""What late fusion gives: each channel alone, each way to fuse, and a head trained on labels."""

from collections.abc import Mapping
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from moderator.evaluation.answers import FUSED, Answers
from moderator.evaluation.figures import RESAMPLES, Figure, gain, interval
from moderator.scoring.fusion import Fusion, fuse

_FOLDS = 5
_TINY = 1e-6


class FusionRow(NamedTuple):
    """One way to a score, on posts that have every channel."""

    way: str
    auroc: Figure
    gain: Figure | None  # over the better single channel; None for a single channel


def compare(answers: Answers, *, resamples: int = RESAMPLES) -> list[FusionRow]:
    """Every way to fuse the channels of a task. Empty with less than two channels."""
    channels = {name: scores for name, scores in answers.scores.items() if name != FUSED}
    if len(channels) < 2:  # noqa: PLR2004
        return []
    read = ~np.isnan(np.stack(list(channels.values()))).any(axis=0)
    truth = answers.truth[read]
    if not truth.any() or truth.all():
        return []
    odds = {name: _log_odds(scores[read]) for name, scores in channels.items()}
    best = max(odds.values(), key=lambda scores: roc_auc_score(truth, scores))
    rows = [
        FusionRow(f"{name} only", _auroc(truth, scores, resamples), None)
        for name, scores in odds.items()
    ]
    ways = _ways(odds, truth) | {"as the rule says": _log_odds(answers.scores[FUSED][read])}
    for way, scores in ways.items():
        better = gain(roc_auc_score, truth, scores, best, resamples)
        rows.append(FusionRow(way, _auroc(truth, scores, resamples), better))
    return rows


def _ways(
    odds: Mapping[str, NDArray[np.float64]], truth: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    stacked = np.stack(list(odds.values())).astype(np.float32)[:, :, None]  # (channels, posts, 1)
    present = np.ones(stacked.shape, np.bool_)
    weights = np.ones((len(odds), 1), np.float32)
    kinds = [kind for kind in get_args(Fusion) if kind != "learned"]
    ways = {kind: fuse(kind, stacked, present, weights)[:, 0].astype(np.float64) for kind in kinds}
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    features = np.stack(list(odds.values()), axis=1)
    head = cross_val_predict(
        LogisticRegression(), features, truth, cv=folds, method="decision_function"
    )
    return {**ways, f"learned, {_FOLDS}-fold": head}


def _log_odds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(scores, _TINY, 1 - _TINY)
    odds: NDArray[np.float64] = np.log(inside) - np.log1p(-inside)
    return odds


def _auroc(truth: NDArray[np.bool_], scores: NDArray[np.float64], resamples: int) -> Figure:
    return interval(roc_auc_score, truth, scores, resamples)
